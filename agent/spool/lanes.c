#include "lanes_inside.h"

#include "bytes.h"
#include "memory.h"

#include <stdio.h>

#define SMALL (16u * 1024)  /* a buffer that was used for less than this … */
#define LARGE (128u * 1024) /* … and holds more than this is given back */

static void reuse(struct buffer *buffer) {
    if (buffer->capacity > LARGE && buffer->size < SMALL)
        buffer_free(buffer);
    buffer_clear(buffer);
}

/* ---- gathering */

/* A record begins with the closes of the last one: damage to one record costs bodies, never the chain. */
static void begin_record(struct lanes *lanes) {
    if (lanes->record.size)
        return;
    spool_record_begin(&lanes->record);
    buffer_append_slice(&lanes->record, buffer_slice(&lanes->echo));
}

bool lanes_gather(struct lanes *lanes, const struct spool_item *item) {
    begin_record(lanes);
    return spool_item_write(&lanes->record, item);
}

/* The block as an Events message, compressed where that is of use. */
static void pack(struct lanes *lanes, struct lane_state *lane) {
    struct events_message *message = &lane->message;
    message->codec = EVENTS_PLAIN;
    message->text_size = (uint32_t)lane->block.size;
    message->data = buffer_slice(&lane->block);
    if (lane->block.size < LANES_PLAIN_BELOW)
        return;
    size_t bound = ZSTD_compressBound(lane->block.size);
    if (!lanes->compressor)
        lanes->compressor = ZSTD_createCCtx();
    buffer_clear(&lanes->packed);
    if (!lanes->compressor || !buffer_reserve(&lanes->packed, bound))
        return;
    size_t size = ZSTD_compressCCtx(lanes->compressor, lanes->packed.data, bound, lane->block.data,
                                    lane->block.size, 1);
    if (ZSTD_isError(size) || size >= lane->block.size)
        return;
    lanes->packed.size = size;
    message->codec = EVENTS_ZSTD;
    message->data = buffer_slice(&lanes->packed);
}

/* Puts the lane's block into the record. */
static void seal(struct lanes *lanes, struct lane_state *lane) {
    struct events_message *message = &lane->message;
    if (message->count == 0)
        return;
    pack(lanes, lane);
    begin_record(lanes);
    const struct spool_item item = {.kind = SPOOL_ITEM_EVENTS,
                                    .lane = (uint8_t)lane->lane,
                                    .batch_seq = message->batch_seq,
                                    .first_event_seq = message->first_event_seq,
                                    .count = message->count,
                                    .classes = lane->classes};
    size_t mark;
    spool_item_begin(&lanes->record, &item, &mark);
    events_write(&lanes->record, message);
    spool_item_end(&lanes->record, mark);
    *message = (struct events_message){.lane = lane->lane};
    memory_wipe(lane->keys, sizeof lane->keys);
    lane->classes = 0;
    reuse(&lane->block);
    reuse(&lanes->packed);
}

static void gather_close(struct lanes *lanes, struct lane_state *lane, const struct stream_close *close) {
    const struct spool_item item = {.kind = SPOOL_ITEM_CLOSE,
                                    .lane = (uint8_t)lane->lane,
                                    .bytes = slice_make(close->entry, sizeof close->entry),
                                    .more = slice_make(close->class_list, close->class_list_size)};
    lanes_gather(lanes, &item);
    spool_item_write(&lanes->next_echo, &item);
    lane_leaves_add(lanes, lane->lane, stream_writer_batch_seq(lane->writer) - 1, item.bytes);
    lane->touched = true;
    lanes->report.closes[lane->lane]++;
}

/* What the next entry says to have seen: each log's newest in turn, so that every log gets its own regularly. */
static const struct seen_checkpoint *seen(const struct lanes *lanes, struct lane_state *lane) {
    for (unsigned i = 1; i <= LANES_COLLECTORS_MOST; i++) {
        unsigned turn = (lane->seen_turn + i) % LANES_COLLECTORS_MOST;
        if (!lanes->has_seen[turn])
            continue;
        lane->seen_turn = turn;
        return &lanes->seen[turn];
    }
    return lanes->has_seen_before ? &lanes->seen_before : NULL;
}

void lane_do_due(struct lanes *lanes, struct lane_state *lane) {
    uint64_t next_us;
    enum stream_due due;
    struct stream_close close;
    /* A close, a break and its close, and no more: the bound is against a writer that never comes to rest. */
    for (unsigned i = 0;
         i < 8 && (due = stream_writer_due(lane->writer, &lanes->now, &next_us)) != DUE_NOTHING; i++) {
        seal(lanes, lane);
        if (due == DUE_BREAK) {
            stream_writer_break(lane->writer, &lanes->now, NULL);
            lane->touched = true;
        } else if (stream_writer_close(lane->writer, &lanes->now, seen(lanes, lane), &close, NULL)) {
            gather_close(lanes, lane, &close);
        }
    }
}

static bool unwritten(const struct lanes *lanes) {
    return lanes->pending.size > 0;
}

void lanes_tick(struct lanes *lanes, const struct stream_clock *now) {
    lanes->now = *now;
    if (unwritten(lanes))
        return;
    for (unsigned i = 0; i < LANES; i++)
        lane_do_due(lanes, &lanes->lanes[i]);
}

uint64_t lanes_due(const struct lanes *lanes) {
    if (unwritten(lanes))
        return lanes->retry_us;
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < LANES; i++) {
        uint64_t next_us;
        stream_writer_due(lanes->lanes[i].writer, &lanes->now, &next_us);
        if (next_us < first)
            first = next_us;
    }
    return first;
}

/* ---- events */

static void keep_key(struct lane_state *lane, uint8_t class, const uint8_t key[CLASS_KEY_SIZE]) {
    struct events_message *message = &lane->message;
    struct class_key *kept = &lane->keys[message->key_count];
    kept->class = class;
    memcpy(kept->key, key, CLASS_KEY_SIZE);
    message->keys[message->key_count++] =
        (struct events_key){.class = class, .key = slice_make(kept->key, CLASS_KEY_SIZE)};
}

static void note(struct lane_state *lane, uint8_t class, const struct stream_writer_event *taken) {
    struct events_message *message = &lane->message;
    if (message->count++ == 0) {
        message->batch_seq = taken->batch_seq;
        message->first_event_seq = taken->seq;
        message->first_time_us = taken->time_us;
    }
    message->last_time_us = taken->time_us;
    lane->classes = (uint16_t)(lane->classes | 1u << class);
    if (taken->new_key)
        keep_key(lane, class, taken->new_key);
}

/* The body that stands at the block's end does not fit into its batch: the events before it go, and it
 * comes first in what opens next. */
static bool try_again(struct lanes *lanes, struct lane_state *lane, enum event_class class, size_t start,
                      struct stream_writer_event *ret_taken) {
    buffer_clear(&lanes->held);
    buffer_append_slice(&lanes->held, slice_from(buffer_slice(&lane->block), start));
    lane->block.size = start;
    lane_do_due(lanes, lane);
    size_t again = lane->block.size;
    struct slice body = slice_from(buffer_slice(&lanes->held), EVENT_BLOCK_HEAD);
    bool good = again == 0 && buffer_append_slice(&lane->block, buffer_slice(&lanes->held)) &&
                stream_writer_event(lane->writer, class, lanes->now.now_us, body, ret_taken, NULL);
    if (!good)
        lane->block.size = again;
    return good;
}

/* Takes the event whose body stands in the block, from start + EVENT_BLOCK_HEAD on. */
static bool take_event(struct lanes *lanes, struct lane_state *lane, enum event_class class, size_t start) {
    struct stream_writer_event taken;
    size_t size = lane->block.size - start;
    struct slice body = slice_make(lane->block.data + start + EVENT_BLOCK_HEAD, size - EVENT_BLOCK_HEAD);
    struct fault fault = {0};
    if (!stream_writer_event(lane->writer, class, lanes->now.now_us, body, &taken, &fault)) {
        if (fault.code != FAULT_BUSY || !try_again(lanes, lane, class, start, &taken)) {
            if (fault.code != FAULT_BUSY)
                lane->block.size = start;
            return false;
        }
        start = 0;
    }
    uint8_t *head = lane->block.data + start;
    bytes_put_u64(head, taken.time_us);
    head[8] = (uint8_t) class;
    bytes_put_u32(head + 9, (uint32_t)(size - EVENT_BLOCK_HEAD));
    note(lane, (uint8_t) class, &taken);
    lane->touched = true;
    lanes->group_text += size;
    lanes->report.text_bytes += size;
    lanes->report.events[lane->lane]++;
    return true;
}

static bool body_fits(struct lane_state *lane, const struct event_body *body, size_t *ret_start) {
    size_t start = lane->block.size;
    if (!buffer_reserve(&lane->block, EVENT_BLOCK_HEAD))
        return false;
    lane->block.size += EVENT_BLOCK_HEAD;
    if (!event_body_write(&lane->block, body)) {
        lane->block.size = start;
        lane->block.overflow = false;
        return false;
    }
    *ret_start = start;
    return true;
}

/* A body that no event can hold is a loss like any other. */
static bool tell_oversized(struct lanes *lanes, const struct event_body *body) {
    char size[24], offset[24];
    snprintf(size, sizeof size, "%zu", body->raw.size);
    snprintf(offset, sizeof offset, "%llu", (unsigned long long)body->offset);
    const struct event_field fields[] = {{SLICE("gap.unit"), SLICE("bytes")},
                                         {SLICE("gap.first"), slice_string(offset)},
                                         {SLICE("gap.count"), slice_string(size)},
                                         {SLICE("gap.reason"), SLICE("event too large")},
                                         {SLICE("gap.source"), slice_head(body->source, 1024)}};
    const struct event_body gap = {.kind = EVENT_GAP,
                                   .source = SLICE("agent"),
                                   .raw = SLICE("an event was larger than an event can be and is not kept"),
                                   .fields = fields,
                                   .field_count = sizeof fields / sizeof *fields};
    bool taken = lanes_event(lanes, CLASS_JOURNAL, &gap);
    lanes->report.oversized_events += taken;
    return taken;
}

bool lanes_event(struct lanes *lanes, enum event_class class, const struct event_body *body) {
    struct lane_state *lane = &lanes->lanes[class_lane(class)];
    size_t start;
    if (unwritten(lanes) || (!lanes->telling && lanes->group_text >= LANES_GROUP_TEXT))
        return false;
    if (!body_fits(lane, body, &start))
        return body->kind == EVENT_GAP || tell_oversized(lanes, body);
    if (!lanes->telling && lanes->group_text &&
        lanes->group_text + (lane->block.size - start) > LANES_GROUP_TEXT) {
        lane->block.size = start;
        return false;
    }
    return take_event(lanes, lane, class, start);
}

/* Kept as a byte and the position, because forgetting a key (an empty position) must be kept, too. While a
 * group is refused they are many, and only the newest of each counts. */
void lanes_position(struct lanes *lanes, struct slice key, struct slice value) {
    uint8_t kept[1 + SOURCE_POSITION_MOST] = {0};
    if (value.size > SOURCE_POSITION_MOST)
        return;
    if (value.size)
        memcpy(kept + 1, value.data, value.size);
    spool_positions_set(&lanes->positions, key, slice_make(kept, 1 + value.size));
}

static void gather_position(void *context, struct slice key, struct slice value) {
    lanes_gather(context, &(struct spool_item){
                              .kind = SPOOL_ITEM_POSITION, .more = key, .bytes = slice_from(value, 1)});
}

/* ---- parts and closes */

bool lanes_part(struct lanes *lanes) {
    bool any = false;
    for (unsigned i = 0; i < LANES && !unwritten(lanes); i++) {
        struct lane_state *lane = &lanes->lanes[i];
        uint8_t part[PART_SIZE];
        if (!stream_writer_part(lane->writer, lanes->now.now_us, part))
            continue;
        seal(lanes, lane);
        lanes_gather(lanes, &(struct spool_item){.kind = SPOOL_ITEM_PART,
                                                 .lane = (uint8_t)i,
                                                 .bytes = slice_make(part, sizeof part)});
        lane->touched = any = true;
        lanes->report.parts[i]++;
    }
    return any;
}

bool lanes_close(struct lanes *lanes, enum lane which, enum batch_kind kind, struct fault *fault) {
    struct lane_state *lane = &lanes->lanes[which];
    struct stream_close close;
    if (unwritten(lanes))
        return fault_set(fault, FAULT_BUSY, "a group waits for the disk");
    lane_do_due(lanes, lane);
    seal(lanes, lane);
    bool good =
        kind == BATCH_ROTATE ? stream_writer_rotate(lane->writer, &lanes->now, seen(lanes, lane), &close, fault)
        : kind == BATCH_END  ? stream_writer_end(lane->writer, &lanes->now, seen(lanes, lane), &close, fault)
                             : stream_writer_close(lane->writer, &lanes->now, seen(lanes, lane), &close, fault);
    if (good)
        gather_close(lanes, lane, &close);
    return good;
}

bool lanes_epoch(struct lanes *lanes, const struct signing_key *key, struct fault *fault) {
    if (unwritten(lanes))
        return fault_set(fault, FAULT_BUSY, "a group waits for the disk");
    for (unsigned i = 0; i < LANES; i++) {
        if (!stream_writer_epoch(lanes->lanes[i].writer, key, fault))
            return false;
        lanes->lanes[i].touched = true;
    }
    lanes->settings.key = key;
    lanes->settings.epoch++;
    return true;
}

/* Whether nothing of that lane comes before its rotation. */
static bool at_rest(struct lanes *lanes, struct lane_state *lane) {
    uint64_t next_us;
    lane_do_due(lanes, lane);
    return stream_writer_due(lane->writer, &lanes->now, &next_us) == DUE_NOTHING;
}

bool lanes_rotate(struct lanes *lanes, const struct signing_key *key, struct fault *fault) {
    for (unsigned i = 0; i < LANES; i++)
        if (unwritten(lanes) || !at_rest(lanes, &lanes->lanes[i]))
            return fault_set(fault, FAULT_BUSY, "a group waits for the disk, or a break for its close");
    for (unsigned i = 0; i < LANES; i++)
        if (!lanes_close(lanes, (enum lane)i, BATCH_ROTATE, fault))
            return false;
    return lanes_epoch(lanes, key, fault);
}

uint32_t lanes_epoch_number(const struct lanes *lanes) {
    return lanes->settings.epoch;
}

/* ---- writing */

static bool anything(const struct lanes *lanes) {
    bool any = lanes->record.size > 0 || lanes->positions.live > 0 || spool_folder_news(lanes->folder);
    for (unsigned i = 0; i < LANES; i++)
        any = any || lanes->lanes[i].touched;
    return any;
}

bool lanes_gathered(const struct lanes *lanes) {
    return unwritten(lanes) || anything(lanes);
}

/* Seals what is gathered: from now on it is one record, and stays as it is until it is on disk. */
static void finish_group(struct lanes *lanes) {
    for (unsigned i = 0; i < LANES; i++) {
        struct lane_state *lane = &lanes->lanes[i];
        uint8_t memory[STREAM_WRITER_STATE_MOST];
        struct buffer state = {.data = memory, .capacity = sizeof memory, .limit = sizeof memory};
        seal(lanes, lane);
        if (!lane->touched)
            continue;
        stream_writer_save(lane->writer, &state);
        lanes_gather(lanes, &(struct spool_item){
                                .kind = SPOOL_ITEM_STATE, .lane = (uint8_t)i, .bytes = buffer_slice(&state)});
        lane->touched = false;
    }
    spool_positions_each(&lanes->positions, (struct slice){NULL, 0}, gather_position, lanes);
    spool_positions_free(&lanes->positions);
    begin_record(lanes); /* a checkpoint may be all there is: it goes with the marks */
    struct buffer empty = lanes->pending;
    lanes->pending = lanes->record;
    lanes->record = empty;
    empty = lanes->echo;
    lanes->echo = lanes->next_echo;
    lanes->next_echo = empty;
    reuse(&lanes->next_echo);
    lanes->group_text = 0;
}

void lane_set_durable(struct lane_state *lane) {
    struct lanes_hello *durable = &lane->durable;
    struct slice part = stream_writer_newest_part(lane->writer);
    uint64_t batch_seq = stream_writer_batch_seq(lane->writer);
    if (durable->epoch == 0 || durable->batch_seq != batch_seq) {
        struct hash last = stream_writer_last_hash(lane->writer);
        memcpy(durable->stream_id, stream_writer_id(lane->writer)->bytes, HASH_SIZE);
        memcpy(durable->last_entry_hash, last.bytes, HASH_SIZE);
        durable->batch_seq = batch_seq;
    }
    durable->epoch = stream_writer_epoch_number(lane->writer);
    durable->next_event_seq = stream_writer_next_seq(lane->writer);
    durable->has_part = part.size == PART_SIZE;
    if (durable->has_part)
        memcpy(durable->newest_part, part.data, PART_SIZE);
}

/* The newest segment has events and is a day old. */
static bool is_old(struct lanes *lanes) {
    size_t count = spool_folder_count(lanes->folder);
    if (!count || !spool_folder_current(lanes->folder, count - 1))
        return false;
    const struct spool_segment *newest = spool_folder_segment(lanes->folder, count - 1);
    if (newest->id.number != lanes->segment) {
        lanes->segment = newest->id.number;
        lanes->segment_us = lanes->now.boottime_us;
    }
    return (newest->lanes[LANE_SECURITY].events_bytes || newest->lanes[LANE_BULK].events_bytes) &&
           lanes->now.boottime_us - lanes->segment_us > LANES_SEGMENT_US;
}

/* What is proved in the one that was left goes at once. */
static void release_old(struct lanes *lanes) {
    if (!lanes_any_held(lanes) && spool_folder_release(lanes->folder))
        lanes->changes++;
}

static bool write_group(struct lanes *lanes, struct fault *fault) {
    bool old = is_old(lanes);
    if (old)
        spool_folder_roll(lanes->folder);
    bool over = (lanes->room_exhausted || !lanes_room(lanes)) &&
                spool_folder_bytes(lanes->folder) > lanes->settings.quota;
    bool good = over ? fault_set(fault, FAULT_SPACE, "the spool is over its quota of %llu bytes",
                                 (unsigned long long)lanes->settings.quota)
                     : spool_folder_append(lanes->folder, &lanes->pending, fault);
    lanes->report.full = !good;
    if (!good) {
        lanes->retry_us = lanes->now.now_us + LANES_RETRY_US;
        lanes->report.refused_groups++;
        return false;
    }
    lanes->changes++;
    lanes->report.groups++;
    for (unsigned i = 0; i < LANES; i++)
        lane_set_durable(&lanes->lanes[i]);
    reuse(&lanes->pending);
    if (old)
        release_old(lanes);
    return true;
}

bool lanes_flush(struct lanes *lanes, struct fault *fault) {
    if (unwritten(lanes) && !write_group(lanes, fault))
        return false;
    if (!anything(lanes))
        return true;
    finish_group(lanes);
    if (!write_group(lanes, fault))
        return false;
    lanes_make_room(lanes);
    return true;
}
