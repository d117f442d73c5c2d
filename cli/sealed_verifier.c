#include "sealed_verifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "erasure.h"
#include "memory.h"

struct owed {
    uint64_t log_index;
    uint8_t entry[8]; /* the beginning of H(entry) */
    uint16_t classes; /* that no segment had yet */
};

/* A segment whose key or file is not there. */
struct missing {
    struct segment_row row;
    char text[FAULT_TEXT_SIZE];
};

/* Rows that are not there. */
struct gap {
    uint64_t from, to;
};

struct sealed_verifier {
    segment_finding *finding;
    void *context;
    struct segment_row *rows;
    size_t row_count, row_room;
    struct owed *owed; /* by log index */
    size_t owed_count, owed_room;
    struct erase_range *erased;
    size_t erased_count;
    uint64_t next_index; /* the log is sealed up to here */
    uint64_t first_arrival, end_arrival;
    struct missing *missing;
    size_t missing_count;
    struct gap *gaps;
    size_t gap_count, gap_room;
    bool read;
    const struct segment_row *row; /* under way */
    const struct segment_index *index;
    sealed_journal *journal;
    void *journal_context;
    segment_verify_step *step;
    void *stepper;
    uint64_t before; /* events that were verified before the segments */
    struct sealed_verified summary;
};

struct sealed_verifier *sealed_verifier_create(segment_finding *finding, void *context) {
    struct sealed_verifier *verifier = memory_new(sizeof *verifier);
    verifier->finding = finding;
    verifier->context = context;
    verifier->first_arrival = UINT64_MAX;
    return verifier;
}

struct sealed_verifier *sealed_verifier_destroy(struct sealed_verifier *verifier) {
    if (verifier) {
        free(verifier->rows);
        free(verifier->owed);
        free(verifier->erased);
        free(verifier->gaps);
        free(verifier->missing);
        free(verifier);
    }
    return NULL;
}

static void row_name(char name[96], const struct segment_row *row) {
    snprintf(name, 96, "segment %s/%" PRIu64 "/%" PRIu64 "-%" PRIu64, class_name(row->class), row->day,
             row->first_index, row->last_index);
}

void sealed_verifier_segment(struct sealed_verifier *verifier, struct slice key, struct slice value) {
    struct segment_row row;
    struct fault fault = {0};
    if (!segment_row_read(key, value, &row, &fault)) {
        verifier->finding(verifier->context, "segments", fault.text);
        return;
    }
    if (verifier->row_count == verifier->row_room) {
        verifier->row_room = verifier->row_room ? verifier->row_room * 2 : 64;
        verifier->rows = memory_resize(verifier->rows, verifier->row_room, sizeof *verifier->rows);
    }
    verifier->rows[verifier->row_count++] = row;
    if (row.first_arrival < verifier->first_arrival)
        verifier->first_arrival = row.first_arrival;
    if (row.last_arrival >= verifier->end_arrival)
        verifier->end_arrival = row.last_arrival + 1;
}

void sealed_verifier_erased(struct sealed_verifier *verifier, const struct erase_range *range) {
    verifier->erased = memory_resize(verifier->erased, verifier->erased_count + 1, sizeof *verifier->erased);
    verifier->erased[verifier->erased_count++] = *range;
}

void sealed_verifier_mark(struct sealed_verifier *verifier, struct slice value) {
    if (value.size >= 8)
        verifier->next_index = bytes_get_u64(value.data);
}

void sealed_verifier_owed(struct sealed_verifier *verifier, uint64_t log_index, struct slice entry,
                          struct slice class_list) {
    struct class_list list;
    struct owed owed = {.log_index = log_index};
    if (!class_list_read(class_list, &list, NULL))
        return; /* told by whoever checks the entry */
    for (size_t i = 0; i < list.count; i++)
        owed.classes |= (uint16_t)(1u << list.items[i].class);
    struct hash hash = sha256_of(entry);
    memcpy(owed.entry, hash.bytes, sizeof owed.entry);
    if (verifier->owed_count == verifier->owed_room) {
        verifier->owed_room = verifier->owed_room ? verifier->owed_room * 2 : 1024;
        verifier->owed = memory_resize(verifier->owed, verifier->owed_room, sizeof *verifier->owed);
    }
    verifier->owed[verifier->owed_count++] = owed;
}

void sealed_verifier_gap(struct sealed_verifier *verifier, uint64_t from, uint64_t to) {
    if (verifier->gap_count == verifier->gap_room) {
        verifier->gap_room = verifier->gap_room ? verifier->gap_room * 2 : 64;
        verifier->gaps = memory_resize(verifier->gaps, verifier->gap_room, sizeof *verifier->gaps);
    }
    verifier->gaps[verifier->gap_count++] = (struct gap){from, to};
}

/* What was erased took its segments along: then nothing says any more where rows were. */
static void judge_gaps(struct sealed_verifier *verifier) {
    for (size_t i = 0; i < verifier->gap_count; i++) {
        const struct gap *gap = &verifier->gaps[i];
        char place[64];
        if (verifier->erased_count ||
            (gap->from >= verifier->first_arrival && gap->to <= verifier->end_arrival))
            continue;
        snprintf(place, sizeof place, "row %" PRIu64, gap->to);
        verifier->finding(verifier->context, place, "rows before this one are missing");
    }
}

uint64_t sealed_verifier_end(const struct sealed_verifier *verifier) {
    return verifier->end_arrival;
}

/* ---- segments */

static int by_index(const void *left, const void *right) {
    const struct owed *a = left, *b = right;
    return a->log_index < b->log_index ? -1 : a->log_index > b->log_index;
}

static struct owed *owed_of(const struct sealed_verifier *verifier, uint64_t log_index) {
    struct owed wanted = {.log_index = log_index};
    return verifier->owed_count
               ? bsearch(&wanted, verifier->owed, verifier->owed_count, sizeof wanted, by_index)
               : NULL;
}

static void find_in_segment(void *context, const char *place, const char *text) {
    struct sealed_verifier *verifier = context;
    char name[96], whole[512];
    row_name(name, verifier->row);
    snprintf(whole, sizeof whole, "%s, %s", name, place);
    verifier->finding(verifier->context, whole, text);
}

static void check_batch(struct sealed_verifier *verifier, const struct segment_batch *batch, uint8_t class) {
    struct owed *owed = owed_of(verifier, batch->log_index);
    struct hash hash = sha256_of(batch->entry);
    char place[64];
    snprintf(place, sizeof place, "log entry %" PRIu64, batch->log_index);
    if (!owed)
        find_in_segment(verifier, place, "its events stand in rows as well, or the log has no such batch");
    else if (memcmp(owed->entry, hash.bytes, sizeof owed->entry) != 0)
        find_in_segment(verifier, place, "the segment's entry is not the one in the log");
    else if (!(owed->classes >> class & 1))
        find_in_segment(verifier, place, "its events are sealed twice, or it has none of the class");
    else
        owed->classes &= (uint16_t) ~(1u << class);
}

static void keep_missing(struct sealed_verifier *verifier, const char *text) {
    verifier->missing =
        memory_resize(verifier->missing, verifier->missing_count + 1, sizeof *verifier->missing);
    struct missing *missing = &verifier->missing[verifier->missing_count++];
    missing->row = *verifier->row;
    snprintf(missing->text, sizeof missing->text, "%s", text);
}

static bool say_step(void *context, uint64_t events) {
    const struct sealed_verifier *verifier = context;
    return !verifier->step || verifier->step(verifier->stepper, verifier->before + verifier->summary.events + events);
}

static void give_event(void *context, uint32_t batch, struct slice body) {
    const struct sealed_verifier *verifier = context;
    const struct segment_index *index = verifier->index;
    verifier->journal(verifier->journal_context, index->streams[index->batches[batch].stream].id.bytes, body);
}

static void check_segment(struct sealed_verifier *verifier, struct sealed *sealed) {
    struct fault fault = {0};
    char name[96];
    row_name(name, verifier->row);
    struct sealed_handle *handle = sealed_take(sealed, verifier->row, &fault);
    if (!handle && fault.code == FAULT_MISSING) {
        keep_missing(verifier, fault.text);
        return;
    }
    if (!handle) {
        verifier->finding(verifier->context, name, fault.text);
        return;
    }
    const struct segment_reader *reader = sealed_reader(handle);
    const struct segment_index *index = segment_reader_index(reader);
    struct segment_verify verify = {verifier, find_in_segment, say_step,
                                    verifier->row->class == CLASS_JOURNAL && verifier->journal ? give_event : NULL};
    verifier->index = index;
    verifier->summary.events += segment_verify(reader, &verify).events;
    verifier->summary.segments++;
    for (uint32_t i = 0; i < index->batch_count; i++)
        check_batch(verifier, &index->batches[i], verifier->row->class);
    sealed_give(sealed, handle);
}

static bool was_erased(const struct sealed_verifier *verifier, uint64_t log_index, unsigned class) {
    for (size_t i = 0; i < verifier->erased_count; i++)
        if (verifier->erased[i].class == class && log_index >= verifier->erased[i].first &&
            log_index <= verifier->erased[i].last)
            return true;
    return false;
}

static void check_rest(struct sealed_verifier *verifier, const struct owed *owed) {
    char place[64], text[96];
    for (unsigned class = 0; class < CLASSES; class ++) {
        if (!(owed->classes >> class & 1))
            continue;
        if (was_erased(verifier, owed->log_index, class)) {
            verifier->summary.erased++;
            continue;
        }
        snprintf(place, sizeof place, "log entry %" PRIu64, owed->log_index);
        snprintf(text, sizeof text, "MISSING: its events of class %s are in no segment", class_name(class));
        verifier->finding(verifier->context, place, text);
    }
}

static bool is_explained(const struct sealed_verifier *verifier, const struct missing *missing) {
    return was_erased(verifier, missing->row.first_index, missing->row.class) &&
           was_erased(verifier, missing->row.last_index, missing->row.class);
}

void sealed_verifier_set_journal(struct sealed_verifier *verifier, sealed_journal *journal, void *context) {
    verifier->journal = journal;
    verifier->journal_context = context;
}

bool sealed_verifier_read(struct sealed_verifier *verifier, struct sealed *sealed, segment_verify_step *step, void *context,
                          uint64_t before) {
    bool explained = true;
    verifier->step = step;
    verifier->stepper = context;
    verifier->before = before;
    verifier->read = sealed != NULL;
    if (verifier->owed_count)
        qsort(verifier->owed, verifier->owed_count, sizeof *verifier->owed, by_index);
    for (size_t i = 0; sealed && i < verifier->row_count; i++) {
        verifier->row = &verifier->rows[i];
        check_segment(verifier, sealed);
    }
    for (size_t i = 0; i < verifier->missing_count; i++)
        explained = explained && is_explained(verifier, &verifier->missing[i]);
    return explained;
}

/* The key goes first, then the row: between the two it is being erased. */
static void judge_missing(struct sealed_verifier *verifier) {
    for (size_t i = 0; i < verifier->missing_count; i++) {
        const struct missing *missing = &verifier->missing[i];
        char name[96], text[FAULT_TEXT_SIZE + 16];
        if (is_explained(verifier, missing)) {
            verifier->summary.erasing++;
            continue;
        }
        row_name(name, &missing->row);
        snprintf(text, sizeof text, "MISSING: %s", missing->text);
        verifier->finding(verifier->context, name, text);
    }
}

struct sealed_verified sealed_verifier_finish(struct sealed_verifier *verifier) {
    judge_gaps(verifier);
    if (!verifier->read) {
        verifier->summary.unread = verifier->row_count;
        return verifier->summary;
    }
    judge_missing(verifier);
    /* Beyond what is sealed, bodies that are owed may still come. */
    for (size_t i = 0; i < verifier->owed_count && verifier->owed[i].log_index < verifier->next_index; i++)
        check_rest(verifier, &verifier->owed[i]);
    return verifier->summary;
}
