#include "tls_identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "buffer.h"
#include "files.h"
#include "memory.h"
#include "random.h"
#include "tls_private.h"

#define TLS_PEM_MOST (64u * 1024)
#define TLS_DAY_US 86400000000u

struct tls_identity {
    SSL_CTX *server, *client;
    uint64_t since_us, expiry_us;
    uint8_t key_hash[TLS_KEY_HASH_SIZE];
};

bool tls_fault(struct fault *fault, enum fault_code code, const char *what) {
    unsigned long error = ERR_peek_last_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    fault_set(fault, code, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return false;
}

bool tls_certificate_key_hash(const X509 *certificate, uint8_t ret_hash[TLS_KEY_HASH_SIZE]) {
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    bool good = size > 0 && EVP_Digest(der, (size_t)size, ret_hash, NULL, EVP_sha256(), NULL) == 1;
    OPENSSL_free(der);
    return good;
}

static uint64_t tls_time_us(const ASN1_TIME *time) {
    struct tm parts;
    if (!ASN1_TIME_to_tm(time, &parts))
        return 0;
    time_t seconds = timegm(&parts);
    return seconds < 0 ? 0 : (uint64_t)seconds * 1000000u;
}

uint64_t tls_certificate_expiry_us(const X509 *certificate) {
    return tls_time_us(X509_get0_notAfter(certificate));
}

/* --- files --- */

static bool tls_key_is_private(const char *path, struct fault *fault) {
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & 077) == 0)
        return true;
    if (!files_exists(path))
        fault_set(fault, FAULT_MISSING, "there is no such key");
    else
        fault_set(fault, FAULT_AUTH,
                  "others than its owner may use this key: chmod 600 it, or make a new one");
    return fault_place(fault, "%s", path);
}

/* Key protected by a passphrase: no terminal to ask at. */
static int tls_no_passphrase(char *buffer, /* NOLINT(readability-non-const-parameter): OpenSSL's pem_password_cb */
                             int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static EVP_PKEY *tls_key_load(const char *path, struct fault *fault) {
    if (!tls_key_is_private(path, fault))
        return NULL;
    CLEANUP_BUFFER struct buffer text = BUFFER(TLS_PEM_MOST);
    if (!files_read(path, &text, fault))
        return NULL;
    BIO *memory = BIO_new_mem_buf(text.data, (int)text.size);
    EVP_PKEY *key = memory ? PEM_read_bio_PrivateKey(memory, NULL, tls_no_passphrase, NULL) : NULL;
    BIO_free(memory);
    memory_wipe(text.data, text.size);
    if (!key) {
        tls_fault(fault, FAULT_FORMAT, "is not a private key in PEM without a passphrase");
    } else if (!EVP_PKEY_is_a(key, "EC") && !EVP_PKEY_is_a(key, "ED25519")) {
        fault_set(fault, FAULT_USAGE, "its kind is %s; P-256 and Ed25519 are known here",
                  EVP_PKEY_get0_type_name(key));
        EVP_PKEY_free(key);
        key = NULL;
    }
    if (!key)
        fault_place(fault, "%s", path);
    return key;
}

static X509 *tls_certificate_load(const char *path, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(TLS_PEM_MOST);
    if (!files_read(path, &text, fault))
        return NULL;
    BIO *memory = BIO_new_mem_buf(text.data, (int)text.size);
    X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, tls_no_passphrase, NULL) : NULL;
    BIO_free(memory);
    if (!certificate) {
        tls_fault(fault, FAULT_FORMAT, "is not a certificate in PEM");
        fault_place(fault, "%s", path);
    }
    return certificate;
}

static bool tls_store(const char *path, BIO *memory, bool is_key, struct fault *fault) {
    char *text;
    long size = BIO_get_mem_data(memory, &text);
    struct slice content = slice_make(text, (size_t)size);
    bool good =
        is_key ? files_write_new(path, content, 0600, fault) : files_write(path, content, 0644, fault);
    if (is_key)
        memory_wipe(text, (size_t)size);
    return good;
}

static bool tls_key_store(const char *path, EVP_PKEY *key, struct fault *fault) {
    BIO *memory = BIO_new(BIO_s_mem());
    bool good = memory && PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1;
    good = good ? tls_store(path, memory, true, fault)
                : tls_fault(fault, FAULT_INTERNAL, "a key cannot be written");
    BIO_free(memory);
    return good;
}

static bool tls_certificate_store(const char *path, X509 *certificate, struct fault *fault) {
    BIO *memory = BIO_new(BIO_s_mem());
    bool good = memory && PEM_write_bio_X509(memory, certificate) == 1;
    good = good ? tls_store(path, memory, false, fault)
                : tls_fault(fault, FAULT_INTERNAL, "a certificate cannot be written");
    BIO_free(memory);
    return good;
}

/* --- making --- */

static bool tls_certificate_name(X509 *certificate, const char *name) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name, -1,
                                      -1, 0) &&
           X509_set_issuer_name(certificate, subject);
}

static bool tls_certificate_leaf(X509 *certificate) {
    X509_EXTENSION *leaf = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:FALSE");
    bool good = leaf && X509_add_ext(certificate, leaf, -1) == 1;
    X509_EXTENSION_free(leaf);
    return good;
}

static bool tls_certificate_fill(X509 *certificate, EVP_PKEY *key, const char *name, uint64_t now_us) {
    uint64_t serial;
    struct random_source random = random_source_system();
    if (!random_fill(&random, &serial, sizeof serial, NULL))
        return false;
    /* A day back: the peer's clock may be behind ours, and some tools look at it. */
    time_t since = (time_t)((now_us > TLS_DAY_US ? now_us - TLS_DAY_US : 0) / 1000000u);
    time_t until = (time_t)(now_us / 1000000u) + (time_t)TLS_CERTIFICATE_DAYS * 86400;
    return X509_set_version(certificate, X509_VERSION_3) &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), since) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), until) && X509_set_pubkey(certificate, key) &&
           tls_certificate_name(certificate, name) && tls_certificate_leaf(certificate) &&
           X509_sign(certificate, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0;
}

static X509 *tls_certificate_make(EVP_PKEY *key, const char *name, uint64_t now_us, struct fault *fault) {
    if (!*name || strlen(name) > TLS_NAME_MOST) {
        fault_set(fault, FAULT_USAGE, "a certificate's name has 1 to %u bytes", TLS_NAME_MOST);
        return NULL;
    }
    X509 *certificate = X509_new();
    if (certificate && tls_certificate_fill(certificate, key, name, now_us))
        return certificate;
    tls_fault(fault, FAULT_INTERNAL, "a certificate cannot be made");
    X509_free(certificate);
    return NULL;
}

static bool tls_certify(EVP_PKEY *key, const char *certificate_path, const char *name, uint64_t now_us,
                        struct fault *fault) {
    X509 *certificate = tls_certificate_make(key, name, now_us, fault);
    bool good = certificate && tls_certificate_store(certificate_path, certificate, fault);
    X509_free(certificate);
    return good;
}

bool tls_identity_make(const char *key_path, const char *certificate_path, const char *name, uint64_t now_us,
                       struct fault *fault) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return tls_fault(fault, FAULT_INTERNAL, "a key cannot be made");
    bool good =
        tls_key_store(key_path, key, fault) && tls_certify(key, certificate_path, name, now_us, fault);
    EVP_PKEY_free(key);
    return good;
}

bool tls_identity_renew(const char *key_path, const char *certificate_path, const char *name, uint64_t now_us,
                        struct fault *fault) {
    EVP_PKEY *key = tls_key_load(key_path, fault);
    bool good = key && tls_certify(key, certificate_path, name, now_us, fault);
    EVP_PKEY_free(key);
    return good;
}

/* --- loading --- */

static struct tls_identity *tls_identity_build(EVP_PKEY *key, X509 *certificate, struct fault *fault) {
    struct tls_identity *identity = memory_new(sizeof *identity);
    identity->since_us = tls_time_us(X509_get0_notBefore(certificate));
    identity->expiry_us = tls_certificate_expiry_us(certificate);
    if (X509_check_private_key(certificate, key) != 1) {
        fault_set(fault, FAULT_CONFLICT, "the certificate belongs to another key");
        ERR_clear_error();
        return tls_identity_destroy(identity);
    }
    identity->server = tls_context_create(key, certificate, true);
    identity->client = tls_context_create(key, certificate, false);
    if (identity->server && identity->client && tls_certificate_key_hash(certificate, identity->key_hash))
        return identity;
    tls_fault(fault, FAULT_USAGE, "OpenSSL does not take this key and certificate");
    return tls_identity_destroy(identity);
}

struct tls_identity *tls_identity_load(const char *key_path, const char *certificate_path,
                                       struct fault *fault) {
    EVP_PKEY *key = tls_key_load(key_path, fault);
    X509 *certificate = key ? tls_certificate_load(certificate_path, fault) : NULL;
    struct tls_identity *identity = NULL;
    if (certificate) {
        identity = tls_identity_build(key, certificate, fault);
        if (!identity)
            fault_place(fault, "%s", certificate_path);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
}

struct tls_identity *tls_identity_open(const char *directory, const char *name, uint64_t now_us,
                                       struct fault *fault) {
    char key_path[FILES_PATH_MOST], certificate_path[FILES_PATH_MOST];
    if (!files_path(key_path, directory, "tls.key") || !files_path(certificate_path, directory, "tls.crt")) {
        fault_set(fault, FAULT_LIMIT, "the path is too long");
        fault_place(fault, "%.64s...", directory);
        return NULL;
    }
    if (!files_exists(key_path) && !tls_identity_make(key_path, certificate_path, name, now_us, fault))
        return NULL;
    /* A crash between key and certificate leaves the key alone. */
    if (!files_exists(certificate_path) &&
        !tls_identity_renew(key_path, certificate_path, name, now_us, fault))
        return NULL;
    struct tls_identity *identity = tls_identity_load(key_path, certificate_path, fault);
    if (!identity || identity->expiry_us > now_us)
        return identity;
    tls_identity_destroy(identity);
    if (!tls_identity_renew(key_path, certificate_path, name, now_us, fault))
        return NULL;
    return tls_identity_load(key_path, certificate_path, fault);
}

struct tls_identity *tls_identity_destroy(struct tls_identity *identity) {
    if (!identity)
        return NULL;
    SSL_CTX_free(identity->server);
    SSL_CTX_free(identity->client);
    free(identity);
    return NULL;
}

const uint8_t *tls_identity_key_hash(const struct tls_identity *identity) {
    return identity->key_hash;
}

uint64_t tls_identity_expiry_us(const struct tls_identity *identity) {
    return identity->expiry_us;
}

bool tls_identity_is_due(const struct tls_identity *identity, uint64_t now_us) {
    uint64_t life_us =
        identity->expiry_us > identity->since_us ? identity->expiry_us - identity->since_us : 0;
    return now_us >= identity->expiry_us - life_us / 3;
}

SSL_CTX *tls_identity_context(const struct tls_identity *identity, bool server) {
    return server ? identity->server : identity->client;
}
