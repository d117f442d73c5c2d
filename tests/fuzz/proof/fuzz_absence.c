/* Proofs of absence: u16 size ‖ trust file ‖ proof. One that is taken speaks of the claimed time and no other. */
#include <stdlib.h>

#include "absence.h"

#define NOW 1800000000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct absence *absence) {
    uint64_t events = 0;
    for (size_t i = 0; i < absence->interval_count; i++) {
        const struct absence_interval *interval = &absence->intervals[i];
        if (interval->from_us < absence->from_us || interval->to_us > absence->to_us ||
            interval->from_us > interval->to_us)
            abort();
        events += interval->events;
    }
    if (events != absence->events || absence->interval_count == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes_reader reader = bytes_read(slice_make(data, size));
    struct slice text = bytes_read_raw(&reader, bytes_read_u16(&reader));
    struct trust trust;
    struct absence absence;
    struct fault fault = {0};
    if (reader.failed || !trust_read(text, &trust, NULL))
        return 0;
    if (absence_verify(reader.rest, &trust, NOW, &absence, &fault)) {
        check(&absence);
        absence_free(&absence);
    } else if (fault.code == FAULT_NONE)
        abort();
    return 0;
}
