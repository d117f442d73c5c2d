#include "merkle_tile_builder.h"

#include <stdlib.h>

#include "memory.h"

struct merkle_tile_builder {
    uint64_t size;
    struct hash levels[MERKLE_TILE_LEVELS][MERKLE_TILE_WIDTH];
};

/* How many hashes of a level stand in its rightmost, partial tile. */
static unsigned partial(uint64_t size, unsigned level) {
    return (unsigned)(size >> MERKLE_TILE_HEIGHT * level) % MERKLE_TILE_WIDTH;
}

struct merkle_tile_builder *merkle_tile_builder_create(void) {
    return memory_new(sizeof(struct merkle_tile_builder));
}

struct merkle_tile_builder *merkle_tile_builder_destroy(struct merkle_tile_builder *builder) {
    free(builder);
    return NULL;
}

/* The partial tile of a level above 0: each of its hashes is the root of a full tile below. */
static bool restore_level(struct hash *to, uint64_t size, unsigned level,
                          const struct merkle_tile_reader *reader, struct fault *fault) {
    unsigned count = partial(size, level);
    uint64_t first = (size >> MERKLE_TILE_HEIGHT * level) - count;
    for (unsigned i = 0; i < count; i++) {
        struct hash below[MERKLE_TILE_WIDTH];
        if (!reader->read(reader->context, level - 1, first + i, MERKLE_TILE_WIDTH, below, fault))
            return false;
        to[i] = merkle_root(below, MERKLE_TILE_WIDTH);
    }
    return true;
}

bool merkle_tile_builder_restore(struct merkle_tile_builder *builder, uint64_t size,
                                 const struct merkle_tile_reader *reader, const struct hash *leaves,
                                 struct fault *fault) {
    if (size > MERKLE_SIZE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a tree of %llu leaves", (unsigned long long)size);
    struct merkle_tile_builder *restored = merkle_tile_builder_create();
    restored->size = size;
    if (partial(size, 0) > 0)
        memcpy(restored->levels[0], leaves, partial(size, 0) * sizeof *leaves);
    bool good = true;
    for (unsigned level = 1; good && level < MERKLE_TILE_LEVELS; level++)
        good = restore_level(restored->levels[level], size, level, reader, fault);
    if (good)
        *builder = *restored;
    merkle_tile_builder_destroy(restored);
    return good;
}

unsigned merkle_tile_builder_add(struct merkle_tile_builder *builder, const struct hash *leaf) {
    struct hash hash = *leaf;
    unsigned level = 0;
    for (;; level++) {
        unsigned place = partial(builder->size, level);
        builder->levels[level][place] = hash;
        if (place + 1 < MERKLE_TILE_WIDTH || level + 1 == MERKLE_TILE_LEVELS)
            break;
        hash = merkle_root(builder->levels[level], MERKLE_TILE_WIDTH);
    }
    builder->size++;
    return level;
}

void merkle_tile_builder_copy(struct merkle_tile_builder *builder, const struct merkle_tile_builder *from) {
    *builder = *from;
}

uint64_t merkle_tile_builder_size(const struct merkle_tile_builder *builder) {
    return builder->size;
}

/* Adds the full subtrees that a level's partial tile has, from the right, to the left of what is below. */
static void fold(struct hash *root, bool *any, const struct hash *hashes, unsigned count) {
    for (unsigned width = 1; width <= count; width *= 2) {
        if (!(count & width))
            continue;
        struct hash subtree = merkle_root(hashes + (count & ~(2 * width - 1)), width);
        *root = *any ? merkle_node(&subtree, root) : subtree;
        *any = true;
    }
}

struct hash merkle_tile_builder_root(const struct merkle_tile_builder *builder) {
    struct hash root = {{0}};
    bool any = false;
    for (unsigned level = 0; level < MERKLE_TILE_LEVELS; level++)
        fold(&root, &any, builder->levels[level], partial(builder->size, level));
    return any ? root : merkle_empty();
}

const struct hash *merkle_tile_builder_tile(const struct merkle_tile_builder *builder, unsigned level,
                                            struct merkle_tile *ret_tile) {
    uint64_t hashes = builder->size >> MERKLE_TILE_HEIGHT * level;
    /* Just filled: the leaf below it was the last of a tile in every level up to here. */
    uint64_t leaves_of_a_tile = level + 1 < MERKLE_TILE_LEVELS ? 1ull << MERKLE_TILE_HEIGHT * (level + 1) : 0;
    bool full = builder->size > 0 && leaves_of_a_tile > 0 && builder->size % leaves_of_a_tile == 0;
    *ret_tile = (struct merkle_tile){.level = level, .index = hashes / MERKLE_TILE_WIDTH - (full ? 1 : 0)};
    ret_tile->width = full ? MERKLE_TILE_WIDTH : (unsigned)(hashes % MERKLE_TILE_WIDTH);
    return builder->levels[level];
}
