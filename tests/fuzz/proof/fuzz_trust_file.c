/* Trust files: what is read is written back byte for byte; what is not has a reason. */
#include <stdlib.h>

#include "trust_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct trust trust;
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer again = BUFFER(TRUST_FILE_MOST);
    if (!trust_read(slice_make(data, size), &trust, &fault)) {
        if (fault.code == FAULT_NONE)
            abort();
        return 0;
    }
    if (!trust_write(&again, &trust) || !slice_equal(buffer_slice(&again), slice_make(data, size)))
        abort();
    return 0;
}
