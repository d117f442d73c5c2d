#include "daemon_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "site.h"

/* Where the words of --help begin; a longer name has them on the next line. */
#define HELP_COLUMN 18

enum { COMMON_SITE, COMMON_DATA, COMMON_CHECK, COMMON_VERBOSE, COMMON_HELP, COMMON_VERSION, COMMON_COUNT };

static void print_row(FILE *to, const char *name, const char *argument, const char *help) {
    int width = fprintf(to, "  --%s%s%s", name, argument ? " " : "", argument ? argument : "");
    for (const char *line = help; line && *line;) {
        size_t length = strcspn(line, "\n");
        if (width >= HELP_COLUMN) {
            putc('\n', to);
            width = 0;
        }
        fprintf(to, "%*s%.*s", HELP_COLUMN - width, "", (int)length, line);
        width = HELP_COLUMN;
        line += length + (line[length] == '\n');
    }
    putc('\n', to);
}

static void print_usage(FILE *to, const struct daemon_words *words, const struct option *rows, size_t count,
                        const struct daemon_option *own) {
    const char *before = "Usage:";
    for (const char *form = words->forms; *form; before = "      ") {
        size_t length = strcspn(form, "\n");
        fprintf(to, "%s %s %.*s\n", before, words->name, (int)length, form);
        form += length + (form[length] == '\n');
    }
    fprintf(to, "\n%s\n\n", words->purpose);
    static const char site[] = "the site's folder (TOCSIN_SITE, else " SITE_DEFAULT ")";
    const char *help[COMMON_COUNT] = {site, words->data, words->check, "tells more", NULL, NULL};
    for (size_t i = 0; i < COMMON_VERBOSE; i++)
        print_row(to, rows[i].name, rows[i].has_arg ? "DIR" : NULL, help[i]);
    for (size_t i = COMMON_COUNT; i < count; i++)
        print_row(to, rows[i].name, own[i - COMMON_COUNT].argument, own[i - COMMON_COUNT].help);
    for (size_t i = COMMON_VERBOSE; i < COMMON_COUNT; i++)
        print_row(to, rows[i].name, NULL, help[i]);
    fprintf(to, "\nExample: %s\n", words->example);
}

bool daemon_options_read(const struct daemon_words *words, const struct daemon_option *own, int argc,
                         char **argv, struct daemon_options *ret_options, int *ret_exit) {
    struct option rows[COMMON_COUNT + DAEMON_OPTIONS_MOST + 1] = {
        [COMMON_SITE] = {"site", required_argument, NULL, 0},
        [COMMON_DATA] = {"data", required_argument, NULL, 0},
        [COMMON_CHECK] = {"check", no_argument, NULL, 0},
        [COMMON_VERBOSE] = {"verbose", no_argument, NULL, 0},
        [COMMON_HELP] = {"help", no_argument, NULL, 0},
        [COMMON_VERSION] = {"version", no_argument, NULL, 0},
    };
    size_t count = COMMON_COUNT;
    for (const struct daemon_option *row = own;
         row && row->name && count < COMMON_COUNT + DAEMON_OPTIONS_MOST; row++)
        rows[count++] = (struct option){row->name, row->argument ? required_argument : no_argument, NULL, 0};
    struct daemon_options options = {.site = getenv("TOCSIN_SITE")};
    log_start(LOG_LEVEL_INFO);
    int index = -1;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread */
    for (int found; (found = getopt_long(argc, argv, "", rows, &index)) != -1; index = -1) {
        if (found || index < 0)
            goto wrong;
        const struct daemon_option *row = index >= COMMON_COUNT ? &own[index - COMMON_COUNT] : NULL;
        if (row && row->argument)
            *row->value = optarg;
        else if (row)
            *row->flag = true;
        else if (index == COMMON_SITE)
            options.site = optarg;
        else if (index == COMMON_DATA)
            options.data = optarg;
        else if (index == COMMON_CHECK)
            options.check = true;
        else if (index == COMMON_VERBOSE)
            log_start(LOG_LEVEL_DEBUG);
        else {
            if (index == COMMON_HELP)
                print_usage(stdout, words, rows, count, own);
            else
                printf("%s " TOCSIN_VERSION "\n", words->name);
            *ret_exit = 0;
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: \"%s\" belongs to no option\n", words->name, argv[optind]);
        goto wrong;
    }
    if (!options.site)
        options.site = SITE_DEFAULT;
    *ret_options = options;
    return true;
wrong:
    print_usage(stderr, words, rows, count, own);
    *ret_exit = 2;
    return false;
}

int daemon_exit_code(const struct fault *fault) {
    return fault->code == FAULT_USAGE || fault->code == FAULT_FORMAT ? 2 : 3;
}
