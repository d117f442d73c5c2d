#include "unit_scan.h"

#include <stdlib.h>

#include "batch_entry.h"
#include "bytes.h"
#include "class_list.h"
#include "log_cursor.h"
#include "log_reader.h"
#include "memory.h"

#define REMEMBERED 1024u     /* answers, by log index */
#define BACKWARDS_MOST 4096u /* checkpoints looked at for the newest that met its policy: half a day's */

/* ---- batches */

/* Calls `take` for each class list of the range. */
static bool each_list(const struct store *store, uint64_t first, uint64_t last,
                      bool (*take)(void *context, uint64_t index, const struct class_list *list,
                                   struct fault *fault),
                      void *context, struct fault *fault) {
    uint8_t from[8];
    bytes_put_u64(from, first);
    struct log_cursor *cursor = log_cursor_create(store, STORE_CLASS_LIST, NULL);
    bool good = true;
    for (bool on = log_cursor_at_or_after(cursor, slice_make(from, sizeof from)); good && on;
         on = log_cursor_next(cursor)) {
        struct slice key = log_cursor_key(cursor);
        struct class_list list;
        if (key.size != 8) {
            good = fault_set(fault, FAULT_FORMAT, "a class list's key has %zu bytes", key.size);
            break;
        }
        uint64_t index = bytes_get_u64(key.data);
        if (index > last)
            break;
        good = (class_list_read(log_cursor_value(cursor), &list, fault) ||
                fault_place(fault, "log index %llu", (unsigned long long)index)) &&
               take(context, index, &list, fault);
    }
    good = good && log_cursor_good(cursor, fault);
    log_cursor_destroy(cursor);
    return good;
}

static bool add_counts(void *context, uint64_t index, const struct class_list *list, struct fault *fault) {
    uint64_t *counts = context;
    (void)index;
    (void)fault;
    for (size_t i = 0; i < list->count; i++)
        counts[list->items[i].class] += list->items[i].count;
    return true;
}

bool unit_scan_counts(const struct store *store, uint64_t first, uint64_t last,
                      uint64_t ret_counts[CLASS_NUMBERS], struct fault *fault) {
    memset(ret_counts, 0, CLASS_NUMBERS * sizeof *ret_counts);
    return each_list(store, first, last, add_counts, ret_counts, fault);
}

struct filling {
    const struct store *store;
    struct retention_unit *unit;
    uint8_t class;
    struct buffer entry;
};

static bool add_batch(void *context, uint64_t index, const struct class_list *list, struct fault *fault) {
    struct filling *filling = context;
    for (size_t i = 0; i < list->count; i++) {
        struct batch_entry entry;
        if (list->items[i].class != filling->class)
            continue;
        buffer_clear(&filling->entry);
        if (!log_entry_get(filling->store, index, &filling->entry, fault) ||
            !batch_entry_read(buffer_slice(&filling->entry), &entry, fault))
            return fault_place(fault, "log index %llu", (unsigned long long)index);
        struct retention_batch batch = {index, entry.stream_id, entry.open_us, entry.close_us,
                                        list->items[i].count};
        retention_unit_add(filling->unit, &batch);
    }
    return true;
}

bool unit_scan_fill(const struct store *store, struct retention_unit *unit, uint8_t class, uint64_t first,
                    uint64_t last, struct fault *fault) {
    struct filling filling = {store, unit, class, BUFFER(65536)};
    bool good = each_list(store, first, last, add_batch, &filling, fault);
    buffer_free(&filling.entry);
    return good;
}

/* ---- time */

struct answer {
    bool there, witnessed;
    uint64_t index, earliest_us, latest_us;
};

struct unit_clock {
    const struct store *store;
    const struct retention_ledger *ledger;
    const struct note_key *log;
    uint64_t now_us;
    struct retention_clock clock;
    struct answer answers[REMEMBERED];
};

/* Whether a note over `size` entries met the policy of its place, and that asked for somebody. */
static bool met(const struct unit_clock *clock, uint64_t size, struct slice note, struct quorum *ret_quorum) {
    const struct witness_policy *policy =
        size > 0 ? retention_ledger_witness_policy(clock->ledger, size - 1) : NULL;
    struct signed_checkpoint checkpoint;
    if (!policy || policy->needed == 0 || !checkpoint_read(note, clock->log, policy, &checkpoint, NULL) ||
        checkpoint.checkpoint.size != size)
        return false;
    *ret_quorum = checkpoint_quorum(&checkpoint, policy, clock->now_us);
    return ret_quorum->met && ret_quorum->counted > 0;
}

static void find_first(const struct unit_clock *clock, uint64_t index, struct answer *answer) {
    uint8_t from[8];
    bytes_put_u64(from, index + 1);
    struct store_cursor *cursor =
        store_cursor_create(clock->store, STORE_CHECKPOINT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_at_or_after(cursor, slice_make(from, sizeof from)); on && !answer->witnessed;
         on = store_cursor_next(cursor)) {
        struct slice key = store_cursor_key(cursor);
        struct quorum quorum;
        if (key.size != 8 || !met(clock, bytes_get_u64(key.data), store_cursor_value(cursor), &quorum))
            continue;
        answer->witnessed = true;
        answer->earliest_us = quorum.earliest_us;
        answer->latest_us = quorum.latest_us;
    }
    store_cursor_destroy(cursor);
}

static bool witnessed(void *context, uint64_t index, uint64_t *ret_earliest_us, uint64_t *ret_latest_us) {
    struct unit_clock *clock = context;
    struct answer *answer = &clock->answers[index % REMEMBERED];
    if (!answer->there || answer->index != index) {
        *answer = (struct answer){.there = true, .index = index};
        find_first(clock, index, answer);
    }
    if (!answer->witnessed)
        return false;
    *ret_earliest_us = answer->earliest_us;
    *ret_latest_us = answer->latest_us;
    return true;
}

/* The newest of a stream's batches below that log index: backwards from its last. */
static bool newest_close(void *context, const struct hash *stream, uint64_t below, uint64_t *ret_close_us) {
    const struct unit_clock *clock = context;
    uint8_t key[HASH_SIZE + 8];
    memcpy(key, stream->bytes, HASH_SIZE);
    bytes_put_u64(key + HASH_SIZE, UINT64_MAX);
    CLEANUP_BUFFER struct buffer bytes = BUFFER(65536);
    struct store_cursor *cursor = store_cursor_create(clock->store, STORE_BATCH, NULL, hash_slice(stream));
    bool found = false;
    for (bool on = store_cursor_at_or_before(cursor, slice_make(key, sizeof key)); on && !found;
         on = store_cursor_previous(cursor)) {
        struct slice value = store_cursor_value(cursor);
        struct batch_entry entry;
        if (value.size != 8 || bytes_get_u64(value.data) >= below)
            continue;
        if (!log_entry_get(clock->store, bytes_get_u64(value.data), &bytes, NULL) ||
            !batch_entry_read(buffer_slice(&bytes), &entry, NULL))
            break;
        found = true;
        *ret_close_us = entry.close_us;
    }
    store_cursor_destroy(cursor);
    return found;
}

struct unit_clock *unit_clock_create(const struct store *store, const struct retention_ledger *ledger,
                                     const struct note_key *log, uint64_t now_us) {
    struct unit_clock *clock = memory_new(sizeof *clock);
    clock->store = store;
    clock->ledger = ledger;
    clock->log = log;
    clock->now_us = now_us;
    clock->clock = (struct retention_clock){clock, witnessed, newest_close};
    return clock;
}

struct unit_clock *unit_clock_destroy(struct unit_clock *clock) {
    free(clock);
    return NULL;
}

const struct retention_clock *unit_clock_for(const struct unit_clock *clock) {
    return &clock->clock;
}

uint64_t unit_clock_witnessed_now(struct unit_clock *clock) {
    struct store_cursor *cursor =
        store_cursor_create(clock->store, STORE_CHECKPOINT, NULL, (struct slice){NULL, 0});
    uint64_t now_us = 0;
    unsigned tried = 0;
    for (bool on = store_cursor_last(cursor); on && !now_us && tried < BACKWARDS_MOST;
         on = store_cursor_previous(cursor), tried++) {
        struct slice key = store_cursor_key(cursor);
        struct quorum quorum;
        if (key.size == 8 && met(clock, bytes_get_u64(key.data), store_cursor_value(cursor), &quorum))
            now_us = quorum.earliest_us;
    }
    store_cursor_destroy(cursor);
    return now_us;
}
