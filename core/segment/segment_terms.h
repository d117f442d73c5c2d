/* What can be asked for in a segment: its tokens with digits go into the filter, the letters of its variables into the table
 * of words, each with the blocks that have it. Private to the writer. */
#ifndef TOCSIN_SEGMENT_TERMS_H
#define TOCSIN_SEGMENT_TERMS_H

#include "segment_filter.h"
#include "segment_head.h"
#include "segment_scan.h"
#include "segment_texts.h"

#define SEGMENT_TERMS_RECENT 2048u

struct segment_terms {
    struct segment_filter_builder *filter;
    segment_bytes
        recent[SEGMENT_TERMS_RECENT]; /* variables of the present block that need not be added again */
    struct segment_texts words;
    uint8_t (*word_blocks)[SEGMENT_BLOCKS_MOST / 8]; /* a bit for each block, from the lowest */
    uint32_t word_room;
};

struct segment_terms *segment_terms_create(void);
struct segment_terms *segment_terms_destroy(struct segment_terms *terms); /* returns NULL */

/* The tokens from `start` up to `end` of a text and its scan, which are a variable or a whole line, in this block. False where
 * a word did not fit into the table. */
bool segment_terms_add(struct segment_terms *terms, uint32_t block, const uint8_t *text,
                       const struct segment_scan *scan, size_t start, size_t end);
void segment_terms_end_block(struct segment_terms *terms, uint32_t block);

#endif
