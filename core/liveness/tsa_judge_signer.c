/* Who signed a token: its attributes, the signature over them, and the certificate with its chain. */
#include "buffer.h"
#include "der_write.h"
#include "oids.h"
#include "signature.h"
#include "tsa_judge_inside.h"

#define ATTRIBUTES_MOST 64u /* in one token: sorting them costs their square */

/* ---- the signature */

/* X.690 11.6: elements of a SET OF stand in the order of their bytes, the shorter one padded with zeros. */
static int order(struct slice a, struct slice b) {
    size_t both = a.size < b.size ? a.size : b.size;
    int less = memcmp(a.data, b.data, both);
    return less ? less : (a.size > b.size) - (a.size < b.size);
}

/* What has to be signed: the attributes as a SET OF in DER, in whatever order they came (RFC 5652 5.4). */
static bool write_attributes(struct buffer *to, struct slice attributes, bool *ret_sorted) {
    struct slice list[ATTRIBUTES_MOST];
    size_t count = 0;
    struct der_reader reader = der_read(attributes);
    *ret_sorted = true;
    while (der_more(&reader)) {
        struct slice one = der_take_any(&reader).whole;
        if (count == ATTRIBUTES_MOST)
            return false;
        size_t at = count++;
        for (; at > 0 && order(list[at - 1], one) > 0; at--) {
            list[at] = list[at - 1];
            *ret_sorted = false;
        }
        list[at] = one;
    }
    size_t start = to->size;
    for (size_t i = 0; i < count; i++)
        buffer_append_slice(to, list[i]);
    return der_wrap(to, start, DER_SET) && der_done(&reader);
}

static bool is_signer(const struct tsa_signer *signer, const struct certificate *certificate) {
    if (signer->key_id.size)
        return slice_equal(signer->key_id, certificate->subject_key_id);
    return slice_equal(signer->serial, certificate->serial) &&
           certificate_same_name(signer->issuer, certificate->issuer);
}

/* Among those sent along; where none were asked for, it may be one of those that are trusted. */
static void find_signer(struct tsa_judging *judging) {
    const struct tsa_response *response = &judging->response;
    const struct tsa_question *question = judging->question;
    char name[CERTIFICATE_NAME_TEXT];
    for (size_t i = 0; !judging->signer && i < response->certificate_count; i++)
        if (is_signer(&response->signer, &response->certificates[i]))
            judging->signer = &response->certificates[i];
    bool sent = judging->signer != NULL;
    for (size_t i = 0; !judging->signer && i < question->issuer_count; i++)
        if (is_signer(&response->signer, &question->issuers[i]))
            judging->signer = &question->issuers[i];
    if (sent)
        certificate_name_text(judging->signer->subject, name);
    tsa_judge_must(judging, judging->signer);
    if (question->request.wants_certificate)
        liveness_check(judging->report, CHECK_TSA_CERTIFICATE, sent,
                       sent ? "%zu sent, the signer's: %s" : "%zu sent, not the signer's",
                       response->certificate_count, name);
    else {
        liveness_check(judging->report, CHECK_TSA_CERTIFICATE, response->certificate_count == 0,
                       "%zu sent, none asked for", response->certificate_count);
        liveness_due(judging->report, CHECK_TSA_CERTIFICATE, "none where none was asked for");
    }
}

static void judge_signed(struct tsa_judging *judging) {
    const struct tsa_signer *signer = &judging->response.signer;
    CLEANUP_BUFFER struct buffer attributes = BUFFER(TSA_RESPONSE_MOST);
    struct signature_algorithm algorithm;
    char name[CERTIFICATE_NAME_TEXT];
    bool sorted = true;
    if (!signature_algorithm_join(signer->algorithm, signer->digest, &algorithm)) {
        liveness_check(judging->report, CHECK_TSA_SIGNATURE, tsa_judge_must(judging, false),
                       "an unknown signature algorithm");
        return;
    }
    bool good =
        signer->attributes.size && write_attributes(&attributes, signer->attributes, &sorted) &&
        judging->signer &&
        signature_holds(&algorithm, judging->signer->key, buffer_slice(&attributes), signer->signature);
    if (judging->signer)
        certificate_name_text(judging->signer->subject, name);
    liveness_check(judging->report, CHECK_TSA_SIGNATURE, tsa_judge_must(judging, good), "%s, %s%s",
                   algorithm.name,
                   good                       ? "by "
                   : !signer->attributes.size ? "over no attributes"
                   : judging->signer          ? "not by "
                                              : "by a certificate that is not there",
                   judging->signer && signer->attributes.size ? name : "");
    liveness_check(judging->report, CHECK_TSA_ATTRIBUTE_ORDER, sorted, "%s",
                   sorted ? "in order" : "not in order; signed as if they were, or not at all");
    const char *digest = signature_digest_name(signer->digest);
    bool weak = !digest || slice_equal(signer->digest, OID_SHA1);
    liveness_check(judging->report, CHECK_TSA_SIGNATURE_DIGEST, !algorithm.broken && !weak,
                   "%s, content by %s", algorithm.name, digest ? digest : "an unknown digest");
}

static void judge_message_digest(struct tsa_judging *judging) {
    const struct tsa_signer *signer = &judging->response.signer;
    uint8_t hash[SIGNATURE_DIGEST_MOST];
    struct slice value = SLICE(""), is = signature_digest(signer->digest, judging->response.content, hash);
    size_t found = tsa_attribute_find(signer->attributes, OID_MESSAGE_DIGEST, &value);
    struct der_reader reader = der_read(value);
    bool same = is.size && slice_equal(der_take(&reader, DER_OCTET_STRING), is) && der_done(&reader);
    liveness_check(judging->report, CHECK_TSA_MESSAGE_DIGEST, tsa_judge_must(judging, same),
                   same         ? "the TSTInfo's"
                   : found == 0 ? "no such attribute"
                   : found > 1  ? "several such attributes"
                   : is.size    ? "of something else"
                                : "by an unknown digest");
}

static void judge_one_id(struct tsa_judging *judging, struct slice value, bool older) {
    struct tsa_certificate_id id;
    uint8_t hash[SIGNATURE_DIGEST_MOST];
    if (!tsa_certificate_id_read(value, older, &id)) {
        liveness_check(judging->report, CHECK_TSA_CERTIFICATE_ID, tsa_judge_must(judging, false),
                       "several signingCertificate attributes, or one that cannot be read");
        return;
    }
    const char *digest = signature_digest_name(id.digest);
    if (!older || !liveness_report_find(judging->report, CHECK_TSA_CERTIFICATE_ID_DIGEST))
        liveness_check(judging->report, CHECK_TSA_CERTIFICATE_ID_DIGEST,
                       digest && !slice_equal(id.digest, OID_SHA1), "%s",
                       digest ? digest : "an unknown digest");
    if (!judging->signer)
        return;
    struct slice is = signature_digest(id.digest, judging->signer->whole, hash);
    bool same = is.size && slice_equal(id.hash, is);
    bool named = id.serial.size == 0 || (slice_equal(id.serial, judging->signer->serial) &&
                                         certificate_same_name(id.issuer, judging->signer->issuer));
    liveness_check(judging->report, CHECK_TSA_CERTIFICATE_ID, tsa_judge_must(judging, same && named), "%s",
                   !same    ? "the hash of another certificate"
                   : !named ? "its hash, with another issuer or serial"
                            : "names it");
}

/* Either of both, or both: then both have to name it. The newer one says how strong it is. */
static void judge_certificate_id(struct tsa_judging *judging) {
    const struct slice types[] = {OID_SIGNING_CERTIFICATE_V2, OID_SIGNING_CERTIFICATE};
    size_t found = 0;
    for (size_t i = 0; i < 2; i++) {
        struct slice value;
        bool older = i == 1;
        size_t count = tsa_attribute_find(judging->response.signer.attributes, types[i], &value);
        if (count)
            judge_one_id(judging, value, older);
        found += count;
    }
    if (found == 0)
        liveness_check(judging->report, CHECK_TSA_CERTIFICATE_ID, tsa_judge_must(judging, false),
                       "no signingCertificate attribute");
}

void tsa_judge_signature(struct tsa_judging *judging) {
    find_signer(judging);
    judge_signed(judging);
    judge_message_digest(judging);
    judge_certificate_id(judging);
}

/* ---- the certificate */

/* One that is trusted without any extension is of before there were any. */
static bool may_issue(const struct certificate *issuer, bool trusted) {
    return (issuer->is_ca || (trusted && issuer->extensions.size == 0)) &&
           (!issuer->has_key_usage || (issuer->key_usage & KEY_USAGE_CERT_SIGN));
}

static bool is_trusted(const struct tsa_judging *judging, const struct certificate *certificate) {
    for (size_t i = 0; i < judging->question->issuer_count; i++) {
        const struct certificate *issuer = &judging->question->issuers[i];
        if (slice_equal(certificate->whole, issuer->whole) ||
            (may_issue(issuer, true) && certificate_issued_by(certificate, issuer)))
            return true;
    }
    return false;
}

static const struct certificate *issuer_sent(const struct tsa_judging *judging,
                                             const struct certificate *certificate) {
    for (size_t i = 0; i < judging->response.certificate_count; i++) {
        const struct certificate *one = &judging->response.certificates[i];
        if (one != certificate && may_issue(one, false) && certificate_issued_by(certificate, one))
            return one;
    }
    return NULL;
}

static void judge_chain_digest(struct tsa_judging *judging, const struct certificate *certificate) {
    struct signature_algorithm algorithm;
    char name[CERTIFICATE_NAME_TEXT];
    certificate_name_text(certificate->subject, name);
    if (signature_algorithm_read(certificate->algorithm, &algorithm) && algorithm.broken)
        liveness_check(judging->report, CHECK_TSA_SIGNATURE_DIGEST, false, "%s is signed by %s", name,
                       algorithm.name);
}

static void judge_life(struct tsa_judging *judging, const struct certificate *certificate) {
    char from[LIVENESS_TIME_SIZE], until[LIVENESS_TIME_SIZE], name[CERTIFICATE_NAME_TEXT],
        left[LIVENESS_SPAN_SIZE];
    uint64_t now_us = judging->question->now_us, then_us = judging->response.info.time_us;
    uint64_t from_us = certificate->not_before_us, until_us = certificate->not_after_us;
    certificate_name_text(certificate->subject, name);
    bool now = now_us >= from_us && now_us <= until_us, then = then_us >= from_us && then_us <= until_us;
    liveness_check(judging->report, CHECK_TSA_CERTIFICATE_LIFE, tsa_judge_must(judging, now && then),
                   "%s: %s to %s%s", name, liveness_time(from_us, from), liveness_time(until_us, until),
                   now && !then ? ", and not at genTime" : "");
    if (!now)
        return;
    liveness_check(judging->report, CHECK_TSA_CERTIFICATE_ENDS,
                   until_us - now_us >= judging->report->policy->values[BOUND_TSA_CERTIFICATE_LEFT],
                   "%s ends in %s", name, liveness_span(until_us - now_us, left));
}

/* From the signer over what was sent up to somebody who is trusted. */
static void judge_chain(struct tsa_judging *judging) {
    const struct certificate *one = judging->signer;
    char name[CERTIFICATE_NAME_TEXT];
    size_t steps = 0;
    bool trusted = false;
    while (one && steps <= TSA_CERTIFICATES_MOST && !trusted) {
        judge_life(judging, one);
        judge_chain_digest(judging, one);
        certificate_name_text(one->issuer, name);
        trusted = is_trusted(judging, one);
        if (!trusted && ++steps)
            one = issuer_sent(judging, one);
    }
    char left[LIVENESS_SPAN_SIZE];
    liveness_due(judging->report, CHECK_TSA_CERTIFICATE_ENDS, "%s left at least",
                 liveness_span(judging->report->policy->values[BOUND_TSA_CERTIFICATE_LEFT], left));
    liveness_check(judging->report, CHECK_TSA_ISSUER, tsa_judge_must(judging, trusted),
                   trusted ? "%s" : "%s, which is not trusted here", name);
}

/* The whole of a GeneralName, in subjectAltName or as the subject. */
static bool is_named(const struct certificate *certificate, struct slice general_name) {
    struct der_reader reader = der_read(general_name);
    struct der_element name = der_take_any(&reader);
    if (name.tag == DER_CONTEXT_0 + 4 && certificate_same_name(name.content, certificate->subject))
        return true;
    struct extension extension;
    if (!extension_find(certificate->extensions, OID_SUBJECT_ALT_NAME, &extension))
        return false;
    struct der_reader value = der_read(extension.value), names = der_enter(&value, DER_SEQUENCE);
    while (der_more(&names))
        if (slice_equal(der_take_any(&names).whole, general_name))
            return true;
    return false;
}

static void judge_name(struct tsa_judging *judging) {
    struct slice name = judging->response.info.name;
    if (name.size == 0) {
        liveness_skip(judging->report, CHECK_TSA_NAME, "the token names nobody");
        return;
    }
    bool named = is_named(judging->signer, name);
    liveness_check(judging->report, CHECK_TSA_NAME, tsa_judge_must(judging, named),
                   named ? "the signer" : "somebody else");
}

void tsa_judge_certificate(struct tsa_judging *judging) {
    const uint16_t usage = KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_NON_REPUDIATION;
    const struct certificate *signer = judging->signer;
    struct liveness_report *report = judging->report;
    bool alone = signer->stamps_time && signer->purpose_count == 1;
    judge_chain(judging);
    liveness_check(report, CHECK_TSA_PURPOSE, tsa_judge_must(judging, alone), "%s",
                   alone                   ? "timeStamping"
                   : signer->stamps_time   ? "timeStamping, and others"
                   : signer->purpose_count ? "other purposes alone"
                                           : "no extended key usage");
    if (signer->purpose_count)
        liveness_check(report, CHECK_TSA_PURPOSE_CRITICAL, tsa_judge_must(judging, signer->purposes_critical),
                       "%s", signer->purposes_critical ? "critical" : "not critical");
    bool signs = !signer->has_key_usage || ((signer->key_usage & usage) && !(signer->key_usage & ~usage));
    liveness_check(report, CHECK_TSA_KEY_USAGE, tsa_judge_must(judging, signs), "%s",
                   !signer->has_key_usage ? "no keyUsage"
                   : signs                ? "digitalSignature, nonRepudiation, or both"
                                          : "other bits than digitalSignature and nonRepudiation");
    judge_name(judging);
}
