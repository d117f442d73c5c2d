/* Recovery of a segment. First byte even: the rest is a segment's bytes as they are. Odd: a list of u16
 * size ‖ items, each made a record, and what is left over flips bytes (u16 where, u8 how): whatever comes
 * back was written, at its place. */
#include "bytes.h"
#include "spool_segment.h"
#include "spool_state.h"

#include <stdlib.h>

#define RECORDS_MOST 64u

static const struct spool_segment_id id = {.number = 3, .nonce = 0x0123456789abcdef};

struct made {
    struct buffer bytes;
    struct buffer copy; /* before the flips */
    size_t offsets[RECORDS_MOST];
    size_t count;
    struct spool_state state;
    uint64_t last_end;
};

static void take_record(void *context, uint64_t offset, size_t size, struct slice items) {
    struct made *made = context;
    if (offset < made->last_end || offset % SPOOL_ALIGNMENT || size < SPOOL_HEAD)
        abort();
    made->last_end = offset + size;
    for (size_t i = 0; made->count; i++) {
        if (i == made->count)
            abort(); /* nothing was written there */
        if (made->offsets[i] == offset) {
            if (memcmp(made->copy.data + offset + SPOOL_HEAD, items.data, items.size) != 0)
                abort();
            break;
        }
    }
    struct spool_item item;
    struct fault fault;
    while (spool_item_next(&items, &item, &fault))
        spool_state_take(&made->state, &item);
}

static void take_damage(void *context, uint64_t offset, size_t size) {
    const struct made *made = context;
    if (size == 0 || offset < made->last_end)
        abort();
}

static void make(struct made *made, struct slice input) {
    struct bytes_reader reader = bytes_read(input);
    while (made->count < RECORDS_MOST && reader.rest.size > 2) {
        uint16_t size = bytes_read_u16(&reader);
        if (size > reader.rest.size)
            break;
        size_t start = made->bytes.size;
        made->offsets[made->count++] = start;
        spool_record_begin(&made->bytes);
        buffer_append_slice(&made->bytes, bytes_read_raw(&reader, size));
        spool_record_end(&made->bytes, start, size, id, start);
    }
    buffer_append_slice(&made->copy, buffer_slice(&made->bytes));
    while (reader.rest.size >= 3 && made->bytes.size) {
        uint16_t where = bytes_read_u16(&reader);
        made->bytes.data[where % made->bytes.size] ^= bytes_read_u8(&reader);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct made made = {.bytes = BUFFER(8 * 1024 * 1024), .copy = BUFFER(8 * 1024 * 1024)};
    struct slice input = slice_from(slice_make(data, size), 1);
    if (size && data[0] & 1)
        make(&made, input);
    const struct spool_segment_reader reader = {&made, take_record, take_damage};
    struct spool_segment_result result;
    struct slice bytes = made.count ? buffer_slice(&made.bytes) : input;
    spool_segment_read(bytes, id, &reader, &result);
    if (result.end != made.last_end || result.end + result.torn != bytes.size)
        abort();
    struct buffer snapshot = BUFFER(SPOOL_RECORD_MOST);
    spool_state_write(&made.state, &(struct spool_item){.kind = SPOOL_ITEM_SEGMENT, .id = id}, &snapshot);
    buffer_free(&snapshot);
    spool_state_free(&made.state);
    buffer_free(&made.bytes);
    buffer_free(&made.copy);
    return 0;
}
