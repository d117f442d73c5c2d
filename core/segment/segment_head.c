#include "segment_head.h"

#include "bytes.h"
#include "class.h"

#define LABEL "tocsin/seg/v1\0\0"

bool segment_head_read(const uint8_t fixed[SEGMENT_HEAD_FIXED], struct segment_head *ret_head,
                       struct fault *fault) {
    struct segment_head head;
    struct bytes_reader reader = bytes_read(slice_make(fixed, SEGMENT_HEAD_FIXED));
    if (memcmp(bytes_read_raw(&reader, 16).data, LABEL, 16) != 0)
        return fault_set(fault, FAULT_FORMAT, "this is no sealed segment: it does not begin as one");
    head.class = bytes_read_u8(&reader);
    struct slice zeros = bytes_read_raw(&reader, 3);
    head.blocks = bytes_read_u32(&reader);
    head.pages = bytes_read_u32(&reader);
    head.index_size = bytes_read_u32(&reader);
    head.day = bytes_read_u64(&reader);
    head.first_index = bytes_read_u64(&reader);
    head.last_index = bytes_read_u64(&reader);
    bytes_read_into(&reader, head.key_id.bytes, HASH_SIZE);
    bytes_read_into(&reader, head.random, SEGMENT_RANDOM_SIZE);
    head.file_size = bytes_read_u64(&reader);
    if (!bytes_read_done(&reader) || head.class >= CLASSES || zeros.data[0] || zeros.data[1] ||
        zeros.data[2] || head.blocks == 0 || head.blocks > SEGMENT_BLOCKS_MOST ||
        head.pages > SEGMENT_PAGES_MOST || head.index_size < SEGMENT_TAG_SIZE ||
        head.index_size > SEGMENT_SECTION_MOST || head.first_index > head.last_index)
        return fault_set(fault, FAULT_FORMAT, "a segment's header with fields out of their bounds");
    *ret_head = head;
    return true;
}

void segment_head_write(const struct segment_head *head, const uint32_t *sizes, struct buffer *to) {
    buffer_append(to, LABEL, 16);
    bytes_write_u8(to, head->class);
    buffer_append(to, "\0\0", 3);
    bytes_write_u32(to, head->blocks);
    bytes_write_u32(to, head->pages);
    bytes_write_u32(to, head->index_size);
    bytes_write_u64(to, head->day);
    bytes_write_u64(to, head->first_index);
    bytes_write_u64(to, head->last_index);
    buffer_append_slice(to, hash_slice(&head->key_id));
    buffer_append(to, head->random, SEGMENT_RANDOM_SIZE);
    bytes_write_u64(to, head->file_size);
    for (size_t i = 0; i < (size_t)head->blocks + head->pages; i++)
        bytes_write_u32(to, sizes[i]);
}
