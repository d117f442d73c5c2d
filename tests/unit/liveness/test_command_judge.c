/* Plugins and queues: what they print, and what is thought of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "command_judge.h"
#include "found.h"
#include "plugin_output.h"
#include "queue_judge.h"

#define MINUTE UINT64_C(60000000)

static struct liveness_report report;

static void judge(enum command_how how, int number, const char *output) {
    struct command_end end = {
        how, number, "there is no such file", 5000000, slice_string(output), SLICE("from stderr\nmore")};
    found_begin(&report);
    command_judge(&end, &report);
}

static void a_plugin_s_status_is_its_answer(void **state) {
    (void)state;
    judge(COMMAND_EXITED, 0, "OK - all fine\n");
    found_expect(&report, NULL);
    judge(COMMAND_EXITED, 1, "WARNING - nearly full\n");
    found_expect(&report, "command.warning");
    assert_int_equal(report.state, LIVENESS_WARN);
    judge(COMMAND_EXITED, 2, "CRITICAL - full\n");
    found_expect(&report, "command.critical");
    found_seen(&report, CHECK_COMMAND_CRITICAL, "CRITICAL - full");
    judge(COMMAND_EXITED, 3, "UNKNOWN - what?\n");
    found_expect(&report, "command.unknown");
    assert_int_equal(report.state, LIVENESS_CRITICAL);
    judge(COMMAND_EXITED, 127, "x");
    found_expect(&report, "command.unknown");
}

static void a_plugin_that_does_not_end_by_itself_is_found(void **state) {
    (void)state;
    judge(COMMAND_SIGNALLED, 11, "OK\n");
    found_expect(&report, "command.end");
    found_seen(&report, CHECK_COMMAND_END, "signal 11");
    judge(COMMAND_LATE, 0, "OK\n");
    found_expect(&report, "command.end");
    found_seen(&report, CHECK_COMMAND_END, "still running after 5 s");
    judge(COMMAND_FLOODED, 0, "OK\n");
    found_expect(&report, "command.end");
    judge(COMMAND_NOT_STARTED, 0, "");
    found_expect(&report, "command.start");
    found_seen(&report, CHECK_COMMAND_START, "no such file");
}

static void a_plugin_that_says_nothing_is_found_with_its_standard_error(void **state) {
    (void)state;
    judge(COMMAND_EXITED, 2, "");
    found_expect(&report, "command.critical command.output");
    found_seen(&report, CHECK_COMMAND_CRITICAL, "from stderr");
}

static void numbers_are_held_against_their_own_ranges(void **state) {
    (void)state;
    judge(COMMAND_EXITED, 0,
          "OK | time=0.5s;1;2;0; 'free space'=80%;20:;10:;0;100 x=U\nmore\nlast | y=1c;~:5;@7:9\nz=3");
    found_expect(&report, NULL);
    found_seen(&report, CHECK_COMMAND_PERFORMANCE, "5 values");
    judge(COMMAND_EXITED, 0, "OK | time=1.5s;1;2");
    found_expect(&report, "command.ranges");
    found_seen(&report, CHECK_COMMAND_RANGES, "time = 1.5s: a warning");
    judge(COMMAND_EXITED, 0, "OK\nx\n| 'free space'=5%;20:;10:");
    found_expect(&report, "command.ranges");
    found_seen(&report, CHECK_COMMAND_RANGES, "free space = 5%: critical");
    judge(COMMAND_EXITED, 0, "OK | time=soon");
    found_expect(&report, "command.performance");
}

static void ranges_alert_as_the_guidelines_say(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
        bool alerts;
    } cases[] = {{"10", 10, false},    {"10", 11, true},     {"10", -1, true},     {"10:", 9, true},
                 {"10:", 10, false},   {"~:10", -99, false}, {"~:10", 11, true},   {"10:20", 9, true},
                 {"10:20", 20, false}, {"@10:20", 10, true}, {"@10:20", 20, true}, {"@10:20", 21, false},
                 {"", 1e9, false},     {"-5:5", -5, false},  {"0.5", 0.6, true},   {":3", 4, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plugin_range range;
        assert_true(plugin_range_read(slice_string(cases[i].text), &range));
        if (plugin_range_alerts(&range, cases[i].value) != cases[i].alerts)
            fail_msg("%s with %g", cases[i].text, cases[i].value);
    }
    static const char *const bad[] = {"a", "1:2:3", "5:1", "@", "~", "inf", "0x10", "nan", "1 ", ":", "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct plugin_range range;
        if (plugin_range_read(slice_string(bad[i]), &range))
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void labels_may_hold_blanks_quotes_and_equals_signs(void **state) {
    (void)state;
    struct slice data = SLICE(" 'a=b ''c'''=-1.5e3KB;;;; plain=7 \n next=8");
    struct plugin_value value;
    assert_true(plugin_value_next(&data, &value, NULL));
    assert_true(slice_equal(value.label, SLICE("a=b ''c''")));
    assert_true(value.value == -1500 && slice_equal(value.unit, SLICE("KB")));
    assert_true(plugin_value_next(&data, &value, NULL) && value.value == 7 && value.unit.size == 0);
    assert_true(plugin_value_next(&data, &value, NULL) && value.value == 8);
    assert_false(plugin_value_next(&data, &value, NULL));
    static const char *const bad[] = {
        "=5", "a", "'a=5", "''=5", "a=", "a=5;x", "a=5;;;x", "a=5;1;2;3;4;5", "a=5s3", "a=0x5x1", "a =5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct slice rest = slice_string(bad[i]);
        struct fault fault = {0};
        if (plugin_value_next(&rest, &value, &fault) || fault.code == FAULT_NONE)
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void a_queue_warns_long_before_its_bound(void **state) {
    (void)state;
    static const struct {
        uint64_t minutes;
        const char *found;
        enum liveness_state state;
    } cases[] = {{0, NULL, LIVENESS_OK},
                 {29, NULL, LIVENESS_OK},
                 {30, "queue.age-rising", LIVENESS_WARN},
                 {45, "queue.age-rising queue.age-high", LIVENESS_WARN},
                 {60, "queue.age-rising queue.age-high queue.age", LIVENESS_CRITICAL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        found_begin(&report);
        queue_judge(QUEUE_AGE, cases[i].minutes * MINUTE, 60 * MINUTE, "a.csr", &report);
        found_expect(&report, cases[i].found);
        assert_int_equal(report.state, cases[i].state);
    }
    found_seen(&report, CHECK_QUEUE_AGE, "1 h, a.csr");
    found_begin(&report);
    queue_judge(QUEUE_COUNT, 7, 0, "", &report); /* no bound */
    queue_judge(QUEUE_COUNT, 0, 1, "", &report);
    queue_judge(QUEUE_NUMBER, UINT64_MAX - 1, UINT64_MAX, "", &report);
    found_expect(&report, "queue.number-rising queue.number-high");
    found_begin(&report);
    queue_judge(QUEUE_COUNT, 1, 1, "", &report);
    found_expect(&report, "queue.count-rising queue.count-high queue.count");
}

static void a_printed_number_is_a_whole_line(void **state) {
    (void)state;
    uint64_t number = 0;
    assert_true(queue_number_read(SLICE("  42 \r\nmore"), &number, NULL) == false);
    assert_true(queue_number_read(SLICE(" 42\nmore"), &number, NULL) && number == 42);
    assert_true(queue_number_read(SLICE("0"), &number, NULL) && number == 0);
    static const char *const bad[] = {"", "\n5", "-1", "5 files", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(queue_number_read(slice_string(bad[i]), &number, &(struct fault){0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_s_status_is_its_answer),
        cmocka_unit_test(a_plugin_that_does_not_end_by_itself_is_found),
        cmocka_unit_test(a_plugin_that_says_nothing_is_found_with_its_standard_error),
        cmocka_unit_test(numbers_are_held_against_their_own_ranges),
        cmocka_unit_test(ranges_alert_as_the_guidelines_say),
        cmocka_unit_test(labels_may_hold_blanks_quotes_and_equals_signs),
        cmocka_unit_test(a_queue_warns_long_before_its_bound),
        cmocka_unit_test(a_printed_number_is_a_whole_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
