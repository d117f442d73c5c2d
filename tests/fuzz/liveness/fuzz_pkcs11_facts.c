/* What a canary told, and its judgement: the report holds together, and only a signature that was verified is good. */
#include <stdlib.h>

#include "pkcs11_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct liveness_policy policy;
    static struct liveness_report report;
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    struct pkcs11_facts facts;
    if (!pkcs11_facts_read(slice_make(data, size), &facts, NULL))
        return 0;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    const struct pkcs11_question question = {.previous_nonce = "00ff"};
    pkcs11_judge(&question, &facts, &policy, &report);
    expect(report.verdict == VERDICT_UNUSABLE || facts.steps[PKCS11_VERIFY].progress == PKCS11_DONE);
    expect(liveness_report_json(&text, &report, LIVENESS_PKCS11, "fuzz", 0));
    expect(liveness_report_text(&text, &report, LIVENESS_PKCS11, "fuzz", true));
    return 0;
}
