#include "key_wrap.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "memory.h"

static bool run(const uint8_t outer[KEY_WRAP_KEY], int wrap, struct slice from, uint8_t *to, int wanted) {
    uint8_t room[KEY_WRAP_SIZE + 16];
    int size = 0, end = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        abort();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool good = EVP_CipherInit_ex(context, EVP_aes_256_wrap(), NULL, outer, NULL, wrap) == 1 &&
                EVP_CipherUpdate(context, room, &size, from.data, (int)from.size) == 1 &&
                EVP_CipherFinal_ex(context, room + size, &end) == 1 && size + end == wanted;
    if (good)
        memcpy(to, room, (size_t)wanted);
    memory_wipe(room, sizeof room);
    EVP_CIPHER_CTX_free(context);
    return good;
}

void key_wrap(const uint8_t outer[KEY_WRAP_KEY], const uint8_t key[KEY_WRAP_KEY],
              uint8_t ret_wrapped[KEY_WRAP_SIZE]) {
    if (!run(outer, 1, slice_make(key, KEY_WRAP_KEY), ret_wrapped, KEY_WRAP_SIZE))
        abort(); /* libcrypto itself is out of order */
}

bool key_unwrap(const uint8_t outer[KEY_WRAP_KEY], const uint8_t wrapped[KEY_WRAP_SIZE],
                uint8_t ret_key[KEY_WRAP_KEY]) {
    return run(outer, 0, slice_make(wrapped, KEY_WRAP_SIZE), ret_key, KEY_WRAP_KEY);
}
