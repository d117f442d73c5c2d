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
};

bool membership_read(const char *path, struct membership *ret_membership, struct fault *fault);
bool membership_write(const char *path, const struct membership *membership, struct fault *fault);

#endif
