/* Everything that a verifier needs, in the order in which it came: the rotations of agents' keys, streams, then rows of events and closed batches, each
 * close behind its log entry and class list, then the marks. The same over a live collector's socket and from a store at
 * rest. */
#ifndef TOCSIN_STORE_DUMP_H
#define TOCSIN_STORE_DUMP_H

#include "store.h"

/* False from `take` ends it. */
typedef bool store_dump_take(void *context, enum store_family family, struct slice key, struct slice value);

/* False with a fault when the store cannot be read; true also when `take` ended it. ret_rows counts what was taken. */
bool store_dump(const struct store *store, store_dump_take *take, void *context, uint64_t *ret_rows,
                struct fault *fault);

#endif
