/* A segment's clear header: what may be known of it without its key, and where its sections stand.
 *
 * | offset | bytes | field |
 * | 0 | 16 | "tocsin/seg/v1" |
 * | 16 | 1 + 3 | class; zeros |
 * | 20 | 4 + 4 | blocks, 1 to 1,024; pages of the filter, at most 65,536 |
 * | 28 | 4 | bytes of the index section |
 * | 32 | 8 | day: ctl_seq of the mark that opens it |
 * | 40 | 8 + 8 | first and last log index |
 * | 56 | 32 | key id |
 * | 88 | 32 | random bytes |
 * | 120 | 8 | bytes of the whole file |
 * | 128 | 4 × blocks | bytes of each block's section |
 * | | 4 × pages | bytes of each page's section |
 *
 * Behind it: the index (section 0), the filter's pages, the blocks (sections 1 to n). */
#ifndef TOCSIN_SEGMENT_HEAD_H
#define TOCSIN_SEGMENT_HEAD_H

#include "buffer.h"
#include "fault.h"
#include "segment_cipher.h"

#define SEGMENT_HEAD_FIXED 128u
#define SEGMENT_BLOCKS_MOST 1024u
#define SEGMENT_PAGES_MOST 65536u
#define SEGMENT_SECTION_MOST (32u * 1024 * 1024) /* bytes, sealed */
#define SEGMENT_HEAD_MOST (SEGMENT_HEAD_FIXED + 4 * (SEGMENT_BLOCKS_MOST + SEGMENT_PAGES_MOST))

struct segment_head {
    uint8_t class;
    uint64_t day;
    uint64_t first_index, last_index;
    struct hash key_id;
    uint8_t random[SEGMENT_RANDOM_SIZE];
    uint32_t blocks, pages;
    uint32_t index_size;
    uint64_t file_size;
};

/* Bytes of the whole header of a file that begins with these SEGMENT_HEAD_FIXED bytes. */
bool segment_head_read(const uint8_t fixed[SEGMENT_HEAD_FIXED], struct segment_head *ret_head,
                       struct fault *fault);
static inline size_t segment_head_size(const struct segment_head *head) {
    return SEGMENT_HEAD_FIXED + 4 * ((size_t)head->blocks + head->pages);
}
/* `sizes`: blocks, then pages. */
void segment_head_write(const struct segment_head *head, const uint32_t *sizes, struct buffer *to);

#endif
