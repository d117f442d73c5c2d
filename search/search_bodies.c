#include "search_bodies.h"

#include "bytes.h"
#include "memory.h"

/* Who is given the rows. */
struct receiver {
    search_bodies_give *give;
    void *context;
};

struct wanted {
    uint64_t log_index;
    bool found;
    struct segment_row row;
};

static bool look(void *context, const struct segment_row *row) {
    struct wanted *wanted = context;
    wanted->found = row->first_index <= wanted->log_index && wanted->log_index <= row->last_index;
    if (wanted->found)
        wanted->row = *row;
    return !wanted->found;
}

/* The batch's number in the index; batch_count where it is not in it. */
static uint32_t batch_of(const struct segment_index *index, uint64_t log_index) {
    uint32_t number = 0;
    while (number < index->batch_count && index->batches[number].log_index != log_index)
        number++;
    return number;
}

static bool give_event(const struct receiver *to, struct segment_block *block, uint32_t place,
                       struct buffer *value, struct fault *fault) {
    const struct segment_event *event = segment_block_event(block, place);
    uint8_t key[8];
    struct slice body;
    if (!segment_block_bytes(block, place, &body, fault))
        return false;
    bytes_put_u64(key, event->seq);
    buffer_clear(value);
    bytes_write_u64(value, event->time_us);
    buffer_append_slice(value, body);
    return to->give(to->context, slice_make(key, sizeof key), buffer_slice(value));
}

static bool give_block(const struct receiver *to, struct segment_block *block, uint32_t batch,
                       uint64_t *count, struct fault *fault) {
    CLEANUP_BUFFER struct buffer value = BUFFER(8 + EVENT_BODY_MOST);
    bool opened = false;
    for (uint32_t i = 0; i < segment_block_count(block); i++) {
        if (segment_block_event(block, i)->batch != batch)
            continue;
        if (!opened && !segment_block_values(block, fault))
            return false;
        opened = true;
        if (!give_event(to, block, i, &value, fault))
            return false;
        ++*count;
    }
    return true;
}

static bool give_batch(const struct receiver *to, const struct segment_reader *segment, uint64_t log_index,
                       uint64_t *count, struct fault *fault) {
    const struct segment_index *index = segment_reader_index(segment);
    uint32_t batch = batch_of(index, log_index);
    if (batch == index->batch_count)
        return true;
    const struct segment_batch *of = &index->batches[batch];
    if (!to->give(to->context, SLICE("key"), slice_make(of->class_key, CLASS_KEY_SIZE)))
        return false;
    struct segment_block *block = segment_block_create();
    bool good = true;
    for (uint32_t i = 0; good && i < index->block_count && *count < of->events; i++)
        if (index->blocks[i].streams[of->stream / 8] >> (of->stream % 8) & 1)
            good = segment_block_open(block, segment, i, fault) && give_block(to, block, batch, count, fault);
    segment_block_destroy(block);
    return good;
}

bool search_bodies(const struct store *store, struct sealed *sealed, uint64_t log_index, uint32_t class,
                   search_bodies_give *give, void *context, uint64_t *ret_count, struct fault *fault) {
    struct wanted wanted = {.log_index = log_index};
    const struct receiver to = {give, context};
    *ret_count = 0;
    if (class >= CLASSES)
        return fault_set(fault, FAULT_FORMAT, "class %u is none", class);
    if (!segment_rows_each(store, NULL, (int)class, UINT64_MAX, look, &wanted, fault))
        return false;
    if (!wanted.found || !sealed)
        return true;
    struct sealed_handle *handle = sealed_take(sealed, &wanted.row, fault);
    bool good = handle && give_batch(&to, sealed_reader(handle), log_index, ret_count, fault);
    sealed_give(sealed, handle);
    return good;
}
