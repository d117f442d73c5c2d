/* How entries stand in time, and the list of intervals. */
#include <stdlib.h>

#include "absence_inside.h"
#include "memory.h"

/* ---- an entry's time */

static uint64_t plus(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static const struct time_mark *mark_of(const struct time_marks *marks, uint64_t size) {
    for (size_t i = 0; i < marks->count; i++)
        if (marks->marks[i].size == size)
            return &marks->marks[i];
    return NULL;
}

static const struct time_mark *first_that_holds(const struct time_marks *marks, uint64_t index) {
    for (size_t i = 0; i < marks->count; i++)
        if (marks->marks[i].size > index && marks->marks[i].bounds)
            return &marks->marks[i];
    return NULL;
}

static struct standing unattested(const char *why) {
    return (struct standing){ATTESTATION_UNATTESTED, why, 0, UINT64_MAX, NULL};
}

/* The checkpoint that the entry names as seen, or that one before it did where it names none of this log's. NULL: one that
 * the proof does not hold. */
static bool seen_of(const struct time_marks *marks, const struct batch_entry *entry,
                    const struct time_mark **ret_seen, struct fault *fault) {
    *ret_seen = marks->carried;
    if (entry->seen.size == 0 || memcmp(entry->seen.key_id, marks->log_key_id, NOTE_KEY_ID_SIZE) != 0)
        return true;
    const struct time_mark *mark = mark_of(marks, entry->seen.size);
    if (mark && !hash_equal(&mark->root, &entry->seen.root))
        return fault_set(
            fault, FAULT_CONFLICT,
            "the agent has seen another tree of %llu entries than this log's: one of both was forged",
            (unsigned long long)entry->seen.size);
    *ret_seen = mark && mark->bounds ? mark : NULL;
    return true;
}

static struct standing bounded(const struct time_mark *seen, const struct time_mark *holds, uint64_t close_us,
                               uint64_t most_us) {
    struct standing standing = {ATTESTATION_WITNESSED, NULL, 0, UINT64_MAX, seen};
    bool near = true;
    if (seen) {
        standing.not_before_us = seen->earliest_us;
        if (plus(close_us, ABSENCE_DELTA_US) < seen->earliest_us)
            return unattested("signed with a time before that of the checkpoint that the agent had seen");
        near = plus(seen->earliest_us, most_us) >= close_us;
    }
    if (holds) {
        standing.not_after_us = plus(holds->latest_us, ABSENCE_PUBLISH_US + ABSENCE_DELTA_US);
        if (close_us > standing.not_after_us)
            return unattested("signed with a time after that of the checkpoint that holds it");
        near = near && plus(close_us, most_us) >= holds->latest_us;
    }
    if (!seen || !holds || !near) {
        standing.attestation = ATTESTATION_SELF_CLOCKED;
        standing.why = "witnesses bound its time further than a heartbeat would";
    }
    return standing;
}

bool standing_of(const struct time_marks *marks, const struct batch_entry *entry, uint64_t index,
                 uint64_t heartbeat_us, bool witnessed, struct standing *ret_standing, struct fault *fault) {
    const struct time_mark *seen;
    if (!seen_of(marks, entry, &seen, fault))
        return false;
    if (memcmp(entry->seen.key_id, marks->log_key_id, NOTE_KEY_ID_SIZE) == 0 && entry->seen.size > index) {
        *ret_standing = unattested("it names a checkpoint as seen that would hold itself");
        return true;
    }
    if (!witnessed)
        *ret_standing =
            (struct standing){ATTESTATION_UNWITNESSED, "no witness says when", 0, UINT64_MAX, seen};
    else
        *ret_standing =
            bounded(seen, first_that_holds(marks, index), entry->close_us, withheld_us(heartbeat_us));
    return true;
}

/* ---- intervals */

static bool says_the_same(const struct absence_interval *a, const struct absence_interval *b) {
    return a->attestation == b->attestation && a->why == b->why && a->events == 0 && b->events == 0 &&
           a->to_us == b->from_us;
}

void absence_add(struct absence *absence, struct absence_interval interval) {
    if (interval.to_us < absence->from_us || interval.from_us > absence->to_us)
        return;
    if (interval.from_us < absence->from_us)
        interval.from_us = absence->from_us;
    if (interval.to_us > absence->to_us)
        interval.to_us = absence->to_us;
    if (interval.to_us <= interval.from_us && interval.events == 0)
        return;
    absence->events += interval.events;
    struct absence_interval *last =
        absence->interval_count ? &absence->intervals[absence->interval_count - 1] : NULL;
    if (last && says_the_same(last, &interval)) {
        last->to_us = interval.to_us;
        last->not_after_us = interval.not_after_us;
        if (interval.last_batch >= interval.first_batch)
            last->last_batch = interval.last_batch;
        return;
    }
    if (!absence->intervals || absence->interval_count == absence->interval_room) {
        absence->interval_room = absence->interval_room ? 2 * absence->interval_room : 16;
        absence->intervals =
            memory_resize(absence->intervals, absence->interval_room, sizeof *absence->intervals);
    }
    absence->intervals[absence->interval_count++] = interval;
}

void absence_free(struct absence *absence) {
    free(absence->intervals);
    *absence = (struct absence){.class = 0};
}
