/* What an agent keeps of the collectors that it joined. */
#include <stdlib.h>

#include "membership.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct membership membership;
    struct fault fault = {0};
    if (membership_parse(slice_make(data, size), "FILE", &membership, &fault)) {
        if (!membership.host[0] || !membership.count || !membership.collectors[membership.count - 1].address[0] ||
            !membership.collectors[0].heartbeat_s)
            abort();
    } else if (fault.code != FAULT_FORMAT)
        abort();
    return 0;
}
