#include "retention_standard.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MONTHS(n)                                                                                            \
    { TERM_MONTHS, (n) }
#define LIFE(n)                                                                                              \
    { TERM_SYSTEM_LIFE, (n) }
#define FOR_EVER                                                                                             \
    { TERM_INDEFINITE, 0 }

/* Subscribers' records are kept for two years behind the end of their certificate, which may have been valid for 398 days: an
 * event at its issuance is that much older. */
#define BR_YEARS 24u
#define BR_SUBSCRIBER (BR_YEARS + 14u)
#define BR_AUDIT "Baseline Requirements 5.4.1 (3), 5.4.3 (3)"
#define BR_SUBSCRIBERS "Baseline Requirements 5.4.1 (2), 5.4.3 (2), 6.3.2"

static const struct retention_requirement cabf_br[] = {
    {CLASS_JOURNAL, true, false, MONTHS(BR_YEARS), FOR_EVER, "security events: what the audit system did",
     BR_AUDIT},
    {CLASS_NETWORK, true, false, MONTHS(BR_YEARS), FOR_EVER,
     "security events: router and firewall activities", BR_AUDIT},
    {CLASS_SYSTEM, true, false, MONTHS(BR_YEARS), FOR_EVER,
     "security events: software installed and removed, crashes, failures", BR_AUDIT},
    {CLASS_ACCESS, true, false, MONTHS(BR_YEARS), FOR_EVER,
     "security events: successful and unsuccessful attempts at access", BR_AUDIT},
    {CLASS_APPLICATION, true, false, MONTHS(BR_YEARS), FOR_EVER, "security events: actions on PKI systems",
     BR_AUDIT},
    {CLASS_SIGNING, true, false, MONTHS(BR_SUBSCRIBER), FOR_EVER,
     "certificates' life: requests, until 2 years behind the certificate's end", BR_SUBSCRIBERS},
    {CLASS_CONFIGURATION, true, false, MONTHS(BR_YEARS), FOR_EVER,
     "security events: changes of security profiles", BR_AUDIT},
    {CLASS_ISSUED, true, false, MONTHS(BR_SUBSCRIBER), FOR_EVER,
     "certificates' life: issuance and CRLs, until 2 years behind the certificate's end", BR_SUBSCRIBERS},
    {CLASS_REVOCATION, true, false, MONTHS(BR_SUBSCRIBER), FOR_EVER,
     "certificates' life: requests for revocation, until 2 years behind the certificate's end",
     BR_SUBSCRIBERS},
};

#define MANUAL "Security Manual 4.2.1"
static const struct retention_requirement security_manual[] = {
    {CLASS_JOURNAL, true, true, MONTHS(24), LIFE(12), "the event log: decisions and alerts", MANUAL},
    {CLASS_NETWORK, true, true, MONTHS(6), MONTHS(12), "anomalous network traffic", MANUAL},
    {CLASS_SYSTEM, true, true, MONTHS(6), MONTHS(12), "system activity", MANUAL},
    {CLASS_ACCESS, true, true, MONTHS(6), MONTHS(12), "logins and root access", MANUAL},
    {CLASS_APPLICATION, true, true, MONTHS(6), MONTHS(12), "application logs", MANUAL},
    {CLASS_SIGNING, true, true, MONTHS(24), MONTHS(36), "requests for signing", MANUAL},
    {CLASS_CONFIGURATION, true, true, LIFE(0), LIFE(12), "configuration changes", MANUAL},
    {CLASS_REPORT, true, true, FOR_EVER, FOR_EVER, "incident reports and their excerpts", MANUAL},
    {CLASS_ISSUED, true, true, MONTHS(24), MONTHS(36), "certificates and CRLs issued", MANUAL},
    {CLASS_REVOCATION, true, true, MONTHS(24), MONTHS(36), "requests for revocation", MANUAL},
};

static const struct {
    const char *name, *title;
    const struct retention_requirement *requirements;
    size_t count;
} standards[] = {
    [STANDARD_CABF_BR] = {"cabf-br", "CA/Browser Forum, Baseline Requirements for TLS Server Certificates",
                          cabf_br, COUNT(cabf_br)},
    [STANDARD_SECURITY_MANUAL] = {"security-manual", "CAcert, Security Manual", security_manual,
                                  COUNT(security_manual)},
};

bool retention_standard_by_name(struct slice name, enum retention_standard *ret_standard) {
    for (size_t i = 0; i < COUNT(standards); i++)
        if (slice_equal(name, slice_string(standards[i].name))) {
            *ret_standard = (enum retention_standard)i;
            return true;
        }
    return false;
}

const char *retention_standard_name(enum retention_standard standard) {
    return standards[standard].name;
}

const char *retention_standard_title(enum retention_standard standard) {
    return standards[standard].title;
}

struct retention_policy retention_policy_shipped(void) {
    struct retention_policy policy = {.veto_days = 7};
    for (size_t i = 0; i < COUNT(security_manual); i++) {
        const struct retention_requirement *row = &security_manual[i];
        policy.classes[row->class].there = true;
        policy.classes[row->class].minimum = row->minimum;
        policy.classes[row->class].maximum = row->maximum;
    }
    return policy;
}

size_t retention_standard_requirements(enum retention_standard standard,
                                       const struct retention_requirement **ret_requirements) {
    *ret_requirements = standards[standard].requirements;
    return standards[standard].count;
}

size_t retention_check(const struct retention_policy *policy, enum retention_standard standard,
                       struct retention_shortfall *ret_shortfalls, size_t room) {
    const struct term for_ever = FOR_EVER;
    size_t found = 0;
    for (size_t i = 0; i < standards[standard].count; i++) {
        const struct retention_requirement *row = &standards[standard].requirements[i];
        bool there = policy->classes[row->class].there;
        struct term minimum = there ? policy->classes[row->class].minimum : for_ever;
        struct term maximum = there ? policy->classes[row->class].maximum : for_ever;
        struct retention_shortfall low = {row, LACK_MINIMUM, minimum}, high = {row, LACK_MAXIMUM, maximum};
        if (row->has_minimum && term_compare(minimum, row->minimum) < 0 && found++ < room)
            ret_shortfalls[found - 1] = low;
        if (row->has_maximum && term_compare(maximum, row->maximum) > 0 && found++ < room)
            ret_shortfalls[found - 1] = high;
    }
    return found;
}
