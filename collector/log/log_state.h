/* The log as any thread of the collector reads it: how far it is committed and published, the newest published checkpoint,
 * paths, entries, the control chain.
 *
 *     committed   entries are on the disk, and acknowledged
 *     persisted   a checkpoint over them is signed and on the disk (STORE_CHECKPOINT)
 *     published   the witnesses that the policy wants have cosigned it: agents and readers may have it
 *
 * Owner: the wiring, which creates it before the committer and destroys it after everything that reads. The store is
 * borrowed. All functions may be called from any thread, and none waits for another's disk or signature, but for those that
 * say so. */
#ifndef TOCSIN_LOG_STATE_H
#define TOCSIN_LOG_STATE_H

#include "checkpoint.h"
#include "control_fold.h"
#include "log_reader.h"

struct log_state;

struct log_state_settings {
    struct store *store;
    struct slice origin;              /* copied */
    const struct verify_key *log_key; /* copied */
};

/* Makes what an older store lacks (tiles, the index of batches), once, and holds the tree against the newest checkpoint: a
 * log that is shorter than it, or another one, is FAULT_CONFLICT with a sentence that says what to do. */
struct log_state *log_state_open(const struct log_state_settings *settings, struct fault *fault);
struct log_state *log_state_destroy(struct log_state *state); /* returns NULL */

/* ---- who and how far */

const struct note_key *
log_state_key(const struct log_state *state); /* of type NOTE_KEY_LOG, named by the origin */
const struct hash *log_state_log(const struct log_state *state); /* statement_log */
uint64_t log_state_size(struct log_state *state);                /* committed entries */
/* For paths, tiles and roots of every committed size: log_reader.h. */
struct log_reader *log_state_reader(struct log_state *state);
const struct store *log_state_store(const struct log_state *state);

/* ---- the newest published checkpoint */

struct log_head {
    uint64_t size;
    struct hash root;
    uint64_t time_us; /* the collector's clock when it was signed; 0 where that is not known */
};

/* False while none was published. The note is put into `note`, which is emptied first and may be NULL. */
bool log_state_newest(struct log_state *state, struct log_head *ret_head, struct buffer *note);
/* Waits until one of at least `size` entries is published, for `timeout_us` at most (a clock that never steps), and asks for
 * it to be made soon. False when the time is over or the collector stops. */
bool log_state_wait(struct log_state *state, uint64_t size, uint64_t timeout_us, struct log_head *ret_head,
                    struct buffer *note);
/* The same without waiting: a checkpoint over these entries is wanted soon, within 200 ms of the last one. */
void log_state_want(struct log_state *state, uint64_t size);
/* Ends all waits, for a stop. */
void log_state_wake(struct log_state *state);

/* The log contradicts what was signed for it: from here on nothing is signed and nothing published, until a new start. */
void log_state_halt(struct log_state *state);
bool log_state_halted(struct log_state *state);

/* Called after each publication, in the thread that published: it queues (loop_wake_send), it does not do. Registered
 * before the committer starts, at most LOG_LISTENERS_MOST. */
#define LOG_LISTENERS_MOST 8u
void log_state_listen(struct log_state *state, void (*published)(void *context), void *context);

/* ---- the control chain, as committed */

/* Chain, registry of agents and retention ledger, held still until log_state_control_release; briefly, since every other
 * reader waits. NULL with a fault when the store cannot be read, and no release is due then; of a log without a genesis
 * control_chain_count is 0. The first call folds all entries. In between no function of log_state is called by the same
 * thread. */
const struct control_fold *log_state_control(struct log_state *state, struct fault *fault);
void log_state_control_release(struct log_state *state);
/* Whether the log has a genesis, or gets one before whatever is submitted now: without one it takes no statements. */
bool log_state_begun(struct log_state *state);
void log_state_begin(struct log_state *state); /* the committer's, with a genesis at the head of its queue */
/* The witness policy in force; one that needs none where there is no genesis. */
bool log_state_witnesses(struct log_state *state, struct witness_policy *ret_policy, struct fault *fault);

/* ---- for the committer and the publication (checkpoint_maker.h) */

/* After a commit: the tree stands so. */
void log_state_committed(struct log_state *state, const struct merkle_tile_builder *builder);
/* A newer one than the newest: kept, waits end, listeners are called. Others change nothing. */
void log_state_publish(struct log_state *state, const struct log_head *head, struct slice note);

#endif
