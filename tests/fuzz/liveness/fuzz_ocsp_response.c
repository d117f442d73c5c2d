/* OCSP responses judged: whatever comes, the report holds together, and nothing but what the CA has signed is believed. */
#include <stdlib.h>

#include "fuzz_ca.h"
#include "ocsp_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US UINT64_C(1795320000000000)

static void expect(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct certificate issuer, certificate;
    static struct liveness_policy policy;
    static struct liveness_report report;
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    if (issuer.whole.size == 0) {
        expect(certificate_read(slice_make(fuzz_ca, sizeof fuzz_ca), &issuer, NULL));
        expect(certificate_read(slice_make(fuzz_user, sizeof fuzz_user), &certificate, NULL));
        liveness_policy_default(&policy, PROFILE_CABF_BR);
    }
    struct ocsp_question question = {.issuers = &issuer,
                                     .issuer_count = 1,
                                     .certificate = &certificate,
                                     .expected = OCSP_EXPECT_GOOD,
                                     .nonce = SLICE("0123456789abcdef0123456789abcdef"),
                                     .now_us = NOW_US};
    ocsp_judge(&question, &policy, slice_make(data, size), &report);
    const struct liveness_finding *signature = liveness_report_find(&report, CHECK_OCSP_SIGNATURE);
    expect(report.verdict == VERDICT_UNUSABLE || (signature && signature->state == LIVENESS_OK));
    expect(report.count > 0 && report.count <= LIVENESS_CHECKS);
    expect(liveness_report_json(&text, &report, LIVENESS_OCSP, "fuzz", 0));
    expect(liveness_report_text(&text, &report, LIVENESS_OCSP, "fuzz", true));
    return 0;
}
