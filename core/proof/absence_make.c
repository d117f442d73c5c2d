/* Gathering a proof of absence out of a log. */
#include <stdlib.h>

#include "absence.h"
#include "batch_entry.h"
#include "class_list.h"
#include "memory.h"

#define ENTRIES_MOST 500000u

static const uint8_t label[16] = "tocsin/absence1";

/* ---- which batches */

static bool entry_of(const struct proof_source *source, const struct hash *stream_id, uint64_t batch_seq,
                     uint64_t *ret_index, struct buffer *bytes, struct batch_entry *ret_entry,
                     struct fault *fault) {
    buffer_clear(bytes);
    return source->batch_index(source->context, stream_id, batch_seq, ret_index, fault) &&
           source->entry(source->context, *ret_index, bytes, fault) &&
           batch_entry_read(buffer_slice(bytes), ret_entry, fault);
}

/* The first batch from `low` on, below `high`, whose t_close is at least `least_us`; `high` for none. Where a clock was set
 * back the answer is one of several, and the verifier says what that is worth. */
static bool first_closed(const struct proof_source *source, const struct hash *stream_id, uint64_t low,
                         uint64_t high, uint64_t least_us, uint64_t *ret_seq, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(BATCH_ENTRY_SIZE);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2, index;
        struct batch_entry entry;
        if (!entry_of(source, stream_id, middle, &index, &bytes, &entry, fault))
            return false;
        if (entry.close_us >= least_us)
            high = middle;
        else
            low = middle + 1;
    }
    *ret_seq = low;
    return true;
}

bool absence_range(const struct proof_source *source, const struct absence_claim *claim,
                   const struct hash *stream_id, uint64_t first_seq, uint64_t last_seq, uint64_t *ret_first,
                   uint64_t *ret_last, struct fault *fault) {
    uint64_t first, last;
    if (!first_closed(source, stream_id, first_seq, last_seq + 1, claim->from_us + 1, &first, fault) ||
        !first_closed(source, stream_id, first, last_seq + 1, claim->to_us, &last, fault))
        return false;
    *ret_first = first > first_seq ? first - 1 : first_seq;
    *ret_last = last > last_seq ? last_seq : last;
    return true;
}

/* ---- the file */

/* Sizes of the checkpoints that are wanted: those that entries have seen, exactly, and the first that holds each. */
struct wanted {
    uint64_t least;
    bool exactly;
};

struct making {
    const struct proof_source *source;
    uint64_t size; /* of the checkpoint that all stands on */
    struct wanted *wanted;
    size_t wanted_count;
    struct buffer entries, marks;
    uint32_t mark_count;
    uint64_t newest_mark;
};

static int by_size(const void *a, const void *b) {
    const struct wanted *x = a, *y = b;
    return x->least < y->least ? -1 : x->least > y->least;
}

static bool add_mark(struct making *making, struct wanted wanted, struct fault *fault) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    const struct proof_source *source = making->source;
    struct merkle_path path;
    struct fault none = {0};
    uint64_t got;
    if (wanted.least == 0 || wanted.least > making->size || wanted.least <= making->newest_mark)
        return true;
    if (!source->checkpoint(source->context, wanted.least, &got, &note, &none)) {
        /* Without it the interval is worth less: the verifier says so. */
        if (none.code != FAULT_MISSING && fault)
            *fault = none;
        return none.code == FAULT_MISSING;
    }
    if (got > making->size || (wanted.exactly && got != wanted.least))
        return true;
    if (!source->consistency(source->context, got, making->size, &path, fault))
        return false;
    bytes_write_block(&making->marks, buffer_slice(&note));
    proof_path_write(&making->marks, &path);
    making->newest_mark = got;
    making->mark_count++;
    return true;
}

static bool add_marks(struct making *making, struct fault *fault) {
    if (making->wanted_count)
        qsort(making->wanted, making->wanted_count, sizeof *making->wanted, by_size);
    for (size_t i = 0; i < making->wanted_count; i++)
        if (!add_mark(making, making->wanted[i], fault))
            return false;
    return true;
}

static bool add_entry(struct making *making, const struct hash *stream_id, uint64_t batch_seq,
                      uint64_t *ret_index, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(BATCH_ENTRY_SIZE), list = BUFFER(CLASS_LIST_MOST);
    const struct proof_source *source = making->source;
    struct batch_entry entry;
    struct merkle_path path;
    if (!entry_of(source, stream_id, batch_seq, ret_index, &bytes, &entry, fault) ||
        !source->class_list(source->context, *ret_index, &list, fault) ||
        !source->inclusion(source->context, *ret_index, making->size, &path, fault))
        return false;
    making->wanted[making->wanted_count++] = (struct wanted){entry.seen.size, true};
    making->wanted[making->wanted_count++] = (struct wanted){*ret_index + 1, false};
    bytes_write_u64(&making->entries, *ret_index);
    proof_path_write(&making->entries, &path);
    buffer_append_slice(&making->entries, buffer_slice(&bytes));
    bytes_write_u16(&making->entries, (uint16_t)list.size);
    buffer_append_slice(&making->entries, buffer_slice(&list));
    return true;
}

static bool make(struct making *making, const struct absence_claim *claim, const struct hash *stream_id,
                 uint64_t first_seq, uint32_t count, struct slice note, struct buffer *to,
                 struct fault *fault) {
    uint64_t index = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!add_entry(making, stream_id, first_seq + i, &index, fault))
            return false;
    if (!add_marks(making, fault))
        return false;
    buffer_append(to, label, sizeof label);
    bytes_write_u8(to, (uint8_t)claim->stream.size);
    buffer_append_slice(to, claim->stream);
    bytes_write_u8(to, claim->class);
    bytes_write_u64(to, claim->from_us);
    bytes_write_u64(to, claim->to_us);
    if (!proof_ground_make(making->source, index + 1, note, making->size, to, fault))
        return false;
    bytes_write_u32(to, making->mark_count);
    buffer_append_slice(to, buffer_slice(&making->marks));
    bytes_write_u32(to, count);
    buffer_append_slice(to, buffer_slice(&making->entries));
    return !(to->overflow || making->marks.overflow || making->entries.overflow) ||
           fault_set(fault, FAULT_LIMIT, "the proof of absence is too long: ask for a shorter time");
}

bool absence_make(const struct proof_source *source, const struct absence_claim *claim,
                  const struct hash *stream_id, uint64_t first_seq, uint64_t last_seq, struct slice note,
                  uint64_t size, struct buffer *to, struct fault *fault) {
    if (last_seq < first_seq || last_seq - first_seq >= ENTRIES_MOST)
        return fault_set(fault, FAULT_LIMIT, "the proof of absence is too long: ask for a shorter time");
    uint32_t count = (uint32_t)(last_seq - first_seq + 1);
    struct making making = {.source = source,
                            .size = size,
                            .wanted = memory_new_array(2 * (size_t)count, sizeof(struct wanted)),
                            .entries = BUFFER(ABSENCE_MOST),
                            .marks = BUFFER(ABSENCE_MOST)};
    bool good = make(&making, claim, stream_id, first_seq, count, note, to, fault);
    buffer_free(&making.entries);
    buffer_free(&making.marks);
    free(making.wanted);
    return good;
}
