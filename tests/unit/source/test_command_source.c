/* Real commands; waiting is for what they do, never for a time to pass. */
#include "cmocka_all.h"
#include "source_harness.h"
#include "source_table.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAITS_MOST 300
#define WAIT_MS 100

static struct source *create(struct harness *harness) {
    struct source_settings settings = {.kind = SOURCE_COMMAND};
    settings.command = *(const struct command_source_settings *)harness->settings;
    return source_create(&settings, &harness->output, NULL);
}

/* Turns until `kind` has come `count` times. */
static void wait_for(struct harness *harness, enum event_kind kind, size_t count) {
    for (unsigned i = 0; i < WAITS_MOST; i++) {
        uint64_t next_us = harness_turn(harness);
        harness_commit(harness);
        if (harness_kind(harness, kind) >= count)
            return;
        if (next_us > harness->now_us) {
            struct pollfd wanted = {.fd = harness->source->operations->descriptor(harness->source),
                                    .events = POLLIN};
            poll(&wanted, 1, WAIT_MS);
        }
    }
    fail_msg("%zu events of kind %d did not come", count, kind);
}

/* Turns until nothing runs any more. */
static void wait_for_end(struct harness *harness) {
    for (unsigned i = 0; i < WAITS_MOST; i++) {
        char text[200];
        uint64_t lag;
        uint64_t next_us = harness_turn(harness);
        harness_commit(harness);
        harness->source->operations->describe(harness->source, text, sizeof text, &lag);
        if (!strstr(text, "running") && next_us > harness->now_us)
            return;
        struct pollfd wanted = {.fd = harness->source->operations->descriptor(harness->source),
                                .events = POLLIN};
        if (next_us > harness->now_us)
            poll(&wanted, 1, WAIT_MS);
    }
    fail_msg("the command does not end");
}

#define SHELL(text) ((const char *const[]){"sh", "-c", text, NULL})
#define COMMAND(text, ...)                                                                                   \
    (struct command_source_settings) {                                                                       \
        .name = "test", .argv = SHELL(text), .argument_count = 3, .class = CLASS_SYSTEM, __VA_ARGS__         \
    }

static void each_line_is_an_event_and_errors_are_marked(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings =
        COMMAND("echo one; echo two; printf rest; echo bad >&2", .every_us = 60000000);
    harness_start(&h, create, &settings);
    wait_for_end(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 4);
    assert_int_equal(harness_kind(&h, EVENT_STATE), 0);
    unsigned errors = 0, unfinished = 0;
    for (size_t i = 0; i < h.count; i++) {
        const char *stream = given_field(&h.given[i], "stream");
        errors += stream && strcmp(stream, "stderr") == 0 && strcmp((const char *)h.given[i].raw, "bad") == 0;
        unfinished += given_field(&h.given[i], "line.unfinished") != NULL;
    }
    assert_int_equal(errors, 1);
    assert_int_equal(unfinished, 1);
    assert_string_equal(h.given[0].source, "command:test");
    harness_end(&h);
}

static void it_runs_again_when_its_time_has_come(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings = COMMAND("echo x", .every_us = 10000000);
    harness_start(&h, create, &settings);
    wait_for_end(&h);
    assert_int_equal(h.next_us, h.now_us + 10000000);
    harness_turn(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 1);
    h.now_us += 10000000;
    wait_for(&h, EVENT_LINE, 2);
    harness_end(&h);
}

static void a_failure_is_a_state(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings status = COMMAND("exit 3", .every_us = 1000000000);
    harness_start(&h, create, &status);
    wait_for(&h, EVENT_STATE, 1);
    assert_string_equal(given_field(harness_state(&h, "command_failed"), "command.exit"), "3");
    assert_int_equal(harness_state(&h, "command_failed")->class, CLASS_JOURNAL);
    harness_end(&h);
    const struct command_source_settings signal = COMMAND("kill -9 $$", .every_us = 1000000000);
    harness_start(&h, create, &signal);
    wait_for(&h, EVENT_STATE, 1);
    assert_string_equal(given_field(harness_state(&h, "command_failed"), "command.signal"), "9");
    harness_end(&h);
    const char *none[] = {"/no/such/program"};
    const struct command_source_settings missing = {
        .argv = none, .argument_count = 1, .every_us = 1000000000};
    harness_start(&h, create, &missing);
    wait_for(&h, EVENT_STATE, 1);
    assert_string_equal(given_field(harness_state(&h, "command_failed"), "command.reason"), "start");
    harness_turn(&h);
    assert_int_equal(harness_kind(&h, EVENT_STATE), 1);
    assert_true(h.next_us > h.now_us);
    harness_end(&h);
}

/* The number of a process that the command started, out of its first line. */
static pid_t announced(const struct harness *harness) {
    return (pid_t)atoi((const char *)harness_nth(harness, EVENT_LINE, 0)->raw);
}

static void wait_until_gone(pid_t process) {
    for (unsigned i = 0; i < WAITS_MOST; i++) {
        char name[64], state = 'Z';
        snprintf(name, sizeof name, "/proc/%d/stat", process);
        FILE *file = fopen(name, "r");
        if (!file)
            return;
        int got = fscanf(file, "%*d %*s %c", &state);
        fclose(file);
        if (got != 1 || state == 'Z') /* nobody may be there to reap it */
            return;
        poll(NULL, 0, WAIT_MS);
    }
    fail_msg("process %d is still there", process);
}

static void a_time_limit_kills_the_whole_group(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings =
        COMMAND("sleep 600 & echo $!; wait", .every_us = 1000000000, .timeout_us = 5000000);
    harness_start(&h, create, &settings);
    wait_for(&h, EVENT_LINE, 1);
    assert_int_equal(h.next_us, h.now_us + 5000000);
    h.now_us += 5000000;
    wait_for(&h, EVENT_STATE, 1);
    assert_string_equal(given_field(harness_state(&h, "command_failed"), "command.reason"), "timeout");
    wait_until_gone(announced(&h));
    harness_end(&h);
}

static void destroying_it_kills_what_it_started(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings = COMMAND("sleep 600 & echo $!; wait", .every_us = 0);
    harness_start(&h, create, &settings);
    wait_for(&h, EVENT_LINE, 1);
    pid_t process = announced(&h);
    harness_end(&h);
    wait_until_gone(process);
}

static void a_child_left_behind_does_not_hold_it_up(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings = COMMAND("sleep 600 & echo $!", .every_us = 1000000000);
    harness_start(&h, create, &settings);
    wait_for_end(&h);
    wait_until_gone(announced(&h));
    assert_int_equal(harness_kind(&h, EVENT_STATE), 0);
    harness_end(&h);
}

static void output_past_the_limit_is_a_gap_and_ends_the_command(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings =
        COMMAND("yes", .every_us = 1000000000, .output_most = 10000);
    harness_start(&h, create, &settings);
    wait_for(&h, EVENT_STATE, 1);
    assert_string_equal(given_field(harness_state(&h, "command_failed"), "command.reason"), "output_limit");
    assert_int_equal(harness_kind(&h, EVENT_LINE), 5000);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    assert_string_equal(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.first"), "10000");
    assert_true(atoi(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.count")) > 0);
    harness_end(&h);
}

static void a_full_spool_makes_it_wait_and_loses_nothing(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings = COMMAND("seq 1 30000; exit 1", .every_us = 1000000000);
    harness_start(&h, create, &settings);
    h.group_most = 100;
    for (unsigned i = 0; i < 20; i++) /* nothing is committed: it may not take more */
        harness_turn(&h);
    assert_true(h.count <= 100);
    for (unsigned i = 0; i < 10000 && !harness_state(&h, "command_failed"); i++) {
        harness_turn(&h);
        harness_commit(&h);
    }
    wait_for(&h, EVENT_STATE, 1);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 30000);
    for (unsigned i = 0; i < 30000; i++)
        assert_int_equal(atoi((const char *)harness_nth(&h, EVENT_LINE, 0 + (i % 100))->raw), i % 100 + 1);
    assert_string_equal((const char *)harness_nth(&h, EVENT_LINE, 29999)->raw, "30000");
    assert_true(h.refused > 0);
    harness_end(&h);
}

static void a_command_kept_running_is_started_again(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings = COMMAND("echo up", .every_us = 0);
    harness_start(&h, create, &settings);
    wait_for_end(&h);
    assert_int_equal(h.next_us, h.now_us + COMMAND_RESTART_US);
    h.now_us += COMMAND_RESTART_US;
    wait_for(&h, EVENT_LINE, 2);
    harness_end(&h);
}

static void an_over_long_line_comes_in_fragments(void **state) {
    (void)state;
    struct harness h;
    const struct command_source_settings settings =
        COMMAND("head -c 200000 /dev/zero | tr '\\0' x; echo", .every_us = 1000000000);
    harness_start(&h, create, &settings);
    wait_for_end(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 4);
    const struct given *last = harness_nth(&h, EVENT_LINE, 3);
    assert_string_equal(given_field(last, "fragment.total"), "200000");
    assert_int_equal(strlen(given_field(last, "fragment.sha256")), 64);
    harness_end(&h);
}

static void wrong_settings_are_told(void **state) {
    (void)state;
    struct fault fault = {0};
    struct source_output output = {0};
    assert_null(command_source_create(&(struct command_source_settings){0}, &output, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    char name[COMMAND_NAME_MOST + 2];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    struct command_source_settings settings = COMMAND("true", .every_us = 1);
    settings.name = name;
    assert_null(command_source_create(&settings, &output, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    for (unsigned i = 0; i < SOURCE_KINDS; i++)
        assert_int_equal(source_rows[i].kind, i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_an_event_and_errors_are_marked),
        cmocka_unit_test(it_runs_again_when_its_time_has_come),
        cmocka_unit_test(a_failure_is_a_state),
        cmocka_unit_test(a_time_limit_kills_the_whole_group),
        cmocka_unit_test(destroying_it_kills_what_it_started),
        cmocka_unit_test(a_child_left_behind_does_not_hold_it_up),
        cmocka_unit_test(output_past_the_limit_is_a_gap_and_ends_the_command),
        cmocka_unit_test(a_full_spool_makes_it_wait_and_loses_nothing),
        cmocka_unit_test(a_command_kept_running_is_started_again),
        cmocka_unit_test(an_over_long_line_comes_in_fragments),
        cmocka_unit_test(wrong_settings_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
