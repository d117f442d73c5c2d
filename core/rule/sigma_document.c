/* One document of a rule file: what kind it is, and everything around its detection. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "sigma.h"

#define RULE_TITLE_MOST 512u
#define RULE_TEXT_MOST 8192u
#define RULE_TAGS_MOST 200u

bool sigma_text(struct loading *loading, const struct yaml_node *node, const char *what,
                const char **ret_text) {
    if (node->kind != YAML_SCALAR || yaml_is_null(node) || node->text.size == 0)
        return sigma_refuse(loading, node, "write a text behind the colon", "%s is no text", what);
    if (node->text.size > RULE_TEXT_MOST || slice_find_byte(node->text, 0) != SIZE_MAX)
        return sigma_refuse(loading, node, "shorten it", "%s is longer than %u bytes or holds a NUL", what,
                            RULE_TEXT_MOST);
    *ret_text = (const char *)node->text.data;
    return true;
}

bool sigma_truth(struct loading *loading, const struct yaml_node *node, const char *what, bool *ret_truth) {
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    for (size_t i = 0; node->kind == YAML_SCALAR && i < sizeof yes / sizeof *yes; i++) {
        if (slice_equal_caseless(node->text, slice_string(yes[i])) ||
            slice_equal_caseless(node->text, slice_string(no[i]))) {
            *ret_truth = slice_equal_caseless(node->text, slice_string(yes[i]));
            return true;
        }
    }
    return sigma_refuse(loading, node, "write true or false", "%s is neither true nor false", what);
}

bool sigma_texts(struct loading *loading, const struct yaml_node *node, const char *what, size_t most,
                 const char ***ret_texts, size_t *ret_count) {
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    if (node->kind == YAML_MAP || count == 0 || count > most)
        return sigma_refuse(loading, node, "write a list", "%s is no list of 1 to %zu texts", what, most);
    const char **texts = rule_memory_new(loading->memory, count * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        if (!sigma_text(loading, node->kind == YAML_LIST ? &node->values[i] : node, what, &texts[i]))
            return false;
    *ret_texts = texts;
    *ret_count = count;
    return true;
}

static bool is_uuid(const char *text) {
    if (strlen(text) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
            return false;
    }
    return true;
}

/* Texts at the top of a document that are kept. */
static bool read_texts(struct loading *loading, const struct yaml_node *root, struct rule *rule) {
    const struct yaml_node *title = yaml_find(root, "title"), *id = yaml_find(root, "id");
    const struct yaml_node *name = yaml_find(root, "name"), *status = yaml_find(root, "status");
    if (!title)
        return sigma_refuse(loading, root, "add one: what an alert of this rule is called",
                            "there is no title");
    if (!sigma_text(loading, title, "title", &rule->title) ||
        (id && !sigma_text(loading, id, "id", &rule->id)) ||
        (name && !sigma_text(loading, name, "name", &rule->name)) ||
        (status && !sigma_text(loading, status, "status", &rule->status)))
        return false;
    if (title->text.size > RULE_TITLE_MOST)
        return sigma_refuse(loading, title, "shorten it", "the title is longer than %u bytes",
                            RULE_TITLE_MOST);
    if (id && !is_uuid(rule->id))
        return sigma_refuse(loading, id, "make one with uuidgen", "the id is no UUID");
    if (!id)
        rule->id = rule_memory_printf(loading->memory, "%s#%u", rule->file, rule->line);
    return true;
}

static bool read_level(struct loading *loading, const struct yaml_node *root, struct rule *rule) {
    const struct yaml_node *level = yaml_find(root, "level"), *tags = yaml_find(root, "tags");
    static const char *const statuses[] = {"stable", "test", "experimental", "deprecated", "unsupported"};
    bool known = !rule->status;
    for (size_t i = 0; rule->status && i < sizeof statuses / sizeof *statuses; i++)
        known |= strcmp(rule->status, statuses[i]) == 0;
    if (!known)
        return sigma_refuse(loading, yaml_find(root, "status"),
                            "one of: stable, test, experimental, deprecated, unsupported",
                            "unknown status '%.64s'", rule->status);
    if (rule->status && strcmp(rule->status, "unsupported") == 0)
        return sigma_refuse(loading, yaml_find(root, "status"), "mend it, and give it another status",
                            "its author says that it cannot be used as it is (status: unsupported)");
    if (rule->status && strcmp(rule->status, "deprecated") == 0)
        sigma_remark(loading, "deprecated: another rule has taken its place");
    rule->level = LEVEL_MEDIUM;
    if (level && (level->kind != YAML_SCALAR || !rule_level_by_name(level->text, &rule->level)))
        return sigma_refuse(loading, level, "one of: informational, low, medium, high, critical",
                            "unknown level");
    const char **texts = NULL;
    if (tags && !yaml_is_null(tags) && !(tags->kind == YAML_LIST && tags->count == 0) &&
        !sigma_texts(loading, tags, "tags", RULE_TAGS_MOST, &texts, &rule->tag_count))
        return false;
    rule->tags = texts;
    return true;
}

/* Fields by other names than Sigma's would never be found. ECS names are what records hold. */
static bool read_taxonomy(struct loading *loading, const struct yaml_node *root) {
    static const char *const known[] = {"sigma", "ecs", "tocsin"};
    const struct yaml_node *node = yaml_find(root, "taxonomy");
    for (size_t i = 0; node && node->kind == YAML_SCALAR && i < sizeof known / sizeof *known; i++)
        if (slice_equal_caseless(node->text, slice_string(known[i])))
            return true;
    return !node || sigma_refuse(loading, node, "rename its fields to Sigma's or ECS's, and leave taxonomy out",
                                 "the taxonomy '%.*s' is not known here",
                                 SLICE_ARG(slice_head(node->text, 64)));
}

static bool source_word(struct loading *loading, const struct yaml_node *map, const char *key,
                        uint32_t *ret_name) {
    const struct yaml_node *node = yaml_find(map, key);
    const char *text;
    *ret_name = 0;
    if (!node || yaml_is_null(node))
        return true;
    if (!sigma_text(loading, node, key, &text))
        return false;
    char folded[64];
    size_t size = strlen(text);
    if (size > sizeof folded)
        return sigma_refuse(loading, node, "shorten it", "logsource: %s is longer than %zu bytes", key,
                            sizeof folded);
    for (size_t i = 0; i < size; i++)
        folded[i] = (char)pattern_fold((uint8_t)text[i]);
    *ret_name = symbols_add(loading->ruleset->source_names, slice_make(folded, size));
    return *ret_name || sigma_refuse(loading, node, "load fewer rules", "too many different log sources");
}

static bool read_logsource(struct loading *loading, const struct yaml_node *root, uint32_t *ret_logsource) {
    const struct yaml_node *map = yaml_find(root, "logsource");
    struct logsource source;
    if (!map || map->kind != YAML_MAP)
        return sigma_refuse(loading, map ? map : root,
                            "for instance: logsource: {product: linux, service: sshd}",
                            "there is no logsource, or it is no map");
    if (!source_word(loading, map, "product", &source.product) ||
        !source_word(loading, map, "category", &source.category) ||
        !source_word(loading, map, "service", &source.service))
        return false;
    *ret_logsource = ruleset_logsource(loading->ruleset, source);
    return *ret_logsource != UINT32_MAX ||
           sigma_refuse(loading, map, "load fewer rules", "too many different log sources");
}

static bool read_rule(struct loading *loading, const struct yaml_node *root, struct definition *definition) {
    const struct yaml_node *detection = yaml_find(root, "detection"),
                           *correlation = yaml_find(root, "correlation");
    struct rule *rule = &definition->rule;
    if (!read_taxonomy(loading, root) || !read_texts(loading, root, rule) || !read_level(loading, root, rule) ||
        !sigma_own(loading, root, definition))
        return false;
    if (detection && correlation)
        return sigma_refuse(loading, root, "make two documents of it",
                            "a document is a rule or a correlation, not both");
    if (correlation) {
        const struct yaml_node *generate = yaml_find(root, "generate");
        rule->correlation = true;
        return (!generate || sigma_truth(loading, generate, "generate", &definition->generate)) &&
               sigma_correlation(loading, correlation, definition);
    }
    if (!detection)
        return sigma_refuse(loading, root, "add one; see rules/ for examples",
                            "there is no detection, correlation or filter");
    return read_logsource(loading, root, &definition->logsource) &&
           (definition->expression = sigma_detection(loading, detection, NULL)) != NULL;
}

static bool read_filter(struct loading *loading, const struct yaml_node *root, struct filter *filter) {
    const struct yaml_node *map = yaml_find(root, "filter"), *rules = yaml_find(map, "rules");
    if (!read_taxonomy(loading, root))
        return false;
    if (map->kind != YAML_MAP)
        return sigma_refuse(loading, map, "rules, selections and a condition stand below it",
                            "filter: not a map");
    if (!rules)
        return sigma_refuse(loading, map, "name the rules, or write rules: any",
                            "filter: there are no rules");
    filter->any = rules->kind == YAML_SCALAR && slice_equal_caseless(rules->text, SLICE("any"));
    if (!filter->any && !sigma_texts(loading, rules, "filter: rules", RULESET_RULES_MOST, &filter->targets,
                                     &filter->target_count))
        return false;
    if (!read_logsource(loading, root, &filter->logsource) ||
        !(filter->expression = sigma_detection(loading, map, "rules")))
        return false;
    if (!sigma_denies(filter->expression))
        sigma_remark(loading, "nothing in its condition is denied: its rules match only where it holds; "
                              "to take events out write `not selection`");
    return true;
}

struct ruleset_outcome *sigma_outcome(struct ruleset *ruleset, const char *file, uint32_t line) {
    if ((ruleset->outcome_count & (ruleset->outcome_count - 1)) == 0)
        ruleset->outcomes =
            memory_resize(ruleset->outcomes, ruleset->outcome_count ? ruleset->outcome_count * 2 : 1,
                          sizeof *ruleset->outcomes);
    struct ruleset_outcome *outcome = &ruleset->outcomes[ruleset->outcome_count++];
    *outcome = (struct ruleset_outcome){
        .file = file, .id = "", .title = "", .line = line, .column = 1, .reason = "", .hint = "", .remark = ""};
    return outcome;
}

static const char *word_of(const struct yaml_node *root, const char *key) {
    const struct yaml_node *node = yaml_find(root, key);
    return node && node->kind == YAML_SCALAR ? (const char *)node->text.data : "";
}

static void keep_filter(struct ruleset *ruleset, const struct filter *filter) {
    ruleset->filters = memory_resize(ruleset->filters, ruleset->filter_count + 1, sizeof *ruleset->filters);
    struct filter *kept = rule_memory_new(&ruleset->memory, sizeof *kept);
    *kept = *filter;
    ruleset->filters[ruleset->filter_count++] = kept;
}

static void keep_definition(struct ruleset *ruleset, const struct definition *definition) {
    size_t count = ruleset->definition_count;
    if ((count & (count - 1)) == 0)
        ruleset->definitions =
            memory_resize(ruleset->definitions, count ? count * 2 : 1, sizeof *ruleset->definitions);
    struct definition *kept = rule_memory_new(&ruleset->memory, sizeof *kept);
    *kept = *definition;
    ruleset->definitions[ruleset->definition_count++] = kept;
}

void sigma_remark(struct loading *loading, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct ruleset_outcome *outcome = &loading->ruleset->outcomes[loading->outcome];
    outcome->remark = *outcome->remark
                          ? rule_memory_printf(loading->memory, "%s; %s", outcome->remark, text)
                          : rule_memory_text(loading->memory, slice_string(text));
}

static bool read_filter_document(struct loading *loading, const struct yaml_node *root) {
    struct ruleset *ruleset = loading->ruleset;
    if (ruleset->filter_count == RULESET_FILTERS_MOST)
        return sigma_refuse(loading, root, "join some of them", "more than %u filters", RULESET_FILTERS_MOST);
    struct filter filter = {.outcome = loading->outcome, .line = root->line, .column = root->column};
    if (!read_filter(loading, root, &filter))
        return false;
    keep_filter(ruleset, &filter);
    return true;
}

static bool read_document(struct loading *loading, const struct yaml_node *root) {
    struct ruleset *ruleset = loading->ruleset;
    struct ruleset_outcome *outcome = &ruleset->outcomes[loading->outcome];
    if (root->kind != YAML_MAP)
        return sigma_refuse(loading, root, "a rule begins with `title:`", "not a map: no rule");
    outcome->id = word_of(root, "id");
    outcome->title = word_of(root, "title");
    outcome->kind = yaml_find(root, "filter")        ? RULESET_FILTER
                    : yaml_find(root, "correlation") ? RULESET_CORRELATION
                    : yaml_find(root, "vars")        ? RULESET_PLACEHOLDERS
                                                     : RULESET_RULE;
    if (ruleset->definition_count + ruleset->filter_count >= RULESET_RULES_MOST)
        return sigma_refuse(loading, root, "load fewer", "more than %u rules", RULESET_RULES_MOST);
    if (outcome->kind == RULESET_PLACEHOLDERS)
        return sigma_placeholders(loading, root);
    if (outcome->kind == RULESET_FILTER)
        return read_filter_document(loading, root);
    struct definition definition = {.outcome = loading->outcome, .column = root->column};
    definition.rule.file = loading->file;
    definition.rule.line = root->line;
    if (!read_rule(loading, root, &definition))
        return false;
    keep_definition(ruleset, &definition);
    return true;
}

static void tell(struct loading *loading, const struct yaml_node *root, bool loaded) {
    struct ruleset_outcome *outcome = &loading->ruleset->outcomes[loading->outcome];
    outcome->loaded = loaded;
    outcome->line = loaded ? root->line : loading->refusal.line;
    outcome->column = loaded ? 1 : loading->refusal.column;
    outcome->reason = loaded ? "" : loading->refusal.reason;
    outcome->hint = loaded ? "" : loading->refusal.hint;
}

static bool read_part(struct loading *loading, struct sigma_collection *collection, struct yaml_part part,
                      struct yaml_node *ret_root) {
    bool rule;
    if (!sigma_yaml_parse(loading->memory, part, ret_root, &loading->refusal) ||
        !sigma_collection_apply(loading, collection, ret_root, &rule))
        return false;
    if (rule)
        return read_document(loading, ret_root);
    loading->ruleset->outcomes[loading->outcome].kind = RULESET_TEMPLATE;
    return true;
}

void sigma_document(struct ruleset *ruleset, const char *file, struct yaml_part part,
                    struct sigma_collection *collection) {
    struct loading loading = {.ruleset = ruleset,
                              .memory = &ruleset->memory,
                              .file = file,
                              .outcome = (uint32_t)ruleset->outcome_count};
    struct yaml_node root;
    sigma_outcome(ruleset, file, part.line);
    tell(&loading, &root, read_part(&loading, collection, part, &root));
    if (loading.waits)
        sigma_wait(ruleset, &(struct waiting){file, loading.outcome, root});
}

void sigma_read_waiting(struct ruleset *ruleset) {
    for (size_t i = 0; i < ruleset->waiting_count; i++) {
        const struct waiting *waiting = &ruleset->waiting[i];
        struct loading loading = {.ruleset = ruleset,
                                  .memory = &ruleset->memory,
                                  .file = waiting->file,
                                  .outcome = waiting->outcome};
        ruleset->outcomes[waiting->outcome].remark = "";
        tell(&loading, &waiting->root, read_document(&loading, &waiting->root));
    }
}
