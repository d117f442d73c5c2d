#include "crl_judge_inside.h"
#include "oids.h"

static void judge_authority_key(struct crl_judge *judge, const struct extension *extension) {
    struct slice key_id = {NULL, 0}, due = judge->issuer->subject_key_id;
    char is[LIVENESS_HEX_SIZE];
    if (!extension || !extension_key_id(extension->value, &key_id))
        liveness_check(judge->report, CHECK_CRL_AUTHORITY_KEY, false, extension ? "cannot be read" : "none");
    else
        liveness_check(judge->report, CHECK_CRL_AUTHORITY_KEY,
                       key_id.size == 0 || due.size == 0 || slice_equal(key_id, due), "%s",
                       key_id.size ? liveness_hex(key_id, is) : "by issuer and serial");
}

static void judge_number(struct crl_judge *judge, const struct extension *extension) {
    char hex[LIVENESS_HEX_SIZE] = "none";
    struct der_reader value = der_read(extension ? extension->value : SLICE(""));
    struct slice number = der_take_integer(&value);
    bool read = extension && der_done(&value);
    if (read)
        liveness_hex(number, hex);
    if (!liveness_check(judge->report, CHECK_CRL_NUMBER, read, "%s",
                        extension && !read ? "cannot be read" : hex) ||
        !extension)
        return;
    judge->number = number;
    liveness_check(judge->report, CHECK_CRL_NUMBER_CRITICAL, !extension->critical, "%scritical",
                   extension->critical ? "" : "not ");
    liveness_check(judge->report, CHECK_CRL_NUMBER_RANGE,
                   !der_negative(number) && number.size <= CRL_NUMBER_MOST, "%s%s, %zu bytes",
                   der_negative(number) ? "negative, " : "", hex, number.size);
}

static void judge_delta(struct crl_judge *judge, const struct extension *extension) {
    if (!extension)
        return;
    struct der_reader value = der_read(extension->value);
    struct slice base = der_take_integer(&value);
    bool read = der_done(&value);
    char hex[LIVENESS_HEX_SIZE];
    judge->is_delta = true;
    struct slice a = der_magnitude(base), b = der_magnitude(judge->number);
    bool before = judge->number.size == 0 || a.size < b.size ||
                  (a.size == b.size && memcmp(a.data, b.data, a.size) <= 0);
    liveness_check(judge->report, CHECK_CRL_DELTA, read && extension->critical && before,
                   !read                  ? "a base that cannot be read"
                   : !extension->critical ? "not critical, base %s"
                   : before               ? "base %s"
                                          : "base %s, behind its own number",
                   read ? liveness_hex(base, hex) : "");
}

static void judge_freshest(struct crl_judge *judge, const struct extension *extension) {
    if (extension)
        liveness_check(judge->report, CHECK_CRL_FRESHEST, !extension->critical && !judge->is_delta, "%s",
                       extension->critical ? "critical"
                       : judge->is_delta   ? "in a delta CRL"
                                           : "not critical");
}

/* ---- scope */

static bool names_hold(struct slice names, struct slice uri) {
    struct der_reader reader = der_read(names);
    while (der_more(&reader)) {
        struct der_element name = der_take_any(&reader);
        if (name.tag == DER_PRIMITIVE_0 + 6 && slice_equal(name.content, uri))
            return true;
    }
    return false;
}

/* Whether one of its names is where it was fetched, or where the certificate says that its CRL is. */
static void judge_uri(struct crl_judge *judge) {
    char plain[LIVENESS_PLAIN_SIZE];
    const struct crl_question *question = &judge->question;
    bool found = false, any = question->uri.size > 0;
    if (judge->scope.names.size == 0) {
        liveness_skip(judge->report, CHECK_CRL_SCOPE_URI, "it names no place");
        return;
    }
    liveness_plain(extension_uri(judge->scope.names), plain);
    if (any)
        found = names_hold(judge->scope.names, question->uri);
    struct slice uri;
    for (size_t i = 0;
         !any && question->certificate && (uri = certificate_crl_uri(question->certificate, i)).size; i++)
        found |= names_hold(judge->scope.names, uri);
    any |= question->certificate && certificate_crl_uri(question->certificate, 0).size > 0;
    if (any)
        liveness_check(judge->report, CHECK_CRL_SCOPE_URI, found, "%s", plain);
    else
        liveness_skip(judge->report, CHECK_CRL_SCOPE_URI, "%s; what the certificates say is not known",
                      plain);
}

static void judge_scope(struct crl_judge *judge, const struct extension *extension) {
    struct liveness_report *report = judge->report;
    struct crl_scope *scope = &judge->scope;
    if (!extension) {
        liveness_check(report, CHECK_CRL_INDIRECT, true, "every certificate of this CA");
        return;
    }
    if (!crl_judge_must(judge, crl_scope_read(extension->value, scope))) {
        liveness_check(report, CHECK_CRL_CRITICAL_EXTENSION, false,
                       "an issuingDistributionPoint that cannot be read");
        return;
    }
    judge->has_scope = true;
    liveness_check(report, CHECK_CRL_SCOPE_CRITICAL, extension->critical, "%scritical",
                   extension->critical ? "" : "not ");
    liveness_check(report, CHECK_CRL_SCOPE_EMPTY, !scope->empty, "%s", scope->empty ? "empty" : "not empty");
    liveness_check(report, CHECK_CRL_SCOPE_BOTH,
                   scope->only_users + scope->only_cas + scope->only_attributes <= 1 &&
                       !scope->only_attributes,
                   "%s%s%s%s", scope->only_users ? "users alone " : "", scope->only_cas ? "CAs alone " : "",
                   scope->only_attributes ? "attributes alone" : "",
                   scope->only_users || scope->only_cas || scope->only_attributes ? "" : "all kinds");
    liveness_check(report, CHECK_CRL_SCOPE_REASONS, !scope->some_reasons, "%s reasons",
                   scope->some_reasons ? "some" : "all");
    liveness_check(report, CHECK_CRL_INDIRECT, crl_judge_must(judge, !scope->indirect), "%s",
                   scope->indirect ? "indirectCRL" : "its own issuer's certificates");
    judge_uri(judge);
}

/* ---- all of them */

static void judge_critical(struct crl_judge *judge) {
    const struct slice known[] = {OID_ISSUING_DISTRIBUTION_POINT, OID_DELTA_CRL,    OID_CRL_NUMBER,
                                  OID_AUTHORITY_KEY_ID,           OID_FRESHEST_CRL, OID_ISSUER_ALT_NAME};
    struct der_reader reader = der_read(judge->list->extensions);
    struct extension extension;
    char text[EXTENSION_OID_TEXT];
    while (extension_next(&reader, &extension)) {
        bool found = !extension.critical;
        for (size_t i = 0; !found && i < sizeof known / sizeof *known; i++)
            found = slice_equal(extension.oid, known[i]);
        extension_oid_text(extension.oid, text);
        if (!found)
            liveness_check(judge->report, CHECK_CRL_CRITICAL_EXTENSION, crl_judge_must(judge, false), "%s",
                           text);
    }
    liveness_check(judge->report, CHECK_CRL_CRITICAL_EXTENSION, true, "none");
}

void crl_judge_extensions(struct crl_judge *judge) {
    static const struct {
        const char *oid;
        void (*judge)(struct crl_judge *judge, const struct extension *extension);
    } rows[] = {/* the number first: a delta's base is held against it */
                {"\x55\x1d\x23", judge_authority_key},
                {"\x55\x1d\x14", judge_number},
                {"\x55\x1d\x1b", judge_delta},
                {"\x55\x1d\x2e", judge_freshest},
                {"\x55\x1d\x1c", judge_scope}};
    struct extension extension;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool there = extension_find(judge->list->extensions, slice_string(rows[i].oid), &extension);
        rows[i].judge(judge, there ? &extension : NULL);
    }
    judge_critical(judge);
}
