/* What comes due, goes: the nightly job, and the same by hand (log-format: Retention).
 *
 * Each closed day of the log has a unit for each class (retention_unit.h). A pass asks each for its plan and does the next
 * step, as far as it can go now: an intent when a veto window is left before the maximum; a beginning when its time has come,
 * nothing holds it and everything of that day is sealed; and once that is in the log, and witnessed where it must be: the day
 * key is destroyed, the segments' rows and files go, what RocksDB still keeps of the hot rows is compacted away, and the log
 * is told that it is done. Every step is found again in the control chain, so a crash at any point is taken up by the next
 * pass. Nothing here can erase early: the plan is the verifier's own code, and the committer judges each statement again.
 *
 * Threads: one of its own, which sleeps; a pass by hand runs in the caller's. One pass at a time. */
#ifndef TOCSIN_RETENTION_JOB_H
#define TOCSIN_RETENTION_JOB_H

#include "committer.h"
#include "day_keys.h"
#include "knowledge.h"
#include "log_signer.h"
#include "log_state.h"
#include "sealed.h"

#define RETENTION_EVERY_US (24ull * 3600 * 1000000)
#define RETENTION_FIRST_US (10ull * 60 * 1000000) /* after the start */
#define RETENTION_NEWS_US (5ull * 1000000)        /* how often new control entries are looked at */

struct retention_job;

struct retention_job_settings {
    struct store *store;
    const char *folder; /* the store's path: its segments stand in it */
    struct committer *committer;
    struct log_state *log;
    struct log_signer *signer;
    struct day_keys *keys;
    struct sealed *sealed;
    /* The log index below which everything is sealed. Any thread. */
    uint64_t (*sealed_below)(void *context);
    /* The key of (class, day) is gone: nothing that was unlocked by it is kept. Any thread. */
    void (*forget)(void *context, uint8_t class, uint64_t day);
    /* What reads the fields that holds' queries ask for; lives until the job was stopped. Any thread. */
    const struct knowledge *(*knowledge)(void *context);
    /* Appends JSON members about free space. Any thread. */
    void (*describe_room)(void *context, struct buffer *to);
    void *context;
};

/* All borrowed. */
struct retention_job *retention_job_start(const struct retention_job_settings *settings, struct fault *fault);
/* Passes end soon, by whomever they were begun; new ones are refused. */
void retention_job_quit(struct retention_job *job);
struct retention_job *retention_job_stop(struct retention_job *job); /* returns NULL */

/* For each class and day, today included, one JSON object, last a summary; `act`: does what is due before. False from `give` ends it. */
typedef bool retention_give(void *context, const char *json);
bool retention_job_pass(struct retention_job *job, bool act, retention_give *give, void *context,
                        struct fault *fault);

/* As the last pass that came to its end found it; zeros for no job. Any thread. */
struct retention_sums {
    uint64_t units, overdue, reminded,
        intended; /* reminded: past the maximum, and without witnesses people's to erase */
};
struct retention_sums retention_job_sums(struct retention_job *job);

/* What a hold keeps of units that went: for each event its log index and the extra data of its proof (event_proof.h). */
typedef bool retention_held_give(void *context, uint64_t log_index, struct slice extra);
bool retention_job_held(struct retention_job *job, uint64_t hold, retention_held_give *give, void *context,
                        struct fault *fault);

#endif
