#include "ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "ed25519_point.h"
#include "memory.h"

struct signing_key {
    EVP_PKEY *key;
    struct verify_key public;
};

bool verify_key_check(const struct verify_key *key, struct fault *fault) {
    static const char *const refusals[] = {
        [ED25519_POINT_PRIME_ORDER] = NULL,
        [ED25519_POINT_NO_POINT] = "the public key is no point of the curve",
        [ED25519_POINT_NON_CANONICAL] = "the public key is not encoded canonically",
        [ED25519_POINT_SMALL_ORDER] = "the public key is a point of small order: anyone can sign for it",
        [ED25519_POINT_MIXED_ORDER] =
            "the public key is a point of mixed order: its signatures are ambiguous",
    };
    enum ed25519_point point = ed25519_point_classify(key->bytes);
    return point == ED25519_POINT_PRIME_ORDER || fault_set(fault, FAULT_AUTH, "%s", refusals[point]);
}

bool ed25519_verify(const struct verify_key *key, struct slice message,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE]) {
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, ED25519_PUBLIC_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ERR_set_mark();
    bool good = public && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
                EVP_DigestVerify(context, signature, ED25519_SIGNATURE_SIZE, message.data, message.size) == 1;
    ERR_pop_to_mark();
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    return good;
}

struct signing_key *signing_key_create(const uint8_t seed[ED25519_SEED_SIZE]) {
    struct signing_key *key = memory_new(sizeof *key);
    size_t size = ED25519_PUBLIC_SIZE;
    key->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_SIZE);
    /* Every seed is a key; memory is all that could be missing. */
    if (!key->key || EVP_PKEY_get_raw_public_key(key->key, key->public.bytes, &size) != 1)
        abort();
    return key;
}

struct signing_key *signing_key_destroy(struct signing_key *key) {
    if (key)
        EVP_PKEY_free(key->key);
    free(key);
    return NULL;
}

const struct verify_key *signing_key_public(const struct signing_key *key) {
    return &key->public;
}

void signing_key_sign(const struct signing_key *key, struct slice message,
                      uint8_t ret_signature[ED25519_SIGNATURE_SIZE]) {
    size_t size = ED25519_SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) != 1 ||
        EVP_DigestSign(context, ret_signature, &size, message.data, message.size) != 1)
        abort();
    EVP_MD_CTX_free(context);
}
