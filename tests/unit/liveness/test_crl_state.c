/* What is remembered of a CRL: exact while there is room, a fair part of it beyond, and the same after a turn as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bytes.h"
#include "crl_state.h"

#define DAY_US UINT64_C(86400000000)

static struct slice serial_of(uint32_t number, uint8_t bytes[16]) {
    memset(bytes, 0x5a, 16);
    bytes_put_u32(bytes + 6, number);
    return slice_make(bytes, 16);
}

static struct crl_state *state_of(uint32_t count, size_t most) {
    struct crl_state *state = crl_state_create(most);
    uint8_t bytes[16];
    for (uint32_t i = 0; i < count; i++)
        crl_state_add(state, serial_of(i, bytes), (1000 + i % 100) * DAY_US);
    return state;
}

static void cross_off(struct crl_state *state, uint32_t from, uint32_t until) {
    uint8_t bytes[16];
    for (uint32_t i = from; i < until; i++)
        crl_state_cross_off(state, serial_of(i, bytes));
}

static void what_is_gone_is_named_exactly_while_there_is_room(void **unused) {
    (void)unused;
    uint8_t bytes[16];
    struct crl_state *state = state_of(5000, 5000);
    assert_int_equal(crl_state_gone(state, 0).count, 5000);
    cross_off(state, 0, 4998);
    cross_off(state, 7000, 7010); /* new ones */
    struct crl_gone gone = crl_state_gone(state, 0);
    assert_true(gone.exact);
    assert_int_equal(gone.count, 2);
    assert_true(slice_equal(gone.serial, serial_of(4999, bytes)));
    assert_int_equal(gone.revoked_us, 1099 * DAY_US);
    assert_int_equal(crl_state_gone(state, 1100 * DAY_US).count, 0);
    cross_off(state, 4998, 5000);
    assert_int_equal(crl_state_gone(state, 0).count, 0);
    crl_state_destroy(state);
}

static struct crl_state *facts(uint64_t time_us, const char *number) {
    struct crl_state *state = crl_state_create(1);
    struct crl_facts *to = crl_state_facts(state);
    to->this_update_us = time_us;
    to->has_number = number != NULL;
    to->number_size = number ? (uint8_t)strlen(number) : 0;
    memcpy(to->number, number ? number : "", to->number_size);
    return state;
}

static void an_older_list_never_becomes_the_measure(void **unused) {
    (void)unused;
    static const struct {
        uint64_t time_us;
        const char *number;
        bool follows;
    } cases[] = {{DAY_US, "\x05", true},         {DAY_US + 1, "\x05", true},  {DAY_US + 1, "\x06", true},
                 {DAY_US + 1, "\x01\x01", true}, {DAY_US + 1, NULL, true},    {DAY_US - 1, "\x05", false},
                 {DAY_US + 1, "\x04", false},    {DAY_US - 1, "\x06", false}, {DAY_US - 1, NULL, false}};
    struct crl_state *before = facts(DAY_US, "\x05");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct crl_state *now = facts(cases[i].time_us, cases[i].number);
        if (crl_state_follows(now, before) != cases[i].follows)
            fail_msg("case %zu", i);
        crl_state_destroy(now);
    }
    crl_state_destroy(before);
}

static void a_serial_told_twice_is_one(void **unused) {
    (void)unused;
    uint8_t bytes[16];
    struct crl_state *state = state_of(10, 100);
    crl_state_add(state, serial_of(3, bytes), DAY_US);
    assert_int_equal(crl_state_gone(state, 0).count, 10);
    crl_state_destroy(state);
}

static void beyond_the_room_a_part_is_kept_that_tells_about_how_many_are_gone(void **unused) {
    (void)unused;
    struct crl_state *state = state_of(100000, 4096);
    cross_off(state, 0, 90000);
    struct crl_gone gone = crl_state_gone(state, 0);
    assert_false(gone.exact);
    assert_in_range(gone.count, 7000, 13000); /* the same serials every time: no chance in it */
    size_t kept = 0, had = 0;
    uint8_t bytes[16];
    for (uint32_t i = 0; i < 100000; i++) {
        bool would;
        had += crl_state_has(state, serial_of(i, bytes), &would);
        kept += would;
    }
    assert_int_equal(had, kept);
    assert_in_range(kept, 1024, 4096);
    crl_state_destroy(state);
}

static void nothing_is_kept_where_nobody_asked_for_it(void **unused) {
    (void)unused;
    struct crl_state *state = state_of(100, 0);
    bool kept;
    assert_int_equal(crl_state_gone(state, 0).count, 0);
    assert_false(crl_state_has(state, SLICE("a"), &kept));
    crl_state_destroy(state);
}

static void it_comes_back_from_its_bytes_and_no_others(void **unused) {
    (void)unused;
    struct crl_state *state = state_of(3000, 1000);
    struct crl_facts *facts = crl_state_facts(state);
    *facts = (struct crl_facts){.has_number = true,
                                .number_size = 2,
                                .number = {1, 2},
                                .hash = {{7}},
                                .this_update_us = 5,
                                .entry_count = 3000,
                                .size = 99999};
    CLEANUP_BUFFER struct buffer bytes = BUFFER(1 << 20), again = BUFFER(1 << 20);
    struct fault fault = {0};
    assert_true(crl_state_write(state, &bytes));
    struct crl_state *back = crl_state_read(buffer_slice(&bytes), 1000, &fault);
    assert_non_null(back);
    assert_true(crl_state_write(back, &again));
    assert_true(slice_equal(buffer_slice(&bytes), buffer_slice(&again)));
    assert_int_equal(crl_state_facts_of(back)->entry_count, 3000);
    assert_int_equal(crl_state_gone(back, 0).count, crl_state_gone(state, 0).count);
    crl_state_destroy(back);
    for (size_t size = 0; size < bytes.size; size += size < 100 ? 1 : 97) {
        assert_null(crl_state_read(slice_head(buffer_slice(&bytes), size), 1000, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
    buffer_append_string(&bytes, "x");
    assert_null(crl_state_read(buffer_slice(&bytes), 1000, &fault));
    crl_state_destroy(state);
}

static void with_less_room_than_before_it_is_thinned_out(void **unused) {
    (void)unused;
    struct crl_state *state = state_of(1000, 1000);
    CLEANUP_BUFFER struct buffer bytes = BUFFER(1 << 20);
    crl_state_write(state, &bytes);
    struct crl_state *back = crl_state_read(buffer_slice(&bytes), 100, NULL);
    assert_non_null(back);
    assert_false(crl_state_gone(back, 0).exact);
    assert_in_range(crl_state_gone(back, 0).count, 500, 1500);
    crl_state_destroy(back);
    crl_state_destroy(state);
}

static void over_the_turns_every_serial_is_picked(void **unused) {
    (void)unused;
    struct crl_state *state = state_of(100, 100), *empty = crl_state_create(10);
    struct slice picked[7];
    size_t kept = 0;
    bool would;
    for (uint64_t turn = 0; turn < 16; turn++) { /* 100 - 6 × (100 / 7) */
        assert_int_equal(crl_state_pick(state, 7, turn, picked), 7);
        for (size_t i = 0; i < 7; i++) {
            kept += crl_state_has(state, picked[i], &would);
            crl_state_cross_off(state, picked[i]);
        }
    }
    assert_int_equal(kept, 16 * 7);
    assert_int_equal(crl_state_gone(state, 0).count, 0);
    assert_int_equal(crl_state_pick(empty, 7, 3, picked), 0);
    crl_state_destroy(empty);
    empty = state_of(3, 10);
    assert_int_equal(crl_state_pick(empty, 7, 3, picked), 3);
    crl_state_destroy(empty);
    crl_state_destroy(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_gone_is_named_exactly_while_there_is_room),
        cmocka_unit_test(an_older_list_never_becomes_the_measure),
        cmocka_unit_test(a_serial_told_twice_is_one),
        cmocka_unit_test(beyond_the_room_a_part_is_kept_that_tells_about_how_many_are_gone),
        cmocka_unit_test(nothing_is_kept_where_nobody_asked_for_it),
        cmocka_unit_test(it_comes_back_from_its_bytes_and_no_others),
        cmocka_unit_test(over_the_turns_every_serial_is_picked),
        cmocka_unit_test(with_less_room_than_before_it_is_thinned_out),
    };
    return cmocka_run_group_tests_name("crl_state", tests, NULL, NULL);
}
