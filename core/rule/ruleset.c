/* The tables of a ruleset: outcomes, fields, predicates, log sources. */
#include "ruleset.h"

#include <stdlib.h>

#include "memory.h"
#include "ruleset_parts.h"
#include "sigma.h"

uint64_t ruleset_hash(struct slice bytes) {
    uint64_t value = 14695981039346656037ull;
    for (size_t i = 0; i < bytes.size; i++)
        value = (value ^ bytes.data[i]) * 1099511628211ull;
    return value ^ value >> 29;
}

uint64_t ruleset_hash_folded(struct slice bytes) {
    uint64_t value = 14695981039346656037ull;
    for (size_t i = 0; i < bytes.size; i++)
        value = (value ^ pattern_fold(bytes.data[i])) * 1099511628211ull;
    return value ^ value >> 29;
}

struct ruleset *ruleset_create(struct symbols *symbols) {
    static const char *const fixed[FIELDS_FIXED] = {
        [FIELD_MESSAGE] = "message",          [FIELD_ORIGINAL] = "event.original",
        [FIELD_HOST] = "host.name",           [FIELD_SOURCE_IP] = "source.ip",
        [FIELD_USER] = "user.name",           [FIELD_PRODUCT] = "tocsin.product",
        [FIELD_CATEGORY] = "tocsin.category", [FIELD_SERVICE] = "tocsin.service",
        [FIELD_REPEATED] = "tocsin.repeated",  [FIELD_TIME] = "@timestamp",
    };
    struct ruleset *ruleset = memory_new(sizeof *ruleset);
    ruleset->symbols = symbols;
    ruleset->source_names = symbols_create();
    ruleset->troubles = symbols_create();
    ruleset->predicate_slot_count = 256;
    ruleset->predicate_slots =
        memory_new_array(ruleset->predicate_slot_count, sizeof *ruleset->predicate_slots);
    ruleset->fields = memory_new_array(FIELDS_FIXED, sizeof *ruleset->fields);
    ruleset->field_count = FIELD_KEYWORDS + 1;
    for (uint32_t i = FIELD_KEYWORDS + 1; i < FIELDS_FIXED; i++)
        ruleset_field(ruleset, slice_string(fixed[i]));
    return ruleset;
}

struct ruleset *ruleset_destroy(struct ruleset *ruleset) {
    if (!ruleset)
        return NULL;
    prefilter_free(ruleset);
    for (uint32_t i = 0; i < ruleset->predicate_count; i++)
        pcre2_code_free(ruleset->predicates[i].code);
    free(ruleset->predicates);
    free(ruleset->predicate_slots);
    free(ruleset->outcomes);
    free(ruleset->definitions);
    free(ruleset->filters);
    free(ruleset->placeholders);
    free(ruleset->waiting);
    free(ruleset->fields);
    free(ruleset->field_of_symbol);
    free(ruleset->logsources);
    free(ruleset->rules);
    free(ruleset->nodes);
    free(ruleset->feeds);
    symbols_destroy(ruleset->source_names);
    symbols_destroy(ruleset->troubles);
    rule_memory_free(&ruleset->memory);
    free(ruleset);
    return NULL;
}

static void refuse_file(struct ruleset *ruleset, const char *file, uint32_t line, const char *reason,
                        const char *hint) {
    struct ruleset_outcome *outcome = sigma_outcome(ruleset, file, line);
    outcome->reason = reason;
    outcome->hint = hint;
}

static size_t add_documents(struct ruleset *ruleset, const char *file, struct slice text) {
    struct slice rest = slice_starts(text, SLICE("\xef\xbb\xbf")) ? slice_from(text, 3) : text;
    uint32_t line = 1;
    struct yaml_part part;
    struct sigma_collection collection = {0};
    size_t documents = 0, refused = 0;
    while (sigma_yaml_next(&rest, &line, &part)) {
        if (++documents > RULESET_DOCUMENTS_MOST) {
            refuse_file(ruleset, file, part.line,
                        "too many documents in one file; the rest of it is not read", "split the file");
            return refused + 1;
        }
        sigma_document(ruleset, file, part, &collection);
        refused += !ruleset->outcomes[ruleset->outcome_count - 1].loaded;
    }
    if (documents == 0) {
        refuse_file(ruleset, file, 1, "there is no rule in this file", "take it out of the folder");
        return 1;
    }
    return refused;
}

size_t ruleset_add(struct ruleset *ruleset, const char *file, struct slice text) {
    const char *name = rule_memory_text(&ruleset->memory, slice_string(file));
    if (ruleset->compiled || text.size > RULESET_FILE_MOST) {
        refuse_file(ruleset, name, 1,
                    ruleset->compiled ? "the rules are compiled already" : "the file is too large",
                    ruleset->compiled ? "" : "split the file");
        return 1;
    }
    return add_documents(ruleset, name, text);
}

static void grow_field_of_symbol(struct ruleset *ruleset, uint32_t symbol) {
    uint32_t count = ruleset->field_of_symbol_count, more = symbol + 64;
    if (symbol < count)
        return;
    ruleset->field_of_symbol =
        memory_resize(ruleset->field_of_symbol, more, sizeof *ruleset->field_of_symbol);
    memset(ruleset->field_of_symbol + count, 0, (more - count) * sizeof *ruleset->field_of_symbol);
    ruleset->field_of_symbol_count = more;
}

uint32_t ruleset_field(struct ruleset *ruleset, struct slice name) {
    uint32_t symbol = symbols_add(ruleset->symbols, name);
    if (symbol == 0 || ruleset->field_count == RULESET_FIELDS_MOST)
        return 0;
    grow_field_of_symbol(ruleset, symbol);
    if (ruleset->field_of_symbol[symbol])
        return ruleset->field_of_symbol[symbol];
    uint32_t number = ruleset->field_count++;
    ruleset->fields =
        memory_resize(ruleset->fields, (size_t)number + 1 > FIELDS_FIXED ? (size_t)number + 1 : FIELDS_FIXED,
                      sizeof *ruleset->fields);
    ruleset->fields[number] =
        (struct field){.symbol = symbol, .name = symbols_name(ruleset->symbols, symbol)};
    ruleset->field_of_symbol[symbol] = number;
    return number;
}

static uint64_t predicate_hash(const struct predicate *p) {
    uint64_t hash =
        ruleset_hash(p->literal) ^ ruleset_hash(slice_make(p->pattern.tokens, p->pattern.size * 2));
    hash = (hash ^ (uint64_t)p->kind << 8 ^ (uint64_t)p->part << 16 ^ p->field ^ (uint64_t)p->other << 32) * 1099511628211ull;
    hash ^= ruleset_hash(slice_make(p->network, 16)) ^ ruleset_hash(slice_make(&p->number, sizeof p->number));
    return hash ^ hash >> 31;
}

static bool predicate_same(const struct predicate *a, const struct predicate *b) {
    return a->kind == b->kind && a->cased == b->cased && a->field == b->field && a->other == b->other &&
           a->relation == b->relation && a->flags == b->flags && slice_equal(a->literal, b->literal) &&
           a->pattern.size == b->pattern.size &&
           (a->pattern.size == 0 || memcmp(a->pattern.tokens, b->pattern.tokens, a->pattern.size * 2) == 0) &&
           memcmp(a->network, b->network, 16) == 0 && a->network_bits == b->network_bits &&
           a->number == b->number && a->part == b->part;
}

static uint32_t *predicate_slot(struct ruleset *ruleset, const struct predicate *predicate) {
    uint32_t mask = ruleset->predicate_slot_count - 1;
    for (uint32_t i = (uint32_t)predicate_hash(predicate) & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &ruleset->predicate_slots[i];
        if (*slot == 0 || predicate_same(&ruleset->predicates[*slot - 1], predicate))
            return slot;
    }
}

static void grow_predicates(struct ruleset *ruleset) {
    uint32_t count = ruleset->predicate_count;
    if ((count & (count - 1)) == 0)
        ruleset->predicates =
            memory_resize(ruleset->predicates, count ? 2 * (size_t)count : 1, sizeof *ruleset->predicates);
    if (2 * (count + 1) < ruleset->predicate_slot_count)
        return;
    free(ruleset->predicate_slots);
    ruleset->predicate_slot_count *= 2;
    ruleset->predicate_slots =
        memory_new_array(ruleset->predicate_slot_count, sizeof *ruleset->predicate_slots);
    for (uint32_t i = 0; i < count; i++)
        *predicate_slot(ruleset, &ruleset->predicates[i]) = i + 1;
}

uint32_t ruleset_predicate(struct ruleset *ruleset, const struct predicate *predicate) {
    uint32_t known = *predicate_slot(ruleset, predicate);
    if (known || ruleset->predicate_count == RULESET_PREDICATES_MOST) {
        pcre2_code_free(predicate->code);
        return known ? known - 1 : UINT32_MAX;
    }
    grow_predicates(ruleset);
    ruleset->asks_time |= predicate->field == FIELD_TIME || predicate->other == FIELD_TIME;
    ruleset->predicates[ruleset->predicate_count] = *predicate;
    *predicate_slot(ruleset, predicate) = ++ruleset->predicate_count;
    return ruleset->predicate_count - 1;
}

uint32_t ruleset_logsource(struct ruleset *ruleset, struct logsource source) {
    for (uint32_t i = 0; i < ruleset->logsource_count; i++) {
        const struct logsource *known = &ruleset->logsources[i];
        if (known->product == source.product && known->category == source.category &&
            known->service == source.service)
            return i;
    }
    if (ruleset->logsource_count == RULESET_LOGSOURCES_MOST)
        return UINT32_MAX;
    ruleset->logsources =
        memory_resize(ruleset->logsources, (size_t)ruleset->logsource_count + 1, sizeof *ruleset->logsources);
    ruleset->logsources[ruleset->logsource_count] = source;
    return ruleset->logsource_count++;
}

const char *ruleset_kind_name(enum ruleset_kind kind) {
    static const char *const names[] = {"rule", "correlation", "filter", "placeholders", "template"};
    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "";
}

size_t ruleset_outcome_count(const struct ruleset *ruleset) {
    return ruleset->outcome_count;
}

struct ruleset_outcome ruleset_outcome(const struct ruleset *ruleset, size_t index) {
    return ruleset->outcomes[index];
}

size_t ruleset_rule_count(const struct ruleset *ruleset) {
    return ruleset->compiled ? ruleset->definition_count : 0;
}

const struct rule *ruleset_rule(const struct ruleset *ruleset, size_t index) {
    return index < ruleset_rule_count(ruleset) ? &ruleset->definitions[index]->rule : NULL;
}

const struct rule *ruleset_rule_by_id(const struct ruleset *ruleset, struct slice id) {
    for (size_t i = 0; i < ruleset_rule_count(ruleset); i++)
        if (slice_equal_caseless(id, slice_string(ruleset->definitions[i]->rule.id)))
            return &ruleset->definitions[i]->rule;
    return NULL;
}
