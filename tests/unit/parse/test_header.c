/* Syslog headers, times and addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "calendar.h"
#include "ip_text.h"
#include "line_time.h"
#include "syslog_header.h"

static uint64_t time_of(const char *text) {
    uint64_t time = 0;
    assert_true(calendar_parse(slice_string(text), &time));
    return time;
}

static void a_date_without_a_year_is_the_newest_not_more_than_a_day_ahead(void **state) {
    (void)state;
    static const struct {
        const char *line, *reference, *wanted;
        int zone;
    } cases[] = {
        {"Nov 21 18:44:24", "2026-11-21T18:45:00Z", "2026-11-21T18:44:24Z", 0},
        {"Dec 31 23:59:59", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z", 0},
        {"Jan  1 00:00:00", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", 0},
        {"Nov 22 18:44:24", "2026-11-21T18:44:24Z", "2026-11-22T18:44:24Z", 0},
        {"Nov 22 18:44:25", "2026-11-21T18:44:24Z", "2025-11-22T18:44:25Z", 0},
        {"Feb 29 12:00:00", "2026-11-21T18:44:24Z", "2024-02-29T12:00:00Z", 0},
        {"Feb 29 12:00:00", "2103-01-01T00:00:00Z", "2096-02-29T12:00:00Z", 0},
        {"Nov 21 18:44:24.25", "2026-11-21T18:45:00Z", "2026-11-21T18:44:24.25Z", 0},
        {"Nov 21 18:44:24", "2026-11-21T18:45:00Z", "2026-11-21T13:14:24Z", 330},
        {"Jan  1 01:30:00", "2026-12-31T23:50:00Z", "2026-12-31T23:30:00Z", 120},
        {"Dec 31 20:00:00", "2027-01-01T03:00:00Z", "2027-01-01T03:00:00Z", -420},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size;
        uint64_t time;
        assert_true(line_time_bsd(slice_string(cases[i].line), time_of(cases[i].reference), cases[i].zone,
                                  &size, &time));
        if (time != time_of(cases[i].wanted) || size != strlen(cases[i].line)) {
            char text[CALENDAR_TEXT_SIZE];
            calendar_text(time, text);
            fail_msg("%s at %s: %s", cases[i].line, cases[i].reference, text);
        }
    }
}

static void a_date_that_no_year_has_gives_no_time(void **state) {
    (void)state;
    size_t size;
    uint64_t time = 1;
    assert_true(line_time_bsd(SLICE("Feb 30 12:00:00 x"), time_of("2026-11-21T18:44:24Z"), 0, &size, &time));
    assert_int_equal(time, 0);
    assert_true(line_time_bsd(SLICE("Nov 21 18:44:24"), 0, 0, &size, &time));
    assert_int_equal(time, 0);
    static const char *const bad[] = {"Nov 21 18:44",    "Nox 21 18:44:24", "Nov 00 18:44:24",
                                      "Nov 21 24:44:24", "Nov 21 18-44:24", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(line_time_bsd(slice_string(bad[i]), 1, 0, &size, &time));
}

static void numbers_since_1970_are_told_apart_by_their_size(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t wanted;
    } cases[] = {{"1795286664", UINT64_C(1795286664000000)},
                 {"1795286664.5", UINT64_C(1795286664500000)},
                 {"1795286664123", UINT64_C(1795286664123000)},
                 {"1795286664123456", UINT64_C(1795286664123456)},
                 {"1795286664123456789", UINT64_C(1795286664123456)}};
    uint64_t time;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(line_time_value(slice_string(cases[i].text), 0, &time));
        assert_int_equal(time, cases[i].wanted);
    }
    static const char *const bad[] = {"",
                                      "17",
                                      "x",
                                      "1795286664.",
                                      "99999999999999999999999",
                                      "2026-11-21T18:44:24Zx",
                                      "2026-13-21T18:44:24Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(line_time_value(slice_string(bad[i]), 0, &time));
}

struct header_case {
    const char *line;
    const char *host, *program, *process, *message;
    int priority;
};

static void headers_are_told_from_messages(void **state) {
    (void)state;
    static const struct header_case cases[] = {
        {"Nov 21 18:44:24 main sshd[7]: hello", "main", "sshd", "7", "hello", -1},
        {"<13>Nov  1 18:44:24 main app: hello", "main", "app", "", "hello", 13},
        {"Nov 21 18:44:24 app[9]: no host", "", "app", "9", "no host", -1},
        {"Nov 21 18:44:24 main last message repeated 2 times", "main", "", "",
         "last message repeated 2 times", -1},
        {"Nov 21 18:44:24 main postfix/smtpd[7]: x", "main", "postfix/smtpd", "7", "x", -1},
        {"Nov 21 18:44:24 main (sd-pam)[7]: x", "main", "(sd-pam)", "7", "x", -1},
        {"Nov 21 18:44:24 main Foo::Bar: x", "main", "Foo::Bar", "", "x", -1},
        {"Nov 21 18:44:24 main app:", "main", "app", "", "", -1},
        {"Nov 21 18:44:24 main kernel: [   12.345678] x", "main", "kernel", "", "x", -1},
        {"Nov 21 18:44:24 main kernel:[   12.345678] x", "main", "kernel", "", "x", -1},
        {"2026-11-21T18:44:24.123456+01:00 main sshd[7]: hello", "main", "sshd", "7", "hello", -1},
        {"2026-11-21T18:44:24Z ERROR main: hello", "", "", "", "ERROR main: hello", -1},
        {"2026-11-21T18:44:24Z hello there", "", "", "", "hello there", -1},
        {"<165>1 2026-11-21T18:44:24Z main app 77 ID - hello", "main", "app", "77", "hello", 165},
        {"<165>1 - - - - - - hello", "", "", "", "hello", 165},
        {"<165>1 2026-11-21T18:44:24Z main app 77 ID [a b=\"]\"][c] hello", "main", "app", "77", "hello",
         165},
        {"<165>1 2026-11-21T18:44:24Z main app 77 ID -", "main", "app", "77", "", 165},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct syslog_header header;
        const struct header_case *c = &cases[i];
        if (!syslog_header_parse(slice_string(c->line), time_of("2026-11-21T18:45:00Z"), 0, &header))
            fail_msg("refused: %s", c->line);
        bool good = slice_equal(header.host, slice_string(c->host)) &&
                    slice_equal(header.program, slice_string(c->program)) &&
                    slice_equal(header.process, slice_string(c->process)) &&
                    slice_equal(header.message, slice_string(c->message)) && header.priority == c->priority;
        if (!good)
            fail_msg("%s: '%.*s' '%.*s' '%.*s' '%.*s' %d", c->line, SLICE_ARG(header.host),
                     SLICE_ARG(header.program), SLICE_ARG(header.process), SLICE_ARG(header.message),
                     header.priority);
    }
}

static void what_is_no_syslog_is_refused(void **state) {
    (void)state;
    static const char *const lines[] = {"",
                                        "hello",
                                        "<13>hello",
                                        "<192>Nov 21 18:44:24 main a: b",
                                        "<1x>Nov 21 18:44:24 main a: b",
                                        "<165>1 2026-11-21T18:44:24Z main app 77 ID [a b=\"c] hello",
                                        "<165>1 2026-11-21T18:44:24Z main app",
                                        "Nov 21 18:44:24main",
                                        "2026-11-21T18:44:24Zmain a: b"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct syslog_header header;
        if (syslog_header_parse(slice_string(lines[i]), 1, 0, &header))
            fail_msg("taken: %s", lines[i]);
    }
}

static void structured_data_is_walked_parameter_by_parameter(void **state) {
    (void)state;
    struct slice rest = SLICE("[a@1 x=\"1\" y=\"q\\\"\\]\\\\z\"][b][c w=\"\"]"), id = {NULL, 0}, name, value;
    uint8_t text[16];
    assert_true(syslog_data_next(&rest, &id, &name, &value));
    assert_true(slice_equal(id, SLICE("a@1")) && slice_equal(name, SLICE("x")) &&
                slice_equal(value, SLICE("1")));
    assert_true(syslog_data_next(&rest, &id, &name, &value));
    assert_true(slice_equal(slice_make(text, syslog_data_unescape(value, text)), SLICE("q\"]\\z")));
    assert_true(syslog_data_next(&rest, &id, &name, &value));
    assert_true(slice_equal(id, SLICE("c")) && slice_equal(name, SLICE("w")) && value.size == 0);
    assert_false(syslog_data_next(&rest, &id, &name, &value));
}

static void addresses_are_told_from_names(void **state) {
    (void)state;
    static const char *const good[] = {"192.0.2.1",
                                       "0.0.0.0",
                                       "::",
                                       "::1",
                                       "2001:db8::9",
                                       "fe80::1%eth0",
                                       "::ffff:192.0.2.1",
                                       "1:2:3:4:5:6:7:8",
                                       "1:2:3:4:5:6:192.0.2.1",
                                       "2001:db8::"};
    static const char *const bad[] = {
        "",         "192.0.2", "192.0.2.256",           "192.0.2.01",        "1:2:3",    ":1",   "1:::2",
        "12345::1", "host",    "192.0.2.1.example.org", "1:2:3:4:5:6:7:8:9", "fe80::1%", "g::1", "1::2::3"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!ip_text_good(slice_string(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ip_text_good(slice_string(bad[i])))
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(ip_text_length(SLICE("192.0.2.1:22")), 9);
    assert_int_equal(ip_text_length(SLICE("192.0.2.1.")), 9);
    assert_int_equal(ip_text_length(SLICE("192.0.2.1.example.org")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_without_a_year_is_the_newest_not_more_than_a_day_ahead),
        cmocka_unit_test(a_date_that_no_year_has_gives_no_time),
        cmocka_unit_test(numbers_since_1970_are_told_apart_by_their_size),
        cmocka_unit_test(headers_are_told_from_messages),
        cmocka_unit_test(what_is_no_syslog_is_refused),
        cmocka_unit_test(structured_data_is_walked_parameter_by_parameter),
        cmocka_unit_test(addresses_are_told_from_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
