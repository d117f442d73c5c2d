/* Days that were longer than a day: what explains them, what does not, and what settles it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decision.h"
#include "retention_days.h"
#include "retention_fixture.h"
#include "statement_type.h"

static struct world w;
static uint64_t opened; /* ctl_seq of the day's mark */

/* Three hosts, a day that begins at START with a sign of life of each after ten hours. */
static void make_world(unsigned witnesses) {
    static const char *const hosts[] = {"signer1", "web1", "web2"};
    world_make(&w, witnesses);
    assert_true(world_mark(&w, START));
    opened = world_last(&w);
    for (size_t i = 0; i < 3; i++)
        world_enrol(&w, START, hosts[i]);
    for (size_t i = 0; i < 3; i++)
        world_batch(&w, START + 10 * HOUR, hosts[i], CLASS_ACCESS, 1);
}

static int make_witnessed(void **state) {
    (void)state;
    make_world(1);
    return 0;
}

static int make_unwitnessed(void **state) {
    (void)state;
    make_world(0);
    return 0;
}

static int drop(void **state) {
    (void)state;
    world_drop(&w);
    return 0;
}

static struct day_length length_of(uint64_t day) {
    const struct retention_day *days;
    size_t count = retention_ledger_days(w.ledger, &days);
    for (size_t i = 0; i < count; i++)
        if (days[i].opened.ctl_seq == day)
            return retention_day_length(w.ledger, w.registry, &days[i], &w.clock);
    fail();
    return (struct day_length){.verdict = DAY_GOOD};
}

static void decide(enum decision_kind kind, uint64_t day) {
    char subject[DAY_SUBJECT_SIZE];
    retention_day_subject(day, subject);
    struct decision decision = {.kind = kind, .subject = slice_string(subject)};
    assert_true(decision_write(&w.payload, &decision));
    assert_true(world_add(&w, STATEMENT_DECISION, START + 90 * HOUR, 1));
}

static void a_day_is_a_day_and_an_hour_at_most(void **state) {
    (void)state;
    assert_true(world_mark(&w, START + 25 * HOUR));
    assert_int_equal(length_of(opened).verdict, DAY_GOOD);
    assert_true(world_mark(&w, START + 5 * HOUR)); /* a clock that was set back marks, too */
    assert_int_equal(length_of(world_last(&w) - 1).verdict, DAY_GOOD);
}

static void one_that_stood_still_is_explained(void **state) {
    (void)state;
    assert_true(world_mark(&w, START + 80 * HOUR));
    struct day_length length = length_of(opened);
    assert_int_equal(length.verdict, DAY_PAUSED);
    assert_int_equal(length.us, 80 * HOUR);
    assert_non_null(strstr(length.text, "80 hours apart, 2025-01-01T00:00"));
    assert_non_null(strstr(length.text, "the collector was down"));
}

static void one_that_went_on_without_a_mark_is_found_until_a_person_settles_it(void **state) {
    (void)state;
    world_batch(&w, START + 26 * HOUR, "signer1", CLASS_ACCESS, 1);
    world_batch(&w, START + 26 * HOUR, "web1", CLASS_ACCESS, 1);
    assert_true(world_mark(&w, START + 80 * HOUR));
    world_batch(&w, START + 81 * HOUR, "web2", CLASS_ACCESS, 1);
    assert_int_equal(length_of(opened).verdict, DAY_UNMARKED);
    decide(DECISION_RESOLVE, opened);
    decide(DECISION_ACKNOWLEDGE, opened - 1);
    decide(DECISION_ACKNOWLEDGE, 4711);
    assert_int_equal(length_of(opened).verdict, DAY_UNMARKED);
    decide(DECISION_ACKNOWLEDGE, opened);
    assert_int_equal(length_of(opened).verdict, DAY_SETTLED);
    assert_non_null(strstr(length_of(opened).text, "a person has said"));
}

static void one_clock_that_is_ahead_proves_nothing(void **state) {
    (void)state;
    world_batch(&w, START + 70 * HOUR, "signer1", CLASS_ACCESS, 1);
    assert_true(world_mark(&w, START + 80 * HOUR));
    assert_int_equal(length_of(opened).verdict, DAY_PAUSED);
}

static void what_came_behind_the_closing_mark_is_of_the_next_day(void **state) {
    (void)state;
    assert_true(world_mark(&w, START + 80 * HOUR));
    world_batch(&w, START + 60 * HOUR, "signer1", CLASS_ACCESS, 1); /* kept while the collector was down */
    world_batch(&w, START + 60 * HOUR, "web1", CLASS_ACCESS, 1);
    assert_int_equal(length_of(opened).verdict, DAY_PAUSED);
}

static void witnesses_say_how_long_it_was(void **state) {
    (void)state;
    uint64_t index = w.size;
    assert_true(world_mark(&w, START + 80 * HOUR));
    assert_true(length_of(opened).witnessed);
    w.times[index] = START + 24 * HOUR; /* the collector's clock jumped */
    assert_int_equal(length_of(opened).verdict, DAY_GOOD);
    w.seen = index; /* as long as nobody has seen the mark, its own time counts */
    assert_int_equal(length_of(opened).verdict, DAY_PAUSED);
    assert_non_null(strstr(length_of(opened).text, "by the collector's clock"));
}

#define WITNESSED(test) cmocka_unit_test_setup_teardown(test, make_witnessed, drop)
#define UNWITNESSED(test) cmocka_unit_test_setup_teardown(test, make_unwitnessed, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITNESSED(a_day_is_a_day_and_an_hour_at_most),
        UNWITNESSED(a_day_is_a_day_and_an_hour_at_most),
        WITNESSED(one_that_stood_still_is_explained),
        UNWITNESSED(one_that_stood_still_is_explained),
        WITNESSED(one_that_went_on_without_a_mark_is_found_until_a_person_settles_it),
        UNWITNESSED(one_that_went_on_without_a_mark_is_found_until_a_person_settles_it),
        UNWITNESSED(one_clock_that_is_ahead_proves_nothing),
        UNWITNESSED(what_came_behind_the_closing_mark_is_of_the_next_day),
        WITNESSED(witnesses_say_how_long_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
