#include "dns_judge.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#define SECOND_US UINT64_C(1000000)
#define SEEN_SIZE 160

bool dns_address_parse(const char *text, struct dns_address *ret_address) {
    struct dns_address address = {.size = 4};
    if (inet_pton(AF_INET, text, address.bytes) != 1) {
        address.size = 16;
        if (inet_pton(AF_INET6, text, address.bytes) != 1)
            return false;
    }
    *ret_address = address;
    return true;
}

static int compare(const struct dns_address *a, const struct dns_address *b) {
    return a->size != b->size ? (int)a->size - (int)b->size : memcmp(a->bytes, b->bytes, a->size);
}

void dns_addresses_add(struct dns_addresses *to, const struct dns_address *address) {
    size_t at = 0;
    while (at < to->count && compare(&to->items[at], address) < 0)
        at++;
    if ((at < to->count && compare(&to->items[at], address) == 0) || to->count == DNS_ADDRESSES_MOST)
        return;
    memmove(&to->items[at + 1], &to->items[at], (to->count - at) * sizeof *to->items);
    to->items[at] = *address;
    to->count++;
}

static bool same(const struct dns_addresses *a, const struct dns_addresses *b) {
    for (size_t i = 0; i < a->count && a->count == b->count; i++)
        if (compare(&a->items[i], &b->items[i]) != 0)
            return false;
    return a->count == b->count;
}

static const char *addresses_text(const struct dns_addresses *addresses, char text[SEEN_SIZE]) {
    size_t to = (size_t)snprintf(text, SEEN_SIZE, "%s", addresses->count ? "" : "none");
    for (size_t i = 0; i < addresses->count && to < SEEN_SIZE; i++) {
        char one[INET6_ADDRSTRLEN] = "?";
        inet_ntop(addresses->items[i].size == 4 ? AF_INET : AF_INET6, addresses->items[i].bytes, one,
                  sizeof one);
        to += (size_t)snprintf(text + to, SEEN_SIZE - to, "%s%s", i ? ", " : "", one);
    }
    return text;
}

/* ---- one answer */

/* Whether it is about what was asked; over UDP what is not may come from anybody. */
static bool is_ours(const struct dns_message *message, const struct dns_question *question) {
    return message->response && message->id == question->id &&
           (!message->has_question ? message->rcode == DNS_FORMERR
                                   : message->type == question->type && message->class == 1 &&
                                         dns_name_equal(&message->name, &question->name));
}

/* The zone's own, asked for by its name or by a name in it: then it says why there is none (RFC 2308 2.2). */
static bool is_zone_of(const struct dns_record *record, const struct dns_question *question) {
    struct dns_name name = question->name;
    bool same = dns_name_equal(&record->name, &name);
    if (record->section == DNS_IN_ANSWER || same)
        return same;
    while (!same && dns_name_parent(&name, &name))
        same = dns_name_equal(&record->name, &name);
    return same && record->section == DNS_IN_AUTHORITY;
}

static void take_record(const struct dns_question *question, const struct dns_message *message,
                        const struct dns_record *record, struct dns_view *view) {
    if (question->type == DNS_SOA && record->type == DNS_SOA && is_zone_of(record, question))
        view->has_serial = dns_record_serial(message, record, &view->serial);
    if (record->section != DNS_IN_ANSWER)
        return;
    if (question->type == DNS_SOA || record->class != 1)
        return;
    if (record->type == DNS_CNAME && dns_name_equal(&record->name, &question->name))
        view->alias = dns_record_target(message, record, &view->target);
    if (record->type != question->type || (record->type != DNS_A && record->type != DNS_AAAA))
        return;
    struct dns_address address = {.size = (uint8_t)record->data.size};
    memcpy(address.bytes, record->data.data, record->data.size);
    dns_addresses_add(&view->addresses, &address);
}

static void judge_ttl(const struct dns_record *record, const char *type, struct liveness_report *report) {
    uint64_t least = report->policy->values[BOUND_DNS_TTL_LEAST],
             most = report->policy->values[BOUND_DNS_TTL_MOST], ttl = record->ttl * SECOND_US;
    char text[LIVENESS_SPAN_SIZE], from[LIVENESS_SPAN_SIZE], to[LIVENESS_SPAN_SIZE];
    liveness_check(report, CHECK_DNS_TTL, ttl >= least && ttl <= most, "%s: %s", type,
                   liveness_span(ttl, text));
    liveness_due(report, CHECK_DNS_TTL, "%s to %s", liveness_span(least, from), liveness_span(most, to));
}

static void take_answer(const struct dns_question *question, const struct dns_message *message,
                        struct liveness_report *report, struct dns_view *view) {
    struct dns_walk walk = {0};
    struct dns_record record;
    char type[16];
    while (dns_message_next(message, &walk, &record)) {
        if (record.section == DNS_IN_ANSWER)
            judge_ttl(&record, dns_type_name(record.type, type), report);
        take_record(question, message, &record, view);
    }
    view->told += question->type == DNS_A || question->type == DNS_AAAA;
}

enum dns_judged dns_judge(const struct dns_question *question, bool tcp, struct slice bytes,
                          struct liveness_report *report, struct dns_view *view) {
    struct dns_message message;
    struct fault fault = {0};
    char type[16], rcode[16];
    bool read = dns_message_read(bytes, &message, &fault);
    dns_type_name(question->type, type);
    /* The first two bytes say whether it can be meant for us; broken ones that are come from the server. */
    bool id = bytes.size >= 2 && (bytes.data[0] << 8 | bytes.data[1]) == question->id;
    if (!tcp && (!id || (read && !is_ours(&message, question))))
        return DNS_FOREIGN;
    if (read && message.truncated && !tcp)
        return DNS_AGAIN;
    if (!liveness_check(report, CHECK_DNS_ANSWER, read && is_ours(&message, question), "%s: %s", type,
                        !read                         ? fault.text
                        : is_ours(&message, question) ? "came"
                                                      : "an answer to something else"))
        return DNS_JUDGED;
    liveness_check(report, CHECK_DNS_TRUNCATED, !message.truncated, "%s: %s", type,
                   message.truncated ? "truncated over TCP, too"
                   : tcp             ? "came over TCP"
                                     : "came whole");
    if (!liveness_check(report, CHECK_DNS_RCODE, message.rcode == DNS_NOERROR, "%s: %s", type,
                        dns_rcode_name(message.rcode, rcode)) ||
        message.truncated)
        return DNS_JUDGED;
    liveness_check(report, CHECK_DNS_AUTHORITATIVE, message.authoritative, "%s: %s", type,
                   message.authoritative ? "authoritative"
                                         : "not authoritative: the server is not one of this zone's");
    take_answer(question, &message, report, view);
    return DNS_JUDGED;
}

/* ---- against the others */

/* RFC 1982: later by less than half the circle. */
static bool later(uint32_t a, uint32_t b) {
    return a != b && a - b < UINT32_C(1) << 31;
}

static void judge_serial(const struct dns_view *view, const struct dns_view *all, size_t count,
                         struct liveness_report *report) {
    const struct dns_view *newest = view;
    if (!view->has_serial) {
        liveness_skip(report, CHECK_DNS_SERIAL, "no SOA");
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (all[i].has_serial && later(all[i].serial, newest->serial))
            newest = &all[i];
    liveness_check(report, CHECK_DNS_SERIAL, newest->serial == view->serial, "%" PRIu32, view->serial);
    if (newest->serial != view->serial)
        liveness_due(report, CHECK_DNS_SERIAL, "%" PRIu32 ", as %s has", newest->serial, newest->server);
}

static void judge_same(const struct dns_view *view, const struct dns_view *all, size_t count,
                       struct liveness_report *report) {
    char mine[SEEN_SIZE], theirs[SEEN_SIZE];
    size_t others = 0;
    for (size_t i = 0; i < count; i++) {
        if (&all[i] == view || all[i].told < 2)
            continue;
        others++;
        if (same(&view->addresses, &all[i].addresses))
            continue;
        liveness_check(report, CHECK_DNS_SAME, false, "%s", addresses_text(&view->addresses, mine));
        liveness_due(report, CHECK_DNS_SAME, "%.130s, as %s says", addresses_text(&all[i].addresses, theirs),
                     all[i].server);
        return;
    }
    if (others)
        liveness_check(report, CHECK_DNS_SAME, true, "%s", addresses_text(&view->addresses, mine));
    else
        liveness_skip(report, CHECK_DNS_SAME, "no other name server has told its addresses");
}

void dns_judge_view(const struct dns_view *view, const struct dns_view *all, size_t count,
                    const struct dns_addresses *expected, struct liveness_report *report) {
    char seen[SEEN_SIZE], due[SEEN_SIZE], target[DNS_TEXT_SIZE];
    judge_serial(view, all, count, report);
    if (view->told < 2) /* what was wrong with the answers is said already */
        return;
    bool leads_away = view->alias && view->addresses.count == 0;
    if (view->alias)
        snprintf(seen, sizeof seen, "an alias of %.120s", dns_name_text(&view->target, target));
    else
        addresses_text(&view->addresses, seen);
    liveness_check(report, CHECK_DNS_ADDRESS, view->alias || view->addresses.count, "%s", seen);
    judge_same(view, all, count, report);
    if (expected->count == 0)
        return;
    if (leads_away) { /* another zone's servers know */
        liveness_skip(report, CHECK_DNS_EXPECTED, "%s", seen);
        return;
    }
    liveness_check(report, CHECK_DNS_EXPECTED, same(&view->addresses, expected), "%s",
                   addresses_text(&view->addresses, seen));
    liveness_due(report, CHECK_DNS_EXPECTED, "%s", addresses_text(expected, due));
}
