/* The site's witnesses: each persisted checkpoint is shown to all of them at once, and published when as many have cosigned it
 * as the settings and the log's own policy want; where those want none, what has come after a moment is taken along.
 *
 * A thread for each witness, which waits for it, and one that gathers, publishes and tells. No witness ever holds up the
 * commits: one that is down is an event (witness_failing), an alert after `patience` (witness_down) and an event when it is
 * back; a quorum that is missing for so long is log_unwitnessed. A fork or a rollback is the event log_forked with both notes,
 * and from then on nothing is published: the next start is refused by witnessing_compare.
 *
 * While a newer checkpoint waits, one that is neither published nor given up by all keeps the witnesses for WITNESS_ROUND_US
 * at most. Any thread may call what says nothing else. */
#ifndef TOCSIN_WITNESSING_H
#define TOCSIN_WITNESSING_H

#include "checkpoint_maker.h"
#include "collector_settings.h"

#define WITNESS_ROUND_US 30000000u
#define WITNESS_GRACE_US 250000u /* after the quorum, for those that are slower */
#define WITNESS_RETRY_LEAST_US 1000000u
#define WITNESS_RETRY_MOST_US 30000000u

struct witnessing;

/* Reads keys and policy out of the settings; NULL with a fault of its place. `log` is borrowed. */
struct witnessing *witnessing_create(const struct collector_settings *settings, struct log_state *log,
                                     struct fault *fault);
/* Only what the settings alone can get wrong: for --check. */
bool witnessing_check_settings(const struct collector_settings *settings, struct fault *fault);

/* Before anything is committed: what every witness has is held against the log, all at once. FAULT_CONFLICT, with a sentence
 * that says what to do, when one of them proves a rollback or a fork. One that does not answer is left for later. */
bool witnessing_compare(struct witnessing *witnessing, struct fault *fault);
/* The note that proved it. */
struct slice witnessing_refused(const struct witnessing *witnessing);

/* Other settings, without a stop: all is made that can fail, then used. A new witness is compared with first, and cosigns the
 * checkpoint under way; one that is gone ends after its request. The loop's thread, between start and stop. */
struct witnessing_set;
struct witnessing_set *witnessing_prepare(struct witnessing *witnessing, const struct collector_settings *settings,
                                          struct fault *fault);
struct witnessing_set *witnessing_set_destroy(struct witnessing_set *set);           /* returns NULL */
void witnessing_use(struct witnessing *witnessing, struct witnessing_set *set); /* takes the set */

/* What a person should do because the witnesses of the settings are not those of the log's own policy, by which agents and
 * retention go; NULL where they are. Any thread. */
const char *witnessing_apart(struct witnessing *witnessing);

/* Starts the threads. */
bool witnessing_start(struct witnessing *witnessing, const struct store *store, struct committer *committer,
                      struct checkpoint_maker *maker, struct fault *fault);
/* checkpoint_publisher.offer. */
void witnessing_offer(void *context, const struct log_head *head, struct slice note);
/* Ends the threads, after the requests under way: before checkpoint_maker_quit. Safe without a start. */
void witnessing_stop(struct witnessing *witnessing);
struct witnessing *witnessing_destroy(struct witnessing *witnessing); /* returns NULL */

struct witnessing_counts {
    unsigned witnesses, needed, failing;
    uint64_t cosignatures; /* taken */
    uint64_t published_size;
    uint64_t published_us; /* the wall clock then; 0: nothing yet */
    bool forked;
    bool met; /* the newest checkpoint that was published has its quorum, and one is wanted */
};
struct witnessing_counts witnessing_counts(struct witnessing *witnessing);
/* JSON: {"verdict":"WITNESSED", "needed", "published", "list":[{"name","url","state","size","cosigned","error"}]}. */
void witnessing_describe(struct witnessing *witnessing, struct buffer *to);

#endif
