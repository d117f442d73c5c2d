/* Questions to name servers and what they answer (RFC 1035 4, RFC 6891). Borrows: what was read points into the bytes. */
#ifndef TOCSIN_DNS_MESSAGE_H
#define TOCSIN_DNS_MESSAGE_H

#include "buffer.h"
#include "dns_name.h"

#define DNS_PORT 53u
#define DNS_RECORDS_MOST 512u
#define DNS_MESSAGE_MOST 65535u /* bytes, over TCP */
#define DNS_DATAGRAM_MOST 1232u /* what an answer over UDP may have: fits into every network that has IPv6 */

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_OPT = 41
};
const char *dns_type_name(uint16_t type, char text[16]); /* "AAAA", "TYPE65" */

enum dns_rcode { DNS_NOERROR, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN, DNS_NOTIMP, DNS_REFUSED };
const char *dns_rcode_name(unsigned rcode, char text[16]);

struct dns_question {
    uint16_t id;
    struct dns_name name;
    uint16_t type;
    bool recursion; /* of a resolver; a zone's own server is asked without it */
};
/* A query with that question in class IN and an OPT record. */
bool dns_query_write(struct buffer *to, const struct dns_question *question);

enum dns_section { DNS_IN_ANSWER, DNS_IN_AUTHORITY, DNS_IN_ADDITIONAL };
struct dns_record {
    enum dns_section section;
    struct dns_name name;
    uint16_t type, class;
    uint32_t ttl; /* seconds; one with the highest bit set is 0 (RFC 2181 8) */
    struct slice data;
    size_t data_at; /* its place in the message */
};

struct dns_message {
    struct slice bytes;
    uint16_t id, flags;
    bool response, authoritative, truncated;
    unsigned rcode; /* with the upper bits of the OPT record */
    bool has_question;
    struct dns_name name; /* of the question */
    uint16_t type, class;
    size_t record_count; /* without OPT; of all sections */
    size_t records_at;   /* the place of the first */
    unsigned counts[3];  /* as the header says */
};

/* The whole message is looked at: every name and every length in it is good, and of types that hold names these, too. Bytes behind
 * it are refused. Of a truncated one the question alone is read. */
bool dns_message_read(struct slice bytes, struct dns_message *ret_message, struct fault *fault);

/* Every record but OPT, one after the other. Begin with all zeros. False: there are no more. */
struct dns_walk {
    size_t at;
    unsigned read; /* of all, OPT included */
};
bool dns_message_next(const struct dns_message *message, struct dns_walk *walk,
                      struct dns_record *ret_record);

/* Of NS, CNAME: whom it names. */
bool dns_record_target(const struct dns_message *message, const struct dns_record *record,
                       struct dns_name *ret_target);
bool dns_record_serial(const struct dns_message *message, const struct dns_record *record,
                       uint32_t *ret_serial);

#endif
