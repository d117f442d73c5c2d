/* Rows of what a hold took: opened by their own key and place alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "held_events.h"

static const struct held_row row = {.hold = 17, .class = 3, .first = 7, .last = 400, .number = 2};
static const uint8_t key[SEGMENT_KEY_SIZE] = {1, 2, 3};

static void a_row_is_opened_as_it_was_sealed(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer plain = BUFFER(1024), value = BUFFER(2048), again = BUFFER(2048);
    uint64_t index;
    struct slice extra;
    bool bad;
    assert_true(held_append(&plain, 9, SLICE("one")) && held_append(&plain, 300, SLICE("")));
    assert_true(held_seal(&value, &row, key, buffer_slice(&plain), NULL));
    assert_int_equal(slice_find(buffer_slice(&value), SLICE("one")), SIZE_MAX);
    assert_true(held_open(&again, &row, key, buffer_slice(&value), NULL));
    struct slice rest = buffer_slice(&again);
    assert_true(held_next(&rest, &index, &extra, &bad));
    assert_true(index == 9 && slice_equal(extra, SLICE("one")));
    assert_true(held_next(&rest, &index, &extra, &bad));
    assert_true(index == 300 && extra.size == 0);
    assert_false(held_next(&rest, &index, &extra, &bad));
    assert_false(bad);
    /* Fresh random bytes each time. */
    CLEANUP_BUFFER struct buffer other = BUFFER(2048);
    assert_true(held_seal(&other, &row, key, buffer_slice(&plain), NULL));
    assert_false(slice_equal(buffer_slice(&value), buffer_slice(&other)));
}

static void no_bit_of_a_row_its_place_or_its_key_may_change(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer value = BUFFER(2048), again = BUFFER(2048);
    assert_true(held_seal(&value, &row, key, SLICE("some events"), NULL));
    for (size_t bit = 0; bit < 8 * value.size; bit++) {
        value.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct fault fault = {0};
        assert_false(held_open(&again, &row, key, buffer_slice(&value), &fault));
        assert_int_equal(fault.code, FAULT_AUTH);
        value.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    struct held_row others[] = {row, row, row, row, row};
    others[0].hold++, others[1].class ++, others[2].first++, others[3].last++, others[4].number++;
    for (size_t i = 0; i < 5; i++)
        assert_false(held_open(&again, &others[i], key, buffer_slice(&value), NULL));
    uint8_t other_key[SEGMENT_KEY_SIZE] = {1, 2, 4};
    assert_false(held_open(&again, &row, other_key, buffer_slice(&value), NULL));
    for (size_t size = 0; size < value.size; size++)
        assert_false(held_open(&again, &row, key, slice_head(buffer_slice(&value), size), NULL));
    assert_true(held_open(&again, &row, key, buffer_slice(&value), NULL));
}

static void keys_come_back_and_events_cut_short_are_told(void **state) {
    (void)state;
    uint8_t bytes[HELD_ROW_KEY];
    struct held_row read;
    held_row_key(bytes, &row);
    assert_true(held_row_read(slice_make(bytes, sizeof bytes), &read, NULL));
    assert_true(read.hold == 17 && read.class == 3 && read.first == 7 && read.last == 400 &&
                read.number == 2);
    assert_false(held_row_read(slice_make(bytes, sizeof bytes - 1), &read, NULL));
    CLEANUP_BUFFER struct buffer plain = BUFFER(64);
    uint64_t index;
    struct slice extra;
    bool bad;
    assert_true(held_append(&plain, 1, SLICE("abc")));
    for (size_t size = 1; size < plain.size; size++) {
        struct slice rest = slice_head(buffer_slice(&plain), size);
        assert_false(held_next(&rest, &index, &extra, &bad));
        assert_true(bad);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_opened_as_it_was_sealed),
        cmocka_unit_test(no_bit_of_a_row_its_place_or_its_key_may_change),
        cmocka_unit_test(keys_come_back_and_events_cut_short_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
