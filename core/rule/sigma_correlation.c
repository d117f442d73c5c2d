/* Correlation documents: which rules, for whom, how many, within how long. */
#include <stdlib.h>

#include "sigma.h"

static const struct {
    const char *name;
    enum correlation_type type;
} types[] = {
    {"event_count", CORRELATION_EVENT_COUNT},
    {"value_count", CORRELATION_VALUE_COUNT},
    {"temporal", CORRELATION_TEMPORAL},
    {"temporal_ordered", CORRELATION_TEMPORAL_ORDERED},
};

static bool read_type(struct loading *loading, const struct yaml_node *map, struct correlation *correlation) {
    const struct yaml_node *node = yaml_find(map, "type");
    const char *name;
    if (!node)
        return sigma_refuse(loading, map, "add one, for instance: type: event_count",
                            "correlation: there is no type");
    if (!sigma_text(loading, node, "correlation: type", &name))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0) {
            correlation->type = types[i].type;
            return true;
        }
    }
    return sigma_refuse(loading, node, "supported: event_count, value_count, temporal, temporal_ordered",
                        "the correlation type '%.64s' is not supported", name);
}

static bool read_timespan(struct loading *loading, const struct yaml_node *map,
                          struct correlation *correlation) {
    const struct yaml_node *node = yaml_find(map, "timespan");
    if (!node)
        return sigma_refuse(loading, map, "add one, for instance: timespan: 10m",
                            "correlation: there is no timespan");
    return sigma_duration(loading, node, "correlation: not a timespan", &correlation->timespan_us);
}

static bool read_bound(struct loading *loading, const struct yaml_node *key, const struct yaml_node *value,
                       struct correlation *correlation) {
    uint64_t number;
    if (value->kind != YAML_SCALAR || !slice_decimal(value->text, &number) || number > CORRELATION_COUNT_MOST)
        return sigma_refuse(loading, value, "a number of events or values",
                            "correlation: not a number from 0 to %u", CORRELATION_COUNT_MOST);
    uint32_t count = (uint32_t)number, least = 0, most = UINT32_MAX;
    if (slice_equal(key->text, SLICE("gte")))
        least = count;
    else if (slice_equal(key->text, SLICE("gt")))
        least = count + 1;
    else if (slice_equal(key->text, SLICE("lte")))
        most = count;
    else if (slice_equal(key->text, SLICE("lt")) && count > 0)
        most = count - 1;
    else if (slice_equal(key->text, SLICE("eq")))
        least = most = count;
    else
        return sigma_refuse(loading, key, "supported: gt, gte, lt, lte, eq, field",
                            "correlation: '%.*s' is no condition that can hold",
                            SLICE_ARG(slice_head(key->text, 64)));
    correlation->least = least > correlation->least ? least : correlation->least;
    correlation->most = most < correlation->most ? most : correlation->most;
    return true;
}

static bool read_values(struct loading *loading, const struct yaml_node *node,
                        struct correlation *correlation) {
    const char **names;
    if (!sigma_texts(loading, node, "correlation: field", CORRELATION_GROUPS_MOST, &names,
                     &correlation->value_count))
        return false;
    correlation->value_fields = rule_memory_new(loading->memory, correlation->value_count * sizeof(uint32_t));
    for (size_t i = 0; i < correlation->value_count; i++)
        if (!(correlation->value_fields[i] = ruleset_field(loading->ruleset, slice_string(names[i]))))
            return sigma_refuse(loading, node, "load fewer rules", "too many different field names");
    return true;
}

static bool read_condition(struct loading *loading, const struct yaml_node *map,
                           struct correlation *correlation) {
    const struct yaml_node *node = yaml_find(map, "condition");
    bool counts =
        correlation->type == CORRELATION_EVENT_COUNT || correlation->type == CORRELATION_VALUE_COUNT;
    correlation->least = 1;
    correlation->most = UINT32_MAX;
    if (!counts)
        return !node || sigma_refuse(loading, node, "leave it out: all of the rules must match",
                                     "correlation: a condition over rules is not supported yet");
    if (!node || node->kind != YAML_MAP || node->count == 0)
        return sigma_refuse(loading, node ? node : map, "for instance: condition: {gte: 10}",
                            "correlation: the condition is missing or no map");
    bool bounded = false;
    for (size_t i = 0; i < node->count; i++) {
        if (slice_equal(node->keys[i].text, SLICE("field"))) {
            if (!read_values(loading, &node->values[i], correlation))
                return false;
            continue;
        }
        if (!read_bound(loading, &node->keys[i], &node->values[i], correlation))
            return false;
        bounded = true;
    }
    if (!bounded || correlation->least > correlation->most)
        return sigma_refuse(loading, node, "for instance: condition: {gte: 10}",
                            "correlation: the condition can never hold or says no number");
    if ((correlation->type == CORRELATION_VALUE_COUNT) != (correlation->value_count > 0))
        return sigma_refuse(loading, node, "value_count counts a field's values, event_count has no field",
                            "correlation: the condition's field does not go with the type");
    correlation->at_close = correlation->most != UINT32_MAX;
    return true;
}

/* aliases: {alias: {rule: field}}; the field that stands for `group` in the rule of that reference. */
static const struct yaml_node *alias_field(const struct yaml_node *aliases, const char *group,
                                           const char *rule) {
    const struct yaml_node *alias = aliases ? yaml_find(aliases, group) : NULL;
    return alias ? yaml_find(alias, rule) : NULL;
}

static bool check_aliases(struct loading *loading, const struct yaml_node *aliases,
                          const struct correlation *correlation) {
    if (!aliases)
        return true;
    if (aliases->kind != YAML_MAP)
        return sigma_refuse(loading, aliases, "aliases: {alias: {rule: field}}",
                            "correlation: aliases is no map");
    for (size_t i = 0; i < aliases->count; i++) {
        const struct yaml_node *alias = &aliases->values[i];
        if (alias->kind != YAML_MAP)
            return sigma_refuse(loading, &aliases->keys[i], "aliases: {alias: {rule: field}}",
                                "correlation: an alias is no map");
        for (size_t r = 0; r < correlation->reference_count; r++) {
            const struct yaml_node *field = yaml_find(alias, correlation->reference_texts[r]);
            if (!field || field->kind != YAML_SCALAR || field->text.size == 0)
                return sigma_refuse(loading, &aliases->keys[i], "name a field for each of the rules",
                                    "correlation: the alias says no field for the rule '%.100s'",
                                    correlation->reference_texts[r]);
        }
    }
    return true;
}

static bool read_groups(struct loading *loading, const struct yaml_node *map,
                        struct correlation *correlation) {
    const struct yaml_node *node = yaml_find(map, "group-by"), *aliases = yaml_find(map, "aliases");
    if (!check_aliases(loading, aliases, correlation))
        return false;
    if (!node)
        return true;
    if (!sigma_texts(loading, node, "correlation: group-by", CORRELATION_GROUPS_MOST,
                     &correlation->group_names, &correlation->group_count))
        return false;
    for (size_t g = 1; g < correlation->group_count; g++)
        for (size_t other = 0; other < g; other++)
            if (strcmp(correlation->group_names[g], correlation->group_names[other]) == 0)
                return sigma_refuse(loading, node, "name each field once",
                                    "correlation: group-by names '%.100s' twice",
                                    correlation->group_names[g]);
    correlation->group_fields = rule_memory_new(
        loading->memory, correlation->reference_count * correlation->group_count * sizeof(uint32_t));
    for (size_t r = 0; r < correlation->reference_count; r++) {
        for (size_t g = 0; g < correlation->group_count; g++) {
            const char *group = correlation->group_names[g];
            const struct yaml_node *field = alias_field(aliases, group, correlation->reference_texts[r]);
            uint32_t number = ruleset_field(loading->ruleset, field ? field->text : slice_string(group));
            if (!number)
                return sigma_refuse(loading, node, "load fewer rules", "too many different field names");
            correlation->group_fields[r * correlation->group_count + g] = number;
        }
    }
    return true;
}

static bool check_keys(struct loading *loading, const struct yaml_node *map) {
    static const char *const known[] = {"type",      "rules",   "group-by", "timespan",
                                        "condition", "aliases", "generate"};
    for (size_t i = 0; i < map->count; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            found |= slice_equal(map->keys[i].text, slice_string(known[k]));
        if (!found)
            return sigma_refuse(loading, &map->keys[i],
                                "known: type, rules, group-by, timespan, condition, aliases, generate",
                                "correlation: unknown key '%.*s'",
                                SLICE_ARG(slice_head(map->keys[i].text, 64)));
    }
    return true;
}

bool sigma_correlation(struct loading *loading, const struct yaml_node *map, struct definition *definition) {
    if (map->kind != YAML_MAP)
        return sigma_refuse(loading, map, "type, rules, timespan and condition stand below it",
                            "correlation: not a map");
    struct correlation *correlation = rule_memory_new(loading->memory, sizeof *correlation);
    const struct yaml_node *rules = yaml_find(map, "rules"), *generate = yaml_find(map, "generate");
    if (!check_keys(loading, map) || !read_type(loading, map, correlation))
        return false;
    if (!rules)
        return sigma_refuse(loading, map, "name the rules it is about", "correlation: there are no rules");
    if (!sigma_texts(loading, rules, "correlation: rules", CORRELATION_REFERENCES_MOST,
                     &correlation->reference_texts, &correlation->reference_count))
        return false;
    if (correlation->type >= CORRELATION_TEMPORAL && correlation->reference_count < 2)
        return sigma_refuse(loading, rules, "name at least two",
                            "correlation: a temporal one needs several rules");
    definition->correlation = correlation;
    return read_timespan(loading, map, correlation) && read_condition(loading, map, correlation) &&
           read_groups(loading, map, correlation) &&
           (!generate || sigma_truth(loading, generate, "generate", &definition->generate));
}
