/* Any text as a file of samples: it is read, or refused with a place. */
#include <stdlib.h>

#include "rule_samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 leaks a few KiB for a quoted scalar with some doubled quotes in a row (corpus/settings/quotes). */
const char *__lsan_default_suppressions(void) { return "leak:libfyaml.so"; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fault fault = {0};
    struct rule_samples *samples = rule_samples_read("s", slice_make(data, size), &fault);
    size_t sum = 0;
    if (!samples && (!*fault.place || !*fault.text))
        abort();
    for (size_t i = 0; samples && i < rule_samples_count(samples); i++) {
        const struct rule_sample *sample = rule_samples_at(samples, i);
        for (size_t e = 0; e < sample->event_count; e++) {
            sum += sample->events[e].line.size;
            for (size_t f = 0; f < sample->events[e].field_count; f++)
                sum += sample->events[e].names[f].size + sample->events[e].values[f].size;
        }
    }
    rule_samples_destroy(samples);
    return sum > size * size + size ? -1 : 0;
}
