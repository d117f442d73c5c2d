#include "ruleset_review.h"
#include "workbench.h"

#define RULE(title, detection) "title: " title "\nlogsource: {product: linux}\ndetection: {" detection "}\n---\n"

/* Whether the first of two rules is covered by the second; 2 where they say the same. */
static int covered(const char *first, const char *second) {
    char rules[2048];
    snprintf(rules, sizeof rules, RULE("B", "%s") RULE("A", "%s"), second, first);
    struct workbench *bench = workbench_open(rules);
    bool same = false;
    const struct rule *by = ruleset_review_covered_by(bench->ruleset, 1, &same);
    if (by)
        assert_string_equal(by->title, "B");
    int result = by ? 1 + same : 0;
    workbench_close(bench);
    return result;
}

static void a_rule_whose_every_event_another_one_matches_is_covered(void **state) {
    (void)state;
    static const struct {
        const char *first, *second;
        int covered;
    } cases[] = {
        {"s: {a: 1}, condition: s", "s: {a: 1}, condition: s", 2},
        {"s: {a: 1, b: 2}, condition: s", "t: {a: 1}, condition: t", 1},
        {"s: {a: 1}, condition: s", "t: {a: 1, b: 2}, condition: t", 0},
        {"s: {a: [1, 2]}, condition: s", "s: {a: [3, 2, 1]}, condition: s", 1},
        {"s: {a: [1, 4]}, condition: s", "s: {a: [3, 2, 1]}, condition: s", 0},
        {"s: {a: 1}, t: {b: 1}, condition: s and not t", "s: {a: 1}, condition: s", 1},
        {"s: {a: 1}, condition: s", "s: {a: 1}, t: {b: 1}, condition: s and not t", 0},
        {"s: {a: 1}, t: {b: [1, 2]}, condition: s and not t", "s: {a: 1}, t: {b: 1}, condition: s and not t", 1},
        {"s: {a: 1}, t: {b: 1}, condition: s and not t", "s: {a: 1}, t: {b: [1, 2]}, condition: s and not t", 0},
        {"s: {a|startswith: Foobar}, condition: s", "s: {a|startswith: foo}, condition: s", 1},
        {"s: {a|startswith: foobar}, condition: s", "s: {a|contains: oba}, condition: s", 1},
        {"s: {a|startswith: foobar}, condition: s", "s: {a|endswith: bar}, condition: s", 0},
        {"s: {a|startswith: foobar}, condition: s", "s: {a|cased|startswith: foo}, condition: s", 0},
        {"s: {a|cased|startswith: Foobar}, condition: s", "s: {a|startswith: foo}, condition: s", 1},
        {"s: {a: foobar}, condition: s", "s: {a|endswith: bar}, condition: s", 1},
        {"s: {a: foobar}, condition: s", "s: {a: 'f*r'}, condition: s", 1},
        {"s: {a: foobar}, condition: s", "s: {a: 'f*x'}, condition: s", 0},
        {"s: {a: 'x*foobar*y'}, condition: s", "s: {a|contains: oba}, condition: s", 1},
        {"s: {a: 'foo*bar'}, condition: s", "s: {a|contains: oba}, condition: s", 0},
        {"s: {a|cidr: 10.1.0.0/16}, condition: s", "s: {a|cidr: 10.0.0.0/8}, condition: s", 1},
        {"s: {a|cidr: 10.0.0.0/8}, condition: s", "s: {a|cidr: 10.1.0.0/16}, condition: s", 0},
        {"s: {a|cidr: 11.1.0.0/16}, condition: s", "s: {a|cidr: 10.0.0.0/8}, condition: s", 0},
        {"s: {a|re: x}, condition: s", "s: {a|exists: true}, condition: s", 1},
        {"s: {a: null}, condition: s", "s: {a|exists: true}, condition: s", 0},
        {"s: {b: 1}, condition: s", "s: {a: 1}, condition: s", 0},
        {"s: [abc], condition: s", "s: [b], condition: s", 1},
        {"s: {a: 1}, t: {b: 1}, u: {c: 1}, condition: all of them",
         "s: {a: 1}, t: {b: 1}, u: {c: 1}, condition: 2 of them", 1},
        {"s: {a: 1}, t: {b: 1}, u: {c: 1}, condition: s and u",
         "s: {a: 1}, t: {b: 1}, u: {c: 1}, condition: 2 of them", 1},
        {"s: {a: 1}, t: {b: 1}, u: {c: 1}, condition: s or u",
         "s: {a: 1}, t: {b: 1}, u: {c: 1}, condition: 2 of them", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (covered(cases[i].first, cases[i].second) != cases[i].covered)
            fail_msg("%s  |  %s  is not %d", cases[i].first, cases[i].second, cases[i].covered);
}

static void only_rules_that_both_speak_are_told(void **state) {
    (void)state;
    static const char wide[] = "title: W\nname: w\nlogsource: {product: linux}\ndetection: {s: {a: 1}, condition: s}\n---\n";
    static const char narrow[] = "title: N\nlogsource: {product: linux, service: sshd}\n"
                                 "detection: {s: {a: 1}, condition: s}\n---\n";
    static const char other[] = "title: O\nlogsource: {product: bsd}\ndetection: {s: {a: 1}, condition: s}\n---\n";
    static const char counted[] =
        "title: C\ncorrelation: {type: event_count, rules: w, timespan: 1m, condition: {gte: 2}}\n";
    char rules[1024];
    bool same;
    snprintf(rules, sizeof rules, "%s%s%s", wide, narrow, other);
    struct workbench *bench = workbench_open(rules);
    assert_null(ruleset_review_covered_by(bench->ruleset, 0, &same));
    assert_string_equal(ruleset_review_covered_by(bench->ruleset, 1, &same)->title, "W");
    assert_false(same);
    assert_null(ruleset_review_covered_by(bench->ruleset, 2, &same));
    workbench_close(bench);
    snprintf(rules, sizeof rules, "%s%s%s", wide, narrow, counted);
    bench = workbench_open(rules);
    assert_null(ruleset_review_covered_by(bench->ruleset, 1, &same));
    assert_null(ruleset_review_covered_by(bench->ruleset, 2, &same));
    workbench_close(bench);
}

static bool linux_alone(const void *context, const struct rule_source *source) {
    (void)context;
    return slice_equal(source->product, SLICE("linux"));
}

static void a_correlation_can_match_where_enough_of_its_rules_can(void **state) {
    (void)state;
#define OF(name, product)                                                                                    \
    "title: " name "\nname: " name "\nlogsource: {product: " product                                         \
    "}\ndetection: {s: {a: " name "}, condition: s}\n---\n"
    static const struct {
        const char *correlation;
        bool can;
    } cases[] = {
        {"type: temporal, rules: [l, w], timespan: 1m", false},
        {"type: temporal, rules: [l, w], timespan: 1m, condition: l or w", true},
        {"type: temporal, rules: [l, w], timespan: 1m, condition: l and not w", true},
        {"type: temporal, rules: [l, m], timespan: 1m", true},
        {"type: temporal_ordered, rules: [l, w], timespan: 1m", false},
        {"type: temporal_ordered, rules: [l, w, m], timespan: 1m, condition: {gte: 2}", true},
        {"type: event_count, rules: [l, w], timespan: 1m, condition: {gte: 2}", true},
        {"type: event_count, rules: [w], timespan: 1m, condition: {gte: 2}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rules[1024];
        snprintf(rules, sizeof rules, OF("l", "linux") OF("m", "linux") OF("w", "windows") "title: C\ncorrelation: {%s}\n",
                 cases[i].correlation);
        struct workbench *bench = workbench_open(rules);
        if (ruleset_review_can_match(bench->ruleset, 3, linux_alone, NULL) != cases[i].can)
            fail_msg("%s", cases[i].correlation);
        assert_false(ruleset_review_can_match(bench->ruleset, 2, linux_alone, NULL));
        workbench_close(bench);
    }
}

static const char *remark(const char *rules) {
    static char text[512];
    struct workbench *bench = workbench_open(rules);
    *text = 0;
    for (size_t i = 0; i < ruleset_outcome_count(bench->ruleset); i++)
        if (*ruleset_outcome(bench->ruleset, i).remark)
            snprintf(text, sizeof text, "%s", ruleset_outcome(bench->ruleset, i).remark);
    workbench_close(bench);
    return text;
}

static void what_is_probably_not_meant_is_told(void **state) {
    (void)state;
    assert_string_equal(remark(RULE("R", "s: {a: 1}, condition: s")), "");
    assert_string_equal(remark(RULE("R", "s: {a: 1}, t: {b: 1}, condition: s")),
                        "the condition does not use the selection 't'");
    assert_string_equal(remark("status: deprecated\n" RULE("R", "s: {a|all: 1}, condition: s")),
                        "deprecated: another rule has taken its place; 'all' has one value alone (line 4)");
    assert_non_null(strstr(remark(RULE("R", "s: {a: [x, null]}, condition: s")), "null stands in a list"));
    assert_non_null(strstr(remark(RULE("R", "s: {a: 1}, condition: s")
                                  "title: F\nlogsource: {}\nfilter: {rules: any, s: {b: 1}, condition: s}\n"),
                           "nothing in its condition is denied"));
    assert_string_equal(remark(RULE("R", "s: {a: 1}, condition: s")
                               "title: F\nlogsource: {}\nfilter: {rules: any, s: {b: 1}, condition: not s}\n"),
                        "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_whose_every_event_another_one_matches_is_covered),
        cmocka_unit_test(only_rules_that_both_speak_are_told),
        cmocka_unit_test(a_correlation_can_match_where_enough_of_its_rules_can),
        cmocka_unit_test(what_is_probably_not_meant_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
