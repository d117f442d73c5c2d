/* The events of the running collector that a query finds, over its local socket. */
#ifndef TOCSIN_LIVE_EVENTS_H
#define TOCSIN_LIVE_EVENTS_H

#include "command.h"
#include "query.pb-c.h"

/* Borrowed for the call. `more`: another one is here already, without waiting. False ends it. */
typedef bool live_events_take(void *context, const Tocsin__EventRow *row, bool more);

/* In the order of arrival. ret_count: how many were found; with query->count none is given. FAULT_MISSING where no collector
 * answers: then none was given. */
bool live_events(const struct command_context *context, const Tocsin__EventQuery *query,
                 live_events_take *take, void *taker, uint64_t *ret_count, struct fault *fault);

#endif
