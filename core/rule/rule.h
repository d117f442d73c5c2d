/* A detection rule as its author wrote it: what an alert needs to know of it.
 *
 * Values; everything is borrowed from the ruleset that loaded the rule and lives as long as it does.
 * Source: Sigma specification 2.1.0; the `tocsin:` block is ours and other engines ignore it. */
#ifndef TOCSIN_RULE_H
#define TOCSIN_RULE_H

#include "slice.h"

enum rule_level { LEVEL_INFORMATIONAL = 0, LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH, LEVEL_CRITICAL };
#define RULE_LEVELS 5

/* The Security Manual's scale, 5.3.1. The numbers are names, not an order: severity_notice_rank gives that.
 */
enum severity {
    SEVERITY_UNSET = 0, /* a rule that leaves it to the table */
    SEVERITY_1,         /* undirected failure */
    SEVERITY_2A,        /* automated probe */
    SEVERITY_2B,        /* directed probe */
    SEVERITY_3A,        /* exploit without loss */
    SEVERITY_3B,        /* compromise */
    SEVERITY_3C,        /* breach: a person says so, never the machine */
    SEVERITY_4,         /* denial of service */
};
#define SEVERITIES 8

/* How soon a person must look. */
enum priority { PRIORITY_UNSET = 0, PRIORITY_PAGE, PRIORITY_TODAY, PRIORITY_REVIEW };
#define PRIORITIES 4

struct rule {
    uint32_t index;     /* in its ruleset, from 0 */
    const char *id;     /* its UUID; without one "<file>#<line>" */
    const char *title;  /* never NULL */
    const char *name;   /* what correlations call it; NULL where it has none */
    const char *status; /* "stable", "test", "experimental"; NULL where it has none */
    const char *file;
    uint32_t line; /* where its document begins, from 1 */
    enum rule_level level;
    const char *const *tags; /* as written: "attack.credential-access" */
    size_t tag_count;
    enum severity severity; /* its own `tocsin: {severity}`, or unset */
    enum priority priority; /* its own `tocsin: {priority}`, or unset */
    const char *what_to_do; /* its own `tocsin: {what_to_do}`; NULL where it has none */
    const char *because;    /* why its alerts have their class, in a sentence; NULL where it does not say */
    /* What it tells of and what goes on until a rule `ends` it; NULL where each match is a thing of its own. Of the rules of
     * one trouble one alert is open about an entity, and the first that matches an event speaks for it. */
    const char *trouble;
    bool ends;          /* it tells the end of its trouble, and raises nothing */
    uint64_t repeat_us; /* its alerts that go on are told again so often; 0: as the settings say */
    bool correlation;
    bool generates; /* false: matches only feed correlations (Sigma's `generate`) */
};

const char *rule_level_name(enum rule_level level);
bool rule_level_by_name(struct slice name, enum rule_level *ret_level);

const char *severity_text(enum severity severity); /* "2b"; "" for unset */
const char *severity_name(enum severity severity); /* "directed probe"; "" for unset */
bool severity_by_text(struct slice text, enum severity *ret_severity);
/* 3c, 3b, 4, 3a, 2b, 2a, 1: 7 for the first to tell, 1 for the last, 0 for unset. */
unsigned severity_notice_rank(enum severity severity);

const char *priority_name(enum priority priority); /* "page"; "" for unset */
bool priority_by_name(struct slice name, enum priority *ret_priority);

#endif
