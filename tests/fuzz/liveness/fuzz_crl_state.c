/* What is remembered of a CRL: what is read is written back as it was, unless it had to be thinned out. */
#include <stdlib.h>

#include "crl_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice from) {
    CLEANUP_BUFFER struct buffer again = BUFFER(1 << 20);
    struct crl_state *state = crl_state_read(from, 4096, NULL);
    struct crl_state *small = crl_state_read(from, 1, NULL);
    if ((state == NULL) != (small == NULL))
        abort();
    if (state) {
        crl_state_gone(small, 0);
        if (!crl_state_write(state, &again) || again.size > from.size)
            abort();
    }
    crl_state_destroy(state);
    crl_state_destroy(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP_BUFFER struct buffer with_hash = BUFFER(size + HASH_SIZE);
    struct hash hash = sha256_of(slice_make(data, size));
    check(slice_make(data, size));
    buffer_append(&with_hash, data, size); /* so that what stands before the hash is read at all */
    buffer_append_slice(&with_hash, hash_slice(&hash));
    check(buffer_slice(&with_hash));
    return 0;
}
