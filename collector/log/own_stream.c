#include "own_stream.h"

#include <stdlib.h>

#include "bytes.h"
#include "events.h"
#include "memory.h"
#include "row.h"
#include "stream_id.h"
#include "stream_row.h"

#define HEARTBEAT_US (600u * 1000000ull)
#define PART_US 1000000u /* at most one part in this time */

struct own_stream {
    struct stream_writer *writer;
    struct hash id;
    char name[STREAM_NAME_SIZE];
    const struct signing_key *key;
    uint64_t parted_us; /* boot time, which nobody sets; 0: never */
    bool unparted; /* events that no part covers yet */
    struct buffer block;
    struct events_message message; /* of the block: its keys and bounds */
    uint8_t keys[CLASS_NUMBERS][CLASS_KEY_SIZE];
};

/* Events of the batch that was open, as they stand in the store. */
static bool restore_open_batch(struct own_stream *own, struct store *store, struct fault *fault) {
    uint8_t key[40];
    memcpy(key, own->id.bytes, 32);
    bytes_put_u64(key + 32, stream_writer_first_seq(own->writer));
    struct events_opener *opener = events_opener_create();
    struct store_cursor *cursor =
        store_cursor_create(store, STORE_INDEX, NULL, slice_make(own->id.bytes, 32));
    bool good = true;
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key)); good && on;
         on = store_cursor_next(cursor)) {
        CLEANUP_STORE_VALUE struct store_value value = {0};
        struct row row;
        struct events_message message;
        struct slice text;
        good = store_get(store, STORE_HOT, store_cursor_value(cursor), &value, fault) &&
               row_read(value.slice, &row, fault) && events_read(row.payload, &message, fault) &&
               events_open(opener, &message, &text, fault);
        if (!good)
            break;
        struct class_key keys[CLASS_NUMBERS];
        for (size_t i = 0; i < message.key_count; i++) {
            keys[i].class = message.keys[i].class;
            memcpy(keys[i].key, message.keys[i].key.data, CLASS_KEY_SIZE);
        }
        struct batch_events events = {message.batch_seq, message.first_event_seq, message.count, keys,
                                      message.key_count, text};
        good = stream_writer_restore_events(own->writer, &events, fault);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    events_opener_destroy(opener);
    return good;
}

static bool restore(struct own_stream *own, const struct stream_writer_settings *settings, struct store *store,
                    struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value state = {0};
    struct fault missing = {0};
    if (!store_get(store, STORE_MARK, SLICE(OWN_STREAM_MARK), &state, &missing)) {
        if (missing.code != FAULT_MISSING) {
            *fault = missing;
            return false;
        }
        own->writer = stream_writer_create(settings);
        return true;
    }
    own->writer = stream_writer_load(settings, state.slice, fault);
    if (!own->writer || !restore_open_batch(own, store, fault))
        return false;
    CLEANUP_STORE_VALUE struct store_value part = {0};
    if (store_get(store, STORE_PART, slice_make(own->id.bytes, 32), &part, NULL))
        return stream_writer_restore_part(own->writer, part.slice, fault);
    return true;
}

struct own_stream *own_stream_open(const struct own_stream_settings *settings, struct fault *fault) {
    struct own_stream *own = memory_new(sizeof *own);
    own->key = settings->key;
    own->block = BUFFER(EVENT_BLOCK_MOST);
    if (!stream_name_make(slice_string(settings->host), LANE_SECURITY, own->name)) {
        fault_set(fault, FAULT_USAGE, "'%s' is no host name: lower-case letters, digits, hyphens and dots",
                  settings->host);
        return own_stream_destroy(own);
    }
    own->id = stream_id_make(slice_string(own->name), signing_key_public(settings->key));
    struct stream_writer_settings writer = {.lane = LANE_SECURITY,
                                            .stream_id = own->id,
                                            .key = settings->key,
                                            .random = random_source_system(),
                                            .batch_us = STREAM_BATCH_US,
                                            .heartbeat_us = HEARTBEAT_US};
    if (!restore(own, &writer, settings->store, fault)) {
        fault_place(fault, "the collector's own stream");
        return own_stream_destroy(own);
    }
    return own;
}

struct own_stream *own_stream_destroy(struct own_stream *own) {
    if (own) {
        stream_writer_destroy(own->writer);
        buffer_free(&own->block);
        memory_wipe(own->keys, sizeof own->keys);
        free(own);
    }
    return NULL;
}

const struct hash *own_stream_id(const struct own_stream *own) {
    return &own->id;
}

static void put_stream(struct own_stream *own, const struct own_stream_output *output) {
    CLEANUP_BUFFER struct buffer state = BUFFER(STREAM_WRITER_STATE_MOST);
    stream_writer_save(own->writer, &state);
    output->put(output->context, STORE_MARK, SLICE(OWN_STREAM_MARK), buffer_slice(&state));
    CLEANUP_BUFFER struct buffer row = BUFFER(STREAM_ROW_MOST);
    struct stream_row content = {LANE_SECURITY, slice_string(own->name), signing_key_public(own->key)->bytes, {NULL, 0}};
    stream_row_write(&row, &content);
    output->put(output->context, STORE_STREAM, slice_make(own->id.bytes, 32), buffer_slice(&row));
}

static void give_block(struct own_stream *own, const struct own_stream_output *output) {
    if (own->message.count == 0)
        return;
    own->message.lane = LANE_SECURITY;
    own->message.codec = EVENTS_PLAIN;
    own->message.text_size = (uint32_t)own->block.size;
    own->message.data = buffer_slice(&own->block);
    CLEANUP_BUFFER struct buffer message = BUFFER(EVENT_BLOCK_MOST + 1024);
    events_write(&message, &own->message);
    output->events(output->context, own->id.bytes, own->message.first_event_seq, buffer_slice(&message));
    own->message = (struct events_message){0};
    buffer_clear(&own->block);
    own->unparted = true;
}

static bool close_batch(struct own_stream *own, const struct stream_clock *clock,
                        const struct own_stream_output *output, struct fault *fault) {
    give_block(own, output);
    struct stream_close close;
    if (!stream_writer_close(own->writer, clock, NULL, &close, fault))
        return false;
    output->close(output->context, own->id.bytes, slice_make(close.entry, sizeof close.entry),
                  slice_make(close.class_list, close.class_list_size));
    own->unparted = false;
    put_stream(own, output);
    return true;
}

static bool do_due(struct own_stream *own, const struct stream_clock *clock, const struct own_stream_output *output,
                   struct fault *fault) {
    uint64_t next_us;
    for (enum stream_due due; (due = stream_writer_due(own->writer, clock, &next_us)) != DUE_NOTHING;) {
        bool good = due == DUE_CLOSE ? close_batch(own, clock, output, fault)
                                     : stream_writer_break(own->writer, clock, fault);
        if (!good)
            return false;
        put_stream(own, output);
    }
    return true;
}

static bool add_event(struct own_stream *own, const struct stream_clock *clock, enum event_class class,
                      struct slice body, const struct own_stream_output *output, struct fault *fault) {
    struct stream_writer_event event;
    struct fault local = {0};
    if (own->block.size > EVENT_BLOCK_MOST - EVENT_BODY_MOST - EVENT_BLOCK_HEAD)
        give_block(own, output);
    if (!stream_writer_event(own->writer, class, clock->now_us, body, &event, &local)) {
        bool full = local.code == FAULT_BUSY && close_batch(own, clock, output, fault) &&
                    do_due(own, clock, output, fault);
        if (!full || !stream_writer_event(own->writer, class, clock->now_us, body, &event, &local)) {
            *fault = local;
            return false;
        }
    }
    struct events_message *message = &own->message;
    if (message->count++ == 0) {
        message->batch_seq = event.batch_seq;
        message->first_event_seq = event.seq;
        message->first_time_us = event.time_us;
    }
    message->last_time_us = event.time_us;
    if (event.new_key) {
        memcpy(own->keys[message->key_count], event.new_key, CLASS_KEY_SIZE);
        message->keys[message->key_count] =
            (struct events_key){(uint8_t)class, slice_make(own->keys[message->key_count], CLASS_KEY_SIZE)};
        message->key_count++;
    }
    event_block_append(&own->block, event.time_us, (uint8_t)class, body);
    return true;
}

static uint64_t until_part(const struct own_stream *own, const struct stream_clock *clock) {
    uint64_t due_us = own->parted_us ? own->parted_us + PART_US : 0;
    return due_us > clock->boottime_us ? due_us - clock->boottime_us : 0;
}

static void part_when_due(struct own_stream *own, const struct stream_clock *clock,
                          const struct own_stream_output *output) {
    uint8_t part[PART_SIZE];
    if (!own->unparted || until_part(own, clock))
        return;
    own->parted_us = clock->boottime_us;
    own->unparted = false;
    if (stream_writer_part(own->writer, clock->now_us, part))
        output->put(output->context, STORE_PART, slice_make(own->id.bytes, 32), slice_make(part, sizeof part));
}

bool own_stream_turn(struct own_stream *own, const struct stream_clock *clock, const struct slice *bodies,
                     const uint8_t *classes, size_t count, const struct own_stream_output *output,
                     struct fault *fault) {
    bool good = do_due(own, clock, output, fault);
    for (size_t i = 0; good && i < count; i++)
        good = add_event(own, clock, (enum event_class)classes[i], bodies[i], output, fault);
    give_block(own, output);
    part_when_due(own, clock, output);
    return good;
}

bool own_stream_finish(struct own_stream *own, const struct stream_clock *clock,
                       const struct own_stream_output *output, struct fault *fault) {
    return do_due(own, clock, output, fault) && close_batch(own, clock, output, fault);
}

uint64_t own_stream_deadline(const struct own_stream *own, const struct stream_clock *clock) {
    uint64_t next_us = UINT64_MAX;
    if (stream_writer_due(own->writer, clock, &next_us) != DUE_NOTHING)
        return clock->now_us;
    uint64_t part_us = own->unparted ? clock->now_us + until_part(own, clock) : UINT64_MAX;
    return part_us < next_us ? part_us : next_us;
}
