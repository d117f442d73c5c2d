/* An answer out of the network: read or refused, walked to its end, judged. */
#include <stdlib.h>

#include "dns_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct liveness_policy policy;
    static struct liveness_report report;
    struct dns_message message;
    struct dns_walk walk = {0};
    struct dns_record record;
    struct dns_name target;
    struct fault fault = {0};
    char text[DNS_TEXT_SIZE];
    uint32_t serial;
    size_t count = 0;
    if (!dns_message_read(slice_make(data, size), &message, &fault))
        return fault.code == FAULT_NONE ? abort(), 0 : 0;
    while (dns_message_next(&message, &walk, &record)) {
        count++;
        dns_name_text(&record.name, text);
        (void)dns_record_target(&message, &record, &target);
        (void)dns_record_serial(&message, &record, &serial);
    }
    if (count != message.record_count)
        abort();
    struct dns_question question = {.id = message.id, .name = message.name, .type = message.type};
    struct dns_view view = {.has_serial = false};
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    if (dns_judge(&question, true, slice_make(data, size), &report, &view) != DNS_JUDGED || report.count == 0)
        abort();
    dns_judge_view(&view, &view, 1, &(struct dns_addresses){0}, &report);
    return 0;
}
