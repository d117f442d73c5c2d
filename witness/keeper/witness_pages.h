/* A witness's pages: which path does what.
 *
 *     POST /add-checkpoint             C2SP tlog-witness
 *     GET  /<log>/checkpoint           the newest note, cosigned; <log> is H(origin) in lower-case hexadecimal
 *     POST /<log>/statements           keeps a signed statement; 201 with its hash
 *     GET  /<log>/statements           a line each: hash, blank, size;  /<log>/statements/<hash>: its bytes
 *     GET  /<log>/forks                the same for notes that prove a fork
 *     GET  /                           the verifier key, and a line for each log, for people
 */
#ifndef TOCSIN_WITNESS_PAGES_H
#define TOCSIN_WITNESS_PAGES_H

#include "http_server.h"
#include "keeper.h"

#define WITNESS_PAGES_BODY_MOST WITNESS_REQUEST_MOST

struct witness_pages;

/* The keeper is borrowed. */
struct witness_pages *witness_pages_create(struct keeper *keeper, const struct note_key *witness);
struct witness_pages *witness_pages_destroy(struct witness_pages *pages); /* returns NULL */

/* An http_server_handler. */
void witness_pages_handle(void *context, const struct http_request *request, struct http_answer *answer);

/* Of add-checkpoint, by what was answered; WITNESS_PAGES_STATUSES of them. */
struct witness_pages_count {
    unsigned status;
    uint64_t answers;
};
#define WITNESS_PAGES_STATUSES 7u
void witness_pages_counts(struct witness_pages *pages,
                          struct witness_pages_count ret_counts[WITNESS_PAGES_STATUSES], uint64_t *ret_forks);

#endif
