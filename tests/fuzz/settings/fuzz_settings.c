/* The first byte chooses whose settings the rest is; an 0x1d in it separates two files. */
#include <stdlib.h>

#include "agent_settings.h"
#include "collector_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 leaks a few KiB for a quoted scalar with some doubled quotes in a row (corpus/settings/quotes). */
const char *__lsan_default_suppressions(void) { return "leak:libfyaml.so"; }

static void run(const struct settings_table *table, struct slice text, void *target) {
    struct fault fault = {0};
    size_t cut = slice_find_byte(text, 0x1d);
    settings_start(table, target);
    bool good = settings_read(table, slice_head(text, cut), "a.yaml", target, &fault);
    good = good &&
           (cut == SIZE_MAX || settings_read(table, slice_from(text, cut + 1), "b.yaml", target, &fault));
    good = good && settings_finish(table, "a.yaml", target, &fault);
    if (good != (fault.code == FAULT_NONE) || (!good && (!fault.place[0] || !fault.text[0])))
        abort();
    settings_release(table, target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct agent_settings agent;
    struct collector_settings collector;
    struct slice text = slice_from(slice_make(data, size), 1);
    if (size && data[0] % 2)
        run(agent_settings_table(), text, &agent);
    else
        run(collector_settings_table(), text, &collector);
    return 0;
}
