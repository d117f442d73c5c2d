/* Units: when they may go, when they must, what keeps them, and whether they went lawfully. Every way to erase early that a
 * verifier must catch is here, with the lawful way beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "retention_fixture.h"
#include "statement_type.h"

#define ACCESS 3
#define FIRST 1u /* the day's opening mark */
#define LAST 7u  /* its last entry: its closing mark stands at 8 */

static struct world w;

/* Two hosts, one day (1 January 2025) with three batches, and signs of life of later. */
static void make_world(unsigned witnesses) {
    world_make(&w, witnesses);
    assert_true(world_mark(&w, START));
    world_enrol(&w, START, "signer1");
    world_enrol(&w, START, "web1");
    world_enrol(&w, START, "web2");
    world_batch(&w, START + 10 * HOUR, "signer1", ACCESS, 5);
    world_batch(&w, START + 12 * HOUR, "web1", ACCESS, 2);
    world_batch(&w, START + 13 * HOUR, "web1", CLASS_CONFIGURATION, 1);
    assert_int_equal(w.size, LAST + 1);
    assert_true(world_mark(&w, START + DAY));
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

/* All agents live at that time. */
static void alive(uint64_t time_us) {
    world_batch(&w, time_us, "signer1", CLASS_SIGNING, 1);
    world_batch(&w, time_us, "web1", CLASS_SYSTEM, 1);
    world_batch(&w, time_us, "web2", CLASS_SYSTEM, 1);
}

static struct retention_span span_of(uint8_t class) {
    struct retention_unit *unit = world_unit(&w, class, FIRST, LAST);
    struct retention_span span = retention_unit_span(unit, &w.clock, w.size);
    retention_unit_destroy(unit);
    return span;
}

static struct retention_plan plan_of(uint8_t class, uint64_t now_us) {
    struct retention_unit *unit = world_unit(&w, class, FIRST, LAST);
    struct retention_now now = world_now(&w, now_us);
    struct retention_plan plan;
    retention_unit_plan(unit, &w.clock, &now, &plan);
    retention_unit_destroy(unit);
    return plan;
}

static enum retention_state state_at(uint64_t now_us) {
    return plan_of(ACCESS, now_us).state;
}

static struct erasure_judgement judgement_of(uint64_t begun) {
    struct retention_unit *unit = world_unit(&w, ACCESS, FIRST, LAST);
    struct erasure_judgement judgement;
    retention_unit_judge(unit, retention_ledger_erasure(w.ledger, begun), &w.clock, &judgement);
    retention_unit_destroy(unit);
    assert_true(judgement.text[0] != '\0');
    return judgement;
}

static enum erasure_verdict verdict_of(uint64_t begun) {
    return judgement_of(begun).verdict;
}

/* Begins it, whatever the ledger says of that, and asks for the verdict. */
static enum erasure_verdict begun_at(uint64_t time_us, uint64_t grounds) {
    world_begin(&w, time_us, ACCESS, FIRST, LAST, grounds);
    return verdict_of(world_last(&w));
}

static uint64_t intend(uint64_t time_us) {
    assert_true(world_intent(&w, time_us, ACCESS, FIRST, LAST));
    return world_last(&w);
}

#define MAXIMUM                                                                                              \
    (at("2026-01-01T00:00:00Z") + 3 * SECOND) /* 12 months behind the opening mark, latest cosignature */
#define MINIMUM (at("2025-07-02T00:00:00Z") + 3 * SECOND) /* 6 months behind the closing one */

/* ---- spans */

static void the_minimum_counts_from_the_closing_mark_and_the_maximum_from_the_opening_one(void **state) {
    (void)state;
    struct retention_span span = span_of(ACCESS);
    assert_true(span.closed && span.witnessed && !span.shortened);
    assert_int_equal(span.closed_us, START + DAY + 3 * SECOND);
    assert_int_equal(span.opened_us, START + 3 * SECOND);
    assert_int_equal(span.earliest_us, MINIMUM);
    assert_int_equal(span.latest_us, MAXIMUM);
}

static void nothing_counts_before_the_day_is_over_and_witnessed(void **state) {
    (void)state;
    w.seen = LAST + 1; /* not the closing mark */
    assert_false(span_of(ACCESS).closed);
    assert_int_equal(span_of(ACCESS).earliest_us, RETENTION_NEVER);
    assert_int_equal(state_at(at("2099-01-01T00:00:00Z")), RETENTION_OPEN);
    w.seen++;
    assert_true(span_of(ACCESS).closed);
    /* As the log stood before the closing mark. */
    struct retention_unit *unit = world_unit(&w, ACCESS, FIRST, LAST);
    assert_false(retention_unit_span(unit, &w.clock, LAST + 1).closed);
    assert_false(retention_unit_span(unit, &w.clock, 0).closed);
    retention_unit_destroy(unit);
    /* A unit over two days has no span. */
    unit = world_unit(&w, ACCESS, FIRST, LAST + 1);
    assert_false(retention_unit_span(unit, &w.clock, w.size).closed);
    retention_unit_destroy(unit);
}

static void a_unit_counts_its_own_events_alone(void **state) {
    (void)state;
    struct retention_unit *unit = world_unit(&w, ACCESS, FIRST, LAST);
    struct retention_batch outside = w.batches[0], empty = w.batches[0];
    outside.index = LAST + 1;
    empty.count = 0;
    retention_unit_add(unit, &outside);
    retention_unit_add(unit, &empty);
    assert_int_equal(retention_unit_events(unit), 7);
    assert_int_equal(retention_unit_batches(unit), 2);
    retention_unit_destroy(unit);
    assert_null(retention_unit_destroy(NULL));
}

static void of_two_policies_the_longer_minimum_is_in_force(void **state) {
    (void)state;
    w.policy.classes[ACCESS].minimum.months = 1;
    w.policy.classes[ACCESS].maximum.months = 2;
    assert_true(world_policy(&w, START + 2 * DAY));
    struct retention_span span = span_of(ACCESS);
    assert_true(span.shortened);
    assert_int_equal(span.earliest_us, MINIMUM);
    assert_int_equal(span.latest_us, MINIMUM); /* no maximum before it */
    w.policy.classes[ACCESS].minimum.months = 24;
    w.policy.classes[ACCESS].maximum.months = 36;
    assert_true(world_policy(&w, START + 3 * DAY));
    span = span_of(ACCESS);
    assert_false(span.shortened);
    assert_int_equal(span.earliest_us, at("2027-01-02T00:00:00Z") + 3 * SECOND);
    assert_int_equal(span.latest_us, at("2028-01-01T00:00:00Z") + 3 * SECOND);
    /* As it was before the change. */
    struct retention_unit *unit = world_unit(&w, ACCESS, FIRST, LAST);
    assert_int_equal(retention_unit_span(unit, &w.clock, LAST + 2).earliest_us, MINIMUM);
    retention_unit_destroy(unit);
}

static void a_policy_that_was_in_force_for_a_part_of_the_day_counts(void **state) {
    (void)state;
    world_drop(&w);
    world_make(&w, 1);
    assert_true(world_mark(&w, START));
    w.policy.classes[ACCESS].minimum.months = 10;
    assert_true(world_policy(&w, START + HOUR));
    w.policy.classes[ACCESS].minimum.months = 6;
    assert_true(world_policy(&w, START + 2 * HOUR));
    w.size = LAST + 1;
    assert_true(world_mark(&w, START + DAY));
    assert_int_equal(span_of(ACCESS).earliest_us, at("2025-11-02T00:00:00Z") + 3 * SECOND);
}

static void a_class_that_no_policy_names_is_kept_for_ever(void **state) {
    (void)state;
    w.policy.classes[ACCESS].there = false;
    assert_true(world_policy(&w, START + 2 * DAY));
    assert_int_equal(span_of(ACCESS).earliest_us, RETENTION_NEVER);
    assert_int_equal(span_of(ACCESS).latest_us, RETENTION_NEVER);
    assert_int_equal(state_at(at("9000-01-01T00:00:00Z")), RETENTION_KEPT);
    assert_int_equal(span_of(CLASS_REPORT).earliest_us, RETENTION_NEVER);
}

static void system_life_ends_with_the_last_host_of_the_unit(void **state) {
    (void)state;
    assert_int_equal(span_of(CLASS_CONFIGURATION).earliest_us, RETENTION_NEVER);
    assert_true(world_decommission(&w, at("2027-03-31T00:00:00Z"), "signer1"));
    assert_int_equal(span_of(CLASS_CONFIGURATION).earliest_us, RETENTION_NEVER);
    assert_true(world_decommission(&w, at("2028-02-29T00:00:00Z"), "web1"));
    struct retention_span span = span_of(CLASS_CONFIGURATION);
    assert_int_equal(span.earliest_us, at("2028-02-29T00:00:00Z") + 3 * SECOND);
    assert_int_equal(span.latest_us, at("2029-02-28T00:00:00Z") + 3 * SECOND);
    /* A stream that nobody enrolled lives for ever. */
    w.batches[2].stream = sha256_of(SLICE("somebody"));
    assert_int_equal(span_of(CLASS_CONFIGURATION).earliest_us, RETENTION_NEVER);
}

/* ---- the way of an erasure */

static void under_the_policy_it_goes_by_intent_window_and_beginning(void **state) {
    (void)state;
    const uint64_t window = 7 * DAY;
    assert_int_equal(state_at(MINIMUM - 1), RETENTION_KEPT);
    assert_int_equal(plan_of(ACCESS, MINIMUM - 1).until_us, MINIMUM);
    assert_int_equal(state_at(MINIMUM), RETENTION_FREE);
    assert_int_equal(plan_of(ACCESS, MINIMUM).until_us, MAXIMUM - window);
    assert_int_equal(state_at(MAXIMUM - window - 1), RETENTION_FREE);
    assert_int_equal(state_at(MAXIMUM - window), RETENTION_DUE);
    assert_false(plan_of(ACCESS, MAXIMUM - 1).overdue);
    assert_true(plan_of(ACCESS, MAXIMUM).overdue);
    uint64_t intent = intend(MAXIMUM - window), end = MAXIMUM + 3 * SECOND;
    struct retention_plan plan = plan_of(ACCESS, end - 1);
    assert_int_equal(plan.state, RETENTION_INTENDED);
    assert_int_equal(plan.until_us, end);
    plan = plan_of(ACCESS, end);
    assert_int_equal(plan.state, RETENTION_READY);
    assert_int_equal(plan.grounds, intent);
    w.seen = w.size; /* the beginning is not witnessed yet */
    assert_true(world_begin(&w, end, ACCESS, FIRST, LAST, intent));
    uint64_t begun = world_last(&w);
    assert_int_equal(verdict_of(begun), ERASURE_UNCONFIRMED);
    plan = plan_of(ACCESS, end);
    assert_int_equal(plan.state, RETENTION_BEGUN);
    assert_false(plan.confirmed);
    w.seen = UINT64_MAX;
    assert_int_equal(verdict_of(begun), ERASURE_LAWFUL);
    plan = plan_of(ACCESS, end);
    assert_true(plan.confirmed);
    assert_int_equal(plan.erasure, begun);
    assert_true(world_done(&w, end, begun));
    assert_int_equal(state_at(end), RETENTION_ERASED);
    assert_int_equal(verdict_of(begun), ERASURE_LAWFUL);
    assert_false(judgement_of(begun).unwitnessed || judgement_of(begun).single_control);
}

static void an_intent_that_no_witness_saw_starts_no_window(void **state) {
    (void)state;
    w.seen = w.size;
    intend(MAXIMUM - 7 * DAY);
    assert_int_equal(state_at(at("2030-01-01T00:00:00Z")), RETENTION_INTENDED);
    assert_int_equal(plan_of(ACCESS, MAXIMUM).until_us, RETENTION_NEVER);
}

static void without_intent_it_is_unlawful(void **state) {
    (void)state;
    assert_int_equal(begun_at(MAXIMUM + DAY, 1), ERASURE_WITHOUT_GROUNDS);
    assert_int_equal(begun_at(MAXIMUM + DAY, 99), ERASURE_WITHOUT_GROUNDS);
    /* An intent for another class, or for less. */
    assert_true(world_intent(&w, MAXIMUM - 7 * DAY, CLASS_SYSTEM, FIRST, LAST));
    assert_int_equal(begun_at(MAXIMUM + DAY, world_last(&w)), ERASURE_WITHOUT_GROUNDS);
    assert_true(world_intent(&w, MAXIMUM - 7 * DAY, ACCESS, FIRST + 1, LAST));
    assert_int_equal(begun_at(MAXIMUM + DAY, world_last(&w)), ERASURE_WITHOUT_GROUNDS);
    /* One that comes later than the beginning. */
    uint64_t next = w.ctl_seq + 1;
    world_begin(&w, MAXIMUM + DAY, ACCESS, FIRST, LAST, next);
    uint64_t begun = world_last(&w);
    assert_int_equal(intend(MAXIMUM - 7 * DAY), next);
    assert_int_equal(verdict_of(begun), ERASURE_WITHOUT_GROUNDS);
}

static void before_the_minimum_it_is_unlawful_whoever_signs(void **state) {
    (void)state;
    assert_true(world_early(&w, MINIMUM - DAY, ACCESS, FIRST, LAST));
    uint64_t early = world_last(&w);
    assert_int_equal(state_at(MINIMUM - 2 * SECOND), RETENTION_KEPT);
    assert_int_equal(begun_at(MINIMUM - 2 * SECOND, early), ERASURE_BEFORE_MINIMUM);
    assert_int_equal(state_at(MINIMUM), RETENTION_READY);
    assert_int_equal(begun_at(MINIMUM - SECOND, early), ERASURE_LAWFUL); /* cosigned a second later */
    assert_int_equal(begun_at(MINIMUM, early), ERASURE_LAWFUL);
}

static void between_minimum_and_maximum_people_must_sign(void **state) {
    (void)state;
    uint64_t intent = intend(MINIMUM);
    assert_int_equal(begun_at(MAXIMUM - DAY, intent), ERASURE_BEFORE_MAXIMUM);
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_LAWFUL);
}

static void before_the_veto_windows_end_it_is_unlawful(void **state) {
    (void)state;
    uint64_t intent = intend(MAXIMUM + DAY); /* late */
    assert_int_equal(begun_at(MAXIMUM + 8 * DAY, intent), ERASURE_BEFORE_VETO_END);
    assert_int_equal(begun_at(MAXIMUM + 8 * DAY + 2 * SECOND, intent), ERASURE_LAWFUL);
    /* A window made shorter after the intent keeps its length; one made longer gets it. */
    w.policy.veto_days = 1;
    assert_true(world_policy(&w, MAXIMUM + 2 * DAY));
    assert_int_equal(begun_at(MAXIMUM + 7 * DAY, intent), ERASURE_BEFORE_VETO_END);
    w.policy.veto_days = 30;
    assert_true(world_policy(&w, MAXIMUM + 2 * DAY));
    assert_int_equal(begun_at(MAXIMUM + 10 * DAY, intent), ERASURE_BEFORE_VETO_END);
    assert_int_equal(begun_at(MAXIMUM + 32 * DAY, intent), ERASURE_LAWFUL);
}

static void a_veto_stops_it(void **state) {
    (void)state;
    uint64_t intent = intend(MAXIMUM - 7 * DAY);
    assert_true(world_veto(&w, MAXIMUM - 6 * DAY, intent));
    assert_int_equal(state_at(MAXIMUM + 30 * DAY), RETENTION_VETOED);
    assert_int_equal(begun_at(MAXIMUM + 30 * DAY, intent), ERASURE_VETOED);
    /* People can overrule it together. */
    assert_true(world_early(&w, MAXIMUM + 31 * DAY, ACCESS, FIRST, LAST));
    uint64_t early = world_last(&w);
    assert_int_equal(state_at(MAXIMUM + 31 * DAY), RETENTION_READY);
    assert_int_equal(begun_at(MAXIMUM + 31 * DAY, early), ERASURE_LAWFUL);
    assert_true(world_veto(&w, MAXIMUM + 31 * DAY, early));
    assert_int_equal(begun_at(MAXIMUM + 32 * DAY, early), ERASURE_VETOED);
}

static void a_policy_shortened_and_then_used_is_found(void **state) {
    (void)state;
    w.policy.classes[ACCESS].minimum.months = w.policy.classes[ACCESS].maximum.months = 1;
    w.policy.veto_days = 0;
    assert_true(world_policy(&w, START + 40 * DAY));
    uint64_t intent = intend(START + 40 * DAY);
    assert_int_equal(state_at(START + 50 * DAY), RETENTION_KEPT);
    assert_int_equal(begun_at(START + 50 * DAY, intent), ERASURE_POLICY_SHORTENED);
}

static void a_clock_that_jumps_two_years_reaches_no_maximum(void **state) {
    (void)state;
    const uint64_t real = START + 30 * DAY, jumped = real + 730 * DAY;
    struct retention_unit *unit = world_unit(&w, ACCESS, FIRST, LAST);
    struct retention_now now = {.clock_us = jumped, .witnessed_us = real, .log_size = w.size};
    struct retention_plan plan;
    retention_unit_plan(unit, &w.clock, &now, &plan);
    assert_int_equal(plan.state, RETENTION_KEPT);
    retention_unit_destroy(unit);
    uint64_t intent = intend(jumped);
    w.times[w.size - 1] = real; /* as witnesses have it */
    world_begin(&w, jumped, ACCESS, FIRST, LAST, intent);
    w.times[w.size - 1] = real;
    assert_int_equal(verdict_of(world_last(&w)), ERASURE_CLOCK_JUMPED);
    /* The same behind the minimum. */
    world_begin(&w, jumped, ACCESS, FIRST, LAST, intent);
    w.times[w.size - 1] = MINIMUM + DAY;
    assert_int_equal(verdict_of(world_last(&w)), ERASURE_CLOCK_JUMPED);
}

/* ---- holds */

static uint64_t hold(const char *host, uint64_t from_us, uint64_t until_us) {
    struct hold placed = {
        .host = slice_string(host), .classes = 1u << ACCESS, .from_us = from_us, .until_us = until_us};
    assert_true(world_hold(&w, START + 30 * DAY, &placed));
    return world_last(&w);
}

static void a_hold_keeps_what_it_could_match(void **state) {
    (void)state;
    uint64_t held = hold("signer1", START + 9 * HOUR, START + 9 * HOUR);
    uint64_t intent = intend(MAXIMUM - 8 * DAY);
    struct retention_plan plan = plan_of(ACCESS, MAXIMUM);
    assert_int_equal(plan.state, RETENTION_HELD);
    assert_int_equal(plan.hold, held);
    assert_false(plan.confirmed);
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_UNDER_HOLD);
    assert_int_equal(judgement_of(world_last(&w)).hold, held);
    /* Its matching says what stays; the rest may go. */
    struct hold_matched matched = {.hold = held, .class = ACCESS, .first = FIRST, .last = LAST, .count = 1};
    w.seen = w.size;
    assert_true(world_matched(&w, MAXIMUM, &matched));
    plan = plan_of(ACCESS, MAXIMUM);
    assert_int_equal(plan.state, RETENTION_HELD); /* not before it is witnessed */
    assert_true(plan.confirmed);
    w.seen = UINT64_MAX;
    assert_int_equal(plan_of(ACCESS, MAXIMUM).state, RETENTION_READY);
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_LAWFUL);
}

static void a_matching_of_less_does_not_free_all(void **state) {
    (void)state;
    uint64_t held = hold("", 0, UINT64_MAX), intent = intend(MAXIMUM - 8 * DAY);
    struct hold_matched matched = {.hold = held, .class = ACCESS, .first = FIRST, .last = LAST - 1};
    assert_true(world_matched(&w, MAXIMUM, &matched));
    matched.last = LAST;
    matched.class = CLASS_SYSTEM;
    assert_true(world_matched(&w, MAXIMUM, &matched));
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_UNDER_HOLD);
}

static void a_hold_on_others_keeps_nothing(void **state) {
    (void)state;
    hold("web2", 0, UINT64_MAX);
    hold("signer1", START + 11 * HOUR, UINT64_MAX);
    hold("web1", 0, START + 11 * HOUR - 1);
    uint64_t intent = intend(MAXIMUM - 8 * DAY);
    assert_int_equal(state_at(MAXIMUM), RETENTION_READY);
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_LAWFUL);
}

static void a_hold_counts_from_its_place_to_its_release(void **state) {
    (void)state;
    uint64_t intent = intend(MAXIMUM - 8 * DAY);
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_LAWFUL);
    uint64_t before = world_last(&w), held = hold("", 0, UINT64_MAX);
    assert_int_equal(verdict_of(before), ERASURE_LAWFUL); /* it came too late */
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_UNDER_HOLD);
    uint64_t under = world_last(&w);
    assert_true(world_release(&w, MAXIMUM, held));
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_LAWFUL);
    assert_int_equal(verdict_of(under), ERASURE_UNDER_HOLD); /* as of then */
}

static void a_hold_behind_the_beginning_comes_too_late(void **state) {
    (void)state;
    uint64_t intent = intend(MAXIMUM - 8 * DAY), held[2], released, found[4];
    hold("", 0, UINT64_MAX); /* in time */
    assert_true(world_release(&w, MAXIMUM - DAY, world_last(&w)));
    assert_int_equal(begun_at(MAXIMUM, intent), ERASURE_LAWFUL);
    uint64_t begun = w.size - 1;
    hold("web2", 0, UINT64_MAX); /* nothing here is of this host, nor of these times */
    hold("signer1", START + 11 * HOUR, UINT64_MAX);
    held[0] = hold("signer1", START + 9 * HOUR, START + 9 * HOUR);
    released = hold("", 0, UINT64_MAX);
    held[1] = hold("", 0, UINT64_MAX);
    assert_true(world_release(&w, MAXIMUM + DAY, released));
    struct retention_unit *unit = world_unit(&w, ACCESS, FIRST, LAST);
    assert_int_equal(retention_unit_late(unit, begun, found, 4), 2);
    assert_memory_equal(found, held, sizeof held);
    assert_int_equal(retention_unit_late(unit, begun, found, 1), 2);
    assert_int_equal(retention_unit_late(unit, w.size, found, 4), 0);
    retention_unit_destroy(unit);
}

static void a_beginning_that_a_hold_overtook_counts_for_nothing(void **state) {
    (void)state;
    uint64_t intent = intend(MAXIMUM - 8 * DAY), held = hold("", 0, UINT64_MAX);
    assert_true(world_begin(&w, MAXIMUM, ACCESS, FIRST, LAST, intent));
    struct retention_plan plan = plan_of(ACCESS, MAXIMUM);
    assert_int_equal(plan.state, RETENTION_HELD);
    assert_int_equal(plan.hold, held);
    assert_int_equal(plan.erasure, 0);
}

/* ---- over-retained */

static bool over_retained(uint64_t now_us) {
    struct retention_unit *unit = world_unit(&w, ACCESS, FIRST, LAST);
    struct retention_now now = world_now(&w, now_us);
    bool over = retention_unit_over_retained(unit, &w.clock, &now);
    retention_unit_destroy(unit);
    return over;
}

static void what_outlives_its_maximum_is_found_unless_it_is_held(void **state) {
    (void)state;
    assert_false(over_retained(MAXIMUM));
    assert_false(over_retained(MAXIMUM + RETENTION_GRACE_US - 1));
    assert_true(over_retained(MAXIMUM + RETENTION_GRACE_US));
    uint64_t held = hold("web1", 0, UINT64_MAX);
    assert_false(over_retained(MAXIMUM + 30 * DAY));
    assert_true(world_release(&w, MAXIMUM, held));
    assert_true(over_retained(MAXIMUM + 30 * DAY));
    /* A veto is no hold. */
    assert_true(world_veto(&w, MAXIMUM, intend(MAXIMUM - 7 * DAY)));
    assert_true(over_retained(MAXIMUM + 30 * DAY));
}

/* ---- without witnesses */

static void without_witnesses_nothing_goes_by_itself(void **state) {
    (void)state;
    const uint64_t maximum = at("2026-01-01T00:00:00Z");
    alive(maximum + DAY);
    assert_int_equal(state_at(maximum + DAY), RETENTION_REMINDED);
    assert_true(plan_of(ACCESS, maximum + DAY).overdue);
    assert_false(over_retained(maximum + 30 * DAY));
    assert_int_equal(begun_at(maximum + 30 * DAY, intend(maximum)), ERASURE_UNWITNESSED);
}

static void without_witnesses_people_erase_by_hand(void **state) {
    (void)state;
    const uint64_t minimum = at("2025-07-02T00:00:00Z");
    alive(minimum + DAY);
    assert_int_equal(span_of(ACCESS).earliest_us, minimum);
    assert_true(world_early(&w, minimum + DAY, ACCESS, FIRST, LAST));
    uint64_t early = world_last(&w);
    assert_int_equal(state_at(minimum + DAY), RETENTION_READY);
    assert_int_equal(begun_at(minimum + DAY, early), ERASURE_LAWFUL);
    assert_true(judgement_of(world_last(&w)).unwitnessed);
    assert_int_equal(judgement_of(world_last(&w)).now_us, minimum + DAY);
}

static void without_witnesses_one_clock_alone_moves_nothing(void **state) {
    (void)state;
    const uint64_t minimum = at("2025-07-02T00:00:00Z"), real = START + 30 * DAY, jumped = minimum + DAY;
    alive(real);
    /* The collector's clock jumps; people who sign by it, too; agents don't. */
    assert_int_equal(state_at(jumped), RETENTION_KEPT);
    assert_true(world_early(&w, jumped, ACCESS, FIRST, LAST));
    uint64_t early = world_last(&w);
    assert_int_equal(state_at(jumped), RETENTION_KEPT);
    assert_int_equal(begun_at(jumped, early), ERASURE_CLOCK_JUMPED);
    /* One agent's jumps as well: the median stays. */
    world_batch(&w, jumped, "web2", CLASS_SYSTEM, 1);
    assert_int_equal(begun_at(jumped, early), ERASURE_CLOCK_JUMPED);
    /* What people signed too early does not become good later. */
    w.batch_count = 3;
    assert_true(world_early(&w, minimum - DAY, ACCESS, FIRST, LAST));
    early = world_last(&w);
    alive(jumped);
    assert_int_equal(begun_at(jumped, early), ERASURE_CLOCK_JUMPED);
}

static void without_witnesses_a_mark_of_the_past_makes_nothing_older(void **state) {
    (void)state;
    world_drop(&w);
    world_make(&w, 0);
    world_enrol(&w, START, "signer1");
    /* The collector's clock is two years behind when the day is closed; the agent's is not. */
    assert_true(world_mark(&w, START - 730 * DAY));
    world_batch(&w, START + 10 * HOUR, "signer1", ACCESS, 1);
    w.size = LAST + 1;
    assert_true(world_mark(&w, START - 729 * DAY));
    struct retention_unit *unit = world_unit(&w, ACCESS, 2, LAST);
    struct retention_span span = retention_unit_span(unit, &w.clock, w.size);
    assert_int_equal(span.closed_us, START + 10 * HOUR);
    assert_int_equal(span.earliest_us, at("2025-07-01T10:00:00Z"));
    assert_true(span.latest_us >= span.earliest_us);
    retention_unit_destroy(unit);
}

static void without_agents_nobody_can_say_what_time_it_is(void **state) {
    (void)state;
    w.batch_count = 0;
    assert_int_equal(retention_agents_median(w.ledger, w.registry, &w.clock, w.size), 0);
    assert_int_equal(state_at(at("2030-01-01T00:00:00Z")), RETENTION_KEPT);
}

static void the_median_is_of_those_that_live(void **state) {
    (void)state;
    alive(START + 10 * DAY);
    world_batch(&w, START + 99 * DAY, "signer1", CLASS_SIGNING, 1);
    assert_int_equal(retention_agents_median(w.ledger, w.registry, &w.clock, w.size), START + 10 * DAY);
    /* As of then. */
    assert_int_equal(retention_agents_median(w.ledger, w.registry, &w.clock, LAST + 1), START + 10 * HOUR);
    assert_true(world_decommission(&w, START + 99 * DAY, "web1"));
    assert_true(world_decommission(&w, START + 99 * DAY, "web2"));
    assert_int_equal(retention_agents_median(w.ledger, w.registry, &w.clock, w.size), START + 99 * DAY);
}

static void what_one_person_signed_stays_single_control(void **state) {
    (void)state;
    const uint64_t minimum = at("2025-07-02T00:00:00Z");
    alive(minimum + DAY);
    early_erasure_write(&w.payload,
                        &(struct early_erasure){.range = {.class = ACCESS, .first = FIRST, .last = LAST}});
    assert_true(world_add(&w, STATEMENT_EARLY_ERASURE, minimum + DAY, 1));
    assert_int_equal(begun_at(minimum + DAY, world_last(&w)), ERASURE_LAWFUL);
    assert_true(judgement_of(world_last(&w)).single_control);
}

static void everything_has_a_name(void **state) {
    (void)state;
    for (unsigned i = 0; i <= RETENTION_ERASED; i++)
        assert_non_null(retention_state_name((enum retention_state)i));
    for (unsigned i = 0; i <= ERASURE_UNWITNESSED; i++)
        assert_non_null(erasure_verdict_name((enum erasure_verdict)i));
}

#define WITNESSED(name) cmocka_unit_test_setup_teardown(name, make_witnessed, drop)
#define UNWITNESSED(name) cmocka_unit_test_setup_teardown(name, make_unwitnessed, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITNESSED(the_minimum_counts_from_the_closing_mark_and_the_maximum_from_the_opening_one),
        WITNESSED(nothing_counts_before_the_day_is_over_and_witnessed),
        WITNESSED(a_unit_counts_its_own_events_alone),
        WITNESSED(of_two_policies_the_longer_minimum_is_in_force),
        WITNESSED(a_policy_that_was_in_force_for_a_part_of_the_day_counts),
        WITNESSED(a_class_that_no_policy_names_is_kept_for_ever),
        WITNESSED(system_life_ends_with_the_last_host_of_the_unit),
        WITNESSED(under_the_policy_it_goes_by_intent_window_and_beginning),
        WITNESSED(an_intent_that_no_witness_saw_starts_no_window),
        WITNESSED(without_intent_it_is_unlawful),
        WITNESSED(before_the_minimum_it_is_unlawful_whoever_signs),
        WITNESSED(between_minimum_and_maximum_people_must_sign),
        WITNESSED(before_the_veto_windows_end_it_is_unlawful),
        WITNESSED(a_veto_stops_it),
        WITNESSED(a_policy_shortened_and_then_used_is_found),
        WITNESSED(a_clock_that_jumps_two_years_reaches_no_maximum),
        WITNESSED(a_hold_keeps_what_it_could_match),
        WITNESSED(a_matching_of_less_does_not_free_all),
        WITNESSED(a_hold_on_others_keeps_nothing),
        WITNESSED(a_hold_counts_from_its_place_to_its_release),
        WITNESSED(a_hold_behind_the_beginning_comes_too_late),
        WITNESSED(a_beginning_that_a_hold_overtook_counts_for_nothing),
        WITNESSED(what_outlives_its_maximum_is_found_unless_it_is_held),
        UNWITNESSED(without_witnesses_nothing_goes_by_itself),
        UNWITNESSED(without_witnesses_people_erase_by_hand),
        UNWITNESSED(without_witnesses_one_clock_alone_moves_nothing),
        UNWITNESSED(without_witnesses_a_mark_of_the_past_makes_nothing_older),
        UNWITNESSED(without_agents_nobody_can_say_what_time_it_is),
        UNWITNESSED(the_median_is_of_those_that_live),
        UNWITNESSED(what_one_person_signed_stays_single_control),
        UNWITNESSED(everything_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
