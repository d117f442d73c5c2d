/* tocsin retention status, run, erase: what the collector knows of each class and day. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "encoding.h"
#include "erasure.h"
#include "memory.h"
#include "option_words.h"
#include "paper.h"
#include "reader.h"
#include "retention_command.h"
#include "statement_type.h"

/* ---- the collector's answer: an object for each class and day, last a summary */

typedef void take_row(void *context, json_t *row);

/* `print`: with --json the objects are printed as they come. */
static bool ask(const struct command_context *context, bool run, bool print, take_row *take, void *taker,
                struct fault *fault) {
    Tocsin__RetentionQuery query = TOCSIN__RETENTION_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.run = run;
    request.of_case = TOCSIN__REQUEST__OF_RETENTION;
    request.retention = &query;
    struct reader *reader = reader_open(context, &request, fault);
    struct frame frame;
    uint64_t count;
    while (reader && reader_next(reader, &frame, &count, fault)) {
        Tocsin__Text *text = frame.type == FRAME_TEXT
                                 ? tocsin__text__unpack(NULL, frame.message.size, frame.message.data)
                                 : NULL;
        json_t *row = text ? json_loads(text->json, 0, NULL) : NULL;
        if (row && print && context->json)
            puts(text->json);
        if (row)
            take(taker, row);
        json_decref(row);
        if (text)
            tocsin__text__free_unpacked(text, NULL);
    }
    reader_close(reader);
    return fault->code == FAULT_NONE;
}

static const char *text_of(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static uint64_t number_of(const json_t *row, const char *key) {
    return (uint64_t)json_integer_value(json_object_get(row, key));
}

/* ---- holds that came after the beginning of an erasure */

struct late_search {
    retention_late *give;
    void *context;
};

static void take_late(void *context, json_t *row) {
    const struct late_search *search = context;
    size_t i;
    json_t *hold;
    json_array_foreach(json_object_get(row, "late_holds"), i, hold)
        search->give(search->context, (uint64_t)json_integer_value(hold), text_of(row, "class"),
                     text_of(row, "opened"), strcmp(text_of(row, "state"), "erased") == 0);
}

bool retention_each_late(const struct command_context *context, retention_late *give, void *giver,
                         struct fault *fault) {
    struct late_search search = {give, giver};
    return ask(context, false, false, take_late, &search, fault);
}

/* ---- status */

#define LATE_SHOWN 20u

#define PICTURE 48u /* characters for the time from the oldest day to today */

struct class_sum {
    uint64_t events, days, due, overdue, held, erased;
    char next[CALENDAR_TEXT_SIZE]; /* when the next of it changes */
};

struct picture_row {
    unsigned class;
    uint64_t opened_us;
    char mark;
};

struct status {
    struct class_sum classes[CLASSES];
    uint64_t first_us;
    size_t row_count;
    struct picture_row *rows;
    bool witnessed, any;
    uint64_t findings, late;
    struct buffer late_text;
    uint64_t free_bytes;
    bool has_days;
    uint64_t days_left;
    char next[128];
};

static void take_room(struct status *status, const json_t *store) {
    status->free_bytes = number_of(store, "free_bytes");
    status->has_days = json_object_get(store, "days_left") != NULL;
    status->days_left = number_of(store, "days_left");
}

static void take_status_late(void *context, uint64_t hold, const char *class, const char *opened, bool gone) {
    struct status *status = context;
    if (status->late++ < LATE_SHOWN)
        buffer_printf(&status->late_text, "TOO LATE: hold %" PRIu64 " for %s of %.10s, which %s\n", hold,
                      class, opened, gone ? "is erased" : "is being erased");
}

/* Later marks cover earlier ones where several days share a character. */
static const char marks[] = " .=iH#!";

static char mark_of(const char *state, bool overdue) {
    static const struct {
        const char *state;
        char mark;
    } table[] = {{"open", '.'},     {"kept", '.'},     {"free", '='},  {"due", 'i'},
                 {"intended", 'i'}, {"vetoed", 'H'},   {"held", 'H'},  {"ready", 'i'},
                 {"begun", '#'},    {"reminded", '!'}, {"erased", ' '}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].state, state) == 0)
            return overdue && table[i].mark != 'H' && table[i].mark != ' ' ? '!' : table[i].mark;
    return '?';
}

static void take_status(void *context, json_t *row) {
    struct status *status = context;
    enum event_class class;
    uint64_t opened_us = 0;
    if (json_object_get(row, "kind")) {
        status->witnessed = json_is_true(json_object_get(row, "witnessed"));
        status->findings = number_of(row, "findings");
        take_room(status, json_object_get(row, "store"));
        snprintf(status->next, sizeof status->next, "%s", text_of(row, "next"));
        return;
    }
    const char *state = text_of(row, "state"), *until = text_of(row, "until");
    take_late(&(struct late_search){take_status_late, status}, row);
    bool overdue = json_is_true(json_object_get(row, "overdue"));
    if (!class_by_name(slice_string(text_of(row, "class")), &class) ||
        !calendar_parse(slice_string(text_of(row, "opened")), &opened_us))
        return;
    struct class_sum *sum = &status->classes[class];
    bool erased = strcmp(state, "erased") == 0,
         held = strcmp(state, "held") == 0 || strcmp(state, "vetoed") == 0;
    sum->days += !erased;
    sum->erased += erased;
    sum->events += erased ? 0 : number_of(row, "events");
    sum->held += held;
    sum->overdue += overdue && !erased && !held;
    sum->due += !overdue &&
                (strcmp(state, "due") == 0 || strcmp(state, "intended") == 0 || strcmp(state, "ready") == 0);
    if (!erased && *until && (!*sum->next || strcmp(until, sum->next) < 0))
        snprintf(sum->next, sizeof sum->next, "%s", until);
    if (!status->any || opened_us < status->first_us)
        status->first_us = opened_us;
    status->any = true;
    status->rows = memory_resize(status->rows, status->row_count + 1, sizeof *status->rows);
    status->rows[status->row_count++] = (struct picture_row){class, opened_us, mark_of(state, overdue)};
}

static size_t rank(char mark) {
    const char *at = strchr(marks, mark);
    return at ? (size_t)(at - marks) : 0;
}

static void draw(const struct status *status, unsigned class, uint64_t now_us, char picture[PICTURE + 1]) {
    uint64_t span_us = now_us > status->first_us ? now_us - status->first_us : 1;
    memset(picture, ' ', PICTURE);
    picture[PICTURE] = '\0';
    for (size_t i = 0; i < status->row_count; i++) {
        const struct picture_row *row = &status->rows[i];
        uint64_t ago_us = row->opened_us > status->first_us ? row->opened_us - status->first_us : 0;
        size_t place = (size_t)((double)ago_us / (double)span_us * PICTURE);
        if (row->class != class)
            continue;
        place = place < PICTURE ? place : PICTURE - 1;
        if (rank(row->mark) > rank(picture[place]))
            picture[place] = row->mark;
    }
}

static void print_status(const struct command_context *context, struct status *status) {
    char from[CALENDAR_TEXT_SIZE] = "", picture[PICTURE + 1];
    if (status->any)
        calendar_text(status->first_us, from);
    printf("%-14s %12s %6s %5s %7s %5s  %-12s %.10s%*snow\n", "class", "events", "days", "due", "overdue",
           "held", "next change", status->any ? from : "", (int)(PICTURE - 10 - 3 + (status->any ? 0 : 10)),
           "");
    for (unsigned class = 0; class < CLASSES; class ++) {
        const struct class_sum *sum = &status->classes[class];
        draw(status, class, context->now_us, picture);
        printf("%-14s %12" PRIu64 " %6" PRIu64 " %5" PRIu64 " %7" PRIu64 " %5" PRIu64 "  %-12.10s %s\n",
               class_name(class), sum->events, sum->days, sum->due, sum->overdue, sum->held,
               *sum->next ? sum->next : "-", picture);
    }
    printf("\n. kept  = may be erased by two people  i intended or due  H held or vetoed  # being erased  ! "
           "overdue\n");
    printf("Free on the disk: %.1f GiB", (double)status->free_bytes / (1 << 30));
    if (status->has_days)
        printf(", about %" PRIu64 " days at the present pace", status->days_left);
    printf("; nothing is erased for want of room\n");
    fputs(buffer_string(&status->late_text), stdout);
    if (status->late > LATE_SHOWN)
        printf("… and for %" PRIu64 " more\n", status->late - LATE_SHOWN);
    if (!status->witnessed)
        printf(
            "UNWITNESSED: nothing is erased by itself; two people erase by hand (tocsin retention erase).\n");
    if (*status->next)
        printf("Next: %s\n", status->next);
}

int retention_status(const struct command_context *context, int argc, char **argv) {
    struct status status = {.late_text = BUFFER(64 * 1024)};
    struct fault fault = {0};
    if (argc > 2)
        return command_usage("retention", "'%s' is not expected", argv[2]);
    bool good = ask(context, false, true, take_status, &status, &fault);
    if (good && !context->json)
        print_status(context, &status);
    free(status.rows);
    buffer_free(&status.late_text);
    if (!good)
        return command_fail("retention", &fault);
    return status.findings ? EXIT_FINDING : EXIT_GOOD;
}

/* ---- run */

static void take_run(void *context, json_t *row) {
    const struct command_context *command = context;
    if (command->json || !json_object_get(row, "did"))
        return;
    printf("%-14s %.10s  %s\n", text_of(row, "class"), text_of(row, "opened"), text_of(row, "did"));
}

int retention_run(const struct command_context *context, int argc, char **argv) {
    struct fault fault = {0};
    if (argc > 2)
        return command_usage("retention", "'%s' is not expected", argv[2]);
    if (!ask(context, true, true, take_run, (void *)(uintptr_t)context, &fault))
        return command_fail("retention", &fault);
    return EXIT_GOOD;
}

/* ---- erase: a statement for one class and day */

struct wanted {
    const char *class, *day;
    size_t found;
    struct erase_range range;
    bool good;
};

static void take_wanted(void *context, json_t *row) {
    struct wanted *wanted = context;
    enum event_class class;
    const char *key = text_of(row, "key");
    if (strcmp(text_of(row, "class"), wanted->class) != 0 || strcmp(text_of(row, "state"), "erased") == 0 ||
        strcmp(text_of(row, "state"), "open") == 0 || strncmp(text_of(row, "opened"), wanted->day, 10) != 0 ||
        !class_by_name(slice_string(wanted->class), &class))
        return;
    wanted->found++;
    wanted->range = (struct erase_range){
        .class = (uint8_t) class, .first = number_of(row, "first"), .last = number_of(row, "last")};
    wanted->good = !*key || encoding_unhex(slice_string(key), wanted->range.key_id.bytes, HASH_SIZE);
}

int retention_erase(const struct command_context *context, int argc, char **argv) {
    const char *reason = NULL, *out = NULL;
    struct wanted wanted = {.good = true};
    struct option_words words;
    const struct option_word options[] = {{.name = "--class", .value = &wanted.class},
                                          {.name = "--day", .value = &wanted.day},
                                          {.name = "--reason", .value = &reason},
                                          {.name = "-o", .value = &out}};
    if (!option_words_parse("retention", argc, argv, 2, options, 4, &words))
        return EXIT_USAGE;
    if (words.count || !wanted.class || !wanted.day || strlen(wanted.day) != 10 || !reason || !out)
        return command_usage("retention", "erase takes --class, --day 2026-11-21, --reason and -o FILE");
    struct control_view view = {.live = false};
    struct paper paper;
    struct fault fault = {0};
    struct early_erasure early = {.range = {.class = 0}};
    paper_begin(&paper);
    bool good = ask(context, false, false, take_wanted, &wanted, &fault);
    if (good && (wanted.found != 1 || !wanted.good))
        good = fault_set(&fault, FAULT_USAGE,
                         "%zu ranges of class %s began on %s; `tocsin retention status --json` shows them",
                         wanted.found, wanted.class, wanted.day);
    early.range = wanted.range;
    good = good && paper_text(&paper, reason, NULL, &early.reason, &fault) &&
           control_view_open(context, &view, &fault) && early_erasure_write(&paper.payload, &early) &&
           paper_write(context, &view, &paper, STATEMENT_EARLY_ERASURE, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("retention", &fault);
}
