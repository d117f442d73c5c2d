/* Excerpts and proofs of absence out of a small log: what is good is taken. What must be caught is test_caught.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "small_log.h"

struct results {
    size_t count, opened;
    struct excerpt_event events[64];
    char bodies[64][64];
};

static void take(void *context, const struct excerpt_event *event) {
    struct results *results = context;
    assert_true(results->count < 64);
    snprintf(results->bodies[results->count], 64, "%.*s", SLICE_ARG(event->proof.event.body));
    results->events[results->count++] = *event;
    results->opened += event->verdict == VERDICT_OPENED;
}

static void an_excerpt_opens_each_of_its_events(void **state) {
    (void)state;
    struct small_log *log = small_log_create(3, 2);
    struct small_agent *agent = small_log_enrol(log, "signer1.ca.example", 60, NULL);
    small_log_enrol(log, "web.ca.example", 600, NULL);
    small_log_run(log, 2);
    small_agent_event(agent, CLASS_SIGNING, "a request");
    small_agent_event(agent, CLASS_ACCESS, "a login");
    small_agent_event(agent, CLASS_SIGNING, "another request");
    uint64_t index = small_agent_close(agent, LANE_SECURITY);
    small_log_run(log, 1);
    small_log_mark(log);
    small_log_checkpoint(log);
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 20);
    const uint32_t places[] = {0, 1, 2};
    small_log_excerpt(log, index, 3, places, &file);
    struct results results = {0};
    struct excerpt_summary summary;
    struct fault fault = {0};
    if (!excerpt_verify(buffer_slice(&file), &log->trust, log->now_us, take, &results, &summary, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    for (size_t i = 0; i < results.count; i++)
        if (results.events[i].verdict != VERDICT_OPENED)
            fail_msg("%zu: %s", i, results.events[i].fault.text);
    assert_int_equal(results.opened, 3);
    assert_int_equal(summary.altered, 0);
    assert_string_equal(results.bodies[1], "a login");
    assert_false(results.events[0].unconfirmed || results.events[0].unattested ||
                 results.events[0].unwitnessed);
    small_log_destroy(log);
}

static void print(const struct absence *absence) {
    for (size_t i = 0; i < absence->interval_count; i++) {
        const struct absence_interval *interval = &absence->intervals[i];
        print_message("%8.1f %8.1f %s events %llu batches %llu-%llu %s\n",
                      ((double)interval->from_us - (double)SMALL_LOG_START_US) / 1e6,
                      ((double)interval->to_us - (double)SMALL_LOG_START_US) / 1e6,
                      attestation_name(interval->attestation), (unsigned long long)interval->events,
                      (unsigned long long)interval->first_batch, (unsigned long long)interval->last_batch,
                      interval->why ? interval->why : "");
    }
}

static void absence_over_an_hour_is_one_witnessed_interval(void **state) {
    (void)state;
    struct small_log *log = small_log_create(3, 2);
    struct small_agent *agent = small_log_enrol(log, "signer1.ca.example", 60, NULL);
    small_log_enrol(log, "web.ca.example", 600, NULL);
    small_log_run(log, 70);
    small_log_mark(log);
    small_log_checkpoint(log);
    CLEANUP_BUFFER struct buffer file = BUFFER(1u << 24);
    small_log_absence(log, agent, CLASS_SIGNING, SMALL_LOG_START_US + 5 * MINUTES,
                      SMALL_LOG_START_US + 65 * MINUTES, &file);
    struct absence absence;
    struct fault fault = {0};
    if (!absence_verify(buffer_slice(&file), &log->trust, log->now_us, &absence, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    print(&absence);
    assert_int_equal(absence.interval_count, 1);
    assert_int_equal(absence.intervals[0].attestation, ATTESTATION_WITNESSED);
    assert_true(absence.throughout);
    print_message("%zu bytes\n", file.size);
    absence_free(&absence);
    small_log_destroy(log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_excerpt_opens_each_of_its_events),
        cmocka_unit_test(absence_over_an_hour_is_one_witnessed_interval),
    };
    return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
