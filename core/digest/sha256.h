/* SHA-256 (FIPS 180-4), over libcrypto.
 *
 * A hash is a value. A running sha256 is a value too: it lives on the stack, owns nothing and needs no
 * clean-up. Nothing here can fail. */
#ifndef TOCSIN_SHA256_H
#define TOCSIN_SHA256_H

#include "slice.h"

#define HASH_SIZE 32u

struct hash {
    uint8_t bytes[HASH_SIZE];
};

struct sha256 {
    uint32_t state[28]; /* libcrypto's */
};

struct hash sha256_of(struct slice data);

void sha256_begin(struct sha256 *running);
void sha256_add(struct sha256 *running, const void *data, size_t size);
struct hash sha256_end(struct sha256 *running); /* begin again before further use */

static inline bool hash_equal(const struct hash *a, const struct hash *b) {
    return memcmp(a->bytes, b->bytes, HASH_SIZE) == 0;
}
static inline struct slice hash_slice(const struct hash *hash) {
    return slice_make(hash->bytes, HASH_SIZE);
}
static inline struct hash hash_from(const uint8_t bytes[HASH_SIZE]) {
    struct hash hash;
    memcpy(hash.bytes, bytes, HASH_SIZE);
    return hash;
}

#endif
