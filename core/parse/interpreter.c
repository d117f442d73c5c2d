#include "interpreter.h"

#include <stdlib.h>

#include "interpreter_inside.h"
#include "json_fields.h"
#include "logfmt_fields.h"
#include "memory.h"

bool line_format_by_name(struct slice name, enum line_format *ret_format) {
    static const struct {
        const char *name;
        enum line_format format;
    } formats[] = {{"auto", LINE_AUTO},     {"syslog", LINE_SYSLOG}, {"json", LINE_JSON},
                   {"logfmt", LINE_LOGFMT}, {"plain", LINE_PLAIN},   {"jsonl", LINE_ECS},
                   {"ecs", LINE_ECS}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (slice_equal(name, slice_string(formats[i].name))) {
            *ret_format = formats[i].format;
            return true;
        }
    return false;
}

struct interpreter *interpreter_create(struct symbols *symbols) {
    struct interpreter *interpreter = memory_new(sizeof *interpreter);
    interpreter->symbols = symbols;
    interpreter->decoders = decoder_set_create(symbols);
    field_names_add(symbols, &interpreter->names);
    return interpreter;
}

struct interpreter *interpreter_destroy(struct interpreter *interpreter) {
    if (interpreter) {
        decoder_set_destroy(interpreter->decoders);
        free(interpreter);
    }
    return NULL;
}

bool interpreter_set_zone(struct interpreter *interpreter, int minutes, struct fault *fault) {
    if (minutes < -INTERPRETER_ZONE_MOST || minutes > INTERPRETER_ZONE_MOST)
        return fault_set(fault, FAULT_USAGE, "a zone of %d minutes; -%d to %d are allowed", minutes,
                         INTERPRETER_ZONE_MOST, INTERPRETER_ZONE_MOST);
    interpreter->zone_minutes = minutes;
    return true;
}

void interpreter_set_format(struct interpreter *interpreter, enum line_format format) {
    interpreter->format = format;
}

bool interpreter_add_decoders(struct interpreter *interpreter, struct slice text, const char *file,
                              struct fault *fault) {
    if (text.size > INTERPRETER_DECODER_MOST) {
        fault_set(fault, FAULT_LIMIT, "a decoder file of %zu bytes; at most %u are allowed", text.size,
                  INTERPRETER_DECODER_MOST);
        return fault_place(fault, "%s", file);
    }
    struct decoder *decoder = decoder_file_read(text, file, interpreter->symbols, fault);
    return decoder && (decoder_set_add(interpreter->decoders, decoder, INTERPRETER_PATTERNS_MOST, fault) ||
                       fault_place(fault, "%s", file));
}

size_t interpreter_pattern_count(const struct interpreter *interpreter) {
    return decoder_set_patterns(interpreter->decoders);
}

/* "message repeated 3 times: [ Failed password for … ]", as relays fold equal lines. */
static struct slice unfold(struct reading *reading, struct slice message) {
    static const char head[] = "message repeated ", middle[] = " times: [";
    if (!slice_starts(message, SLICE("message repeated ")))
        return message;
    struct slice rest = slice_from(message, sizeof head - 1);
    size_t digits = slice_find(slice_head(rest, 32), slice_string(middle));
    uint64_t count;
    if (digits == SIZE_MAX || !slice_decimal(slice_head(rest, digits), &count))
        return message;
    struct slice inside = slice_trim(slice_from(rest, digits + sizeof middle - 1));
    if (inside.size == 0 || inside.data[inside.size - 1] != ']')
        return message;
    reading_add_number(reading, FIELD_REPEATED, slice_head(rest, digits));
    return slice_trim(slice_head(inside, inside.size - 1));
}

static bool keep_unreserved(struct slice name) {
    return !field_name_reserved(name);
}

/* A message that is JSON or logfmt itself: applications that log through syslog or the journal. */
static void read_structured(struct reading *reading, struct slice message) {
    struct slice text = slice_starts(message, SLICE("@cee:")) ? slice_trim(slice_from(message, 5)) : message;
    if (text.size == 0)
        return;
    if (text.data[0] == '{')
        json_fields_add(reading->record, text, (struct slice){NULL, 0}, keep_unreserved);
    else
        logfmt_fields_add(reading->record, text, keep_unreserved);
}

void reading_decode(struct reading *reading, struct slice program, struct slice message) {
    const struct decoder_set *decoders = reading->interpreter->decoders;
    const struct decoder_group *group = NULL;
    if (program.size) {
        group = decoder_set_group(decoders, program);
        if (group)
            decoder_group_origin(group, reading->record);
        else {
            reading_add(reading, FIELD_PRODUCT, SLICE("linux"));
            reading_add(reading, FIELD_SERVICE, program);
            reading_add(reading, FIELD_SERVICE, SLICE("syslog"));
        }
        while (message.size && message.data[0] == ' ') /* older sudo pads the user's name */
            message = slice_from(message, 1);
        message = unfold(reading, message);
        if (decoder_set_decode(decoders, group, message, reading->record))
            return;
    }
    read_structured(reading, message);
}

static void add_product(struct reading *reading, const char *category) {
    reading_add(reading, FIELD_PRODUCT, SLICE("tocsin"));
    reading_add(reading, FIELD_CATEGORY, slice_string(category));
    if (reading->body->source.size)
        reading_add(reading, FIELD_SERVICE, reading->body->source);
}

static void read_own(struct reading *reading, const char *category) {
    const struct event_body *body = reading->body;
    reading_add(reading, FIELD_MESSAGE, body->raw);
    add_product(reading, category);
    for (size_t i = 0; i < body->field_count; i++)
        record_add_named(reading->record, body->fields[i].name, RECORD_TEXT, body->fields[i].value);
    reading->time_us = body->source_time_us;
}

bool interpreter_gives(const struct interpreter *interpreter, struct slice product, struct slice category,
                       struct slice service) {
    static const char *const own[] = {"state", "gap", "alert", "decision"};
    if (category.size == 0 && (product.size == 0 || slice_equal_caseless(product, SLICE("linux"))))
        return true;
    if (product.size == 0 || slice_equal_caseless(product, SLICE("tocsin"))) {
        if (category.size == 0)
            return true;
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            if (slice_equal_caseless(category, slice_string(own[i])))
                return true;
    }
    return decoder_set_gives(interpreter->decoders, product, category, service);
}

/* An alert's and a decision's members that people search by. */
static bool keep_searched(struct slice name) {
    static const char *const kept[] = {"id",       "rule.id",  "rule.title", "rule.level", "severity",
                                       "priority", "why",      "host.name",  "count",      "status",
                                       "by",       "replaced_by"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (slice_equal(name, slice_string(kept[i])))
            return true;
    return slice_starts(name, SLICE("entity."));
}

static void read_verdict(struct reading *reading, const char *category, struct slice prefix) {
    reading_add(reading, FIELD_MESSAGE, reading->body->raw);
    add_product(reading, category);
    json_fields_add(reading->record, reading->body->raw, prefix, keep_searched);
    reading->time_us = reading->body->source_time_us;
}

int interpreter_zone(const struct interpreter *interpreter) { return interpreter->zone_minutes; }

void interpreter_read(const struct interpreter *interpreter, const struct event_body *body,
                      uint64_t reference_us, struct record *record, uint64_t *ret_line_time_us) {
    struct reading reading = {interpreter, body, record, reference_us, 0};
    record_clear(record);
    reading_add(&reading, FIELD_ORIGINAL, body->raw);
    if (body->source.size)
        reading_add(&reading, FIELD_SOURCE, body->source);
    switch (body->kind) {
    case EVENT_LINE:
        reading_line(&reading);
        break;
    case EVENT_JOURNAL:
        reading_journal(&reading);
        break;
    case EVENT_STATE:
        read_own(&reading, "state");
        break;
    case EVENT_GAP:
        read_own(&reading, "gap");
        break;
    case EVENT_ALERT:
        read_verdict(&reading, "alert", SLICE("tocsin.alert."));
        break;
    case EVENT_DECISION:
        read_verdict(&reading, "decision", SLICE("tocsin.decision."));
        break;
    }
    *ret_line_time_us = reading.time_us;
}
