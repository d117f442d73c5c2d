#include "event_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
    const struct knowledge *knowledge;
    struct record *record;
    struct event_field *fields;
    struct buffer line;
};

struct event_printer *event_printer_create(const struct command_context *context, const struct knowledge *knowledge) {
    struct event_printer *printer = memory_new(sizeof *printer);
    printer->context = context;
    printer->knowledge = knowledge;
    printer->record = record_create(knowledge->symbols);
    printer->fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *printer->fields);
    printer->line = BUFFER(LINE_MOST);
    return printer;
}

struct event_printer *event_printer_destroy(struct event_printer *printer) {
    if (printer) {
        record_destroy(printer->record);
        free(printer->fields);
        buffer_free(&printer->line);
        free(printer);
    }
    return NULL;
}

void event_print_text(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

static void print_json(struct event_printer *printer, const struct printed_event *printed, const char *id,
                       uint64_t line_us) {
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
    if (printed->host.size)
        front[count++] = (struct record_field){0, RECORD_TEXT, SLICE("host.name"), printed->host};
    if (*id)
        front[count++] = (struct record_field){0, RECORD_TEXT, SLICE("tocsin.class"),
                                               slice_string(class_name(printed->event.class))};
    buffer_clear(&printer->line);
    record_json_write_with(&printer->line, front, count, printer->record);
    fwrite(printer->line.data, 1, printer->line.size, stdout);
    putchar('\n');
}

static void print_text(const struct event_printer *printer, const struct printed_event *printed,
                       const struct event_body *body, uint64_t line_us) {
    char time[CALENDAR_TEXT_SIZE];
    bool color = printer->context->color;
    calendar_text(line_us ? line_us : printed->event.time_us, time);
    printf("%s%.10s %.12s%s %s%.*s%s %-11s ", color ? GREY : "", time, time + 11, color ? PLAIN : "",
           color ? BLUE : "", SLICE_ARG(printed->host), color ? PLAIN : "", class_name(printed->event.class));
    if (body->kind == EVENT_JOURNAL) {
        struct slice program = event_body_field(body, SLICE("SYSLOG_IDENTIFIER"));
        printf("%.*s%s", SLICE_ARG(program), program.size ? ": " : "");
    }
    event_print_text(body->raw);
    putchar('\n');
}

void event_printer_print(struct event_printer *printer, const struct printed_event *printed) {
    struct event_body body;
    struct fault fault = {0};
    char id[512] = "";
    if (!event_body_read(printed->event.body, printer->fields, &body, &fault)) {
        fprintf(stderr, "tocsin: an event that cannot be read: %s\n", fault.text);
        return;
    }
    if (printed->stream_id) {
        char digits[9];
        encoding_hex(printed->stream_id, 4, digits);
        snprintf(id, sizeof id, "%.*s~%s/%" PRIu64, SLICE_ARG(printed->stream), digits, printed->event.seq);
    }
    uint64_t line_us = 0;
    interpreter_read(printer->knowledge->interpreter, &body, printed->event.time_us, printer->record, &line_us);
    if (printer->context->json)
        print_json(printer, printed, id, line_us);
    else
        print_text(printer, printed, &body, line_us);
}
