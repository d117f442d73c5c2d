/* One question to one name server: by datagrams, tried again since they may be lost; over TCP where the answer says so. */
#ifndef TOCSIN_DNS_ASK_H
#define TOCSIN_DNS_ASK_H

#include "dns_judge.h"
#include "loop.h"

#define DNS_ASK_TRIES 3u

struct dns_ask_end {
    bool answered;
    bool late;                     /* not answered: within its time */
    bool tcp;                      /* not answered: over TCP */
    const char *why;               /* not answered: a sentence */
    uint64_t connect_us, first_us; /* of TCP; from the last try to the answer */
};

struct dns_ask_handlers {
    /* Judges one message: whether it is the answer, over TCP again, or nobody's. */
    enum dns_judged (*heard)(void *context, bool tcp, struct slice bytes);
    void (*over)(void *context, const struct dns_ask_end *end); /* once, in a later turn; the ask is gone */
};

struct dns_ask;
/* The question is copied; its id is chosen here, and written there before anything comes. */
struct dns_ask *dns_ask_start(struct loop *loop, const char *address, uint16_t port,
                              struct dns_question *question, uint64_t timeout_us,
                              const struct dns_ask_handlers *handlers, void *context);
/* Gives it up; no `over` comes. NULL. */
struct dns_ask *dns_ask_stop(struct dns_ask *ask);

#endif
