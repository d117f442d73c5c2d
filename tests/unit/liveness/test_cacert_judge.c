/* An exchange with CAcert's signer, judged: each way to fail fires its own check and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cacert_judge.h"

#define SECOND UINT64_C(1000000)

static struct liveness_report report;
static struct liveness_policy policy;

/* Of an exchange that went well in 1.2 s. */
static struct cacert_result good_result(void) {
    return (struct cacert_result){.outcome = CACERT_GOOD,
                                  .step = CACERT_AT_ANSWER,
                                  .handshake_us = SECOND / 10,
                                  .confirm_us = SECOND / 20,
                                  .work_us = SECOND / 20,
                                  .answer_us = SECOND};
}

static struct cacert_result failed(enum cacert_outcome outcome, enum cacert_step step, const char *text) {
    struct cacert_result result = good_result();
    result.outcome = outcome;
    result.step = step;
    fault_set(&result.fault, FAULT_IO, "%s", text);
    return result;
}

static void judge(const struct cacert_result *result) {
    liveness_report_begin(&report, &policy);
    cacert_judge_device("/dev/ttyUSB0", NULL, &report);
    cacert_judge(result, &report);
}

/* That check alone, and no check of a later step; NULL: none. */
static void expect(const char *name, enum liveness_state state) {
    assert_int_equal(report.state, state);
    bool found = !name;
    for (size_t i = 0; i < report.count; i++) {
        const struct liveness_check_row *row = liveness_check_row(report.findings[i].check);
        bool fired = report.findings[i].state >= LIVENESS_WARN, due = name && strcmp(name, row->name) == 0;
        if (fired != due)
            fail_msg("%s %s: %s", row->name, fired ? "fired" : "did not fire", report.findings[i].seen);
        found |= due;
    }
    assert_true(found);
}

static bool said(enum liveness_check check, const char *text) {
    const struct liveness_finding *finding = liveness_report_find(&report, check);
    return finding && strstr(finding->seen, text);
}

static int begin(void **state) {
    (void)state;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    return 0;
}

static void a_good_exchange_is_good_in_every_check(void **state) {
    (void)state;
    struct cacert_result result = good_result();
    judge(&result);
    expect(NULL, LIVENESS_OK);
    assert_int_equal(report.verdict, VERDICT_GOOD);
    size_t all = 0;
    for (size_t i = 0; i < LIVENESS_CHECKS; i++)
        all += liveness_check_row((enum liveness_check)i)->kind == LIVENESS_CACERT;
    assert_int_equal(report.count, all);
    assert_true(said(CHECK_CACERT_TIME, "1.200 s"));
}

static void each_way_to_fail_fires_its_own_check(void **state) {
    (void)state;
    static const struct {
        enum cacert_outcome outcome;
        enum cacert_step step;
        enum cacert_flaw flaw;
        const char *check;
    } ways[] = {
        {CACERT_ODD, CACERT_AT_LINE, CACERT_SOUND, "cacert.line"},
        {CACERT_CUT, CACERT_AT_LINE, CACERT_SOUND, "cacert.line"},
        {CACERT_SILENT, CACERT_AT_HANDSHAKE, CACERT_SOUND, "cacert.handshake"},
        {CACERT_ODD, CACERT_AT_HANDSHAKE, CACERT_SOUND, "cacert.handshake"},
        {CACERT_UNCONFIRMED, CACERT_AT_CONFIRM, CACERT_SOUND, "cacert.confirm"},
        {CACERT_REFUSED, CACERT_AT_CONFIRM, CACERT_SOUND, "cacert.confirm"},
        {CACERT_HANGING, CACERT_AT_WORK, CACERT_SOUND, "cacert.work"},
        {CACERT_CUT, CACERT_AT_ANSWER, CACERT_SOUND, "cacert.answer"},
        {CACERT_GARBLED, CACERT_AT_ANSWER, CACERT_FLAW_LENGTHS, "cacert.lengths"},
        {CACERT_GARBLED, CACERT_AT_ANSWER, CACERT_FLAW_TRAILER, "cacert.trailer"},
        {CACERT_GARBLED, CACERT_AT_ANSWER, CACERT_FLAW_XOR, "cacert.xor"},
        {CACERT_GARBLED, CACERT_AT_ANSWER, CACERT_FLAW_RESPONSE, "cacert.response"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct cacert_result result = failed(ways[i].outcome, ways[i].step, "the sentence");
        result.flaw = ways[i].flaw;
        judge(&result);
        expect(ways[i].check, LIVENESS_CRITICAL);
        assert_int_equal(report.verdict, VERDICT_UNUSABLE);
        enum liveness_check check;
        assert_true(liveness_check_by_name(slice_string(ways[i].check), &check));
        assert_true(said(check, "the sentence"));
    }
}

static void what_went_well_in_the_end_is_a_warning(void **state) {
    (void)state;
    struct cacert_result result = good_result();
    result.stale = 1;
    judge(&result);
    expect("cacert.stale", LIVENESS_WARN);
    result = good_result();
    result.resent = 2;
    judge(&result);
    expect("cacert.resent", LIVENESS_WARN);
    result = good_result();
    result.asked = 1;
    fault_set(&result.asked_why, FAULT_FORMAT, "its check byte is 16");
    judge(&result);
    expect("cacert.asked", LIVENESS_WARN);
    assert_true(said(CHECK_CACERT_ASKED, "its check byte is 16"));
    result = good_result();
    result.gap_us = 2 * SECOND;
    judge(&result);
    expect("cacert.gap", LIVENESS_WARN);
    result.gap_us--;
    judge(&result);
    expect(NULL, LIVENESS_OK);
}

static void one_that_grows_slow_is_told_before_it_fails(void **state) {
    (void)state;
    struct cacert_result result = good_result();
    result.work_us = 3 * SECOND - SECOND / 10 - SECOND / 20 - SECOND;
    judge(&result);
    expect(NULL, LIVENESS_OK);
    result.work_us++;
    judge(&result);
    expect("cacert.time", LIVENESS_WARN);
    struct fault fault;
    assert_true(liveness_policy_set(&policy, SLICE("cacert.slow-after"), SLICE("10s"), &fault));
    judge(&result);
    expect(NULL, LIVENESS_OK);
}

static void one_that_was_stopped_or_is_not_over_says_nothing(void **state) {
    (void)state;
    struct cacert_result result = failed(CACERT_STOPPED, CACERT_AT_WORK, "it was stopped");
    judge(&result);
    assert_int_equal(report.count, 1);
    result.outcome = CACERT_RUNNING;
    judge(&result);
    assert_int_equal(report.count, 1);
}

static void a_line_that_cannot_be_had_is_told_with_its_reason(void **state) {
    (void)state;
    struct fault fault;
    fault_set(&fault, FAULT_BUSY, "perl (process 7) has it open");
    liveness_report_begin(&report, &policy);
    cacert_judge_device("/dev/ttyUSB0", &fault, &report);
    expect("cacert.device", LIVENESS_CRITICAL);
    assert_true(said(CHECK_CACERT_DEVICE, "perl (process 7)"));
}

static void the_times_are_the_policys(void **state) {
    (void)state;
    static const char *const names[] = {
        "cacert.quiet-first",   "cacert.handshake-within", "cacert.confirm-within", "cacert.work-within",
        "cacert.answer-within", "cacert.gap-most",         "cacert.whole-within",   "cacert.finish-within"};
    struct cacert_times standard = cacert_times_default(), times = cacert_judge_times(&policy);
    assert_memory_equal(&times, &standard, sizeof times);
    uint64_t patience_us = cacert_judge_patience(&policy);
    assert_true(patience_us > times.handshake_us + times.confirm_us + times.work_us + times.whole_us);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fault fault;
        char value[16];
        snprintf(value, sizeof value, "%zums", i + 1);
        assert_true(liveness_policy_set(&policy, slice_string(names[i]), slice_string(value), &fault));
    }
    times = cacert_judge_times(&policy);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(((const uint64_t *)&times)[i], 1000 * (i + 1));
    assert_true(cacert_judge_patience(&policy) < SECOND);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup(function, begin)
    const struct CMUnitTest tests[] = {
        TEST(a_good_exchange_is_good_in_every_check),
        TEST(each_way_to_fail_fires_its_own_check),
        TEST(what_went_well_in_the_end_is_a_warning),
        TEST(one_that_grows_slow_is_told_before_it_fails),
        TEST(one_that_was_stopped_or_is_not_over_says_nothing),
        TEST(a_line_that_cannot_be_had_is_told_with_its_reason),
        TEST(the_times_are_the_policys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
