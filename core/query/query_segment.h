/* Which blocks of a sealed segment a search must read, and which it can count without reading: asked of templates, words and
 * the token filter alone.
 *
 * What it rules out is ruled out for sure; what it lets through may still hold nothing. */
#ifndef TOCSIN_QUERY_SEGMENT_H
#define TOCSIN_QUERY_SEGMENT_H

#include "query_expression.h"
#include "query_lexicon.h"
#include "segment_reader.h"

#define QUERY_COUNT_UNKNOWN UINT64_MAX

struct query_blocks {
    uint8_t may[SEGMENT_BLOCKS_MOST]; /* 1: read it */
    uint64_t
        counts[SEGMENT_BLOCKS_MOST]; /* events that match, where that is known; else QUERY_COUNT_UNKNOWN */
};

/* The reader is unlocked, the lexicon its index's. FAULT_AUTH or FAULT_FORMAT where the filter was altered. */
bool query_segment_blocks(const struct query_expression *expression, const struct segment_reader *reader,
                          const struct query_lexicon *lexicon, struct query_blocks *ret_blocks,
                          struct fault *fault);

/* The longest token with a digit in it that every match's line must hold (segment_block_mark); empty for none. Lower case. */
struct slice query_segment_token(const struct query_expression *expression);

#endif
