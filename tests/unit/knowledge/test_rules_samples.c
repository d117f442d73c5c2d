/* The rules that Tocsin brings, on raw lines: every decoder and every rule is loaded, as the collector does it, and each
 * sample names all the titles that must be said of its lines, and no others. And what reads samples, on bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory.h"
#include "rule_samples.h"
#include "trial.h"

static char rules[] = "rules", decoders[] = "rules/decoders";

static void must_be_right(void *context, const struct trial_sample *sample) {
    if (*sample->missing || *sample->beyond)
        fail_msg("%s:%u: not said:\n%stoo much said:\n%s", sample->file, sample->line, sample->missing,
                 sample->beyond);
    ++*(unsigned *)context;
}

static void every_rule_loads_and_says_what_its_samples_want(void **state) {
    (void)state;
    char *rule_paths[] = {rules}, *decoder_paths[] = {decoders};
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    struct knowledge *knowledge = knowledge_load(rule_paths, 1, decoder_paths, 1, 0, &fault);
    if (!knowledge)
        fail_msg("%s", fault_line(&fault, line));
    for (size_t i = 0; i < ruleset_outcome_count(knowledge->ruleset); i++) {
        struct ruleset_outcome outcome = ruleset_outcome(knowledge->ruleset, i);
        if (!outcome.loaded)
            fail_msg("%s:%u:%u: %s", outcome.file, outcome.line, outcome.column, outcome.reason);
    }
    size_t count = ruleset_rule_count(knowledge->ruleset);
    bool *spoken = memory_new_array(count, sizeof *spoken);
    unsigned samples = 0;
    if (!trial_run(knowledge, rule_paths, 1, must_be_right, &samples, spoken, &fault))
        fail_msg("%s", fault_line(&fault, line));
    for (size_t i = 0; i < count; i++)
        if (ruleset_rule(knowledge->ruleset, i)->generates && !spoken[i])
            fail_msg("no sample makes this rule speak: %s", ruleset_rule(knowledge->ruleset, i)->title);
    assert_true(samples > 50);
    free(spoken);
    knowledge_destroy(knowledge);
}

static void a_file_of_samples_that_cannot_be_read_says_where_and_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"a: 1\n", "s:1:1: a file of samples is a list"},
        {"- [\n", "s:2:1: not YAML: flow sequence without a closing bracket"},
        {"- a\n", "s:1:3: a sample is a map: matches, lines"},
        {"- {lines: [a]}\n", "s:1:4: a sample needs matches (titles, or []) and lines"},
        {"- {matches: [a]}\n", "s:1:4: a sample needs matches (titles, or []) and lines"},
        {"- {matches: a, lines: [b]}\n", "s:1:13: matches is a list of titles"},
        {"- {matches: [], lines: []}\n", "s:1:17: there is no line in this sample"},
        {"- {matches: [], lines: [[a]]}\n", "s:1:26: lines is a list of texts"},
        {"- {matches: [], lines: [a], knd: state}\n", "s:1:29: known: matches, lines, kind, fields, each, format, file"},
        {"- {matches: [], lines: [a], fields: [b]}\n", "s:1:38: fields are a map of names and texts, 64 at most"},
        {"- {matches: [], lines: [a], fields: {b: [c]}}\n", "s:1:42: a field's value is a text"},
        {"- {matches: [], lines: [a], fields: {b: c}, each: [{b: c}]}\n",
         "s:1:53: each is a list of fields, and takes their place"},
        {"- {matches: [], lines: [a], format: [b]}\n", "s:1:38: a word is expected behind the colon"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        char line[FAULT_LINE_SIZE];
        assert_null(rule_samples_read("s", slice_string(cases[i].text), &fault));
        if (strcmp(fault_line(&fault, line), cases[i].fault) != 0)
            fail_msg("%s  said %s\n  due  %s", cases[i].text, line, cases[i].fault);
    }
}

static void every_line_is_an_event_and_so_is_each_of_each(void **state) {
    (void)state;
    struct fault fault;
    struct rule_samples *samples =
        rule_samples_read("s",
                          SLICE("- {matches: [t], lines: [a, b], format: jsonl, file: x}\n"
                                "- {matches: [], kind: state, each: [{f: 1}, {f: 2, g: 3}], lines: [c]}\n"),
                          &fault);
    assert_int_equal(rule_samples_count(samples), 2);
    const struct rule_sample *first = rule_samples_at(samples, 0), *second = rule_samples_at(samples, 1);
    assert_int_equal(first->event_count, 2);
    assert_true(slice_equal(first->events[1].line, SLICE("b")) && slice_equal(first->format, SLICE("jsonl")));
    assert_int_equal(second->line, 2);
    assert_int_equal(second->event_count, 2);
    assert_int_equal(second->events[1].field_count, 2);
    assert_true(slice_equal(second->events[1].names[1], SLICE("g")));
    assert_true(slice_equal(second->events[1].line, SLICE("c")));
    rule_samples_destroy(samples);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_loads_and_says_what_its_samples_want),
        cmocka_unit_test(a_file_of_samples_that_cannot_be_read_says_where_and_why),
        cmocka_unit_test(every_line_is_an_event_and_so_is_each_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
