/* Files of several documents: templates, repetitions, placeholders that stand in another document. */
#include "workbench.h"

#define VARS "vars:\n  Servers: ['srv*', db1]\n  domain: example.org\n  port: 22\n"

static bool expands(const char *item, const char *value) {
    char rules[1024];
    snprintf(rules, sizeof rules,
             "title: R\nlogsource: {}\ndetection:\n  s: {%s}\n  condition: s\n---\n" VARS, item);
    struct workbench *bench = workbench_open(rules);
    bool matches = *workbench_event(bench, SECOND, "f", value, NULL) != 0;
    workbench_close(bench);
    return matches;
}

static void a_placeholder_stands_for_each_of_its_values(void **state) {
    (void)state;
    assert_true(expands("f|expand: '%Servers%'", "srv7"));
    assert_true(expands("f|expand: '%Servers%'", "DB1"));
    assert_false(expands("f|expand: '%Servers%'", "db2"));
    assert_true(expands("f|expand: '%Servers%.%domain%:%port%'", "db1.example.org:22"));
    assert_false(expands("f|expand: '%Servers%.%domain%:%port%'", "db1.example.com:22"));
    assert_true(expands("f|contains|expand: '@%domain%'", "alice@example.org>"));
    assert_true(expands("f|expand|endswith: '@%domain%'", "alice@example.org"));
    assert_false(expands("f|expand|endswith: '@%domain%'", "alice@example.org>"));
    assert_true(expands("f|re|expand: '^%domain%$'", "example.org"));
    assert_true(expands("f|expand|base64: '%domain%'", "ZXhhbXBsZS5vcmc="));
}

static void a_percent_sign_may_be_meant_as_one(void **state) {
    (void)state;
    assert_true(expands("f: '%domain%'", "%domain%"));
    assert_false(expands("f: '%domain%'", "example.org"));
    assert_true(expands("f|expand: '\\%plain%domain%'", "%plainexample.org"));
    assert_true(expands("f|expand: '5 % or 6 %'", "5 % or 6 %"));
}

static void a_rule_waits_for_its_placeholder_and_no_longer(void **state) {
    (void)state;
    assert_string_equal(workbench_refusal("title: R\nlogsource: {}\ndetection: {s: {f|expand: '%a%'}, "
                                          "condition: s}\n---\nvars: {b: 1}\n"),
                        "3:27: 'expand' needs a value for its placeholder '%a%', and none is set");
    assert_string_equal(workbench_refusal("title: R\nlogsource: {}\ndetection: {s: {f|expand: '%a%'}, "
                                          "condition: s}\n---\nvars: {a: 1}\n"),
                        "loaded");
}

#define GLOBAL                                                                                               \
    "action: global\ntitle: G\nid: 11111111-2222-3333-4444-555555555555\nlevel: high\n"                      \
    "detection: {condition: s and t, s: {f: 1}}\n---\n"
#define FIRST "logsource: {product: linux}\ndetection: {t: {g: 1}}\n---\n"
#define SECOND_ONE "logsource: {product: bsd}\ndetection: {t: {g: 2}}\n"

static void a_template_gives_what_it_has_to_every_rule_behind_it(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(GLOBAL FIRST SECOND_ONE);
    assert_int_equal(ruleset_rule_count(bench->ruleset), 2);
    assert_int_equal(ruleset_outcome(bench->ruleset, 0).kind, RULESET_TEMPLATE);
    assert_string_equal(ruleset_rule(bench->ruleset, 1)->title, "G");
    assert_int_equal(ruleset_rule(bench->ruleset, 1)->level, LEVEL_HIGH);
    /* An id is one rule's. */
    assert_string_equal(ruleset_rule(bench->ruleset, 0)->id, "11111111-2222-3333-4444-555555555555");
    assert_string_equal(ruleset_rule(bench->ruleset, 1)->id, "rules.yml#10");
    assert_string_equal(workbench_event(bench, 0, "f", "1", "g", "1", "tocsin.product", "bsd", NULL), "");
    assert_string_equal(workbench_event(bench, 0, "f", "1", "g", "2", "tocsin.product", "bsd", NULL),
                        "G count=1 fresh=1 host.name=alpha [e2]\n");
    assert_string_equal(workbench_event(bench, 0, "f", "2", "g", "2", "tocsin.product", "bsd", NULL), "");
    workbench_close(bench);
}

static void reset_ends_a_template(void **state) {
    (void)state;
    assert_string_equal(workbench_refusal(GLOBAL FIRST "action: reset\n---\n" SECOND_ONE),
                        "12:1: there is no title");
    assert_string_equal(workbench_refusal(GLOBAL FIRST "action: reset\n---\ntitle: T\nlogsource: {}\n"
                                                       "detection: {s: {a: 1}, condition: s}\n"),
                        "loaded");
}

static void repeat_is_the_rule_before_with_changes(void **state) {
    (void)state;
    struct workbench *bench =
        workbench_open("title: A\nname: a\nlogsource: {}\ndetection: {s: {f: 1}, t: {g: 1}, condition: s and t}\n"
                       "---\naction: repeat\ntitle: B\ndetection: {t: {g: 2}}\n"
                       "---\naction: repeat\ntitle: C\ndetection: {s: {f: 2}}\n");
    assert_int_equal(ruleset_rule_count(bench->ruleset), 3);
    assert_null(ruleset_rule(bench->ruleset, 1)->name);
    assert_int_equal(ruleset_rule(bench->ruleset, 2)->line, 10);
    assert_string_equal(workbench_event(bench, 0, "f", "1", "g", "1", NULL),
                        "A count=1 fresh=1 host.name=alpha [e1]\n");
    assert_string_equal(workbench_event(bench, 0, "f", "1", "g", "2", NULL),
                        "B count=1 fresh=1 host.name=alpha [e2]\n");
    assert_string_equal(workbench_event(bench, 0, "f", "2", "g", "2", NULL),
                        "C count=1 fresh=1 host.name=alpha [e3]\n");
    assert_string_equal(workbench_event(bench, 0, "f", "2", "g", "1", NULL), "");
    workbench_close(bench);
}

static void correlations_take_nothing_from_a_template(void **state) {
    (void)state;
    assert_string_equal(
        workbench_refusal(GLOBAL "title: T\nname: t\nlogsource: {}\ndetection: {t: {g: 1}}\n---\n"
                                 "correlation: {type: event_count, rules: t, timespan: 1m, condition: {gte: 2}}\n"),
        "12:1: there is no title");
}

static void a_file_that_repeats_without_end_is_stopped(void **state) {
    (void)state;
    struct buffer rules = BUFFER(1 << 20);
    buffer_append_string(&rules, "title: A\nlogsource: {}\ndetection:\n  condition: s0\n");
    for (unsigned i = 0; i < 800; i++)
        buffer_printf(&rules, "  s%u: {f: 1}\n", i);
    for (unsigned i = 0; i < 200; i++)
        buffer_printf(&rules, "---\naction: repeat\ndetection: {s1: {f: %u}}\n", i);
    assert_non_null(strstr(workbench_refusal(buffer_string(&rules)), "too much is taken over"));
    buffer_free(&rules);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_placeholder_stands_for_each_of_its_values),
        cmocka_unit_test(a_percent_sign_may_be_meant_as_one),
        cmocka_unit_test(a_rule_waits_for_its_placeholder_and_no_longer),
        cmocka_unit_test(a_template_gives_what_it_has_to_every_rule_behind_it),
        cmocka_unit_test(reset_ends_a_template),
        cmocka_unit_test(repeat_is_the_rule_before_with_changes),
        cmocka_unit_test(correlations_take_nothing_from_a_template),
        cmocka_unit_test(a_file_that_repeats_without_end_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
