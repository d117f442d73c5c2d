#include "alert.h"

#include "calendar.h"
#include "encoding.h"
#include "record_json.h"
#include "sha256.h"

static const char *const statuses[ALERT_STATUSES] = {"open", "acknowledged", "reclassified", "resolved"};

const char *alert_status_name(enum alert_status status) {
    return (unsigned)status < ALERT_STATUSES ? statuses[status] : "";
}

bool alert_status_by_name(struct slice name, enum alert_status *ret_status) {
    for (unsigned i = 0; i < ALERT_STATUSES; i++) {
        if (slice_equal(name, slice_string(statuses[i]))) {
            *ret_status = (enum alert_status)i;
            return true;
        }
    }
    return false;
}

/* Lengths stand in front, so that no two lists of texts give the same bytes. */
static void add_text(struct sha256 *running, struct slice text) {
    uint8_t size[8];
    for (unsigned i = 0; i < sizeof size; i++)
        size[i] = (uint8_t)((uint64_t)text.size >> (56 - 8 * i));
    sha256_add(running, size, sizeof size);
    sha256_add(running, text.data, text.size);
}

void alert_id_make(struct slice rule_id, const struct detector_pair *entity, size_t entity_count,
                   struct slice event_id, char ret_id[ALERT_ID_SIZE]) {
    struct sha256 running;
    sha256_begin(&running);
    add_text(&running, SLICE("tocsin alert"));
    add_text(&running, rule_id);
    add_text(&running, event_id);
    for (size_t i = 0; i < entity_count; i++) {
        add_text(&running, entity[i].name);
        add_text(&running, entity[i].value);
    }
    struct hash hash = sha256_end(&running);
    encoding_hex(hash.bytes, (ALERT_ID_SIZE - 1) / 2, ret_id);
}

struct alert alert_of_match(const struct detector_match *match, const struct classification *class,
                            const char id[ALERT_ID_SIZE]) {
    return (struct alert){
        .id = slice_make(id, ALERT_ID_SIZE - 1),
        .time_us = match->time_us,
        .rule_id = slice_string(match->rule->id),
        .rule_title = slice_string(match->rule->title),
        .level = match->rule->level,
        .severity = class->severity,
        .priority = class->priority,
        .why = slice_string(class->why),
        .entity = match->entity,
        .entity_count = match->entity_count,
        .host = match->host,
        .event_ids = match->event_ids,
        .event_id_count = match->event_id_count,
        .count = match->count,
        .first_us = match->first_us,
        .last_us = match->last_us,
        .status = ALERT_OPEN,
        .what_to_do = slice_string(match->rule->what_to_do),
    };
}

static void write_member(struct buffer *to, const char *name, struct slice text) {
    buffer_printf(to, "\"%s\":", name);
    record_json_string(to, text);
}

static void write_entity(struct buffer *to, const struct alert *alert) {
    struct record_field fields[DETECTOR_ENTITY_MOST];
    struct record record = {.fields = fields};
    for (size_t i = 0; i < alert->entity_count && i < DETECTOR_ENTITY_MOST; i++)
        fields[record.count++] =
            (struct record_field){0, RECORD_TEXT, alert->entity[i].name, alert->entity[i].value};
    buffer_append_string(to, ",\"entity\":");
    record_json_write(to, &record);
}

static void write_time(struct buffer *to, const char *name, uint64_t time_us) {
    char text[CALENDAR_TEXT_SIZE];
    calendar_text(time_us, text);
    buffer_printf(to, "\"%s\":\"%s\"", name, text);
}

static void write_outage(struct buffer *to, const struct alert_outage *outage) {
    if (outage->start_us == 0)
        return;
    buffer_append_string(to, ",\"outage\":{");
    write_time(to, "start", outage->start_us);
    if (outage->end_us) {
        buffer_append_string(to, ",");
        write_time(to, "end", outage->end_us);
    }
    buffer_printf(to, ",\"duration_s\":%llu,\"used_percent\":%llu}", (unsigned long long)outage->duration_s,
                  (unsigned long long)outage->used_percent);
}

static void write_decisions(struct buffer *to, const struct alert *alert) {
    char time[CALENDAR_TEXT_SIZE];
    for (size_t i = 0; i < alert->decision_count; i++) {
        const struct alert_decision *decision = &alert->decisions[i];
        calendar_text(decision->time_us, time);
        buffer_printf(to, "%s{\"ctl_seq\":%llu,\"@timestamp\":\"%s\",\"status\":\"%s\",",
                      i ? "," : ",\"decisions\":[", (unsigned long long)decision->ctl_seq, time,
                      alert_status_name(decision->status));
        if (decision->severity.size) {
            write_member(to, "severity", decision->severity);
            buffer_append_string(to, ",");
        }
        buffer_append_string(to, "\"user\":{");
        write_member(to, "id", decision->person);
        buffer_append_string(to, "},\"reason\":{");
        write_member(to, "hash", decision->reason);
        buffer_append_string(to, "}}");
    }
    buffer_append_string(to, alert->decision_count ? "]" : "");
}

bool alert_write(struct buffer *to, const struct alert *alert, bool bare) {
    char time[CALENDAR_TEXT_SIZE];
    calendar_text(alert->time_us, time);
    buffer_append_string(to, "{");
    write_member(to, "id", alert->id);
    buffer_printf(to, ",\"@timestamp\":\"%s\",\"rule\":{", time);
    write_member(to, "id", alert->rule_id);
    buffer_append_string(to, ",");
    write_member(to, "title", alert->rule_title);
    buffer_printf(to, ",\"level\":\"%s\"},\"severity\":\"%s\",\"severity_name\":\"%s\",\"priority\":\"%s\"",
                  rule_level_name(alert->level), severity_text(alert->severity),
                  severity_name(alert->severity), priority_name(alert->priority));
    if (!bare) {
        buffer_append_string(to, ",");
        write_member(to, "why", alert->why);
        write_entity(to, alert);
    }
    buffer_append_string(to, ",\"host\":{");
    write_member(to, "name", alert->host);
    buffer_append_string(to, "},\"events\":[");
    for (size_t i = 0; i < alert->event_id_count; i++) {
        buffer_append_string(to, i ? "," : "");
        record_json_string(to, alert->event_ids[i]);
    }
    buffer_printf(to, "],\"count\":%llu", (unsigned long long)alert->count);
    write_outage(to, &alert->outage);
    buffer_printf(to, ",\"status\":\"%s\"", alert_status_name(alert->status));
    if (alert->resolution.size) {
        buffer_append_string(to, ",\"resolution\":");
        buffer_append_slice(to, alert->resolution);
    }
    write_decisions(to, alert);
    buffer_append_string(to, "}");
    return !to->overflow;
}

bool alert_end_write(struct buffer *to, const struct alert_end *end) {
    buffer_append_string(to, "{");
    write_member(to, "id", end->alert_id);
    buffer_append_string(to, ",");
    write_time(to, "@timestamp", end->time_us);
    buffer_printf(to, ",\"status\":\"%s\",\"by\":\"%s\",\"rule\":{", alert_status_name(ALERT_RESOLVED),
                  end->replaced_by.size ? "replaced" : "recovery");
    write_member(to, "id", end->rule_id);
    buffer_append_string(to, ",");
    write_member(to, "title", end->rule_title);
    buffer_append_string(to, "},\"events\":[");
    record_json_string(to, end->event_id);
    buffer_append_string(to, "]");
    if (end->replaced_by.size) {
        buffer_append_string(to, ",");
        write_member(to, "replaced_by", end->replaced_by);
    }
    write_outage(to, &end->outage);
    buffer_append_string(to, "}");
    return !to->overflow;
}

void alert_write_duration(struct buffer *to, uint64_t seconds) {
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t count = sizeof units / sizeof *units, i = 0;
    while (i + 1 < count && seconds < units[i].seconds)
        i++;
    buffer_printf(to, "%llu %s", (unsigned long long)(seconds / units[i].seconds), units[i].name);
    seconds %= units[i].seconds;
    if (i + 1 < count && seconds >= units[i + 1].seconds)
        buffer_printf(to, " %llu %s", (unsigned long long)(seconds / units[i + 1].seconds),
                      units[i + 1].name);
}
