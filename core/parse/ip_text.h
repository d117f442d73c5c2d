/* Whether text is an IP address: dotted IPv4 (four decimal numbers, no leading zeros beyond a single 0), IPv6 (RFC 4291,
 * 2.2, embedded IPv4 too) with an optional zone ("%eth0"). Borrows, allocates nothing, resolves nothing. */
#ifndef TOCSIN_IP_TEXT_H
#define TOCSIN_IP_TEXT_H

#include "slice.h"

#define IP_TEXT_MOST 64u /* bytes, zone included */

/* Length of the address that `text` starts with, 0 where it starts with none. What follows it may not be a letter, a
 * digit or a dot and a digit, so that "1.2.3.4.example.net" starts with none. */
size_t ip_text_length(struct slice text);

static inline bool ip_text_good(struct slice text) {
    return text.size && ip_text_length(text) == text.size;
}

#endif
