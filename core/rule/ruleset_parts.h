/* What a ruleset is made of; for the files of this folder alone.
 *
 * While loading: definitions, filters, expressions, interned fields, predicates and log sources. After ruleset_compile:
 * programs, the prefilter's anchors and who feeds which correlation. All in the ruleset's memory but what says otherwise. */
#ifndef TOCSIN_RULESET_PARTS_H
#define TOCSIN_RULESET_PARTS_H

#include "predicate.h"
#include "ruleset.h"
#include "sigma_yaml.h"

#ifdef TOCSIN_HYPERSCAN
#include <hs/hs.h>
#endif

#define RULESET_PREDICATES_MOST 2000000u
#define RULESET_FIELDS_MOST 60000u
#define RULESET_LOGSOURCES_MOST 4096u
#define RULESET_FILTERS_MOST 200u /* they nest */
#define CORRELATION_REFERENCES_MOST 64u
#define CORRELATION_GROUPS_MOST 8u
#define CORRELATION_COUNT_MOST 10000u /* events or values that a condition may ask for */
#define CORRELATION_TIMESPAN_MOST_US (400ull * 86400 * 1000000)
#define CORRELATION_TEMPORAL_KEEP 16u /* matches remembered for each rule of a temporal correlation */

/* Fields that the detector itself looks at; a rule's own follow. */
enum {
    FIELD_NONE = 0,
    FIELD_KEYWORDS, /* no field of the record: the text of the event */
    FIELD_MESSAGE,
    FIELD_ORIGINAL,
    FIELD_HOST,
    FIELD_SOURCE_IP,
    FIELD_USER,
    FIELD_PRODUCT,
    FIELD_CATEGORY,
    FIELD_SERVICE,
    FIELD_REPEATED,
    FIELD_TIME,
    FIELDS_FIXED
};

enum expression_kind { EXPRESSION_AND, EXPRESSION_OR, EXPRESSION_NOT, EXPRESSION_SOME, EXPRESSION_TEST };

struct expression {
    enum expression_kind kind;
    uint32_t least;     /* EXPRESSION_SOME: how many parts must hold */
    uint32_t predicate; /* EXPRESSION_TEST */
    size_t count;
    struct expression **parts;
};

/* Names interned in ruleset->source_names; 0: any. */
struct logsource {
    uint32_t product, category, service;
};

enum correlation_type {
    CORRELATION_EVENT_COUNT,
    CORRELATION_VALUE_COUNT,
    CORRELATION_VALUE_SUM,
    CORRELATION_VALUE_AVERAGE,
    CORRELATION_VALUE_PERCENTILE, /* the number at a rank */
    CORRELATION_VALUE_SHARE,      /* a value's part of all of them, in percent */
    CORRELATION_TEMPORAL,
    CORRELATION_TEMPORAL_ORDERED,
};

/* A group-by name that stands for another field in each rule. */
struct correlation_alias {
    const char *name;
    size_t count;
    const char **rules; /* names or ids as written */
    uint32_t *fields;
    uint32_t line, column;
};

struct correlation {
    enum correlation_type type;
    size_t reference_count;
    const char **reference_texts; /* names or ids as written */
    uint32_t *references;         /* rule indices, once resolved */
    size_t alias_count;
    struct correlation_alias *aliases;
    size_t group_count;
    const char **group_names;
    uint32_t *group_plain;  /* [group]: the field of that very name */
    uint32_t *group_fields; /* [reference * group_count + group], once resolved */
    size_t value_count;
    uint32_t *value_fields; /* the fields whose values are counted together; the one that is summed or ranked */
    double percent;         /* VALUE_PERCENTILE: which rank */
    uint64_t timespan_us;
    double least, most; /* condition: least <= what was counted or measured <= most */
    bool unequal;       /* and it is not `other` */
    double other;
    struct expression *expression; /* TEMPORAL: over references in place of predicates; NULL: a count of rules */
    struct slice expression_text;
    uint64_t *ways; /* TEMPORAL_ORDERED: sets of references, a bit each, one of which must occur in order */
    size_t way_count;
    bool at_close;        /* no single event can fulfil it: it is decided when the window has closed */
    uint64_t fingerprint; /* a change of it makes saved state useless */
};

/* Whether the condition holds of what was counted or measured. */
static inline bool correlation_holds(const struct correlation *correlation, double measure) {
    return measure >= correlation->least && measure <= correlation->most &&
           !(correlation->unequal && measure == correlation->other);
}

/* Whether the condition of a temporal correlation holds of a set of its rules, a bit each, in any order (correlate.c). */
bool correlation_rules_hold(const struct correlation *correlation, uint64_t seen);

struct definition {
    struct rule rule;
    uint32_t outcome;
    uint32_t column;
    bool refused; /* by ruleset_compile */
    uint32_t logsource;
    struct expression *expression;   /* NULL for a correlation */
    struct correlation *correlation; /* NULL for a plain rule */
    bool generate;                   /* a correlation that wants its rules' own alerts, too */
    uint32_t trouble;                /* rule.trouble's number from 1, in ruleset->troubles; 0: none */
    uint32_t *entity_fields;         /* its own `tocsin: {entity}` */
    size_t entity_count;             /* 0: source, user and host */
};

struct filter {
    uint32_t outcome, line, column;
    bool any; /* for every rule of its log source */
    size_t target_count;
    const char **targets;
    uint32_t logsource;
    struct expression *expression;
};

/* What `%name%` stands for where a value is expanded. */
struct placeholder {
    const char *name;
    const char **values;
    size_t count;
    const char *file;
    uint32_t line;
};

/* A document that needs a placeholder which nothing has given a value yet. */
struct waiting {
    const char *file;
    uint32_t outcome;
    struct yaml_node root;
};

/* A node of a program: its parts follow it, `end` is the one behind the last. */
struct program_node {
    enum expression_kind kind;
    uint32_t value; /* TEST: predicate; SOME: how many */
    uint32_t end;
};

/* A literal (or regular expression) that some rules cannot match without. */
struct anchor {
    uint32_t field;
    bool whole; /* the whole value must equal it (folded) */
    bool regex; /* `text` is a regular expression with `flags` */
    uint32_t flags;
    struct slice text;     /* folded */
    uint32_t first, count; /* in anchor_rules */
};

struct feed {
    uint32_t correlation; /* rule index */
    uint32_t reference;   /* which of its references this is */
};

struct compiled_rule {
    uint32_t program; /* first node */
    uint32_t logsource;
    uint32_t first_feed, feed_count;
};

struct field {
    uint32_t symbol; /* 0 for FIELD_KEYWORDS */
    struct slice name;
    uint32_t whole_longest; /* longest whole-value anchor; 0: none */
    uint32_t scanner;       /* number of its scanner from 1; 0: none */
};

/* All anchors of one field that are not whole values. */
struct scanner {
    uint32_t field;
#ifdef TOCSIN_HYPERSCAN
    hs_database_t *database; /* owned by the ruleset; pattern ids are anchor numbers */
#endif
};

struct ruleset {
    struct symbols *symbols;
    struct rule_memory memory;
    bool compiled;
    bool without_prefilter;

    struct ruleset_outcome *outcomes;
    size_t outcome_count;
    struct definition **definitions; /* after compile: the rules by index */
    size_t definition_count;
    struct filter **filters;
    size_t filter_count;

    struct placeholder *placeholders;
    size_t placeholder_count;
    struct waiting *waiting;
    size_t waiting_count;

    struct field *fields;
    uint32_t field_count;
    uint32_t *field_of_symbol; /* [symbol], symbol < field_of_symbol_count */
    uint32_t field_of_symbol_count;

    struct predicate *predicates;
    uint32_t predicate_count;
    uint32_t *predicate_slots; /* open addressing; number + 1 */
    uint32_t predicate_slot_count;

    struct symbols *troubles;
    bool asks_time; /* some rule looks at FIELD_TIME */
    struct symbols *source_names;
    struct logsource *logsources;
    uint32_t logsource_count;

    struct compiled_rule *rules; /* by rule index */
    struct program_node *nodes;
    uint32_t node_count;
    struct feed *feeds;
    uint32_t feed_count;
    struct anchor *anchors;
    uint32_t anchor_count;
    uint32_t *anchor_rules;
    uint32_t anchor_rule_count;
    uint32_t *whole_slots; /* whole-value anchors: number + 1 */
    uint32_t whole_slot_count;
    uint32_t *loose; /* plain rules without an anchor, by log source: [loose_first[s], loose_first[s + 1]) */
    uint32_t *loose_first;
    uint8_t *
        logsource_scanners; /* [logsource * scanner_count + scanner - 1]: whether its rules need that scanner */
    struct scanner *scanners;
    uint32_t scanner_count;
};

/* 0 when there are too many. */
uint32_t ruleset_field(struct ruleset *ruleset, struct slice name);
/* Takes the predicate, or finds its like; PCRE2 code is freed if there was one. UINT32_MAX when there are too many. */
uint32_t ruleset_predicate(struct ruleset *ruleset, const struct predicate *predicate);
/* UINT32_MAX when there are too many. */
uint32_t ruleset_logsource(struct ruleset *ruleset, struct logsource source);

const struct placeholder *ruleset_placeholder(const struct ruleset *ruleset, struct slice name);

uint64_t ruleset_hash(struct slice bytes);
uint64_t ruleset_hash_folded(struct slice bytes);

/* Builds anchors, scanners and whole-value hashes out of the definitions (prefilter.c). */
bool prefilter_build(struct ruleset *ruleset, struct fault *fault);
void prefilter_free(struct ruleset *ruleset);

#endif
