/* `tocsin query`, wherever its events are found. */
#ifndef TOCSIN_QUERY_ASK_H
#define TOCSIN_QUERY_ASK_H

#include "event_print.h"
#include "live_events.h"

/* As live_events; the printer has the knowledge that a store at rest is read with. */
typedef bool query_find(void *finder, const struct command_context *context, const Tocsin__EventQuery *query,
                        struct event_printer *printer, live_events_take *take, void *taker,
                        uint64_t *ret_count, struct fault *fault);

/* Returns the exit code. */
int query_ask(const struct command_context *context, int argc, char **argv, query_find *find, void *finder);

#endif
