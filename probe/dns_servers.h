/* Which name servers are to be asked: those of the settings, or those that a resolver names for the zone that a name is in;
 * and all their addresses. */
#ifndef TOCSIN_DNS_SERVERS_H
#define TOCSIN_DNS_SERVERS_H

#include "dns_name.h"
#include "probe_kind.h"

#define DNS_SERVERS_MOST 16u
#define DNS_SERVER_ADDRESSES_MOST 64u

struct dns_server {
    char host[PROBE_HOST_SIZE];       /* as named; empty where it was an address */
    char address[PROBE_ADDRESS_SIZE]; /* numeric; empty where it has none: */
    char error[96];
    uint16_t port;
};

struct dns_servers {
    bool found; /* out of the DNS, not the settings; `named` says how many names */
    size_t named;
    struct dns_name zone; /* where found */
    const char *error;    /* there are none: why; NULL otherwise */
    size_t count;
    struct dns_server items[DNS_SERVER_ADDRESSES_MOST];
};

/* "HOST", "HOST:PORT" of settings->servers and settings->resolver. */
bool dns_servers_check(const struct probe_settings *settings, struct fault *fault);

struct dns_finding;
/* Borrowed for the call; once, in a later turn; the finding is gone. */
typedef void dns_servers_told(void *context, const struct dns_servers *servers);
struct dns_finding *dns_servers_find(const struct probe_look *look, const struct dns_name *name,
                                     dns_servers_told *told, void *context);
/* No `told` comes. NULL. */
struct dns_finding *dns_servers_stop(struct dns_finding *finding);

#endif
