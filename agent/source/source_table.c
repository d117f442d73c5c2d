#include "source_table.h"

static struct source *create_file(const struct source_settings *settings, const struct source_output *output,
                                  struct fault *fault) {
    return file_source_create(&settings->file, output, fault);
}

static struct source *create_journal(const struct source_settings *settings,
                                     const struct source_output *output, struct fault *fault) {
    return journal_source_create(&settings->journal, output, fault);
}

static struct source *create_command(const struct source_settings *settings,
                                     const struct source_output *output, struct fault *fault) {
    return command_source_create(&settings->command, output, fault);
}

static struct source *create_helper(const struct source_settings *settings,
                                    const struct source_output *output, struct fault *fault) {
    return helper_source_create(&settings->helper, output, fault);
}

const struct source_row source_rows[SOURCE_KINDS] = {
    {SOURCE_FILE, "file", "a file that grows, by its path or a glob", create_file},
    {SOURCE_JOURNAL, "journal", "the systemd journal", create_journal},
    {SOURCE_COMMAND, "command", "what a command writes, run every so often or kept running", create_command},
    {SOURCE_HELPER, "helper", "a source in a program of Tocsin's own beside the agent", create_helper},
};

struct source *source_create(const struct source_settings *settings, const struct source_output *output,
                             struct fault *fault) {
    for (unsigned i = 0; i < SOURCE_KINDS; i++)
        if (source_rows[i].kind == settings->kind)
            return source_rows[i].create(settings, output, fault);
    fault_set(fault, FAULT_USAGE, "there is no such kind of source");
    return NULL;
}
