/* A tree that only grows, kept as one hash for each full subtree on its right edge (a compact range from 0).
 *
 * The caller gives the room for the hashes (borrowed for the frontier's life), one for each level; `levels`
 * of them hold up to 2^levels − 1 leaves. A frontier whose count is 0 is the empty tree.
 */
#ifndef TOCSIN_MERKLE_FRONTIER_H
#define TOCSIN_MERKLE_FRONTIER_H

#include "merkle.h"

#define MERKLE_LEVELS_MOST 63u

struct merkle_frontier {
    uint64_t count;
    unsigned levels;
    struct hash *hashes; /* hashes[k] is a full subtree of 2^k leaves, there when bit k of count is set */
};

static inline struct merkle_frontier merkle_frontier_make(struct hash *hashes, unsigned levels) {
    return (struct merkle_frontier){0, levels, hashes};
}

/* False, and nothing changed, when it is full. */
bool merkle_frontier_add(struct merkle_frontier *frontier, const struct hash *leaf);
struct hash merkle_frontier_root(const struct merkle_frontier *frontier);

#endif
