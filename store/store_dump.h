/* Everything that a verifier needs, in an order in which it can be checked as it comes. The same over a live collector's
 * socket and from a store at rest.
 *
 *     rotations of agents' keys, streams, newest parts
 *     rows of events and closed batches in the order of their arrival, and among them the log: every entry once, in the
 *         order of its index, at the latest before the close that refers to it, which is then the last one before the class
 *         list and the close; behind an entry the tiles that it fills; a checkpoint behind the last entry that it is over
 *     what is left of entries, tiles (such as no entry fills) and checkpoints
 *     of a log that cannot be read whole out of its columns: STORE_ENTRY_BLOCK, the first index concerned → why
 *     places of control entries, marks
 *     what is made from all that: places of events and batches, alerts, agents
 *
 * An entry that a close refers to is given again where it was given before. */
#ifndef TOCSIN_STORE_DUMP_H
#define TOCSIN_STORE_DUMP_H

#include "store.h"

/* False from `take` ends it. */
typedef bool store_dump_take(void *context, enum store_family family, struct slice key, struct slice value);

/* False with a fault when the store cannot be read; true also when `take` ended it. ret_rows counts what was taken. */
bool store_dump(const struct store *store, store_dump_take *take, void *context, uint64_t *ret_rows,
                struct fault *fault);

#endif
