/* The options of one command as a table: names with the value behind each, the rest in order. */
#ifndef TOCSIN_OPTION_WORDS_H
#define TOCSIN_OPTION_WORDS_H

#include "command.h"

#define OPTION_WORDS_MOST 32u /* values of one option, and words without one */

struct option_words {
    size_t count;
    const char *values[OPTION_WORDS_MOST];
};

struct option_word {
    const char *name;            /* "--host" */
    const char **value;          /* once at most; or NULL, and: */
    struct option_words *values; /* as often as wanted; or NULL, and: */
    bool *flag;                  /* without a value */
};

/* Everything from argv[first] on. Prints what is wrong and returns false. */
bool option_words_parse(const char *command, int argc, char **argv, int first,
                        const struct option_word *options, size_t option_count,
                        struct option_words *ret_words);

#endif
