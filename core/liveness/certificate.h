/* A certificate (RFC 5280), as far as liveness asks of it. Borrows from the bytes that it was read from.
 *
 * Nothing here looks at a clock or at trust: whoever gives an issuer has decided to. */
#ifndef TOCSIN_CERTIFICATE_H
#define TOCSIN_CERTIFICATE_H

#include "buffer.h"
#include "extension.h"
#include "fault.h"

#define CERTIFICATE_MOST 65536u /* bytes of DER */

/* Bits of KeyUsage. */
enum {
    KEY_USAGE_DIGITAL_SIGNATURE = 1 << 0,
    KEY_USAGE_NON_REPUDIATION = 1 << 1,
    KEY_USAGE_KEY_ENCIPHERMENT = 1 << 2,
    KEY_USAGE_CERT_SIGN = 1 << 5,
    KEY_USAGE_CRL_SIGN = 1 << 6,
};

struct certificate {
    struct slice whole, tbs;
    struct slice serial;          /* an INTEGER's content */
    struct slice issuer, subject; /* whole Names */
    struct slice key, key_bits;   /* the whole SubjectPublicKeyInfo; what RFC 6960 hashes */
    struct slice algorithm, signature;
    uint64_t not_before_us, not_after_us;
    struct slice subject_key_id;
    struct slice extensions; /* content of the SEQUENCE, empty without any */
    uint16_t key_usage;
    unsigned purpose_count; /* of EKU; 0 without it */
    bool purposes_critical, signs_ocsp, stamps_time;
    bool has_key_usage, key_usage_critical, is_ca, nocheck;
};

bool certificate_read(struct slice der, struct certificate *ret_certificate, struct fault *fault);

/* Whether two whole Names are the same to a relying party (RFC 5280 7.1: blanks, letters' case and kinds of strings aside). */
bool certificate_same_name(struct slice a, struct slice b);

/* The names follow, and the issuer's key has signed it. */
bool certificate_issued_by(const struct certificate *certificate, const struct certificate *issuer);

/* Whether its extended key usage names the purpose; false without one. */
bool certificate_has_purpose(const struct certificate *certificate, struct slice purpose);

/* The n-th URI in CRLDistributionPoints, or for OCSP or of the issuer's certificate in AuthorityInfoAccess, from 0; empty at
 * the end. */
struct slice certificate_crl_uri(const struct certificate *certificate, size_t n);
struct slice certificate_ocsp_uri(const struct certificate *certificate, size_t n);
struct slice certificate_issuer_uri(const struct certificate *certificate, size_t n);

/* The last commonName of a Name (else the last attribute's value), printable: '?' for what is not. */
#define CERTIFICATE_NAME_TEXT 64
void certificate_name_text(struct slice name, char ret_text[CERTIFICATE_NAME_TEXT]);

/* Appends one DER after the other to `to`: all PEM blocks of the label ("CERTIFICATE"), or the bytes as they are where there
 * is none. Returns false where a block is broken, or it does not fit. */
bool certificate_bytes(struct slice file, struct slice label, struct buffer *to, struct fault *fault);

#endif
