/* Paths of tiles: whatever is read has one spelling. */
#include <stdlib.h>

#include "merkle_tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct merkle_tile tile;
    char path[MERKLE_TILE_PATH_SIZE];
    if (!merkle_tile_path_read(slice_make(data, size), &tile))
        return 0;
    merkle_tile_path(&tile, path);
    if (!slice_equal(slice_string(path), slice_make(data, size)))
        abort();
    return 0;
}
