#include "workbench.h"

#include <stdlib.h>

#include "memory.h"

struct workbench *workbench_open_with(const char *rules, bool without_prefilter, uint32_t groups_most) {
    struct workbench *bench = memory_new(sizeof *bench);
    bench->symbols = symbols_create();
    bench->ruleset = ruleset_create(bench->symbols);
    bench->said = BUFFER(1 << 20);
    ruleset_add(bench->ruleset, "rules.yml", slice_string(rules));
    struct fault fault = {0};
    struct ruleset_options options = {.without_prefilter = without_prefilter};
    if (!ruleset_compile(bench->ruleset, &options, &fault))
        fail_msg("%s", fault.text);
    for (size_t i = 0; i < ruleset_outcome_count(bench->ruleset); i++) {
        struct ruleset_outcome outcome = ruleset_outcome(bench->ruleset, i);
        if (!outcome.loaded)
            fail_msg("line %u: %s", outcome.line, outcome.reason);
    }
    struct detector_limits limits = {.groups_most = groups_most};
    bench->detector = detector_create(bench->ruleset, &limits);
    bench->record = record_create(bench->symbols);
    return bench;
}

struct workbench *workbench_open(const char *rules) {
    return workbench_open_with(rules, false, 0);
}

void workbench_close(struct workbench *bench) {
    detector_destroy(bench->detector);
    ruleset_destroy(bench->ruleset);
    record_destroy(bench->record);
    symbols_destroy(bench->symbols);
    buffer_free(&bench->said);
    free(bench);
}

static void say(void *context, const struct detector_match *match) {
    struct buffer *said = context;
    buffer_printf(said, "%s count=%llu fresh=%llu", match->rule->title, (unsigned long long)match->count,
                  (unsigned long long)match->fresh);
    for (size_t i = 0; i < match->entity_count; i++)
        buffer_printf(said, " %.*s=%.*s", SLICE_ARG(match->entity[i].name),
                      SLICE_ARG(match->entity[i].value));
    buffer_append_string(said, " [");
    for (size_t i = 0; i < match->event_id_count; i++)
        buffer_printf(said, "%s%.*s", i ? " " : "", SLICE_ARG(match->event_ids[i]));
    buffer_append_string(said, "]\n");
}

static const char *process(struct workbench *bench, uint64_t time_us, va_list fields) {
    record_clear(bench->record);
    for (const char *name; (name = va_arg(fields, const char *));) {
        const char *value = va_arg(fields, const char *);
        record_add_named(bench->record, slice_string(name), value ? RECORD_TEXT : RECORD_NULL,
                         slice_string(value));
    }
    char id[32];
    snprintf(id, sizeof id, "e%llu", (unsigned long long)++bench->sequence);
    struct detector_event event = {slice_string(id), time_us, SLICE("alpha")};
    buffer_clear(&bench->said);
    detector_process(bench->detector, bench->record, &event, say, &bench->said);
    return buffer_string(&bench->said);
}

const char *workbench_event(struct workbench *bench, uint64_t time_us, ...) {
    va_list fields;
    va_start(fields, time_us);
    const char *said = process(bench, time_us, fields);
    va_end(fields);
    return said;
}

const char *workbench_advance(struct workbench *bench, uint64_t time_us) {
    buffer_clear(&bench->said);
    detector_advance(bench->detector, time_us, say, &bench->said);
    return buffer_string(&bench->said);
}

bool workbench_matches(const char *detection, ...) {
    char rules[8192];
    snprintf(rules, sizeof rules, "title: R\nlogsource: {}\ndetection:\n%s", detection);
    bool results[2];
    for (int without = 0; without < 2; without++) {
        struct workbench *bench = workbench_open_with(rules, without, 0);
        va_list fields;
        va_start(fields, detection);
        results[without] = *process(bench, SECOND, fields) != 0;
        va_end(fields);
        workbench_close(bench);
    }
    assert_int_equal(results[0], results[1]);
    return results[0];
}

const char *workbench_refusal(const char *rules) {
    static char text[1024];
    struct symbols *symbols = symbols_create();
    struct ruleset *ruleset = ruleset_create(symbols);
    ruleset_add(ruleset, "rules.yml", slice_string(rules));
    struct fault fault;
    assert_true(ruleset_compile(ruleset, NULL, &fault));
    snprintf(text, sizeof text, "loaded");
    for (size_t i = ruleset_outcome_count(ruleset); i-- > 0;) {
        struct ruleset_outcome outcome = ruleset_outcome(ruleset, i);
        assert_string_equal(outcome.file, "rules.yml");
        if (!outcome.loaded)
            snprintf(text, sizeof text, "%u:%u: %s", outcome.line, outcome.column, outcome.reason);
        assert_int_equal(outcome.loaded, *outcome.reason == 0);
    }
    ruleset_destroy(ruleset);
    symbols_destroy(symbols);
    return text;
}
