/* Reports as JSON and as text. */
#include <inttypes.h>

#include "liveness_report.h"
#include "record_json.h"

static void member(struct buffer *to, const char *name, const char *value) {
    buffer_printf(to, "\"%s\":", name);
    record_json_string(to, slice_string(value));
}

void liveness_checks_json(struct buffer *to, const struct liveness_report *report) {
    buffer_append_string(to, "[");
    for (size_t i = 0; i < report->count; i++) {
        const struct liveness_finding *finding = &report->findings[i];
        const struct liveness_check_row *row = liveness_check_row(finding->check);
        buffer_append_string(to, i ? ",{" : "{");
        member(to, "name", row->name);
        buffer_append_string(to, ",");
        member(to, "state", liveness_state_name(finding->state));
        buffer_append_string(to, ",");
        member(to, "seen", finding->seen);
        buffer_append_string(to, ",");
        member(to, "due", liveness_finding_due(finding));
        buffer_append_string(to, ",");
        member(to, "source", row->source);
        buffer_append_string(to, "}");
    }
    buffer_append_string(to, "]");
}

bool liveness_report_json(struct buffer *to, const struct liveness_report *report, enum liveness_kind kind,
                          const char *target, uint64_t took_us) {
    buffer_append_string(to, "{");
    member(to, "kind", liveness_kind_name(kind));
    buffer_append_string(to, ",");
    member(to, "target", target);
    buffer_append_string(to, ",");
    member(to, "verdict", liveness_verdict_name(report->verdict));
    buffer_append_string(to, ",");
    member(to, "state", liveness_state_name(report->state));
    buffer_append_string(to, ",\"checks\":");
    liveness_checks_json(to, report);
    return buffer_printf(to, ",\"timing_ms\":%" PRIu64 ".%03u}", took_us / 1000, (unsigned)(took_us % 1000));
}

struct mark {
    const char *sign, *color;
};
static struct mark mark_of(enum liveness_state state) {
    static const struct mark marks[] = {[LIVENESS_OK] = {"\xe2\x9c\x93", "\033[32m"},
                                        [LIVENESS_SKIPPED] = {"\xc2\xb7", "\033[2m"},
                                        [LIVENESS_WARN] = {"!", "\033[33m"},
                                        [LIVENESS_CRITICAL] = {"\xe2\x9c\x97", "\033[31m"}};
    return marks[state];
}

void liveness_finding_text(struct buffer *to, const struct liveness_finding *finding, bool color) {
    const struct liveness_check_row *row = liveness_check_row(finding->check);
    struct mark mark = mark_of(finding->state);
    buffer_printf(to, "  %s%s%s %-27s %s\n", color ? mark.color : "", mark.sign, color ? "\033[0m" : "",
                  row->name, finding->seen);
    if (finding->state != LIVENESS_SKIPPED)
        buffer_printf(to, "    %sdue: %s (%s)%s\n", color ? "\033[2m" : "", liveness_finding_due(finding),
                      row->source, color ? "\033[0m" : "");
}

bool liveness_report_text(struct buffer *to, const struct liveness_report *report, enum liveness_kind kind,
                          const char *target, bool color) {
    static const enum liveness_state order[] = {LIVENESS_CRITICAL, LIVENESS_WARN, LIVENESS_OK,
                                                LIVENESS_SKIPPED};
    size_t counts[sizeof order / sizeof *order] = {0};
    struct mark mark = mark_of(report->state);
    buffer_printf(to, "%s %s: %s; %s%s%s\n", liveness_kind_name(kind), target,
                  liveness_verdict_name(report->verdict), color ? mark.color : "",
                  liveness_state_name(report->state), color ? "\033[0m" : "");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (size_t j = 0; j < report->count; j++)
            if (report->findings[j].state == order[i]) {
                counts[i]++;
                liveness_finding_text(to, &report->findings[j], color);
            }
    return buffer_printf(to, "%zu checks: %zu critical, %zu to be warned of, %zu good, %zu skipped\n",
                         report->count, counts[0], counts[1], counts[2], counts[3]);
}
