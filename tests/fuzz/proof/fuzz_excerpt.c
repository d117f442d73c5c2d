/* Excerpts: u16 size ‖ trust file ‖ excerpt. One that is taken has given each event its verdict. */
#include <stdlib.h>

#include "excerpt.h"

#define NOW 1800000000000000ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *context, const struct excerpt_event *event) {
    size_t *events = context;
    if (event->number != ++*events || (event->verdict == VERDICT_ALTERED && event->fault.code == FAULT_NONE))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes_reader reader = bytes_read(slice_make(data, size));
    struct slice text = bytes_read_raw(&reader, bytes_read_u16(&reader));
    struct trust trust;
    struct excerpt_summary summary;
    struct fault fault = {0};
    size_t events = 0;
    if (reader.failed || !trust_read(text, &trust, NULL))
        return 0;
    if (excerpt_verify(reader.rest, &trust, NOW, count, &events, &summary, &fault) ? summary.events != events
                                                                                   : fault.code == FAULT_NONE)
        abort();
    return 0;
}
