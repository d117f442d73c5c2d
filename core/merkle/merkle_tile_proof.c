#include "merkle_tile_proof.h"

#include <stdlib.h>

#include "memory.h"

#define SLOTS 2u /* tiles of a level that one proof needs: its own path's and the right edge's */

struct slot {
    bool filled;
    uint64_t index;
    struct hash hashes[MERKLE_TILE_WIDTH];
};

struct merkle_tile_tree {
    uint64_t size;
    struct merkle_tile_reader reader;
    unsigned newest[MERKLE_TILE_LEVELS]; /* the slot last used: the other one gives way */
    struct slot slots[MERKLE_TILE_LEVELS][SLOTS];
};

struct merkle_tile_tree *merkle_tile_tree_create(uint64_t size, struct merkle_tile_reader reader) {
    struct merkle_tile_tree *tree = memory_new(sizeof *tree);
    tree->size = size;
    tree->reader = reader;
    return tree;
}

struct merkle_tile_tree *merkle_tile_tree_destroy(struct merkle_tile_tree *tree) {
    free(tree);
    return NULL;
}

static const struct hash *tile_hashes(struct merkle_tile_tree *tree, unsigned level, uint64_t index,
                                      struct fault *fault) {
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &tree->slots[level][i];
        if (slot->filled && slot->index == index) {
            tree->newest[level] = i;
            return slot->hashes;
        }
    }
    unsigned oldest = (tree->newest[level] + 1) % SLOTS;
    struct slot *slot = &tree->slots[level][oldest];
    slot->filled = false;
    unsigned width = merkle_tile_width(tree->size, level, index);
    if (!tree->reader.read(tree->reader.context, level, index, width, slot->hashes, fault))
        return NULL;
    slot->filled = true;
    slot->index = index;
    tree->newest[level] = oldest;
    return slot->hashes;
}

/* The root of a full subtree of 2^height leaves that begins at leaf `begin`, a multiple of 2^height. It lies in one tile. */
static bool full_subtree(struct merkle_tile_tree *tree, uint64_t begin, unsigned height,
                         struct hash *ret_hash, struct fault *fault) {
    unsigned level = height / MERKLE_TILE_HEIGHT;
    uint64_t first = begin >> MERKLE_TILE_HEIGHT * level;
    const struct hash *hashes = tile_hashes(tree, level, first / MERKLE_TILE_WIDTH, fault);
    if (!hashes)
        return false;
    *ret_hash = merkle_root(hashes + first % MERKLE_TILE_WIDTH, (size_t)1 << height % MERKLE_TILE_HEIGHT);
    return true;
}

static unsigned log2_of(uint64_t power) {
    return 63u - (unsigned)__builtin_clzll(power);
}

/* The root over leaves begin to end − 1, a node of the tree: full, or one on its right edge (then it is put together from
 * the full ones below it, from the right). */
static bool subtree(struct merkle_tile_tree *tree, uint64_t begin, uint64_t end, struct hash *ret_hash,
                    struct fault *fault) {
    bool any = false;
    struct hash hash = {{0}};
    while (end > begin) {
        uint64_t count = end - begin;
        uint64_t last = count & (~count + 1); /* the lowest bit: the rightmost full subtree */
        struct hash left;
        if (!full_subtree(tree, end - last, log2_of(last), &left, fault))
            return false;
        hash = any ? merkle_node(&left, &hash) : left;
        any = true;
        end -= last;
    }
    *ret_hash = hash;
    return true;
}

bool merkle_tile_tree_root(struct merkle_tile_tree *tree, struct hash *ret_root, struct fault *fault) {
    if (tree->size == 0) {
        *ret_root = merkle_empty();
        return true;
    }
    return subtree(tree, 0, tree->size, ret_root, fault);
}

/* A proof as the ranges of leaves whose roots it gives, found from the root down. */
struct ranges {
    size_t count;
    struct {
        uint64_t begin, end;
    } at[64];
};

static void ranges_add(struct ranges *ranges, uint64_t begin, uint64_t end) {
    ranges->at[ranges->count].begin = begin;
    ranges->at[ranges->count++].end = end;
}

/* The path is written from the leaf up. */
static bool ranges_hash(struct merkle_tile_tree *tree, const struct ranges *ranges,
                        struct merkle_path *ret_path, struct fault *fault) {
    struct merkle_path path = {.count = 0};
    for (size_t i = ranges->count; i-- > 0; path.count++)
        if (!subtree(tree, ranges->at[i].begin, ranges->at[i].end, &path.hashes[path.count], fault))
            return false;
    ret_path->count = path.count;
    memcpy(ret_path->hashes, path.hashes, path.count * sizeof *path.hashes);
    return true;
}

bool merkle_tile_tree_inclusion(struct merkle_tile_tree *tree, uint64_t index, struct merkle_path *ret_path,
                                struct fault *fault) {
    if (index >= tree->size)
        return fault_set(fault, FAULT_USAGE, "leaf %llu of a tree of %llu", (unsigned long long)index,
                         (unsigned long long)tree->size);
    struct ranges ranges = {.count = 0};
    uint64_t begin = 0, end = tree->size;
    while (end - begin > 1) {
        uint64_t middle = begin + merkle_split(end - begin);
        if (index < middle) {
            ranges_add(&ranges, middle, end);
            end = middle;
        } else {
            ranges_add(&ranges, begin, middle);
            begin = middle;
        }
    }
    return ranges_hash(tree, &ranges, ret_path, fault);
}

/* SUBPROOF of RFC 9162, 2.1.4.1, from the root down. */
bool merkle_tile_tree_consistency(struct merkle_tile_tree *tree, uint64_t old_size,
                                  struct merkle_path *ret_path, struct fault *fault) {
    if (old_size > tree->size)
        return fault_set(fault, FAULT_USAGE, "an old tree of %llu leaves, and the new one has %llu",
                         (unsigned long long)old_size, (unsigned long long)tree->size);
    struct ranges ranges = {.count = 0};
    uint64_t begin = 0, end = old_size == 0 ? 0 : tree->size;
    while (end != old_size) {
        uint64_t middle = begin + merkle_split(end - begin);
        if (old_size <= middle) {
            ranges_add(&ranges, middle, end);
            end = middle;
        } else {
            ranges_add(&ranges, begin, middle);
            begin = middle;
        }
    }
    /* The old tree itself is known to whoever verifies; a part of it is not. */
    if (begin > 0)
        ranges_add(&ranges, begin, end);
    return ranges_hash(tree, &ranges, ret_path, fault);
}
