#include "crl_judge.h"

#include <inttypes.h>
#include <stdlib.h>

#include "crl_judge_inside.h"
#include "memory.h"

struct crl_judge *crl_judge_create(const struct crl_question *question,
                                   const struct liveness_policy *policy) {
    struct crl_judge *judge = memory_new(sizeof *judge);
    judge->question = *question;
    judge->policy = policy;
    judge->asked = question->certificate ? question->certificate->serial : question->serial;
    judge->reader = crl_reader_create(crl_judge_entry, judge);
    judge->list = crl_reader_list(judge->reader);
    judge->state = crl_state_create(question->keep_entries);
    return judge;
}

struct crl_judge *crl_judge_destroy(struct crl_judge *judge) {
    if (judge) {
        crl_reader_destroy(judge->reader);
        crl_state_destroy(judge->state);
        free(judge);
    }
    return NULL;
}

void crl_judge_add(struct crl_judge *judge, struct slice piece) {
    struct slice head = slice_head(piece, CRL_FIRST - judge->first_size);
    memcpy(judge->first + judge->first_size, head.data, head.size);
    judge->first_size += head.size;
    crl_reader_add(judge->reader, piece);
}

bool crl_judge_must(struct crl_judge *judge, bool good) {
    judge->usable &= good;
    return good;
}

/* ---- who signed it */

static bool made_by(const struct crl_judge *judge, const struct certificate *certificate) {
    const struct signature_running *running = crl_reader_signed(judge->reader);
    return running && signature_made_by(running, certificate->key, judge->list->signature);
}

/* Who issued the certificate; else who signed the list, of that name if there is one; else who has its name; else the first. */
static const struct certificate *find_issuer(const struct crl_judge *judge) {
    const struct crl_question *question = &judge->question;
    const struct certificate *named = NULL, *signer = NULL;
    for (size_t i = 0; i < question->issuer_count; i++) {
        const struct certificate *one = &question->issuers[i];
        bool name = certificate_same_name(one->subject, judge->list->issuer);
        if (question->certificate && certificate_issued_by(question->certificate, one))
            return one;
        if (name && !named)
            named = one;
        if (question->issuer_count > 1 && made_by(judge, one) && (!signer || name))
            signer = one;
    }
    return signer ? signer : named ? named : &question->issuers[0];
}

/* A key of somebody else's who was named, such as the CA's previous one. */
static const struct certificate *other_signer(const struct crl_judge *judge) {
    for (size_t i = 0; i < judge->question.issuer_count; i++)
        if (made_by(judge, &judge->question.issuers[i]))
            return &judge->question.issuers[i];
    return NULL;
}

static void judge_signature(struct crl_judge *judge) {
    struct signature_algorithm algorithm;
    struct liveness_report *report = judge->report;
    char name[CERTIFICATE_NAME_TEXT] = "";
    bool same = slice_equal(judge->list->algorithm, judge->list->inner_algorithm);
    liveness_check(report, CHECK_CRL_ALGORITHM, crl_judge_must(judge, same), "%s",
                   same ? "the same" : "another outside");
    if (!signature_algorithm_read(judge->list->inner_algorithm, &algorithm)) {
        liveness_check(report, CHECK_CRL_SIGNATURE, crl_judge_must(judge, false),
                       "an unknown signature algorithm");
        return;
    }
    if (!same) { /* which of them a verifier goes by is its own affair */
        liveness_skip(report, CHECK_CRL_SIGNATURE, "there are two algorithms");
        return;
    }
    judge->signed_by_issuer = made_by(judge, judge->issuer);
    const struct certificate *other = judge->signed_by_issuer ? judge->issuer : other_signer(judge);
    if (other)
        certificate_name_text(other->subject, name);
    liveness_check(report, CHECK_CRL_SIGNATURE, crl_judge_must(judge, judge->signed_by_issuer),
                   judge->signed_by_issuer ? "%s, by %s"
                   : other                 ? "%s, by another key, of %s"
                                           : "%s, by nobody who is known%s",
                   algorithm.name, name);
    liveness_check(report, CHECK_CRL_SIGNATURE_DIGEST, !algorithm.broken, "%s", algorithm.name);
}

static void judge_issuer(struct crl_judge *judge) {
    char is[CERTIFICATE_NAME_TEXT], due[CERTIFICATE_NAME_TEXT];
    const struct certificate *issuer = judge->issuer;
    certificate_name_text(judge->list->issuer, is);
    certificate_name_text(issuer->subject, due);
    bool same = slice_equal(judge->list->issuer, issuer->subject);
    crl_judge_must(judge, certificate_same_name(judge->list->issuer, issuer->subject));
    liveness_check(judge->report, CHECK_CRL_ISSUER, same, "%s%s", is,
                   same                   ? ""
                   : strcmp(is, due) == 0 ? ", in other bytes"
                                          : "");
    liveness_due(judge->report, CHECK_CRL_ISSUER, "%s, byte by byte the CA's subject", due);
    bool may = !issuer->has_key_usage || (issuer->key_usage & KEY_USAGE_CRL_SIGN);
    liveness_check(judge->report, CHECK_CRL_ISSUER_KEY_USAGE, crl_judge_must(judge, may), "%s",
                   !issuer->has_key_usage ? "no keyUsage"
                   : may                  ? "cRLSign"
                                          : "keyUsage without cRLSign");
}

/* ---- all of it */

static void take_facts(struct crl_judge *judge) {
    struct crl_facts *facts = crl_state_facts(judge->state);
    struct slice number = der_magnitude(judge->number);
    struct sha256 running;
    sha256_begin(&running);
    if (crl_reader_signed(judge->reader)) {
        struct slice hashed = signature_hashed(crl_reader_signed(judge->reader));
        sha256_add(&running, hashed.data, hashed.size);
    }
    sha256_add(&running, judge->list->signature.data, judge->list->signature.size);
    facts->hash = sha256_end(&running);
    facts->this_update_us = judge->list->this_update_us;
    facts->entry_count = judge->list->entry_count;
    facts->size = judge->list->size;
    facts->has_number = number.size > 0 && number.size <= CRL_NUMBER_MOST && !der_negative(judge->number);
    if (facts->has_number) {
        memcpy(facts->number, number.data, number.size);
        facts->number_size = (uint8_t)number.size;
    }
}

/* Whether the list is about the certificate at all. */
static bool in_scope(const struct crl_judge *judge) {
    const struct certificate *certificate = judge->question.certificate;
    const struct liveness_finding *uri = liveness_report_find(judge->report, CHECK_CRL_SCOPE_URI);
    if (!judge->has_scope)
        return true;
    if (judge->scope.only_attributes || (uri && uri->state >= LIVENESS_WARN))
        return false;
    return !certificate || (certificate->is_ca ? !judge->scope.only_users : !judge->scope.only_cas);
}

static enum liveness_verdict verdict_of(const struct crl_judge *judge) {
    if (!judge->usable)
        return VERDICT_UNUSABLE;
    if (!in_scope(judge))
        return VERDICT_UNKNOWN;
    if (judge->listed)
        return VERDICT_REVOKED;
    return judge->asked.size && (judge->is_delta || judge->scope.some_reasons) ? VERDICT_UNKNOWN
                                                                               : VERDICT_GOOD;
}

static bool judge_body(struct crl_judge *judge) {
    struct fault fault = {0};
    uint64_t size = judge->list->size;
    bool read = crl_reader_end(judge->reader, &fault), too_long = size > CRL_BYTES_MOST;
    struct slice first = slice_make(judge->first, judge->first_size);
    liveness_check(judge->report, CHECK_CRL_SIZE, !too_long, "%" PRIu64 " bytes", size);
    if (too_long)
        return false;
    if (read)
        return liveness_check(judge->report, CHECK_CRL_BODY, true, "%" PRIu64 " bytes, %" PRIu64 " entries",
                              size, judge->list->entry_count);
    bool looks_like_one = first.size > 1 && first.data[0] == DER_SEQUENCE;
    return liveness_check(judge->report, CHECK_CRL_BODY, false, "%" PRIu64 " bytes: %s", size,
                          looks_like_one ? fault.text : liveness_body_kind(first));
}

void crl_judge_end(struct crl_judge *judge, struct liveness_report *ret_report) {
    judge->report = ret_report;
    liveness_report_begin(ret_report, judge->policy);
    if (!judge_body(judge))
        return;
    ret_report->times = (struct liveness_times){0, judge->list->this_update_us, judge->list->next_update_us};
    judge->usable = true;
    judge->issuer = find_issuer(judge);
    liveness_check(ret_report, CHECK_CRL_VERSION, judge->list->version == 1, "v%u", judge->list->version + 1);
    crl_judge_must(judge, judge->list->version <= 1); /* v1 has to be understood: RFC 5280 5 */
    judge_signature(judge);
    judge_issuer(judge);
    crl_judge_extensions(judge);
    crl_judge_entries(judge);
    crl_judge_times(judge);
    take_facts(judge);
    crl_judge_previous(judge);
    ret_report->verdict = verdict_of(judge);
}

bool crl_judge_only_cas(const struct crl_judge *judge) {
    return judge->scope.only_cas;
}

struct crl_state *crl_judge_take_state(struct crl_judge *judge) {
    struct crl_state *state = judge->signed_by_issuer ? judge->state : NULL;
    if (state)
        judge->state = NULL;
    return state;
}
