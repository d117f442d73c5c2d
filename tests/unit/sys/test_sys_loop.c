#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "loop.h"

struct seen {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_later *later;
    struct loop_wake *wake;
    struct loop_watch *watch;
    unsigned count, other;
    unsigned events;
    pthread_t thread;
    uint64_t at_us;
};

static void stop(void *context) {
    struct seen *seen = context;
    seen->count++;
    seen->at_us = clock_monotonic_us();
    loop_stop(seen->loop);
}

static void a_timer_is_never_early(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = {.loop = loop_create(&fault)};
    seen.timer = loop_timer_create(seen.loop, stop, &seen);
    static const uint64_t delays[] = {0, 1, 999, 1000, 1001, 4500};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        uint64_t since = clock_monotonic_us();
        loop_timer_at(seen.timer, 1000000 + delays[i], 1000000);
        assert_true(loop_timer_is_set(seen.timer));
        loop_run(seen.loop);
        assert_int_equal(seen.count, i + 1);
        assert_true(seen.at_us - since >= delays[i]);
        assert_false(loop_timer_is_set(seen.timer));
    }
    loop_timer_at(seen.timer, 5, 1000000); /* long past: in the next turn */
    loop_run(seen.loop);
    loop_timer_at(seen.timer, UINT64_MAX, 0);
    assert_false(loop_turn(seen.loop, false));
    seen.timer = loop_timer_destroy(seen.timer);
    loop_destroy(seen.loop);
}

static void destroy_own_timer(void *context) {
    struct seen *seen = context;
    seen->count++;
    seen->timer = loop_timer_destroy(seen->timer);
}

static void a_timer_may_go_in_its_own_callback(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = {.loop = loop_create(&fault)};
    seen.timer = loop_timer_create(seen.loop, destroy_own_timer, &seen);
    loop_timer_after(seen.timer, 0);
    loop_run(seen.loop); /* ends by itself: nothing is left */
    assert_int_equal(seen.count, 1);
    loop_destroy(seen.loop);
}

static void count(void *context) {
    struct seen *seen = context;
    seen->other++;
}

static void schedule_three_times(void *context) {
    struct seen *seen = context;
    for (int i = 0; i < 3; i++)
        loop_later_schedule(seen->later);
}

static void what_is_put_off_is_done_once_in_the_same_turn(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = {.loop = loop_create(&fault)};
    seen.later = loop_later_create(seen.loop, count, &seen);
    seen.timer = loop_timer_create(seen.loop, schedule_three_times, &seen);
    struct loop_timer *keeps = loop_timer_create(seen.loop, stop, &seen);
    loop_timer_after(keeps, 3600000000u);
    loop_timer_after(seen.timer, 0);
    loop_turn(seen.loop, false);
    assert_int_equal(seen.other, 1);
    loop_turn(seen.loop, false);
    assert_int_equal(seen.other, 1);
    /* From outside of the loop: the next turn does it and does not wait for the hour. */
    loop_later_schedule(seen.later);
    loop_turn(seen.loop, true);
    assert_int_equal(seen.other, 2);
    loop_later_schedule(seen.later);
    seen.later = loop_later_destroy(seen.later);
    loop_turn(seen.loop, false);
    assert_int_equal(seen.other, 2);
    loop_timer_destroy(keeps);
    loop_timer_destroy(seen.timer);
    loop_destroy(seen.loop);
}

static void schedule_again(void *context) {
    struct seen *seen = context;
    if (++seen->other < 5)
        loop_later_schedule(seen->later);
}

static void what_is_put_off_again_goes_on_without_waiting(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = {.loop = loop_create(&fault)};
    struct loop_timer *keeps = loop_timer_create(seen.loop, stop, &seen);
    loop_timer_after(keeps, 3600000000u);
    seen.later = loop_later_create(seen.loop, schedule_again, &seen);
    loop_later_schedule(seen.later);
    for (int i = 0; i < 5 && seen.other < 5; i++)
        loop_turn(seen.loop, true);
    assert_int_equal(seen.other, 5);
    loop_later_destroy(seen.later);
    loop_timer_destroy(keeps);
    loop_destroy(seen.loop);
}

static struct seen *others[3];

static void destroy_the_next(void *context) {
    struct seen *seen = context;
    seen->count++;
    others[1]->later = loop_later_destroy(others[1]->later);
}

static void what_waits_in_the_queue_may_be_destroyed_by_the_one_before(void **state) {
    (void)state;
    struct fault fault;
    struct loop *loop = loop_create(&fault);
    struct seen seen[3] = {{.loop = loop}, {.loop = loop}, {.loop = loop}};
    for (int i = 0; i < 3; i++) {
        others[i] = &seen[i];
        seen[i].later = loop_later_create(loop, i == 0 ? destroy_the_next : count, &seen[i]);
        loop_later_schedule(seen[i].later);
    }
    loop_turn(loop, false);
    assert_int_equal(seen[0].count, 1);
    assert_int_equal(seen[1].other, 0);
    assert_int_equal(seen[2].other, 1);
    loop_later_destroy(seen[0].later);
    loop_later_destroy(seen[2].later);
    loop_destroy(loop);
}

static void *send_from_thread(void *context) {
    struct seen *seen = context;
    loop_wake_send(seen->wake);
    return NULL;
}

static void another_thread_wakes_the_loop(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = {.loop = loop_create(&fault)};
    seen.wake = loop_wake_create(seen.loop, stop, &seen);
    assert_int_equal(pthread_create(&seen.thread, NULL, send_from_thread, &seen), 0);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 1);
    pthread_join(seen.thread, NULL);
    loop_wake_destroy(seen.wake);
    loop_destroy(seen.loop);
}

static void ready(void *context, unsigned events) {
    struct seen *seen = context;
    seen->events = events;
    seen->count++;
    loop_stop(seen->loop);
}

static void a_descriptor_tells_when_it_is_ready(void **state) {
    (void)state;
    struct fault fault;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct seen seen = {.loop = loop_create(&fault)};
    seen.watch = loop_watch_create(seen.loop, ends[0], LOOP_READABLE, ready, &seen, &fault);
    assert_non_null(seen.watch);
    loop_turn(seen.loop, false);
    assert_int_equal(seen.count, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_run(seen.loop);
    assert_int_equal(seen.events, LOOP_READABLE);
    loop_watch_set(seen.watch, 0);
    assert_false(loop_turn(seen.loop, false));
    assert_int_equal(seen.count, 1);
    loop_watch_set(seen.watch, LOOP_READABLE); /* level-triggered: it is still there */
    loop_run(seen.loop);
    assert_int_equal(seen.count, 2);
    loop_watch_destroy(seen.watch);
    loop_destroy(seen.loop);
    close(ends[0]);
    close(ends[1]);
}

static void a_regular_file_cannot_be_watched_and_it_is_said(void **state) {
    (void)state;
    struct fault fault = {0};
    struct seen seen = {.loop = loop_create(&fault)};
    char path[] = "/tmp/tocsin-watch-XXXXXX";
    int descriptor = mkstemp(path);
    unlink(path);
    assert_null(loop_watch_create(seen.loop, descriptor, LOOP_READABLE, ready, &seen, &fault));
    assert_int_equal(fault.code, FAULT_IO);
    loop_destroy(seen.loop);
    close(descriptor);
}

static void a_signal_comes_as_a_callback(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = {.loop = loop_create(&fault)};
    struct loop_timer *keeps = loop_timer_create(seen.loop, count, &seen);
    loop_timer_after(keeps, 3600000000u);
    struct loop_signal *caught = loop_signal_create(seen.loop, SIGHUP, stop, &seen, &fault);
    assert_non_null(caught);
    kill(getpid(), SIGHUP);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 1);
    assert_null(loop_signal_create(seen.loop, SIGKILL, stop, &seen, &fault));
    loop_signal_destroy(caught);
    loop_timer_destroy(keeps);
    loop_destroy(seen.loop);
}

static void work(void *context) {
    struct seen *seen = context;
    seen->thread = pthread_self();
    seen->other++;
}

static void work_runs_elsewhere_and_ends_here(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = {.loop = loop_create(&fault)};
    loop_work(seen.loop, work, stop, &seen);
    loop_run(seen.loop);
    assert_int_equal(seen.other, 1);
    assert_int_equal(seen.count, 1);
    assert_false(pthread_equal(seen.thread, pthread_self()));
    /* loop_destroy waits for what is under way. */
    loop_work(seen.loop, work, count, &seen);
    loop_destroy(seen.loop);
    assert_int_equal(seen.other, 3);
}

static void a_loop_with_something_left_in_it_is_not_destroyed_in_silence(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct fault fault;
        struct seen seen = {.loop = loop_create(&fault)};
        close(STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        loop_timer_create(seen.loop, stop, &seen);
        loop_destroy(seen.loop);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_is_never_early),
        cmocka_unit_test(a_timer_may_go_in_its_own_callback),
        cmocka_unit_test(what_is_put_off_is_done_once_in_the_same_turn),
        cmocka_unit_test(what_is_put_off_again_goes_on_without_waiting),
        cmocka_unit_test(what_waits_in_the_queue_may_be_destroyed_by_the_one_before),
        cmocka_unit_test(another_thread_wakes_the_loop),
        cmocka_unit_test(a_descriptor_tells_when_it_is_ready),
        cmocka_unit_test(a_regular_file_cannot_be_watched_and_it_is_said),
        cmocka_unit_test(a_signal_comes_as_a_callback),
        cmocka_unit_test(work_runs_elsewhere_and_ends_here),
        cmocka_unit_test(a_loop_with_something_left_in_it_is_not_destroyed_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
