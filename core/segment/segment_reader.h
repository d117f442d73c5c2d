/* Reads a sealed segment (FORMATS.md, Segments): its header without a key, everything else with the day key.
 *
 * Sections are fetched one by one through `read`, so a search reads the index once, a page of the filter for each token,
 * and the blocks that may hold something. A section that was altered, moved or cut fails by itself: its fault names it, and
 * the others are still good. Sizes are checked against what was announced before anything is allocated.
 *
 * A reader is not changed after segment_reader_unlock: then any number of threads may use it, each with a block of its own,
 * if `read` allows that. */
#ifndef TOCSIN_SEGMENT_READER_H
#define TOCSIN_SEGMENT_READER_H

#include "segment_head.h"
#include "segment_index.h"

struct segment_source {
    void *context; /* borrowed for the reader's life */
    /* All of it, or a fault. */
    bool (*read)(void *context, uint64_t offset, void *to, size_t size, struct fault *fault);
};
/* Over a file in memory: `file` is borrowed for the reader's life. */
struct segment_source segment_source_memory(const struct slice *file);

struct segment_reader;

struct segment_reader *segment_reader_open(const struct segment_source *source, struct fault *fault);
struct segment_reader *segment_reader_close(struct segment_reader *reader); /* wipes; returns NULL */
const struct segment_head *segment_reader_head(const struct segment_reader *reader);

/* Opens the index. FAULT_AUTH: another key, or header or index were altered. */
bool segment_reader_unlock(struct segment_reader *reader, const uint8_t day_key[SEGMENT_KEY_SIZE],
                           struct fault *fault);
const struct segment_index *segment_reader_index(const struct segment_reader *reader);

/* Blocks that may hold a token (segment_digest): a byte for each, 0 or 1. Blocks with SEGMENT_BLOCK_OPAQUE always. */
bool segment_reader_look(const struct segment_reader *reader, uint64_t digest, uint8_t *ret_blocks,
                         struct fault *fault);

/* Reads all of it: how many events come out, and the sum over them (segment_writer_sum). */
bool segment_reader_sum(const struct segment_reader *reader, uint64_t *ret_events, uint64_t *ret_sum,
                        struct fault *fault);

/* ---- blocks */

struct segment_event {
    uint32_t batch;    /* in the index */
    uint32_t position; /* among the events of its class in its batch */
    uint32_t shape, template;
    uint64_t seq, time_us, arrival, ingested_us;
    uint64_t offset, source_time_us;
    uint32_t value, field; /* the block's own */
};

struct segment_block; /* memory to open blocks in, one after the other */

struct segment_block *segment_block_create(void);
struct segment_block *segment_block_destroy(struct segment_block *block); /* wipes; returns NULL */

/* Opens the columns of block `number`, from 0. The texts are opened by segment_block_values, which the next three need. */
bool segment_block_open(struct segment_block *block, const struct segment_reader *reader, uint32_t number,
                        struct fault *fault);
bool segment_block_values(struct segment_block *block, struct fault *fault);

/* In the order of arrival, then of event_seq. */
uint32_t segment_block_count(const struct segment_block *block);
const struct segment_event *segment_block_event(const struct segment_block *block, uint32_t place);

/* Which events may hold a token with a digit in it (lower case): a byte for each event, 0 or 1, without building a line. False,
 * and nothing written, for a token too short to be worth it. */
#define SEGMENT_MARK_LEAST 3u
bool segment_block_mark(const struct segment_block *block, struct slice token, uint8_t *ret_marks);

/* The raw line, until the next call; empty for a body that was kept whole. */
struct slice segment_block_raw(struct segment_block *block, uint32_t place);
/* Its first bytes, `least` of them if it is as long, or more. The same. */
struct slice segment_block_raw_head(struct segment_block *block, uint32_t place, size_t least);
/* The body; `fields` has room for EVENT_FIELDS_MOST. What it points to lives until the next call of one of these. */
bool segment_block_body(struct segment_block *block, uint32_t place, struct event_field *fields,
                        struct event_body *ret_body, struct fault *fault);
/* The body's bytes, as the agent wrote them. The same. */
bool segment_block_bytes(struct segment_block *block, uint32_t place, struct slice *ret_bytes,
                         struct fault *fault);

#endif
