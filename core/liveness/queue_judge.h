/* A queue that should be worked off: the age of its oldest, how many there are, or a number that a command prints; a warning
 * while it rises (BOUND_QUEUE_RISING, BOUND_QUEUE_HIGH), critical at its bound. */
#ifndef TOCSIN_QUEUE_JUDGE_H
#define TOCSIN_QUEUE_JUDGE_H

#include "liveness_report.h"

enum queue_measure { QUEUE_AGE /* microseconds */, QUEUE_COUNT, QUEUE_NUMBER, QUEUE_MEASURES };

/* `what` is said behind the value, "" for nothing. `bound`: 0 judges nothing. */
void queue_judge(enum queue_measure measure, uint64_t value, uint64_t bound, const char *what,
                 struct liveness_report *report);

/* The first line, a whole number from 0 on; blanks around it are fine. */
bool queue_number_read(struct slice output, uint64_t *ret_number, struct fault *fault);

#endif
