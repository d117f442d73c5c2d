/* Exported proofs and the events in them: whatever is read is written back as it was, and may be checked. */
#include <stdlib.h>

#include "event_proof.h"
#include "log_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

static void event_comes_back(struct slice bytes) {
    struct event_proof event;
    CLEANUP_BUFFER struct buffer again = BUFFER(LOG_PROOF_MOST);
    if (!event_proof_read(bytes, &event, NULL))
        return;
    expect(event_proof_write(&again, &event) && slice_equal(buffer_slice(&again), bytes));
    event_proof_check(&event, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_make(data, size);
    struct log_proof proof;
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer extra = BUFFER(LOG_PROOF_EXTRA_MOST), again = BUFFER(LOG_PROOF_MOST);
    event_comes_back(bytes);
    if (!log_proof_read(bytes, &extra, &proof, &fault)) {
        expect(fault.code != FAULT_NONE);
        return 0;
    }
    expect(log_proof_write(&again, &proof) && slice_equal(buffer_slice(&again), bytes));
    event_comes_back(proof.extra);
    return 0;
}
