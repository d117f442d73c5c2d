#include "spool_state.h"

#include "memory.h"
void spool_state_free(struct spool_state *state) {
    for (unsigned lane = 0; lane < LANES; lane++)
        buffer_free(&state->lanes[lane].writer);
    for (unsigned lane = 0; lane < LANES; lane++)
        memory_cleanup(&state->lanes[lane].voids);
    spool_positions_free(&state->positions);
    buffer_free(&state->seen);
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

void spool_state_mark(struct spool_state *state, enum lane lane, uint64_t stored, uint64_t attested,
                      uint64_t closed) {
    struct spool_lane_state *marked = &state->lanes[lane];
    marked->stored = stored;
    marked->attested = attested;
    marked->closed = closed;
}

bool spool_state_seen(struct spool_state *state, struct slice note) {
    if (note.size > SPOOL_NOTE_MOST)
        return false;
    state->seen.limit = SPOOL_NOTE_MOST;
    buffer_clear(&state->seen);
    return buffer_append_slice(&state->seen, note);
}

void spool_state_proved(struct spool_state *state, enum lane lane, uint64_t proved) {
    struct spool_lane_state *marked = &state->lanes[lane];
    marked->proved = proved;
    size_t below = find_void(marked, proved);
    if (!below)
        return;
    marked->void_count -= below;
    memmove(marked->voids, marked->voids + below, marked->void_count * sizeof *marked->voids);
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

bool spool_state_take(struct spool_state *state, const struct spool_item *item) {
    struct spool_lane_state *lane = &state->lanes[item->lane];
    switch (item->kind) {
    case SPOOL_ITEM_STATE:
        return take_writer(&lane->writer, item->bytes);
    case SPOOL_ITEM_POSITION:
        return spool_positions_set(&state->positions, item->more, item->bytes);
    case SPOOL_ITEM_MARK:
        spool_state_mark(state, (enum lane)item->lane, item->stored, item->attested, item->closed);
        return true;
    case SPOOL_ITEM_VOID:
        return take_void(lane, item->batch_seq, item->first_event_seq);
    case SPOOL_ITEM_SEEN:
        return spool_state_seen(state, item->bytes);
    case SPOOL_ITEM_PROVED:
        spool_state_proved(state, (enum lane)item->lane, item->proved);
        return true;
    case SPOOL_ITEM_SEGMENT:
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
        spool_item_write(to, &(struct spool_item){.kind = SPOOL_ITEM_MARK,
                                                  .lane = i,
                                                  .stored = lane->stored,
                                                  .attested = lane->attested,
                                                  .closed = lane->closed});
        spool_item_write(to,
                         &(struct spool_item){.kind = SPOOL_ITEM_PROVED, .lane = i, .proved = lane->proved});
        for (size_t place = 0; place < lane->void_count; place++)
            spool_item_write(to, &(struct spool_item){.kind = SPOOL_ITEM_VOID,
                                                      .lane = i,
                                                      .batch_seq = lane->voids[place].batch_seq,
                                                      .first_event_seq = lane->voids[place].first_event_seq});
    }
    if (state->seen.size)
        spool_item_write(to,
                         &(struct spool_item){.kind = SPOOL_ITEM_SEEN, .bytes = buffer_slice(&state->seen)});
    spool_positions_each(&state->positions, (struct slice){NULL, 0}, write_position, to);
    return !to->overflow;
}
