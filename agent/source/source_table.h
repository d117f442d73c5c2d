/* The kinds of source: one row each. To add one: source.h tells how, and this table is the only other place. */
#ifndef TOCSIN_SOURCE_TABLE_H
#define TOCSIN_SOURCE_TABLE_H

#include "command_source.h"
#include "file_source.h"
#include "helper_source.h"
#include "journal_source.h"

enum source_kind { SOURCE_FILE, SOURCE_JOURNAL, SOURCE_COMMAND, SOURCE_HELPER };
#define SOURCE_KINDS 4

/* The settings of one source, of whichever kind. */
struct source_settings {
    enum source_kind kind;
    union {
        struct file_source_settings file;
        struct journal_source_settings journal;
        struct command_source_settings command;
        struct helper_source_settings helper;
    };
};

struct source_row {
    enum source_kind kind;
    const char *name; /* as in agent.yaml */
    const char *help; /* one line */
    struct source *(*create)(const struct source_settings *settings, const struct source_output *output,
                             struct fault *fault);
};
extern const struct source_row source_rows[SOURCE_KINDS];

struct source *source_create(const struct source_settings *settings, const struct source_output *output,
                             struct fault *fault);
static inline struct source *source_destroy(struct source *source) {
    return source ? source->operations->destroy(source) : NULL;
}

#endif
