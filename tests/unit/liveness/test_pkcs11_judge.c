/* Canary signatures judged: what the canary told, also where it ended in the middle of a step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pkcs11_judge.h"

#define OPENED "step=load\ntook=900\nstep=open\ntoken=Canary\ntook=100\n"
#define FOUND OPENED "step=login\ntook=2500\nstep=find\nkey=EC 'canary'\ntook=400\n"
#define SIGNED FOUND "step=sign\nmechanism=CKM_ECDSA\nnonce=00ff\ntook=12345\n"
#define WHOLE SIGNED "step=verify\nagainst=the token's public key\ntook=700\n"

static struct liveness_report report;
static struct liveness_policy policy;
static struct pkcs11_question question;
static struct pkcs11_facts facts;

static int each(void **state) {
    (void)state;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    question = (struct pkcs11_question){.unended = NULL};
    return 0;
}

static void judge(const char *told) {
    struct fault fault = {0};
    if (!pkcs11_facts_read(slice_string(told), &facts, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    pkcs11_judge(&question, &facts, &policy, &report);
}

static const char *seen(enum liveness_check check) {
    const struct liveness_finding *finding = liveness_report_find(&report, check);
    return finding ? finding->seen : "nothing";
}

/* These fire, all others do not. */
static void expect(enum liveness_verdict verdict, size_t count, const enum liveness_check *checks) {
    size_t fired = 0;
    for (size_t i = 0; i < report.count; i++) {
        const struct liveness_finding *finding = &report.findings[i];
        bool due = false;
        for (size_t j = 0; j < count; j++)
            due |= checks[j] == finding->check;
        if (due != (finding->state >= LIVENESS_WARN))
            fail_msg("%s is %s: %s", liveness_check_row(finding->check)->name,
                     liveness_state_name(finding->state), finding->seen);
        fired += due;
    }
    assert_int_equal(fired, count);
    assert_int_equal(report.verdict, verdict);
}
#define EXPECT(verdict, ...)                                                                                 \
    expect(verdict, sizeof((enum liveness_check[]){__VA_ARGS__}) / sizeof(enum liveness_check),              \
           (const enum liveness_check[]){__VA_ARGS__})

static void a_signature_that_holds_is_good(void **state) {
    (void)state;
    judge(WHOLE);
    expect(VERDICT_GOOD, 0, NULL);
    assert_string_equal(seen(CHECK_PKCS11_TOKEN), "Canary, 0.1 ms");
    assert_string_equal(seen(CHECK_PKCS11_SIGN), "CKM_ECDSA, 12.3 ms");
    assert_string_equal(seen(CHECK_PKCS11_NONCE), "the first one");
}

static void a_token_without_a_pin_needs_no_login(void **state) {
    (void)state;
    judge(OPENED "step=find\ntook=1\nstep=sign\ntook=1\nstep=verify\ntook=1\n");
    expect(VERDICT_GOOD, 0, NULL);
    assert_string_equal(seen(CHECK_PKCS11_PIN), "not needed");
}

static void each_step_that_fails_is_told_and_none_behind_it(void **state) {
    (void)state;
    static const struct {
        const char *told;
        enum liveness_check check;
    } cases[] = {{"step=load\nfailed=C_Initialize: CKR_GENERAL_ERROR\n", CHECK_PKCS11_MODULE},
                 {"step=load\ntook=1\nstep=open\nfailed=no token\n", CHECK_PKCS11_TOKEN},
                 {OPENED "step=login\npin=refused\nfailed=C_Login: CKR_PIN_INCORRECT\n", CHECK_PKCS11_PIN},
                 {OPENED "step=login\ntook=1\nstep=find\nfailed=no key\n", CHECK_PKCS11_KEY},
                 {FOUND "step=sign\nfailed=C_Sign: CKR_DEVICE_ERROR\n", CHECK_PKCS11_SIGN},
                 {SIGNED "step=verify\nfailed=it does not hold\n", CHECK_PKCS11_SIGNATURE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        judge(cases[i].told);
        EXPECT(VERDICT_UNUSABLE, cases[i].check);
        assert_non_null(strstr(cases[i].told, seen(cases[i].check)));
        assert_int_equal(report.state, LIVENESS_CRITICAL);
    }
    judge(cases[1].told);
    assert_string_equal(seen(CHECK_PKCS11_SIGN), "not reached");
}

static void a_module_that_hangs_or_crashes_is_told_by_its_step(void **state) {
    (void)state;
    question.unended = "killed after 10 s";
    judge(FOUND "step=sign\nmechanism=CKM_ECDSA\n");
    EXPECT(VERDICT_UNUSABLE, CHECK_PKCS11_PROGRAM, CHECK_PKCS11_SIGN);
    assert_string_equal(seen(CHECK_PKCS11_SIGN), "killed after 10 s in it");
    question.unended = "crashed by signal 11";
    judge("");
    EXPECT(VERDICT_UNUSABLE, CHECK_PKCS11_PROGRAM);
    judge("step=lo"); /* a line that was being written */
    EXPECT(VERDICT_UNUSABLE, CHECK_PKCS11_PROGRAM);
    judge(WHOLE); /* in C_Finalize: the signature was made all the same */
    EXPECT(VERDICT_GOOD, CHECK_PKCS11_PROGRAM);
}

static void wrong_pins_are_warned_of_before_the_token_locks(void **state) {
    (void)state;
    static const struct {
        const char *word, *told;
    } flags[] = {{"low", "somebody gave a wrong one since the last good one"},
                 {"final", "one try is left"},
                 {"locked", "it is locked"},
                 {"change", "the token wants it changed"}};
    for (size_t i = 0; i < 4; i++) {
        char told[512];
        snprintf(told, sizeof told, "step=load\ntook=1\nstep=open\npin=%s\n%s", flags[i].word,
                 WHOLE + strlen("step=load\ntook=900\nstep=open\n"));
        judge(told);
        EXPECT(VERDICT_GOOD, CHECK_PKCS11_PIN_TRIES);
        assert_string_equal(seen(CHECK_PKCS11_PIN_TRIES), flags[i].told);
    }
}

static void a_slow_signature_is_warned_of_before_it_is_too_late(void **state) {
    (void)state;
    judge(FOUND "step=sign\ntook=500000\nstep=verify\ntook=1\n");
    expect(VERDICT_GOOD, 0, NULL);
    judge(FOUND "step=sign\ntook=500001\nstep=verify\ntook=1\n");
    EXPECT(VERDICT_GOOD, CHECK_PKCS11_SLOW);
    judge(FOUND "step=sign\ntook=5000001\nstep=verify\ntook=1\n");
    EXPECT(VERDICT_GOOD, CHECK_PKCS11_SLOW, CHECK_PKCS11_TIME);
    assert_true(liveness_policy_set(&policy, SLICE("pkcs11.sign-most"), SLICE("6s"), NULL));
    judge(FOUND "step=sign\ntook=5000001\nstep=verify\ntook=1\n");
    EXPECT(VERDICT_GOOD, CHECK_PKCS11_SLOW);
}

static void a_nonce_that_comes_again_gives_the_key_away(void **state) {
    (void)state;
    question.previous_nonce = "00fe";
    judge(WHOLE);
    expect(VERDICT_GOOD, 0, NULL);
    question.previous_nonce = "00ff";
    judge(WHOLE);
    EXPECT(VERDICT_GOOD, CHECK_PKCS11_NONCE);
    assert_int_equal(report.state, LIVENESS_CRITICAL);
}

static void what_is_no_fact_is_refused_with_its_line(void **state) {
    (void)state;
    static const struct {
        const char *told, *line;
    } cases[] = {{"hello\n", "line 1"},
                 {"step=load\nstep=open\n", "line 2"},
                 {"took=1\n", "line 1"},
                 {"step=load\ntook=1\nstep=load\n", "line 3"},
                 {"step=load\ntook=x\n", "line 2"},
                 {"step=dance\n", "line 1"},
                 {"pin=1234\n", "line 1"},
                 {"failed=\n", "line 1"},
                 {"=\n", "line 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        if (pkcs11_facts_read(slice_string(cases[i].told), &facts, &fault))
            fail_msg("taken: %s", cases[i].told);
        assert_string_equal(fault.place, cases[i].line);
    }
}

static void text_from_outside_is_made_plain(void **state) {
    (void)state;
    char told[1024];
    snprintf(told, sizeof told, "step=load\ntook=1\nstep=open\ntoken=\x1b[31m%0400d\ntook=1\n", 0);
    judge(told);
    assert_int_equal(facts.token[0], '?');
    assert_int_equal(strlen(facts.token), PKCS11_TEXT_SIZE - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_signature_that_holds_is_good, each),
        cmocka_unit_test_setup(a_token_without_a_pin_needs_no_login, each),
        cmocka_unit_test_setup(each_step_that_fails_is_told_and_none_behind_it, each),
        cmocka_unit_test_setup(a_module_that_hangs_or_crashes_is_told_by_its_step, each),
        cmocka_unit_test_setup(wrong_pins_are_warned_of_before_the_token_locks, each),
        cmocka_unit_test_setup(a_slow_signature_is_warned_of_before_it_is_too_late, each),
        cmocka_unit_test_setup(a_nonce_that_comes_again_gives_the_key_away, each),
        cmocka_unit_test_setup(what_is_no_fact_is_refused_with_its_line, each),
        cmocka_unit_test_setup(text_from_outside_is_made_plain, each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
