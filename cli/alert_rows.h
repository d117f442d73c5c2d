/* Alerts as the collector gives them, one JSON text after the other. */
#ifndef TOCSIN_ALERT_ROWS_H
#define TOCSIN_ALERT_ROWS_H

#include "command.h"
#include "query.pb-c.h"

/* False ends it. */
typedef bool alert_rows_take(void *context, const char *json);
bool alert_rows(const struct command_context *context, const Tocsin__AlertQuery *query, alert_rows_take *take, void *taker,
                uint64_t *ret_count, struct fault *fault);

#endif
