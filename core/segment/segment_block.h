/* The columns of one block: how events lie in its section. For segment_writer.c and segment_reader.c.
 *
 *     block   = u32 bytes of the first frame ‖ zstd(columns) ‖ zstd(values)
 *     columns = number of events ‖ of runs ‖ of batches ‖ n × (u32 size ‖ column)
 *
 * All columns hold numbers (segment_number.h). A run is events of one row and one batch whose numbers follow each other.
 * Batches stand in the order in which the block first has them.
 *
 * | column | one for each | |
 * | batch | batch | its number in the index ‖ class position of its first event here |
 * | arrival | run | difference to the run before |
 * | ingested | run | folded difference to the run before |
 * | run batch | run | place among the block's batches |
 * | first | run | event_seq, folded difference to the one behind the batch's last here (to its first) |
 * | count | run | events |
 * | time | event | folded difference to the batch's event before (to its t_open) |
 * | shape | event | |
 * | template | event | not for shape 0 |
 * | offset | event | folded difference to what was foretold; not for shape 0 |
 * | source time | event | 0 for none, else 1 + the folded difference to the event's time; not for shape 0 |
 * | lengths | value | |
 *
 * Foretold is the offset behind the last event's line, of the same stream and shape, in a table of 1,024 places, the place
 * (stream × 31 + shape) mod 1,024, that forgets what another one takes; 0 where nothing is there.
 *
 * values: the texts of templates' slots, then of shapes' fields, then the rest: for each template, ascending, for each of its
 * slots, for each of its events; template 0 has one slot, the whole line. The same for shapes and fields; shape 0 has one
 * slot, the whole body. */
#ifndef TOCSIN_SEGMENT_BLOCK_H
#define TOCSIN_SEGMENT_BLOCK_H

#include <stdint.h>

#define SEGMENT_BLOCK_EVENTS_MOST 131072u
#define SEGMENT_VALUES_MOST (4u * 1024 * 1024)   /* texts in a block */
#define SEGMENT_COLUMNS_MOST (96u * 1024 * 1024) /* bytes of columns, before compression */

enum segment_column {
    COLUMN_BATCH,
    COLUMN_ARRIVAL,
    COLUMN_INGESTED,
    COLUMN_RUN_BATCH,
    COLUMN_FIRST,
    COLUMN_COUNT,
    COLUMN_TIME,
    COLUMN_SHAPE,
    COLUMN_TEMPLATE,
    COLUMN_OFFSET,
    COLUMN_SOURCE_TIME,
    COLUMN_LENGTH,
    COLUMNS,
};

/* What foretells offsets; the same at both ends. */
#define SEGMENT_FORETOLD 1024u
struct segment_foretold {
    uint32_t stream, shape; /* shape 0: free */
    uint64_t offset;
};

static inline struct segment_foretold *segment_foretold_at(struct segment_foretold *table, uint32_t stream,
                                                           uint32_t shape) {
    struct segment_foretold *at = &table[(stream * 31 + shape) % SEGMENT_FORETOLD];
    if (at->stream != stream || at->shape != shape)
        *at = (struct segment_foretold){stream, shape, 0};
    return at;
}

#endif
