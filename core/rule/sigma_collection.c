/* Several rules out of one file: `action: global` is a template for those behind it, `reset` ends it, `repeat` is the
 * rule before once more with changes. As pySigma reads them: a template's keys win, maps are merged, lists are not;
 * correlations and filters take nothing from a template.
 *
 * An id or a name belongs to one rule. A rule's own stays its own; a template's goes to the first that has none. */
#include <stdlib.h>

#include "sigma.h"

#define COLLECTION_NODES_MOST SIGMA_YAML_NODES_MOST /* copied for one file */

struct merging {
    struct rule_memory *memory;
    uint32_t *nodes;
};

static struct yaml_node merge(struct merging *merging, const struct yaml_node *under,
                              const struct yaml_node *over);

static struct yaml_node merge_maps(struct merging *merging, const struct yaml_node *under,
                                   const struct yaml_node *over) {
    size_t room = under->count + over->count;
    struct yaml_node map = *under;
    map.keys = rule_memory_new(merging->memory, room * sizeof *map.keys);
    map.values = rule_memory_new(merging->memory, room * sizeof *map.values);
    map.count = 0;
    *merging->nodes += (uint32_t)room;
    for (size_t i = 0; i < under->count; i++) {
        const struct yaml_node *other = yaml_find_text(over, under->keys[i].text);
        map.keys[map.count] = under->keys[i];
        map.values[map.count++] = other ? merge(merging, &under->values[i], other) : under->values[i];
    }
    for (size_t i = 0; i < over->count; i++) {
        if (yaml_find_text(under, over->keys[i].text))
            continue;
        map.keys[map.count] = over->keys[i];
        map.values[map.count++] = over->values[i];
    }
    return map;
}

static struct yaml_node merge(struct merging *merging, const struct yaml_node *under,
                              const struct yaml_node *over) {
    return under->kind == YAML_MAP && over->kind == YAML_MAP ? merge_maps(merging, under, over) : *over;
}

/* The map without a key. */
static struct yaml_node without(struct merging *merging, const struct yaml_node *map, const char *key) {
    struct yaml_node copy = *map;
    copy.keys = rule_memory_new(merging->memory, map->count * sizeof *copy.keys);
    copy.values = rule_memory_new(merging->memory, map->count * sizeof *copy.values);
    copy.count = 0;
    *merging->nodes += (uint32_t)map->count;
    for (size_t i = 0; i < map->count; i++) {
        if (slice_equal(map->keys[i].text, slice_string(key)))
            continue;
        copy.keys[copy.count] = map->keys[i];
        copy.values[copy.count++] = map->values[i];
    }
    return copy;
}

static struct yaml_node from_global(struct merging *merging, struct sigma_collection *collection,
                                    const struct yaml_node *root) {
    static const char *const names[] = {"id", "name"};
    struct yaml_node global = collection->global;
    for (size_t i = 0; i < 2; i++)
        if (yaml_find(root, names[i]))
            global = without(merging, &global, names[i]);
    /* What the first takes, nobody takes again. */
    struct yaml_node whole = merge(merging, root, &global);
    for (size_t i = 0; i < 2; i++)
        if (yaml_find(&global, names[i]))
            collection->global = without(merging, &collection->global, names[i]);
    return whole;
}

static struct yaml_node from_previous(struct merging *merging, const struct sigma_collection *collection,
                                      const struct yaml_node *root) {
    struct yaml_node previous = without(merging, &collection->previous, "id");
    previous = without(merging, &previous, "name");
    struct yaml_node own = without(merging, root, "action"), whole = merge(merging, &previous, &own);
    whole.line = root->line;
    whole.column = root->column;
    return whole;
}

static bool act(struct loading *loading, struct merging *merging, struct sigma_collection *collection,
                const struct yaml_node *action, struct yaml_node *root, bool *ret_rule) {
    *ret_rule = false;
    if (action->kind == YAML_SCALAR && slice_equal(action->text, SLICE("global"))) {
        collection->global = without(merging, root, "action");
        collection->previous = collection->global;
        collection->has_global = collection->has_previous = true;
        return true;
    }
    if (action->kind == YAML_SCALAR && slice_equal(action->text, SLICE("reset"))) {
        collection->has_global = false;
        return true;
    }
    if (action->kind != YAML_SCALAR || !slice_equal(action->text, SLICE("repeat")))
        return sigma_refuse(loading, action, "one of: global, reset, repeat", "unknown action '%.*s'",
                            SLICE_ARG(slice_head(action->text, 64)));
    if (!collection->has_previous)
        return sigma_refuse(loading, action, "put the rule that it repeats before it in this file",
                            "action: there is nothing to repeat");
    *root = from_previous(merging, collection, root);
    collection->previous = *root;
    *ret_rule = true;
    return true;
}

bool sigma_collection_apply(struct loading *loading, struct sigma_collection *collection,
                            struct yaml_node *root, bool *ret_rule) {
    struct merging merging = {loading->memory, &collection->nodes};
    const struct yaml_node *action = yaml_find(root, "action");
    if (collection->nodes > COLLECTION_NODES_MOST)
        return sigma_refuse(loading, root, "write the rules out in files of their own",
                            "too much is taken over from the rules before");
    if (action)
        return act(loading, &merging, collection, action, root, ret_rule);
    *ret_rule = true;
    bool plain = root->kind == YAML_MAP && !yaml_find(root, "correlation") && !yaml_find(root, "filter") &&
                 !yaml_find(root, "vars");
    if (!plain)
        return true;
    if (collection->has_global)
        *root = from_global(&merging, collection, root);
    collection->previous = *root;
    collection->has_previous = true;
    return true;
}
