/* What the collector says it has, what was verified of its log, and how all that stands. */
#include "lanes_inside.h"

void lanes_acknowledge(struct lanes *lanes, enum lane which, uint64_t stored, uint64_t attested,
                       uint64_t closed) {
    struct lane_state *lane = &lanes->lanes[which];
    const struct lanes_hello *durable = &lane->durable;
    bool sane = stored <= durable->next_event_seq && attested <= stored && closed <= durable->batch_seq;
    bool ahead = stored > lane->stored || attested > lane->attested || closed > lane->closed;
    if (!sane || !ahead || stored < lane->stored || attested < lane->attested || closed < lane->closed)
        return;
    lane->stored = stored;
    lane->attested = attested;
    lane->closed = closed;
    lanes->room_exhausted = false;
    spool_folder_mark(lanes->folder, which, stored, attested, closed);
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

bool lanes_greeted(struct lanes *lanes, enum lane which, uint64_t stored, uint64_t closed, struct fault *fault) {
    struct lane_state *lane = &lanes->lanes[which];
    if (closed < lane->proved)
        return fault_set(fault, FAULT_CONFLICT,
                         "the collector wants batch %llu next; a checkpoint of its log held %llu batches: it was "
                         "rolled back",
                         (unsigned long long)closed, (unsigned long long)lane->proved);
    if (stored >= lane->stored && closed >= lane->closed)
        return true;
    lane->stored = smaller(stored, lane->stored);
    lane->attested = smaller(lane->stored, lane->attested);
    lane->closed = smaller(closed, lane->closed);
    spool_folder_mark(lanes->folder, which, lane->stored, lane->attested, lane->closed);
    return true;
}

/* ---- what was verified of its log */

void lanes_seen(struct lanes *lanes, const struct seen_checkpoint *checkpoint, struct slice note) {
    lanes->seen = *checkpoint;
    lanes->has_seen = true;
    if (!slice_equal(note, lanes_seen_note(lanes)))
        spool_folder_seen(lanes->folder, note);
}

struct slice lanes_seen_note(const struct lanes *lanes) {
    return buffer_slice(&spool_folder_state(lanes->folder)->seen);
}

void lanes_proved(struct lanes *lanes, enum lane which, uint64_t proved) {
    struct lane_state *lane = &lanes->lanes[which];
    if (lanes->on_hold || proved <= lane->proved || proved > lane->durable.batch_seq)
        return;
    lane->proved = proved;
    lane_leaves_drop(lane);
    lanes->room_exhausted = false;
    spool_folder_proved(lanes->folder, which, proved);
    if (spool_folder_release(lanes->folder))
        lanes->changes++;
}

void lanes_hold(struct lanes *lanes, bool held) {
    lanes->on_hold = held;
}

void lanes_hello(const struct lanes *lanes, enum lane lane, struct lanes_hello *ret_hello) {
    uint64_t oldest = lane_oldest_batch(lanes, lane), proved = lanes->lanes[lane].proved;
    *ret_hello = lanes->lanes[lane].durable;
    ret_hello->proved = proved > oldest ? proved : oldest;
}

void lanes_report(const struct lanes *lanes, struct lanes_report *ret_report) {
    struct lanes_report report = lanes->report;
    struct spool_damage damage = spool_folder_damage(lanes->folder);
    report.spool_bytes = spool_folder_bytes(lanes->folder);
    report.segments = spool_folder_count(lanes->folder);
    report.syncs = spool_folder_syncs(lanes->folder);
    report.given_up_segments = spool_folder_given_up(lanes->folder);
    report.quota = lanes->settings.quota;
    report.damaged_ranges = damage.ranges;
    report.damaged_bytes = damage.bytes;
    report.missing_segments = damage.missing_segments;
    report.torn_bytes = damage.torn_bytes;
    for (unsigned i = 0; i < LANES; i++) {
        const struct lane_state *lane = &lanes->lanes[i];
        report.stored[i] = lane->stored;
        report.attested[i] = lane->attested;
        report.closed[i] = lane->closed;
        report.proved[i] = lane->proved;
        report.next_event_seq[i] = lane->durable.next_event_seq;
        report.batch_seq[i] = lane->durable.batch_seq;
    }
    *ret_report = report;
}
