/* Terms over the calendar, what standards ask, what holds match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "calendar.h"
#include "hold_match.h"
#include "retention_standard.h"
#include "retention_term.h"

static uint64_t at(const char *time) {
    uint64_t time_us = 0;
    assert_true(calendar_parse(slice_string(time), &time_us));
    return time_us;
}

static void expect_months(const char *since, unsigned months, const char *until) {
    assert_int_equal(retention_months_after(at(since), months), at(until));
}

static void months_are_calendar_months_and_clamped(void **state) {
    (void)state;
    expect_months("2026-08-31T12:00:00Z", 6, "2027-02-28T12:00:00Z");
    expect_months("2027-08-31T12:00:00Z", 6, "2028-02-29T12:00:00Z");
    expect_months("2099-08-31T00:00:00Z", 6, "2100-02-28T00:00:00Z");
    expect_months("2026-01-31T23:59:59.999999Z", 1, "2026-02-28T23:59:59.999999Z");
    expect_months("2026-12-15T00:00:00Z", 1, "2027-01-15T00:00:00Z");
    expect_months("2026-12-31T00:00:00Z", 12, "2027-12-31T00:00:00Z");
    expect_months("2024-02-29T00:00:00Z", 12, "2025-02-28T00:00:00Z");
    expect_months("2024-02-29T00:00:00Z", 48, "2028-02-29T00:00:00Z");
    expect_months("2026-05-31T01:02:03Z", 0, "2026-05-31T01:02:03Z");
    expect_months("2026-10-31T01:02:03Z", 13, "2027-11-30T01:02:03Z");
}

static void what_lies_past_the_calendar_never_comes(void **state) {
    (void)state;
    assert_int_equal(retention_months_after(RETENTION_NEVER, 0), RETENTION_NEVER);
    assert_int_equal(retention_months_after(at("9999-12-01T00:00:00Z"), 1), RETENTION_NEVER);
    assert_int_equal(retention_months_after(UINT64_MAX - 1, 1), RETENTION_NEVER);
    expect_months("9999-11-30T00:00:00Z", 1, "9999-12-30T00:00:00Z");
    assert_int_equal(retention_months_after(at("2026-01-01T00:00:00Z"), UINT16_MAX),
                     at("7487-04-01T00:00:00Z"));
}

static void terms_end_when_they_say(void **state) {
    (void)state;
    uint64_t since = at("2026-01-01T00:00:00Z"), life = at("2030-06-30T00:00:00Z");
    struct term months = {TERM_MONTHS, 6}, system = {TERM_SYSTEM_LIFE, 12}, ever = {TERM_INDEFINITE, 0};
    assert_int_equal(retention_term_end(months, since, RETENTION_NEVER), at("2026-07-01T00:00:00Z"));
    assert_int_equal(retention_term_end(system, since, life), at("2031-06-30T00:00:00Z"));
    assert_int_equal(retention_term_end(system, since, RETENTION_NEVER), RETENTION_NEVER);
    /* A host that was gone before: the term counts from the day itself. */
    assert_int_equal(retention_term_end(system, since, 0), at("2027-01-01T00:00:00Z"));
    assert_int_equal(retention_term_end(ever, since, life), RETENTION_NEVER);
}

static void terms_are_read_as_people_write_them(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum term_kind kind;
        unsigned months;
        const char *again;
    } good[] = {
        {"24m", TERM_MONTHS, 24, "24 months"},
        {"2y", TERM_MONTHS, 24, "24 months"},
        {"1 month", TERM_MONTHS, 1, "1 month"},
        {" 6 Months ", TERM_MONTHS, 6, "6 months"},
        {"life", TERM_SYSTEM_LIFE, 0, "system life"},
        {"system life + 12 months", TERM_SYSTEM_LIFE, 12, "system life + 12 months"},
        {"life+1y", TERM_SYSTEM_LIFE, 12, "system life + 12 months"},
        {"forever", TERM_INDEFINITE, 0, "for ever"},
        {"for ever", TERM_INDEFINITE, 0, "for ever"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct term term;
        char text[TERM_TEXT_SIZE];
        assert_true(retention_term_parse(slice_string(good[i].text), &term, NULL));
        assert_int_equal(term.kind, good[i].kind);
        assert_int_equal(term.months, good[i].months);
        retention_term_text(term, text);
        assert_string_equal(text, good[i].again);
    }
    static const char *const bad[] = {
        "",        " ",     "m",          "24",    "24d",   "-1m", "65536m", "6000y", "99999999999999999999m",
        "life-1m", "life+", "forever 1m", "6m 6m", "months"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct term term;
        struct fault fault = {0};
        assert_false(retention_term_parse(slice_string(bad[i]), &term, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
    }
}

/* ---- standards */

static void the_shipped_table_is_the_security_manuals(void **state) {
    (void)state;
    struct retention_policy shipped = retention_policy_shipped(), again;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(1024);
    assert_true(retention_policy_write(&bytes, &shipped));
    struct bytes_reader reader = bytes_read(buffer_slice(&bytes));
    assert_true(retention_policy_read(&reader, &again, NULL) && bytes_read_done(&reader));
    assert_int_equal(shipped.veto_days, 7);
    for (unsigned class = 0; class < CLASSES; class ++)
        assert_true(shipped.classes[class].there);
    assert_int_equal(retention_check(&shipped, STANDARD_SECURITY_MANUAL, NULL, 0), 0);
}

/* Of the Baseline Requirements, but for those with a condition. */
static size_t short_always(const struct retention_policy *policy, struct retention_shortfall *found) {
    size_t all = retention_check(policy, STANDARD_CABF_BR, found, RETENTION_SHORTFALLS_MOST), count = 0;
    for (size_t i = 0; i < all; i++)
        if (!found[i].requirement->where)
            found[count++] = found[i];
    return count;
}

static void a_table_is_told_where_it_falls_short(void **state) {
    (void)state;
    struct retention_shortfall found[RETENTION_SHORTFALLS_MOST];
    struct retention_policy policy = retention_policy_shipped();
    /* Half a year for security events; nothing behind the certificate's end for certificates' life; a host that goes a day after
     * it was set up takes its configuration changes with it. */
    static const enum event_class short_of[] = {CLASS_NETWORK,     CLASS_SYSTEM,    CLASS_ACCESS,
                                                CLASS_APPLICATION, CLASS_SIGNING,   CLASS_CONFIGURATION,
                                                CLASS_ISSUED,      CLASS_REVOCATION};
    assert_int_equal(short_always(&policy, found), sizeof short_of / sizeof *short_of);
    for (size_t i = 0; i < sizeof short_of / sizeof *short_of; i++) {
        assert_int_equal(found[i].requirement->class, short_of[i]);
        assert_int_equal(found[i].lack, LACK_MINIMUM);
        assert_non_null(found[i].requirement->source);
    }
    assert_int_equal(found[0].is.months, 6);
    for (unsigned class = 0; class < CLASSES; class ++)
        policy.classes[class].minimum = policy.classes[class].maximum = (struct term){TERM_MONTHS, 38};
    assert_int_equal(short_always(&policy, found), 0);
    policy.classes[CLASS_REVOCATION].minimum.months = 37;
    assert_int_equal(short_always(&policy, found), 1);
    policy.classes[CLASS_REVOCATION].minimum = (struct term){TERM_SYSTEM_LIFE, 37};
    assert_int_equal(short_always(&policy, found), 1);
    policy.classes[CLASS_REVOCATION].minimum.months = 38;
    assert_int_equal(short_always(&policy, found), 0);
    /* What is kept for ever satisfies every minimum and no maximum. */
    struct retention_policy none = {.veto_days = 1};
    assert_int_equal(retention_check(&none, STANDARD_CABF_BR, NULL, 0), 0);
    assert_int_equal(retention_check(&none, STANDARD_SECURITY_MANUAL, found, 2),
                     9); /* reports are for ever */
    assert_int_equal(found[0].lack, LACK_MAXIMUM);
}

static void what_a_standard_asks_under_a_condition_says_so(void **state) {
    (void)state;
    struct retention_shortfall found[RETENTION_SHORTFALLS_MOST];
    struct retention_policy policy = {.veto_days = 7};
    for (unsigned class = 0; class < CLASSES; class ++) {
        policy.classes[class].there = true;
        policy.classes[class].minimum = policy.classes[class].maximum = (struct term){TERM_MONTHS, 120};
    }
    /* Ten years after the event are nothing certain behind the end of a CA's key. */
    static const enum event_class of_a_key[] = {CLASS_SIGNING, CLASS_CONFIGURATION, CLASS_ISSUED,
                                                CLASS_REVOCATION};
    assert_int_equal(retention_check(&policy, STANDARD_CABF_BR, found, RETENTION_SHORTFALLS_MOST), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(found[i].requirement->class, of_a_key[i]);
        assert_non_null(found[i].requirement->where);
        policy.classes[of_a_key[i]].minimum = policy.classes[of_a_key[i]].maximum =
            (struct term){TERM_SYSTEM_LIFE, 24};
    }
    /* Of "system life + 24 months" 24 months are certain, and a subscriber's certificate may live longer. */
    assert_int_equal(short_always(&policy, found), 3);
    for (size_t i = 0; i < 4; i++)
        policy.classes[of_a_key[i]].minimum.months = policy.classes[of_a_key[i]].maximum.months = 38;
    assert_int_equal(retention_check(&policy, STANDARD_CABF_BR, found, RETENTION_SHORTFALLS_MOST), 0);
}

static void standards_have_names(void **state) {
    (void)state;
    enum retention_standard standard;
    assert_true(retention_standard_by_name(SLICE("cabf-br"), &standard));
    assert_int_equal(standard, STANDARD_CABF_BR);
    assert_true(retention_standard_by_name(SLICE("security-manual"), &standard));
    assert_string_equal(retention_standard_name(standard), "security-manual");
    assert_false(retention_standard_by_name(SLICE("cabf"), &standard));
    assert_false(retention_standard_by_name(SLICE(""), &standard));
}

/* ---- holds */

static void a_hold_matches_by_host_class_and_time(void **state) {
    (void)state;
    struct hold hold = {
        .host = SLICE("signer1"), .classes = 1u << 3 | 1u << 5, .from_us = 100, .until_us = 200};
    struct slice host = SLICE("signer1"), other = SLICE("signer10"), unknown = {NULL, 0};
    assert_true(hold_could_match(&hold, host, 3, 0, 100));
    assert_true(hold_could_match(&hold, host, 5, 200, 300));
    assert_true(hold_could_match(&hold, host, 5, 0, 1000));
    assert_false(hold_could_match(&hold, host, 5, 0, 99));
    assert_false(hold_could_match(&hold, host, 5, 201, 300));
    assert_false(hold_could_match(&hold, host, 4, 100, 200));
    assert_false(hold_could_match(&hold, other, 3, 100, 200));
    assert_true(hold_could_match(&hold, unknown, 3, 100, 200));
    assert_false(hold_could_match(&hold, host, 19, 100, 200));
    hold.host = SLICE("");
    assert_true(hold_could_match(&hold, other, 3, 100, 200));
    assert_true(hold_matches_event(&hold, other, 3, 200));
    assert_false(hold_matches_event(&hold, other, 3, 201));
}

static void the_root_of_what_a_hold_took_is_over_its_places(void **state) {
    (void)state;
    struct hash one = sha256_of(SLICE("one")), two = sha256_of(SLICE("two"));
    static struct hold_root root;
    hold_root_begin(&root);
    struct hash empty = merkle_empty(), end = hold_root_end(&root);
    assert_true(hash_equal(&end, &empty));
    assert_true(hold_root_add(&root, 7, 3, 2, &one));
    assert_false(hold_root_add(&root, 7, 3, 2, &two)); /* the same place twice */
    assert_false(hold_root_add(&root, 7, 3, 1, &two));
    assert_false(hold_root_add(&root, 7, 2, 9, &two));
    assert_false(hold_root_add(&root, 6, 9, 9, &two));
    assert_true(hold_root_add(&root, 7, 4, 0, &two));
    /* By hand. */
    static const uint8_t first[] = {0, 0, 0, 0, 0, 0, 0, 7, 3, 0, 0, 0, 2},
                         second[] = {0, 0, 0, 0, 0, 0, 0, 7, 4, 0, 0, 0, 0};
    uint8_t text[13 + HASH_SIZE];
    memcpy(text, first, 13);
    memcpy(text + 13, one.bytes, HASH_SIZE);
    struct hash left = merkle_leaf(slice_make(text, sizeof text));
    memcpy(text, second, 13);
    memcpy(text + 13, two.bytes, HASH_SIZE);
    struct hash right = merkle_leaf(slice_make(text, sizeof text)), due = merkle_node(&left, &right);
    end = hold_root_end(&root);
    assert_true(hash_equal(&end, &due));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(months_are_calendar_months_and_clamped),
        cmocka_unit_test(what_lies_past_the_calendar_never_comes),
        cmocka_unit_test(terms_end_when_they_say),
        cmocka_unit_test(terms_are_read_as_people_write_them),
        cmocka_unit_test(the_shipped_table_is_the_security_manuals),
        cmocka_unit_test(a_table_is_told_where_it_falls_short),
        cmocka_unit_test(what_a_standard_asks_under_a_condition_says_so),
        cmocka_unit_test(standards_have_names),
        cmocka_unit_test(a_hold_matches_by_host_class_and_time),
        cmocka_unit_test(the_root_of_what_a_hold_took_is_over_its_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
