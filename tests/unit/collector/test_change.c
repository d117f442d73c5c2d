/* Changes and reports: what is put in comes out, in order, whole. */
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "pipeline.h"
#include "report.h"

static void steps_come_back_as_they_were_put_in(void **state) {
    (void)state;
    const uint8_t id[32] = {1, 2, 3};
    struct change *change = change_create();
    assert_true(change_is_empty(change));
    change_events(change, id, 77, SLICE("message"));
    change_close(change, id, SLICE("entry"), SLICE("list"));
    change_put(change, STORE_ALERT, SLICE("key"), SLICE(""));
    change_delete(change, STORE_OUTBOX, SLICE("gone"));
    assert_false(change_is_empty(change));

    struct change_step step;
    size_t place = 0;
    assert_true(change_next(change, &place, &step));
    assert_int_equal(step.kind, CHANGE_EVENTS);
    assert_memory_equal(step.stream_id, id, sizeof id);
    assert_int_equal(step.first_event_seq, 77);
    assert_true(slice_equal(step.key, SLICE("message")));
    assert_true(change_next(change, &place, &step));
    assert_int_equal(step.kind, CHANGE_CLOSE);
    assert_true(slice_equal(step.key, SLICE("entry")) && slice_equal(step.value, SLICE("list")));
    assert_true(change_next(change, &place, &step));
    assert_int_equal(step.kind, CHANGE_PUT);
    assert_int_equal(step.family, STORE_ALERT);
    assert_true(slice_equal(step.key, SLICE("key")) && step.value.size == 0);
    assert_true(change_next(change, &place, &step));
    assert_int_equal(step.kind, CHANGE_DELETE);
    assert_int_equal(step.family, STORE_OUTBOX);
    assert_false(change_next(change, &place, &step));
    change_destroy(change);
    assert_null(change_destroy(NULL));
}

static size_t count_steps(const struct change *change) {
    struct change_step step;
    size_t steps = 0;
    for (size_t place = 0; change_next(change, &place, &step);)
        steps++;
    return steps;
}

static void a_step_that_does_not_fit_is_left_out_whole_and_said(void **state) {
    (void)state;
    struct change *change = change_create();
    uint8_t *large = memory_new(CHANGE_MOST / 2);
    change_put(change, STORE_ALERT, SLICE("a"), slice_make(large, CHANGE_MOST / 2));
    assert_false(change_is_cut(change));
    change_put(change, STORE_ALERT, SLICE("b"), slice_make(large, CHANGE_MOST / 2));
    assert_true(change_is_cut(change));
    change_put(change, STORE_ALERT, SLICE("c"), SLICE("small")); /* order holds: nothing behind the gap */
    assert_int_equal(count_steps(change), 1);
    change_destroy(change);
    free(large);
}

static struct event_body body_of(const struct change *change, struct event_field *fields, uint8_t *ret_class) {
    struct change_step step;
    size_t place = 0;
    struct event_body body;
    struct fault fault = {0};
    assert_true(change_next(change, &place, &step));
    assert_int_equal(step.kind, CHANGE_REPORT);
    assert_true(event_body_read(step.key, fields, &body, &fault));
    *ret_class = step.class;
    return body;
}

static void a_report_names_what_happened_and_to_whom(void **state) {
    (void)state;
    static struct event_field fields[EVENT_FIELDS_MOST];
    struct change *change = change_create();
    const struct report_field given[] = {
        {"host.name", "h1"}, {"left.out", NULL}, {"silent.seconds", "20"}, {NULL, NULL}};
    report_state(change, "agent_silent", given, "%s has been silent for %u s", "h1", 20u);
    uint8_t class;
    struct event_body body = body_of(change, fields, &class);
    assert_int_equal(class, CLASS_JOURNAL);
    assert_int_equal(body.kind, EVENT_STATE);
    assert_true(slice_equal(body.source, SLICE("collector")));
    assert_true(slice_equal(body.raw, SLICE("h1 has been silent for 20 s")));
    assert_int_equal(body.field_count, 3);
    assert_true(slice_equal(event_body_field(&body, SLICE("tocsin.event")), SLICE("agent_silent")));
    assert_true(slice_equal(event_body_field(&body, SLICE("host.name")), SLICE("h1")));
    assert_null(event_body_field(&body, SLICE("left.out")).data);
    change_destroy(change);
}

static void a_report_with_too_much_in_it_is_bounded(void **state) {
    (void)state;
    static struct event_field fields[EVENT_FIELDS_MOST];
    struct report_field many[40] = {0};
    for (size_t i = 0; i < 39; i++)
        many[i] = (struct report_field){"field", "value"};
    char sentence[2000];
    memset(sentence, 'x', sizeof sentence - 1);
    sentence[sizeof sentence - 1] = '\0';
    struct change *change = change_create();
    report_state(change, "e", many, "%s", sentence);
    uint8_t class;
    struct event_body body = body_of(change, fields, &class);
    assert_in_range(body.field_count, 2, 39);
    assert_in_range(body.raw.size, 100, sizeof sentence - 2);
    change_destroy(change);
}

static void a_report_without_fields_is_one(void **state) {
    (void)state;
    static struct event_field fields[EVENT_FIELDS_MOST];
    struct change *change = change_create();
    report_state(change, "collector_started", NULL, "the collector has started");
    uint8_t class;
    assert_int_equal(body_of(change, fields, &class).field_count, 1);
    change_destroy(change);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_come_back_as_they_were_put_in),
        cmocka_unit_test(a_step_that_does_not_fit_is_left_out_whole_and_said),
        cmocka_unit_test(a_report_names_what_happened_and_to_whom),
        cmocka_unit_test(a_report_with_too_much_in_it_is_bounded),
        cmocka_unit_test(a_report_without_fields_is_one),
    };
    return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
