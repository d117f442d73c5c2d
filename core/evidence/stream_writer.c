#include "stream_writer.h"

#include <stdlib.h>

#include "memory.h"
#include "stream_writer_inside.h"

/* ---- the chain */

struct stream_writer *stream_writer_create(const struct stream_writer_settings *settings) {
    struct stream_writer *writer = memory_new(sizeof *writer);
    writer->settings = *settings;
    return writer;
}

struct stream_writer *stream_writer_destroy(struct stream_writer *writer) {
    if (writer)
        open_batch_destroy(writer->batch);
    free(writer);
    return NULL;
}

void stream_writer_open(struct stream_writer *writer) {
    writer->batch = open_batch_destroy(writer->batch);
    writer->open_us = writer->last_us = writer->has_last ? writer->last.close_us : 0;
    writer->breaking = false;
    writer->has_part = false;
    writer->next_part = 0;
    writer->part_events = 0;
}

void stream_writer_follow(struct stream_writer *writer, const uint8_t bytes[BATCH_ENTRY_SIZE],
                          const struct batch_entry *entry) {
    writer->has_last = true;
    writer->last = *entry;
    memcpy(writer->last_bytes, bytes, BATCH_ENTRY_SIZE);
    writer->base = (struct stream_clock){.now_us = entry->close_us, .boottime_us = entry->boottime_us};
    memcpy(writer->base.boot_id, entry->boot_id, BOOT_ID_SIZE);
    stream_writer_open(writer);
}

uint64_t stream_writer_batch_seq(const struct stream_writer *writer) {
    return writer->has_last ? writer->last.batch_seq + 1 : 0;
}
uint64_t stream_writer_first_seq(const struct stream_writer *writer) {
    return writer->has_last ? writer->last.first_event_seq + writer->last.event_count : 0;
}
uint64_t stream_writer_next_seq(const struct stream_writer *writer) {
    return stream_writer_first_seq(writer) + open_batch_count(writer->batch);
}
uint32_t stream_writer_epoch_number(const struct stream_writer *writer) {
    return writer->settings.epoch;
}
const struct hash *stream_writer_id(const struct stream_writer *writer) {
    return &writer->settings.stream_id;
}
struct slice stream_writer_last_entry(const struct stream_writer *writer) {
    return slice_make(writer->last_bytes, writer->has_last ? BATCH_ENTRY_SIZE : 0);
}
struct hash stream_writer_last_hash(const struct stream_writer *writer) {
    return writer->has_last ? batch_entry_hash(stream_writer_last_entry(writer)) : (struct hash){{0}};
}
struct slice stream_writer_newest_part(const struct stream_writer *writer) {
    return slice_make(writer->part, writer->has_part ? PART_SIZE : 0);
}

static bool rotated(const struct stream_writer *writer) {
    return writer->has_last && writer->last.kind == BATCH_ROTATE &&
           writer->last.epoch == writer->settings.epoch;
}
static bool ended(const struct stream_writer *writer) {
    return writer->has_last && writer->last.kind == BATCH_END;
}

static bool takes_nothing(const struct stream_writer *writer, struct fault *fault) {
    if (ended(writer))
        return !fault_set(fault, FAULT_USAGE, "the stream has ended");
    return rotated(writer) &&
           !fault_set(fault, FAULT_USAGE, "the key was rotated; its next epoch has not begun");
}

/* ---- clocks */

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Whether the wall clock has left the boot clock since they stood together, or the machine was started anew. */
static bool drifted(const struct stream_clock *base, const struct stream_clock *clock) {
    uint64_t wall = clock->now_us - base->now_us, boot = clock->boottime_us - base->boottime_us;
    uint64_t ahead = wall - boot; /* may wrap: a small negative number is a very large one */
    bool apart = ahead > BATCH_DRIFT_US && ahead < -BATCH_DRIFT_US;
    return apart || memcmp(base->boot_id, clock->boot_id, BOOT_ID_SIZE) != 0;
}

static bool something_open(const struct stream_writer *writer) {
    return writer->batch || writer->breaking;
}

static enum stream_due due_at(uint64_t when_us, uint64_t now_us, uint64_t *ret_next_us) {
    *ret_next_us = when_us;
    return now_us >= when_us ? DUE_CLOSE : DUE_NOTHING;
}

enum stream_due stream_writer_due(const struct stream_writer *writer, const struct stream_clock *clock,
                                  uint64_t *ret_next_us) {
    const struct open_batch *batch = writer->batch;
    *ret_next_us = UINT64_MAX;
    if (ended(writer) || rotated(writer))
        return DUE_NOTHING;
    *ret_next_us = clock->now_us;
    if (!writer->started)
        return batch ? DUE_CLOSE : DUE_BREAK;
    if (drifted(&writer->base, clock))
        return something_open(writer) ? DUE_CLOSE : DUE_BREAK;
    if (writer->breaking || (batch && !batch_takes_more(open_batch_count(batch), open_batch_text(batch))))
        return DUE_CLOSE;
    return batch ? due_at(writer->first_us + writer->settings.batch_us, clock->now_us, ret_next_us)
                 : due_at(writer->open_us + writer->settings.heartbeat_us, clock->now_us, ret_next_us);
}

bool stream_writer_break(struct stream_writer *writer, const struct stream_clock *clock,
                         struct fault *fault) {
    if (takes_nothing(writer, fault))
        return false;
    if (writer->batch || (writer->started && writer->breaking))
        return fault_set(fault, FAULT_BUSY, "a batch is open; close it before the break");
    stream_writer_open(writer);
    writer->started = writer->breaking = true;
    writer->base = *clock;
    writer->open_us = writer->last_us = clock->now_us;
    return true;
}

/* ---- events and parts */

static bool event_allowed(const struct stream_writer *writer, enum event_class class, struct slice body,
                          struct fault *fault) {
    if (takes_nothing(writer, fault))
        return false;
    if (!class_name(class) || class_lane(class) != writer->settings.lane)
        return fault_set(fault, FAULT_USAGE, "class %u does not belong to this lane", (unsigned)class);
    if (body.size > EVENT_BODY_MOST)
        return fault_set(fault, FAULT_LIMIT, "an event of %zu bytes; %u is the most", body.size,
                         EVENT_BODY_MOST);
    if (!writer->started)
        return fault_set(fault, FAULT_BUSY, "a start begins with a break");
    if (!batch_takes_more(open_batch_count(writer->batch), open_batch_text(writer->batch)))
        return fault_set(fault, FAULT_BUSY, "the batch is full");
    return true;
}

bool stream_writer_event(struct stream_writer *writer, enum event_class class, uint64_t now_us,
                         struct slice body, struct stream_writer_event *ret_event, struct fault *fault) {
    if (!event_allowed(writer, class, body, fault))
        return false;
    bool new_key = !open_batch_key(writer->batch, (uint8_t) class);
    if (new_key) {
        uint8_t key[CLASS_KEY_SIZE];
        if (!random_fill(&writer->settings.random, key, sizeof key, fault))
            return false;
        if (!writer->batch)
            writer->batch = open_batch_create();
        open_batch_set_key(writer->batch, (uint8_t) class, key);
        memory_wipe(key, sizeof key);
    }
    struct event event = {stream_writer_next_seq(writer), later(now_us, writer->last_us), (uint8_t) class,
                          body};
    if (open_batch_count(writer->batch) == 0)
        writer->first_us = event.time_us;
    writer->last_us = event.time_us;
    open_batch_add(writer->batch, &event);
    *ret_event = (struct stream_writer_event){
        .batch_seq = stream_writer_batch_seq(writer),
        .seq = event.seq,
        .time_us = event.time_us,
        .new_key = new_key ? open_batch_key(writer->batch, (uint8_t) class) : NULL,
    };
    return true;
}

bool stream_writer_part(struct stream_writer *writer, uint64_t now_us, uint8_t ret_part[PART_SIZE]) {
    uint32_t count = open_batch_count(writer->batch);
    if (!writer->started || count == writer->part_events)
        return false;
    struct part part = {
        .stream_id = writer->settings.stream_id,
        .epoch = writer->settings.epoch,
        .number = writer->next_part,
        .batch_seq = stream_writer_batch_seq(writer),
        .first_event_seq = stream_writer_first_seq(writer),
        .event_count = count,
        .open_us = writer->open_us,
        .time_us = later(now_us, writer->last_us),
        .event_root = open_batch_root(writer->batch),
        .prev = stream_writer_last_hash(writer),
    };
    part_sign(&part, writer->settings.key, writer->part);
    writer->has_part = true;
    writer->next_part++;
    writer->part_events = count;
    writer->last_us = part.time_us;
    memcpy(ret_part, writer->part, PART_SIZE);
    return true;
}

/* ---- closing */

/* When an entry closes. What a restart or a step of the clock left open is closed at its own last time, and the boot
 * clock stands where it stood then. False: nothing is open that could be closed there; a break comes first. */
static bool closing_clock(const struct stream_writer *writer, const struct stream_clock *clock,
                          struct stream_clock *ret_clock) {
    struct stream_clock closing = *clock;
    closing.now_us = later(clock->now_us, writer->last_us);
    bool own = !writer->started || drifted(&writer->base, &closing);
    if (own && !something_open(writer))
        return false;
    if (own) {
        closing = writer->base;
        closing.now_us = writer->last_us;
        closing.boottime_us += writer->last_us - writer->base.now_us;
    }
    *ret_clock = closing;
    return true;
}

static enum batch_kind natural_kind(const struct stream_writer *writer) {
    return writer->breaking ? BATCH_BREAK : writer->batch ? BATCH_DATA : BATCH_HEARTBEAT;
}

static bool close_as(struct stream_writer *writer, enum batch_kind kind, const struct stream_clock *clock,
                     const struct seen_checkpoint *seen, struct stream_close *ret_close,
                     struct fault *fault) {
    struct stream_clock closing;
    if (takes_nothing(writer, fault))
        return false;
    if (!closing_clock(writer, clock, &closing))
        return fault_set(fault, FAULT_BUSY, "a break comes first");
    struct class_list list;
    struct batch_entry entry = {
        .stream_id = writer->settings.stream_id,
        .epoch = writer->settings.epoch,
        .kind = kind,
        .batch_seq = stream_writer_batch_seq(writer),
        .first_event_seq = stream_writer_first_seq(writer),
        .event_count = open_batch_count(writer->batch),
        .open_us = writer->open_us,
        .close_us = closing.now_us,
        .boottime_us = closing.boottime_us,
        .prev = stream_writer_last_hash(writer),
        .seen = seen ? *seen : seen_none(),
    };
    memcpy(entry.boot_id, closing.boot_id, BOOT_ID_SIZE);
    memcpy(entry.cum, writer->last.cum, sizeof entry.cum);
    open_batch_class_list(writer->batch, &list);
    for (size_t i = 0; i < list.count; i++)
        entry.cum[list.items[i].class] += list.items[i].count;
    ret_close->class_list_size = class_list_write(&list, ret_close->class_list);
    entry.event_root = class_list_event_root(slice_make(ret_close->class_list, ret_close->class_list_size));
    batch_entry_sign(&entry, writer->settings.key, ret_close->entry);
    stream_writer_follow(writer, ret_close->entry, &entry);
    return true;
}

bool stream_writer_close(struct stream_writer *writer, const struct stream_clock *clock,
                         const struct seen_checkpoint *seen, struct stream_close *ret_close,
                         struct fault *fault) {
    return close_as(writer, natural_kind(writer), clock, seen, ret_close, fault);
}

static bool close_last(struct stream_writer *writer, enum batch_kind kind, const struct stream_clock *clock,
                       const struct seen_checkpoint *seen, struct stream_close *ret_close,
                       struct fault *fault) {
    if (!writer->started || writer->breaking)
        return fault_set(fault, FAULT_BUSY, "a break must be closed first");
    return close_as(writer, kind, clock, seen, ret_close, fault);
}

bool stream_writer_rotate(struct stream_writer *writer, const struct stream_clock *clock,
                          const struct seen_checkpoint *seen, struct stream_close *ret_close,
                          struct fault *fault) {
    return close_last(writer, BATCH_ROTATE, clock, seen, ret_close, fault);
}

bool stream_writer_end(struct stream_writer *writer, const struct stream_clock *clock,
                       const struct seen_checkpoint *seen, struct stream_close *ret_close,
                       struct fault *fault) {
    return close_last(writer, BATCH_END, clock, seen, ret_close, fault);
}

bool stream_writer_epoch(struct stream_writer *writer, const struct signing_key *key, struct fault *fault) {
    if (!rotated(writer))
        return fault_set(fault, FAULT_USAGE, "a new epoch follows a rotation, and there was none");
    writer->settings.key = key;
    writer->settings.epoch++;
    return true;
}
