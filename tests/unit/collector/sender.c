#include "sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "pipeline.h"

struct sender *sender_create(const char *host, enum lane lane, uint8_t seed_byte) {
    const uint8_t seed[ED25519_SEED_SIZE] = {seed_byte, 77};
    struct sender *sender = memory_new(sizeof *sender);
    char name[STREAM_NAME_SIZE];
    struct fault fault = {0};
    snprintf(sender->host, sizeof sender->host, "%s", host);
    sender->lane = lane;
    sender->key = signing_key_create(seed);
    assert_true(stream_name_make(slice_string(host), lane, name));
    sender->id = stream_id_make(slice_string(name), signing_key_public(sender->key));
    const struct stream_writer_settings settings = {.lane = lane,
                                                    .stream_id = sender->id,
                                                    .key = sender->key,
                                                    .random = random_source_system(),
                                                    .batch_us = STREAM_BATCH_US,
                                                    .heartbeat_us = 600000000};
    sender->writer = stream_writer_create(&settings);
    sender->clock = (struct stream_clock){1700000000000000u, 1000000u, {seed_byte}};
    sender->message = BUFFER(EVENT_BLOCK_MOST + 4096);
    assert_true(stream_writer_break(sender->writer, &sender->clock, &fault));
    return sender;
}

struct sender *sender_destroy(struct sender *sender) {
    stream_writer_destroy(sender->writer);
    signing_key_destroy(sender->key);
    buffer_free(&sender->message);
    free(sender);
    return NULL;
}

void sender_events(struct sender *sender, unsigned count, size_t body_size) {
    CLEANUP_BUFFER struct buffer block = BUFFER(EVENT_BLOCK_MOST);
    CLEANUP_FREE uint8_t *text = memory_new(body_size);
    struct events_message message = {.lane = sender->lane, .codec = EVENTS_PLAIN};
    static const enum event_class classes[LANES] = {CLASS_ACCESS, CLASS_SYSTEM};
    uint8_t key[CLASS_KEY_SIZE];
    CLEANUP_BUFFER struct buffer body = BUFFER(EVENT_BODY_MOST);
    memset(text, 'x', body_size);
    const struct event_body content = {.source = SLICE("file"), .raw = slice_make(text, body_size)};
    assert_true(event_body_write(&body, &content));
    for (unsigned i = 0; i < count; i++) {
        struct stream_writer_event event;
        struct fault fault = {0};
        sender->clock.now_us += 1000;
        sender->clock.boottime_us += 1000;
        if (!stream_writer_event(sender->writer, classes[sender->lane], sender->clock.now_us, buffer_slice(&body), &event,
                                 &fault))
            fail_msg("%s", fault.text);
        if (i == 0) {
            message.batch_seq = event.batch_seq;
            message.first_event_seq = event.seq;
            message.first_time_us = event.time_us;
        }
        message.last_time_us = event.time_us;
        if (event.new_key) {
            memcpy(key, event.new_key, sizeof key);
            message.keys[message.key_count++] =
                (struct events_key){(uint8_t)classes[sender->lane], slice_make(key, sizeof key)};
        }
        assert_true(event_block_append(&block, event.time_us, (uint8_t)classes[sender->lane], buffer_slice(&body)));
    }
    message.count = count;
    message.text_size = (uint32_t)block.size;
    message.data = buffer_slice(&block);
    buffer_clear(&sender->message);
    assert_true(events_write(&sender->message, &message));
    sender->events += count;
}

void sender_part(struct sender *sender) {
    assert_true(stream_writer_part(sender->writer, sender->clock.now_us, sender->part));
}

void sender_close(struct sender *sender) {
    struct fault fault = {0};
    if (!stream_writer_close(sender->writer, &sender->clock, NULL, &sender->close, &fault))
        fail_msg("%s", fault.text);
}
