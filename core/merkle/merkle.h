/* Merkle tree hashes (RFC 6962, 2.1), over leaf hashes already made. */
#ifndef TOCSIN_MERKLE_H
#define TOCSIN_MERKLE_H

#include "sha256.h"

struct hash merkle_empty(void);             /* the root of the empty tree: H("") */
struct hash merkle_leaf(struct slice data); /* H(0x00 ‖ data) */
struct hash merkle_node(const struct hash *left, const struct hash *right); /* H(0x01 ‖ left ‖ right) */

/* Where a tree of `count` > 1 leaves divides: the largest power of two below count. */
static inline size_t merkle_split(size_t count) {
    return (size_t)1 << (63 - __builtin_clzll((unsigned long long)count - 1));
}

/* MTH of the leaves. */
struct hash merkle_root(const struct hash *leaves, size_t count);

#endif
