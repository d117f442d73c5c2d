/* What an agent knows, folded from the items of its spool: both lanes' stream writers, the sources'
 * positions, the collector's marks, what was verified of its log. A segment begins with all of it, so that everything older may go.
 *
 * Owner: whoever declared the struct (zeroed). Items are copied. */
#ifndef TOCSIN_SPOOL_STATE_H
#define TOCSIN_SPOOL_STATE_H

#include "class.h"
#include "spool_positions.h"
#include "spool_record.h"

#define SPOOL_WRITER_MOST (64u * 1024) /* bytes of a stream writer's state */

#define SPOOL_VOIDS_MOST 16384u /* batches of a lane with events given up and not proved */
#define SPOOL_NOTE_MOST 8192u   /* bytes of a checkpoint's note */

struct spool_void {
    uint64_t batch_seq, first_event_seq;
};

struct spool_lane_state {
    struct buffer writer; /* empty: this lane has never been written */
    uint64_t stored, attested, closed;
    uint64_t proved;          /* batches below are in the checkpoint */
    struct spool_void *voids; /* by batch, none below `proved` */
    size_t void_count, void_room;
};
struct spool_state {
    struct spool_lane_state lanes[LANES];
    struct spool_positions positions;
    struct buffer seen; /* the newest verified checkpoint's note; empty for none */
    uint64_t oldest;    /* number of the oldest segment that is still needed */
};

void spool_state_free(struct spool_state *state);
/* STATE, POSITION, MARK, VOID, SEEN, PROVED, SEGMENT and OLDEST change it; the others do not concern it. False: a limit. */
bool spool_state_take(struct spool_state *state, const struct spool_item *item);
/* The collector's marks of a lane. */
void spool_state_mark(struct spool_state *state, enum lane lane, uint64_t stored, uint64_t attested,
                      uint64_t closed);
/* The newest verified checkpoint; false where its note is too long. */
bool spool_state_seen(struct spool_state *state, struct slice note);
void spool_state_proved(struct spool_state *state, enum lane lane, uint64_t proved);
/* Appends the items of a segment's first record: `segment` (a SEGMENT item; `oldest` is put in), then all
 * that stands here. */
bool spool_state_write(const struct spool_state *state, const struct spool_item *segment, struct buffer *to);
/* Whether events of that batch are given up, and from which on. */
bool spool_state_void(const struct spool_state *state, enum lane lane, uint64_t batch_seq,
                      uint64_t *ret_first_event_seq);

#endif
