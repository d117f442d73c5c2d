/* From definitions to programs: who means whom, in which order, as flat arrays. */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "memory.h"
#include "sigma.h"

#define PROGRAM_NODES_MOST 200000u /* of one rule */
#define PROGRAMS_MOST 50000000u    /* nodes of all */

static void refuse_at(struct ruleset *ruleset, struct definition *definition, uint32_t line, uint32_t column,
                      const char *reason, const char *hint) {
    struct ruleset_outcome *outcome = &ruleset->outcomes[definition->outcome];
    definition->refused = true;
    outcome->loaded = false;
    outcome->line = line;
    outcome->column = column;
    outcome->reason = reason;
    outcome->hint = hint;
}

static void refuse(struct ruleset *ruleset, struct definition *definition, const char *reason,
                   const char *hint) {
    refuse_at(ruleset, definition, definition->rule.line, definition->column, reason, hint);
}

/* Definitions by id and by name, caseless as UUIDs are. */
struct index {
    struct definition **sorted;
    size_t count;
    const char *(*key)(const struct definition *);
};

static const char *id_of(const struct definition *definition) {
    return definition->rule.id;
}
static const char *name_of(const struct definition *definition) {
    return definition->rule.name;
}

static int compare_by(const struct definition *a, const struct definition *b,
                      const char *(*key)(const struct definition *)) {
    int order = strcasecmp(key(a), key(b));
    return order ? order : (a->outcome > b->outcome) - (a->outcome < b->outcome);
}

static int compare_ids(const void *a, const void *b) {
    return compare_by(*(struct definition *const *)a, *(struct definition *const *)b, id_of);
}

static int compare_names(const void *a, const void *b) {
    return compare_by(*(struct definition *const *)a, *(struct definition *const *)b, name_of);
}

static void index_make(const struct ruleset *ruleset, const char *(*key)(const struct definition *),
                       struct index *ret_index) {
    struct index index = {.sorted = memory_new_array(ruleset->definition_count + 1, sizeof *index.sorted),
                          .key = key};
    for (size_t i = 0; i < ruleset->definition_count; i++)
        if (key(ruleset->definitions[i]))
            index.sorted[index.count++] = ruleset->definitions[i];
    qsort(index.sorted, index.count, sizeof *index.sorted, key == id_of ? compare_ids : compare_names);
    *ret_index = index;
}

static struct definition *index_find(const struct index *index, const char *text) {
    size_t from = 0, to = index->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcasecmp(index->key(index->sorted[middle]), text) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    bool found = from < index->count && strcasecmp(index->key(index->sorted[from]), text) == 0;
    return found ? index->sorted[from] : NULL;
}

/* The first one keeps an id or a name; later ones are refused. */
static void refuse_doubles(struct ruleset *ruleset, const struct index *index, const char *what) {
    for (size_t i = 1; i < index->count; i++) {
        const struct definition *first = index_find(index, index->key(index->sorted[i]));
        struct definition *later = index->sorted[i];
        if (first != later && !later->refused)
            refuse(ruleset, later,
                   rule_memory_printf(&ruleset->memory, "the %s '%.100s' is taken by %.200s:%u", what,
                                      index->key(later), first->rule.file, first->rule.line),
                   "give it another one, or load one of the two");
    }
}

/* A misspelt name would be an alert that nothing ends. */
static void refuse_ends_of_nothing(struct ruleset *ruleset) {
    bool *told = memory_new_array(symbols_count(ruleset->troubles) + 1, sizeof *told);
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        const struct definition *definition = ruleset->definitions[i];
        told[definition->trouble] |= !definition->rule.ends && !definition->refused;
    }
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        struct definition *definition = ruleset->definitions[i];
        if (definition->rule.ends && !told[definition->trouble])
            refuse(ruleset, definition,
                   rule_memory_printf(&ruleset->memory, "tocsin: it ends '%.100s', and no rule has that trouble",
                                      definition->rule.trouble),
                   "load the rule that has it, or mend the name");
    }
    free(told);
}

struct indices {
    struct index ids, names;
};

static struct definition *find(const struct indices *indices, const char *text) {
    struct definition *found = index_find(&indices->names, text);
    return found ? found : index_find(&indices->ids, text);
}

static void apply_filter_to(struct ruleset *ruleset, struct definition *definition,
                            const struct filter *filter) {
    struct expression *both =
        rule_memory_new(&ruleset->memory, sizeof *both + 2 * sizeof(struct expression *));
    struct expression **parts = (struct expression **)(both + 1);
    parts[0] = definition->expression;
    parts[1] = filter->expression;
    *both = (struct expression){.kind = EXPRESSION_AND, .count = 2, .parts = parts};
    definition->expression = both;
}

static void refuse_filter(struct ruleset *ruleset, const struct filter *filter, const char *reason,
                          const char *hint) {
    struct ruleset_outcome *outcome = &ruleset->outcomes[filter->outcome];
    outcome->loaded = false;
    outcome->line = filter->line;
    outcome->column = filter->column;
    outcome->reason = reason;
    outcome->hint = hint;
}

/* Whether the filter's log source holds that of the rule: what it leaves open may be anything. */
static bool filter_covers(const struct ruleset *ruleset, const struct filter *filter,
                          const struct definition *definition) {
    const struct logsource *wide = &ruleset->logsources[filter->logsource],
                           *narrow = &ruleset->logsources[definition->logsource];
    return (!wide->product || wide->product == narrow->product) &&
           (!wide->category || wide->category == narrow->category) &&
           (!wide->service || wide->service == narrow->service);
}

static void apply_filter(struct ruleset *ruleset, const struct indices *indices,
                         const struct filter *filter) {
    for (size_t i = 0; i < filter->target_count; i++) {
        const struct definition *target = find(indices, filter->targets[i]);
        if (!target || target->refused || !target->expression) {
            refuse_filter(ruleset, filter,
                          rule_memory_printf(&ruleset->memory, "filter: there is no plain rule '%.100s'",
                                             filter->targets[i]),
                          "name a rule that loads, by id or name; nothing of this filter is applied");
            return;
        }
        if (!filter_covers(ruleset, filter, target)) {
            refuse_filter(ruleset, filter,
                          rule_memory_printf(&ruleset->memory,
                                             "filter: its log source does not hold that of the rule '%.100s'",
                                             filter->targets[i]),
                          "take the rule's own logsource, or a wider one; nothing of this filter is applied");
            return;
        }
    }
    for (size_t i = 0; i < filter->target_count; i++)
        apply_filter_to(ruleset, find(indices, filter->targets[i]), filter);
    for (size_t i = 0; filter->any && i < ruleset->definition_count; i++)
        if (ruleset->definitions[i]->expression && filter_covers(ruleset, filter, ruleset->definitions[i]))
            apply_filter_to(ruleset, ruleset->definitions[i], filter);
}

/* Which of an alias's fields is that of a rule; SIZE_MAX where it names none for it. */
static size_t alias_of(const struct indices *indices, const struct correlation_alias *alias,
                       const struct definition *reference) {
    for (size_t i = 0; i < alias->count; i++)
        if (find(indices, alias->rules[i]) == reference)
            return i;
    return SIZE_MAX;
}

static bool is_reference(const struct indices *indices, const struct correlation *correlation,
                         const char *text) {
    const struct definition *named = find(indices, text);
    for (size_t r = 0; r < correlation->reference_count; r++)
        if (named && find(indices, correlation->reference_texts[r]) == named)
            return true;
    return false;
}

static void check_alias(struct ruleset *ruleset, const struct indices *indices, struct definition *definition,
                        const struct correlation_alias *alias) {
    const struct correlation *correlation = definition->correlation;
    for (size_t i = 0; i < alias->count && !definition->refused; i++)
        if (!is_reference(indices, correlation, alias->rules[i]))
            refuse_at(ruleset, definition, alias->line, alias->column,
                      rule_memory_printf(&ruleset->memory,
                                         "correlation: the alias names '%.100s', which is none of its rules",
                                         alias->rules[i]),
                      "name the rules as they stand in rules:");
    for (size_t r = 0; r < correlation->reference_count && !definition->refused; r++) {
        const struct definition *reference = find(indices, correlation->reference_texts[r]);
        if (reference && alias_of(indices, alias, reference) == SIZE_MAX)
            refuse_at(ruleset, definition, alias->line, alias->column,
                      rule_memory_printf(&ruleset->memory,
                                         "correlation: the alias says no field for the rule '%.100s'",
                                         correlation->reference_texts[r]),
                      "name a field for each of the rules");
    }
}

/* What can only be told once every rule is known. */
static void check_references(struct ruleset *ruleset, const struct indices *indices,
                             struct definition *definition) {
    const struct correlation *correlation = definition->correlation;
    for (size_t r = 1; r < correlation->reference_count && !definition->refused; r++) {
        const struct definition *reference = find(indices, correlation->reference_texts[r]);
        for (size_t before = 0; before < r && reference && !definition->refused; before++)
            if (find(indices, correlation->reference_texts[before]) == reference)
                refuse(ruleset, definition,
                       rule_memory_printf(&ruleset->memory, "correlation: it names the rule '%.100s' twice",
                                          correlation->reference_texts[r]),
                       "name each rule once; how often it must match is an event_count");
    }
    for (size_t a = 0; a < correlation->alias_count && !definition->refused; a++)
        check_alias(ruleset, indices, definition, &correlation->aliases[a]);
}

static void check_correlations(struct ruleset *ruleset, const struct indices *indices) {
    for (size_t i = 0; i < ruleset->definition_count; i++)
        if (ruleset->definitions[i]->correlation && !ruleset->definitions[i]->refused)
            check_references(ruleset, indices, ruleset->definitions[i]);
}

static bool is_placed(const struct definition *definition) {
    return definition->rule.index != UINT32_MAX;
}

static bool all_placed(const struct indices *indices, const struct correlation *correlation) {
    for (size_t i = 0; i < correlation->reference_count; i++) {
        const struct definition *reference = find(indices, correlation->reference_texts[i]);
        if (!reference || !is_placed(reference))
            return false;
    }
    return true;
}

/* Why a correlation never found its place. */
static void refuse_unplaced(struct ruleset *ruleset, const struct indices *indices,
                            struct definition *definition) {
    const struct correlation *correlation = definition->correlation;
    for (size_t i = 0; i < correlation->reference_count; i++) {
        const char *text = correlation->reference_texts[i];
        const struct definition *reference = find(indices, text);
        if (reference && !reference->refused)
            continue;
        refuse(ruleset, definition,
               rule_memory_printf(&ruleset->memory,
                                  reference ? "correlation: its rule '%.100s' was refused"
                                            : "correlation: there is no rule '%.100s'",
                                  text),
               reference ? "mend that one first" : "name a rule that is loaded, by id or name");
        return;
    }
    refuse(ruleset, definition, "correlation: it refers to itself in a circle, or to one that does",
           "break the circle");
}

/* Rules in the order of their loading, correlations behind what feeds them. */
static void place(struct ruleset *ruleset, const struct indices *indices) {
    struct definition **placed = memory_new_array(ruleset->definition_count + 1, sizeof *placed);
    uint32_t count = 0;
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        struct definition *definition = ruleset->definitions[i];
        definition->rule.index = UINT32_MAX;
        if (definition->expression && !definition->refused) {
            definition->rule.index = count;
            placed[count++] = definition;
        }
    }
    for (uint32_t before = UINT32_MAX; before != count;) {
        before = count;
        for (size_t i = 0; i < ruleset->definition_count; i++) {
            struct definition *definition = ruleset->definitions[i];
            if (!definition->correlation || definition->refused || is_placed(definition) ||
                !all_placed(indices, definition->correlation))
                continue;
            definition->rule.index = count;
            placed[count++] = definition;
        }
    }
    /* One that hangs on a refused one is refused in the next round: until nothing changes. */
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < ruleset->definition_count; i++) {
            struct definition *definition = ruleset->definitions[i];
            if (definition->correlation && !definition->refused && !is_placed(definition)) {
                refuse_unplaced(ruleset, indices, definition);
                again = true;
            }
        }
    }
    free(ruleset->definitions);
    ruleset->definitions = placed;
    ruleset->definition_count = count;
}

static uint64_t fingerprint(const struct correlation *correlation, const struct ruleset *ruleset) {
    const double numbers[] = {correlation->least, correlation->most,
                              correlation->unequal ? correlation->other : NAN, correlation->percent};
    uint64_t hash = (uint64_t)correlation->type * 31 + correlation->timespan_us;
    hash = hash * 1099511628211ull + ruleset_hash(slice_make(numbers, sizeof numbers));
    hash = hash * 1099511628211ull + ruleset_hash(correlation->expression_text);
    for (size_t i = 0; i < correlation->reference_count; i++)
        hash = hash * 1099511628211ull +
               ruleset_hash(slice_string(ruleset->definitions[correlation->references[i]]->rule.id));
    for (size_t i = 0; i < correlation->group_count; i++)
        hash = hash * 1099511628211ull + ruleset_hash(slice_string(correlation->group_names[i]));
    for (size_t i = 0; i < correlation->reference_count * correlation->group_count; i++)
        hash = hash * 1099511628211ull + ruleset_hash(ruleset->fields[correlation->group_fields[i]].name);
    for (size_t i = 0; i < correlation->value_count; i++)
        hash = hash * 1099511628211ull + ruleset_hash(ruleset->fields[correlation->value_fields[i]].name);
    return hash;
}

static void resolve_groups(struct ruleset *ruleset, const struct indices *indices,
                           struct correlation *correlation) {
    correlation->group_fields =
        rule_memory_new(&ruleset->memory, correlation->reference_count * correlation->group_count *
                                              sizeof *correlation->group_fields);
    for (size_t r = 0; r < correlation->reference_count; r++) {
        const struct definition *reference = find(indices, correlation->reference_texts[r]);
        for (size_t g = 0; g < correlation->group_count; g++) {
            uint32_t *field = &correlation->group_fields[r * correlation->group_count + g];
            *field = correlation->group_plain[g];
            for (size_t a = 0; a < correlation->alias_count; a++)
                if (strcmp(correlation->aliases[a].name, correlation->group_names[g]) == 0)
                    *field = correlation->aliases[a].fields[alias_of(indices, &correlation->aliases[a], reference)];
        }
    }
}

static void resolve(struct ruleset *ruleset, const struct indices *indices) {
    for (size_t i = 0; i < ruleset->definition_count; i++)
        ruleset->definitions[i]->rule.generates = true;
    bool *wanted = memory_new_array(ruleset->definition_count + 1, sizeof *wanted);
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        struct correlation *correlation = ruleset->definitions[i]->correlation;
        if (!correlation)
            continue;
        correlation->references =
            rule_memory_new(&ruleset->memory, correlation->reference_count * sizeof *correlation->references);
        for (size_t r = 0; r < correlation->reference_count; r++) {
            struct definition *reference = find(indices, correlation->reference_texts[r]);
            correlation->references[r] = reference->rule.index;
            wanted[reference->rule.index] |= ruleset->definitions[i]->generate;
            reference->rule.generates = wanted[reference->rule.index];
        }
        resolve_groups(ruleset, indices, correlation);
        correlation->fingerprint = fingerprint(correlation, ruleset);
    }
    free(wanted);
}

static void build_feeds(struct ruleset *ruleset) {
    uint32_t count = 0;
    for (size_t i = 0; i < ruleset->definition_count; i++)
        if (ruleset->definitions[i]->correlation)
            count += (uint32_t)ruleset->definitions[i]->correlation->reference_count;
    ruleset->feeds = memory_new_array((size_t)count + 1, sizeof *ruleset->feeds);
    for (uint32_t c = 0; c < ruleset->definition_count; c++) {
        const struct correlation *correlation = ruleset->definitions[c]->correlation;
        for (uint32_t r = 0; correlation && r < correlation->reference_count; r++)
            ruleset->rules[correlation->references[r]].feed_count++;
    }
    uint32_t first = 0;
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        ruleset->rules[i].first_feed = first;
        first += ruleset->rules[i].feed_count;
        ruleset->rules[i].feed_count = 0;
    }
    for (uint32_t c = 0; c < ruleset->definition_count; c++) {
        const struct correlation *correlation = ruleset->definitions[c]->correlation;
        for (uint32_t r = 0; correlation && r < correlation->reference_count; r++) {
            struct compiled_rule *rule = &ruleset->rules[correlation->references[r]];
            ruleset->feeds[rule->first_feed + rule->feed_count++] = (struct feed){c, r};
        }
    }
    ruleset->feed_count = count;
}

/* How many nodes a program needs; a condition that names a selection again and again repeats it. */
static uint64_t node_total(const struct expression *expression) {
    uint64_t total = 1;
    for (size_t i = 0; i < expression->count && total <= PROGRAM_NODES_MOST; i++)
        total += node_total(expression->parts[i]);
    return total;
}

static void flatten(struct ruleset *ruleset, const struct expression *expression) {
    uint32_t at = ruleset->node_count++;
    for (size_t i = 0; i < expression->count; i++)
        flatten(ruleset, expression->parts[i]);
    uint32_t value = expression->kind == EXPRESSION_TEST ? expression->predicate : expression->least;
    ruleset->nodes[at] = (struct program_node){expression->kind, value, ruleset->node_count};
}

static void refuse_long(struct ruleset *ruleset) {
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        struct definition *definition = ruleset->definitions[i];
        if (definition->expression && !definition->refused &&
            node_total(definition->expression) > PROGRAM_NODES_MOST)
            refuse(ruleset, definition, "the rule is too long", "split it");
    }
}

static bool build_programs(struct ruleset *ruleset, struct fault *fault) {
    uint64_t total = 0;
    for (size_t i = 0; i < ruleset->definition_count; i++)
        if (ruleset->definitions[i]->expression)
            total += node_total(ruleset->definitions[i]->expression);
    if (total > PROGRAMS_MOST)
        return fault_set(fault, FAULT_LIMIT, "the rules together are too long: load fewer");
    ruleset->nodes = memory_new_array(total + 1, sizeof *ruleset->nodes);
    ruleset->rules = memory_new_array(ruleset->definition_count + 1, sizeof *ruleset->rules);
    for (size_t i = 0; i < ruleset->definition_count; i++) {
        ruleset->rules[i].program = ruleset->node_count;
        ruleset->rules[i].logsource = ruleset->definitions[i]->logsource;
        if (ruleset->definitions[i]->expression)
            flatten(ruleset, ruleset->definitions[i]->expression);
    }
    return true;
}

bool ruleset_compile(struct ruleset *ruleset, const struct ruleset_options *options, struct fault *fault) {
    if (ruleset->compiled)
        return fault_set(fault, FAULT_USAGE, "the rules are compiled already");
    ruleset->compiled = true;
    ruleset->without_prefilter = options && options->without_prefilter;
    struct indices indices;
    sigma_read_waiting(ruleset);
    index_make(ruleset, id_of, &indices.ids);
    index_make(ruleset, name_of, &indices.names);
    refuse_doubles(ruleset, &indices.ids, "id");
    refuse_doubles(ruleset, &indices.names, "name");
    for (size_t i = 0; i < ruleset->filter_count; i++)
        apply_filter(ruleset, &indices, ruleset->filters[i]);
    refuse_long(ruleset);
    refuse_ends_of_nothing(ruleset);
    check_correlations(ruleset, &indices);
    place(ruleset, &indices);
    resolve(ruleset, &indices);
    for (size_t i = 0; i < ruleset->definition_count; i++)
        ruleset->outcomes[ruleset->definitions[i]->outcome].rule = &ruleset->definitions[i]->rule;
    free(indices.ids.sorted);
    free(indices.names.sorted);
    if (!build_programs(ruleset, fault))
        return false;
    build_feeds(ruleset);
    return prefilter_build(ruleset, fault);
}
