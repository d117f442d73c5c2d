/* What an agent knows of the collector that it joined: lines "name value" in SITE_AGENT_COLLECTOR. */
#ifndef TOCSIN_MEMBERSHIP_H
#define TOCSIN_MEMBERSHIP_H

#include "fault.h"
#include "slice.h"

struct membership {
    char host[256];       /* this agent's name there */
    char address[280];    /* HOST:PORT at which it joined; the setting `collector` wins */
    char origin[256];     /* the log's name */
    uint8_t pin[32];      /* the collector's TLS key hash */
    uint8_t log_key[32];  /* the log's public key */
    unsigned heartbeat_s;
    bool has_keys;        /* written since agents rotate their keys; the rest is zero without */
    uint32_t epoch;       /* of the signing key in force */
    uint8_t key[32];      /* its public half */
    uint8_t first_key[32]; /* that of epoch 0: it is in the stream_ids */
};

/* Of a host that has just joined. */
void membership_set_keys(struct membership *membership, const uint8_t public_key[32]);
bool membership_read(const char *path, struct membership *ret_membership, struct fault *fault);
/* The same from its text; `path` for the fault. */
bool membership_parse(struct slice text, const char *path, struct membership *ret_membership, struct fault *fault);
bool membership_write(const char *path, const struct membership *membership, struct fault *fault);

#endif
