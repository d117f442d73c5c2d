/* The events of a site that a query finds: of the running collector, else of its store at rest, by the same search. */
#ifndef TOCSIN_SITE_EVENTS_H
#define TOCSIN_SITE_EVENTS_H

#include "command.h"
#include "knowledge.h"
#include "query.pb-c.h"

/* Borrowed for the call. `more`: another one is here already, without waiting. False ends it. */
typedef bool site_events_take(void *context, const Tocsin__EventRow *row, bool more);

/* In the order of arrival. `knowledge` is what a store at rest is read with. ret_count: how many were found; with
 * query->count none is given. A query that follows needs a collector. */
bool site_events(const struct command_context *context, const Tocsin__EventQuery *query,
                 const struct knowledge *knowledge, site_events_take *take, void *taker, uint64_t *ret_count,
                 struct fault *fault);

#endif
