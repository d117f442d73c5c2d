#include "rule.h"

static const char *const levels[RULE_LEVELS] = {"informational", "low", "medium", "high", "critical"};

static const struct {
    const char *text, *name;
    unsigned rank;
} severities[SEVERITIES] = {
    [SEVERITY_UNSET] = {"", "", 0},
    [SEVERITY_1] = {"1", "undirected failure", 1},
    [SEVERITY_2A] = {"2a", "automated probe", 2},
    [SEVERITY_2B] = {"2b", "directed probe", 3},
    [SEVERITY_3A] = {"3a", "exploit without loss", 4},
    [SEVERITY_3B] = {"3b", "compromise", 6},
    [SEVERITY_3C] = {"3c", "breach", 7},
    [SEVERITY_4] = {"4", "denial of service", 5},
};

static const char *const priorities[PRIORITIES] = {"", "page", "today", "review"};

const char *rule_level_name(enum rule_level level) {
    return (unsigned)level < RULE_LEVELS ? levels[level] : "";
}

bool rule_level_by_name(struct slice name, enum rule_level *ret_level) {
    for (unsigned i = 0; i < RULE_LEVELS; i++) {
        if (slice_equal_caseless(name, slice_string(levels[i]))) {
            *ret_level = (enum rule_level)i;
            return true;
        }
    }
    return false;
}

const char *severity_text(enum severity severity) {
    return (unsigned)severity < SEVERITIES ? severities[severity].text : "";
}

const char *severity_name(enum severity severity) {
    return (unsigned)severity < SEVERITIES ? severities[severity].name : "";
}

unsigned severity_notice_rank(enum severity severity) {
    return (unsigned)severity < SEVERITIES ? severities[severity].rank : 0;
}

bool severity_by_text(struct slice text, enum severity *ret_severity) {
    for (unsigned i = 1; i < SEVERITIES; i++) {
        if (slice_equal_caseless(text, slice_string(severities[i].text))) {
            *ret_severity = (enum severity)i;
            return true;
        }
    }
    return false;
}

const char *priority_name(enum priority priority) {
    return (unsigned)priority < PRIORITIES ? priorities[priority] : "";
}

bool priority_by_name(struct slice name, enum priority *ret_priority) {
    for (unsigned i = 1; i < PRIORITIES; i++) {
        if (slice_equal_caseless(name, slice_string(priorities[i]))) {
            *ret_priority = (enum priority)i;
            return true;
        }
    }
    return false;
}
