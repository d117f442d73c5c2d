#include "command_judge.h"

#include <string.h>

#include "plugin_output.h"

#define STATUS_UNKNOWN 3

bool command_judge_end(const struct command_end *end, struct liveness_report *report) {
    char span[LIVENESS_SPAN_SIZE];
    if (!liveness_check(report, CHECK_COMMAND_START, end->how != COMMAND_NOT_STARTED, "%s",
                        end->how == COMMAND_NOT_STARTED ? end->reason : "it ran"))
        return false;
    switch (end->how) {
    case COMMAND_LATE:
        return liveness_check(report, CHECK_COMMAND_END, false, "still running after %s, and killed",
                              liveness_span(end->took_us, span));
    case COMMAND_FLOODED:
        return liveness_check(report, CHECK_COMMAND_END, false, "killed: it wrote more than %zu bytes",
                              end->output.size > end->error.size ? end->output.size : end->error.size);
    case COMMAND_SIGNALLED:
        return liveness_check(report, CHECK_COMMAND_END, false, "ended by signal %d", end->number);
    case COMMAND_EXITED:
    case COMMAND_NOT_STARTED:
        break;
    }
    return liveness_check(report, CHECK_COMMAND_END, true, "status %d", end->number);
}

static void judge_value(const struct plugin_value *value, struct liveness_report *report) {
    char label[LIVENESS_PLAIN_SIZE], unit[LIVENESS_PLAIN_SIZE];
    if (!value->known)
        return;
    bool critical = plugin_range_alerts(&value->critical, value->value),
         warn = plugin_range_alerts(&value->warn, value->value);
    liveness_check(report, CHECK_COMMAND_RANGES, !critical && !warn, "%s = %g%.8s: %s",
                   liveness_plain(value->label, label), value->value, liveness_plain(value->unit, unit),
                   critical ? "critical by its own range"
                   : warn   ? "a warning by its own range"
                            : "within");
}

static void judge_data(const struct plugin_output *output, struct liveness_report *report) {
    struct plugin_value value;
    char plain[LIVENESS_PLAIN_SIZE];
    unsigned count = 0;
    for (size_t i = 0; i < 2; i++)
        for (struct slice rest = output->data[i]; rest.size;) {
            struct fault fault = {0};
            if (plugin_value_next(&rest, &value, &fault)) {
                judge_value(&value, report);
                count++;
            } else if (fault.code != FAULT_NONE) {
                liveness_check(report, CHECK_COMMAND_PERFORMANCE, false, "%s is none",
                               liveness_plain(slice_string(fault.text), plain));
            }
        }
    if (count)
        liveness_check(report, CHECK_COMMAND_PERFORMANCE, true, "%u values", count);
    else
        liveness_skip(report, CHECK_COMMAND_PERFORMANCE, "none");
}

/* The plugin's line stands where it is the reason. */
static void judge_status(struct liveness_report *report, enum liveness_check check, bool good, int status,
                         const char *line) {
    liveness_check(report, check, good, "status %d%s%s", status, good ? "" : ": ", good ? "" : line);
}

void command_judge(const struct command_end *end, struct liveness_report *report) {
    static const struct {
        enum liveness_check check;
        int status;
    } statuses[] = {{CHECK_COMMAND_WARNING, 1}, {CHECK_COMMAND_CRITICAL, 2}};
    struct plugin_output output = plugin_output_read(end->output);
    char line[LIVENESS_PLAIN_SIZE];
    if (!command_judge_end(end, report))
        return;
    bool said = output.line.size != 0;
    struct slice error = slice_head(end->error, slice_find_byte(end->error, '\n'));
    liveness_plain(said ? output.line : error, line);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        judge_status(report, statuses[i].check, end->number != statuses[i].status, end->number, line);
    judge_status(report, CHECK_COMMAND_UNKNOWN, end->number >= 0 && end->number < STATUS_UNKNOWN, end->number,
                 line);
    liveness_check(report, CHECK_COMMAND_OUTPUT, said, "%s", said ? line : "nothing on standard output");
    judge_data(&output, report);
}
