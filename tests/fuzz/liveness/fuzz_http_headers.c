/* Headers judged: whatever comes, the report holds together. */
#include <stdlib.h>

#include "http_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US UINT64_C(1795320000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct liveness_policy policy;
    static struct liveness_report report;
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    struct http_answer answer;
    struct fault fault = {0};
    if (!http_answer_read(slice_make(data, size), &answer, &fault)) {
        if (fault.code == FAULT_NONE)
            abort();
        return 0;
    }
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    report.verdict = VERDICT_GOOD;
    report.times = (struct liveness_times){NOW_US, NOW_US, NOW_US + 1};
    http_judge(&answer, LIVENESS_OCSP, slice_make(data, size), NOW_US, &report);
    if (report.count == 0 || !liveness_report_json(&text, &report, LIVENESS_HTTP, "fuzz", 0))
        abort();
    return 0;
}
