/* Inclusion and consistency proofs (RFC 9162, 2.1.3 and 2.1.4): made from all leaves, verified from hashes
 * alone.
 *
 * Verification is strict: a path that is too long or too short, an index past the size, and a path where none
 * is due are all refused. */
#ifndef TOCSIN_MERKLE_PROOF_H
#define TOCSIN_MERKLE_PROOF_H

#include "merkle.h"

#define MERKLE_PATH_MOST 128u /* hashes; no proof is longer */

struct merkle_path {
    size_t count;
    struct hash hashes[MERKLE_PATH_MOST];
};

/* The path from leaf `index` of `count` leaves to their root. index < count. */
void merkle_proof_inclusion(const struct hash *leaves, size_t count, size_t index,
                            struct merkle_path *ret_path);
/* From the tree of the first `old_count` leaves to that of all `count`. 0 < old_count <= count. */
void merkle_proof_consistency(const struct hash *leaves, size_t count, size_t old_count,
                              struct merkle_path *ret_path);

bool merkle_proof_included(const struct hash *leaf, uint64_t index, uint64_t size, const struct hash *path,
                           size_t path_count, const struct hash *root);
bool merkle_proof_consistent(uint64_t old_size, const struct hash *old_root, uint64_t size,
                             const struct hash *root, const struct hash *path, size_t path_count);

#endif
