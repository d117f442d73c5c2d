/* An agent's stream as it comes over the wire, made of lines by the agent's own codecs: EVENTS messages, and an entry with its
 * class list over each closed batch. */
#ifndef TOCSIN_BENCH_AGENT_H
#define TOCSIN_BENCH_AGENT_H

#include "class.h"
#include "frame.h"
#include "stream_writer.h"

struct bench_agent {
    char name[STREAM_NAME_SIZE];
    enum lane lane;
    uint64_t batch_us; /* set before; 0: as shipped */
    struct signing_key *key;
    struct hash id;
    struct stream_writer *writer;
    struct stream_clock clock; /* the caller's to set */
    struct events_message *message;
    uint8_t (*keys)[CLASS_KEY_SIZE];
    struct buffer block, packed, frame, body;
    void *zstd;
    /* Takes what goes out. */
    void *context;
    void (*send)(void *context, enum frame_type type, struct slice message, struct slice class_list);
};

#define BENCH_SHARE (256u * 1024) /* bytes of lines in a message: what the agent reads of a file in one go */

/* Its first batch, a break, is sent with the first turn. */
void bench_agent_open(struct bench_agent *agent, const char *host, enum lane lane, uint64_t now_us);
void bench_agent_close(struct bench_agent *agent);

/* Closes and heartbeats that are due at the clock; returns when to ask again. */
uint64_t bench_agent_turn(struct bench_agent *agent);
/* A line of a file, read at the clock; sent when the message is full or at bench_agent_flush. */
void bench_agent_line(struct bench_agent *agent, enum event_class class, struct slice source,
                      struct slice line, uint64_t offset);
void bench_agent_flush(struct bench_agent *agent);
void bench_agent_end_batch(struct bench_agent *agent);

#endif
