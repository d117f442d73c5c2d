/* What a server on port 25 may send: reply after reply. */
#include <stdlib.h>

#include "smtp_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct liveness_policy policy;
    static struct liveness_report report;
    struct slice rest = slice_make(data, size);
    struct smtp_reply reply;
    struct fault fault = {0};
    enum smtp_read read;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    for (unsigned step = 0; (read = smtp_reply_read(rest, &reply, &fault)) == SMTP_REPLY; step++) {
        if (reply.lines.size < 4 || reply.lines.size > rest.size)
            abort();
        (void)smtp_judge((enum smtp_step)(step % SMTP_STEPS), &reply, step % 2, &report);
        rest = slice_from(rest, reply.lines.size);
    }
    if (read == SMTP_BROKEN && fault.code == FAULT_NONE)
        abort();
    return 0;
}
