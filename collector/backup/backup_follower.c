#include "backup_follower.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "backup_segments.h"
#include "clock.h"
#include "log.h"
#include "memory.h"

#define AT_NAME "at" /* in a set: how far it was followed when the collector stopped */
#define SETS_LOOKED 1000u
#define QUEUE_LARGE (FOLLOWER_QUEUE_MOST / 4)

/* One file that is followed into. */
struct target {
    struct backup_writer *writer; /* NULL: none */
    char set[BACKUP_SET_NAME];
    uint64_t number;
    uint64_t synced;    /* sequence up to which it is on the disk */
    struct fault fault; /* why there is none any more */
};

struct backup_follower {
    struct backup_follower_settings settings;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_mutex_t copies; /* of segments in the folder: made, or swept; never taken inside of the other */
    pthread_cond_t wanted;  /* something to do */
    pthread_cond_t done;    /* a round is over */

    /* Under the mutex. */
    struct buffer queued;
    uint64_t heard;         /* the newest commit's sequence */
    uint64_t rounds, asked; /* rounds that are over; the one that somebody waits for */
    bool running;           /* a round is: the targets are the thread's */
    bool hurry, stopping, hole;
    struct target current, added;
    uint64_t bodies_from;
    struct backup_following state;
    void (*on_synced)(void *context);
    void *context;

    /* The thread's own. */
    struct buffer writing;
};

/* ---- the committing thread */

static void hear(void *context, struct slice records, uint64_t sequence) {
    struct backup_follower *follower = context;
    struct backup_commit commit = {.after = sequence, .time_us = clock_wall_us()};
    pthread_mutex_lock(&follower->mutex);
    commit.before = follower->heard;
    follower->heard = sequence;
    if ((follower->current.writer || follower->added.writer) && !follower->hole) {
        size_t before = follower->queued.size;
        bool good = records.data && buffer_append_slice(&follower->queued, records) &&
                    backup_commit_write(&follower->queued, &commit);
        follower->hole = !good;
        if (before == 0 || !good || follower->queued.size > QUEUE_LARGE)
            pthread_cond_signal(&follower->wanted);
    }
    pthread_mutex_unlock(&follower->mutex);
}

/* A copy under way stands under another name, in a folder that may be empty still: a sweep would take both away. */
bool backup_follower_sweep(struct backup_follower *follower, struct fault *fault) {
    uint64_t removed;
    pthread_mutex_lock(&follower->copies);
    bool good = segment_files_sweep(follower->settings.store, follower->settings.folder, &removed, fault);
    pthread_mutex_unlock(&follower->copies);
    return good;
}

/* ---- the follower's thread */

static void fail(struct target *target, const struct fault *fault) {
    char line[FAULT_LINE_SIZE];
    log_warning("the backup no longer follows: %s", fault_line(fault, line));
    target->fault = *fault;
    target->writer = backup_writer_destroy(target->writer);
}

/* Copies must be there before the commit that counts on them is. What cannot be copied is copied with the next set. Returns
 * whether something was erased whose bodies may stand in a set. */
static bool follow_segments(const struct backup_follower_settings *settings, struct slice records,
                            uint64_t bodies_from) {
    struct backup_record record;
    bool erased = false;
    while (backup_record_next(&records, &record, NULL)) {
        struct segment_row row;
        struct fault fault = {0};
        uint8_t nothing[SEGMENT_ROW_SIZE] = {0};
        if (record.family != STORE_SEGMENT || (record.kind != BACKUP_PUT && record.kind != BACKUP_DELETE))
            continue;
        bool put = record.kind == BACKUP_PUT;
        struct slice value = put ? record.value : slice_make(nothing, sizeof nothing);
        if (!segment_row_read(record.key, value, &row, NULL))
            continue;
        bool good = put ? backup_segment_copy(settings->store_folder, settings->folder, &row, &fault)
                        : segment_files_drop(settings->folder, &row, &fault);
        if (!good && fault.code != FAULT_MISSING)
            log_fault(LOG_LEVEL_WARNING, &fault, "a segment's copy in the backup");
        erased = erased || (!put && row.last_index >= bodies_from);
    }
    return erased;
}

static void write_to(struct target *target, struct slice records, uint64_t sequence, bool hole,
                     uint64_t *bytes) {
    struct fault fault = {0};
    if (!target->writer)
        return;
    if (hole)
        fault_set(&fault, FAULT_BUSY, "more was committed than its disk takes");
    else if (backup_writer_put_all(target->writer, records, &fault) &&
             backup_writer_sync(target->writer, &fault)) {
        *bytes += records.size;
        target->synced = sequence;
        return;
    }
    fail(target, &fault);
}

static void round_of(struct backup_follower *follower) {
    struct buffer swap = follower->writing;
    follower->writing = follower->queued;
    follower->queued = swap;
    uint64_t sequence = follower->heard, bytes = 0, bodies_from = follower->bodies_from;
    bool hole = follower->hole;
    follower->hole = false;
    follower->hurry = false;
    follower->running = true;
    pthread_mutex_unlock(&follower->mutex);

    struct slice records = buffer_slice(&follower->writing);
    pthread_mutex_lock(&follower->copies);
    bool erased = follow_segments(&follower->settings, hole ? SLICE("") : records, bodies_from);
    pthread_mutex_unlock(&follower->copies);
    write_to(&follower->current, records, sequence, hole, &bytes);
    write_to(&follower->added, records, sequence, hole, &bytes);
    buffer_clear(&follower->writing);

    pthread_mutex_lock(&follower->mutex);
    follower->running = false;
    follower->rounds++;
    follower->state.written_bytes += bytes;
    follower->state.renew = follower->state.renew || erased;
    follower->state.following = follower->current.writer != NULL;
    if (follower->current.writer)
        follower->state.synced_us = clock_wall_us();
    else
        follower->state.fault = follower->current.fault;
    pthread_cond_broadcast(&follower->done);
    if (follower->on_synced)
        follower->on_synced(follower->context);
}

static void wait_us(struct backup_follower *follower, uint64_t time_us) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(time_us / 1000000);
    pthread_cond_timedwait(&follower->wanted, &follower->mutex, &until);
}

static bool is_due(const struct backup_follower *follower) {
    return follower->hole || follower->asked > follower->rounds ||
           (follower->hurry && follower->queued.size) || follower->queued.size > QUEUE_LARGE;
}

static void *follow(void *context) {
    struct backup_follower *follower = context;
    pthread_mutex_lock(&follower->mutex);
    while (!follower->stopping) {
        if (follower->queued.size == 0 && !is_due(follower))
            pthread_cond_wait(&follower->wanted, &follower->mutex);
        else if (!is_due(follower))
            wait_us(follower, FOLLOWER_EVERY_US);
        if (!follower->stopping && (follower->queued.size || is_due(follower)))
            round_of(follower);
    }
    round_of(follower);
    pthread_mutex_unlock(&follower->mutex);
    return NULL;
}

/* Until the targets are nobody's; another round is not begun while the caller has the mutex. */
static void wait_for_quiet(struct backup_follower *follower) {
    while (follower->running)
        pthread_cond_wait(&follower->done, &follower->mutex);
}

/* Until all that was committed before the call is in the added file, or that has failed. */
static void wait_for_added(struct backup_follower *follower) {
    uint64_t heard = follower->heard;
    while (follower->added.writer && follower->added.synced < heard && !follower->stopping) {
        follower->asked = follower->rounds + 1;
        pthread_cond_signal(&follower->wanted);
        pthread_cond_wait(&follower->done, &follower->mutex);
    }
    wait_for_quiet(follower);
}

/* ---- going on after a stop */

static bool at_path(char path[FILES_PATH_MOST], const struct backup_follower *follower, const char *set) {
    return backup_set_path(path, follower->settings.folder, set, AT_NAME);
}

static void leave_note(const struct backup_follower *follower) {
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer text = BUFFER(128);
    struct fault fault = {0};
    buffer_printf(&text, "%" PRIu64 " %" PRIu64 "\n", follower->current.synced, follower->current.number + 1);
    if (at_path(path, follower, follower->current.set) &&
        !files_write(path, buffer_slice(&text), 0600, &fault))
        log_fault(LOG_LEVEL_WARNING, &fault, "the backup will begin anew at the next start");
}

/* The newest set's note, if the store stands exactly where it says. */
static bool find_note(const struct backup_follower *follower, char ret_set[BACKUP_SET_NAME],
                      uint64_t *ret_number) {
    char(*sets)[BACKUP_SET_NAME] = memory_new_array(SETS_LOOKED, sizeof *sets);
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer text = BUFFER(128);
    size_t count = 0;
    uint64_t sequence = 0;
    bool found = backup_folder_sets(follower->settings.folder, sets, SETS_LOOKED, &count, NULL) && count > 0;
    if (found)
        memcpy(ret_set, sets[count - 1], BACKUP_SET_NAME);
    free(sets);
    found = found && at_path(path, follower, ret_set) && files_read(path, &text, NULL);
    if (!found)
        return false;
    files_remove(path, NULL); /* it is true once */
    struct slice words = slice_head(buffer_slice(&text), slice_find_byte(buffer_slice(&text), '\n'));
    size_t blank = slice_find_byte(words, ' ');
    return blank != SIZE_MAX && slice_decimal(slice_head(words, blank), &sequence) &&
           slice_decimal(slice_from(words, blank + 1), ret_number) &&
           sequence == store_sequence(follower->settings.store);
}

bool backup_follower_resume(struct backup_follower *follower, const uint8_t key[BACKUP_KEY_SIZE],
                            const struct hash *log, struct fault *fault) {
    char path[FILES_PATH_MOST], base[FILES_PATH_MOST];
    struct target target = {0};
    struct backup_header header;
    if (!find_note(follower, target.set, &target.number) ||
        !backup_set_path(base, follower->settings.folder, target.set, "base") ||
        !backup_follow_path(path, follower->settings.folder, target.set, target.number))
        return false;
    struct backup_reader *reader = backup_reader_open(base, key, &header, fault);
    if (!reader)
        return false;
    backup_reader_close(reader);
    struct backup_header own = {.kind = BACKUP_FOLLOW,
                                .made_us = clock_wall_us(),
                                .log = *log,
                                .set = header.set,
                                .number = target.number};
    target.writer = hash_equal(&header.log, log) ? backup_writer_create(path, key, &own, fault) : NULL;
    if (!target.writer)
        return false;
    pthread_mutex_lock(&follower->mutex);
    target.synced = follower->heard;
    follower->current = target;
    follower->state.following = true;
    follower->state.synced_us = clock_wall_us();
    pthread_mutex_unlock(&follower->mutex);
    return true;
}

/* ---- */

struct backup_follower *backup_follower_start(const struct backup_follower_settings *settings,
                                              struct fault *fault) {
    struct backup_follower *follower = memory_new(sizeof *follower);
    pthread_condattr_t monotonic;
    follower->settings = *settings;
    follower->queued = BUFFER(FOLLOWER_QUEUE_MOST);
    follower->writing = BUFFER(FOLLOWER_QUEUE_MOST);
    follower->heard = store_sequence(settings->store);
    pthread_mutex_init(&follower->mutex, NULL);
    pthread_mutex_init(&follower->copies, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&follower->wanted, &monotonic);
    pthread_cond_init(&follower->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    store_listen(settings->store, &(struct store_listener){follower, hear});
    follower->started = pthread_create(&follower->thread, NULL, follow, follower) == 0;
    if (follower->started)
        return follower;
    fault_set(fault, FAULT_IO, "no thread can be started for the backup");
    return backup_follower_stop(follower);
}

struct backup_follower *backup_follower_stop(struct backup_follower *follower) {
    struct fault fault = {0};
    if (!follower)
        return NULL;
    store_listen(follower->settings.store, &(struct store_listener){0});
    pthread_mutex_lock(&follower->mutex);
    follower->stopping = true;
    pthread_cond_broadcast(&follower->wanted);
    pthread_cond_broadcast(&follower->done);
    pthread_mutex_unlock(&follower->mutex);
    if (follower->started)
        pthread_join(follower->thread, NULL);
    if (follower->current.writer && backup_writer_end(follower->current.writer, &fault))
        leave_note(follower);
    backup_writer_destroy(follower->current.writer);
    backup_writer_destroy(follower->added.writer);
    pthread_cond_destroy(&follower->wanted);
    pthread_cond_destroy(&follower->done);
    pthread_mutex_destroy(&follower->mutex);
    pthread_mutex_destroy(&follower->copies);
    buffer_free(&follower->queued);
    buffer_free(&follower->writing);
    free(follower);
    return NULL;
}

bool backup_follower_add(struct backup_follower *follower, struct backup_writer *writer, const char *set) {
    pthread_mutex_lock(&follower->mutex);
    wait_for_quiet(follower);
    bool good = !follower->added.writer && !follower->stopping;
    if (good) {
        follower->added = (struct target){.writer = writer};
        snprintf(follower->added.set, sizeof follower->added.set, "%s", set);
    }
    pthread_mutex_unlock(&follower->mutex);
    return good;
}

struct store_snapshot *backup_follower_snapshot(struct backup_follower *follower, uint64_t *ret_sequence) {
    struct store_snapshot *snapshot = NULL;
    /* The committing thread gets no further than one commit while it is not heard: the second try is of a still moment. */
    pthread_mutex_lock(&follower->mutex);
    uint64_t before, after;
    do {
        store_snapshot_destroy(snapshot);
        before = store_sequence(follower->settings.store);
        snapshot = store_snapshot_create(follower->settings.store);
        after = store_sequence(follower->settings.store);
    } while (before != after);
    pthread_mutex_unlock(&follower->mutex);
    *ret_sequence = after;
    return snapshot;
}

static void end_target(struct target *target) {
    struct fault fault = {0};
    if (target->writer && !backup_writer_end(target->writer, &fault))
        log_fault(LOG_LEVEL_WARNING, &fault, "the end of what was followed");
    target->writer = backup_writer_destroy(target->writer);
}

bool backup_follower_switch(struct backup_follower *follower, struct fault *fault) {
    struct target old = {0};
    pthread_mutex_lock(&follower->mutex);
    wait_for_added(follower);
    bool good = follower->added.writer != NULL && !follower->stopping;
    if (good) {
        old = follower->current;
        follower->current = follower->added;
        follower->added = (struct target){0};
        follower->state.following = true;
        follower->state.fault = (struct fault){0};
        follower->state.synced_us = clock_wall_us();
    } else if (follower->added.fault.code)
        *fault = follower->added.fault;
    else
        fault_set(fault, FAULT_BUSY, "the collector is stopping");
    pthread_mutex_unlock(&follower->mutex);
    end_target(&old);
    return good;
}

void backup_follower_drop(struct backup_follower *follower) {
    pthread_mutex_lock(&follower->mutex);
    wait_for_quiet(follower);
    struct target old = follower->added;
    follower->added = (struct target){0};
    pthread_mutex_unlock(&follower->mutex);
    backup_writer_destroy(old.writer);
}

void backup_follower_look(struct backup_follower *follower) {
    char set[BACKUP_SET_NAME], path[FILES_PATH_MOST];
    struct fault fault = {0};
    pthread_mutex_lock(&follower->mutex);
    bool following = follower->current.writer != NULL;
    memcpy(set, follower->current.set, sizeof set);
    pthread_mutex_unlock(&follower->mutex);
    /* Looking at a disk that hangs may take long: nobody waits for it. */
    if (!following || !backup_set_path(path, follower->settings.folder, set, "base") || files_exists(path))
        return;
    fault_set(&fault, FAULT_MISSING, "%s is gone", path);
    pthread_mutex_lock(&follower->mutex);
    wait_for_quiet(follower);
    if (follower->current.writer && strcmp(follower->current.set, set) == 0) {
        fail(&follower->current, &fault);
        follower->state.following = false;
        follower->state.fault = fault;
    }
    pthread_mutex_unlock(&follower->mutex);
}

uint64_t backup_follower_heard(struct backup_follower *follower) {
    pthread_mutex_lock(&follower->mutex);
    uint64_t heard = follower->heard;
    pthread_mutex_unlock(&follower->mutex);
    return heard;
}

uint64_t backup_follower_synced(struct backup_follower *follower) {
    pthread_mutex_lock(&follower->mutex);
    uint64_t synced = follower->current.writer ? follower->current.synced : 0;
    pthread_mutex_unlock(&follower->mutex);
    return synced;
}

void backup_follower_hurry(struct backup_follower *follower) {
    pthread_mutex_lock(&follower->mutex);
    follower->hurry = true;
    pthread_cond_signal(&follower->wanted);
    pthread_mutex_unlock(&follower->mutex);
}

void backup_follower_listen(struct backup_follower *follower, void (*synced)(void *context), void *context) {
    pthread_mutex_lock(&follower->mutex);
    follower->on_synced = synced;
    follower->context = context;
    pthread_mutex_unlock(&follower->mutex);
}

struct backup_following backup_follower_state(struct backup_follower *follower) {
    pthread_mutex_lock(&follower->mutex);
    struct backup_following state = follower->state;
    state.queued_bytes = follower->queued.size;
    pthread_mutex_unlock(&follower->mutex);
    return state;
}

void backup_follower_bodies_from(struct backup_follower *follower, uint64_t index) {
    pthread_mutex_lock(&follower->mutex);
    follower->bodies_from = index;
    follower->state.renew = false;
    pthread_mutex_unlock(&follower->mutex);
}
