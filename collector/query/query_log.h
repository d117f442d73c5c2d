/* Requests that add to the log: a signed statement, a batch closed and marked now. Private to query. Both are answered once a
 * published checkpoint covers what was added, or when the time that the reader gave is over. */
#ifndef TOCSIN_QUERY_LOG_H
#define TOCSIN_QUERY_LOG_H

#include "query_run.h"

#define SUBMIT_TEXTS_MOST 16u
#define CLOSE_STREAMS_MOST 64u
#define LOG_WAIT_DEFAULT_US 15000000u
#define LOG_WAIT_MOST_US (3600u * UINT64_C(1000000))

void query_submit(const struct query_reader *reader, const Tocsin__SubmitQuery *query);
void query_close(const struct query_reader *reader, const Tocsin__CloseQuery *query);

/* A row of the answer; false: the reader has gone. In query_run.c. */
bool query_give_row(const struct query_reader *reader, enum store_family family, struct slice key, struct slice value);
void query_end(const struct query_reader *reader, uint64_t count);

#endif
