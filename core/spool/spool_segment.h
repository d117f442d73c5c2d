/* Recovery of a segment of the spool: a pure function from bytes to items and damage.
 *
 * Whatever the bytes are, it comes to an end and never gives an item that was not written. A torn tail (what
 * an interrupted write leaves behind the last good record) is told as such and is no damage. Where bytes
 * inside are damaged, it goes on at the next place where a record of this very segment checks out, and names
 * the range between. */
#ifndef TOCSIN_SPOOL_SEGMENT_H
#define TOCSIN_SPOOL_SEGMENT_H

#include "spool_record.h"

struct spool_segment_reader {
    void *context;
    /* Once a record, in order; `items` for spool_item_next, borrowed from the bytes given. */
    void (*record)(void *context, uint64_t offset, size_t size, struct slice items);
    /* [offset, offset + size) is damaged and left out. May be NULL. */
    void (*damage)(void *context, uint64_t offset, size_t size);
};

struct spool_segment_result {
    uint64_t end;  /* where the last good record ends: what stands behind it is a torn tail */
    uint64_t torn; /* bytes behind it */
    unsigned records, damaged;
    bool headed; /* the first record is there and names this segment */
};

void spool_segment_read(struct slice bytes, struct spool_segment_id id,
                        const struct spool_segment_reader *reader, struct spool_segment_result *ret_result);

#endif
