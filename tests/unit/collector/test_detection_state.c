/* The detection's state in the store: as large as it may get, and one state whole whenever it is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "detection_state.h"
#include "fake_store.h"
#include "memory.h"

#define CHANGE_BYTES (DETECTION_PART_MOST + 4096u) /* one part a change */
#define CHANGES_MOST 64u

/* The changes in the order in which they would be committed. */
struct written {
    struct change *changes[CHANGES_MOST];
    size_t count;
};

static struct change *room(void *context, size_t size) {
    struct written *written = context;
    if (!written->count || change_size(written->changes[written->count - 1]) + size > CHANGE_BYTES) {
        assert_true(written->count < CHANGES_MOST);
        written->changes[written->count++] = change_create();
    }
    return written->changes[written->count - 1];
}

static void commit(struct store *store, const struct change *change) {
    struct store_batch *batch = store_batch_create(store);
    struct change_step step;
    struct fault fault = {0};
    assert_false(change_is_cut(change));
    for (size_t place = 0; change_next(change, &place, &step);)
        if (step.kind == CHANGE_PUT)
            store_batch_put(batch, step.family, step.key, step.value);
        else if (step.kind == CHANGE_DELETE_RANGE)
            store_batch_delete_range(batch, step.family, step.key, step.value);
        else
            fail();
    assert_true(store_commit(store, batch, true, &fault));
    store_batch_destroy(batch);
}

/* The first `most` of the changes that this state takes. Returns how many those are. */
static size_t put(struct store *store, const struct detection_state *state, size_t most) {
    struct written written = {.count = 0};
    detection_state_put(state, room, &written);
    for (size_t i = 0; i < written.count; i++) {
        if (i < most)
            commit(store, written.changes[i]);
        change_destroy(written.changes[i]);
    }
    return written.count;
}

static struct slice bytes_of(size_t size, unsigned seed) {
    uint8_t *bytes = memory_new(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((seed = seed * 1103515245u + 12345u) >> 16);
    return slice_make(bytes, size);
}

static struct detection_state make(uint64_t row, uint8_t generation, size_t detector, size_t dedup) {
    return (struct detection_state){row, generation, bytes_of(detector, (unsigned)row), bytes_of(dedup, (unsigned)row + 1),
                                    bytes_of(dedup / 2, (unsigned)row + 2)};
}

static void drop(struct detection_state *state) {
    free((void *)(uintptr_t)state->detector.data);
    free((void *)(uintptr_t)state->dedup.data);
    free((void *)(uintptr_t)state->probes.data);
}

static void expect(const struct store *store, const struct detection_state *state) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(64u * 1024 * 1024);
    struct detection_state found;
    struct fault fault = {0};
    if (!detection_state_get(store, &bytes, &found, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(found.next_row, state->next_row);
    assert_int_equal(found.generation, state->generation);
    assert_true(slice_equal(found.detector, state->detector));
    assert_true(slice_equal(found.dedup, state->dedup));
    assert_true(slice_equal(found.probes, state->probes));
}

static size_t parts_of(size_t size) { return (size + DETECTION_PART_MOST - 1) / DETECTION_PART_MOST; }

static void a_state_of_any_size_comes_back_and_leaves_nothing_of_the_one_before(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{0, 0},
                                      {1, 1},
                                      {DETECTION_PART_MOST, 0},
                                      {0, DETECTION_PART_MOST + 1},
                                      {12 * DETECTION_PART_MOST - 1, 3 * DETECTION_PART_MOST / 2},
                                      {100, 100}};
    struct store *store = fake_store_create();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct detection_state one =
            make(i, (uint8_t)(254 + i), sizes[i][0], sizes[i][1]); /* past 255, too */
        put(store, &one, CHANGES_MOST);
        expect(store, &one);
        size_t parts = parts_of(sizes[i][0]) + parts_of(sizes[i][1]) + parts_of(sizes[i][1] / 2);
        assert_int_equal(fake_store_count(store, STORE_DETECTOR), 1 + parts);
        drop(&one);
    }
    fake_store_destroy(store);
}

static void a_kill_between_the_commits_leaves_the_state_before_and_the_next_one_is_good(void **state) {
    (void)state;
    struct detection_state before = make(7, 3, 3 * DETECTION_PART_MOST, 100);
    struct detection_state cut = make(8, 4, 5 * DETECTION_PART_MOST, 200), after = make(9, 4, 10, 20);
    for (size_t most = 0;; most++) {
        struct store *store = fake_store_create();
        put(store, &before, CHANGES_MOST);
        size_t changes = put(store, &cut, most);
        expect(store, most < changes ? &before : &cut);
        if (most >= changes) {
            fake_store_destroy(store);
            assert_true(changes >= 5);
            break;
        }
        put(store, &after, CHANGES_MOST);
        expect(store, &after);
        fake_store_destroy(store);
    }
    drop(&before);
    drop(&cut);
    drop(&after);
}

static void what_is_no_whole_state_is_told_with_its_row(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(4u * 1024 * 1024), small = BUFFER(100);
    struct detection_state one = make(7, 3, 1000, 100), found = {.next_row = 99};
    struct fault fault = {0};
    struct store *store = fake_store_create();
    assert_false(detection_state_get(store, &bytes, &found, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    put(store, &one, CHANGES_MOST);
    assert_false(detection_state_get(store, &small, &found, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    fake_store_put(store, STORE_DETECTOR, slice_make("detection/\x03\0\0\0\0", 15), SLICE("another part"));
    assert_false(detection_state_get(store, &bytes, &found, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    assert_int_equal(found.next_row, 7);
    struct slice changed = bytes_of(1000, 99);
    fake_store_put(store, STORE_DETECTOR, slice_make("detection/\x03\0\0\0\0", 15), changed);
    assert_false(detection_state_get(store, &bytes, &found, &fault));
    assert_non_null(strstr(fault.text, "not those that were saved"));
    fake_store_delete(store, STORE_DETECTOR, slice_make("detection/\x03\0\0\0\0", 15));
    assert_false(detection_state_get(store, &bytes, &found, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    fake_store_put(store, STORE_DETECTOR, SLICE("detection"), SLICE("short"));
    assert_false(detection_state_get(store, &bytes, &found, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    free((void *)(uintptr_t)changed.data);
    drop(&one);
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_of_any_size_comes_back_and_leaves_nothing_of_the_one_before),
        cmocka_unit_test(a_kill_between_the_commits_leaves_the_state_before_and_the_next_one_is_good),
        cmocka_unit_test(what_is_no_whole_state_is_told_with_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
