/* Any bytes as a saved detector state: taken or refused, and what was taken is used and saved again. */
#include <stdlib.h>

#include "detector.h"

static const char rules[] =
    "title: a\nid: 00000000-0000-0000-0000-000000000001\nname: a\nlogsource: {}\n"
    "detection: {s: {k: a}, condition: s}\n---\n"
    "title: b\nid: 00000000-0000-0000-0000-000000000002\nname: b\nlogsource: {}\n"
    "detection: {s: {k: b}, condition: s}\n---\n"
    "title: c\nid: 00000000-0000-0000-0000-000000000003\nname: c\n"
    "correlation: {type: event_count, rules: a, group-by: [g], timespan: 1m, condition: {gte: 3}}\n---\n"
    "title: d\nid: 00000000-0000-0000-0000-000000000004\n"
    "correlation: {type: temporal_ordered, rules: [c, b], group-by: [g], timespan: 5m}\n---\n"
    "title: e\nid: 00000000-0000-0000-0000-000000000005\n"
    "correlation: {type: value_count, rules: a, group-by: [g], timespan: 1m, condition: {field: v, lte: "
    "3}}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct symbols *symbols;
    static struct ruleset *ruleset;
    static struct record *record;
    struct fault fault;
    if (!ruleset) {
        symbols = symbols_create();
        ruleset = ruleset_create(symbols);
        if (ruleset_add(ruleset, "r", SLICE("")) != 1 ||
            ruleset_add(ruleset, "r", slice_string(rules)) != 0 || !ruleset_compile(ruleset, NULL, &fault))
            abort();
        record = record_create(symbols);
    }
    struct detector_limits limits = {.groups_most = 8};
    struct detector *detector = detector_create(ruleset, &limits);
    detector_load(detector, slice_make(data, size), &fault);
    for (unsigned i = 0; i < 6; i++) {
        record_clear(record);
        record_add_named(record, SLICE("k"), RECORD_TEXT, i & 1 ? SLICE("b") : SLICE("a"));
        record_add_named(record, SLICE("g"), RECORD_TEXT, SLICE("x"));
        struct detector_event event = {SLICE("e1"), 100000000 + i, SLICE("alpha")};
        detector_process(detector, record, &event, NULL, NULL);
    }
    CLEANUP_BUFFER struct buffer state = BUFFER(1 << 24);
    if (!detector_save(detector, &state) || !detector_load(detector, buffer_slice(&state), &fault))
        abort();
    detector_advance(detector, UINT64_MAX, NULL, NULL);
    detector_destroy(detector);
    return 0;
}
