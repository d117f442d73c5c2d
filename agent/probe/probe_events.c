#include "probe_events.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIELDS_MOST 256u
#define TEXT_MOST (48u * 1024)
#define FINDINGS_MOST 20u /* told in words; the rest are counted */
#define US_PER_MS 1000.0
#define US_PER_SECOND 1000000u
#define US_PER_HOUR UINT64_C(3600000000)
#define PERMILLE_PER_PERCENT 10u

/* A body under way. Values are written one after the other into one text and cut out of it at the end, since it moves. */
struct writing {
    struct buffer text;
    struct event_field fields[FIELDS_MOST];
    size_t begins[FIELDS_MOST + 1];
    size_t count;
};

__attribute__((format(printf, 3, 4))) static void field(struct writing *writing, const char *name,
                                                        const char *format, ...) {
    char value[1024];
    va_list arguments;
    if (writing->count == FIELDS_MOST)
        return;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    writing->fields[writing->count].name = slice_string(name);
    writing->begins[writing->count++] = writing->text.size;
    buffer_append_string(&writing->text, value);
    writing->begins[writing->count] = writing->text.size;
}

static bool write(struct writing *writing, struct buffer *to, const char *name, struct slice raw) {
    char source[sizeof "probe:" + PROBE_NAME_SIZE];
    for (size_t i = 0; i < writing->count; i++)
        writing->fields[i].value =
            slice_make(writing->text.data + writing->begins[i], writing->begins[i + 1] - writing->begins[i]);
    snprintf(source, sizeof source, "probe:%s", name);
    const struct event_body body = {.kind = EVENT_STATE,
                                    .source = slice_string(source),
                                    .raw = raw,
                                    .fields = writing->fields,
                                    .field_count = writing->count};
    return !writing->text.overflow && event_body_write(to, &body);
}

static void field_probe(struct writing *writing, const char *event, const char *name,
                        const struct probe_result *result) {
    field(writing, "tocsin.event", "%s", event);
    field(writing, "probe.name", "%s", name);
    field(writing, "probe.kind", "%s", liveness_kind_name((enum liveness_kind)result->settings->kind));
    field(writing, "probe.target", "%s", result->settings->target ? result->settings->target : "");
}

/* --- failures */

void probe_failed_take(const struct probe_result *result, struct probe_failed *ret_failed) {
    *ret_failed = (struct probe_failed){{false}};
    for (size_t i = 0; i < result->count; i++)
        for (size_t j = 0; j < result->parts[i]->report.count; j++) {
            const struct liveness_finding *finding = &result->parts[i]->report.findings[j];
            if (finding->state >= LIVENESS_WARN)
                ret_failed->checks[finding->check] = true;
        }
}

bool probe_failed_more(const struct probe_failed *now, const struct probe_failed *told) {
    for (size_t i = 0; i < LIVENESS_CHECKS; i++)
        if (now->checks[i] && !told->checks[i])
            return true;
    return false;
}

/* --- each run */

static void field_part(struct writing *writing, const struct probe_part *part) {
    char text[512];
    int at =
        snprintf(text, sizeof text, "%s%s%s %s", part->address, part->address[0] && part->what[0] ? " " : "",
                 part->what, liveness_state_name(part->report.state));
    for (unsigned i = 0; i < PROBE_PHASES && at > 0 && at < (int)sizeof text; i++)
        if (part->phases_us[i])
            at += snprintf(text + at, sizeof text - (size_t)at, " %s=%.1f", probe_phase_name(i),
                           (double)part->phases_us[i] / US_PER_MS);
    field(writing, "probe.at", "%s", text);
}

static void field_parts(struct writing *writing, const struct probe_result *result) {
    size_t told = 0;
    for (unsigned good = 0; good < 2; good++)
        for (size_t i = 0; i < result->count && told < PROBE_PARTS_TOLD; i++)
            if ((result->parts[i]->report.state < LIVENESS_WARN) == (good == 1)) {
                field_part(writing, result->parts[i]);
                told++;
            }
    if (told < result->count)
        field(writing, "probe.at_more", "%zu", result->count - told);
}

bool probe_event_result(struct buffer *to, const char *name, const struct probe_result *result,
                        uint64_t dropped) {
    struct writing writing = {.text = BUFFER(TEXT_MOST)};
    struct probe_failed failed;
    char raw[512];
    field_probe(&writing, "probe_result", name, result);
    field(&writing, "probe.state", "%s", liveness_state_name(result->state));
    field(&writing, "probe.took_ms", "%.1f", (double)result->took_us / US_PER_MS);
    field_parts(&writing, result);
    if (dropped)
        field(&writing, "probe.dropped", "%" PRIu64, dropped);
    probe_failed_take(result, &failed);
    for (unsigned i = 0; i < LIVENESS_CHECKS; i++)
        if (failed.checks[i])
            field(&writing, "probe.check", "%s", liveness_check_row((enum liveness_check)i)->name);
    snprintf(raw, sizeof raw, "%s: %s, %.1f ms", name, liveness_state_name(result->state),
             (double)result->took_us / US_PER_MS);
    bool good = write(&writing, to, name, slice_string(raw));
    buffer_free(&writing.text);
    return good;
}

/* --- changes */

static void append_finding(struct buffer *to, const struct probe_part *part,
                           const struct liveness_finding *finding) {
    const struct liveness_check_row *row = liveness_check_row(finding->check);
    buffer_printf(to, "%s%s%s%s%s: seen %s, due %s (%s)", part->address, part->address[0] ? " " : "",
                  part->what, part->what[0] ? " " : "", row->name, finding->seen,
                  liveness_finding_due(finding), row->source);
}

/* The n-th finding that is bad, the worst first. */
static const struct liveness_finding *nth_bad(const struct probe_result *result, size_t n,
                                              const struct probe_part **ret_part) {
    static const enum liveness_state states[] = {LIVENESS_CRITICAL, LIVENESS_WARN};
    for (size_t s = 0; s < sizeof states / sizeof *states; s++)
        for (size_t i = 0; i < result->count; i++)
            for (size_t j = 0; j < result->parts[i]->report.count; j++) {
                const struct liveness_finding *finding = &result->parts[i]->report.findings[j];
                if (finding->state != states[s] || n--)
                    continue;
                *ret_part = result->parts[i];
                return finding;
            }
    return NULL;
}

static size_t count_bad(const struct probe_result *result) {
    size_t count = 0;
    for (size_t i = 0; i < result->count; i++)
        for (size_t j = 0; j < result->parts[i]->report.count; j++)
            count += result->parts[i]->report.findings[j].state >= LIVENESS_WARN;
    return count;
}

static void append_outage(struct buffer *raw, const struct probe_news *news, bool over,
                          uint64_t recovery_us) {
    char start[LIVENESS_TIME_SIZE], lasted[LIVENESS_SPAN_SIZE];
    if (!news->outage_us)
        return;
    buffer_printf(raw, over ? ". It was down since %s, for %s" : ". Down since %s, for %s",
                  liveness_time(news->outage_us, start), liveness_span(news->lasted_us, lasted));
    if (recovery_us) /* as the rules say it: 27 hours, not a day and three */
        buffer_printf(raw, ", %" PRIu64 " %% of the %" PRIu64 " h for its recovery",
                      news->used_permille / PERMILLE_PER_PERCENT, recovery_us / US_PER_HOUR);
}

static void append_sentence(struct buffer *raw, const char *name, const struct probe_result *result,
                            const struct probe_news *news, const char *change) {
    const struct probe_part *part;
    const struct liveness_finding *worst = nth_bad(result, 0, &part);
    buffer_printf(raw, "%s is %s", name, liveness_state_name(news->to));
    if (strcmp(change, "still") == 0)
        buffer_append_string(raw, " still");
    if (news->from != LIVENESS_SKIPPED && news->from != news->to)
        buffer_printf(raw, ", was %s", liveness_state_name(news->from));
    if (worst && news->to >= LIVENESS_WARN) {
        buffer_append_string(raw, ": ");
        append_finding(raw, part, worst);
        size_t bad = count_bad(result);
        if (bad > 1)
            buffer_printf(raw, "; and %zu more", bad - 1);
    }
    if (result->partial)
        buffer_append_string(raw, ". Other addresses answer well");
    append_outage(raw, news, news->change == PROBE_RECOVERED, result->settings->recovery_us);
}

static void field_outage(struct writing *writing, const struct probe_news *news) {
    char time[LIVENESS_TIME_SIZE];
    if (!news->outage_us)
        return;
    field(writing, "probe.outage.start", "%s", liveness_time(news->outage_us, time));
    field(writing, "probe.outage.duration_s", "%" PRIu64, news->lasted_us / US_PER_SECOND);
    field(writing, "probe.outage.used_percent", "%" PRIu64, news->used_permille / PERMILLE_PER_PERCENT);
}

static void field_findings(struct writing *writing, const struct probe_result *result) {
    struct probe_failed failed;
    const struct probe_part *part;
    const struct liveness_finding *finding;
    probe_failed_take(result, &failed);
    for (unsigned i = 0; i < LIVENESS_CHECKS; i++)
        if (failed.checks[i])
            field(writing, "probe.check", "%s", liveness_check_row((enum liveness_check)i)->name);
    for (size_t i = 0; i < FINDINGS_MOST && (finding = nth_bad(result, i, &part)) != NULL; i++) {
        CLEANUP_BUFFER struct buffer text = BUFFER(1024);
        append_finding(&text, part, finding);
        field(writing, "probe.finding", "%s", buffer_string(&text));
    }
}

bool probe_event_changed(struct buffer *to, const char *name, const struct probe_result *result,
                         const struct probe_state *state, const struct probe_news *news, bool finding) {
    static const char *const changes[] = {
        [PROBE_SAME] = "finding",  [PROBE_FIRST] = "first",         [PROBE_WORSE] = "worse",
        [PROBE_BETTER] = "better", [PROBE_RECOVERED] = "recovered", [PROBE_STILL] = "still"};
    struct writing writing = {.text = BUFFER(TEXT_MOST)};
    CLEANUP_BUFFER struct buffer raw = BUFFER(4096);
    const char *change = finding ? "finding" : changes[news->change];
    char since[LIVENESS_TIME_SIZE];
    field_probe(&writing, "probe_changed", name, result);
    field(&writing, "probe.change", "%s", change);
    if (news->from != LIVENESS_SKIPPED)
        field(&writing, "probe.from", "%s", liveness_state_name(news->from));
    field(&writing, "probe.state", "%s", liveness_state_name(news->to));
    field(&writing, "probe.since", "%s", liveness_time(state->since_us, since));
    field_outage(&writing, news);
    if (news->to >= LIVENESS_WARN)
        field_findings(&writing, result);
    append_sentence(&raw, name, result, news, change);
    bool good = write(&writing, to, name, buffer_slice(&raw));
    buffer_free(&writing.text);
    return good;
}

bool probe_event_removed(struct buffer *to, const char *name) {
    struct writing writing = {.text = BUFFER(TEXT_MOST)};
    char raw[PROBE_NAME_SIZE + 64];
    field(&writing, "tocsin.event", "probe_removed");
    field(&writing, "probe.name", "%s", name);
    snprintf(raw, sizeof raw, "%s is no longer probed: it is not in the settings", name);
    bool good = write(&writing, to, name, slice_string(raw));
    buffer_free(&writing.text);
    return good;
}
