#include "signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "buffer.h"
#include "der.h"
#include "memory.h"
#include "oids.h"

struct signature_running {
    struct signature_algorithm algorithm;
    EVP_MD_CTX *context;
    struct buffer kept;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_size;
};

static const struct {
    const char *oid;
    size_t size;
    struct signature_algorithm algorithm;
} known[] = {
#define ROW(oid, kind, name, digest, broken)                                                                 \
    {                                                                                                        \
        (oid), sizeof(oid) - 1, {                                                                            \
            (kind), (name), (digest), NULL, 0, (broken)                                                      \
        }                                                                                                    \
    }
#define RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define EC "\x2a\x86\x48\xce\x3d\x04"
    ROW(RSA "\x04", SIGNATURE_RSA, "RSA with MD5", "MD5", true),
    ROW(RSA "\x05", SIGNATURE_RSA, "RSA with SHA-1", "SHA1", true),
    ROW(RSA "\x0b", SIGNATURE_RSA, "RSA with SHA-256", "SHA256", false),
    ROW(RSA "\x0c", SIGNATURE_RSA, "RSA with SHA-384", "SHA384", false),
    ROW(RSA "\x0d", SIGNATURE_RSA, "RSA with SHA-512", "SHA512", false),
    ROW(RSA "\x0e", SIGNATURE_RSA, "RSA with SHA-224", "SHA224", false),
    ROW(RSA "\x0a", SIGNATURE_RSA_PSS, "RSA-PSS", "SHA1", false),
    ROW(EC "\x01", SIGNATURE_ECDSA, "ECDSA with SHA-1", "SHA1", true),
    ROW(EC "\x03\x01", SIGNATURE_ECDSA, "ECDSA with SHA-224", "SHA224", false),
    ROW(EC "\x03\x02", SIGNATURE_ECDSA, "ECDSA with SHA-256", "SHA256", false),
    ROW(EC "\x03\x03", SIGNATURE_ECDSA, "ECDSA with SHA-384", "SHA384", false),
    ROW(EC "\x03\x04", SIGNATURE_ECDSA, "ECDSA with SHA-512", "SHA512", false),
    ROW("\x2b\x65\x70", SIGNATURE_EDDSA, "Ed25519", NULL, false),
    ROW("\x2b\x65\x71", SIGNATURE_EDDSA, "Ed448", NULL, false),
};

const char *signature_digest_name(struct slice oid) {
    const struct {
        struct slice oid;
        const char *digest;
    } digests[] = {
        {OID_SHA1, "SHA1"}, {OID_SHA256, "SHA256"}, {OID_SHA384, "SHA384"}, {OID_SHA512, "SHA512"}};
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (slice_equal(oid, digests[i].oid))
            return digests[i].digest;
    return NULL;
}

struct slice signature_digest(struct slice oid, struct slice data,
                              uint8_t ret_digest[SIGNATURE_DIGEST_MOST]) {
    const char *name = signature_digest_name(oid);
    unsigned size = 0;
    if (!name || !EVP_Digest(data.data, data.size, ret_digest, &size, EVP_get_digestbyname(name), NULL))
        size = 0;
    return slice_make(ret_digest, size);
}

static bool read_digest_identifier(struct der_reader *reader, const char **ret_digest) {
    struct der_reader identifier = der_enter(reader, DER_SEQUENCE);
    const char *digest = signature_digest_name(der_take(&identifier, DER_OID));
    if (digest)
        *ret_digest = digest;
    return digest != NULL;
}

/* RSASSA-PSS-params, RFC 4055 3.1: everything has its default, and the defaults are SHA-1's. */
static bool read_pss(struct der_reader *identifier, struct signature_algorithm *algorithm) {
    struct der_reader parts = der_enter(identifier, DER_SEQUENCE);
    algorithm->mask_digest = "SHA1";
    algorithm->salt = 20;
    if (der_is(&parts, DER_CONTEXT_0)) {
        struct der_reader hash = der_enter(&parts, DER_CONTEXT_0);
        if (!read_digest_identifier(&hash, &algorithm->digest))
            return false;
    }
    if (der_is(&parts, DER_CONTEXT_0 + 1)) {
        struct der_reader mask = der_enter(&parts, DER_CONTEXT_0 + 1),
                          function = der_enter(&mask, DER_SEQUENCE);
        if (!slice_equal(der_take(&function, DER_OID), OID_MGF1) ||
            !read_digest_identifier(&function, &algorithm->mask_digest))
            return false;
    }
    if (der_is(&parts, DER_CONTEXT_0 + 2)) {
        struct der_reader salt = der_enter(&parts, DER_CONTEXT_0 + 2);
        uint32_t size = der_take_small(&salt, DER_INTEGER);
        if (salt.failed || size > 4096)
            return false;
        algorithm->salt = (int)size;
    }
    if (der_is(&parts, DER_CONTEXT_0 + 3))
        der_take(&parts, DER_CONTEXT_0 + 3);
    algorithm->broken = strcmp(algorithm->digest, "SHA1") == 0;
    return der_done(&parts);
}

bool signature_algorithm_read(struct slice identifier, struct signature_algorithm *ret_algorithm) {
    struct der_reader outer = der_read(identifier), parts = der_enter(&outer, DER_SEQUENCE);
    struct slice oid = der_take(&parts, DER_OID);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct signature_algorithm algorithm = known[i].algorithm;
        if (!slice_equal(oid, slice_make(known[i].oid, known[i].size)))
            continue;
        if (algorithm.kind == SIGNATURE_RSA_PSS && !read_pss(&parts, &algorithm))
            return false;
        *ret_algorithm = algorithm;
        return true;
    }
    return false;
}

bool signature_algorithm_join(struct slice identifier, struct slice digest,
                              struct signature_algorithm *ret_algorithm) {
    const struct {
        struct slice oid;
        enum signature_kind kind;
    } keys[] = {{OID_RSA_KEY, SIGNATURE_RSA}, {OID_EC_KEY, SIGNATURE_ECDSA}};
    struct der_reader outer = der_read(identifier), parts = der_enter(&outer, DER_SEQUENCE);
    struct slice oid = der_take(&parts, DER_OID);
    const char *name = signature_digest_name(digest);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (size_t j = 0; slice_equal(oid, keys[i].oid) && name && j < sizeof known / sizeof *known; j++)
            if (known[j].algorithm.kind == keys[i].kind && strcmp(known[j].algorithm.digest, name) == 0) {
                *ret_algorithm = known[j].algorithm;
                return true;
            }
    return signature_algorithm_read(identifier, ret_algorithm);
}

/* ---- hashing */

struct signature_running *signature_create(const struct signature_algorithm *algorithm) {
    struct signature_running *running = memory_new(sizeof *running);
    running->algorithm = *algorithm;
    running->kept = BUFFER(SIGNATURE_KEPT_MOST);
    if (algorithm->digest) {
        running->context = EVP_MD_CTX_new();
        const EVP_MD *digest = EVP_get_digestbyname(algorithm->digest);
        if (!running->context || !digest || !EVP_DigestInit_ex(running->context, digest, NULL))
            running->context =
                (EVP_MD_CTX_free(running->context), NULL); /* a build of libcrypto without MD5, say */
    }
    return running;
}

struct signature_running *signature_destroy(struct signature_running *running) {
    if (running) {
        EVP_MD_CTX_free(running->context);
        buffer_free(&running->kept);
        free(running);
    }
    return NULL;
}

void signature_add(struct signature_running *running, struct slice data) {
    if (running->context)
        EVP_DigestUpdate(running->context, data.data, data.size);
    else if (!running->algorithm.digest)
        buffer_append_slice(&running->kept, data);
}

void signature_end(struct signature_running *running) {
    if (running->context && !EVP_DigestFinal_ex(running->context, running->digest, &running->digest_size))
        running->digest_size = 0;
}

struct slice signature_hashed(const struct signature_running *running) {
    return slice_make(running->digest, running->digest_size);
}

/* ---- keys */

static bool prepare(EVP_PKEY_CTX *context, const struct signature_algorithm *algorithm) {
    if (EVP_PKEY_verify_init(context) <= 0 ||
        EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(algorithm->digest)) <= 0)
        return false;
    if (algorithm->kind == SIGNATURE_RSA)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    if (algorithm->kind == SIGNATURE_RSA_PSS)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, algorithm->salt) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(algorithm->mask_digest)) > 0;
    return true;
}

static bool kind_fits(const struct signature_algorithm *algorithm, const EVP_PKEY *key) {
    switch (algorithm->kind) {
    case SIGNATURE_RSA:
        return EVP_PKEY_is_a(key, "RSA");
    case SIGNATURE_RSA_PSS:
        return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
    case SIGNATURE_ECDSA:
        return EVP_PKEY_is_a(key, "EC");
    case SIGNATURE_EDDSA:
        return EVP_PKEY_is_a(key, algorithm->name);
    }
    return false;
}

static bool verify_kept(const struct signature_running *running, EVP_PKEY *key, struct slice signature) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        !running->kept.overflow && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) > 0 &&
        EVP_DigestVerify(context, signature.data, signature.size, running->kept.data, running->kept.size) ==
            1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool verify_digest(const struct signature_running *running, EVP_PKEY *key, struct slice signature) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool good =
        running->digest_size > 0 && context && prepare(context, &running->algorithm) &&
        EVP_PKEY_verify(context, signature.data, signature.size, running->digest, running->digest_size) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

bool signature_made_by(const struct signature_running *running, struct slice key, struct slice signature) {
    const unsigned char *at = key.data;
    if (key.size == 0 || signature.size == 0)
        return false;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)key.size);
    bool good = public && kind_fits(&running->algorithm, public) &&
                (running->algorithm.digest ? verify_digest(running, public, signature)
                                           : verify_kept(running, public, signature));
    EVP_PKEY_free(public);
    ERR_clear_error(); /* a refused signature is an answer: whoever asks libcrypto next must not find its reasons */
    return good;
}

bool signature_holds(const struct signature_algorithm *algorithm, struct slice key, struct slice data,
                     struct slice signature) {
    struct signature_running *running = signature_create(algorithm);
    signature_add(running, data);
    signature_end(running);
    bool good = signature_made_by(running, key, signature);
    signature_destroy(running);
    return good;
}
