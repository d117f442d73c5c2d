/* What each collector says it has, what was verified of its log, and how all that stands. */
#include "lanes_inside.h"

static const struct spool_collector *collector_of(const struct lanes *lanes, unsigned collector) {
    return &spool_folder_state(lanes->folder)->collectors[collector];
}

struct spool_marks lane_least(const struct lanes *lanes, enum lane lane) {
    return spool_state_least(spool_folder_state(lanes->folder), lane);
}

struct spool_marks lanes_marks(const struct lanes *lanes, unsigned collector, enum lane lane) {
    return collector_of(lanes, collector)->lanes[lane];
}

/* ---- which collectors there are */

bool lanes_joined(const struct lanes *lanes, unsigned collector) {
    return collector_of(lanes, collector)->known;
}

bool lanes_break(const struct lanes *lanes, enum lane lane, struct lanes_begin *ret_begin) {
    struct batch_entry last;
    struct slice bytes = stream_writer_last_entry(lanes->lanes[lane].writer);
    if (!bytes.size || !batch_entry_read(bytes, &last, NULL) || last.kind != BATCH_BREAK || last.event_count)
        return false;
    *ret_begin = (struct lanes_begin){last.batch_seq, last.first_event_seq};
    return true;
}

static bool holds(const struct lanes *lanes, enum lane lane, struct lanes_begin begin, struct fault *fault) {
    const struct lanes_hello *durable = &lanes->lanes[lane].durable;
    uint64_t oldest = lane_oldest_batch(lanes, lane);
    if (begin.batch_seq < oldest)
        return fault_set(
            fault, FAULT_MISSING,
            "the collector's log ends before batch %llu of this host, and its spool begins with batch %llu: "
            "what is between was released",
            (unsigned long long)begin.batch_seq, (unsigned long long)oldest);
    return (begin.batch_seq <= durable->batch_seq && begin.event_seq <= durable->next_event_seq) ||
           fault_set(fault, FAULT_CONFLICT,
                     "the collector's log has %llu batches of this host, and only %llu were ever signed "
                     "here: this spool "
                     "was set back",
                     (unsigned long long)begin.batch_seq, (unsigned long long)durable->batch_seq);
}

bool lanes_join(struct lanes *lanes, unsigned collector, const struct lanes_begin begin[LANES],
                struct fault *fault) {
    for (unsigned lane = 0; lane < LANES; lane++)
        if (!holds(lanes, (enum lane)lane, begin[lane], fault))
            return false;
    spool_folder_left(lanes->folder, collector);
    for (unsigned lane = 0; lane < LANES; lane++)
        spool_folder_mark(lanes->folder, collector, (enum lane)lane,
                          (struct spool_marks){begin[lane].event_seq, begin[lane].event_seq,
                                               begin[lane].batch_seq, begin[lane].batch_seq});
    return true;
}

static void release(struct lanes *lanes) {
    if (!lanes_any_held(lanes) && spool_folder_release(lanes->folder))
        lanes->changes++;
}

void lanes_leave(struct lanes *lanes, unsigned collector) {
    spool_folder_left(lanes->folder, collector);
    lanes->has_seen[collector] = lanes->on_hold[collector] = lanes->room_exhausted = false;
    for (unsigned lane = 0; lane < LANES; lane++)
        lane_leaves_drop(lanes, (enum lane)lane);
    release(lanes);
}

/* ---- marks */

void lanes_acknowledge(struct lanes *lanes, unsigned collector, enum lane which, uint64_t stored,
                       uint64_t attested, uint64_t closed) {
    const struct lanes_hello *durable = &lanes->lanes[which].durable;
    struct spool_marks marks = lanes_marks(lanes, collector, which);
    bool sane = stored <= durable->next_event_seq && attested <= stored && closed <= durable->batch_seq;
    bool ahead = stored > marks.stored || attested > marks.attested || closed > marks.closed;
    if (!sane || !ahead || stored < marks.stored || attested < marks.attested || closed < marks.closed)
        return;
    lanes->room_exhausted = false;
    spool_folder_mark(lanes->folder, collector, which,
                      (struct spool_marks){stored, attested, closed, marks.proved});
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

bool lanes_greeted(struct lanes *lanes, unsigned collector, enum lane which, uint64_t stored, uint64_t closed,
                   struct fault *fault) {
    struct spool_marks marks = lanes_marks(lanes, collector, which);
    if (closed < marks.proved)
        return fault_set(
            fault, FAULT_CONFLICT,
            "the collector wants batch %llu next; a checkpoint of its log held %llu batches: it was "
            "rolled back",
            (unsigned long long)closed, (unsigned long long)marks.proved);
    if (stored >= marks.stored && closed >= marks.closed)
        return true;
    marks.stored = smaller(stored, marks.stored);
    marks.attested = smaller(marks.stored, marks.attested);
    marks.closed = smaller(closed, marks.closed);
    spool_folder_mark(lanes->folder, collector, which, marks);
    return true;
}

/* ---- what was verified of its log */

void lanes_seen(struct lanes *lanes, unsigned collector, const struct seen_checkpoint *checkpoint,
                struct slice note) {
    lanes->seen[collector] = *checkpoint;
    lanes->has_seen[collector] = true;
    if (!slice_equal(note, lanes_seen_note(lanes, collector)))
        spool_folder_seen(lanes->folder, collector, note);
}

struct slice lanes_seen_note(const struct lanes *lanes, unsigned collector) {
    return buffer_slice(&collector_of(lanes, collector)->seen);
}

void lanes_proved(struct lanes *lanes, unsigned collector, enum lane which, uint64_t proved) {
    struct spool_marks marks = lanes_marks(lanes, collector, which);
    if (lanes->on_hold[collector] || proved <= marks.proved || proved > lanes->lanes[which].durable.batch_seq)
        return;
    marks.proved = proved;
    lanes->room_exhausted = false;
    spool_folder_mark(lanes->folder, collector, which, marks);
    lane_leaves_drop(lanes, which);
    release(lanes);
}

void lanes_hold(struct lanes *lanes, unsigned collector, bool held) {
    lanes->on_hold[collector] = held;
}

bool lanes_any_held(const struct lanes *lanes) {
    bool any = false;
    for (unsigned i = 0; i < LANES_COLLECTORS_MOST; i++)
        any = any || lanes->on_hold[i];
    return any;
}

bool lanes_room(const struct lanes *lanes) {
    bool any = false;
    for (unsigned i = 0; i < LANES_COLLECTORS_MOST; i++)
        any = any || (lanes_joined(lanes, i) && !lanes->on_hold[i]);
    return any;
}

void lanes_hello(const struct lanes *lanes, unsigned collector, enum lane lane,
                 struct lanes_hello *ret_hello) {
    uint64_t oldest = lane_oldest_batch(lanes, lane), proved = lanes_marks(lanes, collector, lane).proved;
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
        report.next_event_seq[i] = lane->durable.next_event_seq;
        report.batch_seq[i] = lane->durable.batch_seq;
    }
    *ret_report = report;
}
