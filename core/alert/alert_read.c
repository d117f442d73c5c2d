/* Reading alerts back, with jansson: bytes may come from anyone. */
#include <jansson.h>
#include <stdlib.h>

#include "alert.h"
#include "calendar.h"
#include "memory.h"

#define NAME_MOST 512u /* bytes of a joined name in the entity */
#define DEPTH_MOST 16u

struct alert_document {
    json_t *root;
    struct alert alert;
    struct detector_pair entity[DETECTOR_ENTITY_MOST];
    char names[DETECTOR_ENTITY_MOST][NAME_MOST];
    struct slice events[DETECTOR_EVENTS_MOST];
};

static struct slice text_of(const json_t *node) {
    return json_is_string(node) ? slice_make(json_string_value(node), json_string_length(node))
                                : (struct slice){NULL, 0};
}

static bool complain(struct fault *fault, const char *member) {
    return fault_set(fault, FAULT_FORMAT, "not an alert: '%s' is missing or is not what it must be", member);
}

static bool has_name(const struct alert_document *document, const char *name) {
    for (size_t i = 0; i < document->alert.entity_count; i++)
        if (strcmp(document->names[i], name) == 0)
            return true;
    return false;
}

/* {"source": {"ip": …}} back to source.ip. */
static bool read_entity(struct alert_document *document, json_t *node, const char *prefix, unsigned depth) {
    const char *key;
    json_t *value;
    if (depth > DEPTH_MOST)
        return false;
    json_object_foreach(node, key, value) {
        char name[NAME_MOST];
        int size = snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (size < 0 || (size_t)size >= sizeof name)
            return false;
        if (json_is_object(value)) {
            if (!read_entity(document, value, name, depth + 1))
                return false;
            continue;
        }
        size_t at = document->alert.entity_count;
        if (!json_is_string(value) || at == DETECTOR_ENTITY_MOST || has_name(document, name))
            return false;
        memcpy(document->names[at], name, sizeof name);
        document->entity[at] = (struct detector_pair){slice_string(document->names[at]), text_of(value)};
        document->alert.entity_count++;
    }
    return true;
}

static bool read_events(struct alert_document *document, const json_t *list, struct fault *fault) {
    if (!json_is_array(list) || json_array_size(list) > DETECTOR_EVENTS_MOST)
        return complain(fault, "events");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct slice text = text_of(json_array_get(list, i));
        if (!text.data)
            return complain(fault, "events");
        document->events[document->alert.event_id_count++] = text;
    }
    return true;
}

static bool read_number(const json_t *node, uint64_t *ret_number) {
    if (!json_is_integer(node) || json_integer_value(node) < 0)
        return false;
    *ret_number = (uint64_t)json_integer_value(node);
    return true;
}

static bool read_outage(struct alert_outage *outage, const json_t *node) {
    const json_t *end = json_object_get(node, "end");
    return calendar_parse(text_of(json_object_get(node, "start")), &outage->start_us) &&
           (!end || calendar_parse(text_of(end), &outage->end_us)) &&
           read_number(json_object_get(node, "duration_s"), &outage->duration_s) &&
           read_number(json_object_get(node, "used_percent"), &outage->used_percent);
}

static bool read_rule(struct alert *alert, const json_t *rule, struct fault *fault) {
    alert->rule_id = text_of(json_object_get(rule, "id"));
    alert->rule_title = text_of(json_object_get(rule, "title"));
    bool good = alert->rule_id.data && alert->rule_title.data &&
                rule_level_by_name(text_of(json_object_get(rule, "level")), &alert->level);
    return good || complain(fault, "rule");
}

static bool read_alert(struct alert_document *document, struct fault *fault) {
    const json_t *root = document->root;
    struct alert *alert = &document->alert;
    json_t *entity = json_object_get(root, "entity");
    const json_t *outage = json_object_get(root, "outage");
    alert->id = text_of(json_object_get(root, "id"));
    alert->why = text_of(json_object_get(root, "why")); /* a bare one has neither why nor entity */
    alert->host = text_of(json_object_get(json_object_get(root, "host"), "name"));
    alert->entity = document->entity;
    alert->event_ids = document->events;
    if (alert->id.size != ALERT_ID_SIZE - 1)
        return complain(fault, "id");
    if (!calendar_parse(text_of(json_object_get(root, "@timestamp")), &alert->time_us))
        return complain(fault, "@timestamp");
    if (!severity_by_text(text_of(json_object_get(root, "severity")), &alert->severity))
        return complain(fault, "severity");
    if (!priority_by_name(text_of(json_object_get(root, "priority")), &alert->priority))
        return complain(fault, "priority");
    if (!alert->host.data)
        return complain(fault, "host");
    if (entity && (!json_is_object(entity) || !read_entity(document, entity, "", 0)))
        return complain(fault, "entity");
    if (!read_number(json_object_get(root, "count"), &alert->count))
        return complain(fault, "count");
    if (outage && !read_outage(&alert->outage, outage))
        return complain(fault, "outage");
    alert->first_us = alert->last_us = alert->time_us;
    if (!alert_status_by_name(text_of(json_object_get(root, "status")), &alert->status))
        return complain(fault, "status");
    return read_rule(alert, json_object_get(root, "rule"), fault) &&
           read_events(document, json_object_get(root, "events"), fault);
}

struct alert_document *alert_read(struct slice json, struct fault *fault) {
    json_error_t error;
    if (json.size > ALERT_TEXT_MOST) {
        fault_set(fault, FAULT_LIMIT, "not an alert: longer than %u bytes", ALERT_TEXT_MOST);
        return NULL;
    }
    json_t *root =
        json_loadb(json.size ? (const char *)json.data : "", json.size, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        fault_set(fault, FAULT_FORMAT, "not an alert: byte %d: %s", error.position, error.text);
        return NULL;
    }
    struct alert_document *document = memory_new(sizeof *document);
    document->root = root;
    return read_alert(document, fault) ? document : alert_document_destroy(document);
}

const struct alert *alert_document_alert(const struct alert_document *document) {
    return &document->alert;
}

struct alert_document *alert_document_destroy(struct alert_document *document) {
    if (document) {
        json_decref(document->root);
        free(document);
    }
    return NULL;
}
