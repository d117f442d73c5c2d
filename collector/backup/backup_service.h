/* The collector's own backups: a set every day (settings: backup.every), followed commit by commit in between; what is known
 * of them; an event for each, and one when there was none for too long.
 *
 * Threads: the follower's (backup_follower.h), and one that makes sets, removes old ones, looks at the clock. Two sets are
 * kept. Events in the collector's stream:
 *
 *     backup_verified   a set was made and read back whole (fields backup.set, backup.rows, backup.bytes, backup.checked)
 *     backup_failed     the first try that failed after a good one
 *     backup_overdue    none was verified for BACKUP_OVERDUE_US (or two hours over backup.every); again every day
 *
 * Owner: the wiring. Start after store_open, before the first commit; stop after the last one. */
#ifndef TOCSIN_BACKUP_SERVICE_H
#define TOCSIN_BACKUP_SERVICE_H

#include "backup_follower.h"
#include "buffer.h"
#include "committer.h"

#define BACKUP_OVERDUE_US (26ull * 3600 * 1000000)
#define BACKUP_SLACK_US (2ull * 3600 * 1000000)
#define BACKUP_RETRY_US (5ull * 60 * 1000000)
#define BACKUP_SETS_KEPT 2u

struct backup_service;

struct backup_service_settings {
    struct store *store;
    const char *folder, *key; /* of the backups; the file with their key, made where there is none */
    const char *site_folder, *data_folder;
    struct backup_site site;
    uint64_t every_us;
};

/* Listens to the store from now on. Texts are copied. */
struct backup_service *backup_service_start(const struct backup_service_settings *settings,
                                            struct fault *fault);
struct backup_follower *backup_service_follower(struct backup_service *service);
/* Starts making sets, once events can be committed. */
bool backup_service_run(struct backup_service *service, struct committer *committer, struct fault *fault);
/* Before committer_destroy: a set that is being made is given up. */
void backup_service_quit(struct backup_service *service);
/* After the last commit. Returns NULL; NULL is fine. */
struct backup_service *backup_service_stop(struct backup_service *service);

/* Makes one now and waits for it; any thread. */
bool backup_service_now(struct backup_service *service, struct fault *fault);
/* A JSON object: {"folder", "verified", "age_seconds", "overdue", "following", "behind_seconds", "making", "failure"}. */
void backup_service_describe(struct backup_service *service, struct buffer *to);
struct backup_service_counts {
    uint64_t made, failed, verified_us, queued_bytes;
    bool following, overdue;
};
struct backup_service_counts backup_service_counts(struct backup_service *service);

#endif
