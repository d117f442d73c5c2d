#include "retention_standard.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MONTHS(n)                                                                                            \
    { TERM_MONTHS, (n) }
#define LIFE(n)                                                                                              \
    { TERM_SYSTEM_LIFE, (n) }
#define FOR_EVER                                                                                             \
    { TERM_INDEFINITE, 0 }

/* Baseline Requirements for TLS server certificates, version 2.2.6. Audit logs are kept for two years: security events from the
 * event on (5.4.3 (3)), those of a subscriber certificate's life from its end on (5.4.3 (2)), those of a CA's key and
 * certificates from the destruction of the key or the end of the last of them on (5.4.3 (1)); the archive no shorter (5.5.2).
 * Terms here count from the event. A certificate that lives may be one of 398 days until April 2027, of 200 days from then on
 * (6.3.2): an event at its issuance is so much older than its end, and what was verified before it may have been used again
 * for another 398 days (4.2.1). */
#define BR_SECURITY 24u
#define BR_DAYS_398 14u /* months that have 398 days for certain */
#define BR_SUBSCRIBER (BR_SECURITY + BR_DAYS_398)
#define BR_VERIFIED (BR_SUBSCRIBER + BR_DAYS_398)
#define BR_SECURITY_EVENTS "Baseline Requirements 5.4.1 (3), 5.4.3 (3)"
#define BR_ROUTERS "Baseline Requirements 5.4.1 (3), 5.4.1.1, 5.4.3 (3)"
#define BR_SUBSCRIBERS "Baseline Requirements 5.4.1 (2), 5.4.3 (2), 6.3.2"
#define BR_VERIFICATION "Baseline Requirements 5.4.1 (2), 5.4.3 (2), 4.2.1, 6.3.2"
#define BR_CA "Baseline Requirements 5.4.1 (1), 5.4.3 (1)"
#define BR_ARCHIVE "Baseline Requirements 5.5.1 (1), 5.5.2 (1)"

#define BR_ROW(class, months, what, source)                                                                  \
    { class, true, false, MONTHS(months), FOR_EVER, what, source, NULL }
/* A CA's key is no older than the host that keeps it. */
#define BR_CA_ROW(class, what)                                                                               \
    { class, true, false, LIFE(24), FOR_EVER, what, BR_CA, "where a host keeps a CA's key" }

static const struct retention_requirement cabf_br[] = {
    BR_ROW(CLASS_JOURNAL, BR_SECURITY, "security events: what the audit system did", BR_SECURITY_EVENTS),
    BR_ROW(CLASS_NETWORK, BR_SECURITY, "security events: router and firewall activities", BR_ROUTERS),
    BR_ROW(CLASS_SYSTEM, BR_SECURITY, "security events: software installed and removed, crashes, failures",
           BR_SECURITY_EVENTS),
    BR_ROW(CLASS_ACCESS, BR_SECURITY, "security events: successful and unsuccessful attempts at access",
           BR_SECURITY_EVENTS),
    BR_ROW(CLASS_APPLICATION, BR_SECURITY, "security events: actions on PKI systems", BR_SECURITY_EVENTS),
    {CLASS_APPLICATION, true, false, MONTHS(BR_VERIFIED), FOR_EVER,
     "verification of applicants, until 2 years behind the end of the certificates that rest on it",
     BR_VERIFICATION, "where it is logged as this class"},
    BR_ROW(CLASS_SIGNING, BR_SUBSCRIBER,
           "certificates' life: requests, until 2 years behind the certificate's end", BR_SUBSCRIBERS),
    BR_CA_ROW(CLASS_SIGNING, "requests for CA certificates, until 2 years behind the end of the CA's key"),
    BR_ROW(CLASS_CONFIGURATION, BR_SECURITY, "security events: changes of security profiles",
           BR_SECURITY_EVENTS),
    BR_CA_ROW(CLASS_CONFIGURATION,
              "a CA's keys, devices and certificate profiles, until 2 years behind the end of its key"),
    BR_ROW(CLASS_REPORT, BR_SECURITY, "documentation related to the security of systems", BR_ARCHIVE),
    BR_ROW(CLASS_ISSUED, BR_SUBSCRIBER,
           "certificates' life: issuance and CRLs, until 2 years behind the certificate's end",
           BR_SUBSCRIBERS),
    BR_CA_ROW(CLASS_ISSUED, "CA certificates and their CRLs, until 2 years behind the end of the CA's key"),
    BR_ROW(CLASS_REVOCATION, BR_SUBSCRIBER,
           "certificates' life: requests for revocation, until 2 years behind the certificate's end",
           BR_SUBSCRIBERS),
    BR_CA_ROW(CLASS_REVOCATION,
              "revocation of CA certificates, until 2 years behind the end of the CA's key"),
};

#define MANUAL "Security Manual 4.2.1"
static const struct retention_requirement security_manual[] = {
    {CLASS_JOURNAL, true, true, MONTHS(24), LIFE(12), "the event log: decisions and alerts", MANUAL, NULL},
    {CLASS_NETWORK, true, true, MONTHS(6), MONTHS(12), "anomalous network traffic", MANUAL, NULL},
    {CLASS_SYSTEM, true, true, MONTHS(6), MONTHS(12), "system activity", MANUAL, NULL},
    {CLASS_ACCESS, true, true, MONTHS(6), MONTHS(12), "logins and root access", MANUAL, NULL},
    {CLASS_APPLICATION, true, true, MONTHS(6), MONTHS(12), "application logs", MANUAL, NULL},
    {CLASS_SIGNING, true, true, MONTHS(24), MONTHS(36), "requests for signing", MANUAL, NULL},
    {CLASS_CONFIGURATION, true, true, LIFE(0), LIFE(12), "configuration changes", MANUAL, NULL},
    {CLASS_REPORT, true, true, FOR_EVER, FOR_EVER, "incident reports and their excerpts", MANUAL, NULL},
    {CLASS_ISSUED, true, true, MONTHS(24), MONTHS(36), "certificates and CRLs issued", MANUAL, NULL},
    {CLASS_REVOCATION, true, true, MONTHS(24), MONTHS(36), "requests for revocation", MANUAL, NULL},
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

/* A system's life may end the day after the event: of "system life + 12 months" twelve months are certain. */
static bool is_below(struct term minimum, struct term required) {
    return required.kind == TERM_MONTHS && minimum.kind == TERM_SYSTEM_LIFE
               ? minimum.months < required.months
               : term_compare(minimum, required) < 0;
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
        if (row->has_minimum && is_below(minimum, row->minimum) && found++ < room)
            ret_shortfalls[found - 1] = low;
        if (row->has_maximum && term_compare(maximum, row->maximum) > 0 && found++ < room)
            ret_shortfalls[found - 1] = high;
    }
    return found;
}
