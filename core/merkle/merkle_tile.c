#include "merkle_tile.h"

#include <stdio.h>

unsigned merkle_tile_width(uint64_t size, unsigned level, uint64_t index) {
    if (level >= MERKLE_TILE_LEVELS)
        return 0;
    uint64_t hashes = size >> MERKLE_TILE_HEIGHT * level;
    if (index > hashes / MERKLE_TILE_WIDTH)
        return 0;
    uint64_t from_here = hashes - index * MERKLE_TILE_WIDTH;
    return from_here < MERKLE_TILE_WIDTH ? (unsigned)from_here : MERKLE_TILE_WIDTH;
}

/* ---- paths */

/* Three digits a group, all but the last after an "x". */
static size_t index_write(uint64_t index, char *to, size_t size) {
    uint64_t unit = 1;
    while (index / unit >= 1000)
        unit *= 1000;
    size_t at = 0;
    for (; unit > 1; unit /= 1000)
        at += (size_t)snprintf(to + at, size - at, "x%03u/", (unsigned)(index / unit % 1000));
    return at + (size_t)snprintf(to + at, size - at, "%03u", (unsigned)(index % 1000));
}

void merkle_tile_path(const struct merkle_tile *tile, char ret_path[MERKLE_TILE_PATH_SIZE]) {
    size_t at = 0;
    if (tile->kind == MERKLE_TILE_ENTRIES)
        at += (size_t)snprintf(ret_path, MERKLE_TILE_PATH_SIZE, "tile/entries/");
    else
        at += (size_t)snprintf(ret_path, MERKLE_TILE_PATH_SIZE, "tile/%u/", tile->level);
    at += index_write(tile->index, ret_path + at, MERKLE_TILE_PATH_SIZE - at);
    if (tile->width < MERKLE_TILE_WIDTH)
        snprintf(ret_path + at, MERKLE_TILE_PATH_SIZE - at, ".p/%u", tile->width);
}

static bool take(struct slice *rest, struct slice prefix) {
    if (!slice_starts(*rest, prefix))
        return false;
    *rest = slice_from(*rest, prefix.size);
    return true;
}

/* Exactly three digits. */
static bool take_group(struct slice *rest, uint64_t *index) {
    uint64_t group;
    if (rest->size < 3 || !slice_decimal(slice_head(*rest, 3), &group) ||
        *index > MERKLE_SIZE_MOST / 1000 - 1)
        return false;
    *index = *index * 1000 + group;
    *rest = slice_from(*rest, 3);
    return true;
}

static bool take_index(struct slice *rest, uint64_t *ret_index) {
    uint64_t index = 0;
    /* A first group of zeros would be a second spelling. */
    if (slice_starts(*rest, SLICE("x000")))
        return false;
    while (take(rest, SLICE("x")))
        if (!take_group(rest, &index) || !take(rest, SLICE("/")))
            return false;
    *ret_index = 0;
    if (!take_group(rest, &index))
        return false;
    *ret_index = index;
    return true;
}

static bool take_kind(struct slice *rest, struct merkle_tile *tile) {
    if (!take(rest, SLICE("tile/")))
        return false;
    if (take(rest, SLICE("entries/"))) {
        tile->kind = MERKLE_TILE_ENTRIES;
        return true;
    }
    tile->kind = MERKLE_TILE_HASHES;
    if (rest->size < 2 || rest->data[0] < '0' || rest->data[0] >= '0' + MERKLE_TILE_LEVELS ||
        rest->data[1] != '/')
        return false;
    tile->level = rest->data[0] - '0';
    *rest = slice_from(*rest, 2);
    return true;
}

static bool read_width(struct slice text, unsigned *ret_width) {
    uint64_t width;
    if (text.size == 0 || text.data[0] == '0' || !slice_decimal(text, &width) || width >= MERKLE_TILE_WIDTH)
        return false;
    *ret_width = (unsigned)width;
    return true;
}

bool merkle_tile_path_read(struct slice path, struct merkle_tile *ret_tile) {
    struct merkle_tile tile = {.width = MERKLE_TILE_WIDTH};
    if (path.size >= MERKLE_TILE_PATH_SIZE || !take_kind(&path, &tile) || !take_index(&path, &tile.index))
        return false;
    if (take(&path, SLICE(".p/"))) {
        if (!read_width(path, &tile.width))
            return false;
    } else if (path.size != 0) {
        return false;
    }
    if (merkle_tile_width(MERKLE_SIZE_MOST, tile.level, tile.index) < tile.width)
        return false;
    *ret_tile = tile;
    return true;
}
