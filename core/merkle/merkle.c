#include "merkle.h"

struct hash merkle_empty(void) {
    return sha256_of((struct slice){NULL, 0});
}

struct hash merkle_leaf(struct slice data) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, "\0", 1);
    sha256_add(&running, data.data, data.size);
    return sha256_end(&running);
}

struct hash merkle_node(const struct hash *left, const struct hash *right) {
    /* One run of bytes: a 65-byte node is two blocks, and joining them costs less than hashing three pieces. */
    uint8_t bytes[1 + 2 * HASH_SIZE];
    bytes[0] = 1;
    memcpy(bytes + 1, left->bytes, HASH_SIZE);
    memcpy(bytes + 1 + HASH_SIZE, right->bytes, HASH_SIZE);
    return sha256_of(slice_make(bytes, sizeof bytes));
}

struct hash merkle_root(const struct hash *leaves, size_t count) {
    if (count == 0)
        return merkle_empty();
    if (count == 1)
        return leaves[0];
    size_t left = merkle_split(count);
    struct hash l = merkle_root(leaves, left);
    struct hash r = merkle_root(leaves + left, count - left);
    return merkle_node(&l, &r);
}
