/* Alerts in the order of their times, each as it stands: with what was counted into it and decided about it since. Private to
 * query. */
#ifndef TOCSIN_QUERY_ALERTS_H
#define TOCSIN_QUERY_ALERTS_H

#include "query_run.h"

void query_alerts(const struct query_reader *reader, const Tocsin__AlertQuery *query);

/* Whether there is an alert of that id. */
bool query_alerts_has(const struct store *store, struct slice id);

#endif
