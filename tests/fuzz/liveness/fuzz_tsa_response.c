/* Time-stamp responses judged: whatever comes, the report holds together, and nothing but what the authority has signed is
 * believed. */
#include <stdlib.h>

#include "fuzz_ca.h"
#include "oids.h"
#include "tsa_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US UINT64_C(1795323089000000)

static void expect(bool good) {
    if (!good)
        abort();
}

static bool is_good(const struct liveness_report *report, enum liveness_check check) {
    const struct liveness_finding *finding = liveness_report_find(report, check);
    return finding && finding->state == LIVENESS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct certificate issuer;
    static struct liveness_policy policy;
    static struct liveness_report report;
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    if (issuer.whole.size == 0) {
        expect(certificate_read(slice_make(fuzz_tsa_ca, sizeof fuzz_tsa_ca), &issuer, NULL));
        liveness_policy_default(&policy, PROFILE_CABF_BR);
    }
    struct tsa_question question = {.issuers = &issuer,
                                    .issuer_count = 1,
                                    .request = {.digest = OID_SHA256,
                                                .imprint = SLICE("0123456789abcdef0123456789abcdef"),
                                                .nonce = SLICE("\x33\xa2\x52\xfe\xfa\xa4\xc1\x5b"),
                                                .wants_certificate = true},
                                    .asked_us = NOW_US,
                                    .now_us = NOW_US};
    tsa_judge(&question, &policy, slice_make(data, size), &report);
    if (report.verdict != VERDICT_UNUSABLE)
        expect(is_good(&report, CHECK_TSA_SIGNATURE) && is_good(&report, CHECK_TSA_MESSAGE_DIGEST) &&
               is_good(&report, CHECK_TSA_IMPRINT) && is_good(&report, CHECK_TSA_NONCE) &&
               is_good(&report, CHECK_TSA_ISSUER) && is_good(&report, CHECK_TSA_CERTIFICATE_ID) &&
               is_good(&report, CHECK_TSA_PURPOSE_CRITICAL));
    expect(report.count > 0 && report.count <= LIVENESS_CHECKS);
    expect(liveness_report_json(&text, &report, LIVENESS_TSA, "fuzz", 0));
    expect(liveness_report_text(&text, &report, LIVENESS_TSA, "fuzz", true));
    return 0;
}
