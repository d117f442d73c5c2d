#include "ruleset_review.h"

#include "ruleset_parts.h"

#define LOOKS_MOST 20000u /* at two expressions; past it nothing is claimed */

bool ruleset_review_source(const struct ruleset *ruleset, size_t index, struct rule_source *ret_source) {
    const struct definition *definition = ruleset->definitions[index];
    if (!definition->expression)
        return false;
    const struct logsource *source = &ruleset->logsources[definition->logsource];
    *ret_source = (struct rule_source){symbols_name(ruleset->source_names, source->product),
                                       symbols_name(ruleset->source_names, source->category),
                                       symbols_name(ruleset->source_names, source->service)};
    return true;
}

static bool ways_can(const struct correlation *correlation, uint64_t possible) {
    for (size_t i = 0; i < correlation->way_count; i++)
        if ((correlation->ways[i] & ~possible) == 0)
            return true;
    return false;
}

/* Depth is bounded: a correlation stands behind its rules, and their chain is as long as people write it. */
bool ruleset_review_can_match(const struct ruleset *ruleset, size_t index, ruleset_review_gives *gives,
                              const void *context) {
    const struct correlation *correlation = ruleset->definitions[index]->correlation;
    struct rule_source source;
    if (ruleset_review_source(ruleset, index, &source))
        return gives(context, &source);
    uint64_t possible = 0;
    for (size_t i = 0; i < correlation->reference_count; i++)
        possible |= (uint64_t)ruleset_review_can_match(ruleset, correlation->references[i], gives, context) << i;
    if (correlation->type == CORRELATION_TEMPORAL_ORDERED)
        return ways_can(correlation, possible);
    if (correlation->type == CORRELATION_TEMPORAL && !correlation->at_close)
        return correlation_rules_hold(correlation, possible);
    return possible != 0;
}

struct comparing {
    const struct ruleset *ruleset;
    uint32_t looks;
};

static bool network_within(const struct predicate *a, const struct predicate *b) {
    if (a->network_bits < b->network_bits)
        return false;
    for (unsigned bit = 0; bit < b->network_bits; bit++)
        if ((a->network[bit / 8] ^ b->network[bit / 8]) & 0x80u >> bit % 8)
            return false;
    return true;
}

/* Some run of the pattern's bytes holds the needle. */
static bool glob_contains(struct pattern pattern, const struct predicate *needle) {
    for (size_t from = 0, to; from < pattern.size; from = to + 1) {
        uint8_t bytes[512];
        size_t size = 0;
        for (to = from; to < pattern.size && pattern.tokens[to] <= UINT8_MAX; to++)
            if (size < sizeof bytes)
                bytes[size++] = (uint8_t)pattern.tokens[to];
        if (predicate_relates(PREDICATE_CONTAINS, slice_make(bytes, size), needle->literal, needle->cased, false))
            return true;
    }
    return false;
}

/* Whether every value that fits `a` fits `b`. */
static bool test_implies(const struct predicate *a, const struct predicate *b) {
    bool values = a->kind != PREDICATE_PRESENT;
    if (a->field != b->field)
        return false;
    if (b->kind == PREDICATE_PRESENT || b->kind == PREDICATE_VALUED)
        return values && a->field != FIELD_KEYWORDS;
    if (a->kind == PREDICATE_NETWORK && b->kind == PREDICATE_NETWORK)
        return network_within(a, b);
    if (b->cased && !a->cased)
        return false;
    if (a->kind == PREDICATE_GLOB && b->kind == PREDICATE_CONTAINS)
        return glob_contains(a->pattern, b);
    if (a->kind == PREDICATE_EQUAL && b->kind == PREDICATE_GLOB)
        return pattern_match(b->pattern, a->literal, b->cased);
    if (a->kind > PREDICATE_CONTAINS || b->kind > PREDICATE_CONTAINS)
        return false;
    /* What a value begins with says nothing of its end: only like ends, or the whole, can tell. */
    bool tells = a->kind == PREDICATE_EQUAL || b->kind == PREDICATE_CONTAINS || a->kind == b->kind;
    return tells && predicate_relates(b->kind, a->literal, b->literal, b->cased, false);
}

static bool implies(struct comparing *comparing, const struct expression *a, const struct expression *b);

static bool every_part_implies(struct comparing *comparing, const struct expression *a,
                               const struct expression *b) {
    for (size_t i = 0; i < a->count; i++)
        if (!implies(comparing, a->parts[i], b))
            return false;
    return true;
}

static bool some_part_implies(struct comparing *comparing, const struct expression *a,
                              const struct expression *b) {
    for (size_t i = 0; i < a->count; i++)
        if (implies(comparing, a->parts[i], b))
            return true;
    return false;
}

static bool implies_parts(struct comparing *comparing, const struct expression *a, const struct expression *b,
                          size_t wanted) {
    size_t found = 0;
    for (size_t i = 0; i < b->count && found < wanted && found + b->count - i >= wanted; i++)
        found += implies(comparing, a, b->parts[i]);
    return found >= wanted;
}

/* By the shape of both alone: sound, and not complete. */
static bool implies(struct comparing *comparing, const struct expression *a, const struct expression *b) {
    const struct predicate *predicates = comparing->ruleset->predicates;
    if (comparing->looks == 0)
        return false;
    comparing->looks--;
    if (a == b)
        return true;
    if (a->kind == EXPRESSION_TEST && b->kind == EXPRESSION_TEST)
        return a->predicate == b->predicate || test_implies(&predicates[a->predicate], &predicates[b->predicate]);
    if (a->kind == EXPRESSION_NOT && b->kind == EXPRESSION_NOT && implies(comparing, b->parts[0], a->parts[0]))
        return true;
    if (a->kind == EXPRESSION_OR)
        return every_part_implies(comparing, a, b);
    if (b->kind == EXPRESSION_AND)
        return implies_parts(comparing, a, b, b->count);
    if (a->kind == EXPRESSION_AND && some_part_implies(comparing, a, b))
        return true;
    if (b->kind == EXPRESSION_OR)
        return implies_parts(comparing, a, b, 1);
    return b->kind == EXPRESSION_SOME && implies_parts(comparing, a, b, b->least);
}

static bool source_within(const struct logsource *narrow, const struct logsource *wide) {
    return (!wide->product || wide->product == narrow->product) &&
           (!wide->category || wide->category == narrow->category) &&
           (!wide->service || wide->service == narrow->service);
}

static bool covers(const struct ruleset *ruleset, const struct definition *wide,
                   const struct definition *narrow) {
    struct comparing comparing = {ruleset, LOOKS_MOST};
    return source_within(&ruleset->logsources[narrow->logsource], &ruleset->logsources[wide->logsource]) &&
           implies(&comparing, narrow->expression, wide->expression);
}

/* Whether a person would be told of one event by both. */
static bool both_speak(const struct definition *one, const struct definition *other) {
    return one->expression && other->expression && one->rule.generates && other->rule.generates &&
           !one->rule.ends && !other->rule.ends && (one->trouble == 0 || one->trouble != other->trouble);
}

const struct rule *ruleset_review_covered_by(const struct ruleset *ruleset, size_t index, bool *ret_same) {
    const struct definition *definition = ruleset->definitions[index];
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        const struct definition *other = ruleset->definitions[i];
        if (i == index || !both_speak(definition, other) || !covers(ruleset, other, definition))
            continue;
        bool same = covers(ruleset, definition, other);
        if (same && i > index)
            continue;
        *ret_same = same;
        return &other->rule;
    }
    return NULL;
}
