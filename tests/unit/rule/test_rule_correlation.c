#include "workbench.h"

#define FAILED                                                                                               \
    "title: failed\nname: failed\nid: 00000000-0000-0000-0000-000000000001\nlogsource: {}\ndetection: {s: "  \
    "{outcome: failure}, condition: s}\n---\n"
#define PASSED                                                                                               \
    "title: passed\nname: passed\nid: 00000000-0000-0000-0000-000000000002\nlogsource: {}\ndetection: {s: "  \
    "{outcome: success}, condition: s}\n---\n"
#define MANY                                                                                                 \
    "title: many\nname: many\nid: 00000000-0000-0000-0000-000000000003\n"                                    \
    "correlation: {type: event_count, rules: failed, group-by: [source.ip], timespan: 1m, "                  \
    "condition: {gte: 3}}\n---\n"
#define BROKEN_IN                                                                                            \
    "title: in\nid: 00000000-0000-0000-0000-000000000004\ncorrelation: {type: temporal_ordered, rules: "     \
    "[many, passed], group-by: [source.ip], timespan: 5m, "                                                  \
    "generate: true}\n"

static const char *failure(struct workbench *bench, uint64_t time_us, const char *address) {
    return workbench_event(bench, time_us, "outcome", "failure", "source.ip", address, NULL);
}

static const char *success(struct workbench *bench, uint64_t time_us, const char *address) {
    return workbench_event(bench, time_us, "outcome", "success", "source.ip", address, NULL);
}

static void events_are_counted_for_each_entity_within_the_timespan(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED MANY);
    assert_string_equal(failure(bench, 100 * SECOND, "a"), "");
    assert_string_equal(failure(bench, 110 * SECOND, "b"), "");
    assert_string_equal(failure(bench, 120 * SECOND, "a"), "");
    assert_string_equal(failure(bench, 160 * SECOND, "a"), "many count=3 fresh=3 source.ip=a [e1 e3 e4]\n");
    assert_string_equal(failure(bench, 161 * SECOND, "a"), "many count=3 fresh=1 source.ip=a [e3 e4 e5]\n");
    assert_string_equal(failure(bench, 300 * SECOND, "a"), "");
    workbench_close(bench);
}

static void a_folded_line_counts_as_often_as_it_says(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED MANY);
    failure(bench, 100 * SECOND, "a");
    assert_string_equal(workbench_event(bench, 101 * SECOND, "outcome", "failure", "source.ip", "a",
                                        "tocsin.repeated", "4", NULL),
                        "many count=5 fresh=5 source.ip=a [e1 e2]\n");
    assert_non_null(strstr(workbench_event(bench, 101 * SECOND, "outcome", "failure", "source.ip", "a",
                                           "tocsin.repeated", "100", NULL),
                           "many count=105 fresh=100"));
    assert_non_null(strstr(workbench_event(bench, 101 * SECOND, "outcome", "failure", "source.ip", "a",
                                           "tocsin.repeated", "18446744073709551615", NULL),
                           "many count=1"));
    workbench_close(bench);
}

static void a_late_event_counts_where_its_time_is(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED MANY);
    failure(bench, 100 * SECOND, "a");
    failure(bench, 150 * SECOND, "a");
    assert_string_equal(failure(bench, 500 * SECOND, "a"), "");
    assert_string_equal(failure(bench, 120 * SECOND, "a"), "many count=3 fresh=3 source.ip=a [e1 e4 e2]\n");
    workbench_close(bench);
}

static void the_same_events_in_another_order_find_the_same_entity(void **state) {
    (void)state;
    static const uint64_t times[] = {100, 130, 155, 400, 410, 420, 900};
    for (unsigned turn = 0; turn < 7; turn++) {
        struct workbench *bench = workbench_open(FAILED MANY);
        unsigned matches = 0;
        for (unsigned i = 0; i < 7; i++)
            matches += *failure(bench, times[(i * 3 + turn) % 7] * SECOND, "a") != 0;
        assert_int_equal(matches, 2);
        workbench_close(bench);
    }
}

static void a_rule_that_feeds_a_correlation_is_silent_unless_asked(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED PASSED MANY BROKEN_IN);
    assert_false(ruleset_rule(bench->ruleset, 0)->generates);
    assert_false(strcmp(ruleset_rule(bench->ruleset, 2)->title, "many"));
    assert_true(ruleset_rule(bench->ruleset, 2)->generates);
    assert_true(ruleset_rule(bench->ruleset, 1)->generates); /* asked for by BROKEN_IN */
    workbench_close(bench);
}

static void success_after_failures_is_seen_and_success_before_them_is_not(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED PASSED MANY BROKEN_IN);
    success(bench, 90 * SECOND, "a");
    failure(bench, 100 * SECOND, "a");
    failure(bench, 101 * SECOND, "a");
    assert_string_equal(failure(bench, 102 * SECOND, "a"), "many count=3 fresh=3 source.ip=a [e2 e3 e4]\n");
    assert_string_equal(failure(bench, 103 * SECOND, "a"),
                        "many count=4 fresh=1 source.ip=a [e2 e3 e4 e5]\n");
    assert_string_equal(success(bench, 104 * SECOND, "b"),
                        "passed count=1 fresh=1 source.ip=b host.name=alpha [e6]\n");
    assert_string_equal(success(bench, 110 * SECOND, "a"),
                        "passed count=1 fresh=1 source.ip=a host.name=alpha [e7]\n"
                        "in count=6 fresh=6 source.ip=a [e1 e2 e3 e4 e5 e7]\n");
    assert_string_equal(success(bench, 1000 * SECOND, "a"),
                        "passed count=1 fresh=1 source.ip=a host.name=alpha [e8]\n");
    workbench_close(bench);
}

static void a_success_that_is_read_late_is_still_found(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED PASSED MANY BROKEN_IN);
    success(bench, 110 * SECOND, "a");
    failure(bench, 100 * SECOND, "a");
    failure(bench, 101 * SECOND, "a");
    assert_non_null(strstr(failure(bench, 102 * SECOND, "a"), "in count=4"));
    workbench_close(bench);
}

static void temporal_wants_all_of_its_rules_in_any_order(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(
        "title: a\nname: a\nlogsource: {}\ndetection: {s: {k: a}, condition: s}\n---\n"
        "title: b\nname: b\nlogsource: {}\ndetection: {s: {k: b}, condition: s}\n---\n"
        "title: both\ncorrelation:\n  type: temporal\n  rules: [a, b]\n  timespan: 10s\n  group-by: [who]\n"
        "  aliases: {who: {a: left, b: right}}\n");
    assert_string_equal(workbench_event(bench, 100 * SECOND, "k", "b", "right", "x", NULL), "");
    assert_string_equal(workbench_event(bench, 105 * SECOND, "k", "a", "left", "y", NULL), "");
    assert_string_equal(workbench_event(bench, 110 * SECOND, "k", "a", "left", "x", NULL),
                        "both count=2 fresh=2 who=x [e1 e3]\n");
    assert_string_equal(workbench_event(bench, 121 * SECOND, "k", "b", "right", "x", NULL), "");
    workbench_close(bench);
}

static void different_values_are_counted_once_each(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(
        FAILED
        "title: spray\ncorrelation: {type: value_count, rules: failed, group-by: [source.ip], timespan: 1m, "
        "condition: {field: user.name, gte: 3}}\n");
    static const char *const users[] = {"a", "b", "A", "b", "c", "c"};
    for (unsigned i = 0; i < 6; i++) {
        const char *said = workbench_event(bench, (100 + i) * SECOND, "outcome", "failure", "source.ip", "x",
                                           "user.name", users[i], NULL);
        assert_int_equal(*said != 0, i >= 4);
        if (i == 4)
            assert_string_equal(said, "spray count=3 fresh=3 source.ip=x [e3 e4 e5]\n");
        if (i == 5)
            assert_non_null(strstr(said, "count=3 fresh=0"));
    }
    workbench_close(bench);
}

static void an_upper_bound_is_decided_when_the_window_has_closed(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(
        FAILED
        "title: few\ncorrelation: {type: event_count, rules: failed, group-by: [source.ip], timespan: 1m, "
        "condition: {lte: 2}}\n");
    assert_string_equal(failure(bench, 100 * SECOND, "a"), "");
    assert_string_equal(failure(bench, 110 * SECOND, "a"), "");
    assert_string_equal(workbench_advance(bench, 160 * SECOND), "");
    assert_string_equal(failure(bench, 161 * SECOND, "a"), "few count=2 fresh=2 source.ip=a [e1 e2]\n");
    assert_string_equal(workbench_advance(bench, UINT64_MAX), "few count=1 fresh=1 source.ip=a [e3]\n");
    for (unsigned i = 0; i < 3; i++)
        failure(bench, (1000 + i) * SECOND, "a");
    assert_string_equal(workbench_advance(bench, UINT64_MAX), "");
    assert_int_equal(detector_counts(bench->detector).groups, 0);
    workbench_close(bench);
}

static void entities_past_the_limit_push_out_the_quietest_and_are_counted(void **state) {
    (void)state;
    struct workbench *bench = workbench_open_with(FAILED MANY, false, 2);
    failure(bench, 100 * SECOND, "a");
    failure(bench, 100 * SECOND, "b");
    failure(bench, 101 * SECOND, "a");
    failure(bench, 101 * SECOND, "c"); /* b goes */
    assert_int_equal(detector_counts(bench->detector).evictions, 1);
    assert_int_equal(detector_counts(bench->detector).groups, 2);
    assert_string_equal(failure(bench, 102 * SECOND, "a"), "many count=3 fresh=3 source.ip=a [e1 e3 e5]\n");
    workbench_close(bench);
}

static void a_group_that_feeds_another_survives_the_tightest_limit(void **state) {
    (void)state;
    struct workbench *bench = workbench_open_with(FAILED PASSED MANY BROKEN_IN, false, 1);
    for (unsigned i = 0; i < 50; i++) {
        failure(bench, (100 + i) * SECOND, i % 3 ? "a" : "b");
        success(bench, (100 + i) * SECOND, i % 4 ? "a" : "b");
    }
    assert_true(detector_counts(bench->detector).groups <= 2);
    workbench_close(bench);
}

static void a_wide_window_keeps_counting_in_bounded_memory(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED MANY);
    for (unsigned i = 0; i < 10000; i++)
        failure(bench, 100 * SECOND + i, "a");
    CLEANUP_BUFFER struct buffer saved = BUFFER(DETECTOR_STATE_MOST);
    assert_true(detector_save(bench->detector, &saved));
    assert_true(saved.size < 8192);
    assert_non_null(strstr(failure(bench, 101 * SECOND, "a"), " fresh=1 "));
    workbench_close(bench);
}

static void windows_survive_saving_and_loading(void **state) {
    (void)state;
    struct workbench *one = workbench_open(FAILED PASSED MANY BROKEN_IN);
    struct workbench *two = workbench_open(PASSED FAILED MANY BROKEN_IN); /* another order */
    CLEANUP_BUFFER struct buffer saved = BUFFER(DETECTOR_STATE_MOST);
    struct fault fault;
    failure(one, 100 * SECOND, "a");
    failure(one, 101 * SECOND, "a");
    assert_true(detector_save(one->detector, &saved));
    assert_true(detector_load(two->detector, buffer_slice(&saved), &fault));
    two->sequence = 2;
    assert_string_equal(failure(two, 102 * SECOND, "a"), "many count=3 fresh=3 source.ip=a [e1 e2 e3]\n");
    assert_non_null(strstr(success(two, 103 * SECOND, "a"), "in count=4"));
    detector_reload(two->detector, one->ruleset); /* the same table of names is not shared here: only state */
    assert_int_equal(detector_counts(two->detector).groups, 2);
    workbench_close(two);
    workbench_close(one);
}

static void a_changed_correlation_begins_anew(void **state) {
    (void)state;
    struct workbench *one = workbench_open(FAILED MANY);
    struct workbench *two =
        workbench_open(FAILED "title: many\nid: 00000000-0000-0000-0000-000000000003\ncorrelation: {type: "
                              "event_count, rules: failed, group-by: [source.ip], "
                              "timespan: 2m, condition: {gte: 3}}\n");
    CLEANUP_BUFFER struct buffer saved = BUFFER(DETECTOR_STATE_MOST);
    struct fault fault;
    failure(one, 100 * SECOND, "a");
    assert_true(detector_save(one->detector, &saved));
    assert_true(detector_load(two->detector, buffer_slice(&saved), &fault));
    assert_int_equal(detector_counts(two->detector).groups, 0);
    workbench_close(two);
    workbench_close(one);
}

static void damaged_state_is_refused_and_leaves_nothing_behind(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(FAILED PASSED MANY BROKEN_IN);
    for (unsigned i = 0; i < 5; i++)
        failure(bench, (100 + i) * SECOND, "a");
    success(bench, 106 * SECOND, "a");
    CLEANUP_BUFFER struct buffer saved = BUFFER(DETECTOR_STATE_MOST);
    assert_true(detector_save(bench->detector, &saved));
    struct fault fault;
    for (size_t size = 0; size < saved.size; size++) {
        assert_false(detector_load(bench->detector, slice_head(buffer_slice(&saved), size), &fault));
        assert_int_equal(detector_counts(bench->detector).groups, 0);
    }
    for (size_t at = 0; at < saved.size; at++) { /* a flipped bit may go unseen, but harms nothing */
        saved.data[at] ^= 0x81;
        detector_load(bench->detector, buffer_slice(&saved), &fault);
        failure(bench, 110 * SECOND, "a");
        success(bench, 110 * SECOND, "a");
        saved.data[at] ^= 0x81;
    }
    assert_true(detector_load(bench->detector, buffer_slice(&saved), &fault));
    assert_int_equal(detector_counts(bench->detector).groups, 2);
    workbench_close(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_counted_for_each_entity_within_the_timespan),
        cmocka_unit_test(a_folded_line_counts_as_often_as_it_says),
        cmocka_unit_test(a_late_event_counts_where_its_time_is),
        cmocka_unit_test(the_same_events_in_another_order_find_the_same_entity),
        cmocka_unit_test(a_rule_that_feeds_a_correlation_is_silent_unless_asked),
        cmocka_unit_test(success_after_failures_is_seen_and_success_before_them_is_not),
        cmocka_unit_test(a_success_that_is_read_late_is_still_found),
        cmocka_unit_test(temporal_wants_all_of_its_rules_in_any_order),
        cmocka_unit_test(different_values_are_counted_once_each),
        cmocka_unit_test(an_upper_bound_is_decided_when_the_window_has_closed),
        cmocka_unit_test(entities_past_the_limit_push_out_the_quietest_and_are_counted),
        cmocka_unit_test(a_group_that_feeds_another_survives_the_tightest_limit),
        cmocka_unit_test(a_wide_window_keeps_counting_in_bounded_memory),
        cmocka_unit_test(windows_survive_saving_and_loading),
        cmocka_unit_test(a_changed_correlation_begins_anew),
        cmocka_unit_test(damaged_state_is_refused_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
