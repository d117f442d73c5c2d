/* The own time of a line without reading it: what interpreter_read would say of its time, where that shows at the line's
 * start or comes with the event. For whoever bounds blocks of events by time. */
#ifndef TOCSIN_BODY_TIME_H
#define TOCSIN_BODY_TIME_H

#include "event.h"

/* False where only reading tells (JSON, logfmt). Without a time of its own an event has `read_us`, when the agent read it,
 * which is also what years are guessed by. ret_zoneless: the line names no zone, and `zone_minutes` was taken. */
bool body_time(const struct event_body *body, uint64_t read_us, int zone_minutes, uint64_t *ret_time_us,
               bool *ret_zoneless);

/* The same by a line's first bytes, for an event of kind LINE without fields; false where they do not tell. BODY_TIME_HEAD
 * bytes are enough for any stamp. */
#define BODY_TIME_HEAD 64u
bool body_time_head(struct slice head, uint64_t read_us, int zone_minutes, uint64_t *ret_time_us);

#endif
