/* The events of a site that a query finds: of the running collector, else of its store at rest, by the same search. */
#ifndef TOCSIN_SITE_EVENTS_H
#define TOCSIN_SITE_EVENTS_H

#include "knowledge.h"
#include "live_events.h"

/* In the order of arrival. `knowledge` is what a store at rest is read with. ret_count: how many were found; with
 * query->count none is given. A query that follows needs a collector. */
bool site_events(const struct command_context *context, const Tocsin__EventQuery *query,
                 const struct knowledge *knowledge, live_events_take *take, void *taker, uint64_t *ret_count,
                 struct fault *fault);

#endif
