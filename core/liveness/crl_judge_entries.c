#include "crl_judge_inside.h"

#include <inttypes.h>

#include "oids.h"

static void note(struct crl_count *count, struct slice serial) {
    if (count->count++ > 0)
        return;
    struct slice head = slice_head(der_magnitude(serial), sizeof count->serial);
    memcpy(count->serial, head.data, head.size);
    count->size = (uint8_t)head.size;
}

static void look_at_reason(struct crl_judge *judge, const struct crl_entry *entry,
                           const struct extension *extension) {
    struct der_reader value = der_read(extension->value);
    uint32_t reason = der_take_small(&value, DER_ENUMERATED);
    if (extension->critical)
        note(&judge->reason_critical, entry->serial);
    if (!der_done(&value))
        note(&judge->broken_reason, entry->serial);
    else
        note(&judge->reasons[reason < CRL_REASONS ? reason : CRL_REASONS - 1], entry->serial);
}

static void look_at_extensions(struct crl_judge *judge, const struct crl_entry *entry) {
    struct der_reader extensions = der_read(entry->extensions);
    struct extension extension;
    while (extension_next(&extensions, &extension)) {
        if (slice_equal(extension.oid, OID_REASON_CODE))
            look_at_reason(judge, entry, &extension);
        else if (slice_equal(extension.oid, OID_CERTIFICATE_ISSUER))
            note(&judge->other_issuer, entry->serial);
        else if (extension.critical && !slice_equal(extension.oid, OID_INVALIDITY_DATE)) {
            if (judge->unknown_critical.count == 0)
                extension_oid_text(extension.oid, judge->unknown_oid);
            note(&judge->unknown_critical, entry->serial);
        }
    }
    if (!der_done(&extensions))
        note(&judge->broken_reason, entry->serial);
}

void crl_judge_entry(void *context, const struct crl_entry *entry) {
    struct crl_judge *judge = context;
    if (entry->extensions.size)
        look_at_extensions(judge, entry);
    if (judge->asked.size && slice_equal(judge->asked, entry->serial)) {
        judge->listed = true;
        judge->revoked_us = entry->revoked_us;
    }
    if (judge->state)
        crl_state_add(judge->state, entry->serial, entry->revoked_us);
    if (judge->question.previous)
        crl_state_cross_off(judge->question.previous, entry->serial);
}

/* None of them, or how many and which first. */
static bool expect_none(struct crl_judge *judge, enum liveness_check check, const struct crl_count *count,
                        const char *what) {
    char hex[LIVENESS_HEX_SIZE];
    if (count->count == 0)
        return liveness_check(judge->report, check, true, "none of %" PRIu64 " entries",
                              judge->list->entry_count);
    return liveness_check(
        judge->report, check, false, "%s: %" PRIu64 " of %" PRIu64 " entries, serial %s first", what,
        count->count, judge->list->entry_count, liveness_hex(slice_make(count->serial, count->size), hex));
}

static const char *reason_name(size_t reason) {
    static const char *const names[CRL_REASONS] = {[1] = "keyCompromise (1)",
                                                   [2] = "cACompromise (2)",
                                                   [7] = "reason 7, which is unused",
                                                   [8] = "removeFromCRL (8)",
                                                   [10] = "aACompromise (10)"};
    return names[reason] ? names[reason] : "a reason that there is not";
}

static void judge_reasons(struct crl_judge *judge) {
    /* Which the Baseline Requirements allow; and which RFC 5280 knows. */
    static const uint16_t by_br = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 9;
    static const uint16_t by_rfc = by_br | 1 << 2 | 1 << 10;
    expect_none(judge, CHECK_CRL_REASON_UNSPECIFIED, &judge->reasons[0], "unspecified (0)");
    expect_none(judge, CHECK_CRL_REASON_HOLD, &judge->reasons[6], "certificateHold (6)");
    expect_none(judge, CHECK_CRL_REASON_CRITICAL, &judge->reason_critical, "critical");
    expect_none(judge, CHECK_CRL_REASON_KNOWN, &judge->broken_reason, "extensions that cannot be read");
    for (size_t i = 0; i < CRL_REASONS; i++) {
        bool known = by_rfc >> i & 1 || (i == 8 && judge->is_delta);
        if (!known)
            expect_none(judge, CHECK_CRL_REASON_KNOWN, &judge->reasons[i], reason_name(i));
        else if (!(by_br >> i & 1) && i != 8)
            expect_none(judge, CHECK_CRL_REASON_ALLOWED, &judge->reasons[i], reason_name(i));
    }
}

void crl_judge_entries(struct crl_judge *judge) {
    const struct crl_list *list = judge->list;
    liveness_check(judge->report, CHECK_CRL_EMPTY_LIST, !list->has_entries || list->entry_count > 0,
                   "%" PRIu64 " entries%s", list->entry_count,
                   list->has_entries && list->entry_count == 0 ? ", and a list for them" : "");
    judge_reasons(judge);
    if (judge->unknown_critical.count) {
        crl_judge_must(judge, false);
        expect_none(judge, CHECK_CRL_CRITICAL_EXTENSION, &judge->unknown_critical, judge->unknown_oid);
    }
    if (judge->other_issuer.count) {
        crl_judge_must(judge, false);
        expect_none(judge, CHECK_CRL_INDIRECT, &judge->other_issuer, "certificateIssuer");
    }
}
