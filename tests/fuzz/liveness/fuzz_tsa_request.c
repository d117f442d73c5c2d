/* Time-stamp requests read from a file: what is read is written back as something that is read alike. */
#include <stdlib.h>

#include "tsa_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP_BUFFER struct buffer der = BUFFER(1 << 20);
    struct tsa_request request, again;
    if (!tsa_request_read(slice_make(data, size), &request, NULL))
        return 0;
    if (!tsa_request_write(&der, &request))
        return 0;
    if (!tsa_request_read(buffer_slice(&der), &again, NULL) || !slice_equal(request.digest, again.digest) ||
        !slice_equal(request.imprint, again.imprint) || !slice_equal(request.policy, again.policy) ||
        !slice_equal(request.nonce, again.nonce) || request.wants_certificate != again.wants_certificate)
        abort();
    return 0;
}
