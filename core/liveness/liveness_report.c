#include "liveness_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "calendar.h"
#include "encoding.h"

void liveness_report_begin(struct liveness_report *report, const struct liveness_policy *policy) {
    report->policy = policy;
    report->times = (struct liveness_times){0, 0, 0};
    report->verdict = VERDICT_UNUSABLE;
    report->state = LIVENESS_OK;
    report->count = 0;
}

const struct liveness_finding *liveness_report_find(const struct liveness_report *report,
                                                    enum liveness_check check) {
    for (size_t i = 0; i < report->count; i++)
        if (report->findings[i].check == check)
            return &report->findings[i];
    return NULL;
}

static struct liveness_finding *find(struct liveness_report *report, enum liveness_check check) {
    for (size_t i = 0; i < report->count; i++)
        if (report->findings[i].check == check)
            return &report->findings[i];
    return NULL;
}

__attribute__((format(printf, 4, 0))) static void tell(struct liveness_report *report,
                                                       enum liveness_check check, enum liveness_state state,
                                                       const char *format, va_list arguments) {
    if (!report->policy->on[check])
        return;
    struct liveness_finding *finding = find(report, check);
    if (!finding) {
        finding = &report->findings[report->count++];
        *finding = (struct liveness_finding){.check = check};
    } else if (state <= finding->state)
        return;
    finding->state = state;
    vsnprintf(finding->seen, sizeof finding->seen, format, arguments);
    if (state >= LIVENESS_WARN && state > report->state)
        report->state = state;
}

bool liveness_check(struct liveness_report *report, enum liveness_check check, bool good, const char *seen,
                    ...) {
    va_list arguments;
    va_start(arguments, seen);
    tell(report, check, good ? LIVENESS_OK : liveness_check_row(check)->severity, seen, arguments);
    va_end(arguments);
    return good;
}

void liveness_skip(struct liveness_report *report, enum liveness_check check, const char *why, ...) {
    va_list arguments;
    va_start(arguments, why);
    tell(report, check, LIVENESS_SKIPPED, why, arguments);
    va_end(arguments);
}

void liveness_due(struct liveness_report *report, enum liveness_check check, const char *due, ...) {
    struct liveness_finding *finding = find(report, check);
    if (!finding)
        return;
    va_list arguments;
    va_start(arguments, due);
    vsnprintf(finding->due, sizeof finding->due, due, arguments);
    va_end(arguments);
}

void liveness_report_add(struct liveness_report *report, const struct liveness_finding *finding) {
    struct liveness_finding *known = find(report, finding->check);
    if (!known)
        known = &report->findings[report->count++];
    else if (finding->state <= known->state)
        return;
    *known = *finding;
    if (finding->state >= LIVENESS_WARN && finding->state > report->state)
        report->state = finding->state;
}

const char *liveness_finding_due(const struct liveness_finding *finding) {
    return finding->due[0] ? finding->due : liveness_check_row(finding->check)->due;
}

const char *liveness_verdict_name(enum liveness_verdict verdict) {
    static const char *const names[] = {"unusable", "unknown", "revoked", "good"};
    return names[verdict];
}

/* ---- words */

const char *liveness_span(uint64_t span_us, char text[LIVENESS_SPAN_SIZE]) {
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    uint64_t seconds = span_us / 1000000;
    size_t i = 0;
    while (i < 3 && seconds < units[i].seconds)
        i++;
    uint64_t count = seconds / units[i].seconds,
             rest = i < 3 ? seconds % units[i].seconds / units[i + 1].seconds : 0;
    if (rest)
        snprintf(text, LIVENESS_SPAN_SIZE, "%" PRIu64 " %s %" PRIu64 " %s", count, units[i].name, rest,
                 units[i + 1].name);
    else
        snprintf(text, LIVENESS_SPAN_SIZE, "%" PRIu64 " %s", count, units[i].name);
    return text;
}

const char *liveness_time(uint64_t time_us, char text[LIVENESS_TIME_SIZE]) {
    char whole[CALENDAR_TEXT_SIZE];
    calendar_text(time_us, whole);
    snprintf(text, LIVENESS_TIME_SIZE, "%.19sZ", whole);
    return text;
}

const char *liveness_hex(struct slice bytes, char text[LIVENESS_HEX_SIZE]) {
    const size_t most = (LIVENESS_HEX_SIZE - 4) / 2;
    struct slice head = slice_head(bytes, most);
    encoding_hex(head.data, head.size, text);
    if (bytes.size > most)
        snprintf(text + 2 * most, 4, "\xe2\x80\xa6");
    return text;
}

const char *liveness_plain(struct slice from, char text[LIVENESS_PLAIN_SIZE]) {
    struct slice head = slice_head(from, LIVENESS_PLAIN_SIZE - 1);
    for (size_t i = 0; i < head.size; i++)
        text[i] = head.data[i] >= ' ' && head.data[i] <= '~' ? (char)head.data[i] : '?';
    text[head.size] = '\0';
    return text;
}

const char *liveness_body_kind(struct slice body) {
    struct slice head = slice_head(body, 512);
    while (head.size &&
           (head.data[0] == ' ' || head.data[0] == '\n' || head.data[0] == '\r' || head.data[0] == '\t'))
        head = slice_from(head, 1);
    if (body.size == 0)
        return "nothing";
    if (body.size == 1)
        return "1 byte";
    if (slice_starts(head, SLICE("-----BEGIN ")))
        return "PEM";
    if (head.size && head.data[0] == '<')
        return "HTML";
    for (size_t i = 0; i < head.size; i++)
        if ((head.data[i] < ' ' && head.data[i] != '\n' && head.data[i] != '\r' && head.data[i] != '\t') ||
            head.data[i] == 0x7f)
            return "no DER of this kind";
    return encoding_is_utf8(slice_head(head, head.size > 8 ? head.size - 8 : head.size))
               ? "text"
               : "no DER of this kind";
}
