/* The one thread that writes: group commit with one sync (design: Store).
 *
 * Changes gather while the last group is being synced, and go together in the next: one write batch, one sync. After it
 * the changes' callbacks run in the loop's thread; an acknowledgement sent there is true. The committer numbers rows in
 * the order of arrival, appends entries to the log and keeps its tree (full tiles go into the same write batch as the entry
 * that filled them), judges and places statements, marks the days, and writes the collector's own stream: its signed batches
 * hold what changes report.
 *
 * A day mark is the first entry of the first commit whose UTC date is another than the last mark's, in either direction.
 *
 * When the disk is full nothing is lost and nothing is acknowledged: the group is tried again until there is room. */
#ifndef TOCSIN_COMMITTER_H
#define TOCSIN_COMMITTER_H

#include "change.h"
#include "log_signer.h"
#include "log_state.h"
#include "loop.h"
#include "store.h"

struct own_stream;
struct committer;

#define COMMITTER_FIRST_MOST 2u

struct committer_settings {
    struct store *store;
    struct loop *loop;
    struct own_stream *own;    /* borrowed; used by the committer's thread alone once it runs */
    struct log_state *log;     /* borrowed; told of every commit */
    struct log_signer *signer; /* borrowed; signs day marks. NULL: no statement is taken */
    struct change *first[COMMITTER_FIRST_MOST]; /* give: committed before anything else; NULL: nothing */
};

/* Starts the thread. The log's tree is read from `log`, the control chain from the store. */
struct committer *committer_create(const struct committer_settings *settings, struct fault *fault);
/* Commits what is queued, closes the own stream's batch, ends the thread. Callbacks of what is committed still run. */
struct committer *committer_destroy(struct committer *committer);

/* Takes the change (give); from any thread. */
void committer_submit(struct committer *committer, struct change *change);
/* Bytes that wait to be committed: whoever feeds the committer slows down by it. */
size_t committer_queued_bytes(struct committer *committer);

/* The number that the next row will get: all rows before it are committed. Any thread. */
uint64_t committer_arrival(struct committer *committer);
/* Waits until the number is larger than `seen`, for `timeout_us` at most; returns it. */
uint64_t committer_wait(struct committer *committer, uint64_t seen, uint64_t timeout_us);
/* Wakes everyone that waits, for a stop. */
void committer_wake_waiters(struct committer *committer);

struct committer_counts {
    uint64_t groups, changes, entries, statements, refused,
        stalls; /* stalls: groups that had to wait for room */
    uint64_t log_size;
    bool stalled; /* now: the disk is full */
};
struct committer_counts committer_counts(struct committer *committer);

#endif
