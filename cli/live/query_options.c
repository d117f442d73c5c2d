#include "query_options.h"

#include <string.h>

#include "class.h"

bool query_options_parse(const struct command_context *context, int argc, char **argv,
                         Tocsin__EventQuery *query, struct buffer *expression, struct fault *fault) {
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(word, "--follow") == 0) {
            query->follow = true;
        } else if (strcmp(word, "--count") == 0) {
            query->count = true;
        } else if (strncmp(word, "--", 2) != 0) {
            buffer_append_string(expression, expression->size ? " " : "");
            buffer_append_string(expression, word);
        } else if (strcmp(word, "--") == 0) {
            continue;
        } else if (!value) {
            return fault_set(fault, FAULT_USAGE, "'%s' is not known or lacks its value", word);
        } else if (strcmp(word, "--since") == 0 || strcmp(word, "--until") == 0) {
            uint64_t *time = word[2] == 's' ? &query->since_us : &query->until_us;
            if (!command_time(slice_string(value), context->now_us, time, fault))
                return fault_place(fault, "%s", word);
            i++;
        } else if (strcmp(word, "--class") == 0) {
            enum event_class class;
            if (!class_by_name(slice_string(value), &class))
                return fault_set(fault, FAULT_USAGE, "there is no class '%.40s'", value);
            query->class_ = value;
            i++;
        } else if (strcmp(word, "--host") == 0) {
            query->host = value;
            i++;
        } else if (strcmp(word, "--limit") == 0) {
            if (!slice_decimal(slice_string(value), &query->limit))
                return fault_set(fault, FAULT_USAGE, "--limit takes a number");
            i++;
        } else if (strcmp(word, "--by") == 0 && strcmp(value, "ingested") == 0) {
            query->by_ingested = true;
            i++;
        } else
            return fault_set(fault, FAULT_USAGE, "'%s' is not known", word);
    }
    query->expression = (char *)(uintptr_t)buffer_string(expression);
    return true;
}
