/* What a hold keeps of what was erased, out of the store (held_events.h): for the collector, and over a store at rest. */
#ifndef TOCSIN_HELD_READER_H
#define TOCSIN_HELD_READER_H

#include "day_keys.h"
#include "held_events.h"

/* `extra`: the extra data of the event's proof (event_proof.h), borrowed. False ends it. */
typedef bool held_reader_take(void *context, uint64_t log_index, struct slice extra);

/* Nothing where the hold's key is gone, or never was: it has taken nothing, or was released. False with a fault where a row
 * does not open, without one where `take` ended it. */
bool held_reader_each(const struct store *store, struct day_keys *keys, uint64_t hold, held_reader_take *take,
                      void *context, struct fault *fault);

#endif
