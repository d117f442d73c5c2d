/* What an agent knows of itself and of the collectors that it joined: lines "name value" in SITE_AGENT_COLLECTOR, first the
 * host's own, then for each collector a line "collector N" and its own. One file, so that it changes as a whole. */
#ifndef TOCSIN_MEMBERSHIP_H
#define TOCSIN_MEMBERSHIP_H

#include "fault.h"
#include "slice.h"

#define MEMBERSHIP_COLLECTORS_MOST 4u

struct membership_collector {
    unsigned
        number; /* below MEMBERSHIP_COLLECTORS_MOST: the spool knows it by this, files of its own end in it */
    char address[280];   /* HOST:PORT at which it was joined; also how the setting `collector` names it */
    char origin[256];    /* its log's name */
    uint8_t pin[32];     /* its TLS key hash */
    uint8_t log_key[32]; /* its log's public key */
    unsigned heartbeat_s;
};

struct membership {
    char host[256];        /* this agent's name, the same at all of them */
    bool has_keys;         /* the next three are known */
    uint32_t epoch;        /* of the signing key in force */
    uint8_t key[32];       /* its public half */
    uint8_t first_key[32]; /* that of epoch 0: it is in the stream_ids */
    size_t count;
    struct membership_collector collectors[MEMBERSHIP_COLLECTORS_MOST]; /* ascending by number */
};

/* Of a host that has just joined its first collector. */
void membership_set_keys(struct membership *membership, const uint8_t public_key[32]);
/* The one with this TLS key hash or this address; NULL for none. */
const struct membership_collector *membership_find(const struct membership *membership, const uint8_t pin[32],
                                                   const char *address);
/* Adds it, under the lowest number that is free, which it gets. False: there are as many as there may be. */
bool membership_add(struct membership *membership, struct membership_collector *collector,
                    struct fault *fault);
void membership_remove(struct membership *membership, unsigned number);

/* Which of the addresses in the settings is whose: ret_of[i] for collectors[i], NULL for one that is not wanted any more. An
 * address that is one's alone may have been changed since the joining. ret_not_joined: one that is nobody's, NULL for none.
 * False: it cannot be told. */
bool membership_match(const struct membership *membership, const char *const *addresses, size_t count,
                      const char *ret_of[MEMBERSHIP_COLLECTORS_MOST], const char **ret_not_joined,
                      struct fault *fault);

bool membership_read(const char *path, struct membership *ret_membership, struct fault *fault);
/* The same from its text; `path` for the fault. */
bool membership_parse(struct slice text, const char *path, struct membership *ret_membership,
                      struct fault *fault);
bool membership_write(const char *path, const struct membership *membership, struct fault *fault);

#endif
