/* Whether a service says of itself that it is well: the status, the body, values in it. Such an answer proves little (most
 * are constants), but its absence proves much. */
#ifndef TOCSIN_SERVICE_JUDGE_H
#define TOCSIN_SERVICE_JUDGE_H

#include "http_judge.h"

#define SERVICE_VALUES_MOST 16u

/* A value in a JSON body, by the names around it joined with dots. */
struct service_value {
    const char *name, *value;
};

struct service_expected {
    const char *statuses; /* "200", "200 204", "2xx"; NULL: 200 */
    const char *
        body; /* without the blanks around it: '*' any bytes, '?' one, '\' takes the next as it is; NULL: any */
    const struct service_value *values;
    size_t value_count;
    const char *source; /* where it is written that it has to be so; NULL: the probe's settings */
};

struct service_preset {
    const char *name;
    const char *path; /* of the health answer, where the target names none */
    struct service_expected expected;
};
const struct service_preset *service_preset_find(const char *name); /* NULL */
const struct service_preset *service_preset_at(size_t index);       /* NULL behind the last */

/* Whether a list of statuses is one. */
bool service_statuses_good(const char *statuses);

/* Adds its findings to the report. */
void service_judge(const struct service_expected *expected, const struct http_answer *answer,
                   struct slice body, struct liveness_report *report);

#endif
