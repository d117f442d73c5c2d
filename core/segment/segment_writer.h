/* Writes one sealed segment: events of one class out of closed batches of one range of the log, in the order in which their
 * rows arrived (FORMATS.md, Segments).
 *
 * Streams and batches are told first, each before its first event; rows come with ascending arrival, events of a batch with
 * ascending event_seq and in whole: the writer counts positions of the class by that. Everything is copied. Compressed
 * blocks are kept until the end: a quarter of the text or so, plus 10 MiB for the block at work. A body that its columns
 * would not give back byte for byte is kept whole.
 *
 * Errors: FAULT_LIMIT where a table would pass its ceiling (segment_index.h): then the segment is to be begun anew with fewer
 * batches; segment_writer_full says early enough when to stop. */
#ifndef TOCSIN_SEGMENT_WRITER_H
#define TOCSIN_SEGMENT_WRITER_H

#include "random.h"
#include "segment_head.h"
#include "segment_index.h"

#define SEGMENT_FILE_MOST (512u * 1024 * 1024)
#define SEGMENT_TEXT_MOST (128ull * 1024 * 1024) /* of bodies, where a segment is full */

struct segment_writer;

struct segment_writer *segment_writer_create(uint8_t class, uint64_t day);
struct segment_writer *segment_writer_destroy(struct segment_writer *writer); /* wipes; returns NULL */

/* How a line's own time is told without reading it: false where it cannot be. Without one no block knows. `zone_minutes` is
 * what it takes for lines that name no zone. Before the first event. */
struct segment_line_clock {
    bool (*time)(void *context, const struct event_body *body, uint64_t read_us, uint64_t *ret_time_us);
    void *context;
    int zone_minutes;
};
void segment_writer_set_clock(struct segment_writer *writer, const struct segment_line_clock *clock);

/* Their numbers, from 0. UINT32_MAX and a fault where there are too many, or the entry is none. */
uint32_t segment_writer_stream(struct segment_writer *writer, const struct hash *id, struct slice name,
                               const struct verify_key *first_key, struct fault *fault);
uint32_t segment_writer_batch(struct segment_writer *writer, uint32_t stream, uint64_t log_index,
                              struct slice entry, struct slice class_list,
                              const uint8_t class_key[CLASS_KEY_SIZE], struct fault *fault);

/* The next events are of this batch and came with this row. */
void segment_writer_row(struct segment_writer *writer, uint32_t batch, uint64_t arrival,
                        uint64_t ingested_us);
bool segment_writer_event(struct segment_writer *writer, const struct event *event, struct fault *fault);

uint64_t segment_writer_events(const struct segment_writer *writer);
uint64_t segment_writer_text(const struct segment_writer *writer);
/* Over what went in (segment_reader_sum: over what comes out). */
uint64_t segment_writer_sum(const struct segment_writer *writer);

/* The whole file. The writer is used up. ret_head may be NULL. */
bool segment_writer_finish(struct segment_writer *writer, uint64_t first_index, uint64_t last_index,
                           const uint8_t day_key[SEGMENT_KEY_SIZE], const struct hash *key_id,
                           const struct random_source *random, struct buffer *to,
                           struct segment_head *ret_head, struct fault *fault);

#endif
