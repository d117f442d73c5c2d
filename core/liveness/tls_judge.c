#include "tls_judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "key_judge.h"
#include "memory.h"
#include "ocsp_judge.h"
#include "oids.h"
#include "tls_judge_inside.h"

#define TLS_FEATURE_STATUS_REQUEST 5u /* RFC 6066 8 */

/* ---- the chain */

static void collect(struct tls_judging *judging) {
    const struct tls_chain *chain = &judging->chain;
    for (size_t i = 0; i < chain->needed; i++)
        judging->certificates[judging->count++] = tls_chain_at(chain, i);
    if (chain->anchor && !tls_chain_is_same(chain->anchor, tls_chain_at(chain, chain->needed - 1)))
        judging->certificates[judging->count++] = chain->anchor;
}

static void judge_complete(struct tls_judging *judging) {
    const struct tls_chain *chain = &judging->chain;
    const struct certificate *top = tls_chain_at(chain, chain->path_count - 1);
    struct liveness_report *report = judging->report;
    char name[CERTIFICATE_NAME_TEXT], issuer[CERTIFICATE_NAME_TEXT];
    certificate_name_text(top->subject, name);
    certificate_name_text(top->issuer, issuer);
    if (chain->anchor) {
        certificate_name_text(chain->anchor->subject, name);
        liveness_check(report, CHECK_TLS_CHAIN_COMPLETE, true, "%zu sent, %zu needed", chain->count,
                       chain->needed);
        liveness_check(report, CHECK_TLS_ANCHOR, true, "%s", name);
        return;
    }
    bool self = tls_chain_is_self_signed(top), known = judging->question->anchor_count > 0;
    if (!self && (known || chain->path_count < chain->count))
        liveness_check(report, CHECK_TLS_CHAIN_COMPLETE, tls_judging_must(judging, false),
                       "%s was signed by %s, which is neither sent along nor an anchor", name, issuer);
    else if (!self)
        liveness_skip(report, CHECK_TLS_CHAIN_COMPLETE, "up to %s; no anchors were given", name);
    else
        liveness_check(report, CHECK_TLS_CHAIN_COMPLETE, true, "up to %s", name);
    if (!known || !self)
        liveness_skip(report, CHECK_TLS_ANCHOR,
                      known ? "the chain breaks off before" : "no anchors were given");
    else
        liveness_check(report, CHECK_TLS_ANCHOR, tls_judging_must(judging, false),
                       "%s signed itself, and is no anchor", name);
}

static void judge_order(const struct tls_judging *judging) {
    const struct tls_chain *chain = &judging->chain;
    char order[4 * TLS_CHAIN_MOST] = "";
    size_t used = 0;
    bool good = true;
    for (size_t i = 0; i < chain->path_count; i++) {
        good &= i == 0 || chain->path[i] > chain->path[i - 1];
        used +=
            (size_t)snprintf(order + used, sizeof order - used, "%s%zu", i ? ", " : "", chain->path[i] + 1);
    }
    liveness_check(judging->report, CHECK_TLS_CHAIN_ORDER, good,
                   good ? "as it should be: %s" : "they belong in the order %s", order);
}

/* What is not in the path; and behind the anchor, where old clients may need it, what is past its end. */
static void judge_surplus(const struct tls_judging *judging) {
    const struct tls_chain *chain = &judging->chain;
    struct liveness_report *report = judging->report;
    char name[CERTIFICATE_NAME_TEXT], until[LIVENESS_TIME_SIZE];
    for (size_t place = 0; place < chain->count; place++) {
        bool found = false;
        for (size_t i = 0; i < chain->path_count; i++)
            found |= chain->path[i] == place;
        certificate_name_text(chain->sent[place].subject, name);
        if (!found)
            liveness_check(report, CHECK_TLS_CHAIN_SURPLUS, false,
                           "%s, sent as number %zu, signed none of them", name, place + 1);
    }
    for (size_t i = chain->needed; i < chain->path_count; i++) {
        const struct certificate *beyond = tls_chain_at(chain, i);
        certificate_name_text(beyond->subject, name);
        if (beyond->not_after_us < judging->question->now_us)
            liveness_check(report, CHECK_TLS_CHAIN_SURPLUS, false, "%s, behind the anchor, ended %s", name,
                           liveness_time(beyond->not_after_us, until));
    }
    liveness_check(report, CHECK_TLS_CHAIN_SURPLUS, true, "none");
}

/* ---- how it speaks */

const char *tls_version_name(unsigned version) {
    static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};
    return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : "an unknown protocol";
}

static bool is_in(const char *text, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

static bool is_fresh(const struct tls_shown *shown) {
    static const char *const fresh[] = {"ECDHE-", "DHE-", "ADH-", "AECDH-"};
    return shown->version >= TLS_VERSION_1_3 || is_in(shown->cipher, fresh, sizeof fresh / sizeof *fresh);
}

bool tls_judging_encrypts_to_key(const struct tls_judging *judging) {
    return judging->shown->cipher && !is_fresh(judging->shown);
}

static void judge_speech(struct tls_judging *judging) {
    static const char *const broken[] = {"NULL", "RC4", "RC2", "DES", "EXP", "ADH", "AECDH", "MD5", "IDEA"};
    const struct tls_shown *shown = judging->shown;
    struct liveness_report *report = judging->report;
    if (shown->version)
        liveness_check(report, CHECK_TLS_PROTOCOL,
                       tls_judging_must(judging, shown->version >= TLS_VERSION_1_2), "%s",
                       tls_version_name(shown->version));
    if (shown->cipher) {
        liveness_check(
            report, CHECK_TLS_CIPHER,
            tls_judging_must(judging, !is_in(shown->cipher, broken, sizeof broken / sizeof *broken)), "%s",
            shown->cipher);
        liveness_check(report, CHECK_TLS_FORWARD_SECRECY, is_fresh(shown), "%s", shown->cipher);
    }
    struct slice due = judging->question->alpn;
    char chosen[LIVENESS_PLAIN_SIZE], wanted[LIVENESS_PLAIN_SIZE];
    if (due.size == 0)
        return;
    liveness_check(report, CHECK_TLS_ALPN, slice_equal(due, shown->alpn), "%s",
                   shown->alpn.size ? liveness_plain(shown->alpn, chosen) : "none");
    liveness_due(report, CHECK_TLS_ALPN, "%s", liveness_plain(due, wanted));
}

void tls_judge_old_protocols(unsigned taken, struct liveness_report *report) {
    liveness_check(report, CHECK_TLS_OLD_PROTOCOLS, taken == 0, taken ? "%s was taken" : "refused",
                   tls_version_name(taken));
}

/* ---- the staple */

static bool promises_staple(const struct certificate *leaf) {
    struct extension extension;
    bool promised = false;
    if (!extension_find(leaf->extensions, OID_TLS_FEATURE, &extension))
        return false;
    struct der_reader outer = der_read(extension.value), features = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&features))
        promised |= der_take_small(&features, DER_INTEGER) == TLS_FEATURE_STATUS_REQUEST;
    return promised && !features.failed;
}

/* Begins the report: with all that is to be said of the staple, where there is one and its issuer is known. */
static bool begin_with_staple(const struct tls_judging *judging, const struct liveness_policy *policy) {
    const struct certificate *issuer = judging->chain.count ? tls_chain_issuer(&judging->chain, 0) : NULL;
    if (!issuer || judging->shown->staple.size == 0) {
        liveness_report_begin(judging->report, policy);
        return false;
    }
    const struct ocsp_question question = {.issuers = issuer,
                                           .issuer_count = 1,
                                           .certificate = tls_chain_at(&judging->chain, 0),
                                           .expected = OCSP_EXPECT_GOOD,
                                           .now_us = judging->question->now_us};
    ocsp_judge(&question, policy, judging->shown->staple, judging->report);
    return true;
}

static void judge_staple(struct tls_judging *judging, bool judged) {
    struct liveness_report *report = judging->report;
    bool promised = promises_staple(tls_chain_at(&judging->chain, 0)), sent = judging->shown->staple.size > 0;
    enum liveness_verdict verdict = report->verdict;
    if (promised)
        liveness_check(report, CHECK_TLS_MUST_STAPLE, tls_judging_must(judging, sent), "%s",
                       sent ? "promised, and sent" : "promised, and none was sent");
    else
        liveness_skip(report, CHECK_TLS_MUST_STAPLE, "the certificate promises none");
    if (judged)
        liveness_check(report, CHECK_TLS_STAPLE, verdict == VERDICT_GOOD, "%s",
                       liveness_verdict_name(verdict));
    else
        liveness_skip(report, CHECK_TLS_STAPLE, sent ? "its issuer is not known" : "none was sent");
}

/* ---- all of it */

static enum liveness_verdict verdict_of(const struct tls_judging *judging, enum liveness_verdict staple) {
    if (staple == VERDICT_REVOKED)
        return VERDICT_REVOKED;
    if (!judging->usable)
        return VERDICT_UNUSABLE;
    return judging->question->anchor_count ? VERDICT_GOOD : VERDICT_UNKNOWN;
}

static void judge(struct tls_judging *judging, const struct liveness_policy *policy) {
    const struct tls_question *question = judging->question;
    struct tls_chain *chain = &judging->chain;
    struct fault fault = {0};
    bool read = tls_chain_read(judging->shown->certificates, judging->shown->count, question->anchors,
                               question->anchor_count, question->now_us, chain, &fault);
    bool stapled = begin_with_staple(judging, policy);
    enum liveness_verdict staple = stapled ? judging->report->verdict : VERDICT_UNKNOWN;
    judging->usable = chain->count > 0;
    liveness_check(judging->report, CHECK_TLS_CERTIFICATE, read, read ? "%zu%s" : "%zu can be read: %s",
                   chain->count, fault.text);
    judge_speech(judging);
    if (chain->count) {
        collect(judging);
        judge_complete(judging);
        judge_order(judging);
        judge_surplus(judging);
        tls_judge_certificates(judging);
        for (size_t i = 0; i < judging->count; i++)
            tls_judging_must(judging,
                             key_judge(judging->certificates[i], question->weak_keys, judging->report));
        judge_staple(judging, stapled);
    }
    judging->report->verdict = verdict_of(judging, staple);
}

void tls_judge(const struct tls_question *question, const struct liveness_policy *policy,
               const struct tls_shown *shown, struct liveness_report *ret_report) {
    struct tls_judging *judging = memory_new(sizeof *judging);
    judging->question = question;
    judging->shown = shown;
    judging->report = ret_report;
    judge(judging, policy);
    free(judging);
}
