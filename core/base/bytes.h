/* Big-endian fields, written to a buffer and read from a slice.
 *
 * Both have one sticky error and are checked once at the end: a writer's is its buffer's overflow; a reader that is asked
 * for more than there is sets `failed`, and from then on gives zeros and empty slices. */
#ifndef TOCSIN_BYTES_H
#define TOCSIN_BYTES_H

#include "buffer.h"

static inline void bytes_put_u16(uint8_t at[2], uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}
static inline void bytes_put_u32(uint8_t at[4], uint32_t value) {
    bytes_put_u16(at, (uint16_t)(value >> 16));
    bytes_put_u16(at + 2, (uint16_t)value);
}
static inline void bytes_put_u64(uint8_t at[8], uint64_t value) {
    bytes_put_u32(at, (uint32_t)(value >> 32));
    bytes_put_u32(at + 4, (uint32_t)value);
}
static inline uint16_t bytes_get_u16(const uint8_t at[2]) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint32_t bytes_get_u32(const uint8_t at[4]) {
    return (uint32_t)bytes_get_u16(at) << 16 | bytes_get_u16(at + 2);
}
static inline uint64_t bytes_get_u64(const uint8_t at[8]) {
    return (uint64_t)bytes_get_u32(at) << 32 | bytes_get_u32(at + 4);
}

bool bytes_write_u8(struct buffer *to, uint8_t value);
bool bytes_write_u16(struct buffer *to, uint16_t value);
bool bytes_write_u32(struct buffer *to, uint32_t value);
bool bytes_write_u64(struct buffer *to, uint64_t value);
/* A u32 length, then the bytes. */
bool bytes_write_block(struct buffer *to, struct slice block);

struct bytes_reader {
    struct slice rest;
    bool failed;
};

static inline struct bytes_reader bytes_read(struct slice from) { return (struct bytes_reader){from, false}; }

struct slice bytes_read_raw(struct bytes_reader *reader, size_t size);
uint8_t bytes_read_u8(struct bytes_reader *reader);
uint16_t bytes_read_u16(struct bytes_reader *reader);
uint32_t bytes_read_u32(struct bytes_reader *reader);
uint64_t bytes_read_u64(struct bytes_reader *reader);
struct slice bytes_read_block(struct bytes_reader *reader);
/* Copies `size` bytes out; zeros after a failure. */
void bytes_read_into(struct bytes_reader *reader, void *to, size_t size);
/* Nothing failed and nothing is left. */
static inline bool bytes_read_done(const struct bytes_reader *reader) { return !reader->failed && reader->rest.size == 0; }

#endif
