/* What was found: a finding for each check that was on, the verdict, the worst state.
 *
 * A check is reported once; told again, the worse one stays. The verdict is what a relying party may conclude, whatever the
 * policy says; whoever judges sets it. A report is a value without anything to free. */
#ifndef TOCSIN_LIVENESS_REPORT_H
#define TOCSIN_LIVENESS_REPORT_H

#include "buffer.h"
#include "liveness_checks.h"

enum liveness_verdict { VERDICT_UNUSABLE, VERDICT_UNKNOWN, VERDICT_REVOKED, VERDICT_GOOD };

#define LIVENESS_TEXT_SIZE 200 /* longer ones are cut */

struct liveness_finding {
    enum liveness_check check;
    enum liveness_state state;
    char seen[LIVENESS_TEXT_SIZE];
    char due[LIVENESS_TEXT_SIZE]; /* empty: the table's */
};

/* As the answer says them; 0 where it doesn't, or where there is no answer. */
struct liveness_times {
    uint64_t produced_us, this_update_us, next_update_us;
};

struct liveness_report {
    const struct liveness_policy *policy; /* borrowed */
    struct liveness_times times;
    enum liveness_verdict verdict;
    enum liveness_state state; /* ok, warn or critical */
    size_t count;
    struct liveness_finding findings[LIVENESS_CHECKS];
};

void liveness_report_begin(struct liveness_report *report, const struct liveness_policy *policy);

/* What was seen; `good` as it was due, else the check's severity. Gives `good` back, whether the check is on or not. */
bool liveness_check(struct liveness_report *report, enum liveness_check check, bool good, const char *seen,
                    ...) __attribute__((format(printf, 4, 5)));
void liveness_skip(struct liveness_report *report, enum liveness_check check, const char *why, ...)
    __attribute__((format(printf, 3, 4)));
/* What is due, as precisely as the numbers in force say it; for a check that was reported. */
void liveness_due(struct liveness_report *report, enum liveness_check check, const char *due, ...)
    __attribute__((format(printf, 3, 4)));

/* A finding of another report, as if it had been made here. */
void liveness_report_add(struct liveness_report *report, const struct liveness_finding *finding);

const struct liveness_finding *liveness_report_find(const struct liveness_report *report,
                                                    enum liveness_check check);
/* The table's, or what the finding says itself. */
const char *liveness_finding_due(const struct liveness_finding *finding);
const char *liveness_verdict_name(enum liveness_verdict verdict);

/* "4 d 2 h", "35 min", "12 s": the two largest units. */
#define LIVENESS_SPAN_SIZE 48
const char *liveness_span(uint64_t span_us, char text[LIVENESS_SPAN_SIZE]);
/* "2026-11-21T18:44:24Z" */
#define LIVENESS_TIME_SIZE 24
const char *liveness_time(uint64_t time_us, char text[LIVENESS_TIME_SIZE]);
/* Bytes as hexadecimal digits, cut with an ellipsis where they do not fit. */
#define LIVENESS_HEX_SIZE 68
const char *liveness_hex(struct slice bytes, char text[LIVENESS_HEX_SIZE]);
/* Text from outside: '?' for whatever is not printable ASCII, cut where it does not fit. */
#define LIVENESS_PLAIN_SIZE 120
const char *liveness_plain(struct slice from, char text[LIVENESS_PLAIN_SIZE]);
/* What a body that is not DER seems to be: "HTML", "PEM", "text", "1 byte", "nothing". */
const char *liveness_body_kind(struct slice body);

/* {"kind", "target", "verdict", "state", "checks": [{"name","state","seen","due","source"}], "timing_ms"}, no newline. */
bool liveness_report_json(struct buffer *to, const struct liveness_report *report, enum liveness_kind kind,
                          const char *target, uint64_t took_us);
/* The array of its checks alone. */
void liveness_checks_json(struct buffer *to, const struct liveness_report *report);
/* For people, two lines. */
void liveness_finding_text(struct buffer *to, const struct liveness_finding *finding, bool color);
/* The same for a whole report, the worst first. */
bool liveness_report_text(struct buffer *to, const struct liveness_report *report, enum liveness_kind kind,
                          const char *target, bool color);

#endif
