#include "seal.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "bytes.h"
#include "clock.h"
#include "control_entry.h"
#include "log.h"
#include "log_reader.h"
#include "memory.h"
#include "report.h"
#include "seal_range.h"

#define LOOK_US 1000000u   /* how often the log is looked at, at least */
#define LOOK_MOST_US 5000000u
#define RETRY_US 30000000u /* after a failure */
#define DETECTION_STATE                                                                                      \
    "detection" /* in STORE_DETECTOR (detection_state.h): begins with the row that detection reads next after a restart */
#define COMPACT_LEAST (16u * 1024 * 1024)
#define TEXT_LEAST (1024u * 1024)

struct seal {
    struct seal_settings settings;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping, committed;
    struct seal_counts counts;

    /* The thread's own. */
    struct seal_range *range;
    uint64_t day, index; /* of what is looked at next */
    bool ended;          /* the range ends here: its day is over */
    uint64_t next_day;
    bool told;
};

/* ---- waiting */

static bool is_stopping(struct seal *seal) {
    pthread_mutex_lock(&seal->mutex);
    bool stopping = seal->stopping;
    pthread_mutex_unlock(&seal->mutex);
    return stopping;
}

/* The mutex is held. */
static void wait_for(struct seal *seal, uint64_t delay_us) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(delay_us / 1000000);
    until.tv_nsec += (long)(delay_us % 1000000) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&seal->changed, &seal->mutex, &until);
}

static void rest(struct seal *seal, uint64_t delay_us) {
    pthread_mutex_lock(&seal->mutex);
    if (!seal->stopping)
        wait_for(seal, delay_us);
    pthread_mutex_unlock(&seal->mutex);
}

static void take_committed(void *context, struct change *change) {
    struct seal *seal = context;
    (void)change;
    pthread_mutex_lock(&seal->mutex);
    seal->committed = true;
    pthread_cond_broadcast(&seal->changed);
    pthread_mutex_unlock(&seal->mutex);
}

/* False at a stop: whether it is committed is then seen at the next start. */
static bool commit(struct seal *seal, struct change *change) {
    pthread_mutex_lock(&seal->mutex);
    seal->committed = false;
    pthread_mutex_unlock(&seal->mutex);
    change_on_committed(change, take_committed, seal);
    committer_submit(seal->settings.committer, change);
    pthread_mutex_lock(&seal->mutex);
    while (!seal->committed && !seal->stopping)
        wait_for(seal, LOOK_US);
    bool committed = seal->committed;
    pthread_mutex_unlock(&seal->mutex);
    return committed;
}

/* ---- the log */

static uint64_t passed_rows(const struct store *store) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    return store_get(store, STORE_DETECTOR, SLICE(DETECTION_STATE), &value, NULL) && value.slice.size >= 8
               ? bytes_get_u64(value.slice.data)
               : 0;
}

static bool is_day_mark(struct slice entry, uint64_t *ret_day) {
    struct control_entry control;
    if (!slice_starts(entry, SLICE("tocsin/ctrl/v1")) || !control_entry_read(entry, &control, NULL) ||
        control.statement.statement.type != STATEMENT_DAY_MARK)
        return false;
    *ret_day = control.ctl_seq;
    return true;
}

static void begin_range(struct seal *seal) {
    seal->range = seal_range_destroy(seal->range);
    seal->range = seal_range_create(seal->settings.store, seal->day, seal->index);
    seal->ended = false;
    seal->next_day = seal->day;
}

/* Takes in what the log has now, as far as the range goes. */
static bool look(struct seal *seal, struct fault *fault) {
    CLEANUP_BUFFER struct buffer entry = BUFFER(64 * 1024);
    uint64_t size = committer_counts(seal->settings.committer).log_size,
             passed = passed_rows(seal->settings.store), day;
    while (seal->index < size && !seal->ended && !seal_range_full(seal->range, seal->settings.size)) {
        buffer_clear(&entry);
        if (!log_entry_get(seal->settings.store, seal->index, &entry, fault))
            return false;
        if (is_day_mark(buffer_slice(&entry), &day) && day != seal->day) {
            seal->next_day = day;
            seal->ended = true;
            if (seal_range_rows(seal->range) ==
                0) { /* nothing in it: the day begins with a range of its own */
                seal->day = day;
                begin_range(seal);
                seal->index++;
            }
            continue;
        }
        enum seal_found found = seal_range_add(seal->range, seal->index, buffer_slice(&entry), passed, fault);
        if (found != SEAL_FOUND)
            return found == SEAL_BEHIND;
        seal->index++;
    }
    return true;
}

static bool is_due(const struct seal *seal, uint64_t now_us) {
    uint64_t oldest_us = seal_range_ingested_us(seal->range);
    return seal_range_rows(seal->range) &&
           (seal->ended || seal_range_full(seal->range, seal->settings.size) ||
            (oldest_us != UINT64_MAX && now_us > oldest_us && now_us - oldest_us >= seal->settings.after_us));
}

/* Deleted rows take room until their files are written anew. */
static void give_room_back(struct seal *seal, struct fault *fault) {
    uint8_t from[8] = {0}, to[8];
    bytes_put_u64(to, seal_range_arrival(seal->range) + 1);
    store_compact(seal->settings.store, STORE_HOT, slice_make(from, 8), slice_make(to, 8), fault);
}

static bool write_range(struct seal *seal, struct fault *fault) {
    struct change *change = change_create();
    struct seal_written written;
    if (!seal_range_write(seal->range, seal->index, seal->next_day, seal->settings.keys,
                          seal->settings.folder, change, &written, fault)) {
        change_destroy(change);
        return false;
    }
    if (!commit(seal, change))
        return true; /* stopping */
    pthread_mutex_lock(&seal->mutex);
    seal->counts.next_index = seal->index;
    seal->counts.ranges++;
    seal->counts.segments += written.segments;
    seal->counts.events += written.events;
    seal->counts.bytes += written.bytes;
    seal->counts.text += written.text;
    pthread_mutex_unlock(&seal->mutex);
    if (written.text >= COMPACT_LEAST)
        give_room_back(seal, fault);
    seal->day = seal->next_day;
    begin_range(seal);
    malloc_trim(0); /* a range takes much memory, and the next one may be an hour away */
    return true;
}

static bool read_mark(struct seal *seal, struct fault *fault) {
    uint8_t mark[16];
    struct fault local = {0};
    if (!store_get_fixed(seal->settings.store, STORE_MARK, SLICE(SEAL_MARK), mark, sizeof mark, &local))
        return local.code == FAULT_MISSING || fault_set(fault, local.code, "%s", local.text);
    seal->index = bytes_get_u64(mark);
    seal->day = bytes_get_u64(mark + 8);
    pthread_mutex_lock(&seal->mutex);
    seal->counts.next_index = seal->index;
    pthread_mutex_unlock(&seal->mutex);
    return true;
}

static void fail(struct seal *seal, const struct fault *fault) {
    if (!seal->told)
        log_fault(LOG_LEVEL_ERROR, fault,
                  "nothing is sealed until this is better; everything is kept as it is");
    if (!seal->told) {
        struct change *change = change_create();
        report_state(change, "sealing_failed", NULL, "nothing is sealed: %s%s%s", fault->place,
                     fault->place[0] ? ": " : "", fault->text);
        committer_submit(seal->settings.committer, change);
    }
    seal->told = true;
    pthread_mutex_lock(&seal->mutex);
    seal->counts.failures++;
    seal->counts.failing = true;
    pthread_mutex_unlock(&seal->mutex);
}

static void recover(struct seal *seal) {
    struct change *change = change_create();
    report_state(change, "sealing_good", NULL, "sealing goes on");
    committer_submit(seal->settings.committer, change);
    seal->told = false;
    pthread_mutex_lock(&seal->mutex);
    seal->counts.failing = false;
    pthread_mutex_unlock(&seal->mutex);
}

/* No oftener than it matters: nothing is wakened for on an idle machine. */
static uint64_t pause_us(const struct seal *seal) {
    uint64_t pause_us = seal->settings.after_us / 16;
    return pause_us < LOOK_US ? LOOK_US : pause_us > LOOK_MOST_US ? LOOK_MOST_US : pause_us;
}

static void *run(void *context) {
    struct seal *seal = context;
    while (!is_stopping(seal)) {
        struct fault fault = {0};
        bool good = look(seal, &fault), due = good && is_due(seal, clock_wall_us());
        if (due)
            good = write_range(seal, &fault);
        if (!good) {
            fail(seal, &fault);
            seal->index = seal->day = 0; /* from what is committed on, or from the beginning */
            read_mark(seal, NULL);
            begin_range(seal);
            rest(seal, RETRY_US);
        } else {
            if (due && seal->told)
                recover(seal);
            if (!due)
                rest(seal, pause_us(seal));
        }
    }
    return NULL;
}

/* ---- start and stop */

struct seal *seal_start(const struct seal_settings *settings, struct fault *fault) {
    struct seal *seal = memory_new(sizeof *seal);
    uint64_t removed = 0;
    seal->settings = *settings;
    if (seal->settings.size < TEXT_LEAST)
        seal->settings.size = TEXT_LEAST;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&seal->mutex, NULL);
    pthread_cond_init(&seal->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!segment_files_sweep(settings->store, settings->folder, &removed, fault) || !read_mark(seal, fault))
        return seal_destroy(seal);
    if (removed)
        log_notice("%" PRIu64 " files of segments that were never finished are removed", removed);
    begin_range(seal);
    errno = pthread_create(&seal->thread, NULL, run, seal);
    if (errno) {
        fault_set_system(fault, "a thread for sealing");
        return seal_destroy(seal);
    }
    return seal;
}

void seal_stop(struct seal *seal) {
    if (!seal)
        return;
    pthread_mutex_lock(&seal->mutex);
    seal->stopping = true;
    pthread_cond_broadcast(&seal->changed);
    pthread_mutex_unlock(&seal->mutex);
    pthread_join(seal->thread, NULL);
}

struct seal *seal_destroy(struct seal *seal) {
    if (seal) {
        seal_range_destroy(seal->range);
        pthread_cond_destroy(&seal->changed);
        pthread_mutex_destroy(&seal->mutex);
        free(seal);
    }
    return NULL;
}

struct seal_counts seal_counts(struct seal *seal) {
    pthread_mutex_lock(&seal->mutex);
    struct seal_counts counts = seal->counts;
    pthread_mutex_unlock(&seal->mutex);
    return counts;
}
