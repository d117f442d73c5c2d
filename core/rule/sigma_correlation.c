/* Correlation documents: which rules, for whom, how many, within how long. */
#include <stdlib.h>

#include "sigma.h"

static const struct {
    const char *name;
    enum correlation_type type;
} types[] = {
    {"event_count", CORRELATION_EVENT_COUNT},
    {"value_count", CORRELATION_VALUE_COUNT},
    {"value_sum", CORRELATION_VALUE_SUM},
    {"value_avg", CORRELATION_VALUE_AVERAGE},
    {"value_percentile", CORRELATION_VALUE_SHARE}, /* with `percentile` in its condition: the number at that rank */
    {"value_median", CORRELATION_VALUE_PERCENTILE}, /* not in 2.1.0, but the reference implementation has it */
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
    return sigma_refuse(loading, node,
                        "one of: event_count, value_count, value_sum, value_avg, value_percentile, value_median, "
                        "temporal, temporal_ordered",
                        "the correlation type '%.64s' is not known", name);
}

static bool read_timespan(struct loading *loading, const struct yaml_node *map,
                          struct correlation *correlation) {
    const struct yaml_node *node = yaml_find(map, "timespan");
    if (!node)
        return sigma_refuse(loading, map, "add one, for instance: timespan: 10m",
                            "correlation: there is no timespan");
    return sigma_duration(loading, node, "correlation: not a timespan", &correlation->timespan_us);
}

static bool read_alias(struct loading *loading, const struct yaml_node *key, const struct yaml_node *map,
                       struct correlation_alias *alias) {
    *alias = (struct correlation_alias){
        .name = (const char *)key->text.data, .line = key->line, .column = key->column};
    if (map->kind != YAML_MAP)
        return sigma_refuse(loading, key, "aliases: {alias: {rule: field}}", "correlation: an alias is no map");
    alias->rules = rule_memory_new(loading->memory, map->count * sizeof *alias->rules);
    alias->fields = rule_memory_new(loading->memory, map->count * sizeof *alias->fields);
    alias->count = map->count;
    for (size_t i = 0; i < map->count; i++) {
        const char *field;
        alias->rules[i] = (const char *)map->keys[i].text.data;
        if (!sigma_text(loading, &map->values[i], "correlation: an alias's field", &field))
            return false;
        if (!(alias->fields[i] = ruleset_field(loading->ruleset, slice_string(field))))
            return sigma_refuse(loading, key, "load fewer rules", "too many different field names");
    }
    return true;
}

static bool read_aliases(struct loading *loading, const struct yaml_node *map,
                         struct correlation *correlation) {
    const struct yaml_node *aliases = yaml_find(map, "aliases");
    if (!aliases)
        return true;
    if (aliases->kind != YAML_MAP)
        return sigma_refuse(loading, aliases, "aliases: {alias: {rule: field}}",
                            "correlation: aliases is no map");
    correlation->aliases = rule_memory_new(loading->memory, aliases->count * sizeof *correlation->aliases);
    for (; correlation->alias_count < aliases->count; correlation->alias_count++) {
        size_t i = correlation->alias_count;
        if (!read_alias(loading, &aliases->keys[i], &aliases->values[i], &correlation->aliases[i]))
            return false;
    }
    return true;
}

static bool read_groups(struct loading *loading, const struct yaml_node *map,
                        struct correlation *correlation) {
    const struct yaml_node *node = yaml_find(map, "group-by");
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
    correlation->group_plain = rule_memory_new(loading->memory, correlation->group_count * sizeof(uint32_t));
    for (size_t g = 0; g < correlation->group_count; g++)
        if (!(correlation->group_plain[g] =
                  ruleset_field(loading->ruleset, slice_string(correlation->group_names[g]))))
            return sigma_refuse(loading, node, "load fewer rules", "too many different field names");
    return true;
}

static bool read_references(struct loading *loading, const struct yaml_node *map,
                            struct correlation *correlation) {
    const struct yaml_node *rules = yaml_find(map, "rules");
    if (!rules)
        return sigma_refuse(loading, map, "name the rules it is about", "correlation: there are no rules");
    if (!sigma_texts(loading, rules, "correlation: rules", CORRELATION_REFERENCES_MOST,
                     &correlation->reference_texts, &correlation->reference_count))
        return false;
    if (correlation->type >= CORRELATION_TEMPORAL && correlation->reference_count < 2)
        return sigma_refuse(loading, rules, "name at least two",
                            "correlation: a temporal one needs several rules");
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
    const struct yaml_node *generate = yaml_find(map, "generate");
    definition->correlation = correlation;
    return check_keys(loading, map) && read_type(loading, map, correlation) &&
           read_references(loading, map, correlation) && read_timespan(loading, map, correlation) &&
           sigma_correlation_condition(loading, map, correlation) &&
           read_aliases(loading, map, correlation) && read_groups(loading, map, correlation) &&
           (!generate || sigma_truth(loading, generate, "generate", &definition->generate));
}
