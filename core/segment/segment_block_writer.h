/* One block at work: takes events apart into columns. Private to segment_writer.c. */
#ifndef TOCSIN_SEGMENT_BLOCK_WRITER_H
#define TOCSIN_SEGMENT_BLOCK_WRITER_H

#include "segment_block.h"
#include "segment_head.h"
#include "segment_index.h"
#include "segment_terms.h"
#include "segment_texts.h"

struct segment_block_writer;

/* What blocks share. */
struct segment_tables {
    struct segment_texts templates, shapes; /* shapes: as segment_shape_key writes them; shape 0 is empty */
    struct segment_terms *terms;
    bool (*line_time)(void *context, const struct event_body *body, uint64_t read_us, uint64_t *ret_time_us);
    void *line_context;
};

/* Of a row's events of one batch. */
struct segment_row_place {
    uint32_t batch, stream;
    uint64_t arrival, ingested_us;
};

struct segment_block_writer *segment_block_writer_create(struct segment_tables *tables);
struct segment_block_writer *segment_block_writer_destroy(struct segment_block_writer *block);

uint32_t segment_block_writer_events(const struct segment_block_writer *block);
bool segment_block_writer_takes(const struct segment_block_writer *block, size_t body_size);
/* `batch` is the row's; `position`: the event's among those of its class in its batch. */
void segment_block_writer_add(struct segment_block_writer *block, const struct segment_row_place *row,
                              const struct segment_batch *batch, uint32_t position,
                              const struct event *event);
/* Appends the block's plain section and says what is in it, without streams; its templates are appended, segment_count each.
 * The block is empty again. */
bool segment_block_writer_end(struct segment_block_writer *block, struct buffer *to,
                              struct segment_block_note *ret_note, struct buffer *ret_templates);

/* kind ‖ generation ‖ source ‖ n ‖ n × name, numbers and texts as in the index. */
bool segment_shape_key(const struct event_body *body, struct buffer *to);

#endif
