#include "log_state.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "log_state_inside.h"
#include "log_upgrade.h"
#include "memory.h"

#define SOON_US 200000u /* between checkpoints that somebody waits for */

struct listener {
    void (*published)(void *context);
    void *context;
};

struct log_state {
    struct store *store;
    struct note_key key;
    struct hash log;
    struct log_reader *reader;

    pthread_mutex_t mutex;
    pthread_cond_t published, due;
    uint64_t wanted; /* somebody waits for a checkpoint over so many entries */
    bool stopping, halted, any, beginning;
    struct log_head head;
    struct buffer note;
    struct listener listeners[LOG_LISTENERS_MOST];
    size_t listener_count;

    pthread_mutex_t control_mutex;
    struct control_fold control;
};

/* ---- open */

/* The newest checkpoint was given away: a log that contradicts it is not the one that it was. */
static bool check_against_checkpoint(const struct log_state *state, struct fault *fault) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct fault local = {0};
    struct signed_checkpoint newest;
    struct hash root;
    uint64_t size, committed = log_reader_size(state->reader);
    if (!log_checkpoint_newest(state->store, &size, &note, &local)) {
        if (local.code == FAULT_MISSING)
            return true;
        *fault = local;
        return false;
    }
    if (!checkpoint_read(buffer_slice(&note), &state->key, NULL, &newest, fault) ||
        (newest.checkpoint.size != size &&
         !fault_set(fault, FAULT_CONFLICT, "it says another size, %" PRIu64, newest.checkpoint.size)))
        return fault_place(fault, "the log's checkpoint of size %" PRIu64, size);
    if (size > committed)
        return fault_set(
            fault, FAULT_CONFLICT,
            "the log has %" PRIu64 " entries, and a checkpoint over %" PRIu64
            " was signed: entries are lost. `tocsin verify` says which, `tocsin restore` brings the newest backup "
            "back; nothing was changed",
            committed, size);
    if (!log_reader_root(state->reader, size, &root, fault))
        return false;
    return hash_equal(&root, &newest.checkpoint.root) ||
           fault_set(fault, FAULT_CONFLICT,
                     "the log is not the one whose checkpoint of size %" PRIu64
                     " was signed: `tocsin verify` says what was altered, `tocsin restore` brings a backup back; nothing was "
                     "changed",
                     size);
}

struct log_state *log_state_open(const struct log_state_settings *settings, struct fault *fault) {
    struct log_state *state = memory_new(sizeof *state);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&state->mutex, NULL);
    pthread_mutex_init(&state->control_mutex, NULL);
    pthread_cond_init(&state->published, &monotonic);
    pthread_cond_init(&state->due, &monotonic);
    pthread_condattr_destroy(&monotonic);
    state->store = settings->store;
    state->note = BUFFER(NOTE_MOST);
    state->log = statement_log(settings->origin, settings->log_key);
    state->control = control_fold_make();
    if (!note_key_make(NOTE_KEY_LOG, settings->origin, settings->log_key, &state->key, fault) ||
        !log_upgrade(settings->store, fault))
        return log_state_destroy(state);
    state->reader = log_reader_open(settings->store, fault);
    if (!state->reader || !check_against_checkpoint(state, fault))
        return log_state_destroy(state);
    return state;
}

struct log_state *log_state_destroy(struct log_state *state) {
    if (state) {
        control_fold_release(&state->control);
        log_reader_destroy(state->reader);
        buffer_free(&state->note);
        pthread_cond_destroy(&state->published);
        pthread_cond_destroy(&state->due);
        pthread_mutex_destroy(&state->mutex);
        pthread_mutex_destroy(&state->control_mutex);
        free(state);
    }
    return NULL;
}

const struct note_key *log_state_key(const struct log_state *state) {
    return &state->key;
}
const struct hash *log_state_log(const struct log_state *state) {
    return &state->log;
}
uint64_t log_state_size(struct log_state *state) {
    return log_reader_size(state->reader);
}
struct log_reader *log_state_reader(struct log_state *state) {
    return state->reader;
}
const struct store *log_state_store(const struct log_state *state) {
    return state->store;
}

/* ---- the newest published checkpoint */

static bool give(const struct log_state *state, struct log_head *ret_head, struct buffer *note) {
    if (!state->any)
        return false;
    *ret_head = state->head;
    if (!note)
        return true;
    buffer_clear(note);
    return buffer_append_slice(note, buffer_slice(&state->note));
}

bool log_state_newest(struct log_state *state, struct log_head *ret_head, struct buffer *note) {
    pthread_mutex_lock(&state->mutex);
    bool there = give(state, ret_head, note);
    pthread_mutex_unlock(&state->mutex);
    return there;
}

static struct timespec time_of(uint64_t monotonic_us) {
    return (struct timespec){(time_t)(monotonic_us / 1000000), (long)(monotonic_us % 1000000) * 1000};
}

static void want(struct log_state *state, uint64_t size) {
    if (size <= state->wanted)
        return;
    state->wanted = size;
    pthread_cond_broadcast(&state->due);
}

void log_state_want(struct log_state *state, uint64_t size) {
    pthread_mutex_lock(&state->mutex);
    want(state, size);
    pthread_mutex_unlock(&state->mutex);
}

bool log_state_wait(struct log_state *state, uint64_t size, uint64_t timeout_us, struct log_head *ret_head,
                    struct buffer *note) {
    struct timespec until = time_of(clock_monotonic_us() + timeout_us);
    int result = 0;
    pthread_mutex_lock(&state->mutex);
    want(state, size);
    while (!(state->any && state->head.size >= size) && !state->stopping && result == 0)
        result = pthread_cond_timedwait(&state->published, &state->mutex, &until);
    bool there = state->any && state->head.size >= size && give(state, ret_head, note);
    pthread_mutex_unlock(&state->mutex);
    return there;
}

void log_state_wake(struct log_state *state) {
    pthread_mutex_lock(&state->mutex);
    state->stopping = true;
    pthread_cond_broadcast(&state->published);
    pthread_cond_broadcast(&state->due);
    pthread_mutex_unlock(&state->mutex);
}

void log_state_halt(struct log_state *state) {
    pthread_mutex_lock(&state->mutex);
    state->halted = true;
    pthread_cond_broadcast(&state->due);
    pthread_mutex_unlock(&state->mutex);
}

bool log_state_halted(struct log_state *state) {
    pthread_mutex_lock(&state->mutex);
    bool halted = state->halted;
    pthread_mutex_unlock(&state->mutex);
    return halted;
}

void log_state_listen(struct log_state *state, void (*published)(void *context), void *context) {
    pthread_mutex_lock(&state->mutex);
    if (state->listener_count < LOG_LISTENERS_MOST)
        state->listeners[state->listener_count++] = (struct listener){published, context};
    pthread_mutex_unlock(&state->mutex);
}

void log_state_publish(struct log_state *state, const struct log_head *head, struct slice note) {
    pthread_mutex_lock(&state->mutex);
    bool newer = !state->halted && (!state->any || head->size > state->head.size);
    if (newer) {
        state->any = true;
        state->head = *head;
        buffer_clear(&state->note);
        buffer_append_slice(&state->note, note);
        pthread_cond_broadcast(&state->published);
    }
    size_t count = newer ? state->listener_count : 0;
    pthread_mutex_unlock(&state->mutex);
    for (size_t i = 0; i < count; i++) /* they are registered before anything is published */
        state->listeners[i].published(state->listeners[i].context);
}

/* ---- what is to be signed */

void log_state_committed(struct log_state *state, const struct merkle_tile_builder *builder) {
    log_reader_follow(state->reader, builder);
    pthread_mutex_lock(&state->mutex);
    pthread_cond_broadcast(&state->due);
    pthread_mutex_unlock(&state->mutex);
}

bool log_state_due(struct log_state *state, const struct log_pace *pace,
                   struct merkle_tile_builder *ret_tree) {
    pthread_mutex_lock(&state->mutex);
    while (!state->stopping && !state->halted) {
        if (log_reader_size(state->reader) <= pace->signed_size) {
            pthread_cond_wait(&state->due, &state->mutex);
            continue;
        }
        uint64_t gap_us =
            state->wanted > pace->signed_size && pace->every_us > SOON_US ? SOON_US : pace->every_us;
        uint64_t due_us = pace->signed_us ? pace->signed_us + gap_us : 0;
        if (clock_monotonic_us() >= due_us)
            break;
        struct timespec until = time_of(due_us);
        pthread_cond_timedwait(&state->due, &state->mutex, &until);
    }
    bool due = !state->stopping && !state->halted;
    pthread_mutex_unlock(&state->mutex);
    if (due)
        log_reader_builder(state->reader, ret_tree);
    return due;
}

/* ---- the control chain */

const struct control_fold *log_state_control(struct log_state *state, struct fault *fault) {
    pthread_mutex_lock(&state->control_mutex);
    if (control_fold_catch_up(&state->control, state->store, fault))
        return &state->control;
    pthread_mutex_unlock(&state->control_mutex);
    return NULL;
}

void log_state_control_release(struct log_state *state) {
    pthread_mutex_unlock(&state->control_mutex);
}

static bool has_genesis(struct log_state *state) {
    struct fault fault = {0};
    const struct control_fold *control = log_state_control(state, &fault);
    bool begun = control && control_chain_count(control->chain) > 0;
    if (control)
        log_state_control_release(state);
    return begun;
}

bool log_state_begun(struct log_state *state) {
    pthread_mutex_lock(&state->mutex);
    bool beginning = state->beginning;
    pthread_mutex_unlock(&state->mutex);
    return beginning || has_genesis(state);
}

void log_state_begin(struct log_state *state) {
    pthread_mutex_lock(&state->mutex);
    state->beginning = true;
    pthread_mutex_unlock(&state->mutex);
}

bool log_state_witnesses(struct log_state *state, struct witness_policy *ret_policy, struct fault *fault) {
    uint64_t ctl_seq;
    const struct control_fold *control = log_state_control(state, fault);
    if (!control)
        return false;
    if (control_chain_count(control->chain) > 0)
        *ret_policy = *control_chain_witnesses(control->chain, &ctl_seq);
    else
        *ret_policy = (struct witness_policy){.needed = 0};
    log_state_control_release(state);
    return true;
}
