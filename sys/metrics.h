/* Prometheus' text format (0.0.4), written to a buffer. Its overflow is the one error, checked once at the
 * end.
 *
 *     metrics_begin(to, "tocsin_events_total", METRICS_COUNTER, "Events stored.");
 *     metrics_value(to, "tocsin_events_total", (struct metrics_label[]){{"class", name}}, 1, count);
 */
#ifndef TOCSIN_METRICS_H
#define TOCSIN_METRICS_H

#include "buffer.h"

enum metrics_kind { METRICS_COUNTER, METRICS_GAUGE };

struct metrics_label {
    const char *name;
    const char *value; /* any bytes but NUL; escaped here */
};

/* Once for each name, before its values. */
void metrics_begin(struct buffer *to, const char *name, enum metrics_kind kind, const char *help);
void metrics_value(struct buffer *to, const char *name, const struct metrics_label *labels,
                   size_t label_count, double value);
/* A name with one value and no labels. */
void metrics_counter(struct buffer *to, const char *name, const char *help, uint64_t value);
void metrics_gauge(struct buffer *to, const char *name, const char *help, double value);
/* process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds. */
void metrics_process(struct buffer *to);

#endif
