/* Name servers judged, each alone and all together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "dns_judge.h"
#include "found.h"

static struct liveness_report report;

/* An answer as a server would write it. */
struct answer {
    unsigned flags; /* besides "this is a response" */
    const char *asked;
    uint16_t type, id;
    const char *addresses[4];
    const char *alias;
    uint32_t serial, ttl;
};
#define AUTHORITATIVE 0x0400u
#define TRUNCATED 0x0200u

static struct dns_name name_of(const char *text) {
    struct dns_name name;
    assert_true(dns_name_parse(slice_string(text), &name, NULL));
    return name;
}

static struct dns_question question_of(uint16_t type) {
    return (struct dns_question){
        .id = 7, .name = name_of(type == DNS_SOA ? "example.org" : "www.example.org"), .type = type};
}

static void write_record(struct buffer *to, uint16_t type, uint32_t ttl, struct slice data) {
    bytes_write_u16(to, 0xc00c);
    bytes_write_u16(to, type);
    bytes_write_u16(to, 1);
    bytes_write_u32(to, ttl);
    bytes_write_u16(to, (uint16_t)data.size);
    buffer_append_slice(to, data);
}

static void write_answer(struct buffer *to, const struct answer *answer) {
    struct dns_name name = name_of(answer->asked);
    unsigned count = answer->serial != 0 || answer->alias;
    while (answer->addresses[count - (answer->alias ? 1 : 0)] && answer->serial == 0)
        count++;
    buffer_clear(to);
    bytes_write_u16(to, answer->id);
    bytes_write_u16(to, (uint16_t)(0x8000u | answer->flags));
    bytes_write_u16(to, 1);
    bytes_write_u16(to, (uint16_t)count);
    bytes_write_u32(to, 0);
    buffer_append(to, name.bytes, name.size);
    bytes_write_u16(to, answer->type);
    bytes_write_u16(to, 1);
    uint32_t ttl = answer->ttl ? answer->ttl : 3600;
    if (answer->alias) {
        struct dns_name target = name_of(answer->alias);
        write_record(to, DNS_CNAME, ttl, slice_make(target.bytes, target.size));
    }
    if (answer->serial) {
        uint8_t soa[22] = {0}; /* two roots, five numbers */
        bytes_put_u32(soa + 2, answer->serial);
        write_record(to, DNS_SOA, ttl, slice_make(soa, sizeof soa));
    }
    for (size_t i = 0; i < 4 && answer->addresses[i]; i++) {
        struct dns_address address;
        assert_true(dns_address_parse(answer->addresses[i], &address));
        write_record(to, answer->type, ttl, slice_make(address.bytes, address.size));
    }
}

static enum dns_judged judge(const struct answer *answer, bool tcp, struct dns_view *view) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(65536);
    struct answer whole = *answer;
    struct dns_question question = question_of(answer->type);
    if (!whole.asked)
        whole.asked = answer->type == DNS_SOA ? "example.org" : "www.example.org";
    whole.id = answer->id ? answer->id : 7;
    write_answer(&bytes, &whole);
    return dns_judge(&question, tcp, buffer_slice(&bytes), &report, view);
}

/* A server that answers all three questions well. */
static struct dns_view server(const char *name, uint32_t serial, const char *four, const char *six) {
    struct dns_view view = {.has_serial = false};
    snprintf(view.server, sizeof view.server, "%s", name);
    assert_int_equal(judge(&(struct answer){AUTHORITATIVE, .type = DNS_SOA, .serial = serial}, false, &view),
                     DNS_JUDGED);
    assert_int_equal(judge(&(struct answer){AUTHORITATIVE, .type = DNS_A, .addresses = {four}}, false, &view),
                     DNS_JUDGED);
    assert_int_equal(
        judge(&(struct answer){AUTHORITATIVE, .type = DNS_AAAA, .addresses = {six}}, false, &view),
        DNS_JUDGED);
    return view;
}

static const struct dns_addresses nothing;

static void servers_that_agree_are_good(void **state) {
    (void)state;
    found_begin(&report);
    struct dns_view all[] = {server("a", 5, "192.0.2.1", "2001:db8::1"),
                             server("b", 5, "192.0.2.1", "2001:db8::1")};
    struct dns_addresses expected = {0};
    struct dns_address address;
    dns_address_parse("2001:db8::1", &address);
    dns_addresses_add(&expected, &address);
    dns_address_parse("192.0.2.1", &address);
    dns_addresses_add(&expected, &address);
    dns_addresses_add(&expected, &address);
    assert_int_equal(expected.count, 2);
    dns_judge_view(&all[0], all, 2, &expected, &report);
    found_expect(&report, NULL);
    found_seen(&report, CHECK_DNS_EXPECTED, "192.0.2.1, 2001:db8::1");
    assert_non_null(liveness_report_find(&report, CHECK_DNS_SAME));
}

static void other_addresses_than_expected_are_found(void **state) {
    (void)state;
    found_begin(&report);
    struct dns_view one = server("a", 5, "192.0.2.1", NULL);
    struct dns_addresses expected = {0};
    struct dns_address address;
    dns_address_parse("192.0.2.9", &address);
    dns_addresses_add(&expected, &address);
    dns_judge_view(&one, &one, 1, &expected, &report);
    found_expect(&report, "dns.expected");
    found_seen(&report, CHECK_DNS_EXPECTED, "192.0.2.9");
}

static void a_server_that_says_something_else_is_found(void **state) {
    (void)state;
    found_begin(&report);
    struct dns_view all[] = {server("ns1", 5, "192.0.2.1", NULL), server("ns2", 5, "192.0.2.2", NULL)};
    dns_judge_view(&all[1], all, 2, &nothing, &report);
    found_expect(&report, "dns.same");
    found_seen(&report, CHECK_DNS_SAME, "192.0.2.1, as ns1 says");
}

static void a_serial_that_lags_is_found_also_around_the_circle(void **state) {
    (void)state;
    static const uint32_t pairs[][2] = {{5, 6}, {UINT32_MAX, 1}, {1, UINT32_C(0x80000000)}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        found_begin(&report);
        struct dns_view all[] = {server("old", pairs[i][0], "192.0.2.1", NULL),
                                 server("new", pairs[i][1], "192.0.2.1", NULL)};
        dns_judge_view(&all[0], all, 2, &nothing, &report);
        found_expect(&report, "dns.serial");
        found_seen(&report, CHECK_DNS_SERIAL, "as new has");
        found_begin(&report);
        dns_judge_view(&all[1], all, 2, &nothing, &report);
        found_expect(&report, NULL);
    }
}

static void errors_and_lame_servers_are_found(void **state) {
    (void)state;
    static const struct {
        unsigned flags;
        const char *found, *says;
        enum liveness_check check;
    } cases[] = {{AUTHORITATIVE | 3, "dns.rcode", "NXDOMAIN", CHECK_DNS_RCODE},
                 {2, "dns.rcode", "SERVFAIL", CHECK_DNS_RCODE},
                 {5, "dns.rcode", "REFUSED", CHECK_DNS_RCODE},
                 {0, "dns.authoritative", "not authoritative", CHECK_DNS_AUTHORITATIVE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dns_view view = {.has_serial = false};
        found_begin(&report);
        judge(&(struct answer){cases[i].flags, .type = DNS_A, .addresses = {"192.0.2.1"}}, false, &view);
        found_expect(&report, cases[i].found);
        found_seen(&report, cases[i].check, cases[i].says);
    }
}

static void a_serial_is_also_read_where_the_zone_says_that_a_name_has_no_soa(void **state) {
    (void)state;
    struct dns_view view = {.has_serial = false};
    struct dns_question question = {.id = 7, .name = name_of("www.example.org"), .type = DNS_SOA};
    /* nothing in the answer; in the authority section example.org's SOA, by a pointer into the question */
    static const uint8_t bytes[] =
        "\x00\x07\x84\x00\x00\x01\x00\x00\x00\x01\x00\x00\x03www\x07"
        "example\x03org\x00\x00\x06\x00\x01\xc0\x10\x00\x06\x00\x01\x00\x00\x0e\x10\x00\x16"
        "\x00\x00\x00\x00\x00\x2a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    found_begin(&report);
    assert_int_equal(dns_judge(&question, false, slice_make(bytes, sizeof bytes), &report, &view),
                     DNS_JUDGED);
    found_expect(&report, NULL);
    assert_true(view.has_serial);
    assert_int_equal(view.serial, 42);
}

static void a_name_without_an_address_is_found(void **state) {
    (void)state;
    found_begin(&report);
    struct dns_view view = server("a", 5, NULL, NULL);
    dns_judge_view(&view, &view, 1, &nothing, &report);
    found_expect(&report, "dns.address");
}

static void an_alias_is_an_answer_that_another_zone_s_servers_know_more_about(void **state) {
    (void)state;
    struct dns_view view = {.has_serial = false};
    struct dns_addresses expected = {.count = 1, .items = {{4, {192, 0, 2, 1}}}};
    found_begin(&report);
    judge(&(struct answer){AUTHORITATIVE, .type = DNS_A, .alias = "cdn.example.net"}, false, &view);
    judge(&(struct answer){AUTHORITATIVE, .type = DNS_AAAA, .alias = "cdn.example.net"}, false, &view);
    dns_judge_view(&view, &view, 1, &expected, &report);
    found_expect(&report, NULL);
    found_seen(&report, CHECK_DNS_ADDRESS, "an alias of cdn.example.net");
}

static void lives_that_are_too_short_or_too_long_are_found(void **state) {
    (void)state;
    static const uint32_t ttls[] = {1, 29, 86401, 604800}, good[] = {30, 86400};
    for (size_t i = 0; i < 6; i++) {
        struct dns_view view = {.has_serial = false};
        found_begin(&report);
        judge(&(struct answer){AUTHORITATIVE, .type = DNS_A, .addresses = {"192.0.2.1"},
                               .ttl = i < 4 ? ttls[i] : good[i - 4]},
              false, &view);
        found_expect(&report, i < 4 ? "dns.ttl" : NULL);
    }
}

static void a_truncated_answer_is_asked_for_again_and_once(void **state) {
    (void)state;
    struct dns_view view = {.has_serial = false};
    struct answer cut = {AUTHORITATIVE | TRUNCATED, .type = DNS_A};
    found_begin(&report);
    assert_int_equal(judge(&cut, false, &view), DNS_AGAIN);
    assert_int_equal(report.count, 0);
    assert_int_equal(judge(&cut, true, &view), DNS_JUDGED);
    found_expect(&report, "dns.truncated");
}

static void what_anybody_could_have_sent_is_passed_over(void **state) {
    (void)state;
    struct dns_view view = {.has_serial = false};
    struct dns_question question = question_of(DNS_A);
    const struct answer foreign[] = {{AUTHORITATIVE, .type = DNS_A, .id = 8},
                                     {AUTHORITATIVE, .type = DNS_A, .asked = "evil.example.org"}};
    for (size_t i = 0; i < 2; i++) {
        found_begin(&report);
        assert_int_equal(judge(&foreign[i], false, &view), DNS_FOREIGN);
        assert_int_equal(report.count, 0);
        assert_int_equal(judge(&foreign[i], true, &view), DNS_JUDGED);
        found_expect(&report, "dns.answer");
    }
    assert_int_equal(dns_judge(&question, false, SLICE("\x00"), &report, &view), DNS_FOREIGN);
    found_begin(&report);
    assert_int_equal(dns_judge(&question, false, SLICE("\x00\x07\x84"), &report, &view), DNS_JUDGED);
    found_expect(&report, "dns.answer");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_that_agree_are_good),
        cmocka_unit_test(other_addresses_than_expected_are_found),
        cmocka_unit_test(a_server_that_says_something_else_is_found),
        cmocka_unit_test(a_serial_that_lags_is_found_also_around_the_circle),
        cmocka_unit_test(errors_and_lame_servers_are_found),
        cmocka_unit_test(a_serial_is_also_read_where_the_zone_says_that_a_name_has_no_soa),
        cmocka_unit_test(a_name_without_an_address_is_found),
        cmocka_unit_test(an_alias_is_an_answer_that_another_zone_s_servers_know_more_about),
        cmocka_unit_test(lives_that_are_too_short_or_too_long_are_found),
        cmocka_unit_test(a_truncated_answer_is_asked_for_again_and_once),
        cmocka_unit_test(what_anybody_could_have_sent_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
