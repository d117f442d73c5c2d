#include "room_forecast.h"

#include "bytes.h"
#include "retention_term.h"

bool room_history_add(struct room_history *history, uint64_t now_us, uint64_t free_bytes) {
    uint64_t day = now_us / RETENTION_DAY_US;
    if (history->count && history->samples[history->count - 1].day == day)
        return false;
    if (history->count && history->samples[history->count - 1].day > day)
        history->count = 0;
    size_t old = 0; /* to be forgotten */
    while (old < history->count &&
           (history->samples[old].day + ROOM_SAMPLES_MOST <= day || history->count - old == ROOM_SAMPLES_MOST))
        old++;
    history->count -= old;
    memmove(history->samples, history->samples + old, history->count * sizeof *history->samples);
    history->samples[history->count++] = (struct room_sample){day, free_bytes};
    return true;
}

void room_history_write(struct buffer *to, const struct room_history *history) {
    for (size_t i = 0; i < history->count; i++) {
        bytes_write_u64(to, history->samples[i].day);
        bytes_write_u64(to, history->samples[i].free_bytes);
    }
}

struct room_history room_history_read(struct slice bytes) {
    struct room_history history = {.count = bytes.size / 16};
    struct bytes_reader reader = bytes_read(bytes);
    if (bytes.size % 16 != 0 || history.count > ROOM_SAMPLES_MOST)
        return (struct room_history){.count = 0};
    for (size_t i = 0; i < history.count; i++) {
        history.samples[i].day = bytes_read_u64(&reader);
        history.samples[i].free_bytes = bytes_read_u64(&reader);
        if (history.samples[i].day > UINT64_MAX / RETENTION_DAY_US ||
            (i && history.samples[i].day <= history.samples[i - 1].day))
            return (struct room_history){.count = 0};
    }
    return history;
}

uint64_t room_days_left(const struct room_history *history, uint64_t now_us, uint64_t free_bytes,
                        uint64_t floor_bytes) {
    const struct room_sample *oldest = &history->samples[0];
    if (free_bytes <= floor_bytes)
        return 0;
    /* A sample is of somewhere in its day: as if of the first moment, so that the pace is not overstated. */
    if (history->count == 0 || free_bytes >= oldest->free_bytes ||
        now_us < (oldest->day + ROOM_DAYS_LEAST) * RETENTION_DAY_US)
        return ROOM_DAYS_UNKNOWN;
    double days = (double)(now_us - oldest->day * RETENTION_DAY_US) / (double)RETENTION_DAY_US;
    double left = (double)(free_bytes - floor_bytes) / (double)(oldest->free_bytes - free_bytes) * days;
    return left < 1e6 ? (uint64_t)left : ROOM_DAYS_UNKNOWN;
}
