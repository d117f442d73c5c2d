/* What a TLS server may send, one element of DER after the other, the last one an OCSP response where it is none of a
 * certificate: whatever comes, the report holds together, and good is nothing but what the anchor has signed. */
#include <stdlib.h>

#include "fuzz_ca.h"
#include "tls_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US UINT64_C(1795320000000000)

static void expect(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct certificate anchor;
    static struct liveness_policy policy;
    static struct liveness_report report;
    struct slice sent[TLS_CHAIN_MOST + 1];
    struct tls_shown shown = {sent, 0, 0x0303, "ECDHE-RSA-AES128-GCM-SHA256", SLICE("h2"), SLICE("")};
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    if (anchor.whole.size == 0) {
        expect(certificate_read(slice_make(fuzz_ca, sizeof fuzz_ca), &anchor, NULL));
        liveness_policy_default(&policy, PROFILE_CABF_BR);
    }
    struct der_reader reader = der_read(slice_make(data, size));
    while (der_more(&reader) && shown.count <= TLS_CHAIN_MOST)
        sent[shown.count++] = der_take_any(&reader).whole;
    if (shown.count > 1)
        shown.staple = sent[shown.count - 1];
    const struct tls_question question = {.name = SLICE("www.example.org"),
                                          .alpn = SLICE("h2"),
                                          .anchors = &anchor,
                                          .anchor_count = 1,
                                          .now_us = NOW_US};
    tls_judge(&question, &policy, &shown, &report);
    const struct liveness_finding *signer = liveness_report_find(&report, CHECK_TLS_ANCHOR);
    expect(report.verdict != VERDICT_GOOD || (signer && signer->state == LIVENESS_OK));
    expect(report.verdict != VERDICT_UNKNOWN);
    expect(report.count > 0 && report.count <= LIVENESS_CHECKS);
    expect(liveness_report_json(&text, &report, LIVENESS_TLS, "fuzz", 0));
    expect(liveness_report_text(&text, &report, LIVENESS_TLS, "fuzz", true));
    return 0;
}
