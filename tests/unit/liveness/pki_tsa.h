/* Time-stamp responses of every kind, also such as no authority should make. */
#ifndef TOCSIN_TEST_PKI_TSA_H
#define TOCSIN_TEST_PKI_TSA_H

#include "buffer.h"
#include "pki.h"

struct pki_tsa {
    /* PKIStatusInfo */
    const char *status;      /* one byte */
    const char *status_text; /* NULL: none */
    struct slice failure;    /* a BIT STRING's content; empty: none */
    bool no_token;
    /* TSTInfo */
    const char *version; /* one byte */
    struct slice policy, digest, imprint, serial;
    const char *time;
    struct slice accuracy; /* an Accuracy's content; empty: none */
    struct slice nonce;    /* empty: none */
    X509 *name;            /* NULL: none */
    bool critical_extension;
    /* SignedData */
    struct slice content_type; /* an OID's content */
    const char *signer_version;
    X509 *signer, *sent[3];
    enum pki_key key;
    bool by_key_id, twice, nobody;
    struct slice content_digest;  /* OID: what the signer hashes the content with */
    const char *signature_digest; /* libcrypto's name */
    struct slice signature_oid;
    /* its attributes */
    struct slice content_type_attribute; /* empty: none */
    bool no_message_digest, other_message_digest, two_message_digests;
    bool no_id, old_id, other_id, other_id_serial, two_ids;
    bool both_ids, other_old_id; /* the older attribute beside the newer one */
    bool unordered, signed_unordered, no_attributes;
};
/* Good until the next call. */
struct slice pki_tsa(const struct pki_tsa *wanted);
void pki_tsa_free(void);

#endif
