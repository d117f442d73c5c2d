#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent_settings.h"
#include "calendar.h"
#include "clock.h"
#include "collector_settings.h"
#include "settings_file.h"
#include "site.h"

int command_fail(const char *name, const struct fault *fault) {
    char line[FAULT_LINE_SIZE];
    fflush(stdout);
    fprintf(stderr, "tocsin%s%s: %s\n", name ? " " : "", name ? name : "", fault_line(fault, line));
    return fault->code == FAULT_USAGE || fault->code == FAULT_FORMAT ? EXIT_USAGE : EXIT_CANNOT;
}

int command_usage(const char *name, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "tocsin %s: ", name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; `tocsin %s --help` shows how\n", name);
    va_end(arguments);
    return EXIT_USAGE;
}

bool command_data(const struct command_context *context, char ret_path[FILES_PATH_MOST],
                  struct fault *fault) {
    struct collector_settings settings;
    if (!context->data &&
        !settings_file_read(collector_settings_table(), context->site, "collector", &settings, fault))
        return false;
    bool good = site_below(ret_path, context->site, context->data ? context->data : settings.data);
    if (!context->data)
        settings_release(collector_settings_table(), &settings);
    return good || fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
}

/* A date, or a date and a time with what is missing filled up: UTC. */
static bool parse_date(struct slice text, uint64_t *ret_time_us) {
    char whole[64];
    if (text.size < 10 || text.size > 40)
        return false;
    if (calendar_parse(text, ret_time_us))
        return true;
    static const char *const ends[] = {"T00:00:00Z", "Z", ":00Z"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct slice head = text;
        if (head.data[head.size - 1] == 'Z' && i > 0)
            head.size--;
        int size = snprintf(whole, sizeof whole, "%.*s%s", SLICE_ARG(head), ends[i]);
        if (calendar_parse(slice_make(whole, (size_t)size), ret_time_us))
            return true;
    }
    return false;
}

uint64_t command_now_us(const struct command_context *context) {
    return context->now_given ? context->now_us : clock_wall_us();
}

bool command_time(struct slice text, uint64_t now_us, uint64_t *ret_time_us, struct fault *fault) {
    uint64_t ago_us;
    if (slice_equal(text, SLICE("now"))) {
        *ret_time_us = now_us;
        return true;
    }
    if (settings_duration_parse(text, &ago_us)) {
        *ret_time_us = ago_us < now_us ? now_us - ago_us : 0;
        return true;
    }
    if (parse_date(text, ret_time_us))
        return true;
    return fault_set(
        fault, FAULT_USAGE,
        "'%.*s' is no time: write 2026-11-21T18:00:00Z, 2026-11-21, or 15m, 2h, 7d for so long ago",
        SLICE_ARG(slice_head(text, 60)));
}

bool command_take_options(struct command_context *context, int *argc, char **argv, bool *ret_help,
                          struct fault *fault) {
    int kept = 1;
    *context = (struct command_context){.site = getenv("TOCSIN_SITE"), .now_us = clock_wall_us()};
    context->color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    if (!context->site)
        context->site = SITE_DEFAULT;
    for (int i = 1; i < *argc; i++) {
        const char *word = argv[i];
        bool valued = strcmp(word, "--site") == 0 || strcmp(word, "--data") == 0 || strcmp(word, "--now") == 0;
        if (strcmp(word, "--") == 0) {
            while (i < *argc)
                argv[kept++] = argv[i++];
            break;
        }
        if (valued && i + 1 == *argc)
            return fault_set(fault, FAULT_USAGE, "%s needs a value", word);
        if (strcmp(word, "--site") == 0)
            context->site = argv[++i];
        else if (strcmp(word, "--data") == 0)
            context->data = argv[++i];
        else if (strcmp(word, "--json") == 0)
            context->json = true;
        else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            *ret_help = true;
        else if (strcmp(word, "--now") == 0) {
            if (!command_time(slice_string(argv[++i]), context->now_us, &context->now_us, fault))
                return fault_place(fault, "--now");
            context->now_given = true;
        } else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}
