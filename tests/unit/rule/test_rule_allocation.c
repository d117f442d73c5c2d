/* Once its groups exist, an event costs no allocation: counted by wrapping the allocator. */
#include <stdlib.h>

#include "workbench.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static unsigned allocations;

void *__wrap_malloc(size_t size) {
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    allocations++;
    return __real_realloc(old, size);
}

static const char rules[] =
    "title: a\nname: a\nlogsource: {product: linux}\ndetection: {s: {k: a}, condition: s}\n---\n"
    "title: b\nname: b\nlogsource: {product: linux}\ndetection: {s: {k|re: '^b+$'}, condition: s}\n---\n"
    "title: word\nlogsource: {}\ndetection: {s: [needle, 'ha*ck'], condition: s}\n---\n"
    "title: c\nname: c\ncorrelation: {type: event_count, rules: a, group-by: [g], timespan: 1m, condition: "
    "{gte: 3}, "
    "generate: true}\n---\n"
    "title: d\ncorrelation: {type: temporal_ordered, rules: [c, b], group-by: [g], timespan: 5m, generate: "
    "true}\n---\n"
    "title: e\ncorrelation: {type: value_count, rules: a, group-by: [g], timespan: 1m, condition: {field: v, "
    "gte: 2}}\n";

static void count(void *context, const struct detector_match *match) {
    (void)match;
    ++*(unsigned *)context;
}

/* A thousand events of five entities, ever later. */
static unsigned play(struct workbench *bench, uint64_t from_us) {
    static const char *const keys[] = {"a", "b", "bb", "c"}, *const groups[] = {"v", "w", "x", "y", "z"};
    unsigned matches = 0;
    for (unsigned i = 0; i < 1000; i++) {
        record_clear(bench->record);
        record_add_named(bench->record, SLICE("tocsin.product"), RECORD_TEXT, SLICE("linux"));
        record_add_named(bench->record, SLICE("k"), RECORD_TEXT, slice_string(keys[i % 4]));
        record_add_named(bench->record, SLICE("g"), RECORD_TEXT, slice_string(groups[i % 5]));
        record_add_named(bench->record, SLICE("v"), RECORD_TEXT, slice_string(groups[i % 3]));
        record_add_named(bench->record, SLICE("message"), RECORD_TEXT, SLICE("a needle in the hay, a hack"));
        struct detector_event event = {SLICE("alpha~00c0ffee/1234"), from_us + i * 100000, SLICE("alpha")};
        detector_process(bench->detector, bench->record, &event, count, &matches);
    }
    return matches;
}

static void an_event_of_a_known_entity_allocates_nothing(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(rules);
    for (unsigned i = 0; i < 8; i++) /* groups come to be, and grow to their ceiling */
        assert_true(play(bench, i * 100 * SECOND) > 1000);
    allocations = 0;
    assert_true(play(bench, 1000 * SECOND) > 1000);
    assert_int_equal(allocations, 0);
    workbench_event(bench, 2000 * SECOND, "tocsin.product", "linux", "k", "a", "g", "new", NULL);
    assert_true(allocations > 0); /* so the counting counts */
    workbench_close(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_event_of_a_known_entity_allocates_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
