/* What a rule cannot match without, found before any program runs.
 *
 * For each rule the best set of anchors is chosen: every match of the rule contains at least one of the set. Whole values
 * are looked up in one hash; everything else of a field is one Hyperscan database. A rule without anchors is loose and is
 * evaluated for every event of its log source. Without Hyperscan only whole values are anchors. */
#include <stdlib.h>

#include "memory.h"
#include "ruleset_parts.h"

#define ANCHOR_TEXT_MOST 200u /* bytes of a literal that are looked for: a part of it is enough */
#define ANCHORS_OF_RULE_MOST 20000u
#define SCORE_WHOLE 1000u
#define SCORE_REGEX 4u /* like a literal of two bytes: its weight is unknown */

struct choice {
    struct anchor *anchors;
    size_t count;
    unsigned score; /* of the weakest of them; 0: nothing to hold on to */
};

static struct choice no_choice(void) {
    return (struct choice){NULL, 0, 0};
}

static struct choice one(struct rule_memory *memory, struct anchor anchor, unsigned score) {
    struct choice choice = {rule_memory_new(memory, sizeof anchor), 1, score};
    choice.anchors[0] = anchor;
    return choice;
}

static struct slice fold(struct rule_memory *memory, struct slice text) {
    uint8_t *bytes = rule_memory_new(memory, text.size + 1);
    for (size_t i = 0; i < text.size; i++)
        bytes[i] = pattern_fold(text.data[i]);
    return slice_make(bytes, text.size);
}

#ifdef TOCSIN_HYPERSCAN
static unsigned scanner_flags(const struct anchor *anchor) {
    unsigned flags = HS_FLAG_SINGLEMATCH;
    if (!anchor->regex)
        return flags | HS_FLAG_CASELESS;
    flags |= HS_FLAG_PREFILTER;
    flags |= anchor->flags & REGEX_CASELESS ? HS_FLAG_CASELESS : 0;
    flags |= anchor->flags & REGEX_MULTILINE ? HS_FLAG_MULTILINE : 0;
    flags |= anchor->flags & REGEX_DOTALL ? HS_FLAG_DOTALL : 0;
    return flags;
}

/* What stands in Hyperscan's syntax for the anchor. */
static char *expression_of(struct rule_memory *memory, const struct anchor *anchor) {
    if (anchor->regex)
        return rule_memory_text(memory, anchor->text);
    static const char digits[] = "0123456789abcdef";
    char *text = rule_memory_new(memory, anchor->text.size * 4 + 1), *to = text;
    for (size_t i = 0; i < anchor->text.size; i++) {
        *to++ = '\\';
        *to++ = 'x';
        *to++ = digits[anchor->text.data[i] >> 4];
        *to++ = digits[anchor->text.data[i] & 15];
    }
    return text;
}

/* Whether Hyperscan takes a regular expression, and it says more than that there is a value. */
static bool regex_can_anchor(struct rule_memory *memory, const struct predicate *predicate) {
    struct anchor anchor = {.regex = true, .flags = predicate->flags, .text = predicate->literal};
    if (predicate->utf || predicate->literal.size > 1000 ||
        slice_find_byte(predicate->literal, 0) != SIZE_MAX)
        return false;
    char *expression = expression_of(memory, &anchor);
    hs_compile_error_t *error = NULL;
    hs_expr_info_t *info = NULL;
    if (hs_expression_info(expression, scanner_flags(&anchor), &info, &error) != HS_SUCCESS) {
        hs_free_compile_error(error);
        return false;
    }
    bool good = info->min_width > 0;
    free(info);
    hs_database_t *database = NULL;
    if (good && hs_compile(expression, scanner_flags(&anchor), HS_MODE_BLOCK, NULL, &database, &error) !=
                    HS_SUCCESS) {
        hs_free_compile_error(error);
        return false;
    }
    hs_free_database(database);
    return good;
}

static struct choice literal_choice(struct rule_memory *memory, uint32_t field, struct slice text) {
    if (text.size == 0)
        return no_choice();
    struct anchor anchor = {.field = field, .text = fold(memory, slice_head(text, ANCHOR_TEXT_MOST))};
    return one(memory, anchor, 2 * (unsigned)anchor.text.size);
}

static struct choice regex_choice(struct rule_memory *memory, const struct predicate *predicate) {
    if (!regex_can_anchor(memory, predicate))
        return no_choice();
    struct anchor anchor = {
        .field = predicate->field, .regex = true, .flags = predicate->flags, .text = predicate->literal};
    return one(memory, anchor, SCORE_REGEX);
}
#else
static struct choice literal_choice(struct rule_memory *memory, uint32_t field, struct slice text) {
    (void)memory, (void)field, (void)text;
    return no_choice();
}

static struct choice regex_choice(struct rule_memory *memory, const struct predicate *predicate) {
    (void)memory, (void)predicate;
    return no_choice();
}
#endif

static struct choice predicate_choice(struct rule_memory *memory, const struct predicate *predicate) {
    size_t from, to;
    switch ((unsigned)predicate->kind) {
    case PREDICATE_EQUAL:
        if (predicate->literal.size == 0)
            return no_choice();
        return one(memory,
                   (struct anchor){
                       .field = predicate->field, .whole = true, .text = fold(memory, predicate->literal)},
                   SCORE_WHOLE);
    case PREDICATE_PREFIX:
    case PREDICATE_SUFFIX:
    case PREDICATE_CONTAINS:
        return literal_choice(memory, predicate->field, predicate->literal);
    case PREDICATE_GLOB:
        pattern_longest_run(predicate->pattern, &from, &to);
        return literal_choice(memory, predicate->field, pattern_bytes(memory, predicate->pattern, from, to));
    case PREDICATE_REGEX:
        return regex_choice(memory, predicate);
    default:
        return no_choice();
    }
}

static struct choice choose(struct ruleset *ruleset, const struct expression *expression);

/* One of the parts must hold: all of their anchors together. */
static struct choice choose_every(struct ruleset *ruleset, const struct expression *expression) {
    struct choice all = {NULL, 0, UINT32_MAX};
    struct choice *parts = memory_new_array(expression->count, sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < expression->count && all.score; i++) {
        parts[i] = choose(ruleset, expression->parts[i]);
        all.score = parts[i].score < all.score ? parts[i].score : all.score;
        count += parts[i].count;
    }
    if (all.score && count <= ANCHORS_OF_RULE_MOST) {
        all.anchors = rule_memory_new(&ruleset->memory, count * sizeof *all.anchors);
        for (size_t i = 0; i < expression->count; i++) {
            memcpy(all.anchors + all.count, parts[i].anchors, parts[i].count * sizeof *all.anchors);
            all.count += parts[i].count;
        }
    }
    free(parts);
    return all.count ? all : no_choice();
}

static struct choice choose(struct ruleset *ruleset, const struct expression *expression) {
    struct choice best = no_choice();
    switch (expression->kind) {
    case EXPRESSION_TEST:
        return predicate_choice(&ruleset->memory, &ruleset->predicates[expression->predicate]);
    case EXPRESSION_NOT:
        return no_choice();
    case EXPRESSION_OR:
    case EXPRESSION_SOME:
        return choose_every(ruleset, expression);
    case EXPRESSION_AND:
        for (size_t i = 0; i < expression->count; i++) {
            struct choice part = choose(ruleset, expression->parts[i]);
            if (part.score > best.score || (part.score == best.score && part.count < best.count))
                best = part;
        }
        return best;
    }
    return best;
}

struct building {
    struct ruleset *ruleset;
    struct anchor_use {
        uint32_t anchor, rule;
    } * uses;
    size_t use_count, use_room;
    uint32_t *slots; /* open addressing over all anchors while building */
    uint32_t slot_count;
};

static uint64_t anchor_hash(const struct anchor *anchor) {
    return ruleset_hash(anchor->text) * 31 + anchor->field * 4099u + anchor->flags * 64u +
           anchor->whole * 2u + anchor->regex;
}

static bool anchor_same(const struct anchor *a, const struct anchor *b) {
    return a->field == b->field && a->whole == b->whole && a->regex == b->regex && a->flags == b->flags &&
           slice_equal(a->text, b->text);
}

static uint32_t *anchor_slot(struct building *building, const struct anchor *anchor) {
    uint32_t mask = building->slot_count - 1;
    for (uint32_t i = (uint32_t)anchor_hash(anchor) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &building->slots[i];
        if (*slot == 0 || anchor_same(&building->ruleset->anchors[*slot - 1], anchor))
            return slot;
    }
}

static void grow_anchors(struct building *building) {
    struct ruleset *ruleset = building->ruleset;
    uint32_t count = ruleset->anchor_count;
    if (2 * (count + 1) < building->slot_count)
        return;
    building->slot_count = building->slot_count ? building->slot_count * 2 : 64;
    free(building->slots);
    building->slots = memory_new_array(building->slot_count, sizeof *building->slots);
    ruleset->anchors = memory_resize(ruleset->anchors, building->slot_count, sizeof *ruleset->anchors);
    for (uint32_t i = 0; i < count; i++)
        *anchor_slot(building, &ruleset->anchors[i]) = i + 1;
}

static void use_anchor(struct building *building, const struct anchor *anchor, uint32_t rule) {
    grow_anchors(building);
    uint32_t *slot = anchor_slot(building, anchor);
    if (*slot == 0) {
        building->ruleset->anchors[building->ruleset->anchor_count] = *anchor;
        *slot = ++building->ruleset->anchor_count;
    }
    if (building->use_count == building->use_room) {
        building->use_room = building->use_room ? 2 * building->use_room : 256;
        building->uses = memory_resize(building->uses, building->use_room, sizeof *building->uses);
    }
    building->uses[building->use_count++] = (struct anchor_use){*slot - 1, rule};
}

/* Which rules hang on each anchor, as one array. */
static void lay_out_uses(struct building *building) {
    struct ruleset *ruleset = building->ruleset;
    for (size_t i = 0; i < building->use_count; i++)
        ruleset->anchors[building->uses[i].anchor].count++;
    uint32_t first = 0;
    for (uint32_t i = 0; i < ruleset->anchor_count; i++) {
        ruleset->anchors[i].first = first;
        first += ruleset->anchors[i].count;
        ruleset->anchors[i].count = 0;
    }
    ruleset->anchor_rules = memory_new_array(building->use_count + 1, sizeof *ruleset->anchor_rules);
    ruleset->anchor_rule_count = first;
    for (size_t i = 0; i < building->use_count; i++) {
        struct anchor *anchor = &ruleset->anchors[building->uses[i].anchor];
        ruleset->anchor_rules[anchor->first + anchor->count++] = building->uses[i].rule;
    }
}

static void lay_out_whole(struct ruleset *ruleset) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < ruleset->anchor_count; i++)
        count += ruleset->anchors[i].whole;
    ruleset->whole_slot_count = 16;
    while (ruleset->whole_slot_count < 4 * count)
        ruleset->whole_slot_count *= 2;
    ruleset->whole_slots = memory_new_array(ruleset->whole_slot_count, sizeof *ruleset->whole_slots);
    for (uint32_t i = 0; i < ruleset->anchor_count; i++) {
        const struct anchor *anchor = &ruleset->anchors[i];
        if (!anchor->whole)
            continue;
        struct field *field = &ruleset->fields[anchor->field];
        if (field->whole_longest < anchor->text.size)
            field->whole_longest = (uint32_t)anchor->text.size;
        uint32_t mask = ruleset->whole_slot_count - 1;
        uint32_t at = (uint32_t)(ruleset_hash_folded(anchor->text) + anchor->field * 2654435761u) & mask;
        while (ruleset->whole_slots[at])
            at = (at + 1) & mask;
        ruleset->whole_slots[at] = i + 1;
    }
}

#ifdef TOCSIN_HYPERSCAN
static bool build_scanner(struct ruleset *ruleset, uint32_t field, const uint32_t *members, uint32_t count,
                          struct fault *fault) {
    struct rule_memory memory = {NULL};
    const char **expressions = rule_memory_new(&memory, count * sizeof *expressions);
    unsigned *flags = rule_memory_new(&memory, count * sizeof *flags);
    for (uint32_t i = 0; i < count; i++) {
        expressions[i] = expression_of(&memory, &ruleset->anchors[members[i]]);
        flags[i] = scanner_flags(&ruleset->anchors[members[i]]);
    }
    struct scanner *scanner = &ruleset->scanners[ruleset->scanner_count];
    scanner->field = field;
    hs_compile_error_t *error = NULL;
    hs_error_t result =
        hs_compile_multi(expressions, flags, members, count, HS_MODE_BLOCK, NULL, &scanner->database, &error);
    rule_memory_free(&memory);
    if (result != HS_SUCCESS) {
        fault_set(fault, FAULT_LIMIT, "the matcher for the field %.*s cannot be built: %s",
                  SLICE_ARG(ruleset->fields[field].name), error ? error->message : "unknown");
        hs_free_compile_error(error);
        return false;
    }
    ruleset->fields[field].scanner = ++ruleset->scanner_count;
    return true;
}

static bool build_scanners(struct ruleset *ruleset, struct fault *fault) {
    uint32_t *members = memory_new_array((size_t)ruleset->anchor_count + 1, sizeof *members);
    ruleset->scanners = memory_new_array((size_t)ruleset->field_count + 1, sizeof *ruleset->scanners);
    bool good = true;
    for (uint32_t field = 1; good && field < ruleset->field_count; field++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < ruleset->anchor_count; i++)
            if (!ruleset->anchors[i].whole && ruleset->anchors[i].field == field)
                members[count++] = i;
        good = count == 0 || build_scanner(ruleset, field, members, count, fault);
    }
    free(members);
    return good;
}
#else
static bool build_scanners(struct ruleset *ruleset, struct fault *fault) {
    (void)ruleset, (void)fault;
    return true;
}
#endif

static void mark_scanners(struct ruleset *ruleset) {
    ruleset->logsource_scanners =
        memory_new_array((size_t)ruleset->logsource_count * ruleset->scanner_count + 1, 1);
    for (uint32_t i = 0; i < ruleset->anchor_count; i++) {
        const struct anchor *anchor = &ruleset->anchors[i];
        for (uint32_t r = 0; !anchor->whole && r < anchor->count; r++) {
            uint32_t source = ruleset->definitions[ruleset->anchor_rules[anchor->first + r]]->logsource;
            uint32_t scanner = ruleset->fields[anchor->field].scanner;
            ruleset->logsource_scanners[(size_t)source * ruleset->scanner_count + scanner - 1] = 1;
        }
    }
}

static void lay_out_loose(struct ruleset *ruleset, const bool *loose) {
    ruleset->loose = memory_new_array(ruleset->definition_count + 1, sizeof *ruleset->loose);
    ruleset->loose_first =
        memory_new_array((size_t)ruleset->logsource_count + 1, sizeof *ruleset->loose_first);
    uint32_t count = 0;
    for (uint32_t source = 0; source < ruleset->logsource_count; source++) {
        ruleset->loose_first[source] = count;
        for (uint32_t i = 0; i < ruleset->definition_count; i++)
            if (loose[i] && ruleset->definitions[i]->logsource == source)
                ruleset->loose[count++] = i;
    }
    ruleset->loose_first[ruleset->logsource_count] = count;
}

bool prefilter_build(struct ruleset *ruleset, struct fault *fault) {
    struct building building = {.ruleset = ruleset};
    bool *loose = memory_new_array(ruleset->definition_count + 1, sizeof *loose);
    for (uint32_t i = 0; i < ruleset->definition_count; i++) {
        const struct expression *expression = ruleset->definitions[i]->expression;
        if (!expression)
            continue;
        struct choice choice = ruleset->without_prefilter ? no_choice() : choose(ruleset, expression);
        loose[i] = choice.score == 0;
        for (size_t a = 0; choice.score && a < choice.count; a++)
            use_anchor(&building, &choice.anchors[a], i);
    }
    lay_out_uses(&building);
    lay_out_whole(ruleset);
    lay_out_loose(ruleset, loose);
    free(building.uses);
    free(building.slots);
    free(loose);
    if (!build_scanners(ruleset, fault))
        return false;
    mark_scanners(ruleset);
    return true;
}

void prefilter_free(struct ruleset *ruleset) {
#ifdef TOCSIN_HYPERSCAN
    for (uint32_t i = 0; i < ruleset->scanner_count; i++)
        hs_free_database(ruleset->scanners[i].database);
#endif
    free(ruleset->scanners);
    free(ruleset->anchors);
    free(ruleset->anchor_rules);
    free(ruleset->whole_slots);
    free(ruleset->loose);
    free(ruleset->loose_first);
    free(ruleset->logsource_scanners);
}
