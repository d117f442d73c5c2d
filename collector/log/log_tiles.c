#include "log_tiles.h"

#include "bytes.h"

void log_tiles_add(struct merkle_tile_builder *tree, const struct hash *leaf, struct store_batch *batch) {
    unsigned filled = merkle_tile_builder_add(tree, leaf);
    for (unsigned level = 0; level < filled; level++) {
        struct merkle_tile tile;
        uint8_t key[9];
        const struct hash *hashes = merkle_tile_builder_tile(tree, level, &tile);
        key[0] = (uint8_t)level;
        bytes_put_u64(key + 1, tile.index);
        store_batch_put(batch, STORE_TILE, slice_make(key, sizeof key),
                        slice_make(hashes, tile.width * sizeof *hashes));
    }
}
