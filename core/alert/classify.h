/* Which severity class and priority an alert has, and why, in words (Security Manual 5.3.1; the table is
 * data).
 *
 * A rule's own `tocsin: {severity, priority}` wins; otherwise ATT&CK tactics in its tags and its level
 * decide, the tactic that is told first among several. No tactic: class 1. Nothing here ever gives 3c: that
 * is a person's word. Class 4 needs the service's own probe to have failed in the same window
 * (`service_failed`). A rule may say itself `because` of what its alerts have their class. */
#ifndef TOCSIN_CLASSIFY_H
#define TOCSIN_CLASSIFY_H

#include "rule.h"

#define CLASSIFY_WHY_SIZE 256

struct classify_context {
    bool core_service;   /* the host or service is a signer, OCSP, CRL or the collector itself */
    bool succeeded;      /* the attempt is known to have succeeded */
    bool service_failed; /* the service's own probe failed or degraded in the same window */
};

struct classification {
    enum severity severity;
    enum priority priority;
    char why[CLASSIFY_WHY_SIZE]; /* one or two sentences */
};

/* `context` may be NULL: none of it is known. */
void classify_rule(const struct rule *rule, const struct classify_context *context,
                   struct classification *ret);

#endif
