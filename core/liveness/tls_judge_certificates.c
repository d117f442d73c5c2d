/* The certificates that a client relies on, each of its own and as CAs of one another. */
#include "name_constraints.h"
#include "oids.h"
#include "server_name.h"
#include "signature.h"
#include "tls_judge_inside.h"

#define DAY_US UINT64_C(86400000000)
#define SECOND_US UINT64_C(1000000)

static const char *name_of(const struct certificate *certificate, char text[CERTIFICATE_NAME_TEXT]) {
    certificate_name_text(certificate->subject, text);
    return text;
}

/* ---- times */

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void judge_left(const struct tls_judging *judging, const struct certificate *certificate,
                       enum liveness_check check, enum liveness_parameter left,
                       enum liveness_parameter percent) {
    char name[CERTIFICATE_NAME_TEXT], until[LIVENESS_TIME_SIZE], in[LIVENESS_SPAN_SIZE],
        due[LIVENESS_SPAN_SIZE];
    uint64_t left_us = certificate->not_after_us - judging->question->now_us;
    uint64_t life_us = certificate->not_after_us - certificate->not_before_us;
    uint64_t due_us =
        smaller(tls_judging_value(judging, left), life_us / 100 * tls_judging_value(judging, percent));
    bool good = left_us >= due_us;
    const struct liveness_finding *before = liveness_report_find(judging->report, check);
    bool first = !before || before->state <= LIVENESS_OK;
    liveness_check(judging->report, check, good, "%s ends %s, in %s", name_of(certificate, name),
                   liveness_time(certificate->not_after_us, until), liveness_span(left_us, in));
    if (!good && first)
        liveness_due(judging->report, check, "renewed %s before its end", liveness_span(due_us, due));
}

static void judge_times(struct tls_judging *judging, const struct certificate *certificate) {
    struct liveness_report *report = judging->report;
    char name[CERTIFICATE_NAME_TEXT], text[LIVENESS_TIME_SIZE], span[LIVENESS_SPAN_SIZE];
    uint64_t now_us = judging->question->now_us, from_us = certificate->not_before_us,
             until_us = certificate->not_after_us;
    bool begun = from_us <= now_us + tls_judging_value(judging, BOUND_CLOCK_TOLERANCE),
         ended = until_us < now_us;
    name_of(certificate, name);
    liveness_check(report, CHECK_TLS_NOT_YET_VALID, tls_judging_must(judging, begun), "%s begins %s", name,
                   liveness_time(from_us, text));
    liveness_time(until_us, text);
    if (tls_judging_must(judging, !ended))
        liveness_check(report, CHECK_TLS_EXPIRED, true, "%s ends %s", name, text);
    else
        liveness_check(report, CHECK_TLS_EXPIRED, false, "%s ended %s, %s ago", name, text,
                       liveness_span(now_us - until_us, span));
    if (ended || until_us < from_us)
        return;
    judge_left(judging, certificate, CHECK_TLS_ENDS_SOON, BOUND_TLS_WARN_LEFT, BOUND_TLS_WARN_PERCENT);
    judge_left(judging, certificate, CHECK_TLS_ENDS_VERY_SOON, BOUND_TLS_CRITICAL_LEFT,
               BOUND_TLS_CRITICAL_PERCENT);
}

/* The longest life of a certificate that is issued from a time on, Baseline Requirements 6.3.2; the newest first. */
static uint64_t most_days(uint64_t issued_us) {
    static const struct {
        uint64_t from_s;
        uint64_t days;
    } limits[] = {{UINT64_C(1868227200), 47},  /* 2029-03-15 */
                  {UINT64_C(1805068800), 100}, /* 2027-03-15 */
                  {UINT64_C(1773532800), 200}, /* 2026-03-15 */
                  {UINT64_C(1598918400), 398}, /* 2020-09-01 */
                  {UINT64_C(1519862400), 825}, /* 2018-03-01 */
                  {0, 1826}};
    size_t i = 0;
    while (issued_us < limits[i].from_s * SECOND_US)
        i++;
    return limits[i].days;
}

static void judge_life(const struct tls_judging *judging, const struct certificate *leaf) {
    char life[LIVENESS_SPAN_SIZE], from[LIVENESS_TIME_SIZE];
    uint64_t days = most_days(leaf->not_before_us);
    /* The second of notAfter counts (RFC 5280 4.1.2.5), and whatever is over a day is another one. */
    uint64_t life_us =
        leaf->not_after_us >= leaf->not_before_us ? leaf->not_after_us - leaf->not_before_us + SECOND_US : 0;
    liveness_check(judging->report, CHECK_TLS_LIFE, life_us <= days * DAY_US, "%s%s",
                   liveness_span(life_us, life),
                   life_us > days * DAY_US && life_us % DAY_US == SECOND_US ? " and a second" : "");
    liveness_due(judging->report, CHECK_TLS_LIFE, "%u d at most, issued %s", (unsigned)days,
                 liveness_time(leaf->not_before_us, from));
}

/* ---- the server's own */

static void judge_name(struct tls_judging *judging, const struct certificate *leaf) {
    char names[SERVER_NAME_TEXT], due[LIVENESS_PLAIN_SIZE];
    struct slice name = judging->question->name;
    if (name.size == 0) {
        liveness_skip(judging->report, CHECK_TLS_NAME, "none was asked for");
        return;
    }
    server_name_list(leaf, names);
    liveness_check(judging->report, CHECK_TLS_NAME,
                   tls_judging_must(judging, server_name_matches(leaf, name)), "%s", names);
    liveness_due(judging->report, CHECK_TLS_NAME, "%s among the subjectAltNames", liveness_plain(name, due));
}

static const char *purposes_text(const struct certificate *certificate) {
    return certificate->purpose_count == 0                         ? "no extended key usage"
           : certificate_has_purpose(certificate, OID_SERVER_AUTH) ? "serverAuth"
           : certificate_has_purpose(certificate, OID_ANY_PURPOSE) ? "anyExtendedKeyUsage"
                                                                   : "other purposes alone";
}

/* An intermediate that names purposes passes no other ones on: all browsers, and the Baseline Requirements 7.1.2.2.1. */
static void judge_purpose(struct tls_judging *judging, const struct certificate *certificate) {
    char name[CERTIFICATE_NAME_TEXT];
    bool good = certificate->purpose_count == 0 || certificate_has_purpose(certificate, OID_SERVER_AUTH) ||
                certificate_has_purpose(certificate, OID_ANY_PURPOSE);
    liveness_check(judging->report, CHECK_TLS_PURPOSE, tls_judging_must(judging, good), "%s: %s",
                   name_of(certificate, name), purposes_text(certificate));
}

static void judge_purpose_br(const struct tls_judging *judging, const struct certificate *leaf) {
    unsigned client = certificate_has_purpose(leaf, OID_CLIENT_AUTH) ? 1 : 0;
    bool server = certificate_has_purpose(leaf, OID_SERVER_AUTH);
    liveness_check(judging->report, CHECK_TLS_PURPOSE_BR, server && leaf->purpose_count == 1 + client,
                   "%s, %u in all", purposes_text(leaf), leaf->purpose_count);
}

static void judge_key_usage(struct tls_judging *judging, const struct certificate *leaf) {
    bool encrypts = tls_judging_encrypts_to_key(judging);
    uint16_t due = encrypts ? KEY_USAGE_KEY_ENCIPHERMENT : KEY_USAGE_DIGITAL_SIGNATURE;
    const char *what = encrypts ? "keyEncipherment" : "digitalSignature";
    bool good = !leaf->has_key_usage || (leaf->key_usage & due);
    liveness_check(judging->report, CHECK_TLS_KEY_USAGE, tls_judging_must(judging, good), "%s%s",
                   !leaf->has_key_usage ? "no keyUsage"
                   : good               ? "with "
                                        : "without ",
                   leaf->has_key_usage ? what : "");
    liveness_due(judging->report, CHECK_TLS_KEY_USAGE, "keyUsage %s, or none", what);
}

/* ---- CAs */

/* pathLenConstraint; false where there is none. */
static bool read_path_length(const struct certificate *certificate, uint32_t *ret_length) {
    struct extension extension;
    if (!extension_find(certificate->extensions, OID_BASIC_CONSTRAINTS, &extension))
        return false;
    struct der_reader outer = der_read(extension.value), parts = der_enter(&outer, DER_SEQUENCE);
    if (der_is(&parts, DER_BOOLEAN))
        der_take_boolean(&parts);
    if (!der_is(&parts, DER_INTEGER))
        return false;
    uint32_t length = der_take_small(&parts, DER_INTEGER);
    if (parts.failed)
        return false;
    *ret_length = length;
    return true;
}

/* `below`: how many CAs stand between it and the server's certificate that are not self-issued (RFC 5280 6.1.4 (l)). */
static void judge_ca(struct tls_judging *judging, const struct certificate *ca, size_t below,
                     bool is_anchor) {
    struct liveness_report *report = judging->report;
    char name[CERTIFICATE_NAME_TEXT];
    uint32_t most = 0;
    name_of(ca, name);
    /* An anchor is trusted for its name and key: those from before version 3 say nothing about themselves. */
    bool is_ca = ca->is_ca || (is_anchor && ca->extensions.size == 0);
    liveness_check(report, CHECK_TLS_CA, tls_judging_must(judging, is_ca), "%s is %s CA", name,
                   is_ca ? "a" : "no");
    bool limited = read_path_length(ca, &most), good = !limited || below <= most;
    liveness_check(report, CHECK_TLS_PATH_LENGTH, tls_judging_must(judging, good),
                   good ? "%s: %zu below" : "%s: %zu below, %u allowed", name, below, most);
    good = !ca->has_key_usage || (ca->key_usage & KEY_USAGE_CERT_SIGN);
    liveness_check(report, CHECK_TLS_CA_KEY_USAGE, tls_judging_must(judging, good), "%s: %s", name,
                   !ca->has_key_usage ? "no keyUsage"
                   : good             ? "keyCertSign"
                                      : "no keyCertSign");
}

static void judge_constraints(struct tls_judging *judging, const struct certificate *ca) {
    char name[CERTIFICATE_NAME_TEXT], broken_by[CERTIFICATE_NAME_TEXT] = "their own form";
    struct der_element broken;
    enum name_constraints state = name_constraints_judge(ca, judging->certificates[0], &broken);
    name_of(ca, name);
    if (broken.content.size)
        server_name_print(&broken, broken_by, sizeof broken_by);
    liveness_check(judging->report, CHECK_TLS_NAME_CONSTRAINTS,
                   tls_judging_must(judging, state != NAME_CONSTRAINTS_BROKEN),
                   state == NAME_CONSTRAINTS_BROKEN ? "%s: broken by %s"
                   : state == NAME_CONSTRAINTS_HOLD ? "%s: they hold"
                                                    : "%s: none",
                   name, broken_by);
}

static void judge_cas(struct tls_judging *judging) {
    size_t below = 0;
    for (size_t i = 1; i < judging->count; i++) {
        const struct certificate *ca = judging->certificates[i];
        judge_ca(judging, ca, below, judging->chain.anchor == ca);
        judge_constraints(judging, ca);
        below += !slice_equal(ca->issuer, ca->subject);
    }
}

/* ---- every certificate */

static void judge_critical(struct tls_judging *judging, const struct certificate *certificate) {
    const struct slice known[] = {OID_KEY_USAGE,          OID_SUBJECT_ALT_NAME,       OID_BASIC_CONSTRAINTS,
                                  OID_NAME_CONSTRAINTS,   OID_CERTIFICATE_POLICIES,   OID_POLICY_MAPPINGS,
                                  OID_POLICY_CONSTRAINTS, OID_INHIBIT_ANY_POLICY,     OID_EXTENDED_KEY_USAGE,
                                  OID_TLS_FEATURE,        OID_CRL_DISTRIBUTION_POINTS};
    struct der_reader reader = der_read(certificate->extensions);
    struct extension extension;
    char name[CERTIFICATE_NAME_TEXT], oid[EXTENSION_OID_TEXT];
    name_of(certificate, name);
    while (extension_next(&reader, &extension)) {
        bool found = !extension.critical;
        for (size_t i = 0; !found && i < sizeof known / sizeof *known; i++)
            found = slice_equal(extension.oid, known[i]);
        extension_oid_text(extension.oid, oid);
        if (!tls_judging_must(judging, found))
            liveness_check(judging->report, CHECK_TLS_CRITICAL_EXTENSION, false, "%s: %s", name, oid);
    }
    liveness_check(judging->report, CHECK_TLS_CRITICAL_EXTENSION, true, "none");
}

/* What an anchor signed of itself proves nothing, so that its digest does not matter. */
static void judge_digest(struct tls_judging *judging, const struct certificate *certificate, bool is_anchor) {
    struct signature_algorithm algorithm;
    char name[CERTIFICATE_NAME_TEXT];
    name_of(certificate, name);
    bool known = signature_algorithm_read(certificate->algorithm, &algorithm),
         good = known && !algorithm.broken;
    if (is_anchor)
        return;
    liveness_check(judging->report, CHECK_TLS_SIGNATURE_DIGEST, tls_judging_must(judging, good), "%s: %s",
                   name, known ? algorithm.name : "an unknown signature algorithm");
}

void tls_judge_certificates(struct tls_judging *judging) {
    const struct certificate *leaf = judging->certificates[0], *anchor = judging->chain.anchor;
    judge_name(judging, leaf);
    for (size_t i = 0; i < judging->count; i++) {
        const struct certificate *one = judging->certificates[i];
        bool is_anchor = anchor && tls_chain_is_same(one, anchor);
        judge_times(judging, one);
        judge_critical(judging, one);
        judge_digest(judging, one, is_anchor);
        if (!is_anchor || i == 0)
            judge_purpose(judging, one);
    }
    judge_life(judging, leaf);
    judge_purpose_br(judging, leaf);
    judge_key_usage(judging, leaf);
    liveness_check(judging->report, CHECK_TLS_LEAF_CA, !leaf->is_ca, leaf->is_ca ? "a CA" : "no CA");
    judge_cas(judging);
}
