#include "queue_judge.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    enum liveness_check at_bound, rising, high;
} checks[QUEUE_MEASURES] = {
    [QUEUE_AGE] = {CHECK_QUEUE_AGE, CHECK_QUEUE_AGE_RISING, CHECK_QUEUE_AGE_HIGH},
    [QUEUE_COUNT] = {CHECK_QUEUE_COUNT, CHECK_QUEUE_COUNT_RISING, CHECK_QUEUE_COUNT_HIGH},
    [QUEUE_NUMBER] = {CHECK_QUEUE_NUMBER, CHECK_QUEUE_NUMBER_RISING, CHECK_QUEUE_NUMBER_HIGH},
};

static const char *amount(enum queue_measure measure, uint64_t value, char text[LIVENESS_SPAN_SIZE]) {
    if (measure == QUEUE_AGE)
        return liveness_span(value, text);
    snprintf(text, LIVENESS_SPAN_SIZE, "%" PRIu64, value);
    return text;
}

/* Of any bound, without overflow. */
static uint64_t share(uint64_t bound, uint64_t percent) {
    return bound / 100 * percent + bound % 100 * percent / 100;
}

void queue_judge(enum queue_measure measure, uint64_t value, uint64_t bound, const char *what,
                 struct liveness_report *report) {
    const struct {
        enum liveness_check check;
        uint64_t from;
    } steps[] = {{checks[measure].at_bound, bound},
                 {checks[measure].high, share(bound, report->policy->values[BOUND_QUEUE_HIGH])},
                 {checks[measure].rising, share(bound, report->policy->values[BOUND_QUEUE_RISING])}};
    char seen[LIVENESS_SPAN_SIZE], due[LIVENESS_SPAN_SIZE];
    amount(measure, value, seen);
    if (bound == 0)
        return;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        /* A share that was rounded down to nothing: an empty queue is no finding. */
        liveness_check(report, steps[i].check, value < steps[i].from || value == 0, "%s%s%s", seen,
                       *what ? ", " : "", what);
        liveness_due(report, steps[i].check, "under %s", amount(measure, steps[i].from, due));
    }
}

bool queue_number_read(struct slice output, uint64_t *ret_number, struct fault *fault) {
    char plain[LIVENESS_PLAIN_SIZE];
    struct slice line = slice_trim(slice_head(output, slice_find_byte(output, '\n')));
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return slice_decimal(line, ret_number) ||
           fault_set(fault, FAULT_FORMAT, "'%s' is no number from 0 on", liveness_plain(line, plain));
}
