#include "ocsp_judge.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "memory.h"
#include "oids.h"
#include "signature.h"

struct judging {
    const struct ocsp_question *question;
    struct liveness_report *report;
    struct ocsp_response response;
    const struct certificate *issuer, *signer;
    struct slice serial;
    struct ocsp_single single;
    bool usable; /* by a relying party */
};

static uint64_t value(const struct judging *judging, enum liveness_parameter parameter) {
    return judging->report->policy->values[parameter];
}

/* What a relying party cannot do without. */
static bool must(struct judging *judging, bool good) {
    judging->usable &= good;
    return good;
}

/* ---- who it is about */

const struct certificate *ocsp_question_issuer(const struct ocsp_question *question,
                                               const struct ocsp_response *response) {
    for (size_t i = 0; question->certificate && i < question->issuer_count; i++)
        if (certificate_issued_by(question->certificate, &question->issuers[i]))
            return &question->issuers[i];
    struct der_reader singles = der_read(response->singles);
    struct ocsp_single single;
    while (ocsp_single_next(&singles, &single))
        for (size_t i = 0; i < question->issuer_count; i++)
            if (ocsp_cert_id_names(single.cert_id, &question->issuers[i], NULL, NULL))
                return &question->issuers[i];
    return &question->issuers[0];
}

/* ---- who signed it */

static bool is_responder(const struct ocsp_response *response, const struct certificate *certificate) {
    uint8_t hash[SHA_DIGEST_LENGTH];
    if (response->by_name.size)
        return certificate_same_name(response->by_name, certificate->subject);
    SHA1(certificate->key_bits.data, certificate->key_bits.size, hash);
    return slice_equal(response->by_key, slice_make(hash, sizeof hash));
}

/* The n-th who may have signed: the issuer, those sent along, the other issuers. NULL at the end. */
static const struct certificate *candidate(const struct judging *judging, size_t n) {
    if (n == 0)
        return judging->issuer;
    if (--n < judging->response.certificate_count)
        return &judging->response.certificates[n];
    n -= judging->response.certificate_count;
    return n < judging->question->issuer_count ? &judging->question->issuers[n] : NULL;
}

static void find_signer(struct judging *judging) {
    struct signature_algorithm algorithm;
    const struct certificate *one;
    const struct ocsp_response *response = &judging->response;
    if (!signature_algorithm_read(response->algorithm, &algorithm)) {
        liveness_check(judging->report, CHECK_OCSP_SIGNATURE, must(judging, false),
                       "an unknown signature algorithm");
        return;
    }
    struct signature_running *running = signature_create(&algorithm);
    signature_add(running, response->tbs);
    signature_end(running);
    for (int named = 1; named >= 0 && !judging->signer; named--)
        for (size_t n = 0; !judging->signer && (one = candidate(judging, n)); n++)
            if (is_responder(response, one) == (named == 1) &&
                signature_made_by(running, one->key, response->signature))
                judging->signer = one;
    signature_destroy(running);
    char name[CERTIFICATE_NAME_TEXT] = "";
    if (judging->signer)
        certificate_name_text(judging->signer->subject, name);
    liveness_check(judging->report, CHECK_OCSP_SIGNATURE, must(judging, judging->signer),
                   judging->signer ? "%s, by %s" : "%s, by nobody who is known%s", algorithm.name, name);
    liveness_check(judging->report, CHECK_OCSP_SIGNATURE_DIGEST, !algorithm.broken, "%s", algorithm.name);
}

static void judge_delegate(struct judging *judging) {
    const struct certificate *signer = judging->signer;
    struct liveness_report *report = judging->report;
    bool usage = signer->has_key_usage && signer->key_usage_critical &&
                 signer->key_usage == KEY_USAGE_DIGITAL_SIGNATURE;
    bool issued = certificate_issued_by(signer, judging->issuer);
    char name[CERTIFICATE_NAME_TEXT];
    certificate_name_text(signer->issuer, name);
    liveness_check(report, CHECK_OCSP_DELEGATE_ISSUER, must(judging, issued),
                   issued ? "signed by %s" : "issued by %s, not by that key", name);
    liveness_check(report, CHECK_OCSP_DELEGATE_PURPOSE, must(judging, signer->signs_ocsp),
                   signer->signs_ocsp      ? "OCSPSigning"
                   : signer->purpose_count ? "other purposes alone"
                                           : "no extended key usage");
    liveness_check(report, CHECK_OCSP_DELEGATE_PURPOSE_ONLY, signer->signs_ocsp && signer->purpose_count == 1,
                   "%u purposes", signer->purpose_count);
    liveness_check(report, CHECK_OCSP_DELEGATE_NOCHECK, signer->nocheck,
                   signer->nocheck ? "nocheck" : "no nocheck");
    liveness_check(report, CHECK_OCSP_DELEGATE_KEY_USAGE, usage,
                   !signer->has_key_usage        ? "no keyUsage"
                   : !signer->key_usage_critical ? "keyUsage is not critical"
                   : usage                       ? "critical, digitalSignature"
                                                 : "other bits than digitalSignature");
    liveness_check(report, CHECK_OCSP_DELEGATE_CA, !signer->is_ca, signer->is_ca ? "a CA" : "no CA");
}

static void judge_signer(struct judging *judging) {
    static const enum liveness_check of_delegates[] = {
        CHECK_OCSP_DELEGATE_ISSUER,  CHECK_OCSP_DELEGATE_PURPOSE,   CHECK_OCSP_DELEGATE_PURPOSE_ONLY,
        CHECK_OCSP_DELEGATE_NOCHECK, CHECK_OCSP_DELEGATE_KEY_USAGE, CHECK_OCSP_DELEGATE_CA};
    const struct certificate *signer = judging->signer;
    struct liveness_report *report = judging->report;
    char from[LIVENESS_TIME_SIZE], until[LIVENESS_TIME_SIZE], produced[LIVENESS_TIME_SIZE];
    uint64_t now_us = judging->question->now_us, produced_us = judging->response.produced_us;
    if (!signer)
        return;
    bool named = is_responder(&judging->response, signer);
    liveness_check(report, CHECK_OCSP_RESPONDER_ID, must(judging, named), "%s%s",
                   named ? "" : "somebody else ",
                   judging->response.by_name.size ? "by name" : "by the hash of the key");
    if (!slice_equal(signer->key, judging->issuer->key))
        judge_delegate(judging);
    else
        for (size_t i = 0; i < sizeof of_delegates / sizeof *of_delegates; i++)
            liveness_skip(report, of_delegates[i], "the issuer signed itself");
    liveness_time(signer->not_before_us, from);
    liveness_time(signer->not_after_us, until);
    liveness_check(report, CHECK_OCSP_DELEGATE_LIFE,
                   must(judging, now_us >= signer->not_before_us && now_us <= signer->not_after_us),
                   "valid %s to %s", from, until);
    liveness_check(report, CHECK_OCSP_PRODUCED_LIFE,
                   must(judging, produced_us >= signer->not_before_us && produced_us <= signer->not_after_us),
                   "produced %s, the certificate %s to %s", liveness_time(produced_us, produced), from,
                   until);
}

/* ---- extensions */

static bool is_one_of(struct slice oid, const struct slice *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (slice_equal(oid, list[i]))
            return true;
    return false;
}

static void judge_critical(struct judging *judging, struct slice extensions, const struct slice *known,
                           size_t count) {
    struct der_reader reader = der_read(extensions);
    struct extension extension;
    char text[EXTENSION_OID_TEXT];
    while (extension_next(&reader, &extension))
        if (extension.critical && !is_one_of(extension.oid, known, count)) {
            extension_oid_text(extension.oid, text);
            liveness_check(judging->report, CHECK_OCSP_CRITICAL_EXTENSION, must(judging, false), "%s", text);
        }
    liveness_check(judging->report, CHECK_OCSP_CRITICAL_EXTENSION, true, "none");
}

static void judge_nonce(struct judging *judging) {
    struct extension extension;
    struct slice sent = judging->question->nonce;
    if (sent.size == 0) {
        liveness_skip(judging->report, CHECK_OCSP_NONCE, "none was sent");
        return;
    }
    if (!extension_find(judging->response.extensions, OID_OCSP_NONCE, &extension)) {
        liveness_check(judging->report, CHECK_OCSP_NONCE, true, "no echo: signed beforehand");
        return;
    }
    struct der_reader value = der_read(extension.value);
    bool same = slice_equal(der_take(&value, DER_OCTET_STRING), sent) && der_done(&value);
    liveness_check(judging->report, CHECK_OCSP_NONCE, must(judging, same),
                   same ? "echoed" : "another one than was sent");
}

static void judge_response_extensions(struct judging *judging) {
    const struct slice known[] = {OID_OCSP_NONCE, OID_OCSP_EXTENDED_REVOKE};
    judge_critical(judging, judging->response.extensions, known, sizeof known / sizeof *known);
    judge_nonce(judging);
}

static void judge_single_extensions(struct judging *judging) {
    const struct slice known[] = {OID_OCSP_CRL,    OID_OCSP_ARCHIVE_CUTOFF, OID_OCSP_SCT_LIST,
                                  OID_REASON_CODE, OID_INVALIDITY_DATE,     OID_CERTIFICATE_ISSUER};
    judge_critical(judging, judging->single.extensions, known, sizeof known / sizeof *known);
}

/* ---- what it says */

/* Two answers about one certificate: under one CertID, or that differ. */
static bool contradicts(const struct ocsp_single *first, const struct ocsp_single *second) {
    return slice_equal(first->cert_id, second->cert_id) || first->status != second->status;
}

static void say_other(struct judging *judging, const struct ocsp_single *other) {
    char hex[LIVENESS_HEX_SIZE];
    struct slice serial;
    bool known, named = ocsp_cert_id_names(other->cert_id, judging->issuer, &serial, &known);
    if (!known)
        liveness_check(judging->report, CHECK_OCSP_CERT_ID, false,
                       "a CertID of another digest than SHA-1 and SHA-2");
    else
        liveness_check(judging->report, CHECK_OCSP_CERT_ID, false, "serial %s of %s",
                       liveness_hex(serial, hex), named ? "this issuer" : "another issuer");
}

static bool find_single(struct judging *judging) {
    struct der_reader singles = der_read(judging->response.singles);
    struct ocsp_single single, other = {.status = OCSP_UNKNOWN};
    size_t found = 0, seen = 0;
    bool doubled = false;
    struct slice serial;
    for (; ocsp_single_next(&singles, &single); seen++) {
        if (!ocsp_cert_id_names(single.cert_id, judging->issuer, &serial, NULL) ||
            !slice_equal(serial, judging->serial)) {
            other = single;
            continue;
        }
        if (found++ == 0)
            judging->single = single;
        else
            doubled |= contradicts(&judging->single, &single);
    }
    if (!must(judging, found > 0)) {
        if (seen)
            say_other(judging, &other);
        else
            liveness_check(judging->report, CHECK_OCSP_CERT_ID, false, "about nobody");
        return false;
    }
    char hex[LIVENESS_HEX_SIZE];
    liveness_check(judging->report, CHECK_OCSP_CERT_ID, true, "serial %s",
                   liveness_hex(judging->serial, hex));
    liveness_check(judging->report, CHECK_OCSP_DUPLICATE, must(judging, !doubled),
                   "%zu for this certificate, %zu in all", found, seen);
    return true;
}

static void judge_certificate_ends(struct judging *judging) {
    char name[CERTIFICATE_NAME_TEXT], until[LIVENESS_TIME_SIZE], next[LIVENESS_TIME_SIZE];
    const struct ocsp_response *response = &judging->response;
    uint64_t next_us = judging->single.next_update_us;
    if (next_us == 0 || response->certificate_count == 0) {
        liveness_skip(judging->report, CHECK_OCSP_CERTIFICATE_ENDS,
                      next_us ? "no certificate sent along" : "no nextUpdate");
        return;
    }
    for (size_t i = 0; i < response->certificate_count; i++) {
        certificate_name_text(response->certificates[i].subject, name);
        liveness_check(judging->report, CHECK_OCSP_CERTIFICATE_ENDS,
                       response->certificates[i].not_after_us >= next_us, "%s ends %s, nextUpdate %s", name,
                       liveness_time(response->certificates[i].not_after_us, until),
                       liveness_time(next_us, next));
    }
}

/* When a newer one is due by the Baseline Requirements. */
static uint64_t refresh_due_us(const struct judging *judging) {
    uint64_t this_us = judging->single.this_update_us, valid_us = judging->single.next_update_us - this_us;
    uint64_t margin_us = value(judging, BOUND_OCSP_REFRESH_MARGIN),
             most_us = value(judging, BOUND_OCSP_REFRESH_MOST);
    if (valid_us < value(judging, BOUND_OCSP_SHORT_LIVED))
        return this_us + valid_us / 2;
    uint64_t before_us = valid_us > margin_us ? valid_us - margin_us : 0;
    return this_us + (before_us < most_us ? before_us : most_us);
}

static void judge_validity(struct judging *judging) {
    struct liveness_report *report = judging->report;
    uint64_t this_us = judging->single.this_update_us, valid_us = judging->single.next_update_us - this_us;
    uint64_t now_us = judging->question->now_us, age_us = now_us > this_us ? now_us - this_us : 0;
    uint64_t percent = value(judging, BOUND_AGE_PERCENT), due_us = refresh_due_us(judging);
    char span[LIVENESS_SPAN_SIZE], age[LIVENESS_SPAN_SIZE], due[LIVENESS_TIME_SIZE];
    liveness_span(valid_us, span);
    liveness_span(age_us, age);
    liveness_check(report, CHECK_OCSP_VALIDITY_SHORT, valid_us >= value(judging, BOUND_OCSP_VALIDITY_LEAST),
                   "valid for %s", span);
    liveness_check(report, CHECK_OCSP_VALIDITY_LONG, valid_us <= value(judging, BOUND_OCSP_VALIDITY_MOST),
                   "valid for %s", span);
    liveness_check(report, CHECK_OCSP_AGE, age_us / 100 <= valid_us / 10000 * percent, "%s old, valid for %s",
                   age, span);
    liveness_check(report, CHECK_OCSP_REFRESH, now_us <= due_us, "%s old, valid for %s", age, span);
    liveness_due(report, CHECK_OCSP_REFRESH, "a newer one since %s", liveness_time(due_us, due));
}

static void judge_next_update(struct judging *judging) {
    static const enum liveness_check with_next[] = {
        CHECK_OCSP_NEXT_UPDATE_PAST, CHECK_OCSP_UPDATE_ORDER, CHECK_OCSP_VALIDITY_SHORT,
        CHECK_OCSP_VALIDITY_LONG,    CHECK_OCSP_AGE,          CHECK_OCSP_REFRESH};
    struct liveness_report *report = judging->report;
    const struct ocsp_single *single = &judging->single;
    char text[LIVENESS_TIME_SIZE], late[LIVENESS_SPAN_SIZE];
    uint64_t now_us = judging->question->now_us, next_us = single->next_update_us;
    if (!liveness_check(report, CHECK_OCSP_NEXT_UPDATE, next_us > 0, "%s",
                        next_us ? liveness_time(next_us, text) : "none")) {
        for (size_t i = 0; i < sizeof with_next / sizeof *with_next; i++)
            liveness_skip(report, with_next[i], "no nextUpdate");
        return;
    }
    liveness_time(next_us, text);
    if (must(judging, next_us >= now_us))
        liveness_check(report, CHECK_OCSP_NEXT_UPDATE_PAST, true, "%s", text);
    else
        liveness_check(report, CHECK_OCSP_NEXT_UPDATE_PAST, false, "%s, %s ago", text,
                       liveness_span(now_us - next_us, late));
    if (liveness_check(report, CHECK_OCSP_UPDATE_ORDER, must(judging, next_us > single->this_update_us),
                       "nextUpdate %s", text))
        judge_validity(judging);
}

static void judge_times(struct judging *judging) {
    struct liveness_report *report = judging->report;
    char text[LIVENESS_TIME_SIZE], span[LIVENESS_SPAN_SIZE];
    uint64_t now_us = judging->question->now_us, latest_us = now_us + value(judging, BOUND_CLOCK_TOLERANCE);
    uint64_t this_us = judging->single.this_update_us, most_us = judging->question->max_age_us;
    liveness_check(report, CHECK_OCSP_PRODUCED_FUTURE, judging->response.produced_us <= latest_us, "%s",
                   liveness_time(judging->response.produced_us, text));
    liveness_check(report, CHECK_OCSP_THIS_UPDATE_FUTURE, must(judging, this_us <= latest_us), "%s",
                   liveness_time(this_us, text));
    judge_next_update(judging);
    judge_certificate_ends(judging);
    if (most_us) {
        uint64_t age_us = now_us > this_us ? now_us - this_us : 0;
        liveness_check(report, CHECK_OCSP_MAX_AGE, must(judging, age_us <= most_us), "%s old",
                       liveness_span(age_us, span));
        liveness_due(report, CHECK_OCSP_MAX_AGE, "%s at most", liveness_span(most_us, span));
    }
}

static void judge_authoritative(struct judging *judging, bool answered, const char *seen) {
    const struct certificate *certificate = judging->question->certificate;
    uint64_t new_us = value(judging, BOUND_OCSP_NEW_CERTIFICATE);
    switch (judging->question->expected) {
    case OCSP_EXPECT_UNISSUED:
        liveness_skip(judging->report, CHECK_OCSP_AUTHORITATIVE, "it was never issued");
        return;
    case OCSP_EXPECT_NOTHING:
        if (!answered) {
            liveness_skip(judging->report, CHECK_OCSP_AUTHORITATIVE, "%s; whether it was issued is not known",
                          seen);
            return;
        }
        break;
    case OCSP_EXPECT_ISSUED:
    case OCSP_EXPECT_GOOD:
    case OCSP_EXPECT_REVOKED:
        break;
    }
    if (!answered && certificate && judging->question->now_us < certificate->not_before_us + new_us)
        liveness_skip(judging->report, CHECK_OCSP_AUTHORITATIVE, "%s, for a certificate that is new", seen);
    else
        liveness_check(judging->report, CHECK_OCSP_AUTHORITATIVE, answered, "%s", seen);
}

static void judge_reason(struct judging *judging) {
    const struct ocsp_single *single = &judging->single;
    const struct ocsp_question *question = judging->question;
    const char *name = single->has_reason ? ocsp_reason_name(single->reason) : "none";
    static const uint16_t allowed = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9;
    bool good = !single->has_reason || (single->reason < 16 && (allowed >> single->reason & 1));
    if (question->expected == OCSP_EXPECT_UNISSUED) /* revoked, on hold since 1970: RFC 6960 2.2 */
        liveness_skip(judging->report, CHECK_OCSP_REASON, "it was never issued");
    else
        liveness_check(judging->report, CHECK_OCSP_REASON, good, "%s", name);
    if (question->has_reason) {
        uint32_t is = single->has_reason ? single->reason : 0;
        liveness_check(judging->report, CHECK_OCSP_REASON_EXPECTED, is == question->reason, "%s", name);
        liveness_due(judging->report, CHECK_OCSP_REASON_EXPECTED, "%s", ocsp_reason_name(question->reason));
    }
}

static void judge_status(struct judging *judging) {
    const enum ocsp_expected expected = judging->question->expected;
    enum ocsp_certificate_status status = judging->single.status;
    const char *name = ocsp_certificate_status_name(status);
    judge_authoritative(judging, status != OCSP_UNKNOWN, name);
    if (expected == OCSP_EXPECT_UNISSUED)
        liveness_check(judging->report, CHECK_OCSP_UNISSUED_GOOD, status != OCSP_GOOD, "%s", name);
    if (expected == OCSP_EXPECT_GOOD || expected == OCSP_EXPECT_REVOKED) {
        liveness_check(judging->report, CHECK_OCSP_STATUS_EXPECTED,
                       status == (expected == OCSP_EXPECT_GOOD ? OCSP_GOOD : OCSP_REVOKED), "%s", name);
        liveness_due(judging->report, CHECK_OCSP_STATUS_EXPECTED, "%s",
                     expected == OCSP_EXPECT_GOOD ? "good" : "revoked");
    }
    if (status == OCSP_REVOKED)
        judge_reason(judging);
}

static enum liveness_verdict verdict_of(const struct judging *judging) {
    static const enum liveness_verdict verdicts[] = {VERDICT_GOOD, VERDICT_REVOKED, VERDICT_UNKNOWN};
    return judging->usable ? verdicts[judging->single.status] : VERDICT_UNUSABLE;
}

/* A status that nobody signed says nothing about the certificate. */
static bool judge_response_status(struct judging *judging) {
    uint32_t status = judging->response.status;
    bool unissued = judging->question->expected == OCSP_EXPECT_UNISSUED && status == OCSP_UNAUTHORIZED;
    liveness_check(judging->report, CHECK_OCSP_STATUS, status == OCSP_SUCCESSFUL || unissued, "%s",
                   ocsp_status_name(status));
    if (status == OCSP_UNAUTHORIZED)
        judge_authoritative(judging, false, "unauthorized");
    return status == OCSP_SUCCESSFUL;
}

static void judge(struct judging *judging, struct slice body) {
    struct fault fault = {0};
    bool read = ocsp_response_read(body, &judging->response, &fault);
    if (!liveness_check(judging->report, CHECK_OCSP_BODY, read, read ? "%zu bytes%s" : "%zu bytes: %s",
                        body.size, fault.text))
        return;
    if (!judge_response_status(judging))
        return;
    const struct ocsp_question *question = judging->question;
    judging->usable = true;
    judging->issuer = ocsp_question_issuer(question, &judging->response);
    judging->serial = question->certificate ? question->certificate->serial : question->serial;
    liveness_check(judging->report, CHECK_OCSP_VERSION, must(judging, judging->response.version == 0), "v%u",
                   judging->response.version + 1);
    find_signer(judging);
    judge_signer(judging);
    judge_response_extensions(judging);
    if (!find_single(judging))
        return;
    judging->report->times = (struct liveness_times){
        judging->response.produced_us, judging->single.this_update_us, judging->single.next_update_us};
    judge_single_extensions(judging);
    judge_times(judging);
    judge_status(judging);
    judging->report->verdict = verdict_of(judging);
}

void ocsp_judge(const struct ocsp_question *question, const struct liveness_policy *policy, struct slice body,
                struct liveness_report *ret_report) {
    struct judging *judging = memory_new(sizeof *judging);
    judging->question = question;
    judging->report = ret_report;
    liveness_report_begin(ret_report, policy);
    judge(judging, body);
    free(judging);
}
