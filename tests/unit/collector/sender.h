/* An agent's stream as it comes over the wire, without the wire: EVENTS messages, parts and closes of a real writer. */
#ifndef TOCSIN_TEST_SENDER_H
#define TOCSIN_TEST_SENDER_H

#include "class_list.h"
#include "events.h"
#include "stream_id.h"
#include "stream_writer.h"

struct sender {
    char host[64];
    enum lane lane;
    struct signing_key *key;
    struct hash id;
    struct stream_writer *writer;
    struct stream_clock clock;
    struct buffer message;     /* the last EVENTS message */
    uint8_t part[PART_SIZE];   /* the last part */
    struct stream_close close; /* the last close */
    uint64_t events;           /* all, so far */
};

/* Its first batch, a break, is open. */
struct sender *sender_create(const char *host, enum lane lane, uint8_t seed);
struct sender *sender_destroy(struct sender *sender);

void sender_events(struct sender *sender, unsigned count, size_t body_size); /* fills message */
void sender_part(struct sender *sender);
void sender_close(struct sender *sender);

#endif
