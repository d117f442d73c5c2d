/* The table of checks, what can be switched and set by name, and reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "liveness_report.h"

static void every_check_has_its_row_and_a_name_of_its_own(void **state) {
    (void)state;
    for (size_t i = 0; i < LIVENESS_CHECKS; i++) {
        const struct liveness_check_row *row = liveness_check_row((enum liveness_check)i);
        enum liveness_check found;
        if (!row->name || !row->due || !row->source)
            fail_msg("check %zu has no row", i);
        const char *kind = liveness_kind_name(row->kind);
        if (strncmp(row->name, kind, strlen(kind)) != 0 || row->name[strlen(kind)] != '.')
            fail_msg("%s is not of its kind", row->name);
        assert_true(row->severity == LIVENESS_WARN || row->severity == LIVENESS_CRITICAL);
        assert_true(liveness_check_by_name(slice_string(row->name), &found) && found == i);
    }
    for (size_t i = 0; i < LIVENESS_PARAMETERS; i++) {
        const struct liveness_parameter_row *row = liveness_parameter_row((enum liveness_parameter)i);
        enum liveness_check found;
        if (!row->name || !row->what || row->value == 0)
            fail_msg("parameter %zu has no row", i);
        assert_false(liveness_check_by_name(slice_string(row->name), &found));
    }
}

static void the_rfc_s_profile_is_part_of_the_baseline_requirements(void **state) {
    (void)state;
    struct liveness_policy rfc, br;
    size_t less = 0;
    liveness_policy_default(&rfc, PROFILE_RFC);
    liveness_policy_default(&br, PROFILE_CABF_BR);
    for (size_t i = 0; i < LIVENESS_CHECKS; i++) {
        assert_true(br.on[i]);
        less += !rfc.on[i];
    }
    assert_true(less > 5);
}

static void checks_and_numbers_are_set_by_name(void **state) {
    (void)state;
    struct liveness_policy policy;
    struct fault fault = {0};
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    assert_true(liveness_policy_set(&policy, SLICE("ocsp.nonce"), SLICE("off"), &fault));
    assert_false(policy.on[CHECK_OCSP_NONCE]);
    assert_true(liveness_policy_set(&policy, SLICE("ocsp.nonce"), SLICE("on"), &fault));
    assert_true(policy.on[CHECK_OCSP_NONCE]);
    assert_true(liveness_policy_set(&policy, SLICE("crl.refresh-most"), SLICE("26h"), &fault));
    assert_int_equal(policy.values[BOUND_CRL_REFRESH_MOST], UINT64_C(26) * 3600 * 1000000);
    assert_true(liveness_policy_set(&policy, SLICE("age-percent"), SLICE("60%"), &fault));
    assert_int_equal(policy.values[BOUND_AGE_PERCENT], 60);
    static const char *const bad[][2] = {{"ocsp.nonce", "maybe"},      {"ocsp.none", "off"},
                                         {"crl.refresh-most", "soon"}, {"crl.refresh-most", "off"},
                                         {"age-percent", "101"},       {"", "on"},
                                         {"crl.size-percent", "1h"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fault = (struct fault){0};
        if (liveness_policy_set(&policy, slice_string(bad[i][0]), slice_string(bad[i][1]), &fault))
            fail_msg("%s=%s was taken", bad[i][0], bad[i][1]);
        assert_int_equal(fault.code, FAULT_USAGE);
    }
}

static void a_report_keeps_the_worse_and_leaves_out_what_is_off(void **state) {
    (void)state;
    struct liveness_policy policy;
    struct liveness_report report;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    policy.on[CHECK_CRL_NUMBER] = false;
    liveness_report_begin(&report, &policy);
    assert_int_equal(report.state, LIVENESS_OK);
    liveness_skip(&report, CHECK_CRL_AGE, "later");
    assert_true(liveness_check(&report, CHECK_CRL_AGE, true, "fine"));
    assert_string_equal(liveness_report_find(&report, CHECK_CRL_AGE)->seen, "fine");
    assert_false(liveness_check(&report, CHECK_CRL_AGE, false, "old"));
    liveness_check(&report, CHECK_CRL_AGE, true, "fine again");
    liveness_skip(&report, CHECK_CRL_AGE, "never mind");
    assert_string_equal(liveness_report_find(&report, CHECK_CRL_AGE)->seen, "old");
    assert_int_equal(report.state, LIVENESS_WARN);
    assert_false(liveness_check(&report, CHECK_CRL_NUMBER, false, "none"));
    assert_null(liveness_report_find(&report, CHECK_CRL_NUMBER));
    assert_int_equal(report.state, LIVENESS_WARN);
    liveness_check(&report, CHECK_CRL_BODY, false, "none");
    assert_int_equal(report.state, LIVENESS_CRITICAL);
    liveness_due(&report, CHECK_CRL_AGE, "at most %d", 5);
    liveness_due(&report, CHECK_CRL_NUMBER, "not there");
    assert_string_equal(liveness_finding_due(liveness_report_find(&report, CHECK_CRL_AGE)), "at most 5");
    assert_int_equal(report.count, 2);
}

static void a_report_is_json_with_these_members(void **state) {
    (void)state;
    struct liveness_policy policy;
    struct liveness_report report;
    CLEANUP_BUFFER struct buffer json = BUFFER(65536), text = BUFFER(65536);
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    report.verdict = VERDICT_GOOD;
    liveness_check(&report, CHECK_CRL_REASON_HOLD, false, "serial \"%s\"", "01");
    liveness_check(&report, CHECK_CRL_VERSION, true, "v2");
    assert_true(liveness_report_json(&json, &report, LIVENESS_CRL, "a\"b", 1234));
    assert_string_equal(
        buffer_string(&json),
        "{\"kind\":\"crl\",\"target\":\"a\\\"b\",\"verdict\":\"good\",\"state\":\"critical\",\"checks\":["
        "{\"name\":\"crl.reason-hold\",\"state\":\"critical\",\"seen\":\"serial \\\"01\\\"\",\"due\":\"no "
        "certificate on hold "
        "(6)\",\"source\":\"Baseline Requirements "
        "7.2\"},{\"name\":\"crl.version\",\"state\":\"ok\",\"seen\":\"v2\",\"due\":\"v2 "
        "(1)\",\"source\":\"RFC 5280 5.1.2.1\"}],\"timing_ms\":1.234}");
    assert_true(liveness_report_text(&text, &report, LIVENESS_CRL, "f", false));
    assert_non_null(strstr(buffer_string(&text), "crl f: good; critical\n"));
    assert_non_null(
        strstr(buffer_string(&text), "2 checks: 1 critical, 0 to be warned of, 1 good, 0 skipped\n"));
}

static void spans_and_bytes_are_told_in_few_words(void **state) {
    (void)state;
    char span[LIVENESS_SPAN_SIZE], hex[LIVENESS_HEX_SIZE], plain[LIVENESS_PLAIN_SIZE];
    static const struct {
        uint64_t seconds;
        const char *text;
    } spans[] = {{0, "0 s"},     {59, "59 s"},       {60, "1 min"}, {3661, "1 h 1 min"},
                 {86400, "1 d"}, {90000, "1 d 1 h"}, {86460, "1 d"}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        assert_string_equal(liveness_span(spans[i].seconds * 1000000, span), spans[i].text);
    assert_string_equal(liveness_hex(SLICE("\x01\xff"), hex), "01ff");
    uint8_t many[100] = {0};
    assert_int_equal(strlen(liveness_hex(slice_make(many, sizeof many), hex)), 67);
    assert_string_equal(liveness_plain(SLICE("a\033[31m\xc2\x9b!"), plain), "a?[31m??"
                                                                            "!");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_has_its_row_and_a_name_of_its_own),
        cmocka_unit_test(the_rfc_s_profile_is_part_of_the_baseline_requirements),
        cmocka_unit_test(checks_and_numbers_are_set_by_name),
        cmocka_unit_test(a_report_keeps_the_worse_and_leaves_out_what_is_off),
        cmocka_unit_test(a_report_is_json_with_these_members),
        cmocka_unit_test(spans_and_bytes_are_told_in_few_words),
    };
    return cmocka_run_group_tests_name("liveness_checks", tests, NULL, NULL);
}
