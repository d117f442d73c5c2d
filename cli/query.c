/* tocsin query, of the running collector or of its store at rest. */
#include "query_ask.h"
#include "site_events.h"

static bool find(void *finder, const struct command_context *context, const Tocsin__EventQuery *query,
                 struct event_printer *printer, live_events_take *take, void *taker, uint64_t *ret_count,
                 struct fault *fault) {
    (void)finder;
    const struct knowledge *knowledge = event_printer_knowledge(printer, fault);
    return knowledge && site_events(context, query, knowledge, take, taker, ret_count, fault);
}

int command_query(const struct command_context *context, int argc, char **argv) {
    return query_ask(context, argc, argv, find, NULL);
}
