/* tocsin rules: which load, which don't, and why. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "knowledge.h"
#include "record_json.h"

static void print_json(const struct ruleset_outcome *outcome) {
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    buffer_append_string(&line, "{\"file\":");
    record_json_string(&line, slice_string(outcome->file));
    buffer_append_string(&line, ",\"id\":");
    record_json_string(&line, slice_string(outcome->id));
    buffer_printf(&line, ",\"loaded\":%s,\"reason\":", outcome->loaded ? "true" : "false");
    record_json_string(&line, slice_string(outcome->reason));
    buffer_printf(&line, ",\"line\":%u,\"column\":%u}", outcome->line, outcome->column);
    puts(buffer_string(&line));
}

static void print_text(const struct ruleset_outcome *outcome, bool all) {
    if (outcome->loaded) {
        if (all)
            printf("good     %s:%u  %s\n", outcome->file, outcome->line, outcome->title);
        return;
    }
    printf("refused  %s:%u:%u: %s\n", outcome->file, outcome->line, outcome->column, outcome->reason);
    if (*outcome->hint)
        printf("         %s\n", outcome->hint);
}

static int check(const struct command_context *context, char **paths, size_t count, bool all) {
    char shipped[FILES_PATH_MOST], decoders[FILES_PATH_MOST];
    char *shipped_paths[] = {shipped}, *decoder_paths[] = {decoders};
    struct fault fault = {0};
    if (count == 0 && knowledge_default_rules(shipped)) {
        paths = shipped_paths;
        count = 1;
    }
    size_t decoder_count = knowledge_default_decoders(decoders);
    struct knowledge *knowledge = knowledge_load(paths, count, decoder_paths, decoder_count, 0, &fault);
    if (!knowledge)
        return command_fail("rules", &fault);
    size_t total = ruleset_outcome_count(knowledge->ruleset), refused = knowledge_refused(knowledge);
    for (size_t i = 0; i < total; i++) {
        struct ruleset_outcome outcome = ruleset_outcome(knowledge->ruleset, i);
        if (context->json)
            print_json(&outcome);
        else
            print_text(&outcome, all);
    }
    if (!context->json)
        printf("%zu rules load, %zu are refused\n", total - refused, refused);
    knowledge_destroy(knowledge);
    return refused ? EXIT_FINDING : EXIT_GOOD;
}

int command_rules(const struct command_context *context, int argc, char **argv) {
    bool list = argc > 1 && strcmp(argv[1], "list") == 0;
    if (argc < 2 || (!list && strcmp(argv[1], "check") != 0))
        return command_usage("rules", "check or list is expected");
    return check(context, argv + 2, (size_t)argc - 2, list);
}
