/* Tiles as the tree grows: the rightmost tile of each level in memory, at most 255 hashes a level between two leaves.
 *
 * After each leaf the tiles that it filled, if any, are read off before the next one comes: they are written once and never
 * again. Owner: whoever created it; one thread. Nothing here fails but a restore. A leaf costs one node hash on average;
 * the root at most 255 a level. */
#ifndef TOCSIN_MERKLE_TILE_BUILDER_H
#define TOCSIN_MERKLE_TILE_BUILDER_H

#include "fault.h"
#include "merkle_tile.h"

struct merkle_tile_builder;

/* Gives the first `width` hashes of a tile (all 256 of a full one). False and a fault where they cannot be had. */
struct merkle_tile_reader {
    void *context;
    bool (*read)(void *context, unsigned level, uint64_t index, unsigned width, struct hash *ret_hashes,
                 struct fault *fault);
};

struct merkle_tile_builder *merkle_tile_builder_create(void); /* the empty tree */
struct merkle_tile_builder *
merkle_tile_builder_destroy(struct merkle_tile_builder *builder); /* returns NULL */

/* The tree of `size` leaves again, from its full tiles and the leaves behind the last full one (size mod 256 of them, in
 * order). Reads at most 255 tiles a level. Unchanged on failure. */
bool merkle_tile_builder_restore(struct merkle_tile_builder *builder, uint64_t size,
                                 const struct merkle_tile_reader *reader, const struct hash *leaves,
                                 struct fault *fault);

/* Returns how many tiles the leaf filled: those of levels 0 to that number − 1. The tree has fewer than MERKLE_SIZE_MOST
 * leaves. */
unsigned merkle_tile_builder_add(struct merkle_tile_builder *builder, const struct hash *leaf);

/* Becomes the same tree: 64 KiB are copied. */
void merkle_tile_builder_copy(struct merkle_tile_builder *builder, const struct merkle_tile_builder *from);

uint64_t merkle_tile_builder_size(const struct merkle_tile_builder *builder);
struct hash merkle_tile_builder_root(const struct merkle_tile_builder *builder);

/* The level's newest tile: one that the last leaf filled (256 hashes), or the partial one; ret_tile->width may be 0.
 * Borrowed until the next leaf. */
const struct hash *merkle_tile_builder_tile(const struct merkle_tile_builder *builder, unsigned level,
                                            struct merkle_tile *ret_tile);

#endif
