/* Whom a probe asks, out of what a person wrote: "http://ocsp.example.org/", "mail.example.org:25", "[2001:db8::1]:443". */
#ifndef TOCSIN_PROBE_TARGET_H
#define TOCSIN_PROBE_TARGET_H

#include "fault.h"

#include <stddef.h>
#include <stdint.h>

#define PROBE_HOST_SIZE 256u

struct probe_target {
    char host[PROBE_HOST_SIZE]; /* without brackets */
    uint16_t port;
    bool url, tls; /* `tls`: https */
    bool numeric;  /* the host is an address */
};

/* `port` where none is written and no scheme gives it; 0: it must be written. A user name in a URL is refused. */
bool probe_target_parse(const char *text, uint16_t port, struct probe_target *ret_target,
                        struct fault *fault);

/* "192.0.2.7:80", "[2001:db8::1]:80" */
void probe_target_address(const char *address, uint16_t port, char *ret_text, size_t size);

#endif
