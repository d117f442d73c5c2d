/* tocsin rules: which load and which don't, and why; and whether they say of their samples what they should. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "memory.h"
#include "record_json.h"
#include "ruleset_review.h"
#include "trial.h"

#define SOURCES_SHOWN 12u /* log sources of which there are no events, by their number of rules */

struct source_count {
    struct rule_source source;
    size_t rules;
};

struct checking {
    const struct command_context *context;
    const struct knowledge *knowledge;
    bool all; /* list: those in order, too */
    size_t loaded, refused, deaf;
    struct source_count *sources; /* that nothing gives */
    size_t source_count;
};

/* What is to be said of a rule that loaded. */
struct review {
    const struct rule *covered_by; /* NULL: by none */
    bool same, deaf;
};

static bool gives(const void *interpreter, const struct rule_source *source) {
    return interpreter_gives(interpreter, source->product, source->category, source->service);
}

static void print_source(const struct rule_source *source) {
    const struct slice parts[] = {source->product, source->category, source->service};
    for (size_t i = 0, written = 0; i < 3; i++)
        if (parts[i].size)
            printf("%s%.*s", written++ ? " " : "", SLICE_ARG(parts[i]));
}

static bool same_source(const struct rule_source *a, const struct rule_source *b) {
    return slice_equal(a->product, b->product) && slice_equal(a->category, b->category) &&
           slice_equal(a->service, b->service);
}

static void count_source(struct checking *checking, size_t rule) {
    struct rule_source source;
    size_t i = 0;
    if (!ruleset_review_source(checking->knowledge->ruleset, rule, &source))
        return;
    while (i < checking->source_count && !same_source(&checking->sources[i].source, &source))
        i++;
    if (i == checking->source_count) {
        checking->sources =
            memory_resize(checking->sources, checking->source_count + 1, sizeof *checking->sources);
        checking->sources[checking->source_count++] = (struct source_count){source, 0};
    }
    checking->sources[i].rules++;
}

static struct review review(struct checking *checking, const struct ruleset_outcome *outcome) {
    struct review review = {0};
    const struct ruleset *ruleset = checking->knowledge->ruleset;
    if (!outcome->rule)
        return review;
    review.covered_by = ruleset_review_covered_by(ruleset, outcome->rule->index, &review.same);
    review.deaf =
        !ruleset_review_can_match(ruleset, outcome->rule->index, gives, checking->knowledge->interpreter);
    checking->deaf += review.deaf;
    if (review.deaf)
        count_source(checking, outcome->rule->index);
    return review;
}

static void add_json(struct buffer *line, const char *name, const char *text) {
    buffer_printf(line, ",\"%s\":", name);
    record_json_string(line, slice_string(text));
}

static void print_json(const struct ruleset_outcome *outcome, const struct review *review) {
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    buffer_append_string(&line, "{\"file\":");
    record_json_string(&line, slice_string(outcome->file));
    add_json(&line, "id", outcome->id);
    buffer_printf(&line, ",\"loaded\":%s", outcome->loaded ? "true" : "false");
    add_json(&line, "reason", outcome->reason);
    buffer_printf(&line, ",\"line\":%u,\"column\":%u", outcome->line, outcome->column);
    add_json(&line, "kind", ruleset_kind_name(outcome->kind));
    add_json(&line, "title", outcome->title);
    if (*outcome->hint)
        add_json(&line, "hint", outcome->hint);
    if (*outcome->remark)
        add_json(&line, "remark", outcome->remark);
    if (outcome->rule)
        buffer_printf(&line, ",\"can_match\":%s", review->deaf ? "false" : "true");
    if (review->covered_by)
        add_json(&line, review->same ? "same_as" : "covered_by", review->covered_by->id);
    buffer_append_string(&line, "}");
    puts(buffer_string(&line));
}

static void print_text(const struct checking *checking, const struct ruleset_outcome *outcome,
                       const struct review *review) {
    if (!outcome->loaded) {
        printf("refused  %s:%u:%u: %s\n", outcome->file, outcome->line, outcome->column, outcome->reason);
        if (*outcome->hint)
            printf("         %s\n", outcome->hint);
        return;
    }
    bool remarks = *outcome->remark || review->covered_by || (checking->all && review->deaf);
    if (!remarks && !checking->all)
        return;
    printf("%s %s:%u  %s\n", remarks ? "look at " : "good    ", outcome->file, outcome->line, outcome->title);
    if (*outcome->remark)
        printf("         %s\n", outcome->remark);
    if (review->covered_by)
        printf("         %s '%s' (%s:%u)\n",
               review->same ? "says the same as" : "every event that it matches is matched by",
               review->covered_by->title, review->covered_by->file, review->covered_by->line);
    if (checking->all && review->deaf)
        puts("         can never match here: no decoder gives its log source");
}

static int by_rules(const void *a, const void *b) {
    const struct source_count *x = a, *y = b;
    return (y->rules > x->rules) - (y->rules < x->rules);
}

static void print_sum(const struct checking *checking) {
    printf("%zu rules load, %zu are refused\n", checking->loaded, checking->refused);
    if (checking->deaf == 0)
        return;
    if (checking->source_count)
        qsort(checking->sources, checking->source_count, sizeof *checking->sources, by_rules);
    printf("%zu of them can never match here: no decoder gives their log source\n", checking->deaf);
    for (size_t i = 0; i < checking->source_count && i < SOURCES_SHOWN; i++) {
        printf("  %6zu  ", checking->sources[i].rules);
        print_source(&checking->sources[i].source);
        putchar('\n');
    }
    if (checking->source_count > SOURCES_SHOWN)
        printf("          and %zu log sources more; --json names each rule\n",
               checking->source_count - SOURCES_SHOWN);
}

static bool is_rule(const struct ruleset_outcome *outcome) {
    return outcome->kind == RULESET_RULE || outcome->kind == RULESET_CORRELATION;
}

static int check(const struct command_context *context, const struct knowledge *knowledge, bool all) {
    struct checking checking = {.context = context, .knowledge = knowledge, .all = all};
    for (size_t i = 0; i < ruleset_outcome_count(knowledge->ruleset); i++) {
        struct ruleset_outcome outcome = ruleset_outcome(knowledge->ruleset, i);
        struct review what = review(&checking, &outcome);
        checking.loaded += outcome.loaded && is_rule(&outcome);
        checking.refused += !outcome.loaded;
        if (context->json)
            print_json(&outcome, &what);
        else
            print_text(&checking, &outcome, &what);
    }
    if (!context->json)
        print_sum(&checking);
    free(checking.sources);
    return checking.refused ? EXIT_FINDING : EXIT_GOOD;
}

static int command_check(const struct command_context *context, const struct knowledge *knowledge, char **paths,
                         size_t count) {
    (void)paths, (void)count;
    return check(context, knowledge, false);
}

static int command_list(const struct command_context *context, const struct knowledge *knowledge, char **paths,
                        size_t count) {
    (void)paths, (void)count;
    return check(context, knowledge, true);
}

struct testing {
    const struct command_context *context;
    size_t good, bad;
};

static void print_titles(const char *what, const char *titles) {
    for (size_t size; *titles; titles += size + 1) {
        size = strcspn(titles, "\n");
        printf("         %s: %.*s\n", what, (int)size, titles);
    }
}

static void add_titles(struct buffer *line, const char *name, const char *titles) {
    buffer_printf(line, ",\"%s\":[", name);
    for (size_t size; *titles; titles += size + 1) {
        size = strcspn(titles, "\n");
        record_json_string(line, slice_make(titles, size));
        if (titles[size + 1])
            buffer_append_string(line, ",");
    }
    buffer_append_string(line, "]");
}

static void print_sample(void *context, const struct trial_sample *sample) {
    struct testing *testing = context;
    bool good = !*sample->missing && !*sample->beyond;
    testing->good += good;
    testing->bad += !good;
    if (testing->context->json) {
        CLEANUP_BUFFER struct buffer line = BUFFER(1 << 21);
        buffer_append_string(&line, "{\"file\":");
        record_json_string(&line, slice_string(sample->file));
        buffer_printf(&line, ",\"line\":%u,\"good\":%s", sample->line, good ? "true" : "false");
        add_titles(&line, "missing", sample->missing);
        add_titles(&line, "beyond", sample->beyond);
        buffer_append_string(&line, "}");
        puts(buffer_string(&line));
    } else if (!good) {
        printf("wrong    %s:%u\n", sample->file, sample->line);
        print_titles("not said", sample->missing);
        print_titles("too much", sample->beyond);
    }
}

static int command_try(const struct command_context *context, const struct knowledge *knowledge, char **paths,
                       size_t count) {
    struct testing testing = {.context = context};
    struct fault fault = {0};
    size_t rules = ruleset_rule_count(knowledge->ruleset), silent = 0, refused = knowledge_refused(knowledge);
    bool *spoken = memory_new_array(rules + 1, sizeof *spoken);
    bool good = trial_run(knowledge, paths, count, print_sample, &testing, spoken, &fault);
    for (size_t i = 0; i < rules && good; i++) {
        const struct rule *rule = ruleset_rule(knowledge->ruleset, i);
        if (spoken[i] || !rule->generates)
            continue;
        silent++;
        if (!context->json)
            printf("untried  %s:%u  %s: no sample makes it speak\n", rule->file, rule->line, rule->title);
    }
    free(spoken);
    if (!good)
        return command_fail("rules", &fault);
    if (!context->json)
        printf("%zu samples are right, %zu are wrong; %zu rules, %zu of them untried%s\n", testing.good, testing.bad,
               rules, silent, refused ? "; some are refused: `tocsin rules check` says why" : "");
    return testing.bad || refused || silent ? EXIT_FINDING : EXIT_GOOD;
}

static const struct {
    const char *name;
    int (*run)(const struct command_context *context, const struct knowledge *knowledge, char **paths, size_t count);
} commands[] = {{"check", command_check}, {"list", command_list}, {"test", command_try}};

int command_rules(const struct command_context *context, int argc, char **argv) {
    char shipped[FILES_PATH_MOST], decoders[FILES_PATH_MOST];
    char *shipped_paths[] = {shipped}, *decoder_paths[] = {decoders}, **paths = argv + 2;
    size_t count = argc > 2 ? (size_t)argc - 2 : 0, which = 0;
    struct fault fault = {0};
    while (which < 3 && (argc < 2 || strcmp(argv[1], commands[which].name) != 0))
        which++;
    if (which == 3)
        return command_usage("rules", "check, list or test is expected");
    if (count == 0 && knowledge_default_rules(shipped)) {
        paths = shipped_paths;
        count = 1;
    }
    size_t decoder_count = knowledge_default_decoders(decoders);
    struct knowledge *knowledge = knowledge_load(paths, count, decoder_paths, decoder_count, 0, &fault);
    if (!knowledge)
        return command_fail("rules", &fault);
    int result = commands[which].run(context, knowledge, paths, count);
    knowledge_destroy(knowledge);
    return result;
}
