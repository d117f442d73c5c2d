#include "merkle_frontier.h"

bool merkle_frontier_add(struct merkle_frontier *frontier, const struct hash *leaf) {
    unsigned level = 0;
    while (frontier->count >> level & 1)
        level++;
    if (level >= frontier->levels)
        return false;
    struct hash full = *leaf;
    for (unsigned below = 0; below < level; below++)
        full = merkle_node(&frontier->hashes[below], &full);
    frontier->hashes[level] = full;
    frontier->count++;
    return true;
}

struct hash merkle_frontier_root(const struct merkle_frontier *frontier) {
    if (frontier->count == 0)
        return merkle_empty();
    unsigned level = 0;
    while (!(frontier->count >> level & 1))
        level++;
    struct hash root = frontier->hashes[level];
    for (level++; level < frontier->levels && frontier->count >> level; level++)
        if (frontier->count >> level & 1)
            root = merkle_node(&frontier->hashes[level], &root);
    return root;
}
