/* Putting aside what a hold takes of a unit, before the rest goes; and letting it go when the hold is released. */
#include "retention_hold.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "commit_wait.h"
#include "event_proof.h"
#include "held_reader.h"
#include "memory.h"
#include "merkle_proof.h"
#include "report.h"
#include "sealed.h"
#include "search_question.h"
#include "search_text.h"

#define TAKEN_MOST (256u * 1024 * 1024) /* bytes of what one hold takes of one unit; past it the unit stays */
#define CHANGE_ROOM (12u * 1024 * 1024) /* of rows in one change */
#define HELD_VALUE_MOST (HELD_ROW_MOST + 512u * 1024)

/* An event that was taken: where it stands in the log, and its proof in `bytes`. */
struct taken {
    uint64_t index;
    uint32_t position;
    size_t at, size;
    struct hash leaf;
};

/* The leaves of a batch, of the unit's class. */
struct leaves {
    uint32_t count;
    struct hash *hashes; /* NULL: nothing of the batch could match */
};

struct taking {
    struct retention_task *task;
    const struct retention_hold *hold;
    struct search_question *question; /* NULL: everything that host, class and time match */
    char unasked[FAULT_LINE_SIZE];    /* why the hold's query is not asked; empty: it is, or there is none */
    struct buffer bytes;
    uint64_t matched; /* by host, class and time */
    size_t count, room;
    struct taken *taken;
    /* of the segment under way */
    const struct segment_index *index;
    struct leaves *leaves; /* one a batch */
};

/* ---- a segment */

static struct slice host_of(const struct segment_index *index, const struct segment_batch *batch) {
    return stream_host(index->streams[batch->stream].name);
}

static bool batch_could(const struct taking *taking, const struct segment_batch *batch) {
    struct batch_entry entry;
    return !batch_entry_read(batch->entry, &entry, NULL) ||
           hold_could_match(&taking->hold->hold, host_of(taking->index, batch), taking->task->class,
                            entry.open_us, entry.close_us);
}

/* The event at a place of the block, as its leaf covers it. */
static bool read_event(const struct taking *taking, struct segment_block *block, uint32_t place,
                       struct event *ret_event, uint8_t ret_salt[SALT_SIZE], struct fault *fault) {
    const struct segment_event *found = segment_block_event(block, place);
    const struct segment_batch *batch = &taking->index->batches[found->batch];
    *ret_event = (struct event){.seq = found->seq, .time_us = found->time_us, .class = taking->task->class};
    keystream_salt(batch->class_key, found->position, ret_salt);
    return segment_block_bytes(block, place, &ret_event->body, fault);
}

typedef bool each_event(struct taking *taking, struct segment_block *block, uint32_t place,
                        struct fault *fault);

static bool add_leaf(struct taking *taking, struct segment_block *block, uint32_t place,
                     struct fault *fault) {
    const struct segment_event *found = segment_block_event(block, place);
    struct leaves *leaves = &taking->leaves[found->batch];
    struct event event;
    uint8_t salt[SALT_SIZE];
    if (!leaves->hashes)
        return true;
    if (found->position >= leaves->count || !read_event(taking, block, place, &event, salt, fault))
        return fault_set(fault, FAULT_FORMAT, "an event of a segment is not where its batch has it");
    leaves->hashes[found->position] = event_leaf(salt, &event);
    return true;
}

static bool take_proof(struct taking *taking, const struct event_proof *proof, uint64_t log_index,
                       const struct hash *leaf, struct fault *fault) {
    if (taking->count == taking->room) {
        taking->room = taking->room ? 2 * taking->room : 64;
        taking->taken = memory_resize(taking->taken, taking->room, sizeof *taking->taken);
    }
    size_t at = taking->bytes.size;
    if (!event_proof_write(&taking->bytes, proof) || taking->bytes.overflow)
        return fault_set(fault, FAULT_LIMIT, "hold %llu takes more than can be put aside",
                         (unsigned long long)taking->hold->place.ctl_seq);
    taking->taken[taking->count++] =
        (struct taken){log_index, proof->position, at, taking->bytes.size - at, *leaf};
    return true;
}

static bool take_event(struct taking *taking, struct segment_block *block, uint32_t place,
                       struct fault *fault) {
    const struct segment_event *found = segment_block_event(block, place);
    const struct segment_batch *batch = &taking->index->batches[found->batch];
    const struct leaves *leaves = &taking->leaves[found->batch];
    if (!leaves->hashes || !hold_matches_event(&taking->hold->hold, host_of(taking->index, batch),
                                               taking->task->class, found->time_us))
        return true;
    struct merkle_path path;
    struct event_proof proof = {
        .entry_bytes = batch->entry, .class_list = batch->class_list, .position = found->position};
    if (!read_event(taking, block, place, &proof.event, proof.salt, fault))
        return false;
    taking->matched++;
    if (taking->question && !search_question_asks(taking->question, &proof.event,
                                                  taking->index->streams[batch->stream].name))
        return true;
    merkle_proof_inclusion(leaves->hashes, leaves->count, found->position, &path);
    if (path.count > EVENT_PROOF_PATH_MOST)
        return fault_set(fault, FAULT_FORMAT, "a batch of a segment is larger than batches are");
    proof.path_count = (uint8_t)path.count;
    memcpy(proof.path, path.hashes, path.count * sizeof *path.hashes);
    /* What does not prove itself now will not do so later. */
    if (!batch_entry_read(proof.entry_bytes, &proof.entry, fault) || !event_proof_check(&proof, fault))
        return fault_place(fault, "log index %llu", (unsigned long long)batch->log_index);
    return take_proof(taking, &proof, batch->log_index, &leaves->hashes[found->position], fault);
}

static bool walk(struct taking *taking, const struct segment_reader *reader, struct segment_block *block,
                 each_event *each, struct fault *fault) {
    for (uint32_t number = 0; number < taking->index->block_count; number++) {
        if (!segment_block_open(block, reader, number, fault) || !segment_block_values(block, fault))
            return false;
        for (uint32_t place = 0; place < segment_block_count(block); place++)
            if (!each(taking, block, place, fault))
                return false;
    }
    return true;
}

static bool take_segment(struct taking *taking, const struct segment_reader *reader, struct fault *fault) {
    const struct segment_index *index = taking->index = segment_reader_index(reader);
    taking->leaves = memory_new_array(index->batch_count + 1u, sizeof *taking->leaves);
    bool wanted = false;
    for (uint32_t i = 0; i < index->batch_count; i++) {
        const struct segment_batch *batch = &index->batches[i];
        taking->leaves[i].count = batch->events;
        if (batch->events == 0 || !batch_could(taking, batch))
            continue;
        taking->leaves[i].hashes = memory_new_array(batch->events, sizeof(struct hash));
        wanted = true;
    }
    struct segment_block *block = segment_block_create();
    bool good = !wanted || (walk(taking, reader, block, add_leaf, fault) &&
                            walk(taking, reader, block, take_event, fault));
    segment_block_destroy(block);
    for (uint32_t i = 0; i < index->batch_count; i++)
        free(taking->leaves[i].hashes);
    free(taking->leaves);
    return good;
}

static bool take_all(struct taking *taking, struct fault *fault) {
    struct sealed *sealed = taking->task->job->settings.sealed;
    CLEANUP_BUFFER struct buffer rows = BUFFER(RETENTION_SEGMENTS_MOST * sizeof(struct segment_row));
    if (!retention_segment_rows(taking->task, &rows, fault))
        return false;
    const struct segment_row *row = (const struct segment_row *)(const void *)rows.data;
    for (size_t i = 0; i < rows.size / sizeof *row; i++) {
        struct sealed_handle *handle = sealed_take(sealed, &row[i], fault);
        bool good = handle && take_segment(taking, sealed_reader(handle), fault);
        sealed_give(sealed, handle);
        if (!good)
            return false;
    }
    return true;
}

/* ---- into the store */

static int compare(const void *a, const void *b) {
    const struct taken *left = a, *right = b;
    if (left->index != right->index)
        return left->index < right->index ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

static struct hash root_of(const struct taking *taking) {
    static __thread struct hold_root root; /* it points into itself */
    hold_root_begin(&root);
    for (size_t i = 0; i < taking->count; i++)
        hold_root_add(&root, taking->taken[i].index, taking->task->class, taking->taken[i].position,
                      &taking->taken[i].leaf);
    return hold_root_end(&root);
}

/* Fills the change with rows of at most HELD_ROW_MOST, and commits it on the way where it grows too large: rows without their
 * matching in the log are written again by the next pass, under the same keys. */
static bool put_rows(const struct taking *taking, const uint8_t key[DAY_KEY_SIZE], struct change **change,
                     struct fault *fault) {
    const struct retention_job_settings *settings = &taking->task->job->settings;
    CLEANUP_BUFFER struct buffer plain = BUFFER(HELD_VALUE_MOST), value = BUFFER(HELD_VALUE_MOST + 64);
    struct held_row row = {taking->hold->place.ctl_seq, taking->task->class, taking->task->first,
                           taking->task->last, 0};
    uint8_t row_key[HELD_ROW_KEY];
    for (size_t i = 0; i < taking->count; i++) {
        const struct taken *taken = &taking->taken[i];
        held_append(&plain, taken->index, slice_make(taking->bytes.data + taken->at, taken->size));
        if (plain.size < HELD_ROW_MOST && i + 1 < taking->count)
            continue;
        if (plain.overflow || !held_seal(&value, &row, key, buffer_slice(&plain), fault))
            return fault_set(fault, FAULT_LIMIT, "an event is too large to be put aside");
        held_row_key(row_key, &row);
        change_put(*change, STORE_HELD, slice_make(row_key, sizeof row_key), buffer_slice(&value));
        row.number++;
        memory_wipe(plain.data, plain.size);
        buffer_clear(&plain);
        if (change_size(*change) < CHANGE_ROOM)
            continue;
        bool good =
            commit_wait(settings->committer, *change, retention_stopping, taking->task->job, NULL, fault);
        *change = change_create();
        if (!good)
            return false;
    }
    return true;
}

/* People see what goes while they still can say so: with witnesses before the beginning is confirmed. */
static void tell_matched(const struct taking *taking, struct change *change) {
    char day[11], hold[24];
    retention_task_day(taking->task, day);
    snprintf(hold, sizeof hold, "%" PRIu64, taking->hold->place.ctl_seq);
    const struct report_field fields[] = {{"event.class", class_name(taking->task->class)},
                                          {"retention.day", day},
                                          {"retention.hold", hold},
                                          {"error.message", *taking->unasked ? taking->unasked : NULL},
                                          {NULL, NULL}};
    report_state(change, *taking->unasked ? "hold_unasked" : "hold_matched", fields,
                 "%s of %s: hold %s keeps %zu of %" PRIu64 " events that its host, class and time match%s",
                 class_name(taking->task->class), day, hold, taking->count, taking->matched,
                 *taking->unasked ? ", since its query cannot be asked" : "");
}

static bool state_matched(struct taking *taking, struct fault *fault) {
    const struct retention_job_settings *settings = &taking->task->job->settings;
    CLEANUP_BUFFER struct buffer payload = BUFFER(256);
    struct hold_matched matched = {.hold = taking->hold->place.ctl_seq,
                                   .class = taking->task->class,
                                   .first = taking->task->first,
                                   .last = taking->task->last,
                                   .count = taking->count,
                                   .root = root_of(taking)};
    uint8_t key[DAY_KEY_SIZE];
    hold_matched_write(&payload, &matched);
    struct change *change = change_create();
    bool good = day_keys_need(settings->keys, HELD_KEY_CLASS, matched.hold, key, NULL, fault) &&
                put_rows(taking, key, &change, fault);
    memory_wipe(key, sizeof key);
    if (!good ||
        !retention_state(taking->task, change, STATEMENT_HOLD_MATCHED, buffer_slice(&payload), fault)) {
        change_destroy(change);
        return false;
    }
    tell_matched(taking, change);
    return commit_wait(settings->committer, change, retention_stopping, taking->task->job, NULL, fault);
}

/* What it asks for stands in an event of class 0. Where that is gone, or is none any more, more is kept than was asked for. False
 * when everything stops. */
static bool read_question(struct taking *taking, struct fault *fault) {
    const struct retention_job_settings *settings = &taking->task->job->settings;
    const struct search_ground ground = {settings->store, settings->sealed,
                                         settings->knowledge(settings->context)};
    CLEANUP_BUFFER struct buffer text = BUFFER(SALTED_TEXT_MOST);
    struct fault why = {0};
    if (!salted_text_given(&taking->hold->hold.query))
        return true;
    if (search_text(&ground, &taking->hold->hold.query, taking->hold->place.time_us, retention_stopping,
                    taking->task->job, &text, &why))
        taking->question = search_question_create(ground.knowledge, buffer_slice(&text), &why);
    if (why.code == FAULT_BUSY)
        return fault_set(fault, why.code, "%s", why.text);
    if (!taking->question)
        fault_line(&why, taking->unasked);
    return true;
}

bool retention_put_aside(struct retention_task *task, const struct retention_hold *hold) {
    struct taking taking = {.task = task, .hold = hold, .bytes = BUFFER(TAKEN_MOST)};
    struct fault fault = {0};
    bool good = read_question(&taking, &fault) && take_all(&taking, &fault);
    if (good && taking.count)
        qsort(taking.taken, taking.count, sizeof *taking.taken, compare);
    good = good && state_matched(&taking, &fault);
    char line[FAULT_LINE_SIZE];
    if (good)
        snprintf(task->did, sizeof task->did, "hold %" PRIu64 " keeps %zu events of it%s%.160s",
                 hold->place.ctl_seq, taking.count, *taking.unasked ? "; its query is not asked: " : "",
                 taking.unasked);
    else
        snprintf(task->did, sizeof task->did, "%s", fault_line(&fault, line));
    search_question_destroy(taking.question);
    if (taking.bytes.data)
        memory_wipe(taking.bytes.data, taking.bytes.size);
    buffer_free(&taking.bytes);
    free(taking.taken);
    return good;
}

/* ---- reading, and letting go */

bool retention_held_each(const struct retention_job_settings *settings, uint64_t hold,
                         retention_held_give *give, void *context, struct fault *fault) {
    return held_reader_each(settings->store, settings->keys, hold, give, context, fault);
}

/* The key first: what is left then opens no more. */
static bool let_go(struct retention_job *job, uint64_t hold, struct fault *fault) {
    uint8_t prefix[8];
    bytes_put_u64(prefix, hold);
    if (!day_keys_destroy(job->settings.keys, HELD_KEY_CLASS, hold, fault))
        return false;
    struct change *change = change_create();
    struct store_cursor *cursor =
        store_cursor_create(job->settings.store, STORE_HELD, NULL, slice_make(prefix, 8));
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor))
        change_delete(change, STORE_HELD, store_cursor_key(cursor));
    bool good = store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    if (!good || change_is_empty(change)) {
        change_destroy(change);
        return good;
    }
    return commit_wait(job->settings.committer, change, retention_stopping, job, NULL, fault);
}

struct released {
    size_t count, room;
    uint64_t *holds;
};

static bool find_key(void *context, uint8_t class, uint64_t day, const struct hash *id) {
    struct released *released = context;
    (void)id;
    if (class != HELD_KEY_CLASS)
        return true;
    released->holds = memory_resize(released->holds, released->count + 1, sizeof *released->holds);
    released->holds[released->count++] = day;
    return true;
}

bool retention_let_go(struct retention_job *job, struct fault *fault) {
    struct released keys = {.count = 0};
    bool good = true;
    day_keys_each(job->settings.keys, find_key, &keys);
    for (size_t i = 0; good && i < keys.count; i++) {
        const struct retention_hold *hold = retention_ledger_hold(job->fold.ledger, keys.holds[i]);
        if (hold && hold->released != RETENTION_INDEX_NEVER)
            good = let_go(job, keys.holds[i], fault);
    }
    free(keys.holds);
    return good;
}
