#include <inttypes.h>

#include "crl_judge_inside.h"

static uint64_t value(const struct crl_judge *judge, enum liveness_parameter parameter) {
    return judge->policy->values[parameter];
}

/* A list of CAs' certificates alone may be valid for a year. */
static bool of_cas(const struct crl_judge *judge) {
    return judge->scope.only_cas || (judge->question.certificate && judge->question.certificate->is_ca);
}

static void judge_validity(struct crl_judge *judge) {
    struct liveness_report *report = judge->report;
    uint64_t this_us = judge->list->this_update_us, valid_us = judge->list->next_update_us - this_us;
    uint64_t now_us = judge->question.now_us, age_us = now_us > this_us ? now_us - this_us : 0;
    uint64_t most_us = value(judge, of_cas(judge) ? BOUND_CRL_CA_VALIDITY_MOST : BOUND_CRL_VALIDITY_MOST);
    char span[LIVENESS_SPAN_SIZE], age[LIVENESS_SPAN_SIZE], most[LIVENESS_SPAN_SIZE];
    liveness_span(valid_us, span);
    liveness_span(age_us, age);
    liveness_check(report, CHECK_CRL_VALIDITY_LONG, valid_us <= most_us, "valid for %s", span);
    liveness_due(report, CHECK_CRL_VALIDITY_LONG, "valid for %s at most", liveness_span(most_us, most));
    liveness_check(report, CHECK_CRL_AGE, age_us / 100 <= valid_us / 10000 * value(judge, BOUND_AGE_PERCENT),
                   "%s old, valid for %s", age, span);
    if (of_cas(judge)) {
        liveness_skip(report, CHECK_CRL_REFRESH, "a CRL of CAs' certificates");
        return;
    }
    bool alone =
        judge->question.certificate && certificate_ocsp_uri(judge->question.certificate, 0).size == 0;
    uint64_t due_us = value(judge, alone ? BOUND_CRL_REFRESH_NO_OCSP : BOUND_CRL_REFRESH_MOST);
    liveness_check(report, CHECK_CRL_REFRESH, age_us <= due_us, "%s old", age);
    liveness_due(report, CHECK_CRL_REFRESH, "a new one every %s%s", liveness_span(due_us, most),
                 alone ? ", as the certificate has no OCSP" : "");
}

static void judge_next_update(struct crl_judge *judge) {
    static const enum liveness_check with_next[] = {CHECK_CRL_NEXT_UPDATE_PAST, CHECK_CRL_UPDATE_ORDER,
                                                    CHECK_CRL_VALIDITY_LONG, CHECK_CRL_AGE,
                                                    CHECK_CRL_REFRESH};
    struct liveness_report *report = judge->report;
    uint64_t next_us = judge->list->next_update_us, now_us = judge->question.now_us;
    char text[LIVENESS_TIME_SIZE] = "none", late[LIVENESS_SPAN_SIZE];
    if (next_us)
        liveness_time(next_us, text);
    if (!liveness_check(report, CHECK_CRL_NEXT_UPDATE, next_us > 0, "%s", text)) {
        for (size_t i = 0; i < sizeof with_next / sizeof *with_next; i++)
            liveness_skip(report, with_next[i], "no nextUpdate");
        return;
    }
    if (crl_judge_must(judge, next_us >= now_us))
        liveness_check(report, CHECK_CRL_NEXT_UPDATE_PAST, true, "%s", text);
    else
        liveness_check(report, CHECK_CRL_NEXT_UPDATE_PAST, false, "%s, %s ago", text,
                       liveness_span(now_us - next_us, late));
    if (liveness_check(report, CHECK_CRL_UPDATE_ORDER,
                       crl_judge_must(judge, next_us > judge->list->this_update_us), "nextUpdate %s", text))
        judge_validity(judge);
}

void crl_judge_times(struct crl_judge *judge) {
    char text[LIVENESS_TIME_SIZE], span[LIVENESS_SPAN_SIZE];
    uint64_t this_us = judge->list->this_update_us, now_us = judge->question.now_us;
    uint64_t most_us = judge->question.max_age_us;
    liveness_check(judge->report, CHECK_CRL_THIS_UPDATE_FUTURE,
                   crl_judge_must(judge, this_us <= now_us + value(judge, BOUND_CLOCK_TOLERANCE)), "%s",
                   liveness_time(this_us, text));
    judge_next_update(judge);
    if (most_us) {
        uint64_t age_us = now_us > this_us ? now_us - this_us : 0;
        liveness_check(judge->report, CHECK_CRL_MAX_AGE, crl_judge_must(judge, age_us <= most_us), "%s old",
                       liveness_span(age_us, span));
        liveness_due(judge->report, CHECK_CRL_MAX_AGE, "%s at most", liveness_span(most_us, span));
    }
}

void crl_judge_unchanged(const struct crl_question *question, const struct liveness_policy *policy,
                         const struct liveness_times *times, bool only_cas,
                         struct liveness_report *ret_report) {
    const struct crl_list list = {.this_update_us = times->this_update_us,
                                  .next_update_us = times->next_update_us};
    struct crl_judge judge = {.question = *question,
                              .policy = policy,
                              .report = ret_report,
                              .list = &list,
                              .usable = true,
                              .scope = {.only_cas = only_cas}};
    liveness_report_begin(ret_report, policy);
    ret_report->times = *times;
    liveness_check(ret_report, CHECK_CRL_BODY, true, "unchanged");
    crl_judge_times(&judge);
    ret_report->verdict = judge.usable ? VERDICT_GOOD : VERDICT_UNUSABLE;
}

/* ---- against the one before */

static int compare_numbers(struct slice a, struct slice b) {
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    return a.size ? memcmp(a.data, b.data, a.size) : 0;
}

static void judge_numbers(struct crl_judge *judge, const struct crl_facts *before, bool same_bytes) {
    char now[LIVENESS_HEX_SIZE], then[LIVENESS_HEX_SIZE];
    if (judge->number.size == 0 || !before->has_number) {
        liveness_skip(judge->report, CHECK_CRL_NUMBER_FALLS, "no CRLNumber");
        liveness_skip(judge->report, CHECK_CRL_NUMBER_SAME, "no CRLNumber");
        return;
    }
    struct slice number = der_magnitude(judge->number), old = slice_make(before->number, before->number_size);
    int order = compare_numbers(number, old);
    liveness_hex(number, now);
    liveness_hex(old, then);
    liveness_check(judge->report, CHECK_CRL_NUMBER_FALLS, order >= 0, "%s after %s", now, then);
    liveness_check(judge->report, CHECK_CRL_NUMBER_SAME, order != 0 || same_bytes, "%s after %s, %s bytes",
                   now, then, same_bytes ? "the same" : "other");
}

static void judge_size(struct crl_judge *judge, const struct crl_facts *before) {
    uint64_t percent = value(judge, BOUND_CRL_SIZE_PERCENT), size = judge->list->size,
             count = judge->list->entry_count;
    /* Of a few entries half may well come to their end at once. */
    const uint64_t few = 8;
    bool fewer = before->entry_count >= few && count * 100 <= before->entry_count * percent;
    liveness_check(judge->report, CHECK_CRL_SHRINKS, size * 100 > before->size * percent && !fewer,
                   "%" PRIu64 " bytes after %" PRIu64 ", %" PRIu64 " entries after %" PRIu64, size,
                   before->size, count, before->entry_count);
}

/* Who is asked about was in the one before. */
static void judge_asked(struct crl_judge *judge, const struct crl_facts *before) {
    const struct certificate *certificate = judge->question.certificate;
    bool kept = false,
         was = judge->asked.size && crl_state_has(judge->question.previous, judge->asked, &kept);
    if (!certificate || !kept) {
        liveness_skip(judge->report, CHECK_CRL_ENTRY_GONE,
                      certificate ? "not among the entries that are kept" : "no certificate is asked about");
        return;
    }
    bool due = certificate->not_after_us >= before->this_update_us; /* it was in no CRL beyond its end yet */
    char until[LIVENESS_TIME_SIZE];
    liveness_check(judge->report, CHECK_CRL_ENTRY_GONE, !was || judge->listed || !due,
                   "%s, %s now; it ends %s", was ? "was there" : "was not there",
                   judge->listed ? "is" : "is not", liveness_time(certificate->not_after_us, until));
}

static void judge_gone(struct crl_judge *judge) {
    char hex[LIVENESS_HEX_SIZE], revoked[LIVENESS_TIME_SIZE];
    uint64_t life_us = value(judge, BOUND_CRL_CERTIFICATE_LIFE), this_us = judge->list->this_update_us;
    struct crl_gone gone =
        crl_state_gone(judge->question.previous, this_us > life_us ? this_us - life_us : 0);
    if (gone.count == 0)
        liveness_check(judge->report, CHECK_CRL_ENTRIES_GONE, true, "none");
    else
        liveness_check(judge->report, CHECK_CRL_ENTRIES_GONE, false,
                       "%s%" PRIu64 " whose certificates may be valid still, such as serial %s, revoked %s",
                       gone.exact ? "" : "about ", gone.count, liveness_hex(gone.serial, hex),
                       liveness_time(gone.revoked_us, revoked));
}

void crl_judge_previous(struct crl_judge *judge) {
    static const enum liveness_check checks[] = {CHECK_CRL_OLDER,       CHECK_CRL_NUMBER_FALLS,
                                                 CHECK_CRL_NUMBER_SAME, CHECK_CRL_SHRINKS,
                                                 CHECK_CRL_ENTRY_GONE,  CHECK_CRL_ENTRIES_GONE};
    char now[LIVENESS_TIME_SIZE], then[LIVENESS_TIME_SIZE];
    if (!judge->question.previous || judge->is_delta) {
        for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
            liveness_skip(judge->report, checks[i], judge->is_delta ? "a delta CRL" : "no CRL before");
        return;
    }
    const struct crl_facts *before = crl_state_facts_of(judge->question.previous);
    const struct crl_facts *facts = crl_state_facts_of(judge->state);
    bool same = hash_equal(&facts->hash, &before->hash);
    liveness_check(judge->report, CHECK_CRL_OLDER, judge->list->this_update_us >= before->this_update_us,
                   "%s after %s", liveness_time(judge->list->this_update_us, now),
                   liveness_time(before->this_update_us, then));
    judge_numbers(judge, before, same);
    judge_size(judge, before);
    judge_asked(judge, before);
    judge_gone(judge);
}
