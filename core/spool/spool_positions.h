/* The positions of all sources: opaque keys and values, the newest of each.
 *
 * Owner: whoever declared the struct. Limits: SPOOL_POSITIONS_MOST keys, SPOOL_POSITION_MOST bytes of a key
 * or a value; a set that would pass them changes nothing and returns false. Borrowed values die at the next
 * set. */
#ifndef TOCSIN_SPOOL_POSITIONS_H
#define TOCSIN_SPOOL_POSITIONS_H

#include "slice.h"

#define SPOOL_POSITIONS_MOST (64u * 1024)
#define SPOOL_POSITION_MOST (5u * 1024) /* a key may hold a path of 4,096 bytes */

struct spool_positions {
    struct spool_position *slots; /* open addressing, a power of two of them */
    size_t capacity, used, live;
    size_t bytes; /* of all keys and values */
};

void spool_positions_free(struct spool_positions *positions);
bool spool_positions_set(struct spool_positions *positions, struct slice key, struct slice value);
bool spool_positions_get(const struct spool_positions *positions, struct slice key, struct slice *ret_value);
/* For every key with this prefix, in no order; `each` must not set. */
void spool_positions_each(const struct spool_positions *positions, struct slice prefix,
                          void (*each)(void *context, struct slice key, struct slice value), void *context);

#endif
