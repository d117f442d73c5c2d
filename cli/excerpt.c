/* tocsin excerpt: the events that an expression finds, each with its proof, in one file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "excerpt_make.h"
#include "proof_print.h"
#include "query_options.h"

struct checked {
    size_t altered;
    struct fault first;
};

static void check(void *context, const struct excerpt_event *event) {
    struct checked *checked = context;
    if (event->verdict != VERDICT_OPENED && checked->altered++ == 0)
        checked->first = event->fault;
}

static bool write_checked(const struct command_context *context, struct log_access *access,
                          const struct buffer *file, const char *path, struct excerpt_summary *ret_summary,
                          struct fault *fault) {
    struct trust trust;
    struct checked checked = {.altered = 0};
    if (!log_access_trust(access, &trust, fault) ||
        !excerpt_verify(buffer_slice(file), &trust, command_now_us(context), check, &checked, ret_summary, fault))
        return false;
    if (checked.altered) {
        *fault = checked.first;
        return fault_place(fault, "an event that does not hold");
    }
    return files_write(path, buffer_slice(file), 0600, fault);
}

static void tell_left_out(const struct excerpt_made *made) {
    if (made->left_out)
        fprintf(stderr, "tocsin excerpt: %zu %s be proved, and %s left out: %s\n", made->left_out,
                made->left_out == 1 ? "event cannot" : "events cannot", made->left_out == 1 ? "is" : "are",
                made->first.text);
}

static bool make(struct log_access *access, const struct wanted_events *wanted, const struct held_events *held,
                 struct buffer *file, struct fault *fault) {
    struct excerpt_made made = {.left_out = 0};
    struct progress progress = progress_begin("proofs made");
    bool good = held->count ? excerpt_make_held(access, held, file, fault)
                            : excerpt_make(access, wanted, &progress, file, &made, fault);
    progress_end(&progress);
    if (good)
        tell_left_out(&made);
    return good;
}

/* `hold` NULL: what the query finds. */
static bool run(const struct command_context *context, const Tocsin__EventQuery *query, const uint64_t *hold,
                const char *path, struct excerpt_summary *ret_summary, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(EXCERPT_FILE_MOST);
    struct wanted_events wanted = {0};
    struct held_events held = {0};
    bool good = hold ? excerpt_wanted_held(context, *hold, &held, fault)
                     : excerpt_wanted_find(context, query, &wanted, fault);
    struct log_access *access = good ? log_access_open(context, fault) : NULL;
    good = access && make(access, &wanted, &held, &file, fault) &&
           write_checked(context, access, &file, path, ret_summary, fault);
    log_access_close(access);
    free(wanted.events);
    excerpt_wanted_release(&held);
    return good;
}

int command_excerpt(const struct command_context *context, int argc, char **argv) {
    const char *path = NULL;
    uint64_t hold = 0;
    bool held = false;
    int kept = 0;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            path = argv[++i];
        else if (strcmp(argv[i], "--hold") == 0 && i + 1 < argc) {
            if (!slice_decimal(slice_string(argv[++i]), &hold))
                return command_usage("excerpt", "--hold takes the number of a hold");
            held = true;
        } else
            argv[kept++] = argv[i];
    if (!path)
        return command_usage("excerpt", "-o FILE is missing");
    if (held && kept > 1)
        return command_usage("excerpt", "a hold's events, or what an expression finds, not both");
    Tocsin__EventQuery query;
    tocsin__event_query__init(&query);
    CLEANUP_BUFFER struct buffer expression = BUFFER(64 * 1024);
    struct excerpt_summary summary = {0};
    struct fault fault = {0};
    if (!query_options_parse(context, kept, argv, &query, &expression, &fault))
        return command_fail("excerpt", &fault);
    query.follow = query.count = false;
    if (!run(context, &query, held ? &hold : NULL, path, &summary, &fault))
        return command_fail("excerpt", &fault);
    proof_print_excerpt(context, path, &summary);
    return EXIT_GOOD;
}
