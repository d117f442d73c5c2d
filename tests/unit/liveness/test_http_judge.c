/* How an answer was sent: headers read as they come, and each rule about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http_judge.h"
#include "serial_text.h"

#define SECOND UINT64_C(1000000)
#define NOW (UINT64_C(1795286644) * SECOND) /* Sat, 21 Nov 2026 18:44:04 GMT */
#define DAY (86400 * SECOND)

static struct liveness_report report;
static struct liveness_policy policy;

static void judge_as(enum liveness_kind kind, const char *headers, struct slice body) {
    struct http_answer answer;
    struct fault fault = {0};
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    report.verdict = VERDICT_GOOD;
    report.times = (struct liveness_times){NOW - DAY, NOW - DAY - SECOND, NOW + DAY};
    if (!http_answer_read(slice_string(headers), &answer, &fault))
        fail_msg("%s", fault.text);
    http_judge(&answer, kind, body, NOW, &report);
}

static void judge(const char *headers) {
    judge_as(LIVENESS_OCSP, headers, SLICE("\x30\x03"));
}

static void expect(const char *name) {
    for (size_t i = 0; i < report.count; i++) {
        const struct liveness_check_row *row = liveness_check_row(report.findings[i].check);
        bool fired = report.findings[i].state >= LIVENESS_WARN, due = name && strcmp(name, row->name) == 0;
        if (fired != due)
            fail_msg("%s %s: %s", row->name, fired ? "fired" : "did not fire", report.findings[i].seen);
    }
}

#define GOOD "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\n"

static void an_answer_as_it_should_be_is_good(void **state) {
    (void)state;
    judge(GOOD);
    expect(NULL);
    judge(GOOD
          "Cache-Control: max-age=86400, public, no-transform, must-revalidate\r\n"
          "Expires: Sun, 22 Nov 2026 18:44:04 GMT\r\nLast-Modified: Fri, 20 Nov 2026 18:44:04 GMT\r\n\r\n");
    expect(NULL);
    for (size_t i = 0; i < report.count; i++)
        assert_int_equal(report.findings[i].state, LIVENESS_OK);
    judge_as(LIVENESS_CRL, "HTTP/2 200\ncontent-type: Application/PKIX-CRL ; charset=x\n", SLICE("\x30\x82"));
    expect(NULL);
}

static void the_last_of_several_answers_counts(void **state) {
    (void)state;
    judge("HTTP/1.1 301 Moved\r\nContent-Type: text/html\r\n\r\n" GOOD "\r\n");
    expect(NULL);
    struct http_answer answer;
    struct fault fault = {0};
    assert_false(http_answer_read(SLICE("Content-Type: a\r\n"), &answer, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    assert_false(http_answer_read(SLICE(""), &answer, &fault));
}

static void another_status_is_found(void **state) {
    (void)state;
    judge("HTTP/1.1 404 Not Found\r\nContent-Type: application/ocsp-response\r\n");
    expect("http.status");
}

static void html_under_the_right_type_is_found(void **state) {
    (void)state;
    judge_as(LIVENESS_OCSP, GOOD, SLICE("<html>"));
    expect("http.body");
    judge_as(LIVENESS_OCSP, GOOD, SLICE("0"));
    expect("http.body");
    judge_as(LIVENESS_OCSP, GOOD, SLICE(""));
    expect("http.body");
}

static void another_type_or_none_is_found(void **state) {
    (void)state;
    judge("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n");
    expect("http.content-type");
    judge("HTTP/1.1 200 OK\r\n");
    expect("http.content-type");
    judge_as(LIVENESS_CRL, GOOD, SLICE("\x30\x82"));
    expect("http.content-type");
}

static void no_store_on_an_authoritative_answer_is_found(void **state) {
    (void)state;
    judge(GOOD "Cache-Control: private\r\ncache-control: max-age=5,No-Store\r\n");
    expect("http.no-store");
    judge(GOOD "Cache-Control: no-store-at-all\r\nX-Cache-Control: no-store\r\n");
    expect(NULL);
}

static void what_is_kept_beyond_the_next_update_is_found(void **state) {
    (void)state;
    judge(GOOD "Cache-Control: max-age=86401\r\n");
    expect("http.max-age");
    judge(GOOD "Cache-Control: max-age=86401\r\nAge: 1\r\n");
    expect(NULL);
    judge(GOOD "Cache-Control: max-age=\"99999999999999999999\"\r\n");
    expect("http.max-age");
    judge(GOOD "Cache-Control: max-age=18446744073709551615\r\nAge: x\r\n");
    expect("http.max-age");
    judge(GOOD "Expires: Sun, 22 Nov 2026 18:44:05 GMT\r\n");
    expect("http.expires");
    judge(GOOD "Expires: 0\r\n");
    expect("http.expires");
}

static void a_last_modified_that_is_not_when_it_was_produced_is_found(void **state) {
    (void)state;
    judge(GOOD "Last-Modified: Fri, 20 Nov 2026 18:44:03 GMT\r\n"); /* thisUpdate: many do so */
    expect(NULL);
    judge(GOOD "Last-Modified: Sat, 21 Nov 2026 18:44:04 GMT\r\n");
    expect("http.last-modified");
}

static void dates_are_read_strictly(void **state) {
    (void)state;
    uint64_t time_us;
    assert_true(http_date_read(SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), &time_us));
    assert_int_equal(time_us, 784111777 * SECOND);
    static const char *const bad[] = {"Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 31 Feb 1994 08:49:37 GMT",
                                      "Sun, 06 Nev 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "",
                                      "0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (http_date_read(slice_string(bad[i]), &time_us))
            fail_msg("'%s' was taken", bad[i]);
}

static void serials_are_read_as_openssl_writes_them(void **state) {
    (void)state;
    static const struct {
        const char *text, *content;
        size_t size;
    } good[] = {{"4660", "\x12\x34", 2},
                {"0x1234", "\x12\x34", 2},
                {"12:34", "\x12\x34", 2},
                {"0A3f", "\x0a\x3f", 2},
                {"255", "\x00\xff", 2},
                {"0x00FF", "\x00\xff", 2},
                {"0", "\x00", 1},
                {"127", "\x7f", 1},
                {"0x0102030405060708090A", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a", 10},
                {"18446744073709551616", "\x01\x00\x00\x00\x00\x00\x00\x00\x00", 9}};
    static const char *const bad[] = {"", "0x", "-1", "12g4", ":12", "12 34", "0x12x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CLEANUP_BUFFER struct buffer to = BUFFER(64);
        assert_true(serial_text_read(slice_string(good[i].text), &to));
        if (!slice_equal(buffer_slice(&to), slice_make(good[i].content, good[i].size)))
            fail_msg("%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CLEANUP_BUFFER struct buffer to = BUFFER(64);
        if (serial_text_read(slice_string(bad[i]), &to))
            fail_msg("'%s' was taken", bad[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_as_it_should_be_is_good),
        cmocka_unit_test(the_last_of_several_answers_counts),
        cmocka_unit_test(another_status_is_found),
        cmocka_unit_test(html_under_the_right_type_is_found),
        cmocka_unit_test(another_type_or_none_is_found),
        cmocka_unit_test(no_store_on_an_authoritative_answer_is_found),
        cmocka_unit_test(what_is_kept_beyond_the_next_update_is_found),
        cmocka_unit_test(a_last_modified_that_is_not_when_it_was_produced_is_found),
        cmocka_unit_test(dates_are_read_strictly),
        cmocka_unit_test(serials_are_read_as_openssl_writes_them),
    };
    return cmocka_run_group_tests_name("http_judge", tests, NULL, NULL);
}
