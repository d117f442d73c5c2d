/* Any text as a rule file, with and without the prefilter: it loads or is refused, and both say the same of events that
 * are made of the text itself. */
#include <stdlib.h>

#include "detector.h"

static void count(void *context, const struct detector_match *match) {
    uint64_t *sum = context;
    *sum = *sum * 31 + match->rule->index + match->count + match->event_id_count;
}

/* Lines of the text as values of the fields that the seeds name. */
static void fill(struct record *record, struct slice text, size_t turn) {
    static const char *const names[] = {"f",         "g",         "message",       "event.original",
                                        "source.ip", "user.name", "tocsin.product"};
    record_clear(record);
    for (size_t i = 0; text.size && i < 24; i++) {
        size_t end = slice_find_byte(text, turn & 1 ? ' ' : '\n');
        struct slice value = end == SIZE_MAX ? text : slice_head(text, end);
        record_add_named(record, slice_string(names[(i + turn) % 7]), RECORD_TEXT, slice_head(value, 512));
        text = end == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(text, end + 1);
    }
}

static uint64_t run(struct slice text, bool without_prefilter) {
    struct symbols *symbols = symbols_create();
    struct ruleset *ruleset = ruleset_create(symbols);
    struct ruleset_options options = {.without_prefilter = without_prefilter};
    struct fault fault;
    uint64_t sum = 0;
    ruleset_add(ruleset, "fuzz.yml", text);
    if (ruleset_compile(ruleset, &options, &fault)) {
        struct detector_limits limits = {.groups_most = 3};
        struct detector *detector = detector_create(ruleset, &limits);
        struct record *record = record_create(symbols);
        for (size_t turn = 0; turn < 8; turn++) {
            fill(record, text, turn);
            struct detector_event event = {slice_from(SLICE("event-id"), turn), turn * 1000000,
                                           SLICE("alpha")};
            detector_process(detector, record, &event, count, &sum);
        }
        CLEANUP_BUFFER struct buffer state = BUFFER(1 << 20);
        if (!detector_save(detector, &state) || !detector_load(detector, buffer_slice(&state), &fault))
            abort();
        detector_advance(detector, UINT64_MAX, count, &sum);
        record_destroy(record);
        detector_destroy(detector);
    }
    ruleset_destroy(ruleset);
    symbols_destroy(symbols);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 leaks a few KiB for a quoted scalar with some doubled quotes in a row (corpus/settings/quotes). */
const char *__lsan_default_suppressions(void) { return "leak:libfyaml.so"; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_make(data, size);
    if (size > 16384)
        return 0;
    if (run(text, false) != run(text, true))
        abort();
    return 0;
}
