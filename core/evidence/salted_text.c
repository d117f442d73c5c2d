#include "salted_text.h"

struct hash salted_text(const uint8_t salt[TEXT_SALT_SIZE], struct slice text) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, salt, TEXT_SALT_SIZE);
    sha256_add(&running, text.data, text.size);
    return sha256_end(&running);
}

bool salted_text_given(const struct hash *hash) {
    static const struct hash none;
    return !hash_equal(hash, &none);
}
