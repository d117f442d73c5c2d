#include "rule_samples.h"

#include <stdlib.h>

#include "memory.h"
#include "sigma_yaml.h"

struct rule_samples {
    struct rule_memory memory;
    size_t count;
    struct rule_sample *list;
};

struct reading {
    struct rule_samples *samples;
    const char *file;
    struct fault *fault;
};

static bool refuse(const struct reading *reading, const struct yaml_node *at, const char *reason) {
    fault_set(reading->fault, FAULT_FORMAT, "%s", reason);
    return fault_place(reading->fault, "%s:%u:%u", reading->file, at->line, at->column);
}

static bool read_texts(const struct reading *reading, const struct yaml_node *list, const char *reason,
                       struct slice **ret_texts, size_t *ret_count) {
    if (list->kind != YAML_LIST)
        return refuse(reading, list, reason);
    struct slice *texts = rule_memory_new(&reading->samples->memory, list->count * sizeof *texts);
    for (size_t i = 0; i < list->count; i++) {
        if (list->values[i].kind != YAML_SCALAR)
            return refuse(reading, &list->values[i], reason);
        texts[i] = list->values[i].text;
    }
    *ret_texts = texts;
    *ret_count = list->count;
    return true;
}

static bool read_fields(const struct reading *reading, const struct yaml_node *map,
                        struct rule_sample_event *event) {
    if (map->kind != YAML_MAP || map->count > RULE_SAMPLES_FIELDS_MOST)
        return refuse(reading, map, "fields are a map of names and texts, 64 at most");
    event->names = rule_memory_new(&reading->samples->memory, map->count * sizeof *event->names);
    event->values = rule_memory_new(&reading->samples->memory, map->count * sizeof *event->values);
    for (; event->field_count < map->count; event->field_count++) {
        const struct yaml_node *value = &map->values[event->field_count];
        if (value->kind != YAML_SCALAR)
            return refuse(reading, value, "a field's value is a text");
        event->names[event->field_count] = map->keys[event->field_count].text;
        event->values[event->field_count] = value->text;
    }
    return true;
}

/* An event for each line, or for each map of fields with the first line. */
static bool make_events(const struct reading *reading, const struct yaml_node *map, struct slice *lines,
                        size_t line_count, struct rule_sample *sample) {
    const struct yaml_node *fields = yaml_find(map, "fields"), *each = yaml_find(map, "each");
    if (each && (fields || each->kind != YAML_LIST || each->count == 0))
        return refuse(reading, each, "each is a list of fields, and takes their place");
    sample->event_count = each ? each->count : line_count;
    sample->events =
        rule_memory_new(&reading->samples->memory, sample->event_count * sizeof *sample->events);
    for (size_t i = 0; i < sample->event_count; i++) {
        const struct yaml_node *own = each ? &each->values[i] : fields;
        sample->events[i].line = each && i >= line_count ? lines[0] : lines[i];
        if (own && !read_fields(reading, own, &sample->events[i]))
            return false;
    }
    return true;
}

static bool read_word(const struct reading *reading, const struct yaml_node *map, const char *key,
                      struct slice *word) {
    const struct yaml_node *node = yaml_find(map, key);
    if (node && (node->kind != YAML_SCALAR || node->text.size == 0))
        return refuse(reading, node, "a word is expected behind the colon");
    if (node)
        *word = node->text;
    return true;
}

static bool check_keys(const struct reading *reading, const struct yaml_node *map) {
    static const char *const known[] = {"matches", "lines", "kind", "fields", "each", "format", "file"};
    for (size_t i = 0; i < map->count; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            found |= slice_equal(map->keys[i].text, slice_string(known[k]));
        if (!found)
            return refuse(reading, &map->keys[i],
                          "known: matches, lines, kind, fields, each, format, file");
    }
    return true;
}

static bool read_sample(const struct reading *reading, const struct yaml_node *map,
                        struct rule_sample *sample) {
    if (map->kind != YAML_MAP)
        return refuse(reading, map, "a sample is a map: matches, lines");
    const struct yaml_node *matches = yaml_find(map, "matches"), *lines = yaml_find(map, "lines");
    struct slice *texts;
    size_t count;
    sample->line = map->line;
    if (!check_keys(reading, map) || !read_word(reading, map, "kind", &sample->kind) ||
        !read_word(reading, map, "format", &sample->format) ||
        !read_word(reading, map, "file", &sample->file))
        return false;
    if (!matches || !lines)
        return refuse(reading, map, "a sample needs matches (titles, or []) and lines");
    if (!read_texts(reading, matches, "matches is a list of titles", &sample->matches, &sample->match_count) ||
        !read_texts(reading, lines, "lines is a list of texts", &texts, &count))
        return false;
    if (count == 0)
        return refuse(reading, lines, "there is no line in this sample");
    return make_events(reading, map, texts, count, sample);
}

static bool read_all(const struct reading *reading, const struct yaml_node *root) {
    struct rule_samples *samples = reading->samples;
    if (root->kind != YAML_LIST)
        return refuse(reading, root, "a file of samples is a list");
    samples->list = rule_memory_new(&samples->memory, root->count * sizeof *samples->list);
    for (; samples->count < root->count; samples->count++)
        if (!read_sample(reading, &root->values[samples->count], &samples->list[samples->count]))
            return false;
    return true;
}

struct rule_samples *rule_samples_read(const char *file, struct slice text, struct fault *fault) {
    struct rule_samples *samples = memory_new(sizeof *samples);
    struct reading reading = {samples, file, fault};
    struct yaml_node root;
    struct refusal refusal;
    if (!sigma_yaml_parse(&samples->memory, (struct yaml_part){text, 1}, &root, &refusal)) {
        struct yaml_node place = {.line = refusal.line, .column = refusal.column};
        refuse(&reading, &place, refusal.reason);
        return rule_samples_destroy(samples);
    }
    return read_all(&reading, &root) ? samples : rule_samples_destroy(samples);
}

struct rule_samples *rule_samples_destroy(struct rule_samples *samples) {
    if (samples) {
        rule_memory_free(&samples->memory);
        free(samples);
    }
    return NULL;
}

size_t rule_samples_count(const struct rule_samples *samples) { return samples->count; }

const struct rule_sample *rule_samples_at(const struct rule_samples *samples, size_t index) {
    return &samples->list[index];
}
