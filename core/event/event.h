/* Events: what a source read, as the bytes that are signed, sent, stored and shown (proto/event.proto).
 *
 * Reading borrows: every slice points into the bytes that were given. Nothing is allocated. Bodies come from other
 * machines, so reading checks every length; a field number it does not know is passed over. */
#ifndef TOCSIN_EVENT_H
#define TOCSIN_EVENT_H

#include "buffer.h"
#include "fault.h"

#define EVENT_BODY_MOST (256u * 1024) /* bytes; sources cut longer lines into fragments well below it */
#define EVENT_FIELDS_MOST 512u

enum event_kind {
    EVENT_LINE = 0,
    EVENT_JOURNAL = 1,
    EVENT_STATE = 2,
    EVENT_GAP = 3,
    EVENT_ALERT = 4,
    EVENT_DECISION = 5,
};
#define EVENT_KINDS 6

struct event_field {
    struct slice name, value;
};

struct event_body {
    enum event_kind kind;
    struct slice source;
    struct slice raw;
    uint64_t source_time_us;
    uint64_t offset;
    uint64_t generation;
    const struct event_field *fields;
    size_t field_count;
    bool exact; /* out of event_body_read: event_body_write would write the very same bytes */
};

/* An event in a batch: what its leaf covers (log-format: Event leaf). */
struct event {
    uint64_t seq;
    uint64_t time_us; /* the agent's clock when it read it */
    uint8_t class;
    struct slice body;
};

/* Appends the body; false if it would pass EVENT_BODY_MOST or the buffer's limit (then nothing is appended). */
bool event_body_write(struct buffer *to, const struct event_body *body);

/* Fields are written to `fields`, room for EVENT_FIELDS_MOST; ret_body->fields points there. */
bool event_body_read(struct slice bytes, struct event_field *fields, struct event_body *ret_body, struct fault *fault);

/* The value of a field by name; an empty slice with NULL data where there is none. */
struct slice event_body_field(const struct event_body *body, struct slice name);

/* The text of a block of events, before compression: for each u64 time_us ‖ u8 class ‖ u32 size ‖ body. */
#define EVENT_BLOCK_HEAD 13u
#define EVENT_BLOCK_MOST (2u * 1024 * 1024) /* bytes of text */

bool event_block_append(struct buffer *to, uint64_t time_us, uint8_t class, struct slice body);

/* Takes the next event off *rest. False at the end (fault untouched, *rest empty) or when it is malformed (fault set). */
bool event_block_next(struct slice *rest, struct event *ret_event, struct fault *fault);

#endif
