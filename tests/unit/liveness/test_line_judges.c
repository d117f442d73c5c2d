/* What a mail server says, and bytes that any port sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "found.h"
#include "smtp_judge.h"
#include "tcp_judge.h"

static struct liveness_report report;

static struct smtp_reply reply_of(const char *text) {
    struct smtp_reply reply;
    struct fault fault = {0};
    if (smtp_reply_read(slice_string(text), &reply, &fault) != SMTP_REPLY)
        fail_msg("%s: %s", text, fault.text);
    return reply;
}

static void a_reply_ends_with_its_last_line(void **state) {
    (void)state;
    struct smtp_reply reply = reply_of("250-mx.example.org\r\n250-PIPELINING\r\n250 starttls\r\n221 more");
    assert_int_equal(reply.code, 250);
    assert_int_equal(reply.lines.size, 50);
    assert_true(smtp_reply_announces(&reply, SLICE("STARTTLS")));
    assert_true(smtp_reply_announces(&reply, SLICE("PIPELINING")));
    assert_false(smtp_reply_announces(&reply, SLICE("PIPE")));
    assert_false(smtp_reply_announces(&reply, SLICE("mx.example.org")));
    assert_int_equal(reply_of("220\r\n").code, 220);
    assert_int_equal(reply_of("220 \n").code, 220);
}

static void a_part_of_a_reply_is_waited_for(void **state) {
    (void)state;
    static const char whole[] = "250-mx.example.org\r\n250-SIZE 1000\r\n250 STARTTLS\r\n";
    struct smtp_reply reply;
    for (size_t size = 0; size + 1 < sizeof whole; size++)
        assert_int_equal(smtp_reply_read(slice_make(whole, size), &reply, &(struct fault){0}),
                         size + 2 == sizeof whole + 1 ? SMTP_REPLY : SMTP_MORE);
}

static void what_is_no_reply_is_refused(void **state) {
    (void)state;
    char endless[600], lines[SMTP_LINES_MOST * 10 + 1] = "";
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "220 ", 4);
    endless[sizeof endless - 1] = '\0';
    for (unsigned i = 0; i < SMTP_LINES_MOST; i++)
        strcat(lines, "250-a\r\n");
    const char *const bad[] = {"SSH-2.0-OpenSSH\r\n",
                               "<html>\r\n",
                               "\r\n",
                               "22\r\n",
                               "2200 x\r\n",
                               "220x\r\n",
                               "199 x\r\n",
                               "600 x\r\n",
                               "260 x\r\n",
                               "250-a\r\n251 b\r\n",
                               "250-a\r\nb\r\n",
                               endless,
                               lines};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct smtp_reply reply;
        struct fault fault = {0};
        if (smtp_reply_read(slice_string(bad[i]), &reply, &fault) != SMTP_BROKEN)
            fail_msg("%.40s was taken", bad[i]);
        found_begin(&report);
        smtp_judge_broken(&fault, &report);
        found_expect(&report, "smtp.reply");
    }
}

static void each_step_has_its_code(void **state) {
    (void)state;
    static const struct {
        enum smtp_step step;
        const char *text, *found;
        bool starttls;
    } cases[] = {{SMTP_BANNER, "220 mx ESMTP\r\n", NULL, false},
                 {SMTP_BANNER, "554 go away\r\n", "smtp.banner", false},
                 {SMTP_BANNER, "421 too busy\r\n", "smtp.banner", false},
                 {SMTP_EHLO, "250-mx\r\n250 STARTTLS\r\n", NULL, true},
                 {SMTP_EHLO, "250-mx\r\n250 SIZE\r\n", "smtp.starttls", true},
                 {SMTP_EHLO, "250-mx\r\n250 SIZE\r\n", NULL, false},
                 {SMTP_EHLO, "250 mx\r\n", NULL, false},
                 {SMTP_EHLO, "502 what?\r\n", "smtp.ehlo", true},
                 {SMTP_QUIT, "221 bye\r\n", NULL, false},
                 {SMTP_QUIT, "500 what?\r\n", "smtp.quit", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct smtp_reply reply = reply_of(cases[i].text);
        found_begin(&report);
        smtp_judge(cases[i].step, &reply, cases[i].starttls, &report);
        found_expect(&report, cases[i].found);
    }
}

static void bytes_are_written_with_backslashes(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(2 * TCP_TEXT_MOST);
    assert_true(tcp_text_parse(SLICE("PING\\r\\n\\x00\\xfF\\\\\\t"), &bytes, NULL));
    assert_int_equal(bytes.size, 10);
    assert_memory_equal(bytes.data, "PING\r\n\x00\xff\\\t", 10);
    static const char *const bad[] = {"\\", "a\\q", "\\x1", "\\xgg", "\\x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(tcp_text_parse(slice_string(bad[i]), &bytes, &(struct fault){0}));
    char *much = malloc(TCP_TEXT_MOST + 1);
    memset(much, 'a', TCP_TEXT_MOST + 1);
    assert_true(tcp_text_parse(slice_make(much, TCP_TEXT_MOST), &bytes, NULL));
    assert_false(tcp_text_parse(slice_make(much, TCP_TEXT_MOST + 1), &bytes, &(struct fault){0}));
    free(much);
}

static void expected_bytes_are_found_anywhere_in_the_answer(void **state) {
    (void)state;
    struct slice expected = SLICE("+PONG");
    found_begin(&report);
    tcp_judge(expected, SLICE("hello\r\n+PONG\r\n"), "the server closed", &report);
    found_expect(&report, NULL);
    assert_true(tcp_answer_known(expected, SLICE("hello\r\n+PONG\r\n")));
    assert_false(tcp_answer_known(expected, SLICE("hello\r\n+PON")));
    found_begin(&report);
    tcp_judge(expected, SLICE("-ERR\r\n"), "the server closed", &report);
    found_expect(&report, "tcp.expect");
    found_seen(&report, CHECK_TCP_EXPECT, "then the server closed: -ERR");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_ends_with_its_last_line),
        cmocka_unit_test(a_part_of_a_reply_is_waited_for),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(each_step_has_its_code),
        cmocka_unit_test(bytes_are_written_with_backslashes),
        cmocka_unit_test(expected_bytes_are_found_anywhere_in_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
