/* How long a day of the log was: its marks are to be a day apart, because maximum and minimum count from them (log-format:
 * Retention: "Day marks over 25 witnessed hours apart are a finding").
 *
 * A day that was longer is explained when the log stood still: the collector was down, and marked the first commit after it.
 * It is a finding when agents' entries within it are of later than 25 hours behind its opening mark: the collector was at work,
 * and did not mark. A person's decision settles that one (DECISION_ACKNOWLEDGE of the subject "day-N", N its opening mark's
 * ctl_seq). Times are the witnesses' where both marks were witnessed, else the collector's. */
#ifndef TOCSIN_RETENTION_DAYS_H
#define TOCSIN_RETENTION_DAYS_H

#include "retention_unit.h"

#define RETENTION_DAY_LONG_US (25ull * 3600 * 1000000)

enum day_verdict {
    DAY_GOOD,
    DAY_PAUSED,   /* longer, and explained */
    DAY_UNMARKED, /* longer, and not */
    DAY_SETTLED,  /* the same, and a person has said that it is known */
};

struct day_length {
    enum day_verdict verdict;
    bool witnessed;
    uint64_t us;
    char text[RETENTION_TEXT_SIZE]; /* one sentence; empty for DAY_GOOD */
};

/* Of a day that is closed. */
struct day_length retention_day_length(const struct retention_ledger *ledger, const struct agent_registry *registry,
                                       const struct retention_day *day, const struct retention_clock *clock);

/* "day-17": what a decision about the day has for its subject. */
#define DAY_SUBJECT_SIZE 32u
void retention_day_subject(uint64_t day, char ret_subject[DAY_SUBJECT_SIZE]);

#endif
