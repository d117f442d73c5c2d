#include "found.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct liveness_policy policy;

void found_begin(struct liveness_report *report) {
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(report, &policy);
}

static bool is_named(const char *names, const char *name) {
    char padded[512], wanted[128];
    snprintf(padded, sizeof padded, " %s ", names ? names : "");
    snprintf(wanted, sizeof wanted, " %s ", name);
    return strstr(padded, wanted) != NULL;
}

void found_expect(const struct liveness_report *report, const char *names) {
    size_t failed = 0, due = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct liveness_finding *finding = &report->findings[i];
        const char *name = liveness_check_row(finding->check)->name;
        bool bad = finding->state >= LIVENESS_WARN;
        if (bad != is_named(names, name))
            fail_msg("%s: %s (%s)", name, liveness_state_name(finding->state), finding->seen);
        failed += bad;
    }
    for (const char *at = names; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : "")
        due++;
    assert_int_equal(failed, due);
}

void found_seen(const struct liveness_report *report, enum liveness_check check, const char *text) {
    const struct liveness_finding *finding = liveness_report_find(report, check);
    assert_non_null(finding);
    if (!strstr(finding->seen, text) && !strstr(liveness_finding_due(finding), text))
        fail_msg("'%s' and '%s' without '%s'", finding->seen, liveness_finding_due(finding), text);
}
