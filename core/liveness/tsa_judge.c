#include "tsa_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "oids.h"
#include "tsa_judge_inside.h"

#define SERIAL_MOST 20u /* bytes: RFC 3161 2.4.2, 160 bits */
#define SECOND_US UINT64_C(1000000)

bool tsa_judge_must(struct tsa_judging *judging, bool good) {
    judging->usable &= good;
    return good;
}

static uint64_t value(const struct tsa_judging *judging, enum liveness_parameter parameter) {
    return judging->report->policy->values[parameter];
}

/* ---- the response as a whole */

static bool judge_status(struct tsa_judging *judging) {
    const struct tsa_response *response = &judging->response;
    bool granted = response->status == TSA_GRANTED || response->status == TSA_GRANTED_WITH_MODS;
    char text[LIVENESS_PLAIN_SIZE];
    bool failure = response->failure != TSA_NO_FAILURE, said = response->status_text.size > 0;
    liveness_check(judging->report, CHECK_TSA_STATUS, granted, "%s%s%s%s%s%s",
                   tsa_status_name(response->status), failure ? ": " : "",
                   failure ? tsa_failure_name(response->failure) : "", said ? ", '" : "",
                   said ? liveness_plain(response->status_text, text) : "", said ? "'" : "");
    liveness_check(judging->report, CHECK_TSA_TOKEN, granted == response->has_token, "%s",
                   response->has_token ? "a token" : "no token");
    return granted && response->has_token;
}

static bool judge_content(struct tsa_judging *judging) {
    const struct tsa_response *response = &judging->response;
    struct slice value;
    char text[EXTENSION_OID_TEXT];
    extension_oid_text(response->content_type, text);
    if (!liveness_check(judging->report, CHECK_TSA_CONTENT_TYPE, response->has_info,
                        response->has_info ? "TSTInfo" : "%s", text))
        return false;
    liveness_check(judging->report, CHECK_TSA_SIGNERS, tsa_judge_must(judging, response->signer_count == 1),
                   "%zu", response->signer_count);
    if (response->signer_count == 0)
        return true;
    size_t found = tsa_attribute_find(response->signer.attributes, OID_CONTENT_TYPE, &value);
    struct der_reader type = der_read(value);
    bool same = slice_equal(der_take(&type, DER_OID), response->content_type);
    liveness_check(judging->report, CHECK_TSA_CONTENT_TYPE, tsa_judge_must(judging, same),
                   found == 0   ? "TSTInfo, and no attribute says so"
                   : found == 1 ? "TSTInfo, and an attribute says otherwise"
                                : "TSTInfo, and several attributes speak of it");
    bool versions =
        response->version == 3 && response->signer.version == (response->signer.key_id.size ? 3 : 1);
    liveness_check(judging->report, CHECK_TSA_CMS_VERSION, versions,
                   "SignedData v%" PRIu32 ", SignerInfo v%" PRIu32, response->version,
                   response->signer.version);
    return true;
}

/* ---- what was stamped */

static void judge_imprint(struct tsa_judging *judging) {
    const struct tsa_request *request = &judging->question->request;
    const struct tsa_info *info = &judging->response.info;
    char hex[LIVENESS_HEX_SIZE], oid[EXTENSION_OID_TEXT];
    extension_oid_text(info->digest, oid);
    bool same_digest = slice_equal(info->digest, request->digest);
    bool same = same_digest && slice_equal(info->imprint, request->imprint);
    liveness_check(judging->report, CHECK_TSA_IMPRINT, tsa_judge_must(judging, same),
                   same_digest ? "%s" : "%s, by the digest %s", liveness_hex(info->imprint, hex), oid);
    if (!same)
        liveness_due(judging->report, CHECK_TSA_IMPRINT, "%s, as was sent",
                     liveness_hex(request->imprint, hex));
}

static void judge_nonce(struct tsa_judging *judging) {
    struct slice sent = judging->question->request.nonce, got = judging->response.info.nonce;
    char hex[LIVENESS_HEX_SIZE];
    if (sent.size == 0) {
        liveness_skip(judging->report, CHECK_TSA_NONCE, "none was sent");
        return;
    }
    bool same = slice_equal(sent, got);
    liveness_check(judging->report, CHECK_TSA_NONCE, tsa_judge_must(judging, same), same ? "echoed" : "%s",
                   got.size ? liveness_hex(got, hex) : "none");
    if (!same)
        liveness_due(judging->report, CHECK_TSA_NONCE, "%s, as was sent", liveness_hex(sent, hex));
}

static void judge_policy(struct tsa_judging *judging) {
    const struct tsa_question *question = judging->question;
    struct slice due = question->has_policy ? question->policy : question->request.policy;
    char text[EXTENSION_OID_TEXT];
    extension_oid_text(judging->response.info.policy, text);
    if (due.size == 0) {
        liveness_skip(judging->report, CHECK_TSA_POLICY, "%s; none is expected", text);
        return;
    }
    bool same = slice_equal(due, judging->response.info.policy);
    liveness_check(judging->report, CHECK_TSA_POLICY, tsa_judge_must(judging, same), "%s", text);
    extension_oid_text(due, text);
    liveness_due(judging->report, CHECK_TSA_POLICY, "%s", text);
}

static void judge_serial(struct tsa_judging *judging) {
    struct slice serial = der_magnitude(judging->response.info.serial);
    struct slice before = der_magnitude(judging->question->previous_serial);
    char hex[LIVENESS_HEX_SIZE];
    bool again = before.size > 0 && slice_equal(serial, before);
    liveness_check(judging->report, CHECK_TSA_SERIAL, !again && serial.size <= SERIAL_MOST, "%s%s",
                   liveness_hex(serial, hex), again ? ", as the token before" : "");
}

static void judge_extensions(struct tsa_judging *judging) {
    struct der_reader reader = der_read(judging->response.info.extensions);
    struct extension extension;
    char text[EXTENSION_OID_TEXT];
    while (extension_next(&reader, &extension))
        if (extension.critical) {
            extension_oid_text(extension.oid, text);
            liveness_check(judging->report, CHECK_TSA_CRITICAL_EXTENSION, tsa_judge_must(judging, false),
                           "%s", text);
        }
    liveness_check(judging->report, CHECK_TSA_CRITICAL_EXTENSION, true, "none");
}

/* ---- when */

/* "0.25 s", "3 min 4 s" */
static const char *span_text(uint64_t span_us, char text[LIVENESS_SPAN_SIZE]) {
    if (span_us >= 60 * SECOND_US)
        return liveness_span(span_us, text);
    snprintf(text, LIVENESS_SPAN_SIZE, "%" PRIu64 ".%03" PRIu64 " s", span_us / SECOND_US,
             span_us % SECOND_US / 1000);
    return text;
}

/* How far genTime is from the time in which the answer was made, beyond what its accuracy leaves open. */
static uint64_t distance(const struct tsa_judging *judging, bool *ret_behind) {
    const struct tsa_info *info = &judging->response.info;
    uint64_t asked_us = judging->question->asked_us, now_us = judging->question->now_us;
    uint64_t earliest_us = info->time_us > info->accuracy_us ? info->time_us - info->accuracy_us : 0,
             latest_us = info->time_us + info->accuracy_us;
    *ret_behind = latest_us < asked_us;
    return *ret_behind ? asked_us - latest_us : earliest_us > now_us ? earliest_us - now_us : 0;
}

static void judge_time(struct tsa_judging *judging) {
    struct liveness_report *report = judging->report;
    const struct tsa_info *info = &judging->response.info;
    char when[LIVENESS_TIME_SIZE], span[LIVENESS_SPAN_SIZE], where[LIVENESS_TEXT_SIZE];
    uint64_t most_us = value(judging, BOUND_TSA_CLOCK_MOST), warn_us = value(judging, BOUND_TSA_CLOCK_WARN),
             coarsest_us = value(judging, BOUND_TSA_ACCURACY_MOST);
    bool behind;
    uint64_t off_us = distance(judging, &behind);
    if (off_us)
        snprintf(where, sizeof where, "%s %s the clock", span_text(off_us, span),
                 behind ? "behind" : "ahead of");
    else
        snprintf(where, sizeof where, "by the clock");
    report->times.produced_us = info->time_us;
    liveness_time(info->time_us, when);
    liveness_check(report, CHECK_TSA_TIME, tsa_judge_must(judging, off_us <= most_us), "%s, %s", when, where);
    liveness_due(report, CHECK_TSA_TIME, "within %s of the clock", span_text(most_us, span));
    liveness_check(report, CHECK_TSA_CLOCK, off_us <= warn_us, "%s, %s", when, where);
    liveness_due(report, CHECK_TSA_CLOCK, "within %s of the clock", span_text(warn_us, span));
    liveness_check(report, CHECK_TSA_TIME_FORM, info->time_exact,
                   info->time_exact ? "as it has to be"
                                    : "a fraction with zeros at its end, or none behind the dot");
    liveness_check(report, CHECK_TSA_ACCURACY, info->has_accuracy && info->accuracy_us <= coarsest_us, "%s",
                   info->has_accuracy ? span_text(info->accuracy_us, span) : "none");
    liveness_due(report, CHECK_TSA_ACCURACY, "%s or better", span_text(coarsest_us, span));
}

/* ---- all of it */

static void judge(struct tsa_judging *judging, struct slice body) {
    struct fault fault = {0};
    bool read = tsa_response_read(body, &judging->response, &fault);
    if (!liveness_check(judging->report, CHECK_TSA_BODY, read, read ? "%zu bytes%s" : "%zu bytes: %s",
                        body.size, fault.text))
        return;
    if (!judge_status(judging) || !judge_content(judging))
        return;
    liveness_check(judging->report, CHECK_TSA_VERSION,
                   tsa_judge_must(judging, judging->response.info.version == 1), "v%" PRIu32,
                   judging->response.info.version);
    judge_imprint(judging);
    judge_nonce(judging);
    judge_policy(judging);
    judge_serial(judging);
    judge_extensions(judging);
    judge_time(judging);
    if (judging->response.signer_count == 0)
        return;
    tsa_judge_signature(judging);
    if (judging->signer)
        tsa_judge_certificate(judging);
    if (judging->usable)
        judging->report->verdict = VERDICT_GOOD;
}

void tsa_judge(const struct tsa_question *question, const struct liveness_policy *policy, struct slice body,
               struct liveness_report *ret_report) {
    struct tsa_judging *judging = memory_new(sizeof *judging);
    judging->question = question;
    judging->report = ret_report;
    judging->usable = true;
    liveness_report_begin(ret_report, policy);
    judge(judging, body);
    free(judging);
}
