/* What standards ask of a retention policy, and what a policy falls short of. */
#ifndef TOCSIN_RETENTION_STANDARD_H
#define TOCSIN_RETENTION_STANDARD_H

#include "retention_policy.h"

enum retention_standard {
    STANDARD_CABF_BR,         /* CA/Browser Forum, Baseline Requirements for TLS server certificates */
    STANDARD_SECURITY_MANUAL, /* CAcert, Security Manual 4.2.1 */
};
bool retention_standard_by_name(struct slice name, enum retention_standard *ret_standard);
const char *retention_standard_name(enum retention_standard standard);
const char *retention_standard_title(enum retention_standard standard);

/* The table that is shipped: the Security Manual's, with a veto window of 7 days. */
struct retention_policy retention_policy_shipped(void);

struct retention_requirement {
    enum event_class class;
    bool has_minimum, has_maximum;
    struct term minimum; /* to be kept at least so long */
    struct term maximum; /* and no longer than this */
    const char *what;    /* whose records these are */
    const char *source;  /* section */
    const char *where;   /* the condition under which it is one at all; NULL: always */
};

enum retention_lack { LACK_MINIMUM, LACK_MAXIMUM };
struct retention_shortfall {
    const struct retention_requirement *requirement;
    enum retention_lack lack;
    struct term is; /* what the policy says */
};

/* The requirements of a standard. */
size_t retention_standard_requirements(enum retention_standard standard,
                                       const struct retention_requirement **ret_requirements);
/* Writes at most `room` shortfalls, in the order of the requirements; returns how many there are, those of requirements with a
 * condition included: whether it is met is not the policy's to say. */
size_t retention_check(const struct retention_policy *policy, enum retention_standard standard,
                       struct retention_shortfall *ret_shortfalls, size_t room);
#define RETENTION_SHORTFALLS_MOST 64u

#endif
