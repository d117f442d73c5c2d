/* The reader's inside, for segment_reader.c and segment_block.c. */
#ifndef TOCSIN_SEGMENT_READER_INSIDE_H
#define TOCSIN_SEGMENT_READER_INSIDE_H

#include "segment_reader.h"

struct segment_section {
    uint64_t at;
    uint32_t size;
};

struct segment_reader {
    struct segment_source source;
    struct segment_head head;
    struct hash header;
    struct segment_section *sections; /* blocks, then pages */
    uint8_t bodies[SEGMENT_KEY_SIZE], filter[SEGMENT_KEY_SIZE];
    struct segment_index *index;
};

/* Appends the plain bytes of block `number`, from 0. */
bool segment_reader_section(const struct segment_reader *reader, uint32_t number, struct buffer *to,
                            struct fault *fault);

#endif
