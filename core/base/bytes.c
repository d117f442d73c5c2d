#include "bytes.h"

bool bytes_write_u8(struct buffer *to, uint8_t value) { return buffer_append(to, &value, 1); }

bool bytes_write_u16(struct buffer *to, uint16_t value) {
    uint8_t at[2];
    bytes_put_u16(at, value);
    return buffer_append(to, at, sizeof at);
}

bool bytes_write_u32(struct buffer *to, uint32_t value) {
    uint8_t at[4];
    bytes_put_u32(at, value);
    return buffer_append(to, at, sizeof at);
}

bool bytes_write_u64(struct buffer *to, uint64_t value) {
    uint8_t at[8];
    bytes_put_u64(at, value);
    return buffer_append(to, at, sizeof at);
}

bool bytes_write_block(struct buffer *to, struct slice block) {
    if (block.size > UINT32_MAX) {
        to->overflow = true;
        return false;
    }
    return bytes_write_u32(to, (uint32_t)block.size) && buffer_append_slice(to, block);
}

struct slice bytes_read_raw(struct bytes_reader *reader, size_t size) {
    if (reader->failed || size > reader->rest.size) {
        reader->failed = true;
        return (struct slice){NULL, 0};
    }
    struct slice taken = slice_make(reader->rest.data, size);
    reader->rest.data = size ? reader->rest.data + size : reader->rest.data;
    reader->rest.size -= size;
    return taken;
}

uint8_t bytes_read_u8(struct bytes_reader *reader) {
    struct slice taken = bytes_read_raw(reader, 1);
    return taken.data ? taken.data[0] : 0;
}

uint16_t bytes_read_u16(struct bytes_reader *reader) {
    struct slice taken = bytes_read_raw(reader, 2);
    return taken.data ? bytes_get_u16(taken.data) : 0;
}

uint32_t bytes_read_u32(struct bytes_reader *reader) {
    struct slice taken = bytes_read_raw(reader, 4);
    return taken.data ? bytes_get_u32(taken.data) : 0;
}

uint64_t bytes_read_u64(struct bytes_reader *reader) {
    struct slice taken = bytes_read_raw(reader, 8);
    return taken.data ? bytes_get_u64(taken.data) : 0;
}

struct slice bytes_read_block(struct bytes_reader *reader) {
    uint32_t size = bytes_read_u32(reader);
    return bytes_read_raw(reader, size);
}

void bytes_read_into(struct bytes_reader *reader, void *to, size_t size) {
    struct slice taken = bytes_read_raw(reader, size);
    if (taken.data)
        memcpy(to, taken.data, size);
    else
        memset(to, 0, size);
}
