/* What a run of a probe says, as events: who failed stands first, nothing grows past its bound, and a person understands it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "probe_events.h"

#define HOUR_US UINT64_C(3600000000)

struct stage {
    struct probe_settings settings;
    struct liveness_policy policy;
    struct probe_part **parts;
    struct probe_result result;
    struct buffer body;
    struct event_body event;
    struct event_field fields[EVENT_FIELDS_MOST];
};

static struct stage *stage_new(size_t parts) {
    static char target[] = "http://ocsp.example.org/";
    struct stage *stage = memory_new(sizeof *stage);
    liveness_policy_default(&stage->policy, PROFILE_CABF_BR);
    stage->settings =
        (struct probe_settings){.kind = LIVENESS_OCSP, .target = target, .recovery_us = 27 * HOUR_US};
    stage->parts = memory_new_array(parts, sizeof *stage->parts);
    for (size_t i = 0; i < parts; i++) {
        struct probe_part *part = stage->parts[i] = memory_new(sizeof *part);
        snprintf(part->address, sizeof part->address, "192.0.2.%zu:80", i % 250);
        snprintf(part->what, sizeof part->what, "GET, sha1, issued %zu", i);
        part->phases_us[PHASE_CONNECT] = 1500;
        liveness_report_begin(&part->report, &stage->policy);
        liveness_check(&part->report, CHECK_REACH_CONNECT, true, "accepted");
    }
    stage->result = (struct probe_result){.settings = &stage->settings,
                                          .state = LIVENESS_OK,
                                          .took_us = 12300,
                                          .parts = stage->parts,
                                          .count = parts};
    stage->body = BUFFER(PROBE_EVENT_MOST);
    return stage;
}

static void stage_free(struct stage *stage) {
    for (size_t i = 0; i < stage->result.count; i++)
        free(stage->parts[i]);
    free(stage->parts);
    buffer_free(&stage->body);
    free(stage);
}

static void stage_read(struct stage *stage) {
    struct fault fault = {0};
    if (!event_body_read(buffer_slice(&stage->body), stage->fields, &stage->event, &fault))
        fail_msg("%s", fault.text);
}

static size_t count_of(const struct stage *stage, const char *name) {
    size_t count = 0;
    for (size_t i = 0; i < stage->event.field_count; i++)
        count += slice_equal(stage->event.fields[i].name, slice_string(name));
    return count;
}

static bool has(const struct stage *stage, const char *name, const char *value) {
    for (size_t i = 0; i < stage->event.field_count; i++)
        if (slice_equal(stage->event.fields[i].name, slice_string(name)) &&
            slice_equal(stage->event.fields[i].value, slice_string(value)))
            return true;
    return false;
}

static void fail_part(struct stage *stage, size_t which, const char *seen) {
    struct liveness_report *report = &stage->parts[which]->report;
    liveness_check(report, CHECK_OCSP_NEXT_UPDATE_PAST, false, "%s", seen);
    stage->result.state = LIVENESS_CRITICAL;
}

static void a_result_tells_each_address_and_its_steps(void **state) {
    (void)state;
    struct stage *stage = stage_new(2);
    assert_true(probe_event_result(&stage->body, "OCSP", &stage->result, 0));
    stage_read(stage);
    assert_true(slice_equal(stage->event.source, SLICE("probe:OCSP")));
    assert_true(has(stage, "tocsin.event", "probe_result"));
    assert_true(has(stage, "probe.state", "ok"));
    assert_true(has(stage, "probe.took_ms", "12.3"));
    assert_true(has(stage, "probe.at", "192.0.2.1:80 GET, sha1, issued 1 ok connect=1.5"));
    assert_int_equal(count_of(stage, "probe.at"), 2);
    assert_int_equal(count_of(stage, "probe.dropped"), 0);
    stage_free(stage);
}

static void of_very_many_parts_those_that_failed_are_told(void **state) {
    (void)state;
    struct stage *stage = stage_new(4000);
    fail_part(stage, 3999, "2026-11-21T18:44:24Z, 3 h ago");
    assert_true(probe_event_result(&stage->body, "OCSP", &stage->result, 7));
    stage_read(stage);
    assert_int_equal(count_of(stage, "probe.at"), PROBE_PARTS_TOLD);
    assert_true(has(stage, "probe.at", "192.0.2.249:80 GET, sha1, issued 3999 critical connect=1.5"));
    assert_true(has(stage, "probe.at_more", "3936"));
    assert_true(has(stage, "probe.dropped", "7"));
    assert_true(has(stage, "probe.check", "ocsp.next-update-past"));
    stage_free(stage);
}

static void a_change_is_a_sentence_with_what_was_seen_and_due(void **state) {
    (void)state;
    struct stage *stage = stage_new(2);
    fail_part(stage, 1, "2026-11-21T18:44:24Z, 3 h ago");
    const struct probe_state standing = {.state = LIVENESS_CRITICAL,
                                         .since_us = 1795286644 * UINT64_C(1000000)};
    const struct probe_news news = {.change = PROBE_WORSE,
                                    .from = LIVENESS_OK,
                                    .to = LIVENESS_CRITICAL,
                                    .outage_us = standing.since_us,
                                    .lasted_us = 27 * HOUR_US / 2,
                                    .used_permille = 500};
    assert_true(probe_event_changed(&stage->body, "OCSP", &stage->result, &standing, &news, false));
    stage_read(stage);
    assert_true(has(stage, "probe.change", "worse"));
    assert_true(has(stage, "probe.from", "ok"));
    assert_true(has(stage, "probe.outage.duration_s", "48600"));
    assert_true(has(stage, "probe.outage.used_percent", "50"));
    static const char *const words[] = {
        "OCSP is critical, was ok: 192.0.2.1:80 GET, sha1, issued 1 ocsp.next-update-past: seen "
        "2026-11-21T18:44:24Z, 3 h ago, due ",
        "(RFC 6960", "for 13 h 30 min", "50 % of the 27 h for its recovery"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_find(stage->event.raw, slice_string(words[i])) == SIZE_MAX)
            fail_msg("no '%s' in: %.*s", words[i], SLICE_ARG(stage->event.raw));
    stage_free(stage);
}

/* Every check of every part fails with the longest of words: it still is one event. */
static void the_worst_of_all_runs_fits(void **state) {
    (void)state;
    struct stage *stage = stage_new(200);
    char longest[LIVENESS_TEXT_SIZE];
    char name[PROBE_NAME_SIZE];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i < stage->result.count; i++) {
        memset(stage->parts[i]->what, 'w', sizeof stage->parts[i]->what - 1);
        for (unsigned check = 0; check < LIVENESS_CHECKS; check++) {
            liveness_check(&stage->parts[i]->report, (enum liveness_check)check, false, "%s", longest);
            liveness_due(&stage->parts[i]->report, (enum liveness_check)check, "%s", longest);
        }
    }
    const struct probe_state standing = {.state = LIVENESS_CRITICAL};
    const struct probe_news news = {
        .change = PROBE_STILL, .from = LIVENESS_CRITICAL, .to = LIVENESS_CRITICAL};
    assert_true(probe_event_changed(&stage->body, name, &stage->result, &standing, &news, false));
    stage_read(stage);
    assert_int_equal(count_of(stage, "probe.check"), LIVENESS_CHECKS);
    buffer_clear(&stage->body);
    assert_true(probe_event_result(&stage->body, name, &stage->result, 1));
    stage_read(stage);
    assert_int_equal(count_of(stage, "probe.at"), PROBE_PARTS_TOLD);
    stage_free(stage);
}

static void what_failed_is_compared_by_check(void **state) {
    (void)state;
    struct stage *stage = stage_new(2);
    struct probe_failed none, one;
    probe_failed_take(&stage->result, &none);
    fail_part(stage, 0, "x");
    probe_failed_take(&stage->result, &one);
    assert_true(probe_failed_more(&one, &none));
    assert_false(probe_failed_more(&none, &one));
    assert_false(probe_failed_more(&one, &one));
    stage_free(stage);
}

static void one_that_is_gone_is_told_by_its_name(void **state) {
    (void)state;
    struct stage *stage = stage_new(0);
    assert_true(probe_event_removed(&stage->body, "OCSP"));
    stage_read(stage);
    assert_true(has(stage, "tocsin.event", "probe_removed"));
    assert_true(has(stage, "probe.name", "OCSP"));
    stage_free(stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_tells_each_address_and_its_steps),
        cmocka_unit_test(of_very_many_parts_those_that_failed_are_told),
        cmocka_unit_test(a_change_is_a_sentence_with_what_was_seen_and_due),
        cmocka_unit_test(the_worst_of_all_runs_fits),
        cmocka_unit_test(what_failed_is_compared_by_check),
        cmocka_unit_test(one_that_is_gone_is_told_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
