/* A set of Sigma rules: loaded out of memory, compiled once, then immutable and shared by any number of
 * detectors.
 *
 * Use: ruleset_create, ruleset_add for each file, ruleset_compile, then detectors (detector.h). Every
 * document in every file gets an outcome: loaded, or refused with file, line, column, reason and hint. A
 * refused document never stops the others, and nothing is dropped in silence. A correlation whose rules turn
 * out refused or missing is refused by ruleset_compile, so outcomes are complete only after it.
 *
 * Field names are interned in the table given, which the decoders' records use, too; the ruleset borrows it
 * and writes to it only in ruleset_create and ruleset_add. Texts are copied. No file is opened here. Sources:
 * Sigma specification 2.1.0 (rules, modifiers, correlations, filters). */
#ifndef TOCSIN_RULESET_H
#define TOCSIN_RULESET_H

#include "fault.h"
#include "rule.h"
#include "symbols.h"

#define RULESET_RULES_MOST 50000u
#define RULESET_FILE_MOST (4u * 1024 * 1024) /* bytes of one file */
#define RULESET_DOCUMENTS_MOST 1000u         /* in one file */

struct ruleset;

/* What a document is. Templates are `action: global` and `reset`; placeholders (`vars:`) give `|expand` its values. */
enum ruleset_kind {
    RULESET_RULE,
    RULESET_CORRELATION,
    RULESET_FILTER,
    RULESET_PLACEHOLDERS,
    RULESET_TEMPLATE,
};

struct ruleset_outcome {
    enum ruleset_kind kind;
    const char *file;
    const char *id;    /* "" where it has none or could not be read */
    const char *title; /* likewise */
    bool loaded;
    uint32_t line, column; /* from 1; of the mistake, or of the document where it loaded */
    const char *reason;    /* "" where it loaded */
    const char *hint;      /* what to do about it; "" where there is nothing to say */
    const char *remark;    /* what its author should look at although it loaded; "" where there is nothing */
    const struct rule *rule; /* what it has become, after ruleset_compile; NULL where it is none or was refused */
};

const char *ruleset_kind_name(enum ruleset_kind kind); /* "rule" */

struct ruleset_options {
    bool without_prefilter; /* every rule of a log source is evaluated for every event: slow, for proofs */
};

struct ruleset *ruleset_create(struct symbols *symbols);
struct ruleset *ruleset_destroy(struct ruleset *ruleset); /* after its detectors; returns NULL */

/* Loads every document of a file. Returns how many of them were refused. */
size_t ruleset_add(struct ruleset *ruleset, const char *file, struct slice text);

/* Resolves correlations and filters and builds the programs and the prefilter. Once; `options` may be NULL.
 * Fails only for a limit or when the matcher cannot be built: rules that cannot be resolved are refused in
 * their outcomes. */
bool ruleset_compile(struct ruleset *ruleset, const struct ruleset_options *options, struct fault *fault);

size_t ruleset_outcome_count(const struct ruleset *ruleset);
struct ruleset_outcome ruleset_outcome(const struct ruleset *ruleset, size_t index);

/* Rules that loaded; index from 0. After ruleset_compile. */
size_t ruleset_rule_count(const struct ruleset *ruleset);
const struct rule *ruleset_rule(const struct ruleset *ruleset, size_t index);
const struct rule *ruleset_rule_by_id(const struct ruleset *ruleset,
                                      struct slice id); /* NULL where there is none */

#endif
