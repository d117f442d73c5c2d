/* The events of one class of one closed batch that was sealed, whole: what a proof of one of them is made from.
 *
 * Given as rows: first key "key", value the class key, then for each event, in order, key u64 event_seq, value u64 time_us ‖
 * body. None where the batch is not in a segment: it is hot, or erased. */
#ifndef TOCSIN_SEARCH_BODIES_H
#define TOCSIN_SEARCH_BODIES_H

#include "sealed.h"

/* False: nobody listens any more. */
typedef bool search_bodies_give(void *context, struct slice key, struct slice value);

/* `sealed` may be NULL: then nothing is. False without a fault where `give` ended it. */
bool search_bodies(const struct store *store, struct sealed *sealed, uint64_t log_index, uint32_t class,
                   search_bodies_give *give, void *context, uint64_t *ret_count, struct fault *fault);

#endif
