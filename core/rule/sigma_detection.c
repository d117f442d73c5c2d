/* Detections: selections (maps are AND, lists are OR) and the condition over them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sigma.h"

bool sigma_refuse(struct loading *loading, const struct yaml_node *at, const char *hint, const char *format,
                  ...) {
    char reason[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    loading->refusal =
        (struct refusal){at->line, at->column, rule_memory_text(loading->memory, slice_string(reason)), hint};
    return false;
}

struct expression *sigma_test(struct loading *loading, const struct yaml_node *at,
                              const struct predicate *predicate) {
    uint32_t number = ruleset_predicate(loading->ruleset, predicate);
    if (number == UINT32_MAX) {
        sigma_refuse(loading, at, "load fewer rules", "too many different values in all rules");
        return NULL;
    }
    struct expression *test = rule_memory_new(loading->memory, sizeof *test);
    *test = (struct expression){.kind = EXPRESSION_TEST, .predicate = number};
    return test;
}

struct expression *sigma_join(struct loading *loading, enum expression_kind kind, struct expression **parts,
                              size_t count) {
    if (count == 1)
        return parts[0];
    struct expression *whole = rule_memory_new(loading->memory, sizeof *whole);
    *whole = (struct expression){.kind = kind, .count = count, .parts = parts};
    return whole;
}

struct expression *sigma_not(struct loading *loading, struct expression *part) {
    struct expression *whole = rule_memory_new(loading->memory, sizeof *whole + sizeof(struct expression *));
    struct expression **parts = (struct expression **)(whole + 1);
    parts[0] = part;
    *whole = (struct expression){.kind = EXPRESSION_NOT, .count = 1, .parts = parts};
    return whole;
}

bool sigma_denies(const struct expression *expression) {
    bool found = expression->kind == EXPRESSION_NOT;
    for (size_t i = 0; i < expression->count; i++)
        found |= sigma_denies(expression->parts[i]);
    return found;
}

static struct expression *selection_map(struct loading *loading, const struct yaml_node *map) {
    if (map->count == 0) {
        sigma_refuse(loading, map, "give it a field and a value", "an empty selection");
        return NULL;
    }
    struct expression **parts = rule_memory_new(loading->memory, map->count * sizeof *parts);
    for (size_t i = 0; i < map->count; i++)
        if (!(parts[i] = sigma_item(loading, &map->keys[i], &map->values[i])))
            return NULL;
    return sigma_join(loading, EXPRESSION_AND, parts, map->count);
}

static struct expression *selection(struct loading *loading, const struct yaml_node *name,
                                    const struct yaml_node *node) {
    if (node->kind == YAML_MAP)
        return selection_map(loading, node);
    if (node->kind == YAML_SCALAR) {
        if (yaml_is_null(node)) {
            sigma_refuse(loading, name, "give it fields and values, or a list of keywords",
                         "an empty selection");
            return NULL;
        }
        return sigma_item(loading, NULL, node);
    }
    if (node->count == 0) {
        sigma_refuse(loading, name, "give it a value", "an empty selection");
        return NULL;
    }
    struct expression **parts = rule_memory_new(loading->memory, node->count * sizeof *parts);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->values[i];
        if (item->kind == YAML_LIST) {
            sigma_refuse(loading, item, "take one of the two lists out", "a list in a list");
            return NULL;
        }
        parts[i] = item->kind == YAML_MAP ? selection_map(loading, item) : sigma_item(loading, NULL, item);
        if (!parts[i])
            return NULL;
    }
    return sigma_join(loading, EXPRESSION_OR, parts, node->count);
}

struct condition {
    struct loading *loading;
    const struct selections *selections;
    const struct yaml_node *node;
    struct slice text;
    size_t at, token_at;
    struct slice token; /* empty at the end */
};

static bool condition_refuse(struct condition *condition, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool condition_refuse(struct condition *condition, const char *hint, const char *format, ...) {
    char reason[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    struct yaml_node place = *condition->node;
    if (place.plain && slice_find_byte(condition->text, '\n') == SIZE_MAX)
        place.column += (uint32_t)condition->token_at;
    return sigma_refuse(condition->loading, &place, hint, "condition: %s", reason);
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void next_token(struct condition *condition) {
    struct slice text = condition->text;
    size_t at = condition->at;
    while (at < text.size && is_blank(text.data[at]))
        at++;
    size_t end = at;
    if (end < text.size && strchr("()|", text.data[end]) && text.data[end])
        end++;
    else
        while (end < text.size && !is_blank(text.data[end]) && !strchr("()|", text.data[end]))
            end++;
    condition->token_at = at;
    condition->token = slice_make(text.data + at, end - at);
    condition->at = end;
}

static bool token_is(const struct condition *condition, const char *word) {
    return slice_equal_caseless(condition->token, slice_string(word));
}

/* Names with `*` in them, as patterns: nothing else in an identifier is special. */
static bool name_fits(struct slice name, struct slice pattern) {
    uint16_t tokens[256];
    if (pattern.size > sizeof tokens / sizeof *tokens)
        return false;
    for (size_t i = 0; i < pattern.size; i++)
        tokens[i] = pattern.data[i] == '*' ? (uint16_t)PATTERN_MANY : pattern.data[i];
    return pattern_match((struct pattern){tokens, pattern.size}, name, true);
}

/* "of": a name beginning with `_` is out unless the pattern says so itself. */
static struct expression *of_selections(struct condition *condition, bool every, uint64_t least) {
    const struct selections *all = condition->selections;
    struct slice pattern = condition->token;
    bool them = token_is(condition, "them");
    struct expression **parts = rule_memory_new(condition->loading->memory, (all->count + 1) * sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        bool hidden = all->names[i].data[0] == '_' && (them || pattern.data[0] != '_');
        if (hidden || !(them || name_fits(all->names[i], pattern)))
            continue;
        all->used[i] = true;
        parts[count++] = all->expressions[i];
    }
    if (count == 0 || count < least) {
        condition_refuse(condition, "name selections that exist; `_` names are not in `them`",
                         "'%.*s' stands for %zu selections", SLICE_ARG(slice_head(pattern, 64)), count);
        return NULL;
    }
    next_token(condition);
    if (every || least == count)
        return sigma_join(condition->loading, EXPRESSION_AND, parts, count);
    struct expression *whole = sigma_join(condition->loading, EXPRESSION_OR, parts, count);
    if (least > 1) {
        whole->kind = EXPRESSION_SOME;
        whole->least = (uint32_t)least;
    }
    return whole;
}

static struct expression *parse_or(struct condition *condition, unsigned depth);

/* The count in front of "of", if there is one. */
static bool is_quantifier(const struct condition *condition, bool *ret_every, uint64_t *ret_least) {
    struct condition ahead = *condition;
    next_token(&ahead);
    if (!token_is(&ahead, "of"))
        return false;
    *ret_every = token_is(condition, "all");
    *ret_least = 1;
    return *ret_every || token_is(condition, "any") ||
           (slice_decimal(condition->token, ret_least) && *ret_least > 0 &&
            *ret_least <= SIGMA_SELECTIONS_MOST);
}

static struct expression *parse_name(struct condition *condition) {
    const struct selections *all = condition->selections;
    for (size_t i = 0; i < all->count; i++) {
        if (slice_equal(all->names[i], condition->token)) {
            next_token(condition);
            all->used[i] = true;
            return all->expressions[i];
        }
    }
    if (token_is(condition, "|"))
        condition_refuse(condition, "write a correlation document, for instance of type event_count",
                         "aggregations behind | are no part of Sigma any more");
    else if (condition->token.size == 0)
        condition_refuse(condition, "name a selection", "ends where a selection should stand");
    else
        condition_refuse(condition, "names are told apart by case; see the selections above it",
                         "there is no selection '%.*s'", SLICE_ARG(slice_head(condition->token, 64)));
    return NULL;
}

static struct expression *parse_atom(struct condition *condition, unsigned depth) {
    bool every;
    uint64_t least;
    if (depth > SIGMA_CONDITION_DEPTH_MOST) {
        condition_refuse(condition, "take parentheses out", "nested too deeply");
        return NULL;
    }
    if (token_is(condition, "not")) {
        next_token(condition);
        struct expression *part = parse_atom(condition, depth + 1);
        return part ? sigma_not(condition->loading, part) : NULL;
    }
    if (token_is(condition, "(")) {
        next_token(condition);
        struct expression *inner = parse_or(condition, depth + 1);
        if (inner && !token_is(condition, ")")) {
            condition_refuse(condition, "close it", "a parenthesis is not closed");
            return NULL;
        }
        if (inner)
            next_token(condition);
        return inner;
    }
    if (is_quantifier(condition, &every, &least)) {
        next_token(condition);
        next_token(condition);
        if (condition->token.size == 0 || token_is(condition, "(") || token_is(condition, ")")) {
            condition_refuse(condition, "write `1 of them` or `1 of selection_*`",
                             "'of' needs selections behind it");
            return NULL;
        }
        return of_selections(condition, every, least);
    }
    return parse_name(condition);
}

/* One level of the grammar: parts joined by `word`. */
static struct expression *parse_level(struct condition *condition, unsigned depth, const char *word,
                                      enum expression_kind kind,
                                      struct expression *(*part)(struct condition *, unsigned)) {
    size_t count = 0, capacity = 8;
    struct expression **parts = rule_memory_new(condition->loading->memory, capacity * sizeof *parts);
    for (;;) {
        struct expression *next = part(condition, depth);
        if (!next)
            return NULL;
        if (count == capacity) {
            struct expression **more =
                rule_memory_new(condition->loading->memory, 2 * capacity * sizeof *more);
            memcpy(more, parts, count * sizeof *more);
            parts = more;
            capacity *= 2;
        }
        parts[count++] = next;
        if (!token_is(condition, word))
            return sigma_join(condition->loading, kind, parts, count);
        next_token(condition);
    }
}

static struct expression *parse_and(struct condition *condition, unsigned depth) {
    return parse_level(condition, depth, "and", EXPRESSION_AND, parse_atom);
}

static struct expression *parse_or(struct condition *condition, unsigned depth) {
    return parse_level(condition, depth, "or", EXPRESSION_OR, parse_and);
}

struct expression *sigma_condition(struct loading *loading, const struct selections *selections,
                                   const struct yaml_node *node) {
    if (node->kind != YAML_SCALAR || node->text.size == 0 || node->text.size > SIGMA_CONDITION_MOST) {
        sigma_refuse(loading, node, "for instance: selection and not filter",
                     "the condition is not a text of 1 to %u bytes", SIGMA_CONDITION_MOST);
        return NULL;
    }
    if (slice_find_byte(node->text, 0) != SIZE_MAX) {
        sigma_refuse(loading, node, "take it out", "a NUL byte in the condition");
        return NULL;
    }
    struct condition condition = {
        .loading = loading, .selections = selections, .node = node, .text = node->text};
    next_token(&condition);
    struct expression *whole = parse_or(&condition, 0);
    if (!whole || condition.token.size == 0)
        return whole;
    if (token_is(&condition, "|"))
        condition_refuse(&condition, "write a correlation document, for instance of type event_count",
                         "aggregations behind | are no part of Sigma any more");
    else
        condition_refuse(&condition, "join selections with and, or, not", "'%.*s' cannot stand here",
                         SLICE_ARG(slice_head(condition.token, 64)));
    return NULL;
}

static struct expression *condition_node(struct loading *loading, const struct selections *selections,
                                         const struct yaml_node *node) {
    if (node->kind != YAML_LIST)
        return sigma_condition(loading, selections, node);
    struct expression **parts = rule_memory_new(loading->memory, (node->count + 1) * sizeof *parts);
    for (size_t i = 0; i < node->count; i++)
        if (!(parts[i] = sigma_condition(loading, selections, &node->values[i])))
            return NULL;
    if (node->count)
        return sigma_join(loading, EXPRESSION_OR, parts, node->count);
    sigma_refuse(loading, node, "for instance: selection and not filter", "the condition is empty");
    return NULL;
}

struct expression *sigma_detection(struct loading *loading, const struct yaml_node *map, const char *skip) {
    if (map->kind != YAML_MAP || map->count > SIGMA_SELECTIONS_MOST) {
        sigma_refuse(loading, map, "selections and a condition stand below it",
                     "not a map of at most %u selections", SIGMA_SELECTIONS_MOST);
        return NULL;
    }
    const struct yaml_node *condition = yaml_find(map, "condition");
    if (!condition) {
        sigma_refuse(loading, map, "add one, for instance: condition: selection", "there is no condition");
        return NULL;
    }
    struct selections all = {0};
    all.names = rule_memory_new(loading->memory, map->count * sizeof *all.names);
    all.expressions = rule_memory_new(loading->memory, map->count * sizeof(struct expression *));
    all.used = rule_memory_new(loading->memory, map->count * sizeof *all.used);
    for (size_t i = 0; i < map->count; i++) {
        struct slice name = map->keys[i].text;
        if (slice_equal(name, SLICE("condition")) || (skip && slice_equal(name, slice_string(skip))))
            continue;
        if (slice_equal(name, SLICE("timeframe"))) {
            sigma_refuse(loading, &map->keys[i], "write a correlation document with a timespan",
                         "timeframe is no part of Sigma any more");
            return NULL;
        }
        if (name.size == 0) {
            sigma_refuse(loading, &map->keys[i], "name it", "a selection without a name");
            return NULL;
        }
        all.names[all.count] = name;
        if (!(all.expressions[all.count++] = selection(loading, &map->keys[i], &map->values[i])))
            return NULL;
    }
    struct expression *whole = condition_node(loading, &all, condition);
    for (size_t i = 0; whole && i < all.count; i++)
        if (!all.used[i])
            sigma_remark(loading, "the condition does not use the selection '%.*s'",
                         SLICE_ARG(slice_head(all.names[i], 64)));
    return whole;
}
