/* What agents say about this log: every agent is a witness of it (log-format: Checkpoint, Rollback). Private to ingest.
 *
 * An agent's newest note is held against the log at each HELLO. One that is ahead of it, or of another tree of that size,
 * and that this log's key has signed, means that this store is an older copy of itself, or that two collectors run with one
 * key. Then nothing is acknowledged any more, over restarts too: STORE_MARK "log.conflict" keeps the note, and goes with
 * the store that is the wrong one. A claim without a good signature is told and stops nothing. */
#ifndef TOCSIN_LOG_CLAIMS_H
#define TOCSIN_LOG_CLAIMS_H

#include "session.h"

#define LOG_CONFLICT_MARK "log.conflict"

enum log_claim {
    LOG_CLAIM_HOLDS,    /* of this log, or none; *ret_size is what the agent has verified */
    LOG_CLAIM_FORGED,   /* not signed by this log, and contradicts it */
    LOG_CLAIM_ROLLBACK, /* signed by this log, and ahead of it */
    LOG_CLAIM_FORK,     /* signed by this log, and another tree */
};

/* The sentence says what was found; for FORGED alone it says nothing about what to do. */
enum log_claim log_claim_check(struct log_state *log, struct slice bytes, const char *host, uint64_t *ret_size,
                               struct fault *sentence);

/* At the start: whether a conflict is kept in the store, and still stands. */
void log_claims_open(struct ingest_common *common);
/* Keeps the note, reports, stops acknowledging. Whoever is connected is to be refused. */
void log_claims_halt(struct ingest_common *common, enum log_claim claim, const char *host, struct slice note,
                     const char *sentence);

#endif
