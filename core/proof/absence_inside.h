/* What absence.c and absence_report.c share; nobody else's. */
#ifndef TOCSIN_ABSENCE_INSIDE_H
#define TOCSIN_ABSENCE_INSIDE_H

#include "absence.h"
#include "batch_entry.h"

/* One checkpoint of the proof that bounds time: its quorum was met. */
struct time_mark {
    uint64_t size;
    struct hash root;
    bool bounds;
    uint64_t earliest_us, latest_us;
};

struct time_marks {
    size_t count;
    const struct time_mark *marks; /* ascending by size */
    uint8_t log_key_id[NOTE_KEY_ID_SIZE];
    /* What an earlier entry of the chain has seen of this log, NULL for nothing. It bounds all that follow, so an agent may
     * name several logs in turn. */
    const struct time_mark *carried;
};

/* How an entry stands in time. */
struct standing {
    enum attestation attestation;
    const char *why;
    uint64_t not_before_us, not_after_us;
    const struct time_mark *seen; /* what bounds it from below; NULL for nothing */
};

/* `witnessed`: a quorum is due at that index. False: the checkpoint that the agent says to have seen is not the log's. */
bool standing_of(const struct time_marks *marks, const struct batch_entry *entry, uint64_t index,
                 uint64_t heartbeat_us, bool witnessed, struct standing *ret_standing, struct fault *fault);
static inline uint64_t withheld_us(uint64_t heartbeat_us) {
    return 2 * heartbeat_us + ABSENCE_DELTA_US;
}

/* Adds what of the interval lies between the claim's times. Neighbours that say the same become one. */
void absence_add(struct absence *absence, struct absence_interval interval);

#endif
