/* Tiles: the tree as files of 256 consecutive hashes (C2SP tlog-tiles, height 8). A tile of level 0 holds leaf hashes; each
 * hash of a higher one is the root of a full tile of the level below. A full tile never changes; the rightmost ones of a
 * tree are partial, and of the right edge alone.
 *
 * Values and arithmetic only: sizes are counts of leaves, up to 2^63 − 1 (MERKLE_SIZE_MOST). Reading a path is strict: what
 * is read would be written the same. */
#ifndef TOCSIN_MERKLE_TILE_H
#define TOCSIN_MERKLE_TILE_H

#include "merkle.h"

#define MERKLE_TILE_HEIGHT 8u
#define MERKLE_TILE_WIDTH 256u
#define MERKLE_TILE_LEVELS 8u /* 0 to 7: more leaves than MERKLE_SIZE_MOST are never reached */
#define MERKLE_SIZE_MOST ((uint64_t)INT64_MAX)
#define MERKLE_TILE_PATH_SIZE 64u /* bytes of a path, its NUL included */

enum merkle_tile_kind {
    MERKLE_TILE_HASHES,  /* tile/<level>/<index> */
    MERKLE_TILE_ENTRIES, /* tile/entries/<index>: the leaves' data, level 0 */
};

struct merkle_tile {
    enum merkle_tile_kind kind;
    unsigned level;
    uint64_t index;
    unsigned width; /* hashes: 256 for a full tile, 1 to 255 for a partial one */
};

/* How many hashes the tile has in a tree of `size` leaves: 256 full, 0 not there. */
unsigned merkle_tile_width(uint64_t size, unsigned level, uint64_t index);

/* "tile/0/x001/x234/067", ".p/<width>" behind it for a partial one. */
void merkle_tile_path(const struct merkle_tile *tile, char ret_path[MERKLE_TILE_PATH_SIZE]);
/* Without a leading slash. False for whatever is not written that way, and for tiles that no tree has. */
bool merkle_tile_path_read(struct slice path, struct merkle_tile *ret_tile);

#endif
