/* What the agent and a program that runs one source for it tell each other (FORMATS.md, Programs of the agent's own).
 *
 * One message is one datagram of a SOCK_SEQPACKET pair: a kind, then what belongs to it. Whoever reads says from which
 * side it must come. Events and positions travel as items of a group, a run of bytes that is cut into as many messages as
 * it takes; the last one says so. A group is taken as a whole or not at all: before anything of it is used it is checked,
 * because the program talks with strangers. Reading borrows, nothing is allocated. Integers are big-endian. */
#ifndef TOCSIN_HELPER_MESSAGE_H
#define TOCSIN_HELPER_MESSAGE_H

#include "class.h"
#include "event.h"

#define HELPER_VERSION 1u
#define HELPER_MESSAGE_MOST (60u * 1024) /* bytes; a pair's buffers hold some of that size */
#define HELPER_NAME_MOST 64u             /* of the source and of the user */
#define HELPER_REASON_MOST 512u
#define HELPER_KEY_MOST 1024u                /* of a position */
#define HELPER_VALUE_MOST 1024u              /* source.h: SOURCE_POSITION_MOST */
#define HELPER_GROUP_MOST (4u * 1024 * 1024) /* bytes of items */
/* Of a group's events: how many, and bytes of their block as the spool counts them (EVENT_BLOCK_HEAD and the body, each): less
 * than one record of the spool takes. */
#define HELPER_EVENTS_MOST 4096u
#define HELPER_TEXT_MOST (512u * 1024)

enum helper_side { HELPER_AGENT, HELPER_PROGRAM };

enum helper_message_kind {
    /* from the agent: first one BEGIN, any number of SETTING and POSITIONS, then START */
    HELPER_BEGIN = 1,
    HELPER_SETTING = 2,   /* opaque, in the order in which they were given */
    HELPER_POSITIONS = 3, /* position items: what the source was last */
    HELPER_START = 4,
    HELPER_PING = 5,
    HELPER_FINISH = 6, /* give what is gathered and end */
    /* from the program */
    HELPER_GROUP = 16,
    HELPER_PONG = 17,     /* the ping's number */
    HELPER_FINISHED = 18, /* after FINISH: everything was given */
    HELPER_RESTING =
        19, /* after FINISH: what has to be brought to its end before FINISHED comes, for a person */
    HELPER_REFUSED = 20, /* why it cannot go on, for a person; it ends after it */
};

struct helper_message {
    enum helper_message_kind kind;
    uint32_t version; /* BEGIN */
    struct slice name,
        user; /* BEGIN: what events' sources and positions' keys begin with, before a colon; empty: stay */
    uint64_t number;    /* PING, PONG */
    bool last;          /* GROUP: it ends here */
    struct slice bytes; /* SETTING; POSITIONS; GROUP; RESTING, REFUSED */
};

/* Appends a message. False where something is longer than allowed, or the buffer is full. */
bool helper_message_write(struct buffer *to, const struct helper_message *message);
bool helper_message_read(struct slice bytes, enum helper_side from, struct helper_message *ret_message,
                         struct fault *fault);

enum helper_item_kind { HELPER_ITEM_EVENT = 1, HELPER_ITEM_POSITION = 2 };

struct helper_item {
    enum helper_item_kind kind;
    enum event_class class;  /* EVENT */
    struct slice body;       /* EVENT: as event_body_write writes it */
    struct slice key, value; /* POSITION; an empty value forgets the key */
};

/* Bytes that the item takes in a group. */
size_t helper_item_size(const struct helper_item *item);
bool helper_item_write(struct buffer *to, const struct helper_item *item);
/* Takes the next item off *items. False at the end (fault untouched, *items empty) or when it is malformed (fault set). */
bool helper_item_next(struct slice *items, struct helper_item *ret_item, struct fault *fault);

struct helper_group {
    size_t events, text; /* as above */
};

/* Whether everything in a group is what a source may give: bodies whole and written as we write them, of the kinds that
 * sources have; their sources and all keys are `name`, or begin with it and a colon. `fields` has room for
 * EVENT_FIELDS_MOST. */
bool helper_group_check(struct slice items, struct slice name, struct event_field *fields,
                        struct helper_group *ret_group, struct fault *fault);

#endif
