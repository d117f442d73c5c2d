/* The positions of all sources: opaque keys and values, the newest of each.
 *
 * Owner: whoever declared the struct (zeroed); spool_positions_free leaves it usable again. A set that
 * would pass a limit changes nothing and returns false. Borrowed values die at the next set. */
#ifndef TOCSIN_SPOOL_POSITIONS_H
#define TOCSIN_SPOOL_POSITIONS_H

#include "slice.h"

#define SPOOL_POSITIONS_MOST (64u * 1024)
#define SPOOL_POSITIONS_BYTES                                                                                \
    (12u * 1024 * 1024)                 /* of all keys and values: all stand in a segment's first record */
#define SPOOL_POSITION_MOST (5u * 1024) /* of a key or a value; a key may hold a path of 4,096 bytes */

struct spool_positions {
    struct spool_position *slots; /* open addressing, a power of two of them */
    size_t capacity, live;
    size_t bytes; /* of all keys and values */
};

void spool_positions_free(struct spool_positions *positions);
/* An empty value forgets the key. */
bool spool_positions_set(struct spool_positions *positions, struct slice key, struct slice value);
bool spool_positions_get(const struct spool_positions *positions, struct slice key, struct slice *ret_value);
/* For every key with this prefix, in no order; `each` must not set. */
void spool_positions_each(const struct spool_positions *positions, struct slice prefix,
                          void (*each)(void *context, struct slice key, struct slice value), void *context);

#endif
