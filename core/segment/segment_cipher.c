#include "segment_cipher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>

#include "bytes.h"
#include "memory.h"

#define NONCE_SIZE 12
#define AAD_SIZE (HASH_SIZE + 5)

struct segment_cipher {
    EVP_CIPHER_CTX *context;
    uint8_t key[SEGMENT_KEY_SIZE];
    struct hash header;
};

void segment_key_derive(const uint8_t day_key[SEGMENT_KEY_SIZE], const uint8_t random[SEGMENT_RANDOM_SIZE],
                        enum segment_key_use use, uint8_t ret_key[SEGMENT_KEY_SIZE]) {
    char digest[] = "SHA256", info_bodies[] = "tocsin/seg/v1", info_filter[] = "tocsin/flt/v1";
    char *info = use == SEGMENT_KEY_BODIES ? info_bodies : info_filter;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)day_key, SEGMENT_KEY_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)random,
                                          SEGMENT_RANDOM_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(info)),
        OSSL_PARAM_construct_end(),
    };
    if (!context || EVP_KDF_derive(context, ret_key, SEGMENT_KEY_SIZE, parameters) != 1)
        abort(); /* libcrypto itself is out of order: no key is better than a wrong one */
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

struct segment_cipher *segment_cipher_create(const uint8_t key[SEGMENT_KEY_SIZE], const struct hash *header) {
    struct segment_cipher *cipher = memory_new(sizeof *cipher);
    memcpy(cipher->key, key, SEGMENT_KEY_SIZE);
    cipher->header = *header;
    cipher->context = EVP_CIPHER_CTX_new();
    if (!cipher->context ||
        EVP_CipherInit_ex(cipher->context, EVP_aes_256_gcm(), NULL, cipher->key, NULL, 1) != 1)
        abort();
    return cipher;
}

struct segment_cipher *segment_cipher_destroy(struct segment_cipher *cipher) {
    if (cipher) {
        EVP_CIPHER_CTX_free(cipher->context);
        memory_wipe(cipher, sizeof *cipher);
        free(cipher);
    }
    return NULL;
}

static void begin(struct segment_cipher *cipher, int seal, uint32_t number, bool last) {
    uint8_t nonce[NONCE_SIZE] = {0}, aad[AAD_SIZE];
    int size;
    bytes_put_u32(nonce + NONCE_SIZE - 4, number);
    memcpy(aad, cipher->header.bytes, HASH_SIZE);
    bytes_put_u32(aad + HASH_SIZE, number);
    aad[AAD_SIZE - 1] = last;
    if (EVP_CipherInit_ex(cipher->context, NULL, NULL, cipher->key, nonce, seal) != 1 ||
        EVP_CipherUpdate(cipher->context, NULL, &size, aad, AAD_SIZE) != 1)
        abort();
}

void segment_cipher_seal(struct segment_cipher *cipher, uint32_t number, bool last, struct slice plain,
                         uint8_t *to) {
    int size, end;
    begin(cipher, 1, number, last);
    if (EVP_CipherUpdate(cipher->context, to, &size, plain.data, (int)plain.size) != 1 ||
        EVP_CipherFinal_ex(cipher->context, to + size, &end) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_GET_TAG, SEGMENT_TAG_SIZE, to + plain.size) != 1)
        abort();
}

bool segment_cipher_open(struct segment_cipher *cipher, uint32_t number, bool last, struct slice section,
                         uint8_t *to) {
    int size, end;
    if (section.size < SEGMENT_TAG_SIZE)
        return false;
    size_t plain = section.size - SEGMENT_TAG_SIZE;
    uint8_t tag[SEGMENT_TAG_SIZE];
    memcpy(tag, section.data + plain, sizeof tag);
    begin(cipher, 0, number, last);
    return EVP_CipherUpdate(cipher->context, to, &size, section.data, (int)plain) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_SET_TAG, SEGMENT_TAG_SIZE, tag) == 1 &&
           EVP_CipherFinal_ex(cipher->context, to + size, &end) == 1;
}
