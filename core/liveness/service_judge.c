#include "service_judge.h"

#include "json_document.h"

/* ---- presets */

static const struct service_value step_ca_values[] = {{"status", "ok"}};
static const struct service_value cfssl_values[] = {{"success", "true"}, {"result.healthy", "true"}};

static const struct service_preset presets[] = {
    /* An error comes with status 200, too, unless the server is told otherwise: the body decides. */
    {"ejbca",
     "/ejbca/publicweb/healthcheck/ejbcahealth",
     {"200", "ALLOK", NULL, 0, "EJBCA: Monitoring and Healthcheck"}},
    {"signserver",
     "/signserver/healthcheck/signserverhealth",
     {"200", "ALLOK", NULL, 0, "SignServer: Health Check"}},
    {"step-ca", "/health", {"200", NULL, step_ca_values, 1, "step-ca: api/api.go, Health"}},
    {"cfssl", "/api/v1/cfssl/health", {"200", NULL, cfssl_values, 2, "CFSSL: doc/api/endpoint_health.txt"}},
    /* XML up to version 10, JSON from 11 on; the other status is "starting". */
    {"dogtag", "/ca/admin/ca/getStatus", {"200", "*Status*running*", NULL, 0, "Dogtag: GetStatus Service"}},
};
#define PRESETS (sizeof presets / sizeof *presets)

const struct service_preset *service_preset_at(size_t index) {
    return index < PRESETS ? &presets[index] : NULL;
}

const struct service_preset *service_preset_find(const char *name) {
    for (size_t i = 0; i < PRESETS; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

/* ---- statuses */

static bool next_word(struct slice *rest, struct slice *ret_word) {
    *rest = slice_trim(*rest);
    if (rest->size == 0)
        return false;
    size_t end = slice_find_byte(*rest, ' ');
    *ret_word = end == SIZE_MAX ? *rest : slice_head(*rest, end);
    *rest = slice_from(*rest, ret_word->size);
    return true;
}

/* "204", "2xx": the least and the most of it. */
static bool read_statuses(struct slice word, unsigned *ret_least, unsigned *ret_most) {
    uint64_t number;
    bool any = word.size == 3 && slice_equal(slice_from(word, 1), SLICE("xx"));
    if (word.size != 3 || !slice_decimal(slice_head(word, any ? 1 : 3), &number))
        return false;
    *ret_least = (unsigned)number * (any ? 100 : 1);
    *ret_most = *ret_least + (any ? 99 : 0);
    return *ret_least >= 100 && *ret_most <= 599;
}

bool service_statuses_good(const char *statuses) {
    struct slice rest = slice_string(statuses), word;
    unsigned least, most;
    size_t count = 0;
    for (; next_word(&rest, &word); count++)
        if (!read_statuses(word, &least, &most))
            return false;
    return count > 0;
}

static bool status_expected(const char *statuses, unsigned status) {
    struct slice rest = slice_string(statuses), word;
    unsigned least, most;
    while (next_word(&rest, &word))
        if (read_statuses(word, &least, &most) && status >= least && status <= most)
            return true;
    return false;
}

/* ---- the body */

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct slice trim_body(struct slice body) {
    while (body.size && is_blank(body.data[0]))
        body = slice_from(body, 1);
    while (body.size && is_blank(body.data[body.size - 1]))
        body.size--;
    return body;
}

/* Whether one byte fits what stands at `at`, which moves behind it. */
static bool fits_one(struct slice pattern, size_t *at, uint8_t byte) {
    if (*at >= pattern.size || pattern.data[*at] == '*')
        return false;
    if (pattern.data[*at] == '?') {
        ++*at;
        return true;
    }
    if (pattern.data[*at] == '\\' && *at + 1 < pattern.size)
        ++*at;
    return pattern.data[(*at)++] == byte;
}

/* The last '*' alone is ever gone back to: what stood before it fits as early as it can. */
static bool fits(struct slice pattern, struct slice text) {
    size_t at = 0, star = SIZE_MAX, star_text = 0;
    for (size_t i = 0; i < text.size;) {
        if (at < pattern.size && pattern.data[at] == '*') {
            star = ++at;
            star_text = i;
        } else if (fits_one(pattern, &at, text.data[i])) {
            i++;
        } else if (star != SIZE_MAX) {
            at = star;
            i = ++star_text;
        } else {
            return false;
        }
    }
    while (at < pattern.size && pattern.data[at] == '*')
        at++;
    return at == pattern.size;
}

static const char *source_of(const struct service_expected *expected) {
    return expected->source ? expected->source : "the probe's settings";
}

static void judge_body(const struct service_expected *expected, struct slice body,
                       struct liveness_report *report) {
    char plain[LIVENESS_PLAIN_SIZE];
    if (!expected->body)
        return;
    body = trim_body(body);
    liveness_check(report, CHECK_HTTP_PATTERN, fits(slice_string(expected->body), body), "%s",
                   body.size ? liveness_plain(body, plain) : "nothing");
    liveness_due(report, CHECK_HTTP_PATTERN, "%s (%s)", expected->body, source_of(expected));
}

static void judge_values(const struct service_expected *expected, struct slice body,
                         struct liveness_report *report) {
    char plain[LIVENESS_PLAIN_SIZE];
    if (expected->value_count == 0)
        return;
    struct json_document *document = json_document_read(body);
    if (!document)
        liveness_check(report, CHECK_HTTP_VALUE, false, "no JSON object but %s", liveness_body_kind(body));
    for (size_t i = 0; i < expected->value_count && document; i++) {
        const struct service_value *due = &expected->values[i];
        struct slice value = SLICE("");
        bool there = json_document_find(document, slice_string(due->name), &value);
        bool good = there && slice_equal(value, slice_string(due->value));
        if (good && i + 1 < expected->value_count)
            continue;
        liveness_check(report, CHECK_HTTP_VALUE, good, there ? "%s: %s" : "no %s%s", due->name,
                       liveness_plain(value, plain));
        liveness_due(report, CHECK_HTTP_VALUE, "%s: %s (%s)", due->name, due->value, source_of(expected));
        break;
    }
    json_document_destroy(document);
}

void service_judge(const struct service_expected *expected, const struct http_answer *answer,
                   struct slice body, struct liveness_report *report) {
    const char *statuses = expected->statuses ? expected->statuses : "200";
    liveness_check(report, CHECK_HTTP_STATUS, status_expected(statuses, answer->status), "%u",
                   answer->status);
    liveness_due(report, CHECK_HTTP_STATUS, "%s", statuses);
    judge_body(expected, body, report);
    judge_values(expected, body, report);
}
