/* How long a disk lasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "retention_term.h"
#include "room_forecast.h"

#define DAY RETENTION_DAY_US
#define GIB (UINT64_C(1) << 30)
#define TODAY (20000 * DAY)

static struct room_history history;

static int forget(void **state) {
    (void)state;
    history = (struct room_history){.count = 0};
    return 0;
}

static void a_disk_that_fills_lasts_what_is_left_at_its_pace(void **state) {
    (void)state;
    for (uint64_t day = 0; day < 10; day++)
        assert_true(room_history_add(&history, TODAY + day * DAY, (100 - day) * GIB));
    /* 10 GiB in 10 days, 90 left, of which 1 is the floor's. */
    assert_int_equal(room_days_left(&history, TODAY + 10 * DAY, 90 * GIB, GIB), 89);
    assert_int_equal(room_days_left(&history, TODAY + 10 * DAY, GIB, GIB), 0);
    assert_int_equal(room_days_left(&history, TODAY + 10 * DAY, 0, GIB), 0);
}

static void one_that_does_not_fill_is_not_told(void **state) {
    (void)state;
    room_history_add(&history, TODAY, 50 * GIB);
    assert_int_equal(room_days_left(&history, TODAY + 5 * DAY, 50 * GIB, GIB), ROOM_DAYS_UNKNOWN);
    assert_int_equal(room_days_left(&history, TODAY + 5 * DAY, 60 * GIB, GIB), ROOM_DAYS_UNKNOWN);
    assert_int_equal(room_days_left(&history, TODAY + 5 * DAY, 50 * GIB - 1, GIB), ROOM_DAYS_UNKNOWN);
}

static void the_first_days_say_nothing(void **state) {
    (void)state;
    assert_int_equal(room_days_left(&history, TODAY, 50 * GIB, GIB), ROOM_DAYS_UNKNOWN);
    room_history_add(&history, TODAY, 50 * GIB);
    assert_int_equal(room_days_left(&history, TODAY + 3 * DAY - 1, 10 * GIB, GIB), ROOM_DAYS_UNKNOWN);
    assert_int_equal(room_days_left(&history, TODAY + 3 * DAY, 40 * GIB, GIB), 11); /* 10 GiB in 3 days, 39 left */
}

static void a_day_has_one_sample_and_two_weeks_are_kept(void **state) {
    (void)state;
    assert_true(room_history_add(&history, TODAY, 100 * GIB));
    assert_false(room_history_add(&history, TODAY + DAY - 1, 90 * GIB));
    for (uint64_t day = 1; day < 40; day++)
        assert_true(room_history_add(&history, TODAY + day * DAY, (100 - day) * GIB));
    assert_int_equal(history.count, ROOM_SAMPLES_MOST);
    assert_int_equal(history.samples[0].day, 20000 + 40 - ROOM_SAMPLES_MOST);
    /* A pause of a month leaves nothing to go by. */
    assert_true(room_history_add(&history, TODAY + 80 * DAY, 10 * GIB));
    assert_int_equal(history.count, 1);
}

static void a_clock_that_goes_back_begins_anew(void **state) {
    (void)state;
    room_history_add(&history, TODAY + 700 * DAY, 100 * GIB);
    assert_true(room_history_add(&history, TODAY, 90 * GIB));
    assert_int_equal(history.count, 1);
    assert_int_equal(history.samples[0].day, 20000);
}

static void it_reads_what_it_wrote_and_nothing_else(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ROOM_HISTORY_SIZE);
    for (uint64_t day = 0; day < 20; day++)
        room_history_add(&history, TODAY + day * DAY, day * GIB);
    room_history_write(&bytes, &history);
    assert_int_equal(bytes.size, ROOM_HISTORY_SIZE);
    struct room_history again = room_history_read(buffer_slice(&bytes));
    assert_int_equal(again.count, history.count);
    assert_memory_equal(again.samples, history.samples, sizeof history.samples);
    assert_int_equal(room_history_read(slice_make(bytes.data, 17)).count, 0);
    memset(bytes.data, 0xff, 8);
    assert_int_equal(room_history_read(buffer_slice(&bytes)).count, 0);
    memset(bytes.data, 0, bytes.size); /* days that do not ascend */
    assert_int_equal(room_history_read(buffer_slice(&bytes)).count, 0);
    assert_int_equal(room_history_read(SLICE("")).count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_disk_that_fills_lasts_what_is_left_at_its_pace, forget),
        cmocka_unit_test_setup(one_that_does_not_fill_is_not_told, forget),
        cmocka_unit_test_setup(the_first_days_say_nothing, forget),
        cmocka_unit_test_setup(a_day_has_one_sample_and_two_weeks_are_kept, forget),
        cmocka_unit_test_setup(a_clock_that_goes_back_begins_anew, forget),
        cmocka_unit_test_setup(it_reads_what_it_wrote_and_nothing_else, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
