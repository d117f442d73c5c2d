#include "http_judge.h"

#include <inttypes.h>

#include "calendar.h"

#define SECOND_US UINT64_C(1000000)
#define SECONDS_MOST (UINT64_C(1) << 40) /* RFC 9111 1.2.2: what is larger is as good as for ever */

/* ---- headers */

static bool take_line(struct slice *rest, struct slice *ret_line) {
    if (rest->size == 0)
        return false;
    size_t end = slice_find_byte(*rest, '\n');
    struct slice line = end == SIZE_MAX ? *rest : slice_head(*rest, end);
    *rest = slice_from(*rest, line.size + 1);
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    *ret_line = line;
    return true;
}

/* The next value of that name from *rest on, which moves behind it. */
static bool next_value(struct slice *rest, struct slice name, struct slice *ret_value) {
    struct slice line;
    while (take_line(rest, &line)) {
        size_t colon = slice_find_byte(line, ':');
        if (colon == SIZE_MAX || !slice_equal_caseless(slice_head(line, colon), name))
            continue;
        *ret_value = slice_trim(slice_from(line, colon + 1));
        return true;
    }
    return false;
}

bool http_answer_header(const struct http_answer *answer, struct slice name, struct slice *ret_value) {
    struct slice rest = answer->headers;
    return next_value(&rest, name, ret_value);
}

/* The next of a list's members, cut at commas. */
static bool next_member(struct slice *list, struct slice *ret_member) {
    if (list->size == 0)
        return false;
    size_t comma = slice_find_byte(*list, ',');
    struct slice member = comma == SIZE_MAX ? *list : slice_head(*list, comma);
    *list = slice_from(*list, member.size + 1);
    *ret_member = slice_trim(member);
    return true;
}

bool http_answer_directive(const struct http_answer *answer, struct slice name, struct slice *ret_value) {
    struct slice rest = answer->headers, list, member;
    while (next_value(&rest, SLICE("cache-control"), &list))
        while (next_member(&list, &member)) {
            size_t equals = slice_find_byte(member, '=');
            struct slice head = equals == SIZE_MAX ? member : slice_head(member, equals);
            if (!slice_equal_caseless(slice_trim(head), name))
                continue;
            struct slice value = slice_trim(slice_from(member, head.size + 1));
            if (value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"')
                value = slice_make(value.data + 1, value.size - 2);
            *ret_value = value;
            return true;
        }
    return false;
}

bool http_date_read(struct slice text, uint64_t *ret_us) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct calendar_time time = {.month = 0};
    uint64_t day, year, hour, minute, second;
    if (text.size != 29 || text.data[3] != ',' || text.data[19] != ':' || text.data[22] != ':' ||
        !slice_equal(slice_from(text, 25), SLICE(" GMT")) ||
        !slice_decimal(slice_make(text.data + 5, 2), &day) ||
        !slice_decimal(slice_make(text.data + 12, 4), &year) ||
        !slice_decimal(slice_make(text.data + 17, 2), &hour) ||
        !slice_decimal(slice_make(text.data + 20, 2), &minute) ||
        !slice_decimal(slice_make(text.data + 23, 2), &second))
        return false;
    for (unsigned i = 0; i < 12 && time.month == 0; i++)
        if (memcmp(months + 3 * i, text.data + 8, 3) == 0)
            time.month = i + 1;
    time.year = (int)year;
    time.day = (unsigned)day;
    time.hour = (unsigned)hour;
    time.minute = (unsigned)minute;
    time.second = (unsigned)second;
    return calendar_join(&time, ret_us);
}

static bool read_status(struct slice line, unsigned *ret_status) {
    uint64_t status;
    size_t blank = slice_find_byte(line, ' ');
    if (!slice_starts(line, SLICE("HTTP/")) || blank == SIZE_MAX ||
        !slice_decimal(slice_head(slice_from(line, blank + 1), 3), &status) || status < 100)
        return false;
    *ret_status = (unsigned)status;
    return true;
}

bool http_answer_read(struct slice text, struct http_answer *ret_answer, struct fault *fault) {
    struct slice rest = text, line;
    struct http_answer answer = {0, SLICE("")};
    unsigned status;
    if (text.size > HTTP_HEADERS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%zu bytes of headers; %u are the most", text.size,
                         HTTP_HEADERS_MOST);
    while (take_line(&rest, &line))
        if (read_status(line, &status))
            answer = (struct http_answer){status, rest};
    if (answer.status == 0)
        return fault_set(fault, FAULT_FORMAT, "no line like \"HTTP/1.1 200 OK\" begins these headers");
    *ret_answer = answer;
    return true;
}

/* ---- judging */

static void judge_type(const struct http_answer *answer, enum liveness_kind kind,
                       struct liveness_report *report) {
    struct slice due = kind == LIVENESS_OCSP  ? SLICE("application/ocsp-response")
                       : kind == LIVENESS_TSA ? SLICE("application/timestamp-reply")
                                              : SLICE("application/pkix-crl");
    struct slice value = SLICE("");
    char plain[LIVENESS_PLAIN_SIZE];
    bool there = http_answer_header(answer, SLICE("content-type"), &value);
    size_t parameters = slice_find_byte(value, ';');
    struct slice type = slice_trim(parameters == SIZE_MAX ? value : slice_head(value, parameters));
    liveness_check(report, CHECK_HTTP_CONTENT_TYPE, slice_equal_caseless(type, due), "%s",
                   there ? liveness_plain(value, plain) : "none");
    liveness_due(report, CHECK_HTTP_CONTENT_TYPE, "%s", liveness_plain(due, plain));
}

static void judge_store(const struct http_answer *answer, struct liveness_report *report) {
    struct slice value;
    bool there = http_answer_directive(answer, SLICE("no-store"), &value);
    if (report->verdict == VERDICT_GOOD || report->verdict == VERDICT_REVOKED)
        liveness_check(report, CHECK_HTTP_NO_STORE, !there, "%s", there ? "no-store" : "it may be kept");
    else
        liveness_skip(report, CHECK_HTTP_NO_STORE, "no authoritative answer");
}

static void judge_max_age(const struct http_answer *answer, uint64_t now_us, struct liveness_report *report) {
    struct slice value, age;
    uint64_t seconds, age_s = 0, next_us = report->times.next_update_us;
    char until[LIVENESS_TIME_SIZE], next[LIVENESS_TIME_SIZE], plain[LIVENESS_PLAIN_SIZE];
    if (!http_answer_directive(answer, SLICE("max-age"), &value) || next_us == 0) {
        liveness_skip(report, CHECK_HTTP_MAX_AGE, next_us ? "no max-age" : "no nextUpdate");
        return;
    }
    if (!slice_decimal(value, &seconds)) {
        liveness_check(report, CHECK_HTTP_MAX_AGE, false, "'%s' is no number of seconds",
                       liveness_plain(value, plain));
        return;
    }
    if (http_answer_header(answer, SLICE("age"), &age) && !slice_decimal(age, &age_s))
        age_s = 0;
    seconds = seconds < SECONDS_MOST ? seconds : SECONDS_MOST;
    age_s = age_s < seconds ? age_s : seconds;
    uint64_t until_us = now_us + (seconds - age_s) * SECOND_US;
    bool shown = calendar_split(until_us).year <= 9999;
    liveness_check(report, CHECK_HTTP_MAX_AGE, until_us <= next_us, "%" PRIu64 " s, fresh until %s", seconds,
                   shown ? liveness_time(until_us, until) : "for ever");
    liveness_due(report, CHECK_HTTP_MAX_AGE, "fresh until nextUpdate at most, %s",
                 liveness_time(next_us, next));
}

static void judge_expires(const struct http_answer *answer, struct liveness_report *report) {
    struct slice value;
    uint64_t expires_us = 0, next_us = report->times.next_update_us;
    char plain[LIVENESS_PLAIN_SIZE], next[LIVENESS_TIME_SIZE];
    if (!http_answer_header(answer, SLICE("expires"), &value) || next_us == 0) {
        liveness_skip(report, CHECK_HTTP_EXPIRES, next_us ? "no Expires" : "no nextUpdate");
        return;
    }
    bool read = http_date_read(value, &expires_us);
    liveness_check(report, CHECK_HTTP_EXPIRES, read && expires_us <= next_us, "%s%s",
                   liveness_plain(value, plain), read ? "" : ", which is no date");
    liveness_due(report, CHECK_HTTP_EXPIRES, "nextUpdate or before it, %s", liveness_time(next_us, next));
}

static void judge_last_modified(const struct http_answer *answer, struct liveness_report *report) {
    struct slice value;
    uint64_t modified_us = 0;
    const struct liveness_times *times = &report->times;
    char plain[LIVENESS_PLAIN_SIZE], produced[LIVENESS_TIME_SIZE];
    if (!http_answer_header(answer, SLICE("last-modified"), &value) || times->produced_us == 0) {
        liveness_skip(report, CHECK_HTTP_LAST_MODIFIED,
                      times->produced_us ? "no Last-Modified" : "no producedAt");
        return;
    }
    bool read = http_date_read(value, &modified_us);
    liveness_check(report, CHECK_HTTP_LAST_MODIFIED,
                   read && (modified_us == times->produced_us || modified_us == times->this_update_us),
                   "%s%s", liveness_plain(value, plain), read ? "" : ", which is no date");
    liveness_due(report, CHECK_HTTP_LAST_MODIFIED, "producedAt, %s",
                 liveness_time(times->produced_us, produced));
}

void http_judge(const struct http_answer *answer, enum liveness_kind kind, struct slice body, uint64_t now_us,
                struct liveness_report *report) {
    bool der = body.size > 1 && body.data[0] == 0x30;
    liveness_check(report, CHECK_HTTP_STATUS, answer->status == 200, "%u", answer->status);
    liveness_check(report, CHECK_HTTP_BODY, der, "%s", der ? "DER" : liveness_body_kind(body));
    judge_type(answer, kind, report);
    if (kind == LIVENESS_TSA)
        return; /* nobody keeps what was made for one hash */
    judge_store(answer, report);
    judge_max_age(answer, now_us, report);
    judge_expires(answer, report);
    judge_last_modified(answer, report);
}
