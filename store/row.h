/* A row of the hot family: what came in, in the order in which it was committed (store_family.h, STORE_HOT).
 *
 *     u8 kind ‖ u64 ingested_us ‖ stream_id[32] ‖ payload
 *
 * Events are kept as received; a close stands as a reference to its log entry, so that walking the rows in order is
 * enough to check every stream from its beginning. */
#ifndef TOCSIN_ROW_H
#define TOCSIN_ROW_H

#include "fault.h"
#include "slice.h"

enum row_kind {
    ROW_EVENTS = 1, /* payload: the EVENTS message (events.h) */
    ROW_CLOSE = 2,  /* payload: u64 log index of the entry */
};

#define ROW_HEAD 41u
#define ROW_CLOSE_SIZE 8u

struct row {
    enum row_kind kind;
    uint64_t ingested_us; /* the collector's clock at the commit */
    const uint8_t *stream_id;
    struct slice payload;
};

void row_head(uint8_t to[ROW_HEAD], enum row_kind kind, uint64_t ingested_us, const uint8_t stream_id[32]);
bool row_read(struct slice value, struct row *ret_row, struct fault *fault); /* borrows */

#endif
