/* What an agent knows, folded from the items of its spool: both lanes' stream writers, the sources'
 * positions, each collector's marks, what was verified of its log. A segment begins with all of it, so that everything
 * older may go.
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
    struct buffer writer;     /* empty: this lane has never been written */
    struct spool_void *voids; /* by batch, none that everybody has proved */
    size_t void_count, void_room;
};
struct spool_collector {
    bool known; /* it has marks, and what it lacks is kept */
    struct spool_marks lanes[LANES];
    struct buffer seen; /* the newest verified checkpoint's note; empty for none */
};
struct spool_state {
    struct spool_lane_state lanes[LANES];
    struct spool_positions positions;
    struct spool_collector collectors[SPOOL_COLLECTORS_MOST];
    uint64_t oldest; /* number of the oldest segment that is still needed */
};

void spool_state_free(struct spool_state *state);
/* STATE, POSITION, MARK, VOID, SEEN, LEFT, SEGMENT and OLDEST change it; the others do not concern it. False: a limit. */
bool spool_state_take(struct spool_state *state, const struct spool_item *item);
/* A collector's marks of a lane; it is known from then on. */
void spool_state_mark(struct spool_state *state, unsigned collector, enum lane lane, struct spool_marks marks);
/* The newest verified checkpoint of its log; false where its note is too long. */
bool spool_state_seen(struct spool_state *state, unsigned collector, struct slice note);
/* Nothing is known of that collector any more. */
void spool_state_left(struct spool_state *state, unsigned collector);
/* Forgets what is given up of batches that every known collector has proved: once all marks are there. */
void spool_state_tidy(struct spool_state *state);
/* What every known collector has; zeros where none is known. */
struct spool_marks spool_state_least(const struct spool_state *state, enum lane lane);
/* Appends the items of a segment's first record: `segment` (a SEGMENT item; `oldest` is put in), then all
 * that stands here. */
bool spool_state_write(const struct spool_state *state, const struct spool_item *segment, struct buffer *to);
/* Its MARK items; its SEEN item, an empty one too. */
void spool_state_write_marks(const struct spool_state *state, unsigned collector, struct buffer *to);
void spool_state_write_seen(const struct spool_state *state, unsigned collector, struct buffer *to);
/* Whether events of that batch are given up, and from which on. */
bool spool_state_void(const struct spool_state *state, enum lane lane, uint64_t batch_seq,
                      uint64_t *ret_first_event_seq);

#endif
