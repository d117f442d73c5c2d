#include "segment_filter.h"

#include <stdlib.h>

#include "bytes.h"
#include "memory.h"

#define PAGE_TOKENS 1600u /* about 4 KiB */
#define RICE_BITS 8u
#define LISTED_MOST 17u /* blocks of a token that are written as numbers */
#define RECENT 4096u    /* digests of the present block that need not be added again */
#define DIGIT_BITS 11u  /* of the sort */
#define DIGITS (1u << DIGIT_BITS)

/* A token in a block: the digest's upper 32 bits, and below them the block. */
struct segment_filter_builder {
    uint64_t recent[RECENT];
    uint64_t *pairs;
    size_t count, capacity, block_start;
    uint32_t pages, page;
    size_t next; /* the first pair of the next page */
};

struct segment_filter_builder *segment_filter_builder_create(void) {
    return memory_new(sizeof(struct segment_filter_builder));
}

struct segment_filter_builder *segment_filter_builder_destroy(struct segment_filter_builder *builder) {
    if (builder) {
        free(builder->pairs);
        free(builder);
    }
    return NULL;
}

void segment_filter_add(struct segment_filter_builder *builder, uint64_t digest) {
    uint64_t *recent = &builder->recent[digest % RECENT];
    if (*recent == digest)
        return;
    *recent = digest;
    if (builder->count == builder->capacity) {
        builder->capacity = builder->capacity ? builder->capacity * 2 : 1u << 16;
        builder->pairs = memory_resize(builder->pairs, builder->capacity, sizeof *builder->pairs);
    }
    builder->pairs[builder->count++] = digest >> 32 << 32;
}

/* By the upper 32 bits; what was in order stays so. */
static uint64_t *sort(uint64_t *pairs, uint64_t *room, size_t count) {
    for (unsigned shift = 32; shift < 64; shift += DIGIT_BITS) {
        size_t starts[DIGITS + 1] = {0};
        for (size_t i = 0; i < count; i++)
            starts[(pairs[i] >> shift & (DIGITS - 1)) + 1]++;
        for (unsigned digit = 0; digit < DIGITS; digit++)
            starts[digit + 1] += starts[digit];
        for (size_t i = 0; i < count; i++)
            room[starts[pairs[i] >> shift & (DIGITS - 1)]++] = pairs[i];
        uint64_t *other = pairs;
        pairs = room;
        room = other;
    }
    return pairs;
}

static size_t without_repeats(uint64_t *pairs, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || pairs[kept - 1] != pairs[i])
            pairs[kept++] = pairs[i];
    return kept;
}

void segment_filter_end_block(struct segment_filter_builder *builder, uint32_t block) {
    size_t count = builder->count - builder->block_start;
    if (count) {
        uint64_t *room = memory_new_array(count, sizeof *room), *own = builder->pairs + builder->block_start;
        uint64_t *sorted = sort(own, room, count); /* three passes: it is in the room */
        count = without_repeats(sorted, count);
        for (size_t i = 0; i < count; i++)
            own[i] = sorted[i] | block;
        free(room);
    }
    builder->count = builder->block_start += count;
    memset(builder->recent, 0, sizeof builder->recent);
}

uint32_t segment_filter_page_of(uint64_t digest, uint32_t pages) {
    return (uint32_t)((digest >> 32) * pages >> 32);
}

uint32_t segment_filter_pages(struct segment_filter_builder *builder, uint32_t most) {
    size_t pages = builder->count / PAGE_TOKENS + 1;
    builder->pages = pages < most ? (uint32_t)pages : most;
    builder->page = 0;
    builder->next = 0;
    uint64_t *room = memory_new_array(builder->count, sizeof *room);
    uint64_t *sorted = sort(builder->pairs, room, builder->count);
    free(sorted == room ? builder->pairs : room);
    builder->pairs = sorted;
    builder->capacity = builder->count;
    return builder->pages;
}

/* ---- bits */

struct bit_writer {
    struct buffer *to;
    uint64_t held;
    unsigned count;
};

static void put_bits(struct bit_writer *writer, uint64_t value, unsigned count) {
    writer->held = writer->held << count | value;
    for (writer->count += count; writer->count >= 8; writer->count -= 8)
        bytes_write_u8(writer->to, (uint8_t)(writer->held >> (writer->count - 8)));
}

struct bit_reader {
    struct slice from;
    size_t at; /* in bits */
    bool failed;
};

/* The next bits, 57 of them at least, from the highest down; zeros behind the end. */
static uint64_t next_bits(const struct bit_reader *reader) {
    size_t byte = reader->at >> 3, rest = reader->from.size - byte;
    uint64_t bits = 0;
    if (rest >= sizeof bits)
        bits = bytes_get_u64(reader->from.data + byte);
    else
        for (size_t i = 0; i < rest; i++)
            bits |= (uint64_t)reader->from.data[byte + i] << (56 - 8 * i);
    return bits << (reader->at & 7);
}

static void skip_bits(struct bit_reader *reader, size_t count) {
    if (count > reader->from.size * 8 - reader->at)
        reader->failed = true;
    else
        reader->at += count;
}

/* 32 at most. */
static uint32_t get_bits(struct bit_reader *reader, unsigned count) {
    uint64_t bits = next_bits(reader);
    skip_bits(reader, count);
    return reader->failed || !count ? 0 : (uint32_t)(bits >> (64 - count));
}

/* How many ones stand before a zero; behind the zero. */
static uint64_t get_ones(struct bit_reader *reader) {
    uint64_t ones = 0;
    for (unsigned some = 57; some == 57 && !reader->failed; ones += some) {
        uint64_t zeros = ~next_bits(reader) >> 7; /* where a zero stands, of 57 */
        some = zeros ? (unsigned)__builtin_clzll(zeros) - 7 : 57;
        skip_bits(reader, some);
    }
    skip_bits(reader, 1);
    return ones;
}

static unsigned bits_for(uint64_t value) {
    return value ? 64u - (unsigned)__builtin_clzll(value) : 0;
}

/* ---- pages */

static unsigned position_bits(size_t count) {
    unsigned bits = bits_for(count) + RICE_BITS;
    return bits > 32 ? 32 : bits;
}

static uint32_t position_of(uint64_t digest, uint32_t pages, unsigned bits) {
    return (uint32_t)((digest >> 32) * pages) >> (32 - bits);
}

static uint32_t block_of(uint64_t pair) {
    return (uint32_t)pair;
}

static void put_blocks(struct bit_writer *writer, const uint64_t *pairs, size_t count, uint32_t blocks) {
    unsigned width = bits_for(blocks - 1);
    if (count == 1) {
        put_bits(writer, 0, 1);
        put_bits(writer, block_of(pairs[0]), width);
        return;
    }
    bool listed = count <= LISTED_MOST && count * width < blocks;
    put_bits(writer, listed ? 2 : 3, 2);
    if (listed) {
        put_bits(writer, count - 2, 4);
        for (size_t i = 0; i < count; i++)
            put_bits(writer, block_of(pairs[i]), width);
        return;
    }
    size_t next = 0;
    for (uint32_t block = 0; block < blocks; block++) {
        bool in = next < count && block_of(pairs[next]) == block;
        next += in;
        put_bits(writer, in, 1);
    }
}

/* Tokens that share a position are one, with the blocks of all. */
static size_t join(uint64_t *pairs, size_t count) {
    for (size_t i = 1; i < count; i++) /* few, and nearly in order */
        for (size_t j = i; j > 0 && pairs[j - 1] > pairs[j]; j--) {
            uint64_t other = pairs[j];
            pairs[j] = pairs[j - 1];
            pairs[j - 1] = other;
        }
    return without_repeats(pairs, count);
}

static void put_page(struct bit_writer *writer, uint64_t *pairs, size_t count, uint32_t pages, unsigned bits,
                     uint32_t blocks, uint32_t *ret_positions) {
    uint64_t position = 0;
    *ret_positions = 0;
    for (size_t i = 0, next; i < count; i = next) {
        uint64_t at = position_of(pairs[i], pages, bits);
        for (next = i; next < count && position_of(pairs[next], pages, bits) == at; next++)
            pairs[next] = block_of(pairs[next]);
        uint64_t step = at - position;
        position = at;
        for (uint64_t ones = step >> RICE_BITS; ones; ones--)
            put_bits(writer, 1, 1);
        put_bits(writer, 0, 1);
        put_bits(writer, step & ((1u << RICE_BITS) - 1), RICE_BITS);
        put_blocks(writer, pairs + i, join(pairs + i, next - i), blocks);
        ++*ret_positions;
    }
}

void segment_filter_page(struct segment_filter_builder *builder, uint32_t blocks, struct buffer *to) {
    size_t first = builder->next, end = first, head = to->size;
    while (end < builder->count &&
           segment_filter_page_of(builder->pairs[end], builder->pages) == builder->page)
        end++;
    builder->next = end;
    builder->page++;
    unsigned bits = position_bits(end - first);
    uint32_t positions;
    struct bit_writer writer = {.to = to};
    bytes_write_u32(to, 0);
    bytes_write_u8(to, (uint8_t)bits);
    put_page(&writer, builder->pairs + first, end - first, builder->pages, bits, blocks, &positions);
    put_bits(&writer, 0, 7);
    if (!to->overflow)
        bytes_put_u32(to->data + head, positions);
}

static void get_block(struct bit_reader *reader, unsigned width, uint32_t blocks, uint8_t *ret_blocks) {
    uint32_t block = get_bits(reader, width);
    if (block < blocks)
        ret_blocks[block] = 1;
}

/* ret_blocks NULL: they are not wanted. */
static void get_blocks(struct bit_reader *reader, uint32_t blocks, uint8_t *ret_blocks) {
    unsigned width = bits_for(blocks - 1);
    if (!get_bits(reader, 1)) {
        if (ret_blocks)
            get_block(reader, width, blocks, ret_blocks);
        else
            skip_bits(reader, width);
    } else if (!get_bits(reader, 1)) {
        uint32_t count = get_bits(reader, 4) + 2;
        for (uint32_t i = 0; ret_blocks && i < count; i++)
            get_block(reader, width, blocks, ret_blocks);
        if (!ret_blocks)
            skip_bits(reader, (size_t)count * width);
    } else if (!ret_blocks)
        skip_bits(reader, blocks);
    else
        for (uint32_t block = 0; block < blocks; block++)
            ret_blocks[block] = (uint8_t)get_bits(reader, 1);
}

bool segment_filter_look(struct slice page, uint64_t digest, uint32_t pages, uint32_t blocks,
                         uint8_t *ret_blocks, struct fault *fault) {
    struct bytes_reader head = bytes_read(page);
    uint32_t count = bytes_read_u32(&head);
    unsigned bits = bytes_read_u8(&head);
    if (head.failed || bits > 32 || bits < RICE_BITS)
        return fault_set(fault, FAULT_FORMAT, "a page of a segment's filter that is none");
    uint32_t wanted = position_of(digest, pages, bits);
    struct bit_reader reader = {.from = head.rest};
    uint64_t position = 0;
    memset(ret_blocks, 0, blocks);
    for (; count && position <= wanted && !reader.failed; count--) {
        position += get_ones(&reader) << RICE_BITS;
        position += get_bits(&reader, RICE_BITS);
        get_blocks(&reader, blocks, position == wanted ? ret_blocks : NULL);
    }
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "a page of a segment's filter ends inside a token");
    return true;
}
