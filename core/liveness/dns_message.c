#include "dns_message.h"

#include <stdio.h>

#include "bytes.h"

#define HEADER_SIZE 12u
#define CLASS_IN 1u

#define FLAG_RESPONSE 0x8000u
#define FLAG_AUTHORITATIVE 0x0400u
#define FLAG_TRUNCATED 0x0200u
#define FLAG_RECURSION_DESIRED 0x0100u
#define RCODE_BITS 0x000fu

const char *dns_type_name(uint16_t type, char text[16]) {
    static const struct {
        enum dns_type type;
        const char *name;
    } names[] = {{DNS_A, "A"},     {DNS_NS, "NS"},     {DNS_CNAME, "CNAME"}, {DNS_SOA, "SOA"},
                 {DNS_TXT, "TXT"}, {DNS_AAAA, "AAAA"}, {DNS_OPT, "OPT"}};
    snprintf(text, 16, "TYPE%u", type);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (type == (uint16_t)names[i].type)
            snprintf(text, 16, "%s", names[i].name);
    return text;
}

const char *dns_rcode_name(unsigned rcode, char text[16]) {
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    if (rcode < sizeof names / sizeof *names)
        snprintf(text, 16, "%s", names[rcode]);
    else
        snprintf(text, 16, "RCODE%u", rcode);
    return text;
}

bool dns_query_write(struct buffer *to, const struct dns_question *question) {
    bytes_write_u16(to, question->id);
    bytes_write_u16(to, question->recursion ? FLAG_RECURSION_DESIRED : 0);
    bytes_write_u16(to, 1); /* questions */
    bytes_write_u32(to, 0); /* answers, authorities */
    bytes_write_u16(to, 1); /* additional: */
    buffer_append(to, question->name.bytes, question->name.size);
    bytes_write_u16(to, question->type);
    bytes_write_u16(to, CLASS_IN);
    bytes_write_u8(to, 0); /* the root, OPT */
    bytes_write_u16(to, DNS_OPT);
    bytes_write_u16(to, DNS_DATAGRAM_MOST);
    bytes_write_u32(to, 0);
    return bytes_write_u16(to, 0) && !to->overflow;
}

static uint16_t u16(struct slice bytes, size_t at) {
    return bytes_get_u16(bytes.data + at);
}

/* A record at `*at`, which is moved behind it. */
static bool read_record(struct slice bytes, size_t *at, struct dns_record *record, struct fault *fault) {
    static const size_t fixed = 10; /* type, class, ttl, length */
    if (!dns_name_read(bytes, at, &record->name, fault))
        return false;
    if (bytes.size - *at < fixed)
        return fault_set(fault, FAULT_FORMAT, "a record goes beyond the message's end");
    uint16_t length = u16(bytes, *at + 8);
    uint32_t ttl = bytes_get_u32(bytes.data + *at + 4);
    record->type = u16(bytes, *at);
    record->class = u16(bytes, *at + 2);
    record->ttl = record->type != DNS_OPT && ttl >> 31 ? 0 : ttl;
    record->data_at = *at + fixed;
    if (bytes.size - record->data_at < length)
        return fault_set(fault, FAULT_FORMAT, "a record goes beyond the message's end");
    record->data = slice_make(bytes.data + record->data_at, length);
    *at = record->data_at + length;
    return true;
}

/* Names inside a record's data end where the data ends. */
static bool read_names(struct slice bytes, const struct dns_record *record, size_t count, size_t behind,
                       struct dns_name *ret_first, struct fault *fault) {
    size_t at = record->data_at;
    struct dns_name name;
    char type[16];
    for (size_t i = 0; i < count; i++) {
        if (!dns_name_read(bytes, &at, &name, fault))
            return false;
        if (i == 0)
            *ret_first = name;
    }
    return at + behind == record->data_at + record->data.size ||
           fault_set(fault, FAULT_FORMAT, "the data of a %s record has another length",
                     dns_type_name(record->type, type));
}

#define SOA_NUMBERS 20u /* serial, refresh, retry, expire, minimum */

static bool check_data(struct slice bytes, const struct dns_record *record, struct fault *fault) {
    struct dns_name first;
    size_t size = record->type == DNS_A ? 4 : record->type == DNS_AAAA ? 16 : record->data.size;
    if (record->class != CLASS_IN && record->type != DNS_OPT)
        return true;
    if (record->data.size != size)
        return fault_set(fault, FAULT_FORMAT, "an address of %zu bytes", record->data.size);
    if (record->type == DNS_NS || record->type == DNS_CNAME)
        return read_names(bytes, record, 1, 0, &first, fault);
    return record->type != DNS_SOA || read_names(bytes, record, 2, SOA_NUMBERS, &first, fault);
}

static bool read_question(struct dns_message *message, size_t *at, struct fault *fault) {
    if (!dns_name_read(message->bytes, at, &message->name, fault))
        return false;
    if (message->bytes.size - *at < 4)
        return fault_set(fault, FAULT_FORMAT, "the question goes beyond the message's end");
    message->type = u16(message->bytes, *at);
    message->class = u16(message->bytes, *at + 2);
    message->has_question = true;
    *at += 4;
    return true;
}

/* The upper eight bits of the rcode stand where others have a time to live (RFC 6891 6.1.3). */
static bool take_opt(struct dns_message *message, const struct dns_record *record, bool *had,
                     struct fault *fault) {
    if (*had || record->name.size != 1)
        return fault_set(fault, FAULT_FORMAT, "OPT stands once, at the root (RFC 6891 6.1.1)");
    *had = true;
    message->rcode |= (record->ttl >> 24) << 4;
    return true;
}

bool dns_message_read(struct slice bytes, struct dns_message *ret_message, struct fault *fault) {
    struct dns_message message = {.bytes = bytes};
    bool had_opt = false;
    unsigned total = 0;
    if (bytes.size < HEADER_SIZE)
        return fault_set(fault, FAULT_FORMAT, "%zu bytes; a message's header alone has %u", bytes.size,
                         HEADER_SIZE);
    if (bytes.size > DNS_MESSAGE_MOST)
        return fault_set(fault, FAULT_LIMIT, "%zu bytes; a message has at most %u", bytes.size,
                         DNS_MESSAGE_MOST);
    message.id = u16(bytes, 0);
    message.flags = u16(bytes, 2);
    message.response = message.flags & FLAG_RESPONSE;
    message.authoritative = message.flags & FLAG_AUTHORITATIVE;
    message.truncated = message.flags & FLAG_TRUNCATED;
    message.rcode = message.flags & RCODE_BITS;
    for (size_t i = 0; i < 3; i++)
        total += message.counts[i] = u16(bytes, 6 + 2 * i);
    if (message.truncated) /* what is in it is to be ignored, wherever it was cut (RFC 2181 9) */
        message.counts[0] = message.counts[1] = message.counts[2] = total = 0;
    if (u16(bytes, 4) > 1)
        return fault_set(fault, FAULT_FORMAT, "%u questions; one is the most (RFC 9619)", u16(bytes, 4));
    if (total > DNS_RECORDS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%u records; %u are the most", total, DNS_RECORDS_MOST);
    size_t at = HEADER_SIZE;
    if (u16(bytes, 4) == 1 && !read_question(&message, &at, fault))
        return false;
    message.records_at = at;
    for (unsigned i = 0; i < total; i++) {
        struct dns_record record;
        if (!read_record(bytes, &at, &record, fault) || !check_data(bytes, &record, fault) ||
            (record.type == DNS_OPT && !take_opt(&message, &record, &had_opt, fault)))
            return false;
        message.record_count += record.type != DNS_OPT;
    }
    if (at != bytes.size && !message.truncated)
        return fault_set(fault, FAULT_FORMAT, "%zu bytes behind the message", bytes.size - at);
    *ret_message = message;
    return true;
}

bool dns_message_next(const struct dns_message *message, struct dns_walk *walk,
                      struct dns_record *ret_record) {
    unsigned answers = message->counts[0], authorities = answers + message->counts[1],
             total = authorities + message->counts[2];
    if (walk->read == 0)
        walk->at = message->records_at;
    while (walk->read < total) {
        unsigned index = walk->read++;
        if (!read_record(message->bytes, &walk->at, ret_record, NULL))
            return false; /* it was read before */
        ret_record->section = index < answers       ? DNS_IN_ANSWER
                              : index < authorities ? DNS_IN_AUTHORITY
                                                    : DNS_IN_ADDITIONAL;
        if (ret_record->type != DNS_OPT)
            return true;
    }
    return false;
}

bool dns_record_target(const struct dns_message *message, const struct dns_record *record,
                       struct dns_name *ret_target) {
    size_t at = record->data_at;
    return (record->type == DNS_NS || record->type == DNS_CNAME) && record->class == CLASS_IN &&
           dns_name_read(message->bytes, &at, ret_target, NULL);
}

bool dns_record_serial(const struct dns_message *message, const struct dns_record *record,
                       uint32_t *ret_serial) {
    struct dns_name name;
    if (record->type != DNS_SOA || record->class != CLASS_IN ||
        !read_names(message->bytes, record, 2, SOA_NUMBERS, &name, NULL))
        return false;
    *ret_serial = bytes_get_u32(record->data.data + record->data.size - SOA_NUMBERS);
    return true;
}
