#include "event_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "body_time.h"
#include "calendar.h"
#include "class.h"
#include "clock.h"
#include "collector_settings.h"
#include "encoding.h"
#include "memory.h"
#include "record_json.h"
#include "settings_file.h"

#define LINE_MOST (4u * 1024 * 1024)
#define GREY "\033[90m"
#define BLUE "\033[34m"
#define PLAIN "\033[0m"

struct knowledge *event_print_knowledge(const struct command_context *context, bool rules, struct fault *fault) {
    struct collector_settings settings = {0};
    char own_rules[FILES_PATH_MOST], own_decoders[FILES_PATH_MOST];
    char *default_rules[] = {own_rules}, *default_decoders[] = {own_decoders};
    bool site = settings_file_read(collector_settings_table(), context->site, "collector", &settings, NULL);
    bool shipped_rules = (!site || !settings.rules.set) && knowledge_default_rules(own_rules);
    bool shipped_decoders = (!site || !settings.decoders.set) && knowledge_default_decoders(own_decoders);
    struct knowledge *knowledge = knowledge_load(
        shipped_rules ? default_rules : settings.rules.items, !rules ? 0 : shipped_rules ? 1 : settings.rules.count,
        shipped_decoders ? default_decoders : settings.decoders.items,
        shipped_decoders ? 1 : settings.decoders.count, clock_zone_minutes(context->now_us), fault);
    if (site)
        settings_release(collector_settings_table(), &settings);
    return knowledge;
}

struct event_printer {
    const struct command_context *context;
    int zone_minutes;
    struct knowledge *knowledge; /* NULL: not needed yet */
    struct record *record;       /* with knowledge */
    struct fault fault;          /* why there is none */
    struct event_field *fields;
};

struct event_printer *event_printer_create(const struct command_context *context) {
    struct event_printer *printer = memory_new(sizeof *printer);
    printer->context = context;
    printer->zone_minutes = clock_zone_minutes(context->now_us);
    printer->fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *printer->fields);
    return printer;
}

struct event_printer *event_printer_destroy(struct event_printer *printer) {
    if (printer) {
        record_destroy(printer->record);
        knowledge_destroy(printer->knowledge);
        free(printer->fields);
        free(printer);
    }
    return NULL;
}

const struct knowledge *event_printer_knowledge(struct event_printer *printer, struct fault *fault) {
    if (!printer->knowledge && !printer->fault.code) {
        printer->knowledge = event_print_knowledge(printer->context, false, &printer->fault);
        if (printer->knowledge)
            printer->record = record_create(printer->knowledge->symbols);
    }
    if (!printer->knowledge && fault)
        *fault = printer->fault;
    return printer->knowledge;
}

bool event_printer_good(const struct event_printer *printer, struct fault *fault) {
    if (printer->fault.code)
        *fault = printer->fault;
    return !printer->fault.code;
}

/* The line's own time, or 0; the record is filled where it is printed. */
static uint64_t read_event(struct event_printer *printer, const struct event_body *body, uint64_t read_us) {
    uint64_t line_us = 0;
    bool zoneless;
    if (!printer->context->json && body_time(body, read_us, printer->zone_minutes, &line_us, &zoneless))
        return line_us;
    const struct knowledge *knowledge = event_printer_knowledge(printer, NULL);
    if (knowledge)
        interpreter_read(knowledge->interpreter, body, read_us, printer->record, &line_us);
    return line_us;
}

void event_print_text(struct slice text) {
    CLEANUP_BUFFER struct buffer line = BUFFER(LINE_MOST);
    event_print_append(&line, text);
    fwrite(line.data, 1, line.size, stdout);
}

static bool is_plain(uint8_t c) { return (c >= 0x20 && c != 0x7f) || c == '\t'; }

void event_print_append(struct buffer *to, struct slice text) {
    for (size_t i = 0, start = 0; i < text.size; start = i) {
        while (i < text.size && is_plain(text.data[i]))
            i++;
        buffer_append(to, text.data + start, i - start);
        if (i < text.size)
            buffer_printf(to, "\\x%02x", text.data[i++]);
    }
}

static void append_json(struct event_printer *printer, const struct printed_event *printed, const char *id,
                        uint64_t line_us, struct buffer *to) {
    char time[CALENDAR_TEXT_SIZE], ingested[CALENDAR_TEXT_SIZE];
    calendar_text(line_us ? line_us : printed->event.time_us, time);
    calendar_text(printed->ingested_us, ingested);
    struct record_field front[8];
    size_t count = 0;
    if (*id)
        front[count++] = (struct record_field){0, RECORD_TEXT, SLICE("id"), slice_string(id)};
    front[count++] = (struct record_field){0, RECORD_TEXT, SLICE("@timestamp"), slice_string(time)};
    if (printed->ingested_us)
        front[count++] = (struct record_field){0, RECORD_TEXT, SLICE("event.ingested"), slice_string(ingested)};
    bool of_another = host_is_collector(printed->host) && record_value(printer->record, SLICE("host.name")).size;
    if (printed->host.size && !of_another)
        front[count++] = (struct record_field){0, RECORD_TEXT, SLICE("host.name"), printed->host};
    if (*id)
        front[count++] = (struct record_field){0, RECORD_TEXT, SLICE("tocsin.class"),
                                               slice_string(class_name(printed->event.class))};
    record_json_write_with(to, front, count, printer->record);
}

static void append_text(const struct event_printer *printer, const struct printed_event *printed,
                        const struct event_body *body, uint64_t line_us, struct buffer *to) {
    char time[CALENDAR_TEXT_SIZE];
    bool color = printer->context->color;
    calendar_text(line_us ? line_us : printed->event.time_us, time);
    buffer_printf(to, "%s%.10s %.12s%s %s%.*s%s %-11s ", color ? GREY : "", time, time + 11, color ? PLAIN : "",
                  color ? BLUE : "", SLICE_ARG(printed->host), color ? PLAIN : "", class_name(printed->event.class));
    if (body->kind == EVENT_JOURNAL) {
        struct slice program = event_body_field(body, SLICE("SYSLOG_IDENTIFIER"));
        event_print_append(to, program);
        buffer_append_string(to, program.size ? ": " : "");
    }
    event_print_append(to, body->raw);
}

uint64_t event_printer_append(struct event_printer *printer, const struct printed_event *printed, struct buffer *to) {
    struct event_body body;
    struct fault fault = {0};
    char id[512] = "";
    if (!event_body_read(printed->event.body, printer->fields, &body, &fault)) {
        fprintf(stderr, "tocsin: an event that cannot be read: %s\n", fault.text);
        return printed->event.time_us;
    }
    if (printed->stream_id) {
        char digits[9];
        encoding_hex(printed->stream_id, 4, digits);
        snprintf(id, sizeof id, "%.*s~%s/%" PRIu64, SLICE_ARG(printed->stream), digits, printed->event.seq);
    }
    uint64_t line_us = read_event(printer, &body, printed->event.time_us);
    if (printer->context->json && !printer->knowledge)
        return printed->event.time_us;
    if (printer->context->json)
        append_json(printer, printed, id, line_us, to);
    else
        append_text(printer, printed, &body, line_us, to);
    buffer_append(to, "\n", 1);
    return line_us ? line_us : printed->event.time_us;
}
