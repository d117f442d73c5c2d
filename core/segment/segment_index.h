/* What a segment says of itself inside its index section (FORMATS.md, Segments): streams, batches with their entries, class
 * lists and class keys, shapes and templates of events, letters of variables, and what is in each block.
 *
 * Written by the writer alone, read by everybody who has the key. A read index is not changed, so any number of threads may
 * use it. All slices of a read index point into its own memory. */
#ifndef TOCSIN_SEGMENT_INDEX_H
#define TOCSIN_SEGMENT_INDEX_H

#include "batch_entry.h"
#include "class_list.h"
#include "event.h"
#include "keystream.h"

#define SEGMENT_INDEX_MOST (96u * 1024 * 1024) /* bytes, before compression */
#define SEGMENT_STREAMS_MOST 65536u
#define SEGMENT_BATCHES_MOST 131072u
#define SEGMENT_SHAPES_MOST 4096u
#define SEGMENT_TEMPLATES_MOST 32768u
#define SEGMENT_TEMPLATE_MOST 2048u /* bytes of one */
#define SEGMENT_SLOTS_MOST 96u      /* variables of a template */
#define SEGMENT_WORDS_MOST 32768u   /* runs of letters in variables */
#define SEGMENT_WORD_MOST 32u       /* bytes of one */
#define SEGMENT_SLOT 0x11           /* stands for a variable in a template */

struct segment_stream {
    struct hash id;
    struct slice name;           /* HOST or HOST/bulk */
    struct verify_key first_key; /* with the name it makes the id */
};

struct segment_batch {
    uint64_t log_index;
    uint32_t stream;
    uint32_t events;                              /* of the class, in this segment: all of the batch's */
    uint64_t open_us, first_event_seq, batch_seq; /* out of the entry */
    uint32_t event_count;
    const uint8_t *class_key;
    struct slice entry, class_list;
};

/* What events have in common but for numbers and texts. Shape 0 is a body kept whole. */
struct segment_shape {
    enum event_kind kind;
    uint64_t generation;
    struct slice source;
    uint32_t name_count;
    const struct slice *names; /* of fields */
};

struct segment_word {
    struct slice text;     /* letters alone, lower case */
    const uint8_t *blocks; /* a bit for each, from the lowest */
};

struct segment_count {
    uint32_t template, events;
};

enum {
    SEGMENT_BLOCK_OPAQUE = 1, /* bodies kept whole: the filter says nothing about the block */
    SEGMENT_BLOCK_WORDS = 2,  /* letters in variables that the table of words has not */
    SEGMENT_BLOCK_ODD =
        4, /* a backslash before a letter or digit other than n, r, t, b, f: a decoder may read tokens there
                                 that are not in the line */
    SEGMENT_BLOCK_TIMELESS =
        8, /* lines whose own time only reading tells: the block's line times say nothing */
};

struct segment_block_note {
    uint8_t flags;
    uint32_t events;
    uint64_t text; /* bytes of bodies */
    uint64_t first_arrival, last_arrival;
    uint64_t first_time_us, last_time_us; /* the smallest and the largest, agents' clocks */
    uint64_t first_ingested_us, last_ingested_us;
    uint64_t first_line_us, last_line_us; /* the smallest and the largest of lines' own times */
    uint32_t template_count;
    const struct segment_count *templates; /* ascending; template 0 are lines kept whole */
    const uint8_t *streams;                /* a bit for each */
};

struct segment_index {
    uint64_t events, text;
    int zone_minutes; /* east of UTC, for lines' own times that name no zone */
    uint32_t stream_count, batch_count, shape_count, template_count, word_count, block_count;
    struct segment_stream *streams;
    struct segment_batch *batches;
    struct segment_shape *shapes;
    struct slice *templates;
    uint32_t *template_slots; /* of a read index alone */
    struct segment_word *words;
    struct segment_block_note *blocks;
    void *memory; /* what all of it points into */
    size_t memory_size;
    void *names, *counts;
    size_t name_room, count_room;
};

bool segment_index_write(const struct segment_index *index, struct buffer *to);
/* Copies the bytes. NULL and a fault where it is not an index of that many blocks. */
struct segment_index *segment_index_read(struct slice bytes, uint32_t blocks, struct fault *fault);
struct segment_index *segment_index_destroy(struct segment_index *index); /* wipes; returns NULL */
size_t segment_index_memory(const struct segment_index *index);           /* bytes that a read one takes */

/* Slots in a template. */
uint32_t segment_template_slots(struct slice template);

#endif
