#include "retention_verifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch_entry.h"
#include "class_list.h"
#include "memory.h"
#include "retention_days.h"

struct kept_stream {
    struct hash id;
    uint32_t newest; /* of its batches: place + 1, 0 for none */
};

struct kept_batch {
    uint64_t index, open_us, close_us;
    uint32_t stream, before; /* the stream's batch before this one: place + 1 */
    uint32_t counts;         /* where its classes begin */
    uint8_t classes;
};

struct kept_count {
    uint32_t events;
    uint8_t class;
};

/* A statement's place, and the first checkpoint over it that met its policy. */
struct kept_place {
    uint64_t index, earliest_us, latest_us;
    bool witnessed;
};

struct retention_verifier {
    retention_finding *finding, *note;
    void *context, *note_context;
    uint64_t now_us;
    bool has_key;
    struct note_key key;
    struct retention_ledger *ledger;
    size_t stream_count, slot_count, batch_count, batch_room, count_count, count_room, place_count,
        place_room, row_count;
    struct kept_stream *streams;
    uint32_t *slots; /* open addressing over streams, twice as many at least: number + 1 */
    struct kept_batch *batches;
    struct kept_count *counts;
    struct kept_place *places;
    size_t unwitnessed_from; /* places from here on wait for their checkpoint */
    uint64_t witnessed_us;   /* the newest one's earliest cosignature */
    bool *waiting;           /* for each erasure that was judged: nothing may be gone yet */
    size_t judged_count;
    struct segment_row *rows;
    struct retention_clock clock;
};

/* ---- keeping */

static void *room(void *list, size_t count, size_t *ret_room, size_t size) {
    if (count < *ret_room)
        return list;
    *ret_room = *ret_room ? 2 * *ret_room : 64;
    return memory_resize(list, *ret_room, size);
}

static uint32_t *slot_of(const struct retention_verifier *verifier, const struct hash *id) {
    size_t at;
    memcpy(&at, id->bytes, sizeof at);
    for (at &= verifier->slot_count - 1;; at = (at + 1) & (verifier->slot_count - 1)) {
        uint32_t number = verifier->slots[at];
        if (number == 0 || hash_equal(&verifier->streams[number - 1].id, id))
            return &verifier->slots[at];
    }
}

static void grow_slots(struct retention_verifier *verifier) {
    verifier->slot_count = verifier->slot_count ? 2 * verifier->slot_count : 64;
    free(verifier->slots);
    verifier->slots = memory_new_array(verifier->slot_count, sizeof *verifier->slots);
    for (size_t i = 0; i < verifier->stream_count; i++)
        *slot_of(verifier, &verifier->streams[i].id) = (uint32_t)i + 1;
}

static uint32_t number_of(struct retention_verifier *verifier, const struct hash *id) {
    if (2 * (verifier->stream_count + 1) > verifier->slot_count)
        grow_slots(verifier);
    uint32_t *slot = slot_of(verifier, id);
    if (*slot == 0) {
        verifier->streams =
            memory_resize(verifier->streams, verifier->stream_count + 1, sizeof *verifier->streams);
        verifier->streams[verifier->stream_count++] = (struct kept_stream){*id, 0};
        *slot = (uint32_t)verifier->stream_count;
    }
    return *slot - 1;
}

void retention_verifier_batch(struct retention_verifier *verifier, uint64_t index, struct slice bytes,
                              struct slice class_list) {
    struct batch_entry entry;
    struct class_list list;
    if (!batch_entry_read(bytes, &entry, NULL) || !class_list_read(class_list, &list, NULL))
        return; /* told by whoever checks the entry */
    uint32_t stream = number_of(verifier, &entry.stream_id);
    verifier->batches =
        room(verifier->batches, verifier->batch_count, &verifier->batch_room, sizeof *verifier->batches);
    verifier->batches[verifier->batch_count++] = (struct kept_batch){index,
                                                                     entry.open_us,
                                                                     entry.close_us,
                                                                     stream,
                                                                     verifier->streams[stream].newest,
                                                                     (uint32_t)verifier->count_count,
                                                                     (uint8_t)list.count};
    verifier->streams[stream].newest = (uint32_t)verifier->batch_count;
    for (size_t i = 0; i < list.count; i++) {
        verifier->counts =
            room(verifier->counts, verifier->count_count, &verifier->count_room, sizeof *verifier->counts);
        verifier->counts[verifier->count_count++] =
            (struct kept_count){list.items[i].count, list.items[i].class};
    }
}

void retention_verifier_control(struct retention_verifier *verifier, uint64_t index,
                                const struct control_entry *entry, const struct control_verdict *verdict) {
    struct fault fault = {0};
    char place[64];
    verifier->places =
        room(verifier->places, verifier->place_count, &verifier->place_room, sizeof *verifier->places);
    verifier->places[verifier->place_count++] = (struct kept_place){.index = index};
    if (retention_ledger_add(verifier->ledger, index, entry, verdict, &fault))
        return;
    snprintf(place, sizeof place, "control entry %" PRIu64 ", log entry %" PRIu64, entry->ctl_seq, index);
    verifier->finding(verifier->context, place, fault.text);
}

void retention_verifier_checkpoint(struct retention_verifier *verifier, uint64_t size, struct slice note) {
    const struct witness_policy *policy =
        size ? retention_ledger_witness_policy(verifier->ledger, size - 1) : NULL;
    struct signed_checkpoint checkpoint;
    if (!verifier->has_key || !policy || policy->needed == 0 ||
        !checkpoint_read(note, &verifier->key, policy, &checkpoint, NULL) ||
        checkpoint.checkpoint.size != size)
        return;
    struct quorum quorum = checkpoint_quorum(&checkpoint, policy, verifier->now_us);
    if (!quorum.met)
        return;
    verifier->witnessed_us = quorum.earliest_us;
    for (; verifier->unwitnessed_from < verifier->place_count; verifier->unwitnessed_from++) {
        struct kept_place *place = &verifier->places[verifier->unwitnessed_from];
        if (place->index >= size)
            break;
        place->witnessed = true;
        place->earliest_us = quorum.earliest_us;
        place->latest_us = quorum.latest_us;
    }
}

void retention_verifier_segment(struct retention_verifier *verifier, const struct segment_row *row) {
    verifier->rows = memory_resize(verifier->rows, verifier->row_count + 1, sizeof *verifier->rows);
    verifier->rows[verifier->row_count++] = *row;
}

/* ---- the clock of what was kept */

static bool witnessed(void *context, uint64_t index, uint64_t *ret_earliest_us, uint64_t *ret_latest_us) {
    const struct retention_verifier *verifier = context;
    size_t low = 0, high = verifier->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (verifier->places[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == verifier->place_count || verifier->places[low].index != index ||
        !verifier->places[low].witnessed)
        return false;
    *ret_earliest_us = verifier->places[low].earliest_us;
    *ret_latest_us = verifier->places[low].latest_us;
    return true;
}

static bool newest_close(void *context, const struct hash *stream, uint64_t below, uint64_t *ret_close_us) {
    const struct retention_verifier *verifier = context;
    uint32_t number = verifier->slot_count ? *slot_of(verifier, stream) : 0;
    uint32_t at = number ? verifier->streams[number - 1].newest : 0;
    while (at && verifier->batches[at - 1].index >= below)
        at = verifier->batches[at - 1].before;
    if (!at)
        return false;
    *ret_close_us = verifier->batches[at - 1].close_us;
    return true;
}

/* ---- judging */

/* The first batch at or behind that index. */
static size_t first_from(const struct retention_verifier *verifier, uint64_t index) {
    size_t low = 0, high = verifier->batch_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (verifier->batches[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct retention_unit *unit_of(const struct retention_verifier *verifier,
                                      const struct agent_registry *agents, uint8_t class, uint64_t first,
                                      uint64_t last) {
    struct retention_unit *unit = retention_unit_create(verifier->ledger, agents, class, first, last);
    for (size_t i = first_from(verifier, first);
         i < verifier->batch_count && verifier->batches[i].index <= last; i++) {
        const struct kept_batch *batch = &verifier->batches[i];
        for (unsigned c = 0; c < batch->classes; c++) {
            const struct kept_count *count = &verifier->counts[batch->counts + c];
            struct retention_batch one = {batch->index, verifier->streams[batch->stream].id, batch->open_us,
                                          batch->close_us, count->events};
            if (count->class == class)
                retention_unit_add(unit, &one);
        }
    }
    return unit;
}

static void range_name(char name[128], uint8_t class, uint64_t first, uint64_t last) {
    snprintf(name, 128, "class %s of log entries %" PRIu64 " to %" PRIu64, class_name(class), first, last);
}

/* Returns whether it waits for its witnesses. */
static bool judge_erasure(struct retention_verifier *verifier, const struct agent_registry *agents,
                          const struct retention_erasure *erasure, struct retention_verified *verified) {
    const struct erase_range *range = &erasure->range;
    struct retention_unit *unit = unit_of(verifier, agents, range->class, range->first, range->last);
    struct erasure_judgement judgement;
    char place[128], text[RETENTION_TEXT_SIZE + 64];
    retention_unit_judge(unit, erasure, &verifier->clock, &judgement);
    bool going = erasure->done == RETENTION_INDEX_NEVER;
    bool waiting = going && judgement.verdict == ERASURE_UNCONFIRMED;
    if (judgement.verdict == ERASURE_LAWFUL || waiting) {
        verified->lawful += !going;
        verified->erasing += going;
        verified->events += waiting ? 0 : retention_unit_events(unit);
        verified->unwitnessed |= judgement.unwitnessed;
        verified->single_control |= judgement.single_control;
    } else {
        verified->unlawful++;
        range_name(place, range->class, range->first, range->last);
        snprintf(text, sizeof text, "MISSING: %s (control entry %" PRIu64 ")", judgement.text,
                 erasure->begun.ctl_seq);
        verifier->finding(verifier->context, place, text);
    }
    retention_unit_destroy(unit);
    return waiting;
}

void retention_verifier_gone(const struct retention_verifier *verifier, uint64_t from, retention_gone *give,
                             void *context) {
    const struct retention_erasure *erasures;
    size_t count = retention_ledger_erasures(verifier->ledger, &erasures);
    for (size_t i = 0; i < count; i++)
        if (erasures[i].begun.index >= from && !(i < verifier->judged_count && verifier->waiting[i]))
            give(context, &erasures[i].range);
}

/* Whether the segment lies in what was erased, and said to be done. */
static bool came_back(const struct retention_verifier *verifier, const struct segment_row *row) {
    const struct retention_erasure *erasures;
    size_t count = retention_ledger_erasures(verifier->ledger, &erasures);
    for (size_t i = 0; i < count; i++)
        if (erasures[i].done != RETENTION_INDEX_NEVER && erasures[i].range.class == row->class &&
            row->first_index <= erasures[i].range.last && row->last_index >= erasures[i].range.first)
            return true;
    return false;
}

static void judge_segment(struct retention_verifier *verifier, const struct agent_registry *agents,
                          const struct segment_row *row, const struct retention_now *now) {
    char place[128];
    range_name(place, row->class, row->first_index, row->last_index);
    if (came_back(verifier, row)) {
        verifier->finding(verifier->context, place, "OVER-RETAINED: it was erased, and its bodies are here");
        return;
    }
    struct retention_unit *unit = unit_of(verifier, agents, row->class, row->first_index, row->last_index);
    if (retention_unit_over_retained(unit, &verifier->clock, now))
        verifier->finding(verifier->context, place,
                          "OVER-RETAINED: it is past its maximum, and no hold keeps it");
    retention_unit_destroy(unit);
}

static void judge_days(struct retention_verifier *verifier, const struct agent_registry *agents,
                       struct retention_verified *verified) {
    const struct retention_day *days;
    size_t count = retention_ledger_days(verifier->ledger, &days);
    for (size_t i = 0; i < count && days[i].closed.index != RETENTION_INDEX_NEVER; i++) {
        struct day_length length = retention_day_length(verifier->ledger, agents, &days[i], &verifier->clock);
        char place[64], text[RETENTION_TEXT_SIZE + 128];
        snprintf(place, sizeof place, "day %" PRIu64, days[i].opened.ctl_seq);
        if (length.verdict == DAY_UNMARKED) {
            snprintf(text, sizeof text, "MISSING: %s (`tocsin retention explain %" PRIu64 "` settles it)",
                     length.text, days[i].opened.ctl_seq);
            verifier->finding(verifier->context, place, text);
        } else if (length.verdict != DAY_GOOD) {
            verified->notes++;
            if (verifier->note)
                verifier->note(verifier->note_context, place, length.text);
        }
    }
}

struct retention_verified retention_verifier_finish(struct retention_verifier *verifier,
                                                    const struct agent_registry *agents, uint64_t log_size) {
    struct retention_verified verified = {.lawful = 0};
    const struct retention_erasure *erasures;
    const struct retention_now now = {verifier->now_us, verifier->witnessed_us, log_size};
    size_t count = retention_ledger_erasures(verifier->ledger, &erasures);
    verifier->waiting = memory_new_array(count + 1, sizeof *verifier->waiting);
    verifier->judged_count = count;
    for (size_t i = 0; i < count; i++)
        verifier->waiting[i] = judge_erasure(verifier, agents, &erasures[i], &verified);
    judge_days(verifier, agents, &verified);
    for (size_t i = 0; i < verifier->row_count; i++)
        judge_segment(verifier, agents, &verifier->rows[i], &now);
    return verified;
}

/* ---- */

struct retention_verifier *retention_verifier_create(retention_finding *finding, void *context) {
    struct retention_verifier *verifier = memory_new(sizeof *verifier);
    verifier->finding = finding;
    verifier->context = context;
    verifier->now_us = UINT64_MAX / 2;
    verifier->ledger = retention_ledger_create();
    verifier->clock = (struct retention_clock){verifier, witnessed, newest_close};
    return verifier;
}

struct retention_verifier *retention_verifier_destroy(struct retention_verifier *verifier) {
    if (verifier) {
        retention_ledger_destroy(verifier->ledger);
        free(verifier->streams);
        free(verifier->slots);
        free(verifier->batches);
        free(verifier->counts);
        free(verifier->places);
        free(verifier->rows);
        free(verifier->waiting);
    }
    free(verifier);
    return NULL;
}

void retention_verifier_set_note(struct retention_verifier *verifier, retention_finding *note, void *context) {
    verifier->note = note;
    verifier->note_context = context;
}

void retention_verifier_set_now(struct retention_verifier *verifier, uint64_t now_us) {
    verifier->now_us = now_us;
}

void retention_verifier_set_key(struct retention_verifier *verifier, const struct note_key *key) {
    verifier->has_key = true;
    verifier->key = *key;
}
