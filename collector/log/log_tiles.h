/* Leaves put to the tree, and the tiles that they fill to the batch that commits them. */
#ifndef TOCSIN_LOG_TILES_H
#define TOCSIN_LOG_TILES_H

#include "merkle_tile_builder.h"
#include "store.h"

void log_tiles_add(struct merkle_tile_builder *tree, const struct hash *leaf, struct store_batch *batch);

#endif
