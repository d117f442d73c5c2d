#include "excerpt_make.h"

#include <inttypes.h>
#include <stdlib.h>

#include "batch_entry.h"
#include "batch_proofs.h"
#include "bytes.h"
#include "control_entry.h"
#include "events.h"
#include "excerpt.h"
#include "memory.h"
#include "row.h"
#include "statement_type.h"

#define WAIT_US 30000000u /* for the checkpoint */

/* ---- batches */

struct making {
    struct log_access *access;
    const struct proof_source *source;
    struct buffer note;
    uint64_t size;
    /* the batch that is open here */
    struct hash stream;
    uint64_t index;
    struct buffer entry_bytes, list;
    struct slice orphan; /* its control entry, where it was never closed */
    struct batch_entry entry;
    struct batch_proofs *proofs;
    size_t text_count;
    uint8_t **texts; /* the runs' */
    struct events_opener *opener;
    uint64_t marked; /* entries below it are under a mark: nothing behind the last one can be proved */
    struct excerpt_made made;
    uint8_t class;      /* that is read out of a segment */
    struct fault fault; /* of a row */
};

static void close_batch(struct making *making) {
    making->proofs = batch_proofs_destroy(making->proofs);
    for (size_t i = 0; i < making->text_count; i++)
        free(making->texts[i]);
    making->text_count = 0;
}

static bool holds(const struct batch_entry *entry, uint64_t seq) {
    return seq >= entry->first_event_seq && seq - entry->first_event_seq < entry->event_count;
}

/* Sets index, entry_bytes and entry to the batch with that event. */
static bool find_batch(struct making *making, const struct wanted_event *event, struct fault *fault) {
    const struct proof_source *source = making->source;
    uint64_t low, high;
    if (!log_access_batches(making->access, &event->stream, &low, &high, fault))
        return false;
    making->orphan = SLICE("");
    for (high++; low < high;) {
        uint64_t middle = low + (high - low) / 2;
        buffer_clear(&making->entry_bytes);
        if (!source->batch_index(source->context, &event->stream, middle, &making->index, fault) ||
            !source->entry(source->context, making->index, &making->entry_bytes, fault) ||
            !batch_entry_read(buffer_slice(&making->entry_bytes), &making->entry, fault))
            return false;
        if (holds(&making->entry, event->seq))
            return true;
        if (event->seq < making->entry.first_event_seq)
            high = middle;
        else
            low = middle + 1;
    }
    struct event_proof proof = {.orphaned = false};
    if (!log_access_orphan(making->access, &event->stream, event->seq, &making->index, &making->orphan,
                           fault) ||
        !event_proof_orphan(making->orphan, &proof, fault))
        return false;
    making->entry = proof.entry;
    return true;
}

static bool take_run(void *context, struct slice key, struct slice value) {
    struct making *making = context;
    struct row row;
    struct events_message message;
    struct slice text;
    (void)key;
    if (!row_read(value, &row, &making->fault) || row.kind != ROW_EVENTS ||
        !events_read(row.payload, &message, &making->fault) ||
        !events_open(making->opener, &message, &text, &making->fault))
        return false;
    struct class_key keys[CLASS_NUMBERS];
    for (size_t i = 0; i < message.key_count; i++) {
        keys[i].class = message.keys[i].class;
        memcpy(keys[i].key, message.keys[i].key.data, CLASS_KEY_SIZE);
    }
    making->texts = memory_resize(making->texts, making->text_count + 1, sizeof *making->texts);
    making->texts[making->text_count] = memory_copy(text.data, text.size);
    struct batch_events run = {message.batch_seq, message.first_event_seq,
                               message.count,     keys,
                               message.key_count, slice_make(making->texts[making->text_count], text.size)};
    making->text_count++;
    bool good = batch_proofs_add(making->proofs, &run, &making->fault);
    memory_wipe(keys, sizeof keys);
    return good;
}

struct arrivals {
    size_t count;
    uint64_t list[BATCH_EVENTS_MOST];
};

static bool take_arrival(void *context, struct slice key, struct slice value) {
    struct arrivals *arrivals = context;
    (void)key;
    if (value.size == 8 && arrivals->count < BATCH_EVENTS_MOST)
        arrivals->list[arrivals->count++] = bytes_get_u64(value.data);
    return true;
}

static bool read_runs(struct making *making, struct fault *fault) {
    uint8_t from[HASH_SIZE + 8], to[HASH_SIZE + 8];
    struct arrivals arrivals = {.count = 0};
    const struct batch_entry *entry = &making->entry;
    memcpy(from, entry->stream_id.bytes, HASH_SIZE);
    memcpy(to, entry->stream_id.bytes, HASH_SIZE);
    bytes_put_u64(from + HASH_SIZE, entry->first_event_seq);
    bytes_put_u64(to + HASH_SIZE, entry->first_event_seq + entry->event_count);
    if (!log_access_rows(making->access, STORE_INDEX, slice_make(from, sizeof from),
                         slice_make(to, sizeof to), 0, take_arrival, &arrivals, fault))
        return false;
    making->fault = (struct fault){0};
    for (size_t i = 0; i < arrivals.count && !making->fault.code; i++) {
        uint8_t key[8];
        bytes_put_u64(key, arrivals.list[i]);
        if (!log_access_rows(making->access, STORE_HOT, slice_make(key, sizeof key), (struct slice){NULL, 0},
                             1, take_run, making, fault))
            return false;
    }
    if (making->fault.code)
        *fault = making->fault;
    return !making->fault.code;
}

static bool take_sealed(void *context, struct slice key, struct slice value) {
    struct making *making = context;
    if (slice_equal(key, SLICE("key")) && value.size == CLASS_KEY_SIZE)
        return batch_proofs_set_key(making->proofs, making->class, value.data, &making->fault);
    if (key.size != 8 || value.size < 8)
        return fault_set(&making->fault, FAULT_FORMAT, "the collector sent an event that cannot be read");
    struct slice body = slice_from(value, 8);
    uint8_t *copy = memory_copy(body.data, body.size);
    struct event event = {bytes_get_u64(key.data), bytes_get_u64(value.data), making->class,
                          slice_make(copy, body.size)};
    making->texts = memory_resize(making->texts, making->text_count + 1, sizeof *making->texts);
    making->texts[making->text_count++] = copy;
    return batch_proofs_add_event(making->proofs, &event, &making->fault);
}

/* Of the class that is wanted, when the batch's rows are not hot any more. */
static bool read_sealed(struct making *making, uint8_t class, struct fault *fault) {
    if (batch_proofs_count(making->proofs, class) > 0)
        return true;
    making->class = class;
    making->fault = (struct fault){0};
    if (!log_access_bodies(making->access, making->index, class, take_sealed, making, fault))
        return false;
    if (making->fault.code)
        *fault = making->fault;
    return !making->fault.code;
}

static bool open_batch_of(struct making *making, const struct wanted_event *event, struct fault *fault) {
    if (making->proofs && hash_equal(&making->stream, &event->stream) && holds(&making->entry, event->seq))
        return read_sealed(making, event->class, fault);
    close_batch(making);
    making->stream = event->stream;
    if (!find_batch(making, event, fault))
        return false;
    if (making->index >= making->marked)
        return fault_set(fault, FAULT_MISSING,
                         "event %" PRIu64 " stands behind the last mark of the log%s", event->seq,
                         log_access_live(making->access) ? "" : ": start the collector, then try again");
    buffer_clear(&making->list);
    if (making->orphan.size == 0 &&
        !making->source->class_list(making->source->context, making->index, &making->list, fault))
        return false;
    making->proofs = making->orphan.size > 0 ? batch_proofs_create_orphan(making->orphan, fault)
                                             : batch_proofs_create(buffer_slice(&making->entry_bytes),
                                                                   buffer_slice(&making->list), fault);
    return making->proofs && read_runs(making, fault) && read_sealed(making, event->class, fault);
}

/* ---- the file */

static bool add_all(struct making *making, const struct wanted_events *wanted, struct progress *progress,
                    struct buffer *file, size_t *ret_count, struct fault *fault) {
    size_t count = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        struct event_proof proof;
        struct fault inner = {0};
        bool good = open_batch_of(making, &wanted->events[i], &inner) &&
                    batch_proofs_make(making->proofs, wanted->events[i].seq, &proof, &inner);
        progress_at(progress, i + 1, wanted->count);
        if (!good && inner.code == FAULT_MISSING) {
            if (making->made.left_out++ == 0)
                making->made.first = inner;
            close_batch(making);
            continue;
        }
        if (!good) {
            *fault = inner;
            return false;
        }
        if (!excerpt_add(making->source, buffer_slice(&making->note), making->size, making->index, &proof,
                         file, fault))
            return false;
        count++;
    }
    *ret_count = count;
    if (count == 0)
        *fault = making->made.first;
    return count > 0;
}

/* Each stream once; its open batch is closed first. */
static bool finish(struct making *making, const struct wanted_events *wanted, struct fault *fault) {
    struct hash *streams = memory_new_array(wanted->count, sizeof *streams);
    size_t count = 0;
    for (size_t i = 0; i < wanted->count; i++)
        if (count == 0 || !hash_equal(&streams[count - 1], &wanted->events[i].stream))
            streams[count++] = wanted->events[i].stream;
    bool good =
        log_access_finish(making->access, streams, count, WAIT_US, &making->size, &making->note, fault);
    free(streams);
    return good;
}

/* The last mark below the checkpoint. */
static uint64_t last_mark(const struct making *making) {
    uint64_t last = 0;
    for (uint64_t ctl_seq = 0;; ctl_seq++) {
        CLEANUP_BUFFER struct buffer bytes = BUFFER(CONTROL_ENTRY_MOST);
        struct control_entry entry;
        uint64_t index;
        if (!making->source->control(making->source->context, ctl_seq, &index, &bytes, NULL) ||
            index >= making->size)
            return last;
        if (control_entry_read(buffer_slice(&bytes), &entry, NULL) &&
            (entry.statement.statement.type == STATEMENT_MARK ||
             entry.statement.statement.type == STATEMENT_DAY_MARK))
            last = index;
    }
}

static bool make(struct making *making, const struct wanted_events *wanted, struct progress *progress,
                 struct buffer *file, struct fault *fault) {
    CLEANUP_BUFFER struct buffer events = BUFFER(EXCERPT_FILE_MOST);
    size_t count;
    if (!finish(making, wanted, fault))
        return false;
    making->marked = last_mark(making);
    return add_all(making, wanted, progress, &events, &count, fault) &&
           excerpt_begin(making->source, making->marked, buffer_slice(&making->note), making->size, count, file,
                         fault) &&
           (buffer_append_slice(file, buffer_slice(&events)) ||
            fault_set(fault, FAULT_LIMIT, "the excerpt would have over %u bytes: ask for less",
                      EXCERPT_FILE_MOST));
}

bool excerpt_make(struct log_access *access, const struct wanted_events *wanted, struct progress *progress,
                  struct buffer *file, struct excerpt_made *ret_made, struct fault *fault) {
    struct making making = {.access = access,
                            .source = log_access_source(access),
                            .note = BUFFER(NOTE_MOST),
                            .entry_bytes = BUFFER(BATCH_ENTRY_SIZE),
                            .list = BUFFER(CLASS_LIST_MOST),
                            .opener = events_opener_create()};
    bool good = make(&making, wanted, progress, file, fault);
    *ret_made = making.made;
    close_batch(&making);
    free(making.texts);
    buffer_free(&making.note);
    buffer_free(&making.entry_bytes);
    buffer_free(&making.list);
    events_opener_destroy(making.opener);
    return good;
}

bool excerpt_make_held(struct log_access *access, const struct held_events *held, struct buffer *file,
                       struct fault *fault) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    const struct proof_source *source = log_access_source(access);
    uint64_t size;
    bool good = log_access_finish(access, NULL, 0, WAIT_US, &size, &note, fault) &&
                excerpt_begin(source, held->highest + 1, buffer_slice(&note), size, held->count, file, fault);
    for (size_t i = 0; good && i < held->count; i++) {
        struct event_proof proof;
        good = event_proof_read(held->events[i].extra, &proof, fault) &&
               excerpt_add(source, buffer_slice(&note), size, held->events[i].log_index, &proof, file, fault);
    }
    return good;
}
