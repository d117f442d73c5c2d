/* A small CA of a test's own, made by libcrypto: certificates, OCSP responses and CRLs of every kind, also such as no CA
 * should make. Everything lives until pki_free; times are seconds since 1970, relative to PKI_NOW. */
#ifndef TOCSIN_TEST_PKI_H
#define TOCSIN_TEST_PKI_H

#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "certificate.h"

#define PKI_NOW INT64_C(1795286644)
#define PKI_NOW_US ((uint64_t)PKI_NOW * 1000000)
#define HOUR 3600
#define DAY 86400

enum pki_key { KEY_CA, KEY_OLD_CA, KEY_DELEGATE, KEY_USER, KEY_RSA, KEY_ED25519, PKI_KEYS };
EVP_PKEY *pki_key(enum pki_key which);
void pki_free(void);

struct pki_extension {
    int nid;
    const char *value; /* as in openssl.cnf */
};
struct pki_certificate {
    const char *name;
    enum pki_key key;
    X509 *issuer; /* NULL: itself */
    enum pki_key issuer_key;
    long serial;
    long from, until; /* relative to PKI_NOW */
    struct pki_extension extensions[6];
};
X509 *pki_certificate(const struct pki_certificate *wanted);
struct certificate pki_read(X509 *certificate);

/* One SingleResponse. */
struct pki_single {
    X509 *issuer;
    long serial;
    const EVP_MD *digest;          /* NULL: SHA-1 */
    int status, reason;            /* V_OCSP_CERTSTATUS_…; -1 is no reason */
    long this_update, next_update; /* relative; no nextUpdate: 0 */
    const char *critical_oid;
};
struct pki_ocsp {
    X509 *signer, *sent;
    enum pki_key key;
    const EVP_MD *digest; /* NULL: SHA-256 */
    unsigned long flags;  /* OCSP_RESPID_KEY */
    long produced;
    struct slice nonce;
    const char *critical_oid;
    size_t count;
    struct pki_single singles[3];
};
/* Good until the next call. */
struct slice pki_ocsp(const struct pki_ocsp *wanted);

struct pki_entry {
    const char *serial; /* hexadecimal */
    long revoked;
    int reason; /* -1: none */
    bool reason_critical;
    const char *critical_oid;
};
struct pki_crl {
    X509 *issuer;
    enum pki_key key;
    const EVP_MD *digest; /* NULL: SHA-256 */
    int version;          /* 1 is v2 */
    long this_update, next_update;
    const char *number; /* hexadecimal; NULL: none */
    bool number_critical, no_authority_key;
    X509 *authority;   /* whose key identifier; NULL: the issuer's */
    const char *scope; /* issuingDistributionPoint as in openssl.cnf; NULL: none */
    bool scope_uncritical;
    struct slice extra_value; /* an extension more */
    const char *extra_oid;
    bool extra_critical;
    size_t count;
    const struct pki_entry *entries;
};
struct slice pki_crl(const struct pki_crl *wanted);

#endif
