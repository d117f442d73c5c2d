/* Roots and proofs of a tree from its tiles, read through a callback.
 *
 * A merkle_tile_tree stands for the tree of one size and remembers the tiles of the last path: no call reads more than two
 * tiles a level (16), each once. Any earlier size may be asked of the same tiles. What is read is not checked: a tile that
 * was altered gives another root and proofs that do not verify. Owner: whoever created it; one thread. */
#ifndef TOCSIN_MERKLE_TILE_PROOF_H
#define TOCSIN_MERKLE_TILE_PROOF_H

#include "merkle_proof.h"
#include "merkle_tile_builder.h"

struct merkle_tile_tree;

/* The reader is borrowed with its context; size is at most MERKLE_SIZE_MOST. It is asked for as many hashes of a tile as
 * the tree of that size has (merkle_tile_width). */
struct merkle_tile_tree *merkle_tile_tree_create(uint64_t size, struct merkle_tile_reader reader);
struct merkle_tile_tree *merkle_tile_tree_destroy(struct merkle_tile_tree *tree); /* returns NULL */

bool merkle_tile_tree_root(struct merkle_tile_tree *tree, struct hash *ret_root, struct fault *fault);
/* From leaf `index` to the root. */
bool merkle_tile_tree_inclusion(struct merkle_tile_tree *tree, uint64_t index, struct merkle_path *ret_path,
                                struct fault *fault);
/* From the tree of the first `old_size` leaves; the path is empty for 0 and for the tree's own size. */
bool merkle_tile_tree_consistency(struct merkle_tile_tree *tree, uint64_t old_size,
                                  struct merkle_path *ret_path, struct fault *fault);

#endif
