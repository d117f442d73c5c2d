/* What a plugin may print, and a command of a queue. */
#include <stdlib.h>

#include "command_judge.h"
#include "queue_judge.h"
#include "tcp_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct liveness_policy policy;
    static struct liveness_report report;
    struct slice bytes = slice_make(data, size);
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    struct fault fault = {0};
    uint64_t number;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    struct command_end end = {COMMAND_EXITED, 0, NULL, 0, bytes, bytes};
    command_judge(&end, &report);
    if (queue_number_read(bytes, &number, &fault))
        queue_judge(QUEUE_NUMBER, number, UINT64_C(1) << 40, "", &report);
    else if (fault.code == FAULT_NONE)
        abort();
    (void)tcp_text_parse(bytes, &text, &fault);
    if (report.count == 0 || !liveness_report_json(&text, &report, LIVENESS_COMMAND, "fuzz", 0))
        abort();
    return 0;
}
