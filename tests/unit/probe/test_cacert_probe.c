/* The signer's probe on a pair of ptys whose other end is the test: what is told when, and what becomes of the line. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "probe.h"

#define QUICK "cacert.quiet-first: 1ms"
#define PATIENCE_US 5000000u /* of the test: far more than anything here takes */

static const uint8_t answer[] = {0, 0, 0x10, 0, 0, 4,    1,   0,   0,   0,   0,   0,   0,   0,
                                 0, 0, 0,    0, 0, 0x15, 'r', 'i', 'e', '4', 'E', 'c', 'h', '7'};

static struct loop *loop;
static struct prober *prober;
static struct probe *probe;
static struct probe_settings settings;
static int other = -1;
static char path[64];
static uint8_t heard[256];
static size_t heard_size;
static unsigned results;
static enum liveness_state state_told;
static char fired[256], seen[256];

static void done(void *context, const struct probe_result *result) {
    (void)context;
    const struct liveness_report *report = &result->parts[0]->report;
    results++;
    state_told = result->state;
    fired[0] = seen[0] = 0;
    for (size_t i = 0; i < report->count; i++)
        if (report->findings[i].state >= LIVENESS_WARN) {
            strncat(fired, liveness_check_row(report->findings[i].check)->name,
                    sizeof fired - 1 - strlen(fired));
            snprintf(seen, sizeof seen, "%s", report->findings[i].seen);
        }
}

static void hear(void) {
    ssize_t got = read(other, heard + heard_size, sizeof heard - heard_size);
    heard_size += got > 0 ? (size_t)got : 0;
}

/* Turns the loop, and listens at the far end, until it is so. */
#define UNTIL(condition)                                                                                     \
    for (uint64_t begun_us = clock_monotonic_us(); !(condition);) {                                          \
        assert_true(clock_monotonic_us() - begun_us < PATIENCE_US);                                          \
        loop_turn(loop, false);                                                                              \
        hear();                                                                                              \
        usleep(500);                                                                                         \
    }

static void say(const void *bytes, size_t size) {
    heard_size = 0;
    assert_int_equal(write(other, bytes, size), size);
}

/* With these numbers. */
static void make(const char *checks) {
    char yaml[600];
    struct fault fault = {0};
    snprintf(yaml, sizeof yaml, "kind: cacert\ndevice: %s\nchecks: {%s}\n", path, checks);
    settings_start(probe_settings_table(), &settings);
    if (!settings_read(probe_settings_table(), slice_string(yaml), "test", &settings, &fault) ||
        !settings_finish(probe_settings_table(), "test", &settings, &fault) ||
        !(probe = probe_create(prober, &settings, &fault)))
        fail_msg("%s", fault.text);
}

static void unmake(void) {
    probe = probe_destroy(probe);
    settings_release(probe_settings_table(), &settings);
}

static void open_pair(void) {
    other = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    assert_true(other >= 0 && grantpt(other) == 0 && unlockpt(other) == 0);
    assert_int_equal(ptsname_r(other, path, sizeof path), 0);
    heard_size = 0;
}

static int begin(void **state) {
    (void)state;
    struct fault fault;
    loop = loop_create(&fault);
    prober = prober_create(loop, NULL, &fault);
    results = 0;
    open_pair();
    return 0;
}

static int finish(void **state) {
    (void)state;
    if (probe)
        unmake();
    prober = prober_destroy(prober);
    loop = loop_destroy(loop);
    if (other >= 0)
        close(other);
    other = -1;
    return 0;
}

static void reach_work(void) {
    heard_size = 0;
    probe_run(probe, done, NULL);
    UNTIL(heard_size == 1);
    assert_int_equal(heard[0], 2);
    say("\x10", 1);
    UNTIL(heard_size == 33); /* the whole request */
    say("\x10", 1);
}

static void answer_well(void) {
    say("\2", 1);
    UNTIL(heard_size == 1);
    assert_int_equal(heard[0], 0x10);
    say(answer, sizeof answer);
    UNTIL(heard_size == 1);
    assert_int_equal(heard[0], 0x10);
}

static void a_signer_that_answers_is_good_and_the_line_is_let_go(void **state) {
    (void)state;
    make(QUICK);
    reach_work();
    answer_well();
    UNTIL(results == 1);
    assert_int_equal(state_told, LIVENESS_OK);
    UNTIL(prober_rest(prober) == NULL);
    int line = open(path, O_RDWR | O_NOCTTY); /* nobody has it to itself any more */
    assert_true(line >= 0);
    close(line);
}

static void what_hangs_is_told_in_time_and_brought_to_its_end_afterwards(void **state) {
    (void)state;
    make(QUICK ", cacert.work-within: 50ms");
    reach_work();
    UNTIL(results == 1);
    assert_string_equal(fired, "cacert.work");
    assert_non_null(prober_rest(prober));
    assert_non_null(strstr(prober_rest(prober), path));
    /* The next run does not talk on the line: it says what is known. */
    heard_size = 0;
    probe_run(probe, done, NULL);
    UNTIL(results == 2);
    assert_string_equal(fired, "cacert.work");
    assert_int_equal(heard_size, 0);
    answer_well();
    UNTIL(prober_rest(prober) == NULL);
    reach_work();
    answer_well();
    UNTIL(results == 3);
    assert_int_equal(state_told, LIVENESS_OK);
}

static void one_that_never_ends_is_given_up(void **state) {
    (void)state;
    make(QUICK ", cacert.work-within: 20ms, cacert.finish-within: 100ms");
    reach_work();
    UNTIL(results == 1);
    UNTIL(prober_rest(prober) == NULL);
}

static void a_run_that_is_cancelled_ends_its_exchange_and_the_next_one_waits_for_that(void **state) {
    (void)state;
    make(QUICK);
    reach_work();
    unmake(); /* as a reload of the settings does */
    assert_non_null(prober_rest(prober));
    make(QUICK);
    probe_run(probe, done, NULL);
    answer_well();
    UNTIL(heard_size == 2); /* the receipt, and the start of the next exchange */
    assert_int_equal(heard[1], 2);
    say("\x10", 1);
    UNTIL(heard_size == 33);
    say("\x10", 1);
    answer_well();
    UNTIL(results == 1);
    assert_int_equal(state_told, LIVENESS_OK);
}

static void one_that_is_cancelled_before_it_began_leaves_nothing(void **state) {
    (void)state;
    make("cacert.quiet-first: 1s");
    probe_run(probe, done, NULL);
    loop_turn(loop, false);
    probe_cancel(probe);
    assert_null(prober_rest(prober));
    hear();
    assert_int_equal(heard_size, 0);
}

static void a_prober_that_goes_leaves_what_is_left_to_a_process_of_its_own(void **state) {
    (void)state;
    struct fault fault;
    make(QUICK);
    reach_work();
    unmake();
    assert_non_null(prober_rest(prober));
    prober = prober_destroy(prober);
    prober = prober_create(loop, NULL, &fault);
    make(QUICK);
    probe_run(probe, done, NULL);
    UNTIL(results == 1);
    assert_string_equal(fired, "cacert.device");
    assert_non_null(strstr(seen, "tocsin-line (process "));
    answer_well();
    heard_size = 0;
    do { /* until the line is free */
        results = 0;
        probe_run(probe, done, NULL);
        UNTIL(results == 1 || heard_size);
    } while (results);
    assert_int_equal(heard[0], 2);
}

static void a_line_that_is_pulled_out_is_told_and_opened_again_in_the_next_run(void **state) {
    (void)state;
    make(QUICK);
    reach_work();
    close(other);
    other = -1;
    UNTIL(results == 1);
    assert_string_equal(fired, "cacert.device");
    assert_non_null(strstr(seen, "pulled out"));
    assert_null(prober_rest(prober));
    probe_run(probe, done, NULL);
    UNTIL(results == 2);
    assert_string_equal(fired, "cacert.device");
    assert_non_null(strstr(seen, "plugged in"));
    open_pair(); /* another one may have got its name */
    unmake();
    make(QUICK);
    reach_work();
    answer_well();
    UNTIL(results == 3);
    assert_int_equal(state_told, LIVENESS_OK);
}

static void a_probe_without_a_line_is_refused(void **state) {
    (void)state;
    struct fault fault = {0};
    settings_start(probe_settings_table(), &settings);
    assert_true(settings_read(probe_settings_table(), SLICE("kind: cacert\ntarget: ttyUSB0\n"), "test",
                              &settings, &fault));
    assert_null(probe_create(prober, &settings, &fault));
    assert_non_null(strstr(fault.text, "must begin with /"));
    settings_release(probe_settings_table(), &settings);
    settings_start(probe_settings_table(), &settings);
    assert_true(settings_read(probe_settings_table(), SLICE("kind: cacert\n"), "test", &settings, &fault));
    assert_null(probe_create(prober, &settings, &fault));
    assert_non_null(strstr(fault.text, "/dev/ttyUSB0"));
    settings_release(probe_settings_table(), &settings);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_signer_that_answers_is_good_and_the_line_is_let_go),
        TEST(what_hangs_is_told_in_time_and_brought_to_its_end_afterwards),
        TEST(one_that_never_ends_is_given_up),
        TEST(a_run_that_is_cancelled_ends_its_exchange_and_the_next_one_waits_for_that),
        TEST(one_that_is_cancelled_before_it_began_leaves_nothing),
        TEST(a_prober_that_goes_leaves_what_is_left_to_a_process_of_its_own),
        TEST(a_line_that_is_pulled_out_is_told_and_opened_again_in_the_next_run),
        TEST(a_probe_without_a_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
