/* rule_matrix [--without-prefilter] [--quiet] [--times N] RULES EVENTS: every rule against every event, one after the other.
 *
 * An event is a line: fields parted by a tab, each NAME=VALUE, or NAME alone for JSON's null; bytes that would part them are
 * %hh. Said is a line a match, "EVENT FILE:LINE" (events count from 0); at last, on standard error, what it cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detector.h"
#include "files.h"
#include "knowledge_walk.h"
#include "memory.h"

#define EVENTS_MOST (512u * 1024 * 1024)
#define FIELDS_MOST 200u

struct matrix {
    struct symbols *symbols;
    struct ruleset *ruleset;
    struct detector *detector;
    struct record *record;
    bool quiet;
    unsigned long event;
};

static bool is_rule(const char *name) {
    return knowledge_name_ends(name, ".yml") || knowledge_name_ends(name, ".yaml");
}

static bool take_rule(void *context, const char *path, struct slice text, struct fault *fault) {
    (void)fault;
    ruleset_add(context, path, text);
    return true;
}

static void say(void *context, const struct detector_match *match) {
    const struct matrix *matrix = context;
    if (!matrix->quiet)
        printf("%lu %s:%u\n", matrix->event, match->rule->file, match->rule->line);
}

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* In place; returns the new end. */
static char *decode(char *from, char *end) {
    char *to = from;
    for (; from < end; from++) {
        if (*from == '%' && end - from > 2) {
            *to++ = (char)(digit(from[1]) << 4 | digit(from[2]));
            from += 2;
        } else
            *to++ = *from;
    }
    return to;
}

struct field {
    struct slice name, value;
};

/* The line's fields, decoded once. */
static size_t read_line(char *line, char *end, struct field fields[FIELDS_MOST]) {
    size_t count = 0;
    while (line < end && count < FIELDS_MOST) {
        char *tab = memchr(line, '\t', (size_t)(end - line)), *stop = tab ? tab : end;
        char *equals = memchr(line, '=', (size_t)(stop - line));
        struct field *field = &fields[count++];
        *field = (struct field){.name = slice_make(line, (size_t)((equals ? equals : stop) - line))};
        field->name.size = (size_t)(decode(line, line + field->name.size) - line);
        if (equals)
            field->value = slice_make(equals + 1, (size_t)(decode(equals + 1, stop) - equals - 1));
        line = stop + 1;
    }
    return count;
}

static void process(struct matrix *matrix, const struct field *fields, size_t count) {
    record_clear(matrix->record);
    for (size_t i = 0; i < count; i++)
        record_add_named(matrix->record, fields[i].name, fields[i].value.data ? RECORD_TEXT : RECORD_NULL,
                         fields[i].value);
    struct detector_event event = {SLICE("e~00000000/1"), 1795286664000000ull, {NULL, 0}};
    detector_process(matrix->detector, matrix->record, &event, say, matrix);
}

static void run(struct matrix *matrix, struct slice events, unsigned long times) {
    char *copy = memory_copy(events.data, events.size), *line = copy, *end = copy + events.size;
    struct field fields[FIELDS_MOST];
    struct timespec from, to;
    double cpu = 0;
    for (matrix->event = 0; line < end; matrix->event++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t count = read_line(line, stop ? stop : end, fields);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (unsigned long i = 0; i < times; i++)
            process(matrix, fields, count);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        cpu += (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        line = stop ? stop + 1 : end;
    }
    struct detector_counts counts = detector_counts(matrix->detector);
    fprintf(stderr, "rules %zu events %llu candidates %llu matches %llu exhausted %llu cpu_us_per_event %.3f\n",
            ruleset_rule_count(matrix->ruleset), (unsigned long long)counts.events,
            (unsigned long long)counts.candidates, (unsigned long long)counts.matches,
            (unsigned long long)counts.exhausted, cpu * 1e6 / (double)(counts.events ? counts.events : 1));
    free(copy);
}

int main(int argc, char **argv) {
    struct matrix matrix = {.symbols = symbols_create()};
    struct ruleset_options options = {0};
    unsigned long times = 1;
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        options.without_prefilter |= strcmp(argv[at], "--without-prefilter") == 0;
        matrix.quiet |= strcmp(argv[at], "--quiet") == 0;
        if (strcmp(argv[at], "--times") == 0 && at + 1 < argc)
            times = strtoul(argv[++at], NULL, 10);
    }
    if (argc - at != 2) {
        fputs("rule_matrix [--without-prefilter] [--quiet] [--times N] RULES EVENTS\n", stderr);
        return 2;
    }
    matrix.ruleset = ruleset_create(matrix.symbols);
    struct knowledge_walk walk = {.wanted = is_rule, .take = take_rule, .context = matrix.ruleset};
    struct buffer events = BUFFER(EVENTS_MOST);
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    if (!knowledge_walk(&walk, argv[at], &fault) || !ruleset_compile(matrix.ruleset, &options, &fault) ||
        !files_read(argv[at + 1], &events, &fault)) {
        fprintf(stderr, "rule_matrix: %s\n", fault_line(&fault, line));
        return 3;
    }
    matrix.detector = detector_create(matrix.ruleset, NULL);
    matrix.record = record_create(matrix.symbols);
    run(&matrix, buffer_slice(&events), times);
    buffer_free(&events);
    record_destroy(matrix.record);
    detector_destroy(matrix.detector);
    ruleset_destroy(matrix.ruleset);
    symbols_destroy(matrix.symbols);
    return 0;
}
