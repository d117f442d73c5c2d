/* How long a disk lasts at the pace of the last two weeks: so that people hear of it long before nothing more is taken.
 *
 * One sample a day (UTC), the first that was taken in it. A value; time is an argument. Bytes are free bytes: what others write to
 * the same disk counts as well. */
#ifndef TOCSIN_ROOM_FORECAST_H
#define TOCSIN_ROOM_FORECAST_H

#include "buffer.h"
#include "slice.h"

#define ROOM_SAMPLES_MOST 15u
#define ROOM_HISTORY_SIZE (ROOM_SAMPLES_MOST * 16u)
#define ROOM_DAYS_LEAST 3u /* of history, before anything is said */
#define ROOM_DAYS_UNKNOWN UINT64_MAX /* too little is known, or it does not fill */

struct room_sample {
    uint64_t day; /* days since 1970 */
    uint64_t free_bytes;
};

struct room_history {
    size_t count;
    struct room_sample samples[ROOM_SAMPLES_MOST]; /* ascending */
};

/* True: it is a day's first, and the history has changed. A clock that went back begins anew. */
bool room_history_add(struct room_history *history, uint64_t now_us, uint64_t free_bytes);
/* n × (u64 day ‖ u64 free bytes); what is none reads as empty. */
void room_history_write(struct buffer *to, const struct room_history *history);
struct room_history room_history_read(struct slice bytes);

/* Until `floor_bytes` are left; 0 below them. */
uint64_t room_days_left(const struct room_history *history, uint64_t now_us, uint64_t free_bytes,
                        uint64_t floor_bytes);

#endif
