#include "keystream.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "bytes.h"
#include "memory.h"

#define SALTS_AT_ONCE 16u
#define AES_BLOCK 16u

struct keystream {
    EVP_CIPHER_CTX *cipher;
    unsigned left; /* salts not yet given, at the end of `salts` */
    uint8_t key[CLASS_KEY_SIZE];
    uint8_t salts[SALTS_AT_ONCE * SALT_SIZE];
};

/* A cipher that stands at the first byte of salt `position`; memory is all that could be missing. */
static EVP_CIPHER_CTX *cipher_at(const uint8_t key[CLASS_KEY_SIZE], uint64_t position) {
    uint8_t counter[AES_BLOCK] = {0};
    bytes_put_u64(counter + 8, position * (SALT_SIZE / AES_BLOCK));
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!cipher || EVP_EncryptInit_ex2(cipher, EVP_aes_256_ctr(), key, counter, NULL) != 1)
        abort();
    return cipher;
}

static void give_salts(EVP_CIPHER_CTX *cipher, uint8_t *ret_salts, size_t size) {
    static const uint8_t zeros[SALTS_AT_ONCE * SALT_SIZE];
    int written;
    if (EVP_EncryptUpdate(cipher, ret_salts, &written, zeros, (int)size) != 1)
        abort();
}

struct keystream *keystream_create(const uint8_t class_key[CLASS_KEY_SIZE]) {
    struct keystream *keystream = memory_new(sizeof *keystream);
    keystream->cipher = cipher_at(class_key, 0);
    memcpy(keystream->key, class_key, CLASS_KEY_SIZE);
    return keystream;
}

struct keystream *keystream_destroy(struct keystream *keystream) {
    if (!keystream)
        return NULL;
    EVP_CIPHER_CTX_free(keystream->cipher);
    memory_wipe(keystream, sizeof *keystream);
    free(keystream);
    return NULL;
}

const uint8_t *keystream_key(const struct keystream *keystream) {
    return keystream->key;
}

const uint8_t *keystream_next(struct keystream *keystream) {
    if (keystream->left == 0) {
        give_salts(keystream->cipher, keystream->salts, sizeof keystream->salts);
        keystream->left = SALTS_AT_ONCE;
    }
    return keystream->salts + (size_t)(SALTS_AT_ONCE - keystream->left--) * SALT_SIZE;
}

void keystream_salt(const uint8_t class_key[CLASS_KEY_SIZE], uint64_t position, uint8_t ret_salt[SALT_SIZE]) {
    EVP_CIPHER_CTX *cipher = cipher_at(class_key, position);
    give_salts(cipher, ret_salt, SALT_SIZE);
    EVP_CIPHER_CTX_free(cipher);
}
