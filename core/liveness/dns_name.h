/* Names of the DNS as values: in the form of the wire, without compression, in lower case (RFC 1035 3.1, RFC 4343 3). */
#ifndef TOCSIN_DNS_NAME_H
#define TOCSIN_DNS_NAME_H

#include "fault.h"
#include "slice.h"

#define DNS_NAME_MOST 255u  /* bytes, lengths and the root included */
#define DNS_LABEL_MOST 63u  /* bytes */
#define DNS_TEXT_SIZE 1020u /* four letters for a byte at most, and a NUL */

struct dns_name {
    uint8_t size; /* 1: the root */
    uint8_t bytes[DNS_NAME_MOST];
};

/* "ocsp.example.org", with or without the dot at the end; "." is the root. Letters, digits, '-' and '_' alone: others are
 * possible in the DNS, and a mistake in settings. */
bool dns_name_parse(struct slice text, struct dns_name *ret_name, struct fault *fault);
/* Without the dot at the end; what is no such letter as \DDD. */
const char *dns_name_text(const struct dns_name *name, char text[DNS_TEXT_SIZE]);
bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);
/* Without its first label. False for the root. */
bool dns_name_parent(const struct dns_name *name, struct dns_name *ret_parent);

/* At `*at` of the message, which is moved behind it. A pointer leads backwards, before the place where it stands and before
 * every other that was followed, so that there is no way in circles (RFC 1035 4.1.4). */
bool dns_name_read(struct slice message, size_t *at, struct dns_name *ret_name, struct fault *fault);

#endif
