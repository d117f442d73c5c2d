#include "classify.h"

#include <stdio.h>

/* Rows by tactic, columns by level (informational counts as low). */
static const struct {
    const char *tactic;        /* as in tags, behind "attack." */
    enum severity by_level[4]; /* low, medium, high, critical */
} tactics[] = {
    {"reconnaissance", {SEVERITY_2A, SEVERITY_2A, SEVERITY_2B, SEVERITY_2B}},
    {"resource-development", {SEVERITY_2A, SEVERITY_2A, SEVERITY_2B, SEVERITY_2B}},
    {"initial-access",
     {SEVERITY_2A, SEVERITY_2A, SEVERITY_2B, SEVERITY_2B}}, /* 3a if critical and succeeded */
    {"credential-access", {SEVERITY_2A, SEVERITY_2B, SEVERITY_3A, SEVERITY_3B}},
    {"discovery", {SEVERITY_1, SEVERITY_2B, SEVERITY_3A, SEVERITY_3A}},
    {"execution", {SEVERITY_1, SEVERITY_2B, SEVERITY_3A, SEVERITY_3B}},
    {"persistence", {SEVERITY_1, SEVERITY_2B, SEVERITY_3A, SEVERITY_3B}},
    {"privilege-escalation", {SEVERITY_1, SEVERITY_2B, SEVERITY_3A, SEVERITY_3B}},
    {"defense-evasion", {SEVERITY_1, SEVERITY_2B, SEVERITY_3A, SEVERITY_3B}},
    {"stealth", {SEVERITY_1, SEVERITY_2B, SEVERITY_3A, SEVERITY_3B}},
    {"defense-impairment", {SEVERITY_1, SEVERITY_2B, SEVERITY_3A, SEVERITY_3B}},
    {"lateral-movement", {SEVERITY_2B, SEVERITY_3A, SEVERITY_3B, SEVERITY_3B}},
    {"collection", {SEVERITY_2B, SEVERITY_3A, SEVERITY_3B, SEVERITY_3B}},
    {"command-and-control", {SEVERITY_2B, SEVERITY_3A, SEVERITY_3B, SEVERITY_3B}},
    {"exfiltration", {SEVERITY_2B, SEVERITY_3B, SEVERITY_3B, SEVERITY_3B}},
    {"impact", {SEVERITY_1, SEVERITY_3A, SEVERITY_3B, SEVERITY_3B}}, /* T1498, T1499: see flooded */
};
#define TACTICS (sizeof tactics / sizeof *tactics)

/* Older rules write attack.initial_access. */
static bool tag_is(const char *tag, const char *tactic) {
    static const char prefix[] = "attack.";
    if (strncmp(tag, prefix, sizeof prefix - 1) != 0)
        return false;
    for (tag += sizeof prefix - 1; *tag && *tactic; tag++, tactic++)
        if ((*tag == '_' ? '-' : *tag) != *tactic)
            return false;
    return *tag == *tactic;
}

static bool has_technique(const struct rule *rule, const char *technique) {
    size_t size = strlen(technique);
    for (size_t i = 0; i < rule->tag_count; i++)
        if (strncmp(rule->tags[i], technique, size) == 0 &&
            (rule->tags[i][size] == 0 || rule->tags[i][size] == '.'))
            return true;
    return false;
}

static bool is_flood(const struct rule *rule) {
    return has_technique(rule, "attack.t1498") || has_technique(rule, "attack.t1499");
}

struct choice {
    enum severity severity;
    const char *tactic;
    const char *because; /* what changed the table's answer; NULL: nothing */
};

static struct choice choose(const struct rule *rule, size_t tactic, const struct classify_context *context) {
    size_t column = rule->level > LEVEL_LOW ? (size_t)rule->level - LEVEL_LOW : 0;
    struct choice choice = {tactics[tactic].by_level[column], tactics[tactic].tactic, NULL};
    bool critical = rule->level == LEVEL_CRITICAL;
    if (critical && context->succeeded && strcmp(choice.tactic, "initial-access") == 0)
        choice = (struct choice){SEVERITY_3A, choice.tactic, "the attempt succeeded"};
    if (critical && strcmp(choice.tactic, "impact") == 0 && is_flood(rule))
        choice = context->service_failed
                     ? (struct choice){SEVERITY_4, choice.tactic,
                                       "the service's own probe failed at the same time"}
                     : (struct choice){SEVERITY_2B, choice.tactic, "the service still answers its probe"};
    return choice;
}

static struct choice look_up(const struct rule *rule, const struct classify_context *context) {
    struct choice best = {SEVERITY_1, NULL, NULL};
    for (size_t i = 0; i < rule->tag_count; i++) {
        for (size_t t = 0; t < TACTICS; t++) {
            if (!tag_is(rule->tags[i], tactics[t].tactic))
                continue;
            struct choice choice = choose(rule, t, context);
            if (!best.tactic || severity_notice_rank(choice.severity) > severity_notice_rank(best.severity))
                best = choice;
        }
    }
    return best;
}

static void explain(const struct rule *rule, const struct choice *choice, struct classification *ret) {
    const char *level = rule_level_name(rule->level), *text = severity_text(ret->severity);
    if (rule->because && !choice->because)
        snprintf(ret->why, sizeof ret->why, "Class %s (%s): %s", text, severity_name(ret->severity),
                 rule->because);
    else if (rule->severity != SEVERITY_UNSET)
        snprintf(ret->why, sizeof ret->why, "Class %s (%s): the rule says so.", text,
                 severity_name(ret->severity));
    else if (!choice->tactic)
        snprintf(ret->why, sizeof ret->why, "Class %s (%s): level %s, and the rule names no attack tactic.",
                 text, severity_name(ret->severity), level);
    else
        snprintf(ret->why, sizeof ret->why, "Class %s (%s): tactic %s at level %s%s%s.", text,
                 severity_name(ret->severity), choice->tactic, level, choice->because ? "; " : "",
                 choice->because ? choice->because : "");
}

static enum priority priority_of(const struct rule *rule, enum severity severity,
                                 const struct classify_context *context) {
    if (rule->priority != PRIORITY_UNSET)
        return rule->priority;
    if (severity_notice_rank(severity) >= severity_notice_rank(SEVERITY_3A))
        return PRIORITY_PAGE;
    if (rule->level == LEVEL_CRITICAL && context->core_service)
        return PRIORITY_PAGE;
    return severity == SEVERITY_2B || rule->level >= LEVEL_HIGH ? PRIORITY_TODAY : PRIORITY_REVIEW;
}

void classify_rule(const struct rule *rule, const struct classify_context *context,
                   struct classification *ret) {
    static const struct classify_context nothing = {0};
    if (!context)
        context = &nothing;
    struct choice choice = look_up(rule, context);
    ret->severity = rule->severity != SEVERITY_UNSET ? rule->severity : choice.severity;
    ret->priority = priority_of(rule, ret->severity, context);
    explain(rule, &choice, ret);
    size_t used = strlen(ret->why);
    if (rule->level == LEVEL_CRITICAL && context->core_service && ret->priority == PRIORITY_PAGE)
        snprintf(ret->why + used, sizeof ret->why - used, " Critical, on a core service.");
}
