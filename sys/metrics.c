#include "metrics.h"

#include <math.h>

#include "process.h"

static void metrics_number(struct buffer *to, double value) {
    if (value == floor(value) && fabs(value) < 9007199254740992.0) /* whole numbers are exact up to 2^53 */
        buffer_printf(to, " %.0f\n", value);
    else if (isfinite(value))
        buffer_printf(to, " %.17g\n", value);
    else
        buffer_append_string(to, isnan(value) ? " NaN\n" : value > 0 ? " +Inf\n" : " -Inf\n");
}

/* Backslash and newline everywhere, the double quote in values alone. */
static void metrics_escape(struct buffer *to, const char *text, bool quoted) {
    for (; *text; text++) {
        if (*text == '\\')
            buffer_append_string(to, "\\\\");
        else if (*text == '\n')
            buffer_append_string(to, "\\n");
        else if (*text == '"' && quoted)
            buffer_append_string(to, "\\\"");
        else
            buffer_append(to, text, 1);
    }
}

void metrics_begin(struct buffer *to, const char *name, enum metrics_kind kind, const char *help) {
    buffer_printf(to, "# HELP %s ", name);
    metrics_escape(to, help, false);
    buffer_printf(to, "\n# TYPE %s %s\n", name, kind == METRICS_COUNTER ? "counter" : "gauge");
}

void metrics_value(struct buffer *to, const char *name, const struct metrics_label *labels,
                   size_t label_count, double value) {
    buffer_append_string(to, name);
    for (size_t i = 0; i < label_count; i++) {
        buffer_printf(to, "%s%s=\"", i ? "," : "{", labels[i].name);
        metrics_escape(to, labels[i].value, true);
        buffer_append_string(to, "\"");
    }
    if (label_count)
        buffer_append_string(to, "}");
    metrics_number(to, value);
}

void metrics_counter(struct buffer *to, const char *name, const char *help, uint64_t value) {
    metrics_begin(to, name, METRICS_COUNTER, help);
    metrics_value(to, name, NULL, 0, (double)value);
}

void metrics_gauge(struct buffer *to, const char *name, const char *help, double value) {
    metrics_begin(to, name, METRICS_GAUGE, help);
    metrics_value(to, name, NULL, 0, value);
}

void metrics_process(struct buffer *to) {
    struct process_usage usage = process_usage();
    metrics_begin(to, "process_cpu_seconds_total", METRICS_COUNTER, "User and system time in seconds.");
    metrics_value(to, "process_cpu_seconds_total", NULL, 0, (double)usage.cpu_us / 1e6);
    metrics_gauge(to, "process_resident_memory_bytes", "Resident memory.", (double)usage.resident_bytes);
    metrics_gauge(to, "process_open_fds", "Open descriptors.", (double)usage.descriptors);
}
