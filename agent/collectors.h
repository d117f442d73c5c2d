/* The collectors that this host sends to: for each what it joined, a watching and a connection, all over the one spool. None
 * of them waits for another.
 *
 * Ownership: the settings' strings are copied, everything else in them is borrowed. One thread. */
#ifndef TOCSIN_COLLECTORS_H
#define TOCSIN_COLLECTORS_H

#include "connection.h"
#include "membership.h"
#include "proof_wait.h"

struct collector {
    struct membership_collector known;
    char address[sizeof((struct membership_collector *)0)->address]; /* by the settings */
    struct watching *watching;
    struct connection *connection;
    struct proof_wait wait;
};

struct collectors {
    struct lanes *lanes;
    void *context;
    void (*tell)(void *context, const char *event, const char *text, struct slice evidence);
    size_t count;
    struct collector *list[MEMBERSHIP_COLLECTORS_MOST];
};

struct collectors_settings {
    const char *data; /* the folder of site_path */
    const struct membership *membership;
    const char *const *addresses; /* one for each in the membership */
    struct loop *loop;
    struct lanes *lanes;
    const struct tls_identity *identity;
    const uint8_t *boot_id; /* 16 bytes */
    void *context;
    uint64_t (*lag)(void *context); /* as connection.h */
    void (*changed)(void *context); /* something waits for a turn: for the spool, an answer */
    void (*tell)(void *context, const char *event, const char *text, struct slice evidence);
};

bool collectors_start(struct collectors *collectors, const struct collectors_settings *settings,
                      struct fault *fault);
void collectors_stop(struct collectors *collectors);

/* The files that only concern the collector with that number. */
bool collectors_forget(const char *data, unsigned number, struct fault *fault);
/* Nothing is sent to it any more, and what was kept for it alone goes. */
void collectors_leave(struct collectors *collectors, unsigned number);

void collectors_flushed(struct collectors *collectors);
void collectors_set_identity(struct collectors *collectors, const struct tls_identity *identity);

/* The quickest pace that one of them asks; UINT64_MAX while none is connected. */
uint64_t collectors_pace_us(const struct collectors *collectors);
/* As connection_wants_close, of any. */
bool collectors_want_close(struct collectors *collectors, enum lane *ret_lane);
/* Whether one that is connected holds events that no signature covers yet. */
bool collectors_lack_parts(const struct collectors *collectors);

/* Once in a while, by the clock that never steps: tells of one that has shown no proof for long, away or not, and tells the
 * service manager how each does. */
#define COLLECTORS_LOOK_US 60000000u
void collectors_look(struct collectors *collectors, uint64_t steady_us);

void collectors_metrics(const struct collectors *collectors, struct buffer *to);

#endif
