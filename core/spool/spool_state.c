#include "spool_state.h"

#include "memory.h"

void spool_state_free(struct spool_state *state) {
    for (unsigned lane = 0; lane < LANES; lane++)
        buffer_free(&state->lanes[lane].writer);
    for (unsigned lane = 0; lane < LANES; lane++)
        memory_cleanup(&state->lanes[lane].voids);
    spool_positions_free(&state->positions);
    for (unsigned i = 0; i < SPOOL_COLLECTORS_MOST; i++)
        buffer_free(&state->collectors[i].seen);
    *state = (struct spool_state){0};
}

static bool take_writer(struct buffer *writer, struct slice bytes) {
    writer->limit = SPOOL_WRITER_MOST;
    buffer_clear(writer);
    return buffer_append_slice(writer, bytes);
}

/* Place of that batch, or of the first one above it. */
static size_t find_void(const struct spool_lane_state *lane, uint64_t batch_seq) {
    size_t from = 0, to = lane->void_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (lane->voids[middle].batch_seq < batch_seq)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool take_void(struct spool_lane_state *lane, uint64_t batch_seq, uint64_t first_event_seq) {
    size_t at = find_void(lane, batch_seq);
    if (at < lane->void_count && lane->voids[at].batch_seq == batch_seq) {
        if (first_event_seq < lane->voids[at].first_event_seq)
            lane->voids[at].first_event_seq = first_event_seq;
        return true;
    }
    if (lane->void_count == SPOOL_VOIDS_MOST)
        return false;
    if (lane->void_count == lane->void_room) {
        lane->void_room = lane->void_room ? 2 * lane->void_room : 16;
        lane->voids = memory_resize(lane->voids, lane->void_room, sizeof *lane->voids);
    }
    memmove(lane->voids + at + 1, lane->voids + at, (lane->void_count - at) * sizeof *lane->voids);
    lane->voids[at] = (struct spool_void){batch_seq, first_event_seq};
    lane->void_count++;
    return true;
}

void spool_state_tidy(struct spool_state *state) {
    for (unsigned i = 0; i < LANES; i++) {
        struct spool_lane_state *lane = &state->lanes[i];
        size_t below = find_void(lane, spool_state_least(state, (enum lane)i).proved);
        if (!below)
            continue;
        lane->void_count -= below;
        memmove(lane->voids, lane->voids + below, lane->void_count * sizeof *lane->voids);
    }
}

void spool_state_mark(struct spool_state *state, unsigned collector, enum lane lane,
                      struct spool_marks marks) {
    state->collectors[collector].known = true;
    state->collectors[collector].lanes[lane] = marks;
}

bool spool_state_seen(struct spool_state *state, unsigned collector, struct slice note) {
    struct buffer *seen = &state->collectors[collector].seen;
    if (note.size > SPOOL_NOTE_MOST)
        return false;
    seen->limit = SPOOL_NOTE_MOST;
    buffer_clear(seen);
    return buffer_append_slice(seen, note);
}

void spool_state_left(struct spool_state *state, unsigned collector) {
    buffer_free(&state->collectors[collector].seen);
    state->collectors[collector] = (struct spool_collector){0};
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

struct spool_marks spool_state_least(const struct spool_state *state, enum lane lane) {
    struct spool_marks least = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    bool any = false;
    for (unsigned i = 0; i < SPOOL_COLLECTORS_MOST; i++) {
        const struct spool_marks *marks = &state->collectors[i].lanes[lane];
        if (!state->collectors[i].known)
            continue;
        any = true;
        least = (struct spool_marks){smaller(least.stored, marks->stored), smaller(least.attested, marks->attested),
                                     smaller(least.closed, marks->closed), smaller(least.proved, marks->proved)};
    }
    return any ? least : (struct spool_marks){0};
}

bool spool_state_void(const struct spool_state *state, enum lane lane, uint64_t batch_seq,
                      uint64_t *ret_first_event_seq) {
    const struct spool_lane_state *asked = &state->lanes[lane];
    size_t at = find_void(asked, batch_seq);
    if (at == asked->void_count || asked->voids[at].batch_seq != batch_seq)
        return false;
    *ret_first_event_seq = asked->voids[at].first_event_seq;
    return true;
}

/* A snapshot follows, which has all marks and all that is given up. */
static void begin_anew(struct spool_state *state) {
    for (unsigned lane = 0; lane < LANES; lane++)
        state->lanes[lane].void_count = 0;
    for (unsigned i = 0; i < SPOOL_COLLECTORS_MOST; i++)
        spool_state_left(state, i);
}

bool spool_state_take(struct spool_state *state, const struct spool_item *item) {
    struct spool_lane_state *lane = &state->lanes[item->lane];
    switch (item->kind) {
    case SPOOL_ITEM_STATE:
        return take_writer(&lane->writer, item->bytes);
    case SPOOL_ITEM_POSITION:
        return spool_positions_set(&state->positions, item->more, item->bytes);
    case SPOOL_ITEM_MARK:
        spool_state_mark(state, item->collector, (enum lane)item->lane, item->marks);
        return true;
    case SPOOL_ITEM_VOID:
        return take_void(lane, item->batch_seq, item->first_event_seq);
    case SPOOL_ITEM_SEEN:
        return spool_state_seen(state, item->collector, item->bytes);
    case SPOOL_ITEM_LEFT:
        spool_state_left(state, item->collector);
        return true;
    case SPOOL_ITEM_SEGMENT:
        if (!item->rewritten)
            begin_anew(state);
        state->oldest = item->oldest;
        return true;
    case SPOOL_ITEM_OLDEST:
        state->oldest = item->oldest;
        return true;
    case SPOOL_ITEM_EVENTS:
    case SPOOL_ITEM_PART:
    case SPOOL_ITEM_CLOSE:
        break;
    }
    return true;
}

static void write_position(void *context, struct slice key, struct slice value) {
    spool_item_write(context, &(struct spool_item){.kind = SPOOL_ITEM_POSITION, .more = key, .bytes = value});
}

void spool_state_write_marks(const struct spool_state *state, unsigned collector, struct buffer *to) {
    for (uint8_t lane = 0; lane < LANES && state->collectors[collector].known; lane++)
        spool_item_write(to, &(struct spool_item){.kind = SPOOL_ITEM_MARK,
                                                  .collector = (uint8_t)collector,
                                                  .lane = lane,
                                                  .marks = state->collectors[collector].lanes[lane]});
}

void spool_state_write_seen(const struct spool_state *state, unsigned collector, struct buffer *to) {
    spool_item_write(to, &(struct spool_item){.kind = SPOOL_ITEM_SEEN,
                                              .collector = (uint8_t)collector,
                                              .bytes = buffer_slice(&state->collectors[collector].seen)});
}

bool spool_state_write(const struct spool_state *state, const struct spool_item *segment, struct buffer *to) {
    struct spool_item first = *segment;
    first.oldest = state->oldest;
    spool_item_write(to, &first);
    for (uint8_t i = 0; i < LANES; i++) {
        const struct spool_lane_state *lane = &state->lanes[i];
        if (lane->writer.size)
            spool_item_write(to, &(struct spool_item){.kind = SPOOL_ITEM_STATE,
                                                      .lane = i,
                                                      .bytes = buffer_slice(&lane->writer)});
        for (size_t place = 0; place < lane->void_count; place++)
            spool_item_write(to, &(struct spool_item){.kind = SPOOL_ITEM_VOID,
                                                      .lane = i,
                                                      .batch_seq = lane->voids[place].batch_seq,
                                                      .first_event_seq = lane->voids[place].first_event_seq});
    }
    for (unsigned i = 0; i < SPOOL_COLLECTORS_MOST; i++) {
        spool_state_write_marks(state, i, to);
        if (state->collectors[i].seen.size)
            spool_state_write_seen(state, i, to);
    }
    spool_positions_each(&state->positions, (struct slice){NULL, 0}, write_position, to);
    return !to->overflow;
}
