#include "checkpoint_maker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "bytes.h"
#include "clock.h"
#include "log.h"
#include "log_state_inside.h"
#include "memory.h"

#define CHECKPOINT_MARK "log.checkpoint" /* u64 size ‖ u64 time_us of the newest one */

struct checkpoint_maker {
    struct checkpoint_maker_settings settings;
    pthread_t thread;
    bool running;
    struct log_pace pace;
    struct merkle_tile_builder *tree;
    pthread_mutex_t mutex;
    struct pending *pendings; /* under the mutex */
};

/* On its way to the disk. One whose commit never comes, because the disk is full at a stop, ends with the maker. */
struct pending {
    struct pending *previous, *next;
    struct checkpoint_maker *maker;
    struct log_head head;
    struct buffer note;
    bool cosigned; /* it was offered before, and is published now */
};

static struct pending *pending_create(struct checkpoint_maker *maker, const struct log_head *head,
                                      bool cosigned) {
    struct pending *pending = memory_new(sizeof *pending);
    pending->maker = maker;
    pending->head = *head;
    pending->note = BUFFER(NOTE_MOST);
    pending->cosigned = cosigned;
    pthread_mutex_lock(&maker->mutex);
    pending->next = maker->pendings;
    if (pending->next)
        pending->next->previous = pending;
    maker->pendings = pending;
    pthread_mutex_unlock(&maker->mutex);
    return pending;
}

static void pending_destroy(struct pending *pending) {
    struct checkpoint_maker *maker = pending->maker;
    pthread_mutex_lock(&maker->mutex);
    if (pending->next)
        pending->next->previous = pending->previous;
    if (pending->previous)
        pending->previous->next = pending->next;
    else
        maker->pendings = pending->next;
    pthread_mutex_unlock(&maker->mutex);
    buffer_free(&pending->note);
    free(pending);
}

/* ---- publishing */

static void offer(struct checkpoint_maker *maker, const struct log_head *head, struct slice note) {
    const struct checkpoint_publisher *publisher = &maker->settings.publisher;
    if (publisher->offer)
        publisher->offer(publisher->context, head, note);
    else
        log_state_publish(maker->settings.log, head, note);
}

static void persisted(void *context, struct change *change) {
    struct pending *pending = context;
    struct checkpoint_maker *maker = pending->maker;
    (void)change;
    if (pending->cosigned)
        log_state_publish(maker->settings.log, &pending->head, buffer_slice(&pending->note));
    else
        offer(maker, &pending->head, buffer_slice(&pending->note));
    pending_destroy(pending);
}

struct rows {
    uint8_t size[8], mark[16];
};

static void rows_of(const struct log_head *head, struct rows *ret_rows) {
    bytes_put_u64(ret_rows->size, head->size);
    bytes_put_u64(ret_rows->mark, head->size);
    bytes_put_u64(ret_rows->mark + 8, head->time_us);
}

static void persist(struct pending *pending) {
    struct rows rows;
    struct change *change = change_create();
    rows_of(&pending->head, &rows);
    change_put(change, STORE_CHECKPOINT, slice_make(rows.size, sizeof rows.size),
               buffer_slice(&pending->note));
    if (!pending->cosigned)
        change_put(change, STORE_MARK, SLICE(CHECKPOINT_MARK), slice_make(rows.mark, sizeof rows.mark));
    change_on_committed(change, persisted, pending);
    committer_submit(pending->maker->settings.committer, change);
}

static uint64_t time_of(const struct checkpoint_maker *maker, uint64_t size) {
    uint8_t mark[16];
    return store_get_fixed(maker->settings.store, STORE_MARK, SLICE(CHECKPOINT_MARK), mark, sizeof mark,
                           NULL) &&
                   bytes_get_u64(mark) == size
               ? bytes_get_u64(mark + 8)
               : 0;
}

void checkpoint_maker_publish(struct checkpoint_maker *maker, struct slice note) {
    struct log_state *log = maker->settings.log;
    struct signed_checkpoint read;
    struct log_head newest = {0};
    struct hash root;
    struct fault fault = {0};
    bool good = checkpoint_read(note, log_state_key(log), NULL, &read, &fault) &&
                log_reader_root(log_state_reader(log), read.checkpoint.size, &root, &fault) &&
                (hash_equal(&root, &read.checkpoint.root) ||
                 fault_set(&fault, FAULT_CONFLICT, "it is of another tree"));
    if (!good) {
        log_fault(LOG_LEVEL_ERROR, &fault, "a checkpoint that was to be published");
        return;
    }
    const struct log_head head = {read.checkpoint.size, root, time_of(maker, read.checkpoint.size)};
    if (log_state_newest(log, &newest, NULL) && newest.size >= head.size)
        return;
    CLEANUP_BUFFER struct buffer stored = BUFFER(NOTE_MOST);
    if (log_checkpoint_get(maker->settings.store, head.size, &stored, NULL) &&
        slice_equal(buffer_slice(&stored), note)) {
        log_state_publish(log, &head, note);
        return;
    }
    struct pending *pending = pending_create(maker, &head, true);
    buffer_append_slice(&pending->note, note);
    persist(pending);
}

/* ---- making */

static struct pending *sign(struct checkpoint_maker *maker) {
    struct fault fault = {0};
    const struct log_head head = {merkle_tile_builder_size(maker->tree),
                                  merkle_tile_builder_root(maker->tree), clock_wall_us()};
    struct pending *pending = pending_create(maker, &head, false);
    maker->pace.signed_size = head.size;
    maker->pace.signed_us = clock_monotonic_us();
    if (log_signer_checkpoint(maker->settings.signer, head.size, &head.root, &pending->note, &fault))
        return pending;
    log_fault(LOG_LEVEL_ERROR, &fault, "the log's checkpoint");
    pending_destroy(pending);
    return NULL;
}

static void *run(void *context) {
    struct checkpoint_maker *maker = context;
    while (log_state_due(maker->settings.log, &maker->pace, maker->tree)) {
        struct pending *pending = sign(maker);
        if (pending)
            persist(pending);
    }
    return NULL;
}

/* What was signed by an earlier process may not have been published. */
static bool offer_newest(struct checkpoint_maker *maker, struct fault *fault) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct fault local = {0};
    struct log_head head = {0};
    if (!log_checkpoint_newest(maker->settings.store, &head.size, &note, &local)) {
        if (local.code == FAULT_MISSING)
            return true;
        *fault = local;
        return false;
    }
    if (!log_reader_root(log_state_reader(maker->settings.log), head.size, &head.root, fault))
        return false;
    head.time_us = time_of(maker, head.size);
    maker->pace.signed_size = head.size;
    offer(maker, &head, buffer_slice(&note));
    return true;
}

static struct checkpoint_maker *release(struct checkpoint_maker *maker) {
    for (struct pending *next, *pending = maker->pendings; pending; pending = next) {
        next = pending->next;
        buffer_free(&pending->note);
        free(pending);
    }
    pthread_mutex_destroy(&maker->mutex);
    merkle_tile_builder_destroy(maker->tree);
    free(maker);
    return NULL;
}

struct checkpoint_maker *checkpoint_maker_start(const struct checkpoint_maker_settings *settings,
                                                struct fault *fault) {
    struct checkpoint_maker *maker = memory_new(sizeof *maker);
    maker->settings = *settings;
    maker->pace.every_us = settings->every_us;
    maker->tree = merkle_tile_builder_create();
    pthread_mutex_init(&maker->mutex, NULL);
    if (!offer_newest(maker, fault))
        return release(maker);
    errno = pthread_create(&maker->thread, NULL, run, maker);
    maker->running = errno == 0;
    if (maker->running)
        return maker;
    fault_set_system(fault, "a thread for the log's checkpoints");
    return release(maker);
}

void checkpoint_maker_quit(struct checkpoint_maker *maker) {
    if (!maker || !maker->running)
        return;
    log_state_wake(maker->settings.log);
    pthread_join(maker->thread, NULL);
    maker->running = false;
}

/* Nobody commits any more: this thread may. */
static void cover_rest(struct checkpoint_maker *maker) {
    struct fault fault = {0};
    struct rows rows;
    log_reader_builder(log_state_reader(maker->settings.log), maker->tree);
    if (merkle_tile_builder_size(maker->tree) <= maker->pace.signed_size ||
        log_state_halted(maker->settings.log))
        return;
    struct pending *pending = sign(maker);
    if (!pending)
        return;
    struct store_batch *batch = store_batch_create(maker->settings.store);
    rows_of(&pending->head, &rows);
    store_batch_put(batch, STORE_CHECKPOINT, slice_make(rows.size, sizeof rows.size),
                    buffer_slice(&pending->note));
    store_batch_put(batch, STORE_MARK, SLICE(CHECKPOINT_MARK), slice_make(rows.mark, sizeof rows.mark));
    if (!store_commit(maker->settings.store, batch, true, &fault))
        log_fault(LOG_LEVEL_WARNING, &fault, "the log's last checkpoint; the next start signs it");
    store_batch_destroy(batch);
    pending_destroy(pending);
}

struct checkpoint_maker *checkpoint_maker_finish(struct checkpoint_maker *maker) {
    if (!maker)
        return NULL;
    checkpoint_maker_quit(maker);
    cover_rest(maker);
    return release(maker);
}
