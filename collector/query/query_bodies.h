/* The events of one class of one closed batch that was sealed, whole: what a proof of one of them is made from. Private to
 * query. Answered by StoreRows of the family segment: first key "key", value the class key, then for each event, in order, key
 * u64 event_seq, value u64 time_us ‖ body. None where the batch is not in a segment: it is hot, or erased. */
#ifndef TOCSIN_QUERY_BODIES_H
#define TOCSIN_QUERY_BODIES_H

#include "query_run.h"

void query_bodies(const struct query_reader *reader, const Tocsin__BodiesQuery *query);

#endif
