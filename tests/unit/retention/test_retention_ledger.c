/* What a control chain says about keeping and erasing, and what makes no sense in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "retention_fixture.h"
#include "statement_type.h"

static struct world w;

static int make(void **state) {
    (void)state;
    world_make(&w, 1);
    return 0;
}

static int drop(void **state) {
    (void)state;
    world_drop(&w);
    return 0;
}

static void expect_refused(bool good, enum fault_code code) {
    assert_false(good);
    assert_int_equal(w.fault.code, code);
}

static const struct hold everything = {.classes = 0x3ff, .until_us = UINT64_MAX};

static void days_lie_between_marks(void **state) {
    (void)state;
    const struct retention_day *days;
    assert_int_equal(retention_ledger_days(w.ledger, &days), 1);
    assert_int_equal(days[0].opened.index, 0);
    assert_int_equal(days[0].closed.index, RETENTION_INDEX_NEVER);
    w.size = 10;
    assert_true(world_mark(&w, START + DAY));
    w.size = 20;
    assert_true(world_mark(&w, START + 2 * DAY));
    assert_int_equal(retention_ledger_days(w.ledger, &days), 3);
    assert_int_equal(days[0].closed.index, 10);
    assert_int_equal(days[0].closed.time_us, START + DAY);
    assert_int_equal(days[1].opened.ctl_seq, 1);
    assert_ptr_equal(retention_ledger_day(w.ledger, 9), &days[0]);
    assert_ptr_equal(retention_ledger_day(w.ledger, 10), &days[1]);
    assert_ptr_equal(retention_ledger_day(w.ledger, 19), &days[1]);
    assert_ptr_equal(retention_ledger_day(w.ledger, 1000), &days[2]);
}

static void policies_are_in_force_from_their_place_on(void **state) {
    (void)state;
    const struct retention_change *changes;
    w.size = 10;
    w.policy.veto_days = 14;
    assert_true(world_policy(&w, START));
    assert_int_equal(retention_ledger_changes(w.ledger, &changes), 2);
    assert_int_equal(retention_ledger_policy(w.ledger, 0)->policy.veto_days, 7);
    assert_int_equal(retention_ledger_policy(w.ledger, 9)->policy.veto_days, 7);
    assert_int_equal(retention_ledger_policy(w.ledger, 10)->policy.veto_days, 14);
    assert_int_equal(retention_ledger_policy(w.ledger, UINT64_MAX)->place.ctl_seq, 1);
    assert_int_equal(retention_ledger_witnesses(w.ledger, 10), 1);
    struct witness_policy none = {.needed = 0};
    assert_true(witness_policy_write(&w.payload, &none));
    assert_true(world_add(&w, STATEMENT_WITNESS_POLICY, START, 2));
    assert_int_equal(retention_ledger_witnesses(w.ledger, 10), 1);
    assert_int_equal(retention_ledger_witnesses(w.ledger, 11), 0);
}

static void a_hold_holds_until_it_is_released_once(void **state) {
    (void)state;
    expect_refused(world_release(&w, START, 1), FAULT_CONFLICT);
    struct hold hold = everything;
    char name[] = "signer1";
    hold.host = slice_string(name);
    assert_true(world_hold(&w, START, &hold));
    uint64_t seq = world_last(&w);
    name[0] = 'x'; /* it was copied */
    const struct retention_hold *held = retention_ledger_hold(w.ledger, seq);
    assert_non_null(held);
    assert_true(slice_equal(held->hold.host, SLICE("signer1")));
    assert_int_equal(held->released, RETENTION_INDEX_NEVER);
    assert_null(retention_ledger_hold(w.ledger, seq + 1));
    struct hold_matched matched = {.hold = seq, .class = 3, .first = 5, .last = 9, .count = 1};
    assert_false(retention_ledger_matched(w.ledger, seq, 3, 5, 9, UINT64_MAX));
    uint64_t index = w.size;
    assert_true(world_matched(&w, START, &matched));
    assert_true(retention_ledger_matched(w.ledger, seq, 3, 5, 9, UINT64_MAX));
    assert_true(retention_ledger_matched(w.ledger, seq, 3, 6, 8, index + 1));
    assert_false(retention_ledger_matched(w.ledger, seq, 3, 5, 9, index));
    assert_false(retention_ledger_matched(w.ledger, seq, 3, 4, 9, UINT64_MAX));
    assert_false(retention_ledger_matched(w.ledger, seq, 3, 5, 10, UINT64_MAX));
    assert_false(retention_ledger_matched(w.ledger, seq, 4, 5, 9, UINT64_MAX));
    assert_true(world_release(&w, START, seq));
    assert_int_equal(retention_ledger_hold(w.ledger, seq)->released, w.size - 1);
    expect_refused(world_release(&w, START, seq), FAULT_CONFLICT);
    expect_refused(world_matched(&w, START, &matched), FAULT_CONFLICT);
    matched.hold = 0; /* the genesis */
    expect_refused(world_matched(&w, START, &matched), FAULT_CONFLICT);
}

static void two_days(void) {
    w.size = 10;
    assert_true(world_mark(&w, START + DAY));
    w.size = 20;
    assert_true(world_mark(&w, START + 2 * DAY));
}

static void an_erasure_lies_in_one_day_that_is_over(void **state) {
    (void)state;
    expect_refused(world_intent(&w, START, 3, 0, 0), FAULT_CONFLICT);
    two_days();
    expect_refused(world_intent(&w, START, 3, 9, 10), FAULT_CONFLICT);
    expect_refused(world_intent(&w, START, 3, 10, 20), FAULT_CONFLICT);
    expect_refused(world_intent(&w, START, 3, 20, 20), FAULT_CONFLICT);
    expect_refused(world_early(&w, START, 3, 0, 30), FAULT_CONFLICT);
    expect_refused(world_intent(&w, START, 10, 10, 19), FAULT_FORMAT);
    expect_refused(world_intent(&w, START, 3, 12, 11), FAULT_FORMAT);
    assert_true(world_intent(&w, START, 3, 10, 19));
    assert_true(world_early(&w, START, 3, 0, 9));
}

static void an_intent_rests_on_the_policy_in_force(void **state) {
    (void)state;
    two_days();
    assert_true(world_policy(&w, START));
    struct erase_intent intent = {.range = {.class = 3, .first = 10, .last = 19}, .policy = 0};
    erase_intent_write(&w.payload, &intent);
    expect_refused(world_add(&w, STATEMENT_ERASE_INTENT, START, 0), FAULT_CONFLICT);
    assert_true(world_intent(&w, START, 3, 10, 19));
}

static void a_beginning_needs_grounds_that_cover_it(void **state) {
    (void)state;
    const struct retention_erasure *erasures;
    two_days();
    assert_true(world_intent(&w, START, 3, 12, 18));
    uint64_t intent = world_last(&w);
    expect_refused(world_begin(&w, START, 3, 12, 18, intent + 1), FAULT_CONFLICT);
    expect_refused(world_begin(&w, START, 3, 12, 18, 0), FAULT_CONFLICT);
    expect_refused(world_begin(&w, START, 4, 12, 18, intent), FAULT_CONFLICT);
    expect_refused(world_begin(&w, START, 3, 11, 18, intent), FAULT_CONFLICT);
    expect_refused(world_begin(&w, START, 3, 12, 19, intent), FAULT_CONFLICT);
    struct erase_begun other_key = {.range = {.class = 3, .first = 12, .last = 18}, .grounds = intent};
    other_key.range.key_id = sha256_of(SLICE("another key"));
    erase_begun_write(&w.payload, &other_key);
    expect_refused(world_add(&w, STATEMENT_ERASE_BEGUN, START, 0), FAULT_CONFLICT);
    /* They are remembered all the same, to be judged. */
    assert_int_equal(retention_ledger_erasures(w.ledger, &erasures), 6);
    assert_true(world_begin(&w, START, 3, 12, 18, intent));
    uint64_t begun = world_last(&w);
    assert_int_equal(retention_ledger_erasure(w.ledger, begun)->done, RETENTION_INDEX_NEVER);
    assert_true(world_done(&w, START, begun));
    assert_int_equal(retention_ledger_erasure(w.ledger, begun)->done, w.size - 1);
    expect_refused(world_done(&w, START, begun), FAULT_CONFLICT);
    expect_refused(world_done(&w, START, intent), FAULT_CONFLICT);
    /* What is gone does not go again. */
    expect_refused(world_begin(&w, START, 3, 12, 18, intent), FAULT_CONFLICT);
    expect_refused(world_veto(&w, START, intent), FAULT_CONFLICT);
}

static void what_was_vetoed_does_not_begin(void **state) {
    (void)state;
    two_days();
    expect_refused(world_veto(&w, START, 1), FAULT_CONFLICT);
    assert_true(world_intent(&w, START, 3, 10, 19));
    uint64_t intent = world_last(&w);
    assert_true(world_veto(&w, START, intent));
    expect_refused(world_veto(&w, START, intent), FAULT_CONFLICT);
    expect_refused(world_begin(&w, START, 3, 10, 19, intent), FAULT_CONFLICT);
    /* People may erase it still. */
    assert_true(world_early(&w, START, 3, 10, 19));
    assert_true(world_begin(&w, START, 3, 10, 19, world_last(&w)));
}

static void a_host_that_comes_back_lives_anew(void **state) {
    (void)state;
    struct slice host = SLICE("signer1");
    assert_null(retention_ledger_farewell(w.ledger, host, 0, UINT64_MAX));
    w.size = 10;
    assert_true(world_decommission(&w, START, "signer1"));
    w.size = 20;
    assert_true(world_decommission(&w, START + DAY, "signer1"));
    assert_int_equal(retention_ledger_farewell(w.ledger, host, 5, UINT64_MAX)->place.index, 10);
    assert_int_equal(retention_ledger_farewell(w.ledger, host, 15, UINT64_MAX)->place.index, 20);
    assert_null(retention_ledger_farewell(w.ledger, host, 15, 20));
    assert_null(retention_ledger_farewell(w.ledger, host, 25, UINT64_MAX));
    assert_null(retention_ledger_farewell(w.ledger, SLICE("signer2"), 5, UINT64_MAX));
}

static void entries_come_in_order_from_the_genesis_on(void **state) {
    (void)state;
    struct retention_ledger *ledger = retention_ledger_create();
    struct control_verdict verdict = {.people = 0};
    struct control_entry mark = {.statement.statement.type = STATEMENT_DAY_MARK};
    assert_false(retention_ledger_add(ledger, 0, &mark, &verdict, NULL));
    assert_false(retention_ledger_add(w.ledger, 0, &mark, &verdict, NULL));
    assert_true(retention_ledger_add(w.ledger, 1, &mark, &verdict, NULL));
    assert_false(retention_ledger_add(w.ledger, 1, &mark, &verdict, NULL));
    retention_ledger_destroy(ledger);
    assert_null(retention_ledger_destroy(NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(days_lie_between_marks),
        TEST(policies_are_in_force_from_their_place_on),
        TEST(a_hold_holds_until_it_is_released_once),
        TEST(an_erasure_lies_in_one_day_that_is_over),
        TEST(an_intent_rests_on_the_policy_in_force),
        TEST(a_beginning_needs_grounds_that_cover_it),
        TEST(what_was_vetoed_does_not_begin),
        TEST(a_host_that_comes_back_lives_anew),
        TEST(entries_come_in_order_from_the_genesis_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
