/* What the author of rules should know of those that load: which can never match here, which another one makes needless.
 *
 * Over a compiled ruleset; nothing is changed. */
#ifndef TOCSIN_RULESET_REVIEW_H
#define TOCSIN_RULESET_REVIEW_H

#include "ruleset.h"

/* A log source; what is empty may be anything. */
struct rule_source {
    struct slice product, category, service;
};

/* Of a plain rule; false for a correlation, which has none of its own. */
bool ruleset_review_source(const struct ruleset *ruleset, size_t index, struct rule_source *ret_source);

/* Whether there can be an event for the rule. `gives` says so of a log source; a correlation can match where enough of its
 * rules can. */
typedef bool ruleset_review_gives(const void *context, const struct rule_source *source);
bool ruleset_review_can_match(const struct ruleset *ruleset, size_t index, ruleset_review_gives *gives,
                              const void *context);

/* The first other plain rule that matches every event which this one matches, as far as their values show it: there may be
 * one where NULL is returned, and there is where it is not. Of two that say the same the later one is covered. Rules that say
 * nothing by themselves, and those of one trouble, tell nothing twice and are passed over. */
const struct rule *ruleset_review_covered_by(const struct ruleset *ruleset, size_t index, bool *ret_same);

#endif
