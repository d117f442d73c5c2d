/* Sigma documents as definitions: the reading half of the rule engine; for the files of this folder alone.
 *
 * A function that refuses fills loading->refusal and returns false or NULL. */
#ifndef TOCSIN_SIGMA_H
#define TOCSIN_SIGMA_H

#include "ruleset_parts.h"

#define SIGMA_SELECTIONS_MOST 1000u
#define SIGMA_CONDITION_DEPTH_MOST 32u
#define SIGMA_CONDITION_MOST 16384u /* bytes */

struct loading {
    struct ruleset *ruleset;
    struct rule_memory *memory;
    const char *file;
    uint32_t outcome; /* number of the document's */
    struct refusal refusal;
    bool waits; /* refused for want of a placeholder's value, which a later file may bring */
};

/* What the caller may return at once. `hint` is a literal or lives in the memory. */
bool sigma_refuse(struct loading *loading, const struct yaml_node *at, const char *hint, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

struct expression *sigma_test(struct loading *loading, const struct yaml_node *at,
                              const struct predicate *predicate);
struct expression *sigma_join(struct loading *loading, enum expression_kind kind, struct expression **parts,
                              size_t count);
struct expression *sigma_not(struct loading *loading, struct expression *part);
/* Whether a `not` stands anywhere in it. */
bool sigma_denies(const struct expression *expression);

/* "field|modifier|…: values" (sigma_item.c); a keyword has no field and its key is NULL. */
struct expression *sigma_item(struct loading *loading, const struct yaml_node *key,
                              const struct yaml_node *value);

/* A detection section: selections and a condition. `skip` names a key that is neither, or NULL. */
struct expression *sigma_detection(struct loading *loading, const struct yaml_node *map, const char *skip);

/* A condition's text over parts that have names. */
struct selections {
    size_t count;
    struct slice *names;
    struct expression **expressions;
    bool *used; /* set for those that the condition reaches */
};
struct expression *sigma_condition(struct loading *loading, const struct selections *selections,
                                   const struct yaml_node *node);

/* The correlation's own condition (sigma_correlation_condition.c). */
bool sigma_correlation_condition(struct loading *loading, const struct yaml_node *map,
                                 struct correlation *correlation);

bool sigma_correlation(struct loading *loading, const struct yaml_node *map, struct definition *definition);

/* Our own block, `tocsin:`, where there is one (sigma_own.c). */
bool sigma_own(struct loading *loading, const struct yaml_node *root, struct definition *definition);

/* A new outcome, not loaded and without a reason; the pointer lives until the next one is made. */
struct ruleset_outcome *sigma_outcome(struct ruleset *ruleset, const char *file, uint32_t line);

/* What the documents of one file leave to those behind them (sigma_collection.c). Begins zeroed. */
struct sigma_collection {
    bool has_global, has_previous;
    struct yaml_node global, previous;
    uint32_t nodes; /* copied so far */
};

/* Makes the document whole. *ret_rule: whether it is more than a template for others. */
bool sigma_collection_apply(struct loading *loading, struct sigma_collection *collection,
                            struct yaml_node *root, bool *ret_rule);

bool sigma_placeholders(struct loading *loading, const struct yaml_node *root);
/* Keeps a document that was refused for want of a placeholder, until all are known. */
void sigma_wait(struct ruleset *ruleset, const struct waiting *waiting);

/* Loads one document into the ruleset, and its outcome. */
void sigma_document(struct ruleset *ruleset, const char *file, struct yaml_part part,
                    struct sigma_collection *collection);
/* Once everything is there: those that waited. */
void sigma_read_waiting(struct ruleset *ruleset);

/* Adds a remark to the outcome of the document under way. */
void sigma_remark(struct loading *loading, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Helpers for reading settings: the text of a scalar; a duration such as 5m, up to CORRELATION_TIMESPAN_MOST_US; a truth
 * value. */
bool sigma_text(struct loading *loading, const struct yaml_node *node, const char *what,
                const char **ret_text);
bool sigma_duration(struct loading *loading, const struct yaml_node *node, const char *what, uint64_t *ret_us);
bool sigma_truth(struct loading *loading, const struct yaml_node *node, const char *what, bool *ret_truth);
/* A scalar or a list of scalars, not empty. */
bool sigma_texts(struct loading *loading, const struct yaml_node *node, const char *what, size_t most,
                 const char ***ret_texts, size_t *ret_count);

#endif
