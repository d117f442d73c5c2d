/* Placeholders: what `|expand` stands for, out of documents of their own (`vars:`, as pySigma's pipelines have it).
 *
 * Such a document may come behind the rules that need it: these wait, and are read again when all is loaded. */
#include <stdlib.h>
#include <strings.h>

#include "memory.h"
#include "sigma.h"

#define PLACEHOLDERS_MOST 1000u
#define PLACEHOLDER_VALUES_MOST 10000u

const struct placeholder *ruleset_placeholder(const struct ruleset *ruleset, struct slice name) {
    for (size_t i = 0; i < ruleset->placeholder_count; i++)
        if (slice_equal(slice_string(ruleset->placeholders[i].name), name))
            return &ruleset->placeholders[i];
    return NULL;
}

static bool keep(struct loading *loading, const struct yaml_node *key, const struct yaml_node *value) {
    struct ruleset *ruleset = loading->ruleset;
    struct placeholder placeholder = {.file = loading->file, .line = key->line};
    const struct placeholder *known = ruleset_placeholder(ruleset, key->text);
    if (!sigma_text(loading, key, "vars: a name", &placeholder.name))
        return false;
    if (known)
        return sigma_refuse(loading, key, "join the two lists", "vars: '%.64s' has values already, by %.200s:%u",
                            known->name, known->file, known->line);
    if (ruleset->placeholder_count == PLACEHOLDERS_MOST)
        return sigma_refuse(loading, key, "take some out", "vars: more than %u names", PLACEHOLDERS_MOST);
    if (!sigma_texts(loading, value, "vars: a value", PLACEHOLDER_VALUES_MOST, &placeholder.values,
                     &placeholder.count))
        return false;
    ruleset->placeholders = memory_resize(ruleset->placeholders, ruleset->placeholder_count + 1,
                                          sizeof *ruleset->placeholders);
    ruleset->placeholders[ruleset->placeholder_count++] = placeholder;
    return true;
}

bool sigma_placeholders(struct loading *loading, const struct yaml_node *root) {
    static const char *const known[] = {"vars", "name", "title", "description", "author", "priority"};
    const struct yaml_node *vars = yaml_find(root, "vars");
    for (size_t i = 0; i < root->count; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            found |= slice_equal(root->keys[i].text, slice_string(known[k]));
        if (!found)
            return sigma_refuse(loading, &root->keys[i], "keep name and vars; rules need no transformation here",
                                "vars: '%.*s' has no place beside it",
                                SLICE_ARG(slice_head(root->keys[i].text, 64)));
    }
    if (vars->kind != YAML_MAP || vars->count == 0)
        return sigma_refuse(loading, vars, "vars: {NAME: [value, …]}", "vars: not a map of names and values");
    for (size_t i = 0; i < vars->count; i++)
        if (!keep(loading, &vars->keys[i], &vars->values[i]))
            return false;
    return true;
}

void sigma_wait(struct ruleset *ruleset, const struct waiting *waiting) {
    ruleset->waiting =
        memory_resize(ruleset->waiting, ruleset->waiting_count + 1, sizeof *ruleset->waiting);
    ruleset->waiting[ruleset->waiting_count++] = *waiting;
}
