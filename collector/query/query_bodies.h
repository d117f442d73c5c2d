/* The events of one sealed class of a batch, as StoreRows of the family segment (search_bodies.h). Private to query. */
#ifndef TOCSIN_QUERY_BODIES_H
#define TOCSIN_QUERY_BODIES_H

#include "query_run.h"

void query_bodies(const struct query_reader *reader, const Tocsin__BodiesQuery *query);

#endif
