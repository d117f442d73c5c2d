#include "backup_service.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "backup_base.h"
#include "backup_key.h"
#include "backup_log.h"
#include "bytes.h"
#include "calendar.h"
#include "clock.h"
#include "log.h"
#include "memory.h"
#include "record_json.h"
#include "report.h"
#include "site.h"

#define LOOK_S 5                           /* how often the clock is looked at */
#define REPEAT_US (24ull * 3600 * 1000000) /* between two reminders */
/* STORE_MARK: u64 time of the newest verified set, or of the first start before there was one; and where that set is. */
#define VERIFIED_MARK "backup.verified"
#define FOLDER_MARK "backup.folder"

struct backup_service {
    struct backup_service_settings settings;
    char folder[FILES_PATH_MOST], key_path[FILES_PATH_MOST], site_folder[FILES_PATH_MOST],
        data[FILES_PATH_MOST], store_folder[FILES_PATH_MOST];
    uint8_t key[BACKUP_KEY_SIZE];
    int lock;
    struct backup_follower *follower;
    struct committer *committer;
    pthread_t thread;
    bool started;

    pthread_mutex_t mutex;
    pthread_cond_t wanted, done;
    bool quitting, making, failing, overdue, good_ever;
    uint64_t asked, made, failed; /* tries: asked for, good, bad */
    uint64_t tries;
    uint64_t verified_us; /* of the newest good one; before there is any, since when one is waited for */
    uint64_t tried_us, told_us;
    uint64_t bodies_from; /* of the newest set */
    bool known;           /* the folder has held a set */
    struct fault fault;   /* of the newest try */
};

/* ---- events */

static void report(struct backup_service *service, const char *name, const struct report_field *fields,
                   uint64_t mark, const char *text) {
    uint8_t value[8];
    struct change *change = change_create();
    report_state(change, name, fields, "%s", text);
    if (mark) {
        bytes_put_u64(value, mark);
        change_put(change, STORE_MARK, SLICE(VERIFIED_MARK), slice_make(value, sizeof value));
        change_put(change, STORE_MARK, SLICE(FOLDER_MARK), slice_string(service->folder));
    }
    committer_submit(service->committer, change);
}

static void report_made(struct backup_service *service, const struct backup_made *made, uint64_t now_us) {
    char rows[24], bytes[24], checked[24], text[400];
    snprintf(rows, sizeof rows, "%" PRIu64, made->rows);
    snprintf(bytes, sizeof bytes, "%" PRIu64, made->bytes);
    snprintf(checked, sizeof checked, "%" PRIu64, made->checked);
    const struct report_field fields[] = {{"backup.set", made->set},
                                          {"backup.rows", rows},
                                          {"backup.bytes", bytes},
                                          {"backup.checked", checked},
                                          {NULL, NULL}};
    snprintf(text, sizeof text,
             "backup %s was made and read back: %" PRIu64 " rows, log up to entry %" PRIu64 ", %" PRIu64
             " segments; %" PRIu64 " older files drawn by lot are good",
             made->set, made->rows, made->log_size, made->segments, made->checked);
    report(service, "backup_verified", fields, now_us, text);
    log_notice("%s", text);
}

static void report_failed(struct backup_service *service, const struct fault *fault) {
    char line[FAULT_LINE_SIZE], text[FAULT_LINE_SIZE + 40];
    snprintf(text, sizeof text, "the backup failed: %s", fault_line(fault, line));
    report(service, "backup_failed", NULL, 0, text);
    log_warning("%s", text);
}

/* ---- a set */

/* Until the stop is wanted: a walk through the store is long. */
struct walk {
    struct backup_service *service;
    struct backup_making *making;
};

static bool take(void *context, enum store_family family, struct slice key, struct slice value,
                 struct fault *fault) {
    struct walk *walk = context;
    pthread_mutex_lock(&walk->service->mutex);
    bool quitting = walk->service->quitting;
    pthread_mutex_unlock(&walk->service->mutex);
    return quitting ? fault_set(fault, FAULT_BUSY, "the collector is stopping")
                    : backup_making_take(walk->making, family, key, value, fault);
}

/* From the moment of the snapshot to the set's name. */
static bool fill(struct backup_service *service, struct backup_making *making, struct backup_made *ret_made,
                 struct fault *fault) {
    uint64_t sequence;
    struct walk walk = {service, making};
    struct store_snapshot *snapshot = backup_follower_snapshot(service->follower, &sequence);
    backup_making_at(making, sequence);
    bool good =
        backup_walk(service->settings.store, snapshot, backup_making_log_first(making), take, &walk, fault);
    store_snapshot_destroy(snapshot);
    return good && backup_making_finish(making, service->store_folder, ret_made, fault);
}

/* Old sets, and what no set needs any more; `all`: every one but the newest. */
static void clear_away(struct backup_service *service, bool all) {
    char(*sets)[BACKUP_SET_NAME] = memory_new_array(BACKUP_SETS_MOST, sizeof *sets);
    size_t count = 0, kept = all ? 1 : BACKUP_SETS_KEPT;
    struct fault fault = {0};
    bool good = backup_folder_sets(service->folder, sets, BACKUP_SETS_MOST, &count, &fault);
    for (size_t i = 0; good && i + kept < count; i++)
        good = backup_set_remove(service->folder, sets[i], &fault);
    good =
        good && backup_log_sweep(service->folder, &fault) && backup_follower_sweep(service->follower, &fault);
    if (!good)
        log_fault(LOG_LEVEL_WARNING, &fault, "old backups");
    free(sets);
}

/* A folder that held backups and holds none is most likely a disk that is not mounted: only a person begins it anew. */
static bool take_folder(struct backup_service *service, bool asked, struct fault *fault) {
    char mark[FILES_PATH_MOST];
    if (!asked && service->known && files_path(mark, service->folder, BACKUP_FOLDER_MARK) &&
        !files_exists(mark))
        return fault_set(
            fault, FAULT_MISSING,
            "%s held backups and is empty now: is its disk mounted? If it is, `tocsin backup` begins anew",
            service->folder);
    return backup_folder_take(service->folder, &service->settings.site, fault) &&
           (service->lock >= 0 || backup_folder_lock(service->folder, &service->lock, fault));
}

static bool make(struct backup_service *service, bool renew, bool asked, struct backup_made *ret_made,
                 struct fault *fault) {
    struct backup_making_settings settings = {.folder = service->folder,
                                              .key = service->key,
                                              .site = &service->settings.site,
                                              .site_folder = service->site_folder,
                                              .data_folder = service->data,
                                              .now_us = clock_wall_us()};
    if (!take_folder(service, asked, fault))
        return false;
    struct backup_making *making = backup_making_begin(&settings, fault);
    struct backup_writer *follow = making ? backup_making_follow(making, fault) : NULL;
    bool added = follow && backup_follower_add(service->follower, follow, backup_making_set(making));
    if (follow && !added) {
        backup_writer_destroy(follow);
        fault_set(fault, FAULT_BUSY, "the collector is stopping");
    }
    bool good =
        added && fill(service, making, ret_made, fault) && backup_follower_switch(service->follower, fault);
    if (added && !good)
        backup_follower_drop(service->follower);
    good = good && backup_making_name(making, fault);
    backup_making_destroy(making);
    if (good) {
        /* Of two sets that are kept, the older one's bodies count, too; of one from before the start nothing is known. */
        uint64_t both =
            ret_made->bodies_from < service->bodies_from ? ret_made->bodies_from : service->bodies_from;
        backup_follower_bodies_from(service->follower, renew ? ret_made->bodies_from : both);
        service->bodies_from = ret_made->bodies_from;
        service->known = true;
        clear_away(service, renew);
    }
    return good;
}

/* ---- the thread */

static bool is_due(const struct backup_service *service, uint64_t now_us, bool renew, bool following) {
    if (service->tried_us == 0)
        return !following || now_us >= service->verified_us + service->settings.every_us;
    if (service->failing || !following)
        return now_us >= service->tried_us + BACKUP_RETRY_US || now_us < service->tried_us;
    return renew || now_us >= service->verified_us + service->settings.every_us ||
           now_us < service->verified_us;
}

static void try_once(struct backup_service *service, bool renew, bool by_hand) {
    struct backup_made made = {0};
    struct fault fault = {0};
    service->making = true;
    service->tried_us = clock_wall_us();
    uint64_t asked = service->asked;
    pthread_mutex_unlock(&service->mutex);
    bool good = make(service, renew, by_hand, &made, &fault);
    uint64_t now_us = clock_wall_us();
    pthread_mutex_lock(&service->mutex);
    service->making = false;
    if (!good && service->quitting)
        return;
    bool first = !service->failing && !good;
    service->failing = !good;
    service->fault = fault;
    service->made += good;
    service->failed += !good;
    service->tries = asked;
    if (good) {
        service->verified_us = now_us;
        service->good_ever = true;
        service->overdue = false;
    }
    pthread_cond_broadcast(&service->done);
    pthread_mutex_unlock(&service->mutex);
    if (good)
        report_made(service, &made, now_us);
    else if (first)
        report_failed(service, &fault);
    pthread_mutex_lock(&service->mutex);
}

static void look_at_clock(struct backup_service *service, uint64_t now_us) {
    uint64_t limit = service->settings.every_us + BACKUP_SLACK_US;
    char text[200];
    if (limit < BACKUP_OVERDUE_US)
        limit = BACKUP_OVERDUE_US;
    service->overdue = now_us > service->verified_us && now_us - service->verified_us > limit;
    if (!service->overdue ||
        (service->told_us && now_us >= service->told_us && now_us < service->told_us + REPEAT_US))
        return;
    service->told_us = now_us;
    snprintf(text, sizeof text, "no backup was made and verified for %" PRIu64 " hours",
             (now_us - service->verified_us) / 3600000000u);
    pthread_mutex_unlock(&service->mutex);
    report(service, "backup_overdue", NULL, 0, text);
    log_warning("%s", text);
    pthread_mutex_lock(&service->mutex);
}

static void *run(void *context) {
    struct backup_service *service = context;
    pthread_mutex_lock(&service->mutex);
    while (!service->quitting) {
        struct backup_following state = backup_follower_state(service->follower);
        uint64_t now_us = clock_wall_us();
        bool asked = service->asked > service->tries;
        if (asked || is_due(service, now_us, state.renew, state.following)) {
            try_once(service, state.renew, asked);
            continue;
        }
        look_at_clock(service, now_us);
        pthread_mutex_unlock(&service->mutex);
        backup_follower_look(service->follower);
        pthread_mutex_lock(&service->mutex);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_S;
        if (!service->quitting && service->asked == service->tries)
            pthread_cond_timedwait(&service->wanted, &service->mutex, &until);
    }
    pthread_cond_broadcast(&service->done);
    pthread_mutex_unlock(&service->mutex);
    return NULL;
}

/* ---- life */

static bool take_paths(struct backup_service *service, const struct backup_service_settings *settings,
                       struct fault *fault) {
    size_t most = FILES_PATH_MOST;
    return (snprintf(service->folder, most, "%s", settings->folder) < (int)most &&
            snprintf(service->key_path, most, "%s", settings->key) < (int)most &&
            snprintf(service->site_folder, most, "%s", settings->site_folder) < (int)most &&
            snprintf(service->data, most, "%s", settings->data_folder) < (int)most &&
            site_path(service->store_folder, settings->data_folder, SITE_COLLECTOR_STORE)) ||
           fault_set(fault, FAULT_LIMIT, "a path of the backup's is too long");
}

static void read_mark(struct backup_service *service) {
    uint8_t value[8];
    service->verified_us = clock_wall_us();
    if (store_get_fixed(service->settings.store, STORE_MARK, SLICE(VERIFIED_MARK), value, sizeof value, NULL))
        service->verified_us = bytes_get_u64(value);
    CLEANUP_STORE_VALUE struct store_value folder = {0};
    service->known = store_get(service->settings.store, STORE_MARK, SLICE(FOLDER_MARK), &folder, NULL) &&
                     slice_equal(folder.slice, slice_string(service->folder));
}

/* A folder that cannot be used now must not keep the collector from starting: then nothing is followed, and making a set is
 * tried again and again. */
static void begin_following(struct backup_service *service) {
    struct fault fault = {0};
    bool good =
        take_folder(service, false, &fault) &&
        (backup_follower_resume(service->follower, service->key, &service->settings.site.log, &fault) ||
         !fault.code);
    if (!good)
        log_fault(LOG_LEVEL_WARNING, &fault, "the folder of backups");
}

struct backup_service *backup_service_start(const struct backup_service_settings *settings,
                                            struct fault *fault) {
    struct backup_service *service = memory_new(sizeof *service);
    pthread_condattr_t monotonic;
    service->settings = *settings;
    service->lock = -1;
    pthread_mutex_init(&service->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&service->wanted, &monotonic);
    pthread_cond_init(&service->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!take_paths(service, settings, fault) ||
        !backup_key_open(service->key_path, true, service->key, fault))
        return backup_service_stop(service);
    service->settings.site.key_id = backup_key_id(service->key);
    if (!realpath(service->key_path, service->settings.site.key_path))
        service->settings.site.key_path[0] = '\0';
    read_mark(service);
    struct backup_follower_settings follower = {settings->store, service->folder, service->store_folder};
    service->follower = backup_follower_start(&follower, fault);
    if (!service->follower)
        return backup_service_stop(service);
    begin_following(service);
    return service;
}

struct backup_follower *backup_service_follower(struct backup_service *service) {
    return service->follower;
}

/* From the first start on a backup is waited for, over restarts too. */
static void put_mark(struct backup_service *service) {
    uint8_t value[8];
    struct change *change = change_create();
    bytes_put_u64(value, service->verified_us);
    change_put(change, STORE_MARK, SLICE(VERIFIED_MARK), slice_make(value, sizeof value));
    committer_submit(service->committer, change);
}

bool backup_service_run(struct backup_service *service, struct committer *committer, struct fault *fault) {
    service->committer = committer;
    put_mark(service);
    service->started = pthread_create(&service->thread, NULL, run, service) == 0;
    return service->started || fault_set(fault, FAULT_IO, "no thread can be started for backups");
}

void backup_service_quit(struct backup_service *service) {
    if (!service)
        return;
    pthread_mutex_lock(&service->mutex);
    service->quitting = true;
    pthread_cond_broadcast(&service->wanted);
    pthread_cond_broadcast(&service->done);
    pthread_mutex_unlock(&service->mutex);
    if (service->started)
        pthread_join(service->thread, NULL);
    service->started = false;
}

struct backup_service *backup_service_stop(struct backup_service *service) {
    if (!service)
        return NULL;
    backup_service_quit(service);
    service->follower = backup_follower_stop(service->follower);
    if (service->lock >= 0)
        files_unlock(service->lock);
    pthread_cond_destroy(&service->wanted);
    pthread_cond_destroy(&service->done);
    pthread_mutex_destroy(&service->mutex);
    memory_wipe(service, sizeof *service);
    free(service);
    return NULL;
}

/* ---- asked from outside */

bool backup_service_now(struct backup_service *service, struct fault *fault) {
    pthread_mutex_lock(&service->mutex);
    uint64_t mine = ++service->asked;
    pthread_cond_signal(&service->wanted);
    while (service->tries < mine && !service->quitting)
        pthread_cond_wait(&service->done, &service->mutex);
    bool good = service->tries >= mine && !service->failing;
    if (!good && service->quitting)
        fault_set(fault, FAULT_BUSY, "the collector is stopping");
    else if (!good)
        *fault = service->fault;
    pthread_mutex_unlock(&service->mutex);
    return good;
}

struct backup_service_counts backup_service_counts(struct backup_service *service) {
    struct backup_following state = backup_follower_state(service->follower);
    pthread_mutex_lock(&service->mutex);
    struct backup_service_counts counts = {.made = service->made,
                                           .failed = service->failed,
                                           .verified_us = service->verified_us,
                                           .queued_bytes = state.queued_bytes,
                                           .following = state.following,
                                           .overdue = service->overdue};
    pthread_mutex_unlock(&service->mutex);
    return counts;
}

void backup_service_describe(struct backup_service *service, struct buffer *to) {
    struct backup_following state = backup_follower_state(service->follower);
    uint64_t now_us = clock_wall_us(), heard = backup_follower_heard(service->follower),
             synced = backup_follower_synced(service->follower);
    uint64_t behind_us = heard > synced && now_us > state.synced_us ? now_us - state.synced_us : 0;
    char line[FAULT_LINE_SIZE];
    pthread_mutex_lock(&service->mutex);
    buffer_append_string(to, "{\"folder\":");
    record_json_string(to, slice_string(service->folder));
    buffer_printf(to,
                  ",\"ever\":%s,\"age_seconds\":%" PRIu64 ",\"overdue\":%s,\"making\":%s,\"following\":%s,"
                  "\"behind_seconds\":%" PRIu64 ",\"failure\":",
                  service->good_ever || state.following ? "true" : "false",
                  now_us > service->verified_us ? (now_us - service->verified_us) / 1000000 : 0,
                  service->overdue ? "true" : "false", service->making ? "true" : "false",
                  state.following ? "true" : "false", state.following ? behind_us / 1000000 : 0);
    const struct fault *fault = service->failing ? &service->fault : !state.following ? &state.fault : NULL;
    record_json_string(to, slice_string(fault && fault->code ? fault_line(fault, line) : ""));
    buffer_append_string(to, "}");
    pthread_mutex_unlock(&service->mutex);
}
