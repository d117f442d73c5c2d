#include "segment_filter.h"

#include <stdlib.h>

#include "bytes.h"
#include "memory.h"

#define PAGE_TOKENS 1600u /* about 4 KiB */
#define RICE_BITS 8u
#define PAGE_HEAD 5u
#define LISTED_MOST 17u /* blocks of a token that are written as numbers */
#define RECENT 8192u    /* upper bits of digests of the present block that need not be added again */
#define TOP_BITS 11u /* of the sort: first into so many parts, each then sorted where it lies in the cache */
#define LOW_BITS 7u
#define TOPS (1u << TOP_BITS)
#define LOWS (1u << LOW_BITS)

/* A token in a block: the digest's upper 32 bits, and below them the block. */
struct segment_filter_builder {
    uint32_t recent[RECENT];
    uint64_t *pairs; /* some of them more than once, until they are sorted */
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
    uint32_t upper = (uint32_t)(digest >> 32);
    uint32_t *recent = &builder->recent[upper % RECENT];
    if (*recent == upper && upper)
        return;
    *recent = upper;
    if (builder->count == builder->capacity) {
        builder->capacity = builder->capacity ? builder->capacity * 2 : 1u << 12;
        builder->pairs = memory_resize(builder->pairs, builder->capacity, sizeof *builder->pairs);
    }
    builder->pairs[builder->count++] = (uint64_t)upper << 32;
}

void segment_filter_end_block(struct segment_filter_builder *builder, uint32_t block) {
    for (size_t i = builder->block_start; i < builder->count; i++)
        builder->pairs[i] |= block;
    builder->block_start = builder->count;
    memset(builder->recent, 0, sizeof builder->recent);
}

static size_t without_repeats(uint64_t *pairs, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || pairs[kept - 1] != pairs[i])
            pairs[kept++] = pairs[i];
    return kept;
}

/* By `bits` bits of the pairs from `shift` on; what was in order stays so. `starts` has room for a number each and one more. */
static void sort_by(const uint64_t *from, uint64_t *to, size_t count, unsigned shift, unsigned bits,
                    size_t *starts) {
    size_t parts = (size_t)1 << bits;
    uint64_t mask = parts - 1;
    memset(starts, 0, (parts + 1) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[(from[i] >> shift & mask) + 1]++;
    for (size_t part = 0; part < parts; part++)
        starts[part + 1] += starts[part];
    for (size_t i = 0; i < count; i++)
        to[starts[from[i] >> shift & mask]++] = from[i];
}

/* By the upper 32 bits, with `room` for as many; what was in order, as blocks are, stays so. */
static void sort(uint64_t *pairs, uint64_t *room, size_t count) {
    size_t tops[TOPS + 1], lows[LOWS + 1], start = 0;
    sort_by(pairs, room, count, 64 - TOP_BITS, TOP_BITS, tops);
    for (unsigned top = 0; top < TOPS; start = tops[top++]) { /* each is now where its part ends */
        size_t size = tops[top] - start;
        uint64_t *a = room + start, *b = pairs + start;
        for (unsigned shift = 32; shift < 64 - TOP_BITS; shift += LOW_BITS) {
            sort_by(a, b, size, shift, LOW_BITS, lows);
            uint64_t *other = a;
            a = b;
            b = other;
        }
    }
}
_Static_assert(TOP_BITS + 3 * LOW_BITS == 32, "three passes, from the room back to the pairs");

uint32_t segment_filter_page_of(uint64_t digest, uint32_t pages) {
    return (uint32_t)((digest >> 32) * pages >> 32);
}

uint32_t segment_filter_pages(struct segment_filter_builder *builder, uint32_t most) {
    uint64_t *room = memory_new_array(builder->count, sizeof *room);
    sort(builder->pairs, room, builder->count);
    free(room);
    builder->count = without_repeats(builder->pairs, builder->count);
    size_t pages = builder->count / PAGE_TOKENS + 1;
    builder->pages = pages < most ? (uint32_t)pages : most;
    builder->page = 0;
    builder->next = 0;
    return builder->pages;
}

/* ---- bits */

/* Into memory that has the room. */
struct bit_writer {
    uint8_t *to;
    uint64_t held;
    unsigned count; /* fewer than 32 between calls */
};

/* 32 at most. */
static inline void put_bits(struct bit_writer *writer, uint64_t value, unsigned count) {
    writer->held = writer->held << count | value;
    writer->count += count;
    if (writer->count < 32)
        return;
    writer->count -= 32;
    bytes_put_u32(writer->to, (uint32_t)(writer->held >> writer->count));
    writer->to += 4;
}

/* Up to the next whole byte, with zeros. */
static void end_bits(struct bit_writer *writer) {
    put_bits(writer, 0, -writer->count & 7);
    for (; writer->count; writer->count -= 8)
        *writer->to++ = (uint8_t)(writer->held >> (writer->count - 8));
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
        put_bits(writer, block_of(pairs[0]), 1 + width);
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
        put_bits(writer, step & ((1u << RICE_BITS) - 1), 1 + RICE_BITS);
        put_blocks(writer, pairs + i, join(pairs + i, next - i), blocks);
        ++*ret_positions;
    }
}

void segment_filter_page(struct segment_filter_builder *builder, uint32_t blocks, struct buffer *to) {
    size_t first = builder->next, end = first;
    while (end < builder->count &&
           segment_filter_page_of(builder->pairs[end], builder->pages) == builder->page)
        end++;
    builder->next = end;
    builder->page++;
    unsigned bits = position_bits(end - first);
    uint32_t positions;
    /* Of each token at most: the ones of its step, which all together are few, 9 bits more, and its blocks. */
    size_t most =
        ((size_t)1 << (bits - RICE_BITS)) + (end - first) * (RICE_BITS + 8 + 4 + 16 * LISTED_MOST + blocks);
    if (!buffer_reserve(to, PAGE_HEAD + most / 8 + 8))
        return;
    struct bit_writer writer = {.to = to->data + to->size + PAGE_HEAD};
    put_page(&writer, builder->pairs + first, end - first, builder->pages, bits, blocks, &positions);
    end_bits(&writer);
    bytes_put_u32(to->data + to->size, positions);
    to->data[to->size + 4] = (uint8_t)bits;
    to->size = (size_t)(writer.to - to->data);
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
