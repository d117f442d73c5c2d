/* The rules that Tocsin brings, on raw lines: every decoder and every rule is loaded, as the collector does it, and each
 * sample names all the titles that must be said of its lines, and no others. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "interpreter.h"
#include "memory.h"
#include "sigma_yaml.h"
#include "workbench.h"

#define FILE_MOST (1u << 20)
#define NOVEMBER 1795286664000000ull /* 2026-11-21T18:44:24Z */

static char *read_file(const char *path, size_t *ret_size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be read", path);
    char *text = memory_new(FILE_MOST);
    *ret_size = fread(text, 1, FILE_MOST - 1, file);
    fclose(file);
    return text;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Calls back for each file of a folder whose name ends so. */
static unsigned each_file(const char *folder, const char *ending,
                          void (*visit)(void *, const char *, struct slice), void *context) {
    struct dirent **names;
    int count = scandir(folder, &names, NULL, by_name);
    unsigned visited = 0;
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        size_t size = strlen(names[i]->d_name), tail = strlen(ending);
        if (size > tail && strcmp(names[i]->d_name + size - tail, ending) == 0) {
            char path[512];
            size_t bytes;
            snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
            char *text = read_file(path, &bytes);
            visit(context, path, slice_make(text, bytes));
            free(text);
            visited++;
        }
        free(names[i]);
    }
    free(names);
    return visited;
}

struct house {
    struct symbols *symbols;
    struct interpreter *interpreter;
    struct ruleset *ruleset;
    struct record *record;
    struct buffer said; /* "title\n" for each title said of a sample, once */
    bool *seen;         /* [rule] */
    unsigned samples;
};

static void add_rules(void *context, const char *path, struct slice text) {
    struct house *house = context;
    ruleset_add(house->ruleset, path, text);
}

static void add_decoders(void *context, const char *path, struct slice text) {
    struct house *house = context;
    struct fault fault;
    char line[FAULT_LINE_SIZE];
    if (!interpreter_add_decoders(house->interpreter, text, path, &fault))
        fail_msg("%s", fault_line(&fault, line));
}

static void hear(void *context, const struct detector_match *match) {
    struct house *house = context;
    char line[600];
    snprintf(line, sizeof line, "%s\n", match->rule->title);
    house->seen[match->rule->index] = true;
    if (!strstr(buffer_string(&house->said), line))
        buffer_append_string(&house->said, line);
}

static void put_line(struct house *house, struct detector *detector, const struct yaml_node *sample,
                     const struct yaml_node *fields, struct slice line) {
    struct event_field list[16];
    const struct yaml_node *kind = yaml_find(sample, "kind"), *file = yaml_find(sample, "file");
    struct event_body body = {.kind = EVENT_LINE,
                              .source = file ? file->text : SLICE("/var/log/syslog"),
                              .raw = line,
                              .fields = list};
    if (kind)
        body.kind = slice_equal(kind->text, SLICE("gap")) ? EVENT_GAP : EVENT_STATE;
    for (size_t i = 0; fields && i < fields->count; i++)
        list[body.field_count++] = (struct event_field){fields->keys[i].text, fields->values[i].text};
    uint64_t time_us;
    interpreter_read(house->interpreter, &body, NOVEMBER, house->record, &time_us);
    struct detector_event event = {SLICE("alpha~00000000/1"), time_us ? time_us : NOVEMBER, SLICE("alpha")};
    detector_process(detector, house->record, &event, hear, house);
}

static void try_sample(struct house *house, const char *path, const struct yaml_node *sample) {
    const struct yaml_node *matches = yaml_find(sample, "matches"), *lines = yaml_find(sample, "lines"),
                           *each = yaml_find(sample, "each");
    struct detector *detector = detector_create(house->ruleset, NULL);
    assert_non_null(matches);
    assert_true(lines && lines->count);
    buffer_clear(&house->said);
    for (size_t i = 0; !each && i < lines->count; i++)
        put_line(house, detector, sample, yaml_find(sample, "fields"), lines->values[i].text);
    for (size_t i = 0; each && i < each->count; i++)
        put_line(house, detector, sample, &each->values[i], lines->values[0].text);
    size_t due = 0;
    for (size_t i = 0; i < matches->count; i++) {
        char title[600];
        snprintf(title, sizeof title, "%.*s\n", SLICE_ARG(matches->values[i].text));
        due += strlen(title);
        if (!strstr(buffer_string(&house->said), title))
            fail_msg("%s:%u: not said: %s", path, sample->line, title);
    }
    if (due != house->said.size)
        fail_msg("%s:%u: too much said:\n%s", path, sample->line, buffer_string(&house->said));
    detector_destroy(detector);
    house->samples++;
}

static void try_samples(void *context, const char *path, struct slice text) {
    struct rule_memory memory = {NULL};
    struct yaml_node root;
    struct refusal refusal;
    if (!sigma_yaml_parse(&memory, (struct yaml_part){text, 1}, &root, &refusal))
        fail_msg("%s:%u: %s", path, refusal.line, refusal.reason);
    for (size_t i = 0; i < root.count; i++)
        try_sample(context, path, &root.values[i]);
    rule_memory_free(&memory);
}

static void every_rule_loads_and_says_what_its_samples_want(void **state) {
    (void)state;
    struct house house = {.symbols = symbols_create(), .said = BUFFER(1 << 16)};
    house.interpreter = interpreter_create(house.symbols);
    house.ruleset = ruleset_create(house.symbols);
    assert_true(each_file("rules/decoders", ".yaml", add_decoders, &house) > 5);
    assert_true(each_file("rules/linux", ".yml", add_rules, &house) > 10);
    assert_true(each_file("rules/signer", ".yml", add_rules, &house) > 2);
    assert_true(each_file("rules/tocsin", ".yml", add_rules, &house) > 2);
    struct fault fault;
    assert_true(ruleset_compile(house.ruleset, NULL, &fault));
    for (size_t i = 0; i < ruleset_outcome_count(house.ruleset); i++) {
        struct ruleset_outcome outcome = ruleset_outcome(house.ruleset, i);
        if (!outcome.loaded)
            fail_msg("%s:%u:%u: %s", outcome.file, outcome.line, outcome.column, outcome.reason);
    }
    house.record = record_create(house.symbols);
    house.seen = memory_new_array(ruleset_rule_count(house.ruleset), sizeof *house.seen);
    each_file("rules/linux", ".samples", try_samples, &house);
    each_file("rules/signer", ".samples", try_samples, &house);
    each_file("rules/tocsin", ".samples", try_samples, &house);
    for (size_t i = 0; i < ruleset_rule_count(house.ruleset); i++)
        if (ruleset_rule(house.ruleset, i)->generates && !house.seen[i])
            fail_msg("no sample makes this rule speak: %s", ruleset_rule(house.ruleset, i)->title);
    assert_true(house.samples > 50);
    free(house.seen);
    record_destroy(house.record);
    buffer_free(&house.said);
    ruleset_destroy(house.ruleset);
    interpreter_destroy(house.interpreter);
    symbols_destroy(house.symbols);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_rule_loads_and_says_what_its_samples_want)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
