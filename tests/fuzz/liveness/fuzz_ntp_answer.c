/* A packet that claims to be a time server's. */
#include <stdlib.h>

#include "bytes.h"
#include "ntp_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct liveness_policy policy;
    static struct liveness_report report;
    struct ntp_exchange exchange = {0, UINT64_C(1795320000000000), UINT64_C(1795320000001000)};
    int64_t offset_us;
    if (size >= NTP_SIZE)
        exchange.cookie = bytes_get_u64(data + 24);
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    ntp_judge(&exchange, slice_make(data, size), &report, &offset_us);
    if (report.count == 0 ||
        (report.state == LIVENESS_OK && !ntp_is_answer(slice_make(data, size), exchange.cookie)))
        abort();
    return 0;
}
