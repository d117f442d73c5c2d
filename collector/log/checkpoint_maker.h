/* Makes the checkpoints: a thread that signs the committed tree, has the note persisted, and hands it to the publisher.
 *
 * While entries come in there is a checkpoint at least every `every_us`, and one within 200 ms where somebody waits for it
 * (log_state_wait, log_state_want); after a quiet time the first entry gets its own at once. Never two for one size. The
 * order is fixed: commit, sign over what is committed, persist (a commit of its own, together with what else is queued),
 * offer, publish. Nothing is signed on the committing thread.
 *
 * The publisher stands between persisting and publishing: it gathers cosignatures, then calls checkpoint_maker_publish with
 * the note that holds them. Without one, what is persisted is published at once. At the start the newest persisted
 * checkpoint is offered again: the crash may have come before its publication. */
#ifndef TOCSIN_CHECKPOINT_MAKER_H
#define TOCSIN_CHECKPOINT_MAKER_H

#include "committer.h"
#include "log_signer.h"
#include "log_state.h"

#define CHECKPOINT_EVERY_LEAST_US 100000u
#define CHECKPOINT_EVERY_MOST_US 10000000u

struct checkpoint_maker;

struct checkpoint_publisher {
    void *context;
    /* A new checkpoint is on the disk. Called in the loop's thread, in the order of sizes; the note is borrowed for the
     * call. It may be published later, from any thread, or never, when a newer one is. NULL: published at once. */
    void (*offer)(void *context, const struct log_head *head, struct slice note);
};

struct checkpoint_maker_settings {
    struct store *store;
    struct committer *committer;
    struct log_state *log;
    struct log_signer *signer;
    uint64_t every_us;
    struct checkpoint_publisher publisher;
};

struct checkpoint_maker *checkpoint_maker_start(const struct checkpoint_maker_settings *settings,
                                                struct fault *fault);

/* The note (this log's signature and cosignatures, checkpoint_sign) of a size that was offered. With more in it than is on
 * the disk it is persisted first. One that is not newer than the published one changes nothing. Any thread. */
void checkpoint_maker_publish(struct checkpoint_maker *maker, struct slice note);

/* Ends the thread: before committer_destroy, whose queue it fills. */
void checkpoint_maker_quit(struct checkpoint_maker *maker);
/* After committer_destroy: signs and persists what the last commits left uncovered, so that a store at rest is covered
 * whole. Returns NULL; NULL is fine. */
struct checkpoint_maker *checkpoint_maker_finish(struct checkpoint_maker *maker);

#endif
