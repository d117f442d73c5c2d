#include "option_words.h"

static bool put(struct option_words *words, const char *word) {
    if (words->count == OPTION_WORDS_MOST)
        return false;
    words->values[words->count++] = word;
    return true;
}

static const struct option_word *find(const struct option_word *options, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

/* Takes the option's value. */
static bool take(const struct option_word *option, const char *value) {
    if (option->values)
        return put(option->values, value);
    if (*option->value)
        return false;
    *option->value = value;
    return true;
}

bool option_words_parse(const char *command, int argc, char **argv, int first,
                        const struct option_word *options, size_t option_count,
                        struct option_words *ret_words) {
    struct option_words words = {.count = 0};
    bool files_alone = false;
    for (int i = first; i < argc; i++) {
        const struct option_word *option = files_alone ? NULL : find(options, option_count, argv[i]);
        if (!files_alone && strcmp(argv[i], "--") == 0) {
            files_alone = true;
        } else if (!option) {
            if ((!files_alone && argv[i][0] == '-' && argv[i][1] != '\0') || !put(&words, argv[i])) {
                command_usage(command, "'%s' is not expected", argv[i]);
                return false;
            }
        } else if (option->flag) {
            *option->flag = true;
        } else if (i + 1 == argc) {
            command_usage(command, "%s needs a value", argv[i]);
            return false;
        } else {
            i++;
            if (!take(option, argv[i])) {
                command_usage(command, "%s stands there too often", option->name);
                return false;
            }
        }
    }
    *ret_words = words;
    return true;
}
