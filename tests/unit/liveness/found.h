/* What a report has to hold: one check that fails, and no other. */
#ifndef TOCSIN_TEST_FOUND_H
#define TOCSIN_TEST_FOUND_H

#include "liveness_report.h"

/* All checks on. */
void found_begin(struct liveness_report *report);
/* Those of the names, separated by blanks, have failed, and no others; NULL: none has. */
void found_expect(const struct liveness_report *report, const char *names);
/* What was seen by that check contains the text. */
void found_seen(const struct liveness_report *report, enum liveness_check check, const char *text);

#endif
