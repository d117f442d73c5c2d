/* Events by a search, hot and sealed alike. Private to query. */
#ifndef TOCSIN_QUERY_EVENTS_H
#define TOCSIN_QUERY_EVENTS_H

#include "query_run.h"

void query_events(const struct query_reader *reader, const Tocsin__EventQuery *query);

#endif
