/* A unit from the inside, for its plan and its judgement. Private to retention. */
#ifndef TOCSIN_RETENTION_UNIT_INSIDE_H
#define TOCSIN_RETENTION_UNIT_INSIDE_H

#include "retention_unit.h"

struct unit_stream {
    struct hash id;
    struct slice host; /* NULL data: nobody enrolled it */
    uint64_t close_us; /* the newest of its batches in the unit */
    uint64_t last;     /* log index of the last of them */
};

struct retention_unit {
    const struct retention_ledger *ledger;
    const struct agent_registry *registry;
    uint8_t class;
    uint64_t first, last;
    uint64_t events, batches;
    size_t stream_count, stream_room;
    struct unit_stream *streams;
    size_t hold_count; /* of the ledger when the unit was made */
    bool *could_hold;  /* for each of them */
};

/* The median of a list, which is sorted by it: of an even number the lower or the upper of the two in the middle. 0 of none. */
uint64_t unit_median(uint64_t *times, size_t count, bool upper);

/* The first hold that lived at log index `below` and could match something here without its matching being in the log before
 * `below` and witnessed. ret_asked: it is in the log, and not witnessed. NULL for none. */
const struct retention_hold *unit_blocked(const struct retention_unit *unit,
                                          const struct retention_clock *clock, uint64_t below,
                                          bool *ret_asked);
/* Whether the policy in force there needs witnesses. */
bool unit_witnessed(const struct retention_unit *unit, uint64_t below);
/* When an intent may be carried out: the maximum, and the veto window behind its witnessing. */
uint64_t unit_intent_end(const struct retention_unit *unit, const struct retention_clock *clock,
                         const struct retention_grounds *intent, const struct retention_span *span,
                         uint64_t below);
/* Whether the grounds' range covers the unit. */
bool unit_covered(const struct retention_unit *unit, const struct erase_range *range);

#endif
