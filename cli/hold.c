/* tocsin hold: what must not be erased for now. */
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "hold.h"
#include "option_words.h"
#include "paper.h"
#include "record_json.h"
#include "salted_text.h"
#include "statement_type.h"

static bool classes_of(const struct option_words *names, uint16_t *ret_classes, struct fault *fault) {
    enum event_class class;
    *ret_classes = names->count ? 0 : (1u << CLASSES) - 1;
    for (size_t i = 0; i < names->count; i++) {
        if (!class_by_name(slice_string(names->values[i]), &class))
            return fault_set(fault, FAULT_USAGE, "'%s' is no class", names->values[i]);
        *ret_classes = (uint16_t)(*ret_classes | 1u << class);
    }
    return true;
}

static bool bound(const struct command_context *context, const char *text, uint64_t otherwise,
                  uint64_t *ret_time_us, struct fault *fault) {
    *ret_time_us = otherwise;
    return !text || command_time(slice_string(text), context->now_us, ret_time_us, fault);
}

static int hold_place(const struct command_context *context, int argc, char **argv) {
    const char *host = NULL, *from = NULL, *until = NULL, *query = NULL, *reason = NULL, *out = NULL;
    struct option_words classes = {.count = 0}, words;
    const struct option_word options[] = {
        {.name = "--host", .value = &host},   {.name = "--class", .values = &classes},
        {.name = "--from", .value = &from},   {.name = "--until", .value = &until},
        {.name = "--query", .value = &query}, {.name = "--reason", .value = &reason},
        {.name = "-o", .value = &out}};
    if (!option_words_parse("hold", argc, argv, 2, options, sizeof options / sizeof *options, &words))
        return EXIT_USAGE;
    if (words.count || !out || !reason)
        return command_usage("hold", "place takes --reason and -o FILE, and what it is to hold");
    struct hold hold = {.host = slice_string(host ? host : "")};
    struct control_view view = {.live = false};
    struct paper paper;
    struct fault fault = {0};
    paper_begin(&paper);
    bool good =
        (!host || host_name_good(hold.host) ||
         fault_set(&fault, FAULT_USAGE, "'%s' is no host name", host)) &&
        classes_of(&classes, &hold.classes, &fault) && bound(context, from, 0, &hold.from_us, &fault) &&
        bound(context, until, UINT64_MAX, &hold.until_us, &fault) &&
        (hold.from_us <= hold.until_us || fault_set(&fault, FAULT_USAGE, "--until lies before --from")) &&
        paper_text(&paper, query, NULL, &hold.query, &fault) &&
        paper_text(&paper, reason, NULL, &hold.reason, &fault) && control_view_open(context, &view, &fault) &&
        hold_write(&paper.payload, &hold) &&
        paper_write(context, &view, &paper, STATEMENT_HOLD_PLACE, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("hold", &fault);
}

static int hold_release(const struct command_context *context, int argc, char **argv) {
    const char *reason = NULL, *out = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "--reason", .value = &reason},
                                          {.name = "-o", .value = &out}};
    struct hold_release release = {.hold = 0};
    if (!option_words_parse("hold", argc, argv, 2, options, 2, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !out || !reason || !slice_decimal(slice_string(words.values[0]), &release.hold))
        return command_usage("hold", "release takes the number of a hold, --reason and -o FILE");
    struct control_view view;
    struct paper paper;
    struct fault fault = {0};
    paper_begin(&paper);
    bool good = control_view_open(context, &view, &fault);
    const struct retention_hold *hold = good ? retention_ledger_hold(view.ledger, release.hold) : NULL;
    if (good && (!hold || hold->released != RETENTION_INDEX_NEVER))
        good = fault_set(&fault, FAULT_USAGE, "%s is no hold that holds; `tocsin hold list` shows them",
                         words.values[0]);
    good = good && paper_text(&paper, reason, NULL, &release.reason, &fault) &&
           hold_release_write(&paper.payload, &release) &&
           paper_write(context, &view, &paper, STATEMENT_HOLD_RELEASE, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("hold", &fault);
}

static void bound_text(uint64_t time_us, char text[CALENDAR_TEXT_SIZE]) {
    if (time_us == 0 || time_us == UINT64_MAX)
        snprintf(text, CALENDAR_TEXT_SIZE, "open");
    else
        calendar_text(time_us, text);
}

static void append_classes(struct buffer *to, uint16_t classes, const char *quote) {
    const char *between = "";
    if (classes == (1u << CLASSES) - 1 && !*quote) {
        buffer_append_string(to, "every class");
        return;
    }
    for (unsigned class = 0; class < CLASSES; class ++)
        if (classes >> class & 1) {
            buffer_printf(to, "%s%s%s%s", between, quote, class_name(class), quote);
            between = ",";
        }
}

static void print_hold(const struct command_context *context, struct control_view *view,
                       const struct retention_hold *row) {
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    char from[CALENDAR_TEXT_SIZE], until[CALENDAR_TEXT_SIZE], placed[CALENDAR_TEXT_SIZE];
    const struct hold *hold = &row->hold;
    bool held = row->released == RETENTION_INDEX_NEVER;
    struct slice reason = control_view_text(context, view, &hold->reason, NULL);
    bound_text(hold->from_us, from);
    bound_text(hold->until_us, until);
    calendar_text(row->place.time_us, placed);
    if (context->json) {
        buffer_printf(&line, "{\"hold\":%llu,\"held\":%s,\"placed\":\"%s\",\"host\":{\"name\":",
                      (unsigned long long)row->place.ctl_seq, held ? "true" : "false", placed);
        record_json_string(&line, hold->host);
        buffer_append_string(&line, "},\"classes\":[");
        append_classes(&line, hold->classes, "\"");
        buffer_printf(&line, "],\"from\":\"%s\",\"until\":\"%s\",\"query\":%s,\"reason\":", from, until,
                      salted_text_given(&hold->query) ? "true" : "false");
        record_json_string(&line, reason.data ? reason : SLICE(""));
        buffer_append_string(&line, "}");
    } else {
        buffer_printf(&line, "%6llu  %-8s %.10s  ", (unsigned long long)row->place.ctl_seq,
                      held ? "HELD" : "released", placed);
        buffer_append_slice(&line, hold->host.size ? hold->host : SLICE("every host"));
        buffer_append_string(&line, ", ");
        append_classes(&line, hold->classes, "");
        buffer_printf(&line, ", from %s until %s%s: ", from, until,
                      salted_text_given(&hold->query) ? ", by a query" : "");
        buffer_append_slice(&line, reason.data ? reason : SLICE("(reason not known here)"));
    }
    puts(buffer_string(&line));
}

static int hold_list(const struct command_context *context, int argc, char **argv) {
    struct control_view view;
    struct fault fault = {0};
    const struct retention_hold *holds = NULL;
    if (argc > 2)
        return command_usage("hold", "'%s' is not expected", argv[2]);
    bool good = control_view_open(context, &view, &fault);
    size_t count = good ? retention_ledger_holds(view.ledger, &holds) : 0;
    for (size_t i = 0; i < count; i++)
        print_hold(context, &view, &holds[i]);
    if (good && count == 0 && !context->json)
        printf("There are no holds.\n");
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("hold", &fault);
}

int command_hold(const struct command_context *context, int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "list";
    if (strcmp(verb, "list") == 0)
        return hold_list(context, argc, argv);
    if (strcmp(verb, "place") == 0)
        return hold_place(context, argc, argv);
    if (strcmp(verb, "release") == 0)
        return hold_release(context, argc, argv);
    return command_usage("hold", "'%s' is not place, release or list", verb);
}
