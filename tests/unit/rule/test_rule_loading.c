#include "workbench.h"

#define HEAD "title: T\nlogsource: {product: linux}\n"

static void every_mistake_is_refused_with_its_place_and_reason(void **state) {
    (void)state;
    static const struct {
        const char *text, *refusal;
    } cases[] = {
        {"", "1:1: there is no rule in this file"},
        {"# nothing\n", "1:1: there is no rule in this file"},
        {"- a\n", "1:3: not a map: no rule"},
        {"title: \xff\n", "1:1: not UTF-8"},
        {"# a\ntitle: T\ndetection: [\n", "4:1: not YAML: flow sequence without a closing bracket"},
        {"title: T\ntitle: U\n", "2:1: not YAML: duplicate key"},
        {"title: &a T\nid: *a\n", "1:11: anchors (&name) and tags (!name) are not taken"},
        {"title: !str T\n", "1:13: anchors (&name) and tags (!name) are not taken"},
        {"id: 1\n", "1:1: there is no title"},
        {HEAD "id: 12\ndetection: {s: {a: 1}, condition: s}\n", "3:5: the id is no UUID"},
        {HEAD "level: bad\ndetection: {s: {a: 1}, condition: s}\n", "3:8: unknown level"},
        {HEAD "status: odd\ndetection: {s: {a: 1}, condition: s}\n", "3:9: unknown status 'odd'"},
        {HEAD "detecton: {}\n", "1:1: there is no detection, correlation or filter"},
        {"title: T\ndetection: {s: {a: 1}, condition: s}\n", "1:1: there is no logsource, or it is no map"},
        {HEAD "detection: {s: {a: 1}}\n", "3:13: there is no condition"},
        {HEAD "detection:\n  s: {a: 1}\n  condition: s and t\n",
         "5:20: condition: there is no selection 't'"},
        {HEAD "detection:\n  s: {a: 1}\n  condition: s and (s\n",
         "5:22: condition: a parenthesis is not closed"},
        {HEAD "detection:\n  s: {a: 1}\n  condition: s s\n", "5:16: condition: 's' cannot stand here"},
        {HEAD "detection:\n  s: {a: 1}\n  condition: s and\n",
         "5:19: condition: ends where a selection should stand"},
        {HEAD "detection:\n  s: {a: 1}\n  condition: 1 of x*\n",
         "5:19: condition: 'x*' stands for 0 selections"},
        {HEAD "detection:\n  s: {a: 1}\n  condition: 2 of them\n",
         "5:19: condition: 'them' stands for 1 selections"},
        {HEAD "detection:\n  s: {a: 1}\n  condition: s | count() > 5\n",
         "5:16: condition: aggregations behind | are no part of Sigma any more"},
        {HEAD "detection:\n  s: {a|contians: 1}\n  condition: s\n", "4:7: unknown modifier 'contians'"},
        {HEAD "detection:\n  s: {a|re: '('}\n  condition: s\n",
         "4:13: bad regular expression at its byte 2: missing closing parenthesis"},
        {HEAD "detection:\n  s: {a|cidr: 10.0.0.0/33}\n  condition: s\n",
         "4:15: not a network: '10.0.0.0/33'"},
        {HEAD "detection:\n  s: {a|gt: many}\n  condition: s\n", "4:13: not a number: 'many'"},
        {HEAD "detection:\n  s: {a|exists: maybe}\n  condition: s\n",
         "4:17: exists is neither true nor false"},
        {HEAD "detection:\n  s: {a|expand: '%x%'}\n  condition: s\n",
         "4:17: 'expand' needs a value for its placeholder '%x%', and none is set"},
        {HEAD "detection:\n  s: {a|hour: late}\n  condition: s\n", "4:15: not a number: 'late'"},
        {HEAD "detection:\n  s: {a|hour: 24}\n  condition: s\n",
         "4:15: no date has this: it is a number from 0 to 23"},
        {HEAD "detection:\n  s: {a|hour|gte: 24}\n  condition: s\n", "loaded"},
        {HEAD "detection:\n  s: {a|contains|hour: 3}\n  condition: s\n", "loaded"},
        {HEAD "detection:\n  s: {'|hour': 3}\n  condition: s\n", "4:7: the modifier 'hour' needs a field"},
        {HEAD "detection:\n  s: {a|hour|minute: 3}\n  condition: s\n",
         "4:7: the modifier 'minute' does not go with the one before it"},
        {HEAD "detection:\n  s: {a|base64|expand: x}\n  condition: s\n",
         "4:7: the modifier 'expand' does not go with the one before it"},
        {HEAD "detection:\n  s: {a|windash|base64: ' -a -b -c -d -e'}\n  condition: s\n",
         "4:25: windash before an encoding takes at most 4 dashes"},
        {HEAD "status: unsupported\ndetection: {s: {a: 1}, condition: s}\n",
         "3:9: its author says that it cannot be used as it is (status: unsupported)"},
        {HEAD "taxonomy: windows\ndetection: {s: {a: 1}, condition: s}\n",
         "3:11: the taxonomy 'windows' is not known here"},
        {HEAD "taxonomy: ecs\ndetection: {s: {a: 1}, condition: s}\n", "loaded"},
        {"action: globl\ntitle: T\n", "1:9: unknown action 'globl'"},
        {"action: repeat\ntitle: T\n", "1:9: action: there is nothing to repeat"},
        {"vars: [a]\n", "1:8: vars: not a map of names and values"},
        {"vars: {a: [b]}\ntransformations: []\n", "2:1: vars: 'transformations' has no place beside it"},
        {"vars: {a: [b]}\n---\nvars: {a: [c]}\n",
         "3:8: vars: 'a' has values already, by rules.yml:1"},
        {"vars: {a: [{b: c}]}\n", "1:13: vars: a value is no text"},
        {HEAD "detection:\n  s: {a|contains|re: x}\n  condition: s\n", "loaded"},
        {HEAD "detection:\n  s: {a|re|contains: x}\n  condition: s\n",
         "4:7: the modifier 'contains' does not go with the one before it"},
        {HEAD "detection:\n  s: {a|i: x}\n  condition: s\n", "4:7: the modifier 'i' belongs behind re"},
        {HEAD "detection:\n  s: {a|contains: null}\n  condition: s\n",
         "4:19: null cannot go with the modifier 'contains'"},
        {HEAD "detection:\n  s: {a|base64: 'x*'}\n  condition: s\n",
         "4:17: base64 needs a text without wildcards"},
        {HEAD "detection:\n  s: {'|lt': 3}\n  condition: s\n", "4:7: the modifier 'lt' needs a field"},
        {HEAD "detection:\n  s: {a: []}\n  condition: s\n", "4:7: an empty list of values"},
        {HEAD "detection:\n  s: {a: {b: c}}\n  condition: s\n", "4:11: a map cannot stand here"},
        {HEAD "detection:\n  s: ['']\n  condition: s\n", "4:7: an empty keyword stands in every event"},
        {HEAD "detection:\n  s: {}\n  condition: s\n", "4:3: an empty selection"},
        {HEAD "detection:\n  s:\n  condition: s\n", "4:3: an empty selection"},
        {HEAD "detection: {s: {a: 1}, timeframe: 5m, condition: s}\n",
         "3:24: timeframe is no part of Sigma any more"},
        {HEAD "tocsin: {severity: 3c}\ndetection: {s: {a: 1}, condition: s}\n",
         "3:20: tocsin: 3c is a person's word, never a rule's"},
        {HEAD "tocsin: {prority: page}\ndetection: {s: {a: 1}, condition: s}\n",
         "3:10: tocsin: unknown key 'prority'"},
        {HEAD "tocsin: {ends: nothing}\ndetection: {s: {a: 1}, condition: s}\n",
         "1:1: tocsin: it ends 'nothing', and no rule has that trouble"},
        {HEAD "tocsin: {trouble: a, ends: b}\ndetection: {s: {a: 1}, condition: s}\n",
         "3:28: tocsin: a rule has a trouble or ends one, once"},
        {HEAD "tocsin: {repeat: often}\ndetection: {s: {a: 1}, condition: s}\n", "3:18: tocsin: repeat is no time"},
        {HEAD "tocsin: {entity: []}\ndetection: {s: {a: 1}, condition: s}\n",
         "3:10: tocsin: entity is no list of 1 to 8 texts"},
        {HEAD "tocsin: {silence: {}}\ndetection: {s: {a: 1}, condition: s}\n",
         "3:10: tocsin: 'silence' is not supported yet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *refusal = workbench_refusal(cases[i].text);
        if (strcmp(refusal, cases[i].refusal) != 0)
            fail_msg("%s\n  said   %s\n  due    %s", cases[i].text, refusal, cases[i].refusal);
    }
}

#define CORRELATION "title: C\ncorrelation:\n  type: event_count\n  rules: [r]\n"
#define REFERRED "title: T\nname: r\nlogsource: {}\ndetection: {s: {a: 1}, condition: s}\n---\n"

#define OTHER "title: O\nname: o\nlogsource: {product: linux}\ndetection: {s: {a: 2}, condition: s}\n---\n"

static void correlations_are_checked_too(void **state) {
    (void)state;
    static const struct {
        const char *text, *refusal;
    } cases[] = {
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gte: 2}\n", "loaded"},
        {CORRELATION "  timespan: 5m\n  condition: {gte: 2}\n", "1:1: correlation: there is no rule 'r'"},
        {REFERRED CORRELATION "  condition: {gte: 2}\n", "8:3: correlation: there is no timespan"},
        {REFERRED CORRELATION "  timespan: 5x\n  condition: {gte: 2}\n",
         "10:13: correlation: not a timespan"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gte: x}\n",
         "11:20: correlation: not a number"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gte: 10001}\n",
         "11:20: correlation: not a number from 0 to 10000"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gte: 2.5}\n",
         "11:20: correlation: not a number from 0 to 10000"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {lt: 1}\n",
         "11:15: correlation: the condition can never hold: a window begins with an event"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {neq: 0}\n", "loaded"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {most: 3}\n",
         "11:15: correlation: unknown condition 'most'"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gte: 3, percentile: 5}\n",
         "11:23: correlation: percentile goes with value_percentile alone"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: r\n",
         "11:14: correlation: a condition over rules goes with temporal alone"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gt: 5, lt: 5}\n",
         "11:15: correlation: the condition can never hold or says no number"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {field: a, gte: 2}\n",
         "11:15: correlation: the condition's field does not go with the type"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gte: 2}\n  grup-by: [a]\n",
         "12:3: correlation: unknown key 'grup-by'"},
        {REFERRED CORRELATION
         "  timespan: 5m\n  condition: {gte: 2}\n  group-by: [x]\n  aliases: {x: {}}\n",
         "13:13: correlation: the alias says no field for the rule 'r'"},
        {REFERRED CORRELATION "  timespan: 5m\n  condition: {gte: 2}\n  group-by: [x, y, x]\n",
         "12:14: correlation: group-by names 'x' twice"},
        {"title: A\nname: a\ncorrelation: {type: event_count, rules: b, timespan: 1m, condition: {gte: "
         "1}}\n---\n"
         "title: B\nname: b\ncorrelation: {type: event_count, rules: a, timespan: 1m, condition: {gte: 1}}\n",
         "1:1: correlation: it refers to itself in a circle, or to one that does"},
        {REFERRED CORRELATION
         "  timespan: 5m\n  condition: {gte: 2}\n  group-by: [x]\n  aliases: {x: {r: a, other: a}}\n",
         "13:13: correlation: the alias names 'other', which is none of its rules"},
        {REFERRED "title: C\ncorrelation: {type: value_sum, rules: r, timespan: 1m, condition: {gte: 1}}\n",
         "7:68: correlation: the condition's field does not go with the type"},
        {REFERRED "title: C\ncorrelation: {type: value_avg, rules: r, timespan: 1m, condition: {gte: 1, field: [a, b]}}\n",
         "7:84: correlation: one field alone can be measured"},
        {REFERRED "title: C\ncorrelation: {type: value_max, rules: r, timespan: 1m, condition: {gte: 1, field: a}}\n",
         "7:21: the correlation type 'value_max' is not known"},
        {REFERRED "title: C\ncorrelation: {type: value_percentile, rules: r, timespan: 1m, "
                  "condition: {gte: 1, field: a, percentile: 101}}\n",
         "7:105: correlation: percentile is a number from 0 to 100"},
        {REFERRED OTHER "title: C\ncorrelation: {type: temporal, rules: [r, o], timespan: 1m, condition: r and x}\n",
         "12:77: condition: there is no selection 'x'"},
        {REFERRED OTHER "title: C\ncorrelation: {type: temporal, rules: [r, o], timespan: 1m, condition: r or r}\n",
         "12:71: correlation: the condition says nothing of the rule 'o'"},
        {REFERRED OTHER "title: C\ncorrelation: {type: temporal, rules: [r, o], timespan: 1m, condition: {gte: 3}}\n",
         "12:72: correlation: the condition can never hold: there are 2 rules"},
        {REFERRED OTHER "title: C\ncorrelation: {type: temporal_ordered, rules: [r, o], timespan: 1m, "
                        "condition: r and not o}\n",
         "12:79: correlation: what is absent has no place in an order"},
        {REFERRED OTHER "title: C\ncorrelation: {type: temporal, rules: [r, r], timespan: 1m}\n",
         "11:1: correlation: it names the rule 'r' twice"},
        {REFERRED REFERRED, "6:1: the name 'r' is taken by rules.yml:1"},
        {"title: F\nlogsource: {}\nfilter: {rules: [gone], s: {a: 1}, condition: not s}\n",
         "1:1: filter: there is no plain rule 'gone'"},
        {OTHER "title: F\nlogsource: {product: bsd}\nfilter: {rules: [o], s: {a: 1}, condition: not s}\n",
         "6:1: filter: its log source does not hold that of the rule 'o'"},
        {OTHER "title: F\nlogsource: {}\nfilter: {rules: [o], s: {a: 1}, condition: not s}\n", "loaded"},
        {OTHER "title: F\nlogsource: {category: x}\nfilter: {rules: any, s: {a: 1}, condition: not s}\n", "loaded"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *refusal = workbench_refusal(cases[i].text);
        if (strcmp(refusal, cases[i].refusal) != 0)
            fail_msg("%s\n  said   %s\n  due    %s", cases[i].text, refusal, cases[i].refusal);
    }
}

static void a_refused_document_does_not_stop_the_others(void **state) {
    (void)state;
    struct symbols *symbols = symbols_create();
    struct ruleset *ruleset = ruleset_create(symbols);
    static const char text[] = "%YAML 1.2\n# first\n---\n" HEAD
                               "detection: {s: {a: 1}, condition: s}\n...\n# between\n--- # second\n"
                               "title: [\n---\n" HEAD "detection: {s: {a: 1}, condition: s}\n";
    assert_int_equal(ruleset_add(ruleset, "r.yml", slice_string(text)), 1);
    struct fault fault;
    assert_true(ruleset_compile(ruleset, NULL, &fault));
    assert_int_equal(ruleset_outcome_count(ruleset), 3);
    assert_int_equal(ruleset_rule_count(ruleset), 2);
    assert_int_equal(ruleset_outcome(ruleset, 0).line, 4);
    assert_false(ruleset_outcome(ruleset, 1).loaded);
    assert_int_equal(ruleset_rule(ruleset, 1)->line, 12);
    assert_string_equal(ruleset_rule(ruleset, 1)->id, "r.yml#12");
    assert_ptr_equal(ruleset_rule_by_id(ruleset, SLICE("r.yml#12")), ruleset_rule(ruleset, 1));
    ruleset_destroy(ruleset);
    symbols_destroy(symbols);
}

static void what_an_alert_needs_is_kept(void **state) {
    (void)state;
    struct workbench *bench =
        workbench_open("title: T\nid: 11111111-2222-3333-4444-555555555555\nname: n\n"
                       "status: stable\nlevel: critical\ntags: [attack.impact, attack.t1485]\n"
                       "logsource: {}\ndetection: {s: {a: 1}, condition: s}\n"
                       "tocsin: {severity: 3B, priority: page, what_to_do: Run., because: So., repeat: 2h, trouble: t}\n");
    const struct rule *rule = ruleset_rule(bench->ruleset, 0);
    assert_string_equal(rule->id, "11111111-2222-3333-4444-555555555555");
    assert_string_equal(rule->name, "n");
    assert_int_equal(rule->level, LEVEL_CRITICAL);
    assert_int_equal(rule->tag_count, 2);
    assert_string_equal(rule->tags[1], "attack.t1485");
    assert_int_equal(rule->severity, SEVERITY_3B);
    assert_int_equal(rule->priority, PRIORITY_PAGE);
    assert_string_equal(rule->what_to_do, "Run.");
    assert_string_equal(rule->because, "So.");
    assert_string_equal(rule->trouble, "t");
    assert_false(rule->ends);
    assert_int_equal(rule->repeat_us, 7200 * SECOND);
    workbench_close(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_refused_with_its_place_and_reason),
        cmocka_unit_test(correlations_are_checked_too),
        cmocka_unit_test(a_refused_document_does_not_stop_the_others),
        cmocka_unit_test(what_an_alert_needs_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
