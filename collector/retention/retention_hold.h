/* What holds keep of units that go. Private to retention. */
#ifndef TOCSIN_RETENTION_HOLD_H
#define TOCSIN_RETENTION_HOLD_H

#include "bytes.h"
#include "retention_inside.h"
#include "segment_files.h"
#include "statement_type.h"

#define RETENTION_SEGMENTS_MOST 65536u /* of one class and day */

/* Puts aside what the hold takes of the unit, and states it in the same commit. task->did says how it went. A query is asked as
 * `tocsin query` asks it, of what host, class and time match; where its text is gone, all of that is kept. */
bool retention_put_aside(struct retention_task *task, const struct retention_hold *hold);
/* What released holds had kept goes. */
bool retention_let_go(struct retention_job *job, struct fault *fault);

/* retention_act.c: the rows of the unit's segments, struct segment_row one behind the other. */
bool retention_segment_rows(const struct retention_task *task, struct buffer *rows, struct fault *fault);
/* retention_act.c: puts a statement of the log into the change. */
bool retention_state(struct retention_task *task, struct change *change, enum statement_type type,
                     struct slice payload, struct fault *fault);

/* Every event that a hold keeps, with its log index, as the extra data of a proof (event_proof.h). False from `give` ends it. */
bool retention_held_each(const struct retention_job_settings *settings, uint64_t hold,
                         retention_held_give *give, void *context, struct fault *fault);

#endif
