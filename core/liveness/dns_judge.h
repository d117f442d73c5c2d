/* A zone's name servers judged, each by its own answers, then against each other.
 *
 * Each server is asked three things: the SOA of the zone, or of the name (the zone's stands in the answer all the same), the
 * name's A and its AAAA. dns_judge takes each answer as it comes into
 * the server's report and view; when all servers were asked, dns_judge_view compares each view with all others. */
#ifndef TOCSIN_DNS_JUDGE_H
#define TOCSIN_DNS_JUDGE_H

#include "dns_message.h"
#include "liveness_report.h"

#define DNS_ADDRESSES_MOST 64u /* of a name; more are not looked at */

struct dns_address {
    uint8_t size; /* 4 or 16 */
    uint8_t bytes[16];
};
bool dns_address_parse(const char *text, struct dns_address *ret_address);

struct dns_addresses {
    size_t count; /* sorted, each once */
    struct dns_address items[DNS_ADDRESSES_MOST];
};
void dns_addresses_add(struct dns_addresses *to, const struct dns_address *address);

/* What one server says. Begins with zeros and its name. */
struct dns_view {
    char server[64]; /* for people */
    bool has_serial;
    uint32_t serial;
    unsigned told;          /* answers about addresses, of the two that are asked for */
    bool alias;             /* the name leads somewhere else, */
    struct dns_name target; /* there */
    struct dns_addresses addresses;
};

enum dns_judged {
    DNS_JUDGED,
    DNS_AGAIN,   /* truncated: the same over TCP; nothing was reported */
    DNS_FOREIGN, /* no answer to this: over UDP anybody may have sent it, so wait on; nothing was reported */
};
/* `tcp`: over it there is no again, and what is foreign is a finding. */
enum dns_judged dns_judge(const struct dns_question *question, bool tcp, struct slice bytes,
                          struct liveness_report *report, struct dns_view *view);

/* Against `all` (itself included), and what is expected (empty: nothing). */
void dns_judge_view(const struct dns_view *view, const struct dns_view *all, size_t count,
                    const struct dns_addresses *expected, struct liveness_report *report);

#endif
