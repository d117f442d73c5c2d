/* One end of the socket between the agent and a program that runs a source for it: messages out, messages in, without
 * blocking. Both sides use it; helper_message.h says what they tell each other.
 *
 * Owner: whoever declared the struct. Messages that the socket does not take wait in `outgoing`, whose limit is the
 * caller's; one that does not fit makes it fail. */
#ifndef TOCSIN_HELPER_LINK_H
#define TOCSIN_HELPER_LINK_H

#include "helper_message.h"

struct helper_link {
    int file; /* -1: closed */
    enum helper_side other;
    struct buffer outgoing; /* n × (u32 size ‖ message) */
    size_t sent;            /* bytes of it that are gone */
    bool failed;            /* nothing can be sent any more */
    uint8_t *incoming;      /* HELPER_MESSAGE_MOST bytes */
};

/* Makes a pair. The caller closes *ret_other once a program has it. */
bool helper_link_pair(struct helper_link *link, int *ret_other, size_t outgoing_most, struct fault *fault);
/* The end that a program was given. */
void helper_link_open(struct helper_link *link, int file, size_t outgoing_most);
void helper_link_close(struct helper_link *link);

void helper_link_put(struct helper_link *link, const struct helper_message *message);
/* Messages that were put together before, each behind its size. */
void helper_link_put_all(struct helper_link *link, struct slice messages);
/* Sends what waits. True: all of it is gone (or never will be); false: when the socket is writable again. */
bool helper_link_send(struct helper_link *link);

enum helper_link_got {
    HELPER_LINK_MESSAGE, /* borrowed until the next call */
    HELPER_LINK_NOTHING, /* now */
    HELPER_LINK_CLOSED,  /* the other side is gone, and everything that it had sent was given */
    HELPER_LINK_BAD,     /* what came is no message (fault is set) */
};
enum helper_link_got helper_link_take(struct helper_link *link, struct helper_message *ret_message,
                                      struct fault *fault);

#endif
