/* What is thought of a probed thing, run after run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "probe_state.h"

#define SECOND UINT64_C(1000000)
#define HOUR (3600 * SECOND)
#define START (UINT64_C(1700000000) * SECOND)

static const char changes[] = ".fwbr!"; /* in the order of enum probe_change */

/* Runs, one letter each: o ok, w warn, c critical, s skipped; every 10 s. Gives a letter of `changes` for each. */
static const char *play(struct probe_state *state, const char *runs) {
    static char told[256];
    struct probe_bounds bounds = probe_bounds_default();
    size_t count = strlen(runs);
    for (size_t i = 0; i < count; i++) {
        struct probe_news news;
        enum liveness_state outcome = runs[i] == 'o'   ? LIVENESS_OK
                                      : runs[i] == 'w' ? LIVENESS_WARN
                                      : runs[i] == 'c' ? LIVENESS_CRITICAL
                                                       : LIVENESS_SKIPPED;
        probe_state_take(state, &bounds, outcome, START + i * 10 * SECOND, &news);
        told[i] = changes[news.change];
    }
    told[count] = '\0';
    return told;
}

static void one_bad_run_is_none(void **state) {
    (void)state;
    static const char *const stories[][2] = {
        {"oococo", "f....."},   /* never two in a row */
        {"occ", "f.w"},         /* two are believed */
        {"cc", ".w"},           /* and so are the first two there ever were */
        {"occoo", "f.w.r"},     /* and two good ones end it */
        {"occococ", "f.w...."}, /* one good one does not */
        {"owcc", "f.w."},       /* the milder of two is believed: warn; critical is in the air */
        {"owccc", "f.w.w"},     /* and believed with its second run */
        {"occwwoo", "f.w.b.r"},
        {"occwo", "f.w.b"},   /* both say better; how much, the worse of them */
        {"osscsc", "f....w"}, /* what was not judged says nothing */
        {"o", "f"},
    };
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct probe_state probe = {0};
        assert_string_equal(play(&probe, stories[i][0]), stories[i][1]);
    }
}

static void an_outage_counts_from_its_first_bad_run_until_its_end(void **state) {
    (void)state;
    struct probe_state probe = {0};
    struct probe_bounds bounds = probe_bounds_default();
    struct probe_news news;
    play(&probe, "o");
    probe_state_take(&probe, &bounds, LIVENESS_CRITICAL, START + 20 * SECOND, &news);
    assert_int_equal(news.change, PROBE_SAME);
    probe_state_take(&probe, &bounds, LIVENESS_CRITICAL, START + 23 * SECOND, &news);
    assert_int_equal(news.change, PROBE_WORSE);
    assert_int_equal(news.from, LIVENESS_OK);
    assert_int_equal(news.to, LIVENESS_CRITICAL);
    assert_int_equal(news.outage_us, START + 20 * SECOND);
    assert_int_equal(news.lasted_us, 3 * SECOND);
    probe_state_take(&probe, &bounds, LIVENESS_OK, START + 20 * SECOND + 27 * HOUR / 2, &news);
    probe_state_take(&probe, &bounds, LIVENESS_OK, START + 20 * SECOND + 27 * HOUR / 2, &news);
    assert_int_equal(news.change, PROBE_RECOVERED);
    assert_int_equal(news.outage_us, START + 20 * SECOND);
    assert_int_equal(news.lasted_us, 27 * HOUR / 2);
    assert_int_equal(news.used_permille, 500);
    assert_int_equal(probe.outage_us, 0);
}

static void what_goes_on_is_told_again_every_hour(void **state) {
    (void)state;
    static const enum liveness_state bad[] = {LIVENESS_WARN, LIVENESS_CRITICAL};
    for (size_t i = 0; i < 2; i++) {
        struct probe_state probe = {0};
        struct probe_bounds bounds = probe_bounds_default();
        struct probe_news news;
        unsigned told = 0;
        for (uint64_t at = 0; at <= 10 * HOUR; at += 10 * SECOND) {
            probe_state_take(&probe, &bounds, bad[i], START + at, &news);
            if (news.change == PROBE_STILL) {
                told++;
                assert_int_equal(news.lasted_us, at);
                assert_int_equal(news.outage_us, bad[i] == LIVENESS_CRITICAL ? START : 0);
            }
        }
        assert_int_equal(told, 9); /* the first time after an hour and 10 s */
    }
}

static void a_change_in_the_air_is_looked_at_sooner(void **state) {
    (void)state;
    struct probe_state probe = {0};
    struct probe_bounds bounds = probe_bounds_default();
    play(&probe, "o");
    assert_int_equal(probe_state_pause(&probe, &bounds), 7 * SECOND);
    play(&probe, "oc");
    /* So one that is down is told within a cycle: a retry behind the first bad run. */
    assert_int_equal(probe_state_pause(&probe, &bounds), 2 * SECOND);
    assert_true(bounds.retry_us * (bounds.down_after - 1) < bounds.every_us);
    bounds.retry_us = 60 * SECOND;
    assert_int_equal(probe_state_pause(&probe, &bounds), 7 * SECOND);
}

static void a_clock_that_steps_back_makes_no_outage_negative(void **state) {
    (void)state;
    struct probe_state probe = {0};
    struct probe_bounds bounds = probe_bounds_default();
    struct probe_news news;
    play(&probe, "occ");
    probe_state_take(&probe, &bounds, LIVENESS_OK, START - 100 * HOUR, &news);
    probe_state_take(&probe, &bounds, LIVENESS_OK, START - 99 * HOUR, &news);
    assert_int_equal(news.change, PROBE_RECOVERED);
    assert_int_equal(news.lasted_us, 10 * SECOND);
}

static void a_state_is_read_as_it_was_written_and_nothing_else_is_one(void **state) {
    (void)state;
    uint8_t bytes[PROBE_STATE_SIZE], again[PROBE_STATE_SIZE];
    struct fault fault = {0};
    static const char *const stories[] = {"", "o", "oc", "occ", "occo", "ow", "oww", "owwc"};
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct probe_state probe = {0}, back;
        play(&probe, stories[i]);
        probe_state_write(&probe, bytes);
        assert_true(probe_state_read(slice_make(bytes, sizeof bytes), &back, &fault));
        probe_state_write(&back, again);
        assert_memory_equal(bytes, again, sizeof bytes);
    }
    struct probe_state probe = {0}, back;
    play(&probe, "occ");
    probe_state_write(&probe, bytes);
    assert_false(probe_state_read(slice_make(bytes, sizeof bytes - 1), &back, &fault));
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = {{0, 2}, {1, 4}, {2, 9}, {4, 1}, {8, 0xff}, {16, 0xff}, {32, 0xff}, {24, 0xff}, {1, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(again, bytes, sizeof again);
        again[bad[i].at] = bad[i].value;
        assert_false(probe_state_read(slice_make(again, sizeof again), &back, &fault));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bad_run_is_none),
        cmocka_unit_test(an_outage_counts_from_its_first_bad_run_until_its_end),
        cmocka_unit_test(what_goes_on_is_told_again_every_hour),
        cmocka_unit_test(a_change_in_the_air_is_looked_at_sooner),
        cmocka_unit_test(a_clock_that_steps_back_makes_no_outage_negative),
        cmocka_unit_test(a_state_is_read_as_it_was_written_and_nothing_else_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
