/* Correlations that measure values, and conditions over rules: what 2.1.0 added. */
#include "workbench.h"

#define ALL "title: all\nname: all\nlogsource: {}\ndetection: {s: {f|exists: true}, condition: s}\n---\n"
#define MEASURE(type, condition)                                                                             \
    ALL "title: M\ncorrelation: {type: " type ", rules: all, group-by: [g], timespan: 10s, condition: {"    \
        "field: f, " condition "}}\n"

static const char *number(struct workbench *bench, uint64_t at, const char *value) {
    return workbench_event(bench, at * SECOND, "f", value, "g", "x", NULL);
}

/* One window with these values, closed. */
static bool closes_with(const char *rules, const char *const *values) {
    struct workbench *bench = workbench_open(rules);
    for (; *values; values++)
        assert_string_equal(number(bench, 100, *values), "");
    bool matched = *workbench_advance(bench, 200 * SECOND) != 0;
    workbench_close(bench);
    return matched;
}

#define VALUES(...) (const char *const[]){__VA_ARGS__, NULL}

static void a_sum_is_told_by_the_event_that_fulfils_it(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(MEASURE("value_sum", "gt: 100"));
    assert_string_equal(number(bench, 100, "60"), "");
    assert_string_equal(number(bench, 101, "40"), "");
    assert_string_equal(workbench_event(bench, 101 * SECOND, "f", "1000", "g", "y", NULL),
                        "M count=1 fresh=1 g=y [e3]\n");
    assert_string_equal(number(bench, 102, "word"), "");
    assert_string_equal(number(bench, 103, "0.5"), "M count=3 fresh=3 g=x [e1 e2 e5]\n");
    /* 60 is over. */
    assert_string_equal(number(bench, 111, "50"), "");
    assert_string_equal(number(bench, 111, "9.5"), "");
    assert_string_equal(number(bench, 111, "0.5"), "M count=5 fresh=3 g=x [e2 e5 e6 e7 e8]\n");
    workbench_close(bench);
}

static void a_sum_that_comes_late_counts_where_its_time_is(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(MEASURE("value_sum", "gte: 100"));
    number(bench, 100, "60");
    assert_string_equal(number(bench, 120, "60"), "");
    assert_string_equal(number(bench, 105, "40"), "M count=2 fresh=2 g=x [e1 e3]\n");
    workbench_close(bench);
}

static void a_sum_over_very_many_events_leaves_none_out(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(MEASURE("value_sum", "gte: 50000"));
    for (unsigned i = 0; i < 49999; i++)
        if (*workbench_event(bench, 100 * SECOND + i * 200, "f", "1", "g", "x", NULL))
            fail_msg("said at %u", i);
    assert_string_equal(workbench_event(bench, 110 * SECOND, "f", "1", "g", "x", NULL),
                        "M count=50000 fresh=50000 g=x [e49991 e49992 e49993 e49994 e49995 e49996 e49997 "
                        "e49998 e49999 e50000]\n");
    /* A window later all of them are gone. */
    assert_string_equal(workbench_event(bench, 121 * SECOND, "f", "49999", "g", "x", NULL), "");
    workbench_close(bench);
}

static void a_folded_line_is_summed_as_often_as_it_says(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(MEASURE("value_sum", "gte: 100"));
    assert_string_equal(workbench_event(bench, SECOND, "f", "25", "g", "x", "tocsin.repeated", "4", NULL),
                        "M count=4 fresh=4 g=x [e1]\n");
    workbench_close(bench);
}

static void an_upper_bound_on_a_sum_waits_for_the_windows_end(void **state) {
    (void)state;
    assert_true(closes_with(MEASURE("value_sum", "lt: 10"), VALUES("4", "5")));
    assert_false(closes_with(MEASURE("value_sum", "lt: 10"), VALUES("4", "6")));
    assert_true(closes_with(MEASURE("value_sum", "neq: 10"), VALUES("4", "5")));
    assert_false(closes_with(MEASURE("value_sum", "neq: 10"), VALUES("4", "6")));
    assert_true(closes_with(MEASURE("value_sum", "eq: 1.5"), VALUES("1", "0.5")));
    assert_true(closes_with(MEASURE("value_sum", "gt: -3, lte: -2"), VALUES("-4", "2")));
}

static void an_average_is_taken_over_the_whole_window(void **state) {
    (void)state;
    assert_true(closes_with(MEASURE("value_avg", "gt: 500"), VALUES("400", "601")));
    assert_false(closes_with(MEASURE("value_avg", "gt: 500"), VALUES("400", "600")));
    assert_true(closes_with(MEASURE("value_avg", "gte: 500"), VALUES("400", "600", "none")));
    assert_true(closes_with(MEASURE("value_avg", "lt: 1.5"), VALUES("1", "1", "2")));
    assert_false(closes_with(MEASURE("value_avg", "lt: 0"), VALUES("word")));
}

static void a_percentile_is_the_number_at_its_rank(void **state) {
    (void)state;
    static const char *const numbers[] = {"9", "1", "8", "2", "7", "3", "6", "4", "5", "10", NULL};
    assert_true(closes_with(MEASURE("value_percentile", "percentile: 90, eq: 9"), numbers));
    assert_true(closes_with(MEASURE("value_percentile", "percentile: 91, eq: 10"), numbers));
    assert_true(closes_with(MEASURE("value_percentile", "percentile: 0, eq: 1"), numbers));
    assert_true(closes_with(MEASURE("value_percentile", "percentile: 100, eq: 10"), numbers));
    assert_true(closes_with(MEASURE("value_median", "eq: 5"), numbers));
    assert_false(closes_with(MEASURE("value_median", "gt: 5"), numbers));
    assert_true(closes_with(MEASURE("value_median", "eq: 2"), VALUES("2", "2", "900")));
}

static void a_percentile_of_very_many_numbers_is_rounded_and_none_is_left_out(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(MEASURE("value_percentile", "percentile: 99, gte: 9890, lte: 9910"));
    for (unsigned i = 1; i <= 10000; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", i * 7919 % 10007); /* each of 1 to 10006 at most once */
        number(bench, 100, text);
    }
    assert_non_null(strstr(workbench_advance(bench, 200 * SECOND), "M count=10000 fresh=10000"));
    workbench_close(bench);
}

static void a_percentile_without_a_rank_asks_for_the_part_of_a_value(void **state) {
    (void)state;
    assert_true(closes_with(MEASURE("value_percentile", "lte: 25"), VALUES("a", "b", "a", "a")));
    assert_false(closes_with(MEASURE("value_percentile", "lt: 25"), VALUES("a", "b", "A", "a")));
    assert_true(closes_with(MEASURE("value_percentile", "gt: 70"), VALUES("a", "b", "a", "a")));
}

#define ONE(name)                                                                                            \
    "title: " name "\nname: " name "\nlogsource: {}\ndetection: {s: {k: " name "}, condition: s}\n---\n"
#define RULES ONE("a") ONE("b") ONE("c") ONE("d")
#define TEMPORAL(type, condition)                                                                            \
    RULES "title: T\ncorrelation: {type: " type ", rules: [a, b, c, d], timespan: 10s, condition: " condition "}\n"

/* Which letters, a second apart, make it speak; '.' is ten seconds. */
static bool spells(const char *rules, const char *letters) {
    struct workbench *bench = workbench_open(rules);
    bool matched = false;
    uint64_t at = 100;
    for (; *letters; letters++) {
        char letter[2] = {*letters, 0};
        at += *letters == '.' ? 10 : 1;
        if (*letters != '.')
            matched |= *workbench_event(bench, at * SECOND, "k", letter, NULL) != 0;
    }
    matched |= *workbench_advance(bench, 1000 * SECOND) != 0;
    workbench_close(bench);
    return matched;
}

static void temporal_may_ask_for_a_number_of_its_rules(void **state) {
    (void)state;
    assert_true(spells(TEMPORAL("temporal", "{gte: 3}"), "dab"));
    assert_false(spells(TEMPORAL("temporal", "{gte: 3}"), "dada"));
    assert_false(spells(TEMPORAL("temporal", "{gte: 3}"), "da.b"));
    assert_true(spells(TEMPORAL("temporal", "{lt: 2}"), "aaa"));
    assert_false(spells(TEMPORAL("temporal", "{lt: 2}"), "aba"));
    assert_true(spells(TEMPORAL("temporal", "{eq: 2}"), "aba"));
    assert_false(spells(TEMPORAL("temporal", "{eq: 2}"), "abc"));
    assert_true(spells(TEMPORAL("temporal", "{neq: 2}"), "abc"));
    assert_false(spells(TEMPORAL("temporal", "{neq: 2}"), "ab"));
    assert_true(spells(TEMPORAL("temporal_ordered", "{gte: 3}"), "dacd"));
    assert_false(spells(TEMPORAL("temporal_ordered", "{gte: 3}"), "dcbad"));
    assert_true(spells(TEMPORAL("temporal_ordered", "{eq: 4}"), "aabcad"));
    assert_false(spells(TEMPORAL("temporal_ordered", "{eq: 4}"), "abdc"));
}

static void temporal_may_have_an_expression_over_its_rules(void **state) {
    (void)state;
    assert_true(spells(TEMPORAL("temporal", "(a or b) and (c or d)"), "db"));
    assert_false(spells(TEMPORAL("temporal", "(a or b) and (c or d)"), "ab"));
    assert_true(spells(TEMPORAL("temporal", "2 of them"), "ca"));
    assert_true(spells(TEMPORAL("temporal_ordered", "(a or b) and (c or d)"), "bd"));
    assert_true(spells(TEMPORAL("temporal_ordered", "(a or b) and (c or d)"), "acb"));
    assert_false(spells(TEMPORAL("temporal_ordered", "(a or b) and (c or d)"), "dcba"));
    assert_true(spells(TEMPORAL("temporal_ordered", "2 of them"), "ac"));
    assert_false(spells(TEMPORAL("temporal_ordered", "2 of them"), "dcba"));
}

static void what_an_expression_denies_is_decided_when_the_window_has_closed(void **state) {
    (void)state;
    static const char rules[] = TEMPORAL("temporal", "a and not b and not (c and d)");
    struct workbench *bench = workbench_open(rules);
    assert_string_equal(workbench_event(bench, 100 * SECOND, "k", "a", NULL), "");
    assert_string_equal(workbench_event(bench, 105 * SECOND, "k", "c", NULL), "");
    assert_string_equal(workbench_advance(bench, 110 * SECOND), "");
    assert_string_equal(workbench_advance(bench, 111 * SECOND), "T count=2 fresh=2 [e1 e2]\n");
    workbench_close(bench);
    assert_true(spells(rules, "a..b"));
    assert_false(spells(rules, "ab"));
    assert_false(spells(rules, "ba"));
    assert_false(spells(rules, "cad"));
}

static void many_rules_in_order_are_one_way(void **state) {
    (void)state;
    struct buffer rules = BUFFER(1 << 16);
    for (unsigned i = 0; i < 40; i++)
        buffer_printf(&rules, "title: r%u\nname: r%u\nlogsource: {}\ndetection: {s: {k: %u}, condition: s}\n---\n", i, i, i);
    buffer_append_string(&rules, "title: T\ncorrelation: {type: temporal_ordered, timespan: 1m, rules: [");
    for (unsigned i = 0; i < 40; i++)
        buffer_printf(&rules, "%sr%u", i ? ", " : "", i);
    size_t size = rules.size;
    buffer_append_string(&rules, "]}\n");
    assert_string_equal(workbench_refusal(buffer_string(&rules)), "loaded");
    rules.size = size;
    buffer_append_string(&rules, "], condition: {gte: 39}}\n");
    assert_string_equal(workbench_refusal(buffer_string(&rules)), "loaded");
    rules.size = size;
    buffer_append_string(&rules, "], condition: {gte: 20}}\n");
    assert_non_null(strstr(workbench_refusal(buffer_string(&rules)), "more than 256 ways"));
    buffer_free(&rules);
}

static void counts_may_be_unequal_to_a_number(void **state) {
    (void)state;
    static const char rules[] = ALL "title: M\ncorrelation: {type: event_count, rules: all, group-by: [g], "
                                    "timespan: 10s, condition: {neq: 2}}\n";
    assert_true(closes_with(rules, VALUES("1")));
    assert_false(closes_with(rules, VALUES("1", "1")));
    assert_true(closes_with(rules, VALUES("1", "1", "1")));
    assert_false(closes_with(MEASURE("value_count", "neq: 2"), VALUES("1", "2", "1")));
    assert_true(closes_with(MEASURE("value_count", "neq: 2"), VALUES("1", "1")));
}

static void an_alias_may_name_rules_by_id(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(
        "title: a\nname: a\nid: 00000000-0000-0000-0000-00000000000a\nlogsource: {}\n"
        "detection: {s: {k: a}, condition: s}\n---\n"
        "title: b\nname: b\nlogsource: {}\ndetection: {s: {k: b}, condition: s}\n---\n"
        "title: T\ncorrelation: {type: temporal, rules: [00000000-0000-0000-0000-00000000000A, b], timespan: 10s, "
        "group-by: [who], aliases: {who: {a: left, b: right}}}\n");
    workbench_event(bench, SECOND, "k", "a", "left", "x", NULL);
    assert_string_equal(workbench_event(bench, SECOND, "k", "b", "right", "y", NULL), "");
    assert_string_equal(workbench_event(bench, SECOND, "k", "b", "right", "x", NULL),
                        "T count=2 fresh=2 who=x [e1 e3]\n");
    workbench_close(bench);
}

static void a_filter_for_any_rule_reaches_every_log_source_that_its_own_holds(void **state) {
    (void)state;
    struct workbench *bench =
        workbench_open("title: R\nlogsource: {product: linux, service: sshd}\n"
                       "detection: {s: {f: 1}, condition: s}\n---\n"
                       "title: Q\nlogsource: {category: web}\ndetection: {s: {f: 1}, condition: s}\n---\n"
                       "title: F\nlogsource: {product: linux}\n"
                       "filter: {rules: any, s: {user.name: robot}, condition: not s}\n");
    assert_string_equal(workbench_event(bench, 0, "tocsin.product", "linux", "tocsin.service", "sshd",
                                        "tocsin.category", "web", "f", "1", "user.name", "robot", NULL),
                        "Q count=1 fresh=1 user.name=robot host.name=alpha [e1]\n");
    workbench_close(bench);
}

static void measures_survive_a_restart(void **state) {
    (void)state;
    static const char *const kinds[] = {MEASURE("value_sum", "eq: 3"), MEASURE("value_avg", "eq: 1.5"),
                                        MEASURE("value_percentile", "percentile: 100, eq: 2"),
                                        MEASURE("value_percentile", "eq: 50"),
                                        TEMPORAL("temporal", "a and not b and not c and not d")};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct workbench *bench = workbench_open(kinds[i]);
        struct buffer state_bytes = BUFFER(1 << 16);
        struct fault fault;
        workbench_event(bench, 100 * SECOND, "f", "1", "g", "x", "k", "a", NULL);
        assert_true(detector_save(bench->detector, &state_bytes));
        detector_destroy(bench->detector);
        bench->detector = detector_create(bench->ruleset, NULL);
        assert_true(detector_load(bench->detector, buffer_slice(&state_bytes), &fault));
        workbench_event(bench, 101 * SECOND, "f", "2", "g", "x", NULL);
        assert_true(*workbench_advance(bench, 200 * SECOND));
        buffer_free(&state_bytes);
        workbench_close(bench);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_is_told_by_the_event_that_fulfils_it),
        cmocka_unit_test(a_sum_that_comes_late_counts_where_its_time_is),
        cmocka_unit_test(a_sum_over_very_many_events_leaves_none_out),
        cmocka_unit_test(a_folded_line_is_summed_as_often_as_it_says),
        cmocka_unit_test(an_upper_bound_on_a_sum_waits_for_the_windows_end),
        cmocka_unit_test(an_average_is_taken_over_the_whole_window),
        cmocka_unit_test(a_percentile_is_the_number_at_its_rank),
        cmocka_unit_test(a_percentile_of_very_many_numbers_is_rounded_and_none_is_left_out),
        cmocka_unit_test(a_percentile_without_a_rank_asks_for_the_part_of_a_value),
        cmocka_unit_test(temporal_may_ask_for_a_number_of_its_rules),
        cmocka_unit_test(temporal_may_have_an_expression_over_its_rules),
        cmocka_unit_test(what_an_expression_denies_is_decided_when_the_window_has_closed),
        cmocka_unit_test(many_rules_in_order_are_one_way),
        cmocka_unit_test(counts_may_be_unequal_to_a_number),
        cmocka_unit_test(an_alias_may_name_rules_by_id),
        cmocka_unit_test(a_filter_for_any_rule_reaches_every_log_source_that_its_own_holds),
        cmocka_unit_test(measures_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
