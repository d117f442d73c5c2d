/* When a correlation holds: bounds on what is counted or measured, or an expression over its rules. */
#include <math.h>
#include <stdlib.h>

#include "sigma.h"

#define WAYS_MOST 256u /* in which rules can occur in order */

static bool counts_rules(const struct correlation *correlation) {
    return correlation->type >= CORRELATION_TEMPORAL;
}

static bool counts(const struct correlation *correlation) {
    return correlation->type <= CORRELATION_VALUE_COUNT || counts_rules(correlation);
}

/* Bounds are kept closed: what is more than 5 is at least the next number that there is. */
static bool read_bound(struct loading *loading, const struct yaml_node *key, const struct yaml_node *value,
                       struct correlation *correlation) {
    double number, least = -INFINITY, most = INFINITY;
    if (value->kind != YAML_SCALAR || !predicate_number(value->text, &number))
        return sigma_refuse(loading, value, "for instance: gte: 10", "correlation: not a number");
    if (counts(correlation) && (number < 0 || number > CORRELATION_COUNT_MOST || number != floor(number)))
        return sigma_refuse(loading, value, "a number of events, values or rules",
                            "correlation: not a number from 0 to %u", CORRELATION_COUNT_MOST);
    if (slice_equal(key->text, SLICE("gte")))
        least = number;
    else if (slice_equal(key->text, SLICE("gt")))
        least = counts(correlation) ? number + 1 : nextafter(number, INFINITY);
    else if (slice_equal(key->text, SLICE("lte")))
        most = number;
    else if (slice_equal(key->text, SLICE("lt")))
        most = counts(correlation) ? number - 1 : nextafter(number, -INFINITY);
    else if (slice_equal(key->text, SLICE("eq")))
        least = most = number;
    else if (slice_equal(key->text, SLICE("neq"))) {
        correlation->unequal = true;
        correlation->other = number;
    } else
        return sigma_refuse(loading, key, "known: gt, gte, lt, lte, eq, neq, field, percentile",
                            "correlation: unknown condition '%.*s'", SLICE_ARG(slice_head(key->text, 64)));
    correlation->least = fmax(correlation->least, least);
    correlation->most = fmin(correlation->most, most);
    return true;
}

static bool read_values(struct loading *loading, const struct yaml_node *node,
                        struct correlation *correlation) {
    const char **names;
    if (!sigma_texts(loading, node, "correlation: field", CORRELATION_GROUPS_MOST, &names,
                     &correlation->value_count))
        return false;
    if (correlation->value_count > 1 && correlation->type != CORRELATION_VALUE_COUNT)
        return sigma_refuse(loading, node, "name one field", "correlation: one field alone can be measured");
    correlation->value_fields = rule_memory_new(loading->memory, correlation->value_count * sizeof(uint32_t));
    for (size_t i = 0; i < correlation->value_count; i++)
        if (!(correlation->value_fields[i] = ruleset_field(loading->ruleset, slice_string(names[i]))))
            return sigma_refuse(loading, node, "load fewer rules", "too many different field names");
    return true;
}

static bool read_percentile(struct loading *loading, const struct yaml_node *key,
                            const struct yaml_node *value, struct correlation *correlation) {
    if (correlation->type != CORRELATION_VALUE_SHARE && correlation->type != CORRELATION_VALUE_PERCENTILE)
        return sigma_refuse(loading, key, "take it out", "correlation: percentile goes with value_percentile alone");
    correlation->type = CORRELATION_VALUE_PERCENTILE;
    return (value->kind == YAML_SCALAR && predicate_number(value->text, &correlation->percent) &&
            correlation->percent >= 0 && correlation->percent <= 100) ||
           sigma_refuse(loading, value, "50 is the median", "correlation: percentile is a number from 0 to 100");
}

static bool read_bounds(struct loading *loading, const struct yaml_node *node,
                        struct correlation *correlation) {
    bool bounded = false;
    correlation->percent = 50;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *key = &node->keys[i], *value = &node->values[i];
        bool field = slice_equal(key->text, SLICE("field"));
        bool percentile = slice_equal(key->text, SLICE("percentile"));
        if (field ? !read_values(loading, value, correlation)
            : percentile ? !read_percentile(loading, key, value, correlation)
                         : !read_bound(loading, key, value, correlation))
            return false;
        bounded |= !field && !percentile;
    }
    bool wants_field = correlation->type > CORRELATION_EVENT_COUNT && !counts_rules(correlation);
    if (wants_field != (correlation->value_count > 0))
        return sigma_refuse(loading, node, "value_… need a field; event_count and temporal have none",
                            "correlation: the condition's field does not go with the type");
    if (!bounded || correlation->least > correlation->most)
        return sigma_refuse(loading, node, "for instance: condition: {gte: 10}",
                            "correlation: the condition can never hold or says no number");
    if (counts(correlation) && correlation->most < 1)
        return sigma_refuse(loading, node, "what does not happen is no correlation of Sigma's",
                            "correlation: the condition can never hold: a window begins with an event");
    return true;
}

static bool read_expression(struct loading *loading, const struct yaml_node *node,
                            struct correlation *correlation) {
    struct selections rules = {.count = correlation->reference_count};
    rules.names = rule_memory_new(loading->memory, rules.count * sizeof *rules.names);
    rules.expressions = rule_memory_new(loading->memory, rules.count * sizeof *rules.expressions);
    rules.used = rule_memory_new(loading->memory, rules.count * sizeof *rules.used);
    for (uint32_t i = 0; i < rules.count; i++) {
        rules.names[i] = slice_string(correlation->reference_texts[i]);
        rules.expressions[i] = rule_memory_new(loading->memory, sizeof **rules.expressions);
        *rules.expressions[i] = (struct expression){.kind = EXPRESSION_TEST, .predicate = i};
    }
    correlation->expression = sigma_condition(loading, &rules, node);
    correlation->expression_text = node->text;
    if (!correlation->expression)
        return false;
    for (size_t i = 0; i < rules.count; i++)
        if (!rules.used[i])
            return sigma_refuse(loading, node, "name it in the condition, or take it out of the rules",
                                "correlation: the condition says nothing of the rule '%.100s'",
                                correlation->reference_texts[i]);
    return true;
}

struct ways {
    uint64_t sets[WAYS_MOST];
    size_t count;
};

/* A set that holds another one adds nothing. */
static bool ways_add(struct ways *ways, uint64_t set) {
    size_t kept = 0;
    for (size_t i = 0; i < ways->count; i++) {
        if ((ways->sets[i] & set) == ways->sets[i])
            return true;
        if ((ways->sets[i] & set) != set)
            ways->sets[kept++] = ways->sets[i];
    }
    ways->count = kept;
    if (ways->count == WAYS_MOST)
        return false;
    ways->sets[ways->count++] = set;
    return true;
}

/* Each set of the one together with each of the other. */
static bool ways_cross(const struct ways *one, const struct ways *other, struct ways *to) {
    for (size_t i = 0; i < one->count; i++)
        for (size_t w = 0; w < other->count; w++)
            if (!ways_add(to, one->sets[i] | other->sets[w]))
                return false;
    return true;
}

static bool find_ways(const struct expression *expression, struct ways *ways);

static bool find_all(const struct expression *expression, struct ways *ways) {
    struct ways whole = {.sets = {0}, .count = 1};
    for (size_t i = 0; i < expression->count; i++) {
        struct ways part = {.count = 0}, longer = {.count = 0};
        if (!find_ways(expression->parts[i], &part) || !ways_cross(&whole, &part, &longer))
            return false;
        whole = longer;
    }
    *ways = whole;
    return true;
}

/* by_count[n]: the ways to have n of the parts looked at so far. */
static bool find_some(const struct expression *expression, uint32_t least, struct ways *by_count) {
    by_count[0] = (struct ways){.sets = {0}, .count = 1};
    for (size_t i = 0; i < expression->count; i++) {
        struct ways part = {.count = 0};
        if (!find_ways(expression->parts[i], &part))
            return false;
        /* Fewer than this can no longer become enough. */
        uint32_t rest = (uint32_t)(expression->count - i - 1), fewest = least > rest ? least - rest : 1;
        for (uint32_t n = least; n >= fewest; n--)
            if (!ways_cross(&by_count[n - 1], &part, &by_count[n]))
                return false;
    }
    return true;
}

static bool find_ways(const struct expression *expression, struct ways *ways) {
    struct ways by_count[CORRELATION_REFERENCES_MOST + 1] = {0};
    switch (expression->kind) {
    case EXPRESSION_TEST:
        return ways_add(ways, 1ull << expression->predicate);
    case EXPRESSION_OR:
        for (size_t i = 0; i < expression->count; i++)
            if (!find_ways(expression->parts[i], ways))
                return false;
        return true;
    case EXPRESSION_AND:
        return find_all(expression, ways);
    case EXPRESSION_SOME: /* names alone are its parts: not more than there are rules */
        if (!find_some(expression, expression->least, by_count))
            return false;
        *ways = by_count[expression->least];
        return true;
    case EXPRESSION_NOT:
        break;
    }
    return false;
}

/* In order: which sets of rules are enough. */
static bool read_order(struct loading *loading, const struct yaml_node *at, struct correlation *correlation) {
    struct ways ways = {.count = 0};
    bool found;
    if (correlation->expression) {
        found = find_ways(correlation->expression, &ways);
    } else {
        bool every_one = correlation->least >= (double)correlation->reference_count;
        struct expression all = {.kind = every_one ? EXPRESSION_AND : EXPRESSION_SOME,
                                 .least = (uint32_t)correlation->least,
                                 .count = correlation->reference_count},
                          *parts[CORRELATION_REFERENCES_MOST], tests[CORRELATION_REFERENCES_MOST];
        for (uint32_t i = 0; i < all.count; i++) {
            tests[i] = (struct expression){.kind = EXPRESSION_TEST, .predicate = i};
            parts[i] = &tests[i];
        }
        all.parts = parts;
        found = find_ways(&all, &ways);
    }
    if (!found)
        return sigma_refuse(loading, at, "split it into several correlations",
                            "correlation: more than %u ways for its rules to occur in order", WAYS_MOST);
    correlation->way_count = ways.count;
    correlation->ways = rule_memory_new(loading->memory, ways.count * sizeof *ways.sets);
    memcpy(correlation->ways, ways.sets, ways.count * sizeof *ways.sets);
    return true;
}

static bool read_temporal(struct loading *loading, const struct yaml_node *map, const struct yaml_node *node,
                          struct correlation *correlation) {
    double all = (double)correlation->reference_count;
    bool ordered = correlation->type == CORRELATION_TEMPORAL_ORDERED;
    if (!node)
        correlation->least = all;
    else if (node->kind == YAML_MAP ? !read_bounds(loading, node, correlation)
                                    : !read_expression(loading, node, correlation))
        return false;
    if (correlation->least > all)
        return sigma_refuse(loading, node, "a number of its rules",
                            "correlation: the condition can never hold: there are %zu rules",
                            correlation->reference_count);
    if (correlation->most >= all)
        correlation->most = INFINITY;
    correlation->least = fmax(correlation->least, 1);
    correlation->at_close = correlation->most != INFINITY || correlation->unequal ||
                            (correlation->expression && sigma_denies(correlation->expression));
    if (ordered && correlation->at_close)
        return sigma_refuse(loading, node, "make it temporal",
                            "correlation: what is absent has no place in an order");
    return !ordered || read_order(loading, node ? node : map, correlation);
}

bool sigma_correlation_condition(struct loading *loading, const struct yaml_node *map,
                                 struct correlation *correlation) {
    const struct yaml_node *node = yaml_find(map, "condition");
    correlation->least = -INFINITY;
    correlation->most = INFINITY;
    if (counts_rules(correlation))
        return read_temporal(loading, map, node, correlation);
    if (node && node->kind == YAML_SCALAR && !yaml_is_null(node))
        return sigma_refuse(loading, node, "make it temporal, or write condition: {gte: 10}",
                            "correlation: a condition over rules goes with temporal alone");
    if (!node || node->kind != YAML_MAP || node->count == 0)
        return sigma_refuse(loading, node ? node : map, "for instance: condition: {gte: 10}",
                            "correlation: the condition is missing or no map");
    if (!read_bounds(loading, node, correlation))
        return false;
    bool grows = correlation->type <= CORRELATION_VALUE_SUM;
    correlation->least = counts(correlation) ? fmax(correlation->least, 1) : correlation->least;
    correlation->at_close = !grows || correlation->most != INFINITY || correlation->unequal;
    return true;
}
