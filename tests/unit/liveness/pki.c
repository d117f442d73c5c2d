#include "pki.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define CERTIFICATES_MOST 64

static EVP_PKEY *keys[PKI_KEYS];
static X509 *made[CERTIFICATES_MOST];
static unsigned char *made_der[CERTIFICATES_MOST];
static size_t made_count;
static unsigned char *last;

EVP_PKEY *pki_key(enum pki_key which) {
    if (!keys[which])
        keys[which] = which == KEY_RSA       ? EVP_RSA_gen(2048)
                      : which == KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                             : EVP_EC_gen("P-256");
    assert_non_null(keys[which]);
    return keys[which];
}

void pki_free(void) {
    for (size_t i = 0; i < made_count; i++) {
        X509_free(made[i]);
        made_der[i] = (OPENSSL_free(made_der[i]), NULL);
    }
    made_count = 0;
    for (size_t i = 0; i < PKI_KEYS; i++)
        keys[i] = (EVP_PKEY_free(keys[i]), NULL);
    last = (OPENSSL_free(last), NULL);
}

static const EVP_MD *digest_of(enum pki_key key, const EVP_MD *digest) {
    return key == KEY_ED25519 ? NULL : digest ? digest : EVP_sha256();
}

X509 *pki_certificate(const struct pki_certificate *wanted) {
    X509 *certificate = X509_new(), *issuer = wanted->issuer ? wanted->issuer : certificate;
    X509_NAME *name = X509_NAME_new();
    X509V3_CTX context;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), wanted->serial);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)wanted->name, -1, -1, 0);
    X509_set_subject_name(certificate, name);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    X509_NAME_free(name);
    ASN1_TIME_set(X509_getm_notBefore(certificate), PKI_NOW + wanted->from);
    ASN1_TIME_set(X509_getm_notAfter(certificate), PKI_NOW + wanted->until);
    X509_set_pubkey(certificate, pki_key(wanted->key));
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < 6 && wanted->extensions[i].value; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, wanted->extensions[i].nid, wanted->extensions[i].value);
        assert_non_null(extension);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(certificate, pki_key(wanted->issuer_key), digest_of(wanted->issuer_key, NULL)) > 0);
    assert_true(made_count < CERTIFICATES_MOST);
    made[made_count++] = certificate;
    return certificate;
}

struct certificate pki_read(X509 *x509) {
    struct certificate certificate;
    struct fault fault = {0};
    for (size_t i = 0; i < made_count; i++) {
        if (made[i] != x509)
            continue;
        int size = i2d_X509(x509, made_der[i] ? NULL : &made_der[i]);
        if (!certificate_read(slice_make(made_der[i], (size_t)size), &certificate, &fault))
            fail_msg("%s", fault.text);
        return certificate;
    }
    fail_msg("a certificate of somebody else's");
    return (struct certificate){.is_ca = false};
}

static struct slice keep(unsigned char *der, int size) {
    OPENSSL_free(last);
    last = der;
    assert_true(size > 0);
    return slice_make(der, (size_t)size);
}

static X509_EXTENSION *extension_of(const char *oid, bool critical, struct slice value) {
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING_set(octets, value.data, (int)value.size);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(octets);
    assert_non_null(extension);
    return extension;
}

/* ---- OCSP */

static ASN1_GENERALIZEDTIME *time_of(long relative) {
    return ASN1_GENERALIZEDTIME_set(NULL, PKI_NOW + relative);
}

static void add_single(OCSP_BASICRESP *basic, const struct pki_single *wanted) {
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, wanted->serial);
    OCSP_CERTID *id =
        OCSP_cert_id_new(wanted->digest ? wanted->digest : EVP_sha1(), X509_get_subject_name(wanted->issuer),
                         X509_get0_pubkey_bitstr(wanted->issuer), serial);
    ASN1_GENERALIZEDTIME *this_update = time_of(wanted->this_update),
                         *revoked = time_of(wanted->this_update - HOUR);
    ASN1_GENERALIZEDTIME *next = wanted->next_update ? time_of(wanted->next_update) : NULL;
    OCSP_SINGLERESP *single =
        OCSP_basic_add1_status(basic, id, wanted->status, wanted->reason, revoked, this_update, next);
    assert_non_null(single);
    if (wanted->critical_oid) {
        X509_EXTENSION *extension = extension_of(wanted->critical_oid, true, SLICE("\x05\x00"));
        OCSP_SINGLERESP_add_ext(single, extension, -1);
        X509_EXTENSION_free(extension);
    }
    ASN1_GENERALIZEDTIME_free(this_update);
    ASN1_GENERALIZEDTIME_free(revoked);
    ASN1_GENERALIZEDTIME_free(next);
    OCSP_CERTID_free(id);
    ASN1_INTEGER_free(serial);
}

struct slice pki_ocsp(const struct pki_ocsp *wanted) {
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    for (size_t i = 0; i < wanted->count; i++)
        add_single(basic, &wanted->singles[i]);
    if (wanted->nonce.size) {
        CLEANUP_BUFFER struct buffer value = BUFFER(128);
        uint8_t header[2] = {4, (uint8_t)wanted->nonce.size};
        buffer_append(&value, header, 2);
        buffer_append_slice(&value, wanted->nonce);
        X509_EXTENSION *extension = extension_of("1.3.6.1.5.5.7.48.1.2", false, buffer_slice(&value));
        OCSP_BASICRESP_add_ext(basic, extension, -1);
        X509_EXTENSION_free(extension);
    }
    if (wanted->critical_oid) {
        X509_EXTENSION *extension = extension_of(wanted->critical_oid, true, SLICE("\x05\x00"));
        OCSP_BASICRESP_add_ext(basic, extension, -1);
        X509_EXTENSION_free(extension);
    }
    if (wanted->sent)
        OCSP_basic_add1_cert(basic, wanted->sent);
    /* The library would take the clock's time; what it gives to look at is where it stands. */
    union {
        const ASN1_GENERALIZEDTIME *given;
        ASN1_GENERALIZEDTIME *writable;
    } produced = {OCSP_resp_get0_produced_at(basic)};
    ASN1_GENERALIZEDTIME_set(produced.writable, PKI_NOW + wanted->produced);
    assert_int_equal(OCSP_basic_sign(basic, wanted->signer, pki_key(wanted->key),
                                     digest_of(wanted->key, wanted->digest), NULL,
                                     wanted->flags | OCSP_NOCERTS | OCSP_NOTIME),
                     1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int size = i2d_OCSP_RESPONSE(response, &der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    return keep(der, size);
}

/* ---- CRLs */

static ASN1_INTEGER *integer_of(const char *hex) {
    BIGNUM *number = NULL;
    BN_hex2bn(&number, hex);
    ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    return integer;
}

static void add_entry(X509_CRL *crl, const struct pki_entry *wanted) {
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *serial = integer_of(wanted->serial);
    ASN1_TIME *revoked = ASN1_TIME_set(NULL, PKI_NOW + wanted->revoked);
    X509_REVOKED_set_serialNumber(entry, serial);
    X509_REVOKED_set_revocationDate(entry, revoked);
    if (wanted->reason >= 0) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        ASN1_ENUMERATED_set(reason, wanted->reason);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, wanted->reason_critical, 0);
        ASN1_ENUMERATED_free(reason);
    }
    if (wanted->critical_oid) {
        X509_EXTENSION *extension = extension_of(wanted->critical_oid, true, SLICE("\x30\x00"));
        X509_REVOKED_add_ext(entry, extension, -1);
        X509_EXTENSION_free(extension);
    }
    X509_CRL_add0_revoked(crl, entry);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(revoked);
}

static void add_crl_extension(X509_CRL *crl, X509V3_CTX *context, int nid, const char *value, bool critical) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    assert_non_null(extension);
    X509_EXTENSION_set_critical(extension, critical);
    X509_CRL_add_ext(crl, extension, -1);
    X509_EXTENSION_free(extension);
}

static void add_crl_extensions(X509_CRL *crl, const struct pki_crl *wanted) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, wanted->authority ? wanted->authority : wanted->issuer, NULL, NULL, crl, 0);
    if (!wanted->no_authority_key)
        add_crl_extension(crl, &context, NID_authority_key_identifier, "keyid:always", false);
    if (wanted->number) {
        ASN1_INTEGER *number = integer_of(wanted->number);
        X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, wanted->number_critical, 0);
        ASN1_INTEGER_free(number);
    }
    if (wanted->scope)
        add_crl_extension(crl, &context, NID_issuing_distribution_point, wanted->scope,
                          !wanted->scope_uncritical);
    if (wanted->extra_oid) {
        X509_EXTENSION *extension =
            extension_of(wanted->extra_oid, wanted->extra_critical, wanted->extra_value);
        X509_CRL_add_ext(crl, extension, -1);
        X509_EXTENSION_free(extension);
    }
}

struct slice pki_crl(const struct pki_crl *wanted) {
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *this_update = ASN1_TIME_set(NULL, PKI_NOW + wanted->this_update);
    X509_CRL_set_version(crl, wanted->version);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(wanted->issuer));
    X509_CRL_set1_lastUpdate(crl, this_update);
    ASN1_TIME_free(this_update);
    if (wanted->next_update) {
        ASN1_TIME *next = ASN1_TIME_set(NULL, PKI_NOW + wanted->next_update);
        X509_CRL_set1_nextUpdate(crl, next);
        ASN1_TIME_free(next);
    }
    for (size_t i = 0; i < wanted->count; i++)
        add_entry(crl, &wanted->entries[i]);
    if (wanted->version == 1)
        add_crl_extensions(crl, wanted);
    assert_true(X509_CRL_sign(crl, pki_key(wanted->key), digest_of(wanted->key, wanted->digest)) > 0);
    unsigned char *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    X509_CRL_free(crl);
    return keep(der, size);
}
