/* A time server judged: whose answer it is, what it says of itself, how far it is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "found.h"
#include "ntp_judge.h"

#define SECOND INT64_C(1000000)
#define NOW (UINT64_C(1795286644) * 1000000)
#define COOKIE UINT64_C(0x1122334455667788)
#define SECONDS_1900 UINT64_C(2208988800)

static struct liveness_report report;
static int64_t offset_us;

struct server {
    int64_t ahead_us;
    uint64_t now_us, there_us, inside_us, back_us;
    unsigned stratum, leap, mode;
    uint32_t delay, dispersion; /* 16.16 */
    uint64_t origin;
    const char *kiss;
};
static struct server good_server(void) {
    return (struct server){.now_us = NOW,
                           .there_us = 1000,
                           .inside_us = 100,
                           .back_us = 1000,
                           .stratum = 2,
                           .mode = 4,
                           .delay = 0x1000,
                           .dispersion = 0x1000,
                           .origin = COOKIE};
}

static uint64_t stamp(uint64_t time_us) {
    return (time_us / 1000000 + SECONDS_1900) << 32 | ((time_us % 1000000) << 32) / 1000000;
}

static void judge(const struct server *server) {
    uint8_t packet[NTP_SIZE] = {0};
    uint64_t received = server->now_us + server->there_us + (uint64_t)server->ahead_us;
    packet[0] = (uint8_t)(server->leap << 6 | 4 << 3 | server->mode);
    packet[1] = (uint8_t)server->stratum;
    bytes_put_u32(packet + 4, server->delay);
    bytes_put_u32(packet + 8, server->dispersion);
    if (server->kiss)
        memcpy(packet + 12, server->kiss, 4);
    bytes_put_u64(packet + 24, server->origin);
    bytes_put_u64(packet + 32, stamp(received));
    bytes_put_u64(packet + 40, stamp(received + server->inside_us));
    struct ntp_exchange exchange = {COOKIE, server->now_us,
                                    server->now_us + server->there_us + server->inside_us + server->back_us};
    found_begin(&report);
    ntp_judge(&exchange, slice_make(packet, sizeof packet), &report, &offset_us);
}

static void a_request_has_the_cookie_and_nothing_of_ours(void **state) {
    (void)state;
    uint8_t packet[NTP_SIZE], due[NTP_SIZE] = {0x23};
    memcpy(due + 40, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    ntp_request_write(COOKIE, packet);
    assert_memory_equal(packet, due, NTP_SIZE);
}

static void a_good_server_is_good_and_its_offset_is_measured(void **state) {
    (void)state;
    struct server server = good_server();
    judge(&server);
    found_expect(&report, NULL);
    assert_true(llabs(offset_us) < 10);
    server.ahead_us = 400000;
    judge(&server);
    found_expect(&report, NULL);
    assert_true(llabs(offset_us - 400000) < 10);
    found_seen(&report, CHECK_NTP_OFFSET, "0.400 s ahead");
}

static void clocks_that_are_apart_are_found(void **state) {
    (void)state;
    static const struct {
        int64_t ahead_us;
        const char *found;
    } cases[] = {{SECOND / 2, NULL},
                 {SECOND + 2000, "ntp.offset"},
                 {-2 * SECOND, "ntp.offset"},
                 {-11 * SECOND, "ntp.offset ntp.offset-most"},
                 {86400 * 365 * SECOND, "ntp.offset ntp.offset-most"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server server = good_server();
        server.ahead_us = cases[i].ahead_us;
        judge(&server);
        found_expect(&report, cases[i].found);
        assert_true(llabs(offset_us - cases[i].ahead_us) < 10);
    }
}

static void a_slow_way_is_no_wrong_clock(void **state) {
    (void)state;
    struct server server = good_server();
    server.there_us = 3000000; /* all of it there: looks 1.5 s ahead */
    judge(&server);
    found_expect(&report, NULL);
    assert_true(offset_us > SECOND);
}

static void the_end_of_the_era_changes_nothing(void **state) {
    (void)state;
    struct server server = good_server();
    server.now_us =
        (UINT64_C(0x100000000) - SECONDS_1900) * 1000000 - 500000; /* 7 February 2036, 06:28:15.5 */
    server.ahead_us = 800000;
    judge(&server);
    found_expect(&report, NULL);
    assert_true(llabs(offset_us - 800000) < 10);
}

static void what_a_server_says_of_itself_counts(void **state) {
    (void)state;
    struct server server = good_server();
    server.leap = 3;
    judge(&server);
    found_expect(&report, "ntp.leap");
    for (unsigned stratum = 0; stratum <= 255; stratum++) {
        server = good_server();
        server.stratum = stratum;
        server.kiss = stratum ? NULL : "RATE";
        judge(&server);
        found_expect(&report, stratum >= 1 && stratum <= 15 ? NULL : "ntp.stratum");
    }
    server = good_server();
    server.stratum = 0;
    server.kiss = "RATE";
    judge(&server);
    found_seen(&report, CHECK_NTP_STRATUM, "refuses (RATE)");
    server = good_server();
    server.dispersion = 0x18000;
    judge(&server);
    found_expect(&report, "ntp.root-distance");
    server = good_server();
    server.inside_us = (uint64_t)-2000;
    judge(&server);
    found_expect(&report, "ntp.times");
}

static void an_answer_to_something_else_is_none(void **state) {
    (void)state;
    struct server server = good_server();
    server.origin = COOKIE + 1;
    judge(&server);
    found_expect(&report, "ntp.origin");
    server = good_server();
    server.mode = 3;
    judge(&server);
    found_expect(&report, "ntp.answer");
    uint8_t bytes[NTP_SIZE] = {0x24};
    bytes_put_u64(bytes + 24, COOKIE);
    assert_true(ntp_is_answer(slice_make(bytes, NTP_SIZE), COOKIE));
    assert_false(ntp_is_answer(slice_make(bytes, NTP_SIZE - 1), COOKIE));
    assert_false(ntp_is_answer(slice_make(bytes, NTP_SIZE), COOKIE + 1));
    found_begin(&report);
    ntp_judge(&(struct ntp_exchange){COOKIE, NOW, NOW}, slice_make(bytes, NTP_SIZE - 1), &report, &offset_us);
    found_expect(&report, "ntp.answer");
    bytes[1] = 1; /* and no times at all */
    found_begin(&report);
    ntp_judge(&(struct ntp_exchange){COOKIE, NOW, NOW}, slice_make(bytes, NTP_SIZE), &report, &offset_us);
    found_expect(&report, "ntp.times");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_the_cookie_and_nothing_of_ours),
        cmocka_unit_test(a_good_server_is_good_and_its_offset_is_measured),
        cmocka_unit_test(clocks_that_are_apart_are_found),
        cmocka_unit_test(a_slow_way_is_no_wrong_clock),
        cmocka_unit_test(the_end_of_the_era_changes_nothing),
        cmocka_unit_test(what_a_server_says_of_itself_counts),
        cmocka_unit_test(an_answer_to_something_else_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
