/* Lines of files and of commands' output: which form they have, and their header's fields. */
#include "interpreter_inside.h"

#include "json_fields.h"
#include "line_time.h"
#include "logfmt_fields.h"
#include "syslog_header.h"

static bool keep_unreserved(struct slice name) {
    return !field_name_reserved(name);
}

/* The first of these names that the record has from field `from` on; NULL where it has none. */
static const struct record_field *first_of(const struct record *record, size_t from,
                                           const char *const *names) {
    for (; *names; names++)
        for (size_t i = from; i < record->count; i++)
            if (slice_equal(record->fields[i].name, slice_string(*names)))
                return &record->fields[i];
    return NULL;
}

/* What JSON and logfmt lines call by many names. */
static void settle_structured(struct reading *reading, size_t from) {
    static const char *const times[] = {"@timestamp", "timestamp", "time", "ts", "datetime", NULL};
    static const char *const messages[] = {"msg", "log", NULL};
    static const char *const levels[] = {"level", "lvl", "severity", NULL};
    const struct record_field *field = first_of(reading->record, from, times);
    if (field)
        line_time_value(field->value, reading->interpreter->zone_minutes, &reading->time_us);
    if (!reading_has(reading, FIELD_MESSAGE)) {
        field = first_of(reading->record, from, messages);
        reading_add(reading, FIELD_MESSAGE, field ? field->value : reading->body->raw);
    }
    field = reading_has(reading, FIELD_LEVEL) ? NULL : first_of(reading->record, from, levels);
    if (field)
        reading_add(reading, FIELD_LEVEL, field->value);
}

static bool read_json(struct reading *reading, bool trusted) {
    size_t from = reading->record->count;
    json_fields_keep *keep = trusted ? NULL : keep_unreserved;
    if (!json_fields_add(reading->record, reading->body->raw, (struct slice){NULL, 0}, keep))
        return false;
    settle_structured(reading, from);
    return true;
}

/* A trusted object may hold the raw line that it was made from. */
static bool read_ecs(struct reading *reading) {
    if (!read_json(reading, true))
        return false;
    struct record *record = reading->record;
    uint32_t original = reading->interpreter->names.symbol[FIELD_ORIGINAL];
    for (size_t i = 1; i < record->count; i++)
        if (record->fields[i].symbol == original) {
            record->fields[0].value = record->fields[i].value;
            memmove(record->fields + i, record->fields + i + 1,
                    (record->count - i - 1) * sizeof *record->fields);
            record->count--;
            break;
        }
    return true;
}

static bool read_logfmt(struct reading *reading) {
    size_t from = reading->record->count;
    if (!logfmt_fields_add(reading->record, reading->body->raw, keep_unreserved))
        return false;
    settle_structured(reading, from);
    return true;
}

static void add_priority(struct reading *reading, int priority) {
    unsigned facility = (unsigned)priority / 8, severity = (unsigned)priority % 8;
    reading_add_number(reading, FIELD_PRIORITY, record_scratch_printf(reading->record, "%d", priority));
    reading_add_number(reading, FIELD_FACILITY, record_scratch_printf(reading->record, "%u", facility));
    reading_add(reading, FIELD_FACILITY_NAME, field_facility_name(facility));
    reading_add_number(reading, FIELD_SEVERITY, record_scratch_printf(reading->record, "%u", severity));
    reading_add(reading, FIELD_SEVERITY_NAME, field_severity_name(severity));
}

/* log.syslog.structured_data.ID.NAME for each parameter. */
static void add_data(struct reading *reading, struct slice data) {
    struct slice id = {NULL, 0}, name, value;
    while (!reading->record->full && syslog_data_next(&data, &id, &name, &value)) {
        struct slice whole = record_scratch_printf(reading->record, "log.syslog.structured_data.%.*s.%.*s",
                                                   SLICE_ARG(id), SLICE_ARG(name));
        uint8_t *text = record_scratch(reading->record, value.size);
        if (whole.data && text)
            record_add_named(reading->record, whole, RECORD_TEXT,
                             slice_make(text, syslog_data_unescape(value, text)));
    }
}

/* Some old systems log "/USR/SBIN/CRON[123]:"; the last part is the program's name. */
static struct slice program_name(struct slice program) {
    if (program.size == 0 || program.data[0] != '/')
        return program;
    size_t at = program.size;
    while (program.data[at - 1] != '/')
        at--;
    return at < program.size ? slice_from(program, at) : program;
}

static void add_header(struct reading *reading, const struct syslog_header *header, struct slice program) {
    uint64_t number;
    if (header->host.size)
        reading_add(reading, FIELD_HOSTNAME, header->host);
    if (program.size)
        reading_add(reading, FIELD_PROGRAM, program);
    if (header->process.size)
        reading_add_number(reading, slice_decimal(header->process, &number) ? FIELD_PID : FIELD_PROCESS_ID,
                           header->process);
    if (header->priority >= 0)
        add_priority(reading, header->priority);
    if (header->version)
        reading_add_number(reading, FIELD_VERSION, SLICE("1"));
    if (header->message_id.size)
        reading_add(reading, FIELD_MESSAGE_ID, header->message_id);
    if (header->uptime.size)
        reading_add(reading, FIELD_UPTIME, header->uptime);
    if (header->data.size)
        add_data(reading, header->data);
    reading_add(reading, FIELD_MESSAGE, header->message);
}

static bool read_syslog(struct reading *reading) {
    struct syslog_header header;
    if (!syslog_header_parse(reading->body->raw, reading->reference_us, reading->interpreter->zone_minutes,
                             &header))
        return false;
    struct slice program = program_name(header.program);
    reading->time_us = header.time_us;
    add_header(reading, &header, program);
    reading_decode(reading, program, header.message);
    return true;
}

static bool is_path(struct slice source) {
    return source.size && !slice_equal(source, SLICE("journal")) && !slice_equal(source, SLICE("agent")) &&
           !slice_equal(source, SLICE("collector")) && !slice_starts(source, SLICE("command:"));
}

/* The time that a line begins with; what follows it. */
static struct slice take_time(struct reading *reading, struct slice line) {
    int zone = reading->interpreter->zone_minutes;
    size_t size;
    if (line_time_bsd(line, reading->reference_us, zone, &size, &reading->time_us)) {
        if (size == line.size || line.data[size] == ' ')
            return slice_trim(slice_from(line, size));
    } else if (line_time_prefix(line, zone, &size, &reading->time_us))
        return slice_trim(slice_from(line, size));
    reading->time_us = 0;
    return line;
}

/* A program's own log: a time, and then whatever it says, which may look like a header and is none. */
static bool read_own_log(struct reading *reading) {
    const struct event_body *body = reading->body;
    struct slice program = {NULL, 0};
    if (is_path(body->source))
        program = decoder_set_program_of(reading->interpreter->decoders, body->source);
    if (program.size == 0 || (body->raw.size && body->raw.data[0] == '<'))
        return false;
    struct slice message = take_time(reading, body->raw);
    reading_add(reading, FIELD_PROGRAM, program);
    reading_add(reading, FIELD_MESSAGE, message);
    reading_decode(reading, program, message);
    return true;
}

static bool read_by_itself(struct reading *reading) {
    struct slice raw = reading->body->raw;
    uint8_t first = raw.size ? raw.data[0] : 0;
    if (first == '{' && read_json(reading, false))
        return true;
    return read_own_log(reading) || read_syslog(reading) || read_logfmt(reading);
}

/* Beyond its first part an over-long line has no header; what looks like one was put there by whoever wrote the line. */
static bool is_later_fragment(const struct event_body *body) {
    struct slice index = event_body_field(body, SLICE("fragment.index"));
    return index.size && !slice_equal(index, SLICE("0"));
}

static bool read_form(struct reading *reading) {
    if (is_later_fragment(reading->body))
        return false;
    switch (reading->interpreter->format) {
    case LINE_AUTO:
        return read_by_itself(reading);
    case LINE_SYSLOG:
        return read_syslog(reading);
    case LINE_JSON:
        return read_json(reading, false);
    case LINE_ECS:
        return read_ecs(reading);
    case LINE_LOGFMT:
        return read_logfmt(reading);
    case LINE_PLAIN:
        break;
    }
    return false;
}

void reading_line(struct reading *reading) {
    const struct event_body *body = reading->body;
    if (is_path(body->source))
        reading_add(reading, FIELD_PATH, body->source);
    if (!read_form(reading))
        reading_add(reading, FIELD_MESSAGE, body->raw);
    for (size_t i = 0; i < body->field_count; i++)
        record_add_named(reading->record, body->fields[i].name, RECORD_TEXT, body->fields[i].value);
    if (reading->time_us == 0)
        reading->time_us = body->source_time_us;
}
