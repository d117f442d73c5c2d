/* Signatures of X.509's kind: an AlgorithmIdentifier, a SubjectPublicKeyInfo, bytes and a signature (RFC 5280, 4055, 5758,
 * 8410), by libcrypto.
 *
 * What is signed can come in pieces: it is hashed as it comes, and whose key it was is asked at the end. Ed25519 and Ed448
 * hash it twice, so that it has to be kept: at most SIGNATURE_KEPT_MOST bytes. */
#ifndef TOCSIN_SIGNATURE_H
#define TOCSIN_SIGNATURE_H

#include "slice.h"

#define SIGNATURE_KEPT_MOST (4u * 1024 * 1024)

enum signature_kind { SIGNATURE_RSA, SIGNATURE_RSA_PSS, SIGNATURE_ECDSA, SIGNATURE_EDDSA };

struct signature_algorithm {
    enum signature_kind kind;
    const char *name;   /* for people: "ECDSA with SHA-256" */
    const char *digest; /* libcrypto's name; NULL for EdDSA */
    const char *mask_digest;
    int salt;
    bool broken; /* MD5 or SHA-1 */
};

/* A whole AlgorithmIdentifier; false for one that is not known here. */
bool signature_algorithm_read(struct slice identifier, struct signature_algorithm *ret_algorithm);
/* The same as CMS has it (RFC 5652 10.1.2, RFC 3370 3.2): it may name the kind of key alone, and the digest, the content of an
 * OID, stands beside it. */
bool signature_algorithm_join(struct slice identifier, struct slice digest,
                              struct signature_algorithm *ret_algorithm);

#define SIGNATURE_DIGEST_MOST 64u /* bytes */
/* libcrypto's name for the content of a digest's OID; NULL for one that is not known here. */
const char *signature_digest_name(struct slice oid);
/* Hashed; empty where the digest is not known. */
struct slice signature_digest(struct slice oid, struct slice data, uint8_t ret_digest[SIGNATURE_DIGEST_MOST]);

struct signature_running;
struct signature_running *signature_create(const struct signature_algorithm *algorithm);
struct signature_running *signature_destroy(struct signature_running *running); /* returns NULL */
void signature_add(struct signature_running *running, struct slice data);
/* No more is added. Then it may be asked of several keys. */
void signature_end(struct signature_running *running);
bool signature_made_by(const struct signature_running *running, struct slice key, struct slice signature);
/* What was hashed, for telling whether two were the same; empty for EdDSA. */
struct slice signature_hashed(const struct signature_running *running);

/* All at once. */
bool signature_holds(const struct signature_algorithm *algorithm, struct slice key, struct slice data,
                     struct slice signature);

#endif
