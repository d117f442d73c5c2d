/* The rotations that a store names (rotation_row.h), for its verifier: each is held against itself when it is taken, and
 * against its stream when that goes on to the next epoch. */
#ifndef TOCSIN_KNOWN_ROTATIONS_H
#define TOCSIN_KNOWN_ROTATIONS_H

#include "rotation.h"

struct known_rotations;

struct known_rotations *known_rotations_create(void);
struct known_rotations *known_rotations_destroy(struct known_rotations *known); /* returns NULL */

/* A row of the registry; copied. False: it is no rotation, stands under another key than its own, or both keys have not
 * signed it; it is left out. */
bool known_rotations_take(struct known_rotations *known, struct slice key, struct slice value,
                          struct fault *fault);

/* The key that comes after `place` in the host's stream of `lane`. False: there is no statement for the next epoch, it
 * does not follow, or an epoch is left out; the fault says which. */
bool known_rotations_follow(const struct known_rotations *known, const struct rotation_place *place,
                            enum lane lane, const struct hash *stream_id, struct verify_key *ret_key,
                            struct fault *fault);

#endif
