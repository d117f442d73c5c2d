/* Telling what was lost: signed gap events, and events given anew that stood behind damage. */
#include "lanes_inside.h"

#include "memory.h"

#include <stdio.h>

static void number_text(char text[24], uint64_t number) {
    snprintf(text, 24, "%llu", (unsigned long long)number);
}

static void append_classes(struct buffer *text, struct slice list_bytes) {
    struct class_list list;
    if (!list_bytes.size || !class_list_read(list_bytes, &list, NULL))
        return;
    for (size_t i = 0; i < list.count; i++)
        buffer_printf(text, "%s%s:%u", i ? " " : "", class_name(list.items[i].class), list.items[i].count);
}

static bool tell_gap(struct lanes *lanes, enum lane lane, const struct lanes_loss *loss) {
    char stream[STREAM_NAME_SIZE], first[24], count[24], batch[24];
    struct buffer classes = BUFFER(512);
    stream_name_make(slice_string(lanes->host), lane, stream);
    number_text(first, loss->first);
    number_text(count, loss->count);
    number_text(batch, loss->batch_seq);
    append_classes(&classes, loss->class_list);
    const struct event_field fields[] = {
        {SLICE("gap.unit"), SLICE("events")},           {SLICE("gap.first"), slice_string(first)},
        {SLICE("gap.count"), slice_string(count)},      {SLICE("gap.reason"), slice_string(loss->reason)},
        {SLICE("gap.stream"), slice_string(stream)},    {SLICE("gap.batch"), slice_string(batch)},
        {SLICE("gap.classes"), buffer_slice(&classes)},
    };
    const struct event_body body = {.kind = EVENT_GAP,
                                    .source = SLICE("agent"),
                                    .raw =
                                        SLICE("events were lost between the agent's spool and the collector"),
                                    .fields = fields,
                                    .field_count = sizeof fields / sizeof *fields};
    bool taken = lanes_event(lanes, CLASS_JOURNAL, &body);
    buffer_free(&classes);
    return taken;
}

bool lanes_lose(struct lanes *lanes, enum lane lane, const struct lanes_loss *loss) {
    if (loss->count && !tell_gap(lanes, lane, loss))
        return false;
    return lanes_gather(
        lanes, &(struct spool_item){.kind = SPOOL_ITEM_VOID,
                                    .lane = (uint8_t)lane,
                                    .batch_seq = loss->batch_seq,
                                    .first_event_seq = loss->first,
                                    .count = loss->count < UINT32_MAX ? (uint32_t)loss->count : UINT32_MAX});
}

/* ---- events given anew */

void lanes_replay_open(struct lanes_replay *replay, struct lanes *lanes) {
    *replay = (struct lanes_replay){.lanes = lanes,
                                    .opener = events_opener_create(),
                                    .fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *replay->fields)};
}

void lanes_replay_close(struct lanes_replay *replay) {
    events_opener_destroy(replay->opener);
    memory_cleanup(&replay->fields);
}

static void replay_event(const struct lanes_replay *replay, const struct event *event) {
    char seq[24], time[24];
    struct event_body body;
    if (!class_name(event->class) || !event_body_read(event->body, replay->fields, &body, NULL) ||
        body.field_count + 3 > EVENT_FIELDS_MOST)
        return;
    number_text(seq, event->seq);
    number_text(time, event->time_us);
    struct event_field *end = &replay->fields[body.field_count];
    *end++ = (struct event_field){SLICE("replayed.stream"), slice_string(replay->stream)};
    *end++ = (struct event_field){SLICE("replayed.seq"), slice_string(seq)};
    *end++ = (struct event_field){SLICE("replayed.time_us"), slice_string(time)};
    body.field_count += 3;
    lanes_event(replay->lanes, (enum event_class)event->class, &body);
}

void lanes_replay_message(const struct lanes_replay *replay, struct slice bytes, uint64_t from_seq) {
    struct events_message message;
    struct slice text;
    struct event event;
    if (!events_read(bytes, &message, NULL) || !events_open(replay->opener, &message, &text, NULL))
        return;
    for (uint64_t seq = message.first_event_seq; event_block_next(&text, &event, NULL); seq++) {
        event.seq = seq;
        if (seq >= from_seq)
            replay_event(replay, &event);
    }
}

/* The batch that was open had a hole and was closed before it. Its numbers from there on are given to new
 * events, so the old ones are void. */
static void replay_open_batch(const struct lanes_replay *replay, uint64_t batch_seq, uint64_t lost_from) {
    struct lanes_cursor cursor;
    struct lanes_item item;
    struct lanes_loss loss = {.batch_seq = batch_seq, .first = lost_from, .reason = "spool damaged"};
    lanes_cursor_begin(&cursor, replay->lanes, replay->lane);
    cursor.whole = true;
    cursor.want_batch = batch_seq;
    cursor.want_seq = lost_from;
    for (bool first = true; lanes_cursor_next(&cursor, &item, NULL) == LANES_ITEM;) {
        if (item.kind != LANES_EVENTS || item.first_event_seq < lost_from)
            continue;
        if (first)
            loss.count = item.first_event_seq - lost_from;
        first = false;
        lanes_replay_message(replay, item.bytes, 0);
    }
    lanes_lose(replay->lanes, replay->lane, &loss);
    lanes_cursor_end(&cursor);
}

/* ---- holes in closed batches */

struct hole {
    bool open;
    struct lanes_loss loss;
};

/* False: the disk is full; the rest is told at the next start. */
static bool end_hole(struct lanes *lanes, enum lane lane, struct hole *hole, uint64_t end,
                     struct slice class_list) {
    hole->open = false;
    hole->loss.count = end - hole->loss.first;
    hole->loss.class_list = class_list;
    hole->loss.reason = "spool damaged";
    return lanes_lose(lanes, lane, &hole->loss) &&
           (lanes->group_text < LANES_GROUP_TEXT || lanes_flush(lanes, NULL));
}

static void begin_hole(struct hole *hole, uint64_t batch_seq, uint64_t first) {
    hole->open = true;
    hole->loss = (struct lanes_loss){.batch_seq = batch_seq, .first = first};
}

static bool is_void(const struct lanes *lanes, enum lane lane, uint64_t batch_seq) {
    uint64_t first;
    return spool_state_void(spool_folder_state(lanes->folder), lane, batch_seq, &first);
}

/* What every collector has stored is no loss. What stands behind a hole in its batch is given anew. */
static void tell_holes(const struct lanes_replay *replay, uint64_t open_batch) {
    struct lanes *lanes = replay->lanes;
    const struct spool_marks least = lane_least(lanes, replay->lane);
    struct lanes_cursor cursor;
    struct lanes_item item;
    struct hole hole = {0};
    lanes_cursor_begin(&cursor, lanes, replay->lane);
    cursor.whole = true;
    cursor.want_batch = least.closed;
    cursor.want_seq = least.stored;
    uint64_t want = cursor.want_seq;
    bool good = true, begun = !spool_folder_stale_marks(lanes->folder);
    while (good && lanes_cursor_next(&cursor, &item, NULL) == LANES_ITEM && item.batch_seq < open_batch) {
        uint64_t after = cursor.want_seq; /* before a flush can move anything */
        if (hole.open && item.batch_seq != hole.loss.batch_seq)
            good = end_hole(lanes, replay->lane, &hole, item.first_event_seq, (struct slice){NULL, 0});
        if (begun && item.after_hole && !hole.open && !is_void(lanes, replay->lane, item.batch_seq))
            begin_hole(&hole, item.batch_seq, want);
        if (hole.open && item.kind == LANES_EVENTS)
            lanes_replay_message(replay, item.bytes, 0);
        if (hole.open && item.kind == LANES_CLOSE)
            good = end_hole(lanes, replay->lane, &hole, item.first_event_seq + item.count, item.class_list);
        begun = true;
        want = after;
    }
    lanes_cursor_end(&cursor);
}

static void turn_to(struct lanes_replay *replay, enum lane lane) {
    replay->lane = lane;
    stream_name_make(slice_string(replay->lanes->host), lane, replay->stream);
}

void lanes_tell_damage(struct lanes *lanes) {
    struct spool_damage damage = spool_folder_damage(lanes->folder);
    bool damaged = damage.ranges || damage.missing_segments;
    struct lanes_replay replay;
    uint64_t open_batch[LANES];
    lanes_replay_open(&replay, lanes);
    lanes->telling = true;
    for (unsigned i = 0; i < LANES; i++) {
        const struct lane_state *lane = &lanes->lanes[i];
        turn_to(&replay, (enum lane)i);
        open_batch[i] = lane->durable.batch_seq;
        if (lane->lost_from != UINT64_MAX)
            replay_open_batch(&replay, open_batch[i], lane->lost_from);
    }
    for (unsigned i = 0; i < LANES && damaged; i++) {
        turn_to(&replay, (enum lane)i);
        tell_holes(&replay, open_batch[i]);
    }
    lanes->telling = false;
    lanes_replay_close(&replay);
}
