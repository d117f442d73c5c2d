/* tocsin hold: what must not be erased for now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "calendar.h"
#include "event_proof.h"
#include "hold_match.h"
#include "memory.h"
#include "option_words.h"
#include "paper.h"
#include "query_expression.h"
#include "reader.h"
#include "record_json.h"
#include "retention_command.h"
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

/* What is no expression would keep everything. */
static bool query_good(const char *query, struct fault *fault) {
    struct query_expression *expression = query ? query_expression_parse(slice_string(query), fault) : NULL;
    bool good = !query || expression;
    query_expression_destroy(expression);
    return good || fault_place(fault, "--query");
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
        query_good(query, &fault) && paper_text(&paper, query, NULL, &hold.query, &fault) &&
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

/* What a hold came too late for. */
struct late_unit {
    uint64_t hold;
    char class[16], day[11];
    bool gone;
};

struct late_units {
    size_t count;
    struct late_unit *units;
};

static void take_late(void *context, uint64_t hold, const char *class, const char *opened, bool gone) {
    struct late_units *late = context;
    struct late_unit unit = {.hold = hold, .gone = gone};
    snprintf(unit.class, sizeof unit.class, "%s", class);
    snprintf(unit.day, sizeof unit.day, "%.10s", opened);
    late->units = memory_resize(late->units, late->count + 1, sizeof *late->units);
    late->units[late->count++] = unit;
}

static void append_late(struct buffer *to, const struct late_units *late, uint64_t hold, bool json) {
    const char *between = "";
    for (size_t i = 0; i < late->count; i++) {
        const struct late_unit *unit = &late->units[i];
        if (unit->hold != hold)
            continue;
        buffer_printf(to,
                      json ? "%s{\"class\":\"%s\",\"day\":\"%s\",\"state\":\"%s\"}"
                           : "%s\n        TOO LATE for %s of %s, which is %s",
                      between, unit->class, unit->day,
                      unit->gone ? "erased"
                      : json     ? "begun"
                                 : "being erased");
        between = json ? "," : "";
    }
}

static void print_hold(const struct command_context *context, struct control_view *view,
                       const struct retention_hold *row, const struct late_units *late) {
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    char from[CALENDAR_TEXT_SIZE], until[CALENDAR_TEXT_SIZE], placed[CALENDAR_TEXT_SIZE];
    const struct hold *hold = &row->hold;
    bool held = row->released == RETENTION_INDEX_NEVER;
    bool by_query = salted_text_given(&hold->query);
    struct slice query = by_query ? control_view_text(context, view, &hold->query, NULL) : SLICE("");
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
        buffer_printf(&line, "],\"from\":\"%s\",\"until\":\"%s\",\"by_query\":%s,\"query\":", from, until,
                      by_query ? "true" : "false");
        record_json_string(&line, query.data ? query : SLICE(""));
        buffer_append_string(&line, ",\"reason\":");
        record_json_string(&line, reason.data ? reason : SLICE(""));
        buffer_append_string(&line, ",\"late\":[");
        append_late(&line, late, row->place.ctl_seq, true);
        buffer_append_string(&line, "]}");
    } else {
        buffer_printf(&line, "%6llu  %-8s %.10s  ", (unsigned long long)row->place.ctl_seq,
                      held ? "HELD" : "released", placed);
        buffer_append_slice(&line, hold->host.size ? hold->host : SLICE("every host"));
        buffer_append_string(&line, ", ");
        append_classes(&line, hold->classes, "");
        buffer_printf(&line, ", from %s until %s", from, until);
        if (by_query) {
            buffer_append_string(&line, ", what ");
            record_json_string(&line, query.data ? query : SLICE("(query not known here)"));
            buffer_append_string(&line, " finds");
        }
        buffer_append_string(&line, ": ");
        buffer_append_slice(&line, reason.data ? reason : SLICE("(reason not known here)"));
        append_late(&line, late, row->place.ctl_seq, false);
    }
    puts(buffer_string(&line));
}

static int hold_list(const struct command_context *context, int argc, char **argv) {
    struct control_view view;
    struct fault fault = {0};
    const struct retention_hold *holds = NULL;
    struct late_units late = {.count = 0};
    if (argc > 2)
        return command_usage("hold", "'%s' is not expected", argv[2]);
    bool good = control_view_open(context, &view, &fault);
    size_t count = good ? retention_ledger_holds(view.ledger, &holds) : 0;
    /* Which, the collector alone can say. */
    const struct retention_erasure *erasures;
    if (good && count && view.live && retention_ledger_erasures(view.ledger, &erasures))
        good = retention_each_late(context, take_late, &late, &fault);
    for (size_t i = 0; i < count; i++)
        print_hold(context, &view, &holds[i], &late);
    free(late.units);
    if (good && count == 0 && !context->json)
        printf("There are no holds.\n");
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("hold", &fault);
}

/* ---- what a hold keeps of units that went */

struct showing {
    const struct command_context *context;
    struct control_view view;
    uint64_t hold, shown, bad;
    /* what the log says of a unit that is being shown, and the root over what was shown of it */
    const struct retention_match *match;
    uint64_t of_match, matches;
    struct hold_root root;
};

static void complain(struct showing *showing, uint64_t log_index, const char *text) {
    showing->bad++;
    fprintf(stderr, "tocsin hold: log index %llu: %s\n", (unsigned long long)log_index, text);
}

/* Nothing more and nothing less than the log says that the hold took. */
static void end_match(struct showing *showing) {
    const struct retention_match *match = showing->match;
    struct hash root = hold_root_end(&showing->root);
    if (match && (showing->of_match != match->matched.count || !hash_equal(&root, &match->matched.root)))
        complain(showing, match->place.index, "what is here is not what the log says that the hold took");
    showing->matches += match != NULL;
    showing->match = NULL;
}

static const struct retention_match *match_of(const struct showing *showing, uint64_t log_index,
                                              uint8_t class) {
    const struct retention_match *matches;
    size_t count = retention_ledger_matches(showing->view.ledger, &matches);
    for (size_t i = count; i > 0; i--) {
        const struct hold_matched *matched = &matches[i - 1].matched;
        if (matched->hold == showing->hold && matched->class == class && matched->first <= log_index &&
            matched->last >= log_index)
            return &matches[i - 1];
    }
    return NULL;
}

static void count_in(struct showing *showing, uint64_t log_index, const struct event_proof *proof) {
    const struct retention_match *match = match_of(showing, log_index, proof->event.class);
    struct hash leaf = event_leaf(proof->salt, &proof->event);
    if (match != showing->match) {
        end_match(showing);
        hold_root_begin(&showing->root);
        showing->match = match;
        showing->of_match = 0;
    }
    showing->of_match++;
    if (!match || !hold_root_add(&showing->root, log_index, proof->event.class, proof->position, &leaf))
        complain(showing, log_index, "the log does not say that the hold took this");
}

/* Every unit of which it took something must have been shown, as long as it holds. */
static void end_all(struct showing *showing) {
    const struct retention_hold *hold = retention_ledger_hold(showing->view.ledger, showing->hold);
    const struct retention_match *matches;
    size_t count = retention_ledger_matches(showing->view.ledger, &matches);
    uint64_t due = 0;
    end_match(showing);
    for (size_t i = 0; i < count; i++)
        due += matches[i].matched.hold == showing->hold && matches[i].matched.count > 0;
    if (hold && hold->released == RETENTION_INDEX_NEVER && showing->matches < due)
        complain(showing, hold->place.index, "some of what the hold took is not here");
}

/* Each proves itself: it stands in its batch by its class's root. */
static void show_event(struct showing *showing, uint64_t log_index, struct slice extra) {
    struct event_proof proof;
    struct fault fault = {0};
    struct event_field fields[EVENT_FIELDS_MOST];
    struct event_body body;
    CLEANUP_BUFFER struct buffer line = BUFFER(1u << 20);
    char time[CALENDAR_TEXT_SIZE];
    if (!event_proof_read(extra, &proof, &fault) || !event_proof_check(&proof, &fault)) {
        complain(showing, log_index, fault.text);
        return;
    }
    count_in(showing, log_index, &proof);
    const struct agent_line *host =
        agent_registry_by_stream(showing->view.registry, &proof.entry.stream_id, NULL);
    struct slice raw = event_body_read(proof.event.body, fields, &body, NULL) ? body.raw : proof.event.body;
    calendar_text(proof.event.time_us, time);
    if (showing->context->json) {
        buffer_printf(
            &line,
            "{\"verdict\":\"HELD\",\"log_index\":%llu,\"position\":%u,\"seq\":%llu,\"@timestamp\":\"%s\",",
            (unsigned long long)log_index, proof.position, (unsigned long long)proof.event.seq, time);
        buffer_append_string(&line, "\"host\":{\"name\":");
        record_json_string(&line, host ? host->name : SLICE(""));
        buffer_printf(
            &line, "},\"tocsin\":{\"class\":\"%s\"},\"event\":{\"original\":", class_name(proof.event.class));
        record_json_string(&line, raw);
        buffer_append_string(&line, "}}");
    } else {
        buffer_printf(&line, "%s  ", time);
        buffer_append_slice(&line, host ? host->name : SLICE("?"));
        buffer_append_string(&line, "  ");
        record_json_string(&line, raw); /* whatever is in it, the terminal stays as it is */
    }
    puts(buffer_string(&line));
    showing->shown++;
}

static int hold_show(const struct command_context *context, int argc, char **argv) {
    Tocsin__HeldQuery query = TOCSIN__HELD_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    static struct showing showing; /* its root points into itself */
    struct fault fault = {0};
    if (argc != 3 || !slice_decimal(slice_string(argv[2]), &query.hold))
        return command_usage("hold", "show takes the number of a hold");
    showing.context = context;
    showing.hold = query.hold;
    hold_root_begin(&showing.root);
    request.of_case = TOCSIN__REQUEST__OF_HELD;
    request.held = &query;
    struct reader *reader =
        control_view_open(context, &showing.view, &fault) ? reader_open(context, &request, &fault) : NULL;
    struct frame frame;
    uint64_t count;
    while (reader && reader_next(reader, &frame, &count, &fault)) {
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (row && row->key.len == 8)
            show_event(&showing, bytes_get_u64(row->key.data), slice_make(row->value.data, row->value.len));
        if (row)
            tocsin__store_row__free_unpacked(row, NULL);
    }
    reader_close(reader);
    if (!fault.code)
        end_all(&showing);
    control_view_close(&showing.view);
    if (fault.code)
        return command_fail("hold", &fault);
    if (showing.shown == 0 && !context->json)
        printf("It keeps nothing of what was erased: nothing around it was, yet.\n");
    return showing.bad ? EXIT_FINDING : EXIT_GOOD;
}

int command_hold(const struct command_context *context, int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "list";
    if (strcmp(verb, "list") == 0)
        return hold_list(context, argc, argv);
    if (strcmp(verb, "show") == 0)
        return hold_show(context, argc, argv);
    if (strcmp(verb, "place") == 0)
        return hold_place(context, argc, argv);
    if (strcmp(verb, "release") == 0)
        return hold_release(context, argc, argv);
    return command_usage("hold", "'%s' is not place, release, show or list", verb);
}
