#include "committer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "batch_entry.h"
#include "bytes.h"
#include "clock.h"
#include "control_log.h"
#include "events.h"
#include "log.h"
#include "log_tiles.h"
#include "memory.h"
#include "own_stream.h"
#include "row.h"

#define GROUP_MOST (8u * 1024 * 1024) /* bytes of changes in one commit */
#define RETRY_US 200000u              /* while the disk is full */
#define REPORTS_MOST 1024u            /* own events in one commit, unless one change has more; others wait */
#define ARRIVAL_MARK "arrival"        /* u64 */

struct list {
    struct change *first;
    struct change **end;
};

struct committer {
    struct store *store;
    struct own_stream *own;
    struct loop_wake *wake;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t queued;  /* something to do */
    pthread_cond_t arrived; /* rows were committed */
    struct list queue, done;
    size_t queued_bytes;
    bool stopping;
    uint64_t arrival; /* of the next row, as committed */
    struct committer_counts counts;

    /* The thread's own. */
    struct store_batch *batch;
    uint64_t next_arrival;
    struct log_state *log;
    struct control_log *control; /* NULL: no statement is taken */
    struct merkle_tile_builder *tree;
    struct buffer control_entry;
    uint64_t now_us, entries, statements, refused;
    bool tree_changed;
    bool close_own; /* in this commit */
};

static void list_clear(struct list *list) {
    *list = (struct list){NULL, &list->first};
}

static void list_add(struct list *list, struct change *change) {
    change_links(change)->next = NULL;
    *list->end = change;
    list->end = &change_links(change)->next;
}

/* ---- what one group writes */

static void put_row(struct committer *committer, enum row_kind kind, const uint8_t *stream_id,
                    struct slice payload, uint8_t ret_key[8]) {
    uint8_t head[ROW_HEAD];
    row_head(head, kind, committer->now_us, stream_id);
    bytes_put_u64(ret_key, committer->next_arrival++);
    struct slice parts[2] = {slice_make(head, sizeof head), payload};
    store_batch_put_parts(committer->batch, STORE_HOT, slice_make(ret_key, 8), parts, 2);
}

static void put_events(void *context, const uint8_t stream_id[32], uint64_t first_event_seq,
                       struct slice message) {
    struct committer *committer = context;
    uint8_t arrival[8], index[40];
    put_row(committer, ROW_EVENTS, stream_id, message, arrival);
    memcpy(index, stream_id, 32);
    bytes_put_u64(index + 32, first_event_seq);
    store_batch_put(committer->batch, STORE_INDEX, slice_make(index, sizeof index), slice_make(arrival, 8));
}

/* Appends to the log. */
static void put_entry(struct committer *committer, struct slice entry, uint8_t ret_log_index[8]) {
    struct hash leaf = merkle_leaf(entry);
    bytes_put_u64(ret_log_index, merkle_tile_builder_size(committer->tree));
    log_tiles_add(committer->tree, &leaf, committer->batch);
    store_batch_put(committer->batch, STORE_ENTRY, slice_make(ret_log_index, 8), entry);
    committer->tree_changed = true;
    committer->entries++;
}

static void put_close(void *context, const uint8_t stream_id[32], struct slice entry,
                      struct slice class_list) {
    struct committer *committer = context;
    uint8_t log_index[8], arrival[8], batch[40];
    put_entry(committer, entry, log_index);
    memcpy(batch, stream_id, 32);
    memcpy(batch + 32, entry.data + BATCH_ENTRY_SEQ_AT, 8);
    store_batch_put(committer->batch, STORE_BATCH, slice_make(batch, sizeof batch), slice_make(log_index, 8));
    store_batch_put(committer->batch, STORE_CLASS_LIST, slice_make(log_index, 8), class_list);
    store_batch_delete(committer->batch, STORE_PART, slice_make(stream_id, 32));
    put_row(committer, ROW_CLOSE, stream_id, slice_make(log_index, 8), arrival);
}

static void put_control(struct committer *committer, const struct change_outcome *outcome) {
    uint8_t log_index[8], ctl_seq[8];
    put_entry(committer, buffer_slice(&committer->control_entry), log_index);
    bytes_put_u64(ctl_seq, outcome->ctl_seq);
    store_batch_put(committer->batch, STORE_CONTROL, slice_make(ctl_seq, 8), slice_make(log_index, 8));
    committer->statements++;
}

static void mark_day(struct committer *committer) {
    struct change_outcome outcome;
    if (!committer->control || !control_log_day_due(committer->control, committer->now_us))
        return;
    if (control_log_mark_day(committer->control, merkle_tile_builder_size(committer->tree), committer->now_us,
                             &committer->control_entry, &outcome))
        put_control(committer, &outcome);
    else
        log_fault(LOG_LEVEL_ERROR, &outcome.fault, "the day's mark");
}

static void put_plain(void *context, enum store_family family, struct slice key, struct slice value) {
    store_batch_put(((struct committer *)context)->batch, family, key, value);
}

static void put_marks(struct committer *committer) {
    uint8_t number[8];
    bytes_put_u64(number, committer->next_arrival);
    store_batch_put(committer->batch, STORE_MARK, SLICE(ARRIVAL_MARK), slice_make(number, 8));
    if (!committer->tree_changed)
        return;
    bytes_put_u64(number, merkle_tile_builder_size(committer->tree));
    store_batch_put(committer->batch, STORE_MARK, SLICE(LOG_SIZE_MARK), slice_make(number, 8));
}

/* Own events are gathered over the group's changes: they make one block. */
struct reports {
    struct slice *bodies;
    uint8_t *classes;
    size_t count, capacity;
};

static void add_report(struct reports *reports, struct slice body, uint8_t class) {
    if (reports->count == reports->capacity) {
        reports->capacity = reports->capacity ? reports->capacity * 2 : REPORTS_MOST;
        reports->bodies = memory_resize(reports->bodies, reports->capacity, sizeof *reports->bodies);
        reports->classes = memory_resize(reports->classes, reports->capacity, sizeof *reports->classes);
    }
    reports->bodies[reports->count] = body;
    reports->classes[reports->count++] = class;
}

/* False: refused, and the change with it. */
static bool apply_statement(struct committer *committer, struct change *change, struct slice statement) {
    struct change_outcome *outcome = change_outcome_room(change);
    if (!committer->control) {
        fault_set(&outcome->fault, FAULT_USAGE, "this log takes no statements");
        return false;
    }
    if (!control_log_take(committer->control, statement, merkle_tile_builder_size(committer->tree),
                          committer->now_us, &committer->control_entry, outcome)) {
        committer->refused++;
        return false;
    }
    put_control(committer, outcome);
    if (outcome->type == STATEMENT_GENESIS || outcome->type == STATEMENT_NEW_ORIGIN)
        mark_day(committer);
    return true;
}

/* Before all other steps, whatever place it has among them. */
static bool apply_first(struct committer *committer, struct change *change) {
    struct change_step step;
    if (!change_has_statement(change))
        return true;
    for (size_t place = 0; change_next(change, &place, &step);)
        if (step.kind == CHANGE_STATEMENT)
            return !change_is_cut(change) && apply_statement(committer, change, step.key);
    return false;
}

static void apply(struct committer *committer, struct change *change, struct reports *reports) {
    struct change_step step;
    if (change_is_cut(change))
        log_error("a change was larger than %u bytes: what did not fit is lost", CHANGE_MOST);
    if (!apply_first(committer, change))
        return;
    for (size_t place = 0; change_next(change, &place, &step);) {
        switch (step.kind) {
        case CHANGE_EVENTS:
            put_events(committer, step.stream_id, step.first_event_seq, step.key);
            break;
        case CHANGE_CLOSE:
            put_close(committer, step.stream_id, step.key, step.value);
            break;
        case CHANGE_REPORT:
            add_report(reports, step.key, step.class);
            break;
        case CHANGE_PUT:
            store_batch_put(committer->batch, step.family, step.key, step.value);
            break;
        case CHANGE_DELETE:
            store_batch_delete(committer->batch, step.family, step.key);
            break;
        case CHANGE_DELETE_RANGE:
            store_batch_delete_range(committer->batch, step.family, step.key, step.value);
            break;
        case CHANGE_CLOSE_OWN:
            committer->close_own = true;
            break;
        case CHANGE_STATEMENT:
            break; /* done */
        }
    }
}

static size_t count_reports(const struct change *change) {
    size_t count = 0;
    struct change_step step;
    for (size_t place = 0; change_next(change, &place, &step);)
        count += step.kind == CHANGE_REPORT;
    return count;
}

static struct stream_clock own_clock(void) {
    struct stream_clock clock = {.now_us = clock_wall_us(), .boottime_us = clock_boot_us()};
    clock_boot_id(clock.boot_id, NULL);
    return clock;
}

static struct own_stream_output own_output(struct committer *committer) {
    return (struct own_stream_output){committer, put_events, put_close, put_plain};
}

/* ---- the thread */

static void wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t delay_us) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    if (delay_us > 3600000000u)
        delay_us = 3600000000u;
    until.tv_sec += (time_t)(delay_us / 1000000);
    until.tv_nsec += (long)(delay_us % 1000000) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(condition, mutex, &until);
}

/* Takes what is queued, up to the bounds of one group. Called with the mutex held. */
static void take_group(struct committer *committer, struct list *group) {
    size_t bytes = 0, reports = 0;
    list_clear(group);
    while (committer->queue.first) {
        struct change *change = committer->queue.first;
        size_t size = change_size(change), more = count_reports(change);
        if (group->first && (bytes + size > GROUP_MOST || reports + more > REPORTS_MOST))
            break;
        committer->queue.first = change_links(change)->next;
        if (!committer->queue.first)
            committer->queue.end = &committer->queue.first;
        list_add(group, change);
        bytes += size;
        reports += more;
    }
    committer->queued_bytes -= bytes;
}

/* False only when the process must not go on. */
static bool write_batch(struct committer *committer) {
    bool told = false;
    struct fault fault = {0};
    while (!store_commit(committer->store, committer->batch, true, &fault)) {
        if (fault.code != FAULT_SPACE) {
            log_fault(LOG_LEVEL_ERROR, &fault, "the store takes no more; nothing unacknowledged is lost");
            return false;
        }
        if (!told)
            log_fault(
                LOG_LEVEL_ERROR, &fault,
                "the disk is full: nothing is acknowledged until there is room; agents keep what they have");
        pthread_mutex_lock(&committer->mutex);
        committer->counts.stalls += !told;
        committer->counts.stalled = true;
        bool stopping = committer->stopping;
        pthread_mutex_unlock(&committer->mutex);
        told = true;
        if (stopping)
            return false;
        struct timespec pause = {0, RETRY_US * 1000};
        nanosleep(&pause, NULL);
    }
    if (told)
        log_notice("there is room on the disk again: committing goes on");
    return true;
}

static void publish(struct committer *committer, struct list *group, size_t changes) {
    if (committer->tree_changed)
        log_state_committed(committer->log, committer->tree);
    committer->tree_changed = false;
    pthread_mutex_lock(&committer->mutex);
    committer->arrival = committer->next_arrival;
    committer->counts.groups++;
    committer->counts.changes += changes;
    committer->counts.entries = committer->entries;
    committer->counts.statements = committer->statements;
    committer->counts.refused = committer->refused;
    committer->counts.log_size = merkle_tile_builder_size(committer->tree);
    committer->counts.stalled = false;
    if (group->first) {
        *committer->done.end = group->first;
        committer->done.end = group->end;
    }
    pthread_cond_broadcast(&committer->arrived);
    pthread_mutex_unlock(&committer->mutex);
    if (group->first)
        loop_wake_send(committer->wake);
}

static bool commit_group(struct committer *committer, struct list *group, struct reports *reports,
                         bool last) {
    struct fault fault = {0};
    struct own_stream_output output = own_output(committer);
    struct stream_clock clock = own_clock();
    size_t changes = 0;
    store_batch_clear(committer->batch);
    reports->count = 0;
    committer->now_us = clock.now_us;
    committer->close_own = false;
    mark_day(committer);
    for (struct change *change = group->first; change; change = change_links(change)->next, changes++)
        apply(committer, change, reports);
    bool good = own_stream_turn(committer->own, &clock, reports->bodies, reports->classes, reports->count,
                                &output, &fault) &&
                (!(last || committer->close_own) || own_stream_finish(committer->own, &clock, &output, &fault));
    if (!good) {
        log_fault(LOG_LEVEL_ERROR, &fault, "the collector's own stream");
        return false;
    }
    if (store_batch_count(committer->batch) == 0) {
        if (group->first) /* changes that hold nothing still want their call */
            publish(committer, group, changes);
        return true;
    }
    put_marks(committer);
    if (!write_batch(committer))
        return false;
    publish(committer, group, changes);
    return true;
}

/* What was not committed goes back to its place, to be released with the queue. */
static void put_back(struct committer *committer, struct list *group) {
    pthread_mutex_lock(&committer->mutex);
    if (group->first) {
        *group->end = committer->queue.first;
        if (!committer->queue.first)
            committer->queue.end = group->end;
        committer->queue.first = group->first;
    }
    pthread_mutex_unlock(&committer->mutex);
}

static bool is_stopping(struct committer *committer) {
    pthread_mutex_lock(&committer->mutex);
    bool stopping = committer->stopping;
    pthread_mutex_unlock(&committer->mutex);
    return stopping;
}

static void *run(void *context) {
    struct committer *committer = context;
    struct reports reports = {0};
    bool last = false;
    while (!last) {
        struct stream_clock clock = own_clock();
        uint64_t deadline = own_stream_deadline(committer->own, &clock);
        struct list group;
        pthread_mutex_lock(&committer->mutex);
        if (!committer->queue.first && !committer->stopping && deadline > clock.now_us)
            wait_until(&committer->queued, &committer->mutex, deadline - clock.now_us);
        last = committer->stopping && !committer->queue.first;
        take_group(committer, &group);
        pthread_mutex_unlock(&committer->mutex);
        if (!commit_group(committer, &group, &reports, last)) {
            /* What is not committed was not acknowledged: agents and detection give it again after the restart. */
            if (!is_stopping(committer))
                abort();
            put_back(committer, &group);
            break;
        }
    }
    free(reports.bodies);
    free(reports.classes);
    return NULL;
}

/* ---- the loop's side */

static void give_back(void *context) {
    struct committer *committer = context;
    pthread_mutex_lock(&committer->mutex);
    struct change *change = committer->done.first;
    list_clear(&committer->done);
    pthread_mutex_unlock(&committer->mutex);
    while (change) {
        struct change_links *links = change_links(change);
        struct change *next = links->next;
        if (links->committed)
            links->committed(links->context, change);
        change_destroy(change);
        change = next;
    }
}

static bool read_marks(struct committer *committer, struct fault *fault) {
    uint8_t number[8];
    struct fault local = {0};
    if (store_get_fixed(committer->store, STORE_MARK, SLICE(ARRIVAL_MARK), number, 8, &local))
        committer->next_arrival = committer->arrival = bytes_get_u64(number);
    else if (local.code != FAULT_MISSING)
        return fault_set(fault, local.code, "%s", local.text);
    return true;
}

static bool open_control(struct committer *committer, struct log_signer *signer, struct fault *fault) {
    if (!signer)
        return true;
    committer->control = control_log_open(committer->store, signer, fault);
    return committer->control != NULL;
}

static struct committer *release(struct committer *committer) {
    for (struct change *change = committer->queue.first; change;) {
        struct change *next = change_links(change)->next;
        change_destroy(change);
        change = next;
    }
    loop_wake_destroy(committer->wake);
    store_batch_destroy(committer->batch);
    control_log_destroy(committer->control);
    merkle_tile_builder_destroy(committer->tree);
    buffer_free(&committer->control_entry);
    pthread_cond_destroy(&committer->queued);
    pthread_cond_destroy(&committer->arrived);
    pthread_mutex_destroy(&committer->mutex);
    free(committer);
    return NULL;
}

struct committer *committer_create(const struct committer_settings *settings, struct fault *fault) {
    struct committer *committer = memory_new(sizeof *committer);
    committer->store = settings->store;
    committer->own = settings->own;
    committer->log = settings->log;
    committer->tree = merkle_tile_builder_create();
    committer->control_entry = BUFFER(CONTROL_ENTRY_MOST);
    list_clear(&committer->queue);
    list_clear(&committer->done);
    log_reader_builder(log_state_reader(settings->log), committer->tree);
    committer->counts.log_size = merkle_tile_builder_size(committer->tree);
    if (settings->first[0] && change_has_statement(settings->first[0]))
        log_state_begin(settings->log);
    for (size_t i = 0; i < COMMITTER_FIRST_MOST && settings->first[i]; i++) {
        list_add(&committer->queue, settings->first[i]);
        committer->queued_bytes += change_size(settings->first[i]);
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&committer->mutex, NULL);
    pthread_cond_init(&committer->queued, &monotonic);
    pthread_cond_init(&committer->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    committer->batch = store_batch_create(settings->store);
    committer->wake = loop_wake_create(settings->loop, give_back, committer);
    if (!read_marks(committer, fault) || !open_control(committer, settings->signer, fault))
        return release(committer);
    errno = pthread_create(&committer->thread, NULL, run, committer);
    if (errno) {
        fault_set_system(fault, "a thread for the committer");
        return release(committer);
    }
    return committer;
}

struct committer *committer_destroy(struct committer *committer) {
    if (!committer)
        return NULL;
    pthread_mutex_lock(&committer->mutex);
    committer->stopping = true;
    pthread_cond_broadcast(&committer->queued);
    pthread_cond_broadcast(&committer->arrived);
    pthread_mutex_unlock(&committer->mutex);
    pthread_join(committer->thread, NULL);
    give_back(committer);
    return release(committer);
}

void committer_submit(struct committer *committer, struct change *change) {
    pthread_mutex_lock(&committer->mutex);
    list_add(&committer->queue, change);
    committer->queued_bytes += change_size(change);
    pthread_cond_signal(&committer->queued);
    pthread_mutex_unlock(&committer->mutex);
}

size_t committer_queued_bytes(struct committer *committer) {
    pthread_mutex_lock(&committer->mutex);
    size_t bytes = committer->queued_bytes;
    pthread_mutex_unlock(&committer->mutex);
    return bytes;
}

uint64_t committer_arrival(struct committer *committer) {
    pthread_mutex_lock(&committer->mutex);
    uint64_t arrival = committer->arrival;
    pthread_mutex_unlock(&committer->mutex);
    return arrival;
}

uint64_t committer_wait(struct committer *committer, uint64_t seen, uint64_t timeout_us) {
    pthread_mutex_lock(&committer->mutex);
    if (committer->arrival <= seen && !committer->stopping)
        wait_until(&committer->arrived, &committer->mutex, timeout_us);
    uint64_t arrival = committer->arrival;
    pthread_mutex_unlock(&committer->mutex);
    return arrival;
}

void committer_wake_waiters(struct committer *committer) {
    pthread_mutex_lock(&committer->mutex);
    pthread_cond_broadcast(&committer->arrived);
    pthread_mutex_unlock(&committer->mutex);
}

struct committer_counts committer_counts(struct committer *committer) {
    pthread_mutex_lock(&committer->mutex);
    struct committer_counts counts = committer->counts;
    pthread_mutex_unlock(&committer->mutex);
    return counts;
}
