/* Our own block, `tocsin:`. What it does not know is refused: a misspelt word there would be an alert that never comes. */
#include "sigma.h"

#define BECAUSE_MOST 160u /* bytes: it stands in the reason for the class */

bool sigma_duration(struct loading *loading, const struct yaml_node *node, const char *what,
                    uint64_t *ret_us) {
    static const struct {
        char letter;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    struct slice text = node->text;
    uint64_t number = 0, seconds = 0;
    if (node->kind == YAML_SCALAR && text.size > 1 && slice_decimal(slice_head(text, text.size - 1), &number))
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (units[i].letter == (char)text.data[text.size - 1])
                seconds = units[i].seconds;
    if (!seconds || !number || number > CORRELATION_TIMESPAN_MOST_US / 1000000 / seconds)
        return sigma_refuse(loading, node, "a number and s, m, h, d or w, for instance 10m, up to 400 days",
                            "%s", what);
    *ret_us = number * seconds * 1000000;
    return true;
}

typedef bool own_read(struct loading *loading, const struct yaml_node *value, struct definition *definition);

static bool read_severity(struct loading *loading, const struct yaml_node *value,
                          struct definition *definition) {
    enum severity *severity = &definition->rule.severity;
    if (value->kind != YAML_SCALAR || !severity_by_text(value->text, severity))
        return sigma_refuse(loading, value, "one of: 1, 2a, 2b, 3a, 3b, 4", "tocsin: unknown severity");
    return *severity != SEVERITY_3C || sigma_refuse(loading, value, "take 3b: a person can raise it",
                                                    "tocsin: 3c is a person's word, never a rule's");
}

static bool read_priority(struct loading *loading, const struct yaml_node *value,
                          struct definition *definition) {
    return (value->kind == YAML_SCALAR && priority_by_name(value->text, &definition->rule.priority)) ||
           sigma_refuse(loading, value, "one of: page, today, review", "tocsin: unknown priority");
}

static bool read_what_to_do(struct loading *loading, const struct yaml_node *value,
                            struct definition *definition) {
    return sigma_text(loading, value, "tocsin: what_to_do", &definition->rule.what_to_do);
}

static bool read_because(struct loading *loading, const struct yaml_node *value,
                         struct definition *definition) {
    if (value->text.size > BECAUSE_MOST)
        return sigma_refuse(loading, value, "shorten it", "tocsin: because is longer than %u bytes",
                            BECAUSE_MOST);
    return sigma_text(loading, value, "tocsin: because", &definition->rule.because);
}

static bool read_repeat(struct loading *loading, const struct yaml_node *value,
                        struct definition *definition) {
    return sigma_duration(loading, value, "tocsin: repeat is no time", &definition->rule.repeat_us);
}

static bool read_entity(struct loading *loading, const struct yaml_node *value,
                        struct definition *definition) {
    const char **names;
    if (!sigma_texts(loading, value, "tocsin: entity", CORRELATION_GROUPS_MOST, &names,
                     &definition->entity_count))
        return false;
    definition->entity_fields =
        rule_memory_new(loading->memory, definition->entity_count * sizeof *definition->entity_fields);
    for (size_t i = 0; i < definition->entity_count; i++) {
        definition->entity_fields[i] = ruleset_field(loading->ruleset, slice_string(names[i]));
        if (definition->entity_fields[i] == FIELD_NONE)
            return sigma_refuse(loading, value, "load fewer rules", "too many different fields");
    }
    return true;
}

static bool name_trouble(struct loading *loading, const struct yaml_node *value,
                         struct definition *definition) {
    if (definition->trouble)
        return sigma_refuse(loading, value, "make two documents of it",
                            "tocsin: a rule has a trouble or ends one, once");
    if (!sigma_text(loading, value, "tocsin: the trouble", &definition->rule.trouble))
        return false;
    definition->trouble = symbols_add(loading->ruleset->troubles, value->text);
    return definition->trouble ||
           sigma_refuse(loading, value, "load fewer rules", "too many different troubles");
}

static bool read_ends(struct loading *loading, const struct yaml_node *value, struct definition *definition) {
    definition->rule.ends = true;
    return name_trouble(loading, value, definition);
}

static const struct {
    const char *name;
    own_read *read;
} words[] = {{"severity", read_severity}, {"priority", read_priority}, {"what_to_do", read_what_to_do},
             {"because", read_because},   {"entity", read_entity},     {"trouble", name_trouble},
             {"ends", read_ends},         {"repeat", read_repeat},     {"reconcile", NULL},
             {"silence", NULL},           {"baseline", NULL}}; /* NULL: not yet */
#define WORDS_KNOWN "severity, priority, because, what_to_do, entity, trouble, ends, repeat"

static bool read_word(struct loading *loading, const struct yaml_node *key, const struct yaml_node *value,
                      struct definition *definition) {
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!slice_equal(key->text, slice_string(words[i].name)))
            continue;
        if (!words[i].read)
            return sigma_refuse(loading, key, "leave this rule out for now",
                                "tocsin: '%s' is not supported yet", words[i].name);
        return words[i].read(loading, value, definition);
    }
    return sigma_refuse(loading, key, "known: " WORDS_KNOWN, "tocsin: unknown key '%.*s'",
                        SLICE_ARG(slice_head(key->text, 64)));
}

bool sigma_own(struct loading *loading, const struct yaml_node *root, struct definition *definition) {
    const struct yaml_node *own = yaml_find(root, "tocsin");
    if (!own)
        return true;
    if (own->kind != YAML_MAP)
        return sigma_refuse(loading, own, "below it stand: " WORDS_KNOWN, "tocsin: not a map");
    for (size_t i = 0; i < own->count; i++)
        if (!read_word(loading, &own->keys[i], &own->values[i], definition))
            return false;
    if (definition->entity_count && yaml_find(root, "correlation"))
        return sigma_refuse(loading, own, "write it there", "tocsin: a correlation's entity is its group-by");
    return true;
}
