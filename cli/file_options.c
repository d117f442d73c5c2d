#include "file_options.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"

void file_options_free(struct file_options *options) {
    free(options->rules);
    free(options->decoders);
    free(options->files);
    *options = (struct file_options){0};
}

bool file_options_parse(int argc, char **argv, struct file_options *ret_options, struct fault *fault) {
    struct file_options options = {0};
    options.rules = memory_new_array((size_t)argc, sizeof(char *));
    options.decoders = memory_new_array((size_t)argc, sizeof(char *));
    options.files = memory_new_array((size_t)argc, sizeof(char *));
    bool good = true, names_only = false;
    for (int i = 1; good && i < argc; i++) {
        char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (names_only || strncmp(word, "--", 2) != 0) {
            options.files[options.file_count++] = word;
            continue;
        }
        names_only = !word[2];
        if (names_only)
            continue;
        i++;
        if (!value)
            good = fault_set(fault, FAULT_USAGE, "'%s' is not known or lacks its value", word);
        else if (strcmp(word, "--rules") == 0)
            options.rules[options.rule_count++] = value;
        else if (strcmp(word, "--decoders") == 0)
            options.decoders[options.decoder_count++] = value;
        else if (strcmp(word, "--format") != 0)
            good = fault_set(fault, FAULT_USAGE, "'%s' is not known", word);
        else if (!line_format_by_name(slice_string(value), &options.format))
            good = fault_set(fault, FAULT_USAGE, "there is no format '%.40s': auto, syslog, json, logfmt, plain, jsonl",
                             value);
    }
    if (good && options.file_count == 0)
        good = fault_set(fault, FAULT_USAGE, "name a file, or - for standard input");
    if (good)
        *ret_options = options;
    else
        file_options_free(&options);
    return good;
}

struct knowledge *file_options_knowledge(const struct command_context *context, const struct file_options *options,
                                         bool rules, struct fault *fault) {
    char own_rules[FILES_PATH_MOST], own_decoders[FILES_PATH_MOST];
    char *rule_paths[] = {own_rules}, *decoder_paths[] = {own_decoders};
    size_t shipped_rules = options->rule_count == 0 && rules && knowledge_default_rules(own_rules);
    size_t shipped_decoders = options->decoder_count == 0 && knowledge_default_decoders(own_decoders);
    struct knowledge *knowledge = knowledge_load(
        shipped_rules ? rule_paths : options->rules, shipped_rules ? 1 : options->rule_count,
        shipped_decoders ? decoder_paths : options->decoders, shipped_decoders ? 1 : options->decoder_count,
        clock_zone_minutes(context->now_us), fault);
    if (knowledge)
        interpreter_set_format(knowledge->interpreter, options->format);
    return knowledge;
}
