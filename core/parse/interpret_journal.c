/* The journal's entries (systemd.journal-fields(7)): what they are called in ECS, and all of them by their own names. */
#include "interpreter_inside.h"

static const struct {
    const char *journal;
    enum field_name name;
} mapped[] = {
    /* Where two rows have one name, the first one present is taken; a decoder's own finding comes before both. */
    {"_EXE", FIELD_EXECUTABLE},
    {"_CMDLINE", FIELD_COMMAND_LINE},
    {"_UID", FIELD_USER_ID},
    {"_GID", FIELD_GROUP_ID},
    {"UNIT", FIELD_UNIT},
    {"_SYSTEMD_UNIT", FIELD_UNIT},
    {"_MACHINE_ID", FIELD_HOST_ID},
    {"_BOOT_ID", FIELD_BOOT_ID},
    {"MESSAGE_ID", FIELD_MESSAGE_ID},
};

static struct slice either(const struct event_body *body, struct slice name, struct slice other) {
    struct slice value = event_body_field(body, name);
    return value.size ? value : event_body_field(body, other);
}

static void add_syslog(struct reading *reading) {
    uint64_t number;
    struct slice severity = event_body_field(reading->body, SLICE("PRIORITY"));
    struct slice facility = event_body_field(reading->body, SLICE("SYSLOG_FACILITY"));
    if (facility.size) {
        reading_add_number(reading, FIELD_FACILITY, facility);
        if (slice_decimal(facility, &number) && number < 24)
            reading_add(reading, FIELD_FACILITY_NAME, field_facility_name((unsigned)number));
    }
    if (severity.size) {
        reading_add_number(reading, FIELD_SEVERITY, severity);
        if (slice_decimal(severity, &number) && number < 8)
            reading_add(reading, FIELD_SEVERITY_NAME, field_severity_name((unsigned)number));
    }
}

static void add_mapped(struct reading *reading) {
    for (size_t i = 0; i < sizeof mapped / sizeof *mapped; i++) {
        struct slice value = event_body_field(reading->body, slice_string(mapped[i].journal));
        if (value.size && !reading_has(reading, mapped[i].name))
            reading_add(reading, mapped[i].name, value);
    }
}

void reading_journal(struct reading *reading) {
    const struct event_body *body = reading->body;
    struct slice host = event_body_field(body, SLICE("_HOSTNAME"));
    struct slice program = either(body, SLICE("SYSLOG_IDENTIFIER"), SLICE("_COMM"));
    struct slice process = either(body, SLICE("_PID"), SLICE("SYSLOG_PID"));
    if (host.size)
        reading_add(reading, FIELD_HOSTNAME, host);
    if (program.size)
        reading_add(reading, FIELD_PROGRAM, program);
    if (process.size)
        reading_add_number(reading, FIELD_PID, process);
    add_syslog(reading);
    reading_add(reading, FIELD_MESSAGE, body->raw);
    reading_decode(reading, program, body->raw);
    add_mapped(reading);
    for (size_t i = 0; i < body->field_count; i++) {
        struct slice name = body->fields[i].name;
        if (!slice_equal(name, SLICE("MESSAGE")) && !field_name_reserved(name))
            record_add_named(reading->record, name, RECORD_TEXT, body->fields[i].value);
    }
    reading->time_us = body->source_time_us;
}
