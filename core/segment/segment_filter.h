/* Which blocks of a segment a token may be in: digests with the blocks that hold them, cut into pages by the digest, so that
 * a look-up reads one page. Who asks gets every block that has the token, and now and then one that has not (about one
 * absent token in 250 is found in one block).
 *
 *     page   = u32 n ‖ u8 bits ‖ n × (Golomb-Rice of the step to the next position ‖ blocks)
 *     page number and position: digest's upper 32 bits × pages; the upper half of that, and `bits` bits of the lower half
 *     step   = unary of step >> 8 (ones, then a zero) ‖ 8 bits
 *     blocks = 0 ‖ number, or 10 ‖ 4 bits of their count - 2 ‖ numbers, ascending, or 11 ‖ a bit for each block
 *
 * A block's number has as many bits as the segment's last one needs. Bits are written from the highest of each byte down. */
#ifndef TOCSIN_SEGMENT_FILTER_H
#define TOCSIN_SEGMENT_FILTER_H

#include "buffer.h"
#include "fault.h"

struct segment_filter_builder;

struct segment_filter_builder *segment_filter_builder_create(void);
struct segment_filter_builder *
segment_filter_builder_destroy(struct segment_filter_builder *builder); /* returns NULL */

/* Of the present block; again and again is fine. */
void segment_filter_add(struct segment_filter_builder *builder, uint64_t digest);
/* What was added belongs to this block. */
void segment_filter_end_block(struct segment_filter_builder *builder, uint32_t block);

/* Sorts, and says how many pages there will be, at most `most`. */
uint32_t segment_filter_pages(struct segment_filter_builder *builder, uint32_t most);
/* Appends the next page's bytes: to be called that many times. */
void segment_filter_page(struct segment_filter_builder *builder, uint32_t blocks, struct buffer *to);

uint32_t segment_filter_page_of(uint64_t digest, uint32_t pages);
/* Sets the bits of `ret_blocks` (a byte for each block) that may hold the token, and clears the others. */
bool segment_filter_look(struct slice page, uint64_t digest, uint32_t pages, uint32_t blocks,
                         uint8_t *ret_blocks, struct fault *fault);

#endif
