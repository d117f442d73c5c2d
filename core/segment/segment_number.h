/* Numbers in columns: seven bits a byte, the lowest first, the top bit on all but the last byte; signed ones folded (0, -1,
 * 1, -2 … as 0, 1, 2, 3 …). Private to segment. */
#ifndef TOCSIN_SEGMENT_NUMBER_H
#define TOCSIN_SEGMENT_NUMBER_H

#include "bytes.h"

#define SEGMENT_NUMBER_MOST 10u /* bytes */

static inline uint8_t *segment_number_put(uint8_t *at, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static inline uint32_t segment_number_size(uint64_t value) {
    uint32_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static inline uint64_t segment_fold(uint64_t difference) {
    return difference << 1 ^ (uint64_t) - (int64_t)(difference >> 63);
}
static inline uint64_t segment_unfold(uint64_t value) {
    return value >> 1 ^ (uint64_t) - (int64_t)(value & 1);
}

static inline bool segment_number_write(struct buffer *to, uint64_t value) {
    if (to->capacity - to->size < SEGMENT_NUMBER_MOST && !buffer_reserve(to, SEGMENT_NUMBER_MOST))
        return false;
    to->size = (size_t)(segment_number_put(to->data + to->size, value) - to->data);
    return true;
}

static inline uint64_t segment_number_read(struct bytes_reader *reader) {
    uint64_t value = 0;
    for (unsigned shift = 0; reader->rest.size && shift < 64; shift += 7) {
        uint8_t byte = *reader->rest.data;
        reader->rest = slice_make(reader->rest.data + 1, reader->rest.size - 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

#endif
