#include "bench_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "bench_lines.h"
#include "bytes.h"
#include "events.h"
#include "memory.h"
#include "stream_id.h"

#define PLAIN_BELOW 400u /* bytes; as the agent's spool */
#define LEVEL 1
#define HEARTBEAT_US 600000000u /* as shipped */

void bench_agent_open(struct bench_agent *agent, const char *host, enum lane lane, uint64_t now_us) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {9, 7};
    agent->lane = lane;
    agent->key = signing_key_create(seed);
    if (!stream_name_make(slice_string(host), lane, agent->name))
        bench_give_up(host, "no host's name");
    agent->id = stream_id_make(slice_string(agent->name), signing_key_public(agent->key));
    const struct stream_writer_settings settings = {.lane = lane,
                                                    .stream_id = agent->id,
                                                    .key = agent->key,
                                                    .random = random_source_system(),
                                                    .batch_us =
                                                        agent->batch_us ? agent->batch_us : STREAM_BATCH_US,
                                                    .heartbeat_us = HEARTBEAT_US};
    agent->writer = stream_writer_create(&settings);
    agent->clock = (struct stream_clock){now_us, 1000000u, {1}};
    agent->message = memory_new(sizeof *agent->message);
    agent->message->lane = lane;
    agent->keys = memory_new_array(CLASS_NUMBERS, sizeof *agent->keys);
    agent->block = BUFFER(EVENT_BLOCK_MOST);
    agent->packed = BUFFER(2 * EVENT_BLOCK_MOST);
    agent->frame = BUFFER(2 * EVENT_BLOCK_MOST);
    agent->body = BUFFER(EVENT_BODY_MOST);
    agent->zstd = ZSTD_createCCtx();
}

void bench_agent_close(struct bench_agent *agent) {
    stream_writer_destroy(agent->writer);
    signing_key_destroy(agent->key);
    ZSTD_freeCCtx(agent->zstd);
    buffer_free(&agent->block);
    buffer_free(&agent->packed);
    buffer_free(&agent->frame);
    buffer_free(&agent->body);
    free(agent->message);
    free(agent->keys);
}

static void pack(struct bench_agent *agent) {
    struct events_message *message = agent->message;
    message->codec = EVENTS_PLAIN;
    message->text_size = (uint32_t)agent->block.size;
    message->data = buffer_slice(&agent->block);
    if (agent->block.size < PLAIN_BELOW)
        return;
    size_t bound = ZSTD_compressBound(agent->block.size);
    buffer_clear(&agent->packed);
    if (!buffer_reserve(&agent->packed, bound))
        return;
    agent->packed.size = ZSTD_compressCCtx(agent->zstd, agent->packed.data, bound, agent->block.data,
                                           agent->block.size, LEVEL);
    if (agent->packed.size >= agent->block.size)
        return;
    message->codec = EVENTS_ZSTD;
    message->data = buffer_slice(&agent->packed);
}

void bench_agent_flush(struct bench_agent *agent) {
    if (agent->message->count == 0)
        return;
    pack(agent);
    buffer_clear(&agent->frame);
    events_write(&agent->frame, agent->message);
    agent->send(agent->context, FRAME_EVENTS, buffer_slice(&agent->frame), (struct slice){NULL, 0});
    *agent->message = (struct events_message){.lane = agent->lane};
    buffer_clear(&agent->block);
}

void bench_agent_end_batch(struct bench_agent *agent) {
    struct stream_close close;
    struct fault fault = {0};
    bench_agent_flush(agent);
    if (!stream_writer_close(agent->writer, &agent->clock, NULL, &close, &fault))
        bench_give_up("a batch", fault.text);
    agent->send(agent->context, FRAME_CLOSE, slice_make(close.entry, sizeof close.entry),
                slice_make(close.class_list, close.class_list_size));
}

uint64_t bench_agent_turn(struct bench_agent *agent) {
    uint64_t next_us = UINT64_MAX;
    struct fault fault = {0};
    for (enum stream_due due;
         (due = stream_writer_due(agent->writer, &agent->clock, &next_us)) != DUE_NOTHING;)
        if (due == DUE_CLOSE)
            bench_agent_end_batch(agent);
        else if (!stream_writer_break(agent->writer, &agent->clock, &fault))
            bench_give_up("a break", fault.text);
    return next_us;
}

static void keep(struct bench_agent *agent, enum event_class class, const struct stream_writer_event *event) {
    struct events_message *message = agent->message;
    if (message->count++ == 0) {
        message->batch_seq = event->batch_seq;
        message->first_event_seq = event->seq;
        message->first_time_us = event->time_us;
    }
    message->last_time_us = event->time_us;
    if (event->new_key) {
        uint8_t *key = agent->keys[message->key_count];
        memcpy(key, event->new_key, CLASS_KEY_SIZE);
        message->keys[message->key_count++] =
            (struct events_key){(uint8_t) class, slice_make(key, CLASS_KEY_SIZE)};
    }
    event_block_append(&agent->block, event->time_us, (uint8_t) class, buffer_slice(&agent->body));
}

void bench_agent_line(struct bench_agent *agent, enum event_class class, struct slice source,
                      struct slice line, uint64_t offset) {
    const struct event_body body = {
        .kind = EVENT_LINE, .source = source, .raw = line, .offset = offset, .generation = 1};
    struct stream_writer_event event;
    struct fault fault = {0};
    buffer_clear(&agent->body);
    event_body_write(&agent->body, &body);
    while (!stream_writer_event(agent->writer, class, agent->clock.now_us, buffer_slice(&agent->body), &event,
                                &fault)) {
        if (fault.code != FAULT_BUSY)
            bench_give_up("a line", fault.text);
        bench_agent_end_batch(agent);
        fault = (struct fault){0};
    }
    keep(agent, class, &event);
    if (agent->block.size >= BENCH_SHARE)
        bench_agent_flush(agent);
}
