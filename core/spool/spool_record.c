#include "spool_record.h"

#include "bytes.h"
#include "class.h"

#include <zlib.h>

/* Head: mark ‖ u32 size of items ‖ u64 segment ‖ u64 offset ‖ u32 checksum of the head ‖ u32 checksum of
 * the items. Both checksums begin with the nonce, which is no part of the head, and the second goes on from
 * the first. */
static const uint8_t head_mark[4] = {'T', 'S', 'R', SPOOL_VERSION};
enum { HEAD_SIZE_AT = 4, HEAD_NUMBER_AT = 8, HEAD_OFFSET_AT = 16, HEAD_SUM_AT = 24, HEAD_ITEMS_SUM_AT = 28 };

#define ITEM_HEAD 5u /* u8 kind ‖ u32 size */
static const uint8_t segment_label[16] = "tocsin/spool/v1";

/* Where a part and an entry have these fields (log-format). */
enum { SIGNED_BATCH_AT = 56, SIGNED_FIRST_AT = 64, SIGNED_COUNT_AT = 72 };

static size_t padded(size_t size) {
    return (size + SPOOL_ALIGNMENT - 1) & ~(size_t)(SPOOL_ALIGNMENT - 1);
}

static uint32_t sum(uint32_t from, const void *data, size_t size) {
    return (uint32_t)crc32_z(from, (const unsigned char *)data, size);
}

static uint32_t head_sum(const uint8_t head[SPOOL_HEAD], uint64_t nonce) {
    uint8_t bytes[8];
    bytes_put_u64(bytes, nonce);
    return sum(sum(0, bytes, sizeof bytes), head, HEAD_SUM_AT);
}

bool spool_record_begin(struct buffer *to) {
    static const uint8_t zeros[SPOOL_HEAD];
    return buffer_append(to, zeros, sizeof zeros);
}

bool spool_record_end(struct buffer *to, size_t start, size_t items_size, struct spool_segment_id id,
                      uint64_t offset) {
    if (to->overflow || items_size > SPOOL_RECORD_MOST)
        return false;
    static const uint8_t zeros[SPOOL_ALIGNMENT];
    to->size = start + SPOOL_HEAD + items_size;
    if (!buffer_append(to, zeros, padded(items_size) - items_size))
        return false;
    uint8_t *head = to->data + start;
    memcpy(head, head_mark, sizeof head_mark);
    bytes_put_u32(head + HEAD_SIZE_AT, (uint32_t)items_size);
    bytes_put_u64(head + HEAD_NUMBER_AT, id.number);
    bytes_put_u64(head + HEAD_OFFSET_AT, offset);
    uint32_t first = head_sum(head, id.nonce);
    bytes_put_u32(head + HEAD_SUM_AT, first);
    bytes_put_u32(head + HEAD_ITEMS_SUM_AT, sum(first, head + SPOOL_HEAD, padded(items_size)));
    return true;
}

enum spool_record_found spool_record_read(struct slice bytes, struct spool_segment_id id, uint64_t offset,
                                          struct slice *ret_items, size_t *ret_size) {
    *ret_size = 0;
    if (bytes.size < SPOOL_HEAD)
        return memcmp(bytes.data ? bytes.data : head_mark, head_mark,
                      bytes.size < sizeof head_mark ? bytes.size : sizeof head_mark) == 0
                   ? SPOOL_RECORD_SHORT
                   : SPOOL_RECORD_BAD;
    const uint8_t *head = bytes.data;
    if (memcmp(head, head_mark, sizeof head_mark) != 0 || bytes_get_u64(head + HEAD_NUMBER_AT) != id.number ||
        bytes_get_u64(head + HEAD_OFFSET_AT) != offset)
        return SPOOL_RECORD_BAD;
    uint32_t first = head_sum(head, id.nonce);
    size_t items_size = bytes_get_u32(head + HEAD_SIZE_AT);
    if (first != bytes_get_u32(head + HEAD_SUM_AT) || items_size > SPOOL_RECORD_MOST)
        return SPOOL_RECORD_BAD;
    *ret_size = SPOOL_HEAD + padded(items_size);
    if (bytes.size < *ret_size)
        return SPOOL_RECORD_SHORT;
    if (sum(first, head + SPOOL_HEAD, padded(items_size)) != bytes_get_u32(head + HEAD_ITEMS_SUM_AT))
        return SPOOL_RECORD_BAD;
    *ret_items = slice_make(head + SPOOL_HEAD, items_size);
    return SPOOL_RECORD_GOOD;
}

bool spool_item_begin(struct buffer *to, const struct spool_item *item, size_t *ret_mark) {
    size_t mark = to->size;
    bytes_write_u8(to, (uint8_t)item->kind);
    bytes_write_u32(to, 0);
    switch (item->kind) {
    case SPOOL_ITEM_SEGMENT:
        buffer_append(to, segment_label, sizeof segment_label);
        bytes_write_u64(to, item->id.number);
        bytes_write_u64(to, item->id.nonce);
        bytes_write_u64(to, item->previous);
        bytes_write_u64(to, item->previous_end);
        bytes_write_u8(to, item->rewritten);
        bytes_write_u64(to, item->oldest);
        break;
    case SPOOL_ITEM_EVENTS:
    case SPOOL_ITEM_VOID:
        bytes_write_u8(to, item->lane);
        bytes_write_u64(to, item->batch_seq);
        bytes_write_u64(to, item->first_event_seq);
        bytes_write_u32(to, item->count);
        bytes_write_u16(to, item->classes);
        break;
    case SPOOL_ITEM_STATE:
    case SPOOL_ITEM_PART:
    case SPOOL_ITEM_CLOSE:
        bytes_write_u8(to, item->lane);
        break;
    case SPOOL_ITEM_POSITION:
        bytes_write_u16(to, (uint16_t)item->more.size);
        buffer_append_slice(to, item->more);
        break;
    case SPOOL_ITEM_MARK:
        bytes_write_u8(to, item->collector);
        bytes_write_u8(to, item->lane);
        bytes_write_u64(to, item->marks.stored);
        bytes_write_u64(to, item->marks.attested);
        bytes_write_u64(to, item->marks.closed);
        bytes_write_u64(to, item->marks.proved);
        break;
    case SPOOL_ITEM_OLDEST:
        bytes_write_u64(to, item->oldest);
        break;
    case SPOOL_ITEM_SEEN:
    case SPOOL_ITEM_LEFT:
        bytes_write_u8(to, item->collector);
        break;
    }
    *ret_mark = mark;
    return !to->overflow;
}

bool spool_item_end(struct buffer *to, size_t mark) {
    if (to->overflow)
        return false;
    bytes_put_u32(to->data + mark + 1, (uint32_t)(to->size - mark - ITEM_HEAD));
    return true;
}

bool spool_item_write(struct buffer *to, const struct spool_item *item) {
    size_t mark;
    spool_item_begin(to, item, &mark);
    if (item->kind == SPOOL_ITEM_EVENTS || item->kind == SPOOL_ITEM_STATE ||
        item->kind == SPOOL_ITEM_POSITION || item->kind == SPOOL_ITEM_PART ||
        item->kind == SPOOL_ITEM_CLOSE || item->kind == SPOOL_ITEM_SEEN)
        buffer_append_slice(to, item->bytes);
    if (item->kind == SPOOL_ITEM_CLOSE)
        buffer_append_slice(to, item->more);
    return spool_item_end(to, mark);
}

static void read_signed(struct bytes_reader *reader, size_t size, struct spool_item *item) {
    item->bytes = bytes_read_raw(reader, size);
    if (reader->failed)
        return;
    item->batch_seq = bytes_get_u64(item->bytes.data + SIGNED_BATCH_AT);
    item->first_event_seq = bytes_get_u64(item->bytes.data + SIGNED_FIRST_AT);
    item->count = bytes_get_u32(item->bytes.data + SIGNED_COUNT_AT);
}

static struct slice read_rest(struct bytes_reader *reader) {
    return bytes_read_raw(reader, reader->rest.size);
}

static void read_segment(struct bytes_reader *reader, struct spool_item *item) {
    if (!slice_equal(bytes_read_raw(reader, sizeof segment_label),
                     slice_make(segment_label, sizeof segment_label)))
        reader->failed = true;
    item->id.number = bytes_read_u64(reader);
    item->id.nonce = bytes_read_u64(reader);
    item->previous = bytes_read_u64(reader);
    item->previous_end = bytes_read_u64(reader);
    item->rewritten = bytes_read_u8(reader) != 0;
    item->oldest = bytes_read_u64(reader);
}

/* False: a kind that is not known. What is wrong with a known one is in the reader. */
static bool read_item(struct bytes_reader *reader, struct spool_item *item) {
    switch (item->kind) {
    case SPOOL_ITEM_SEGMENT:
        read_segment(reader, item);
        return true;
    case SPOOL_ITEM_EVENTS:
    case SPOOL_ITEM_VOID:
        item->lane = bytes_read_u8(reader);
        item->batch_seq = bytes_read_u64(reader);
        item->first_event_seq = bytes_read_u64(reader);
        item->count = bytes_read_u32(reader);
        item->classes = bytes_read_u16(reader);
        if (item->kind == SPOOL_ITEM_EVENTS)
            item->bytes = read_rest(reader);
        return true;
    case SPOOL_ITEM_STATE:
        item->lane = bytes_read_u8(reader);
        item->bytes = read_rest(reader);
        return true;
    case SPOOL_ITEM_POSITION:
        item->more = bytes_read_raw(reader, bytes_read_u16(reader));
        item->bytes = read_rest(reader);
        return true;
    case SPOOL_ITEM_PART:
        item->lane = bytes_read_u8(reader);
        read_signed(reader, SPOOL_PART_SIZE, item);
        return true;
    case SPOOL_ITEM_CLOSE:
        item->lane = bytes_read_u8(reader);
        read_signed(reader, SPOOL_ENTRY_SIZE, item);
        item->more = read_rest(reader);
        return true;
    case SPOOL_ITEM_MARK:
        item->collector = bytes_read_u8(reader);
        item->lane = bytes_read_u8(reader);
        item->marks.stored = bytes_read_u64(reader);
        item->marks.attested = bytes_read_u64(reader);
        item->marks.closed = bytes_read_u64(reader);
        item->marks.proved = bytes_read_u64(reader);
        return true;
    case SPOOL_ITEM_OLDEST:
        item->oldest = bytes_read_u64(reader);
        return true;
    case SPOOL_ITEM_SEEN:
        item->collector = bytes_read_u8(reader);
        item->bytes = read_rest(reader);
        return true;
    case SPOOL_ITEM_LEFT:
        item->collector = bytes_read_u8(reader);
        return true;
    }
    return false;
}

bool spool_item_next(struct slice *items, struct spool_item *ret_item, struct fault *fault) {
    if (items->size == 0)
        return false;
    struct bytes_reader reader = bytes_read(*items);
    struct spool_item item = {.kind = (enum spool_item_kind)bytes_read_u8(&reader)};
    struct bytes_reader body = bytes_read(bytes_read_block(&reader));
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "a record of the spool ends inside an item");
    if (!read_item(&body, &item))
        return fault_set(fault, FAULT_FORMAT, "an item of kind %u in the spool, which is not known",
                         (unsigned)item.kind);
    if (!bytes_read_done(&body) || item.lane >= LANES || item.collector >= SPOOL_COLLECTORS_MOST)
        return fault_set(fault, FAULT_FORMAT, "a malformed item of kind %u in the spool",
                         (unsigned)item.kind);
    *items = reader.rest;
    *ret_item = item;
    return true;
}
