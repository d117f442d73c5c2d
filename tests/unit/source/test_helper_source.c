/* Real programs; waiting is for what they do, never for a time to pass. */
#include "cmocka_all.h"
#include "source_harness.h"
#include "source_table.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper_message.h"
#include "memory.h"
#include "process.h"

#define WAITS_MOST 600
#define WAIT_MS 100

static const char *stand_in(void) {
    static char path[PROCESS_PATH_MOST];
    assert_true(process_beside("helper_stand_in", path));
    return path;
}

static struct source *create(struct harness *harness) {
    struct source_settings settings = {.kind = SOURCE_HELPER};
    settings.helper = *(const struct helper_source_settings *)harness->settings;
    settings.helper.program = settings.helper.program ? settings.helper.program : stand_in();
    return source_create(&settings, &harness->output, NULL);
}

#define BEHAVES(text) .name = "test", .settings = &SLICE(text), .setting_count = 1

/* False: nothing came for a while. */
static bool wait_for_something(struct harness *harness) {
    struct pollfd wanted = {.fd = harness->source->operations->descriptor(harness->source), .events = POLLIN};
    if (harness->next_us <= harness->now_us)
        return true;
    bool came = poll(&wanted, 1, WAIT_MS) > 0;
    /* Killed: its end may show a moment before it can be waited for, while the sanitizer's tracer has it. */
    if (came && harness->next_us == SOURCE_NEVER)
        poll(NULL, 0, 10);
    return came;
}

/* The same, and then its time has come. */
static void wait_or_pass(struct harness *harness) {
    if (!wait_for_something(harness) && harness->next_us != SOURCE_NEVER)
        harness->now_us = harness->next_us;
}

/* Turns until `count` events have come. */
static void wait_for_events(struct harness *harness, size_t count) {
    for (unsigned i = 0; i < WAITS_MOST && harness->count < count; i++) {
        harness_turn(harness);
        harness_commit(harness);
        if (harness->count < count)
            wait_for_something(harness);
    }
    if (harness->count < count)
        fail_msg("%zu events did not come, but %zu", count, harness->count);
}

/* Turns until it is told to have failed; returns that event. */
static const struct given *wait_for_failure(struct harness *harness) {
    for (unsigned i = 0; i < WAITS_MOST; i++) {
        harness_turn(harness);
        harness_commit(harness);
        if (harness_state(harness, "helper_failed"))
            return harness_state(harness, "helper_failed");
        wait_for_something(harness);
    }
    fail_msg("it does not fail");
    return NULL;
}

static const char *text_of(const struct given *given) {
    return (const char *)given->raw;
}

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

/* Of its program; 0 where none runs. */
static pid_t process_of(const struct harness *harness) {
    char text[512];
    uint64_t lag;
    harness->source->operations->describe(harness->source, text, sizeof text, &lag);
    const char *number = strstr(text, "as process ");
    return number ? (pid_t)atoi(number + strlen("as process ")) : 0;
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

static uint64_t next_position(const struct harness *harness) {
    struct slice value;
    uint64_t next = 0;
    if (harness->output.restore(harness->output.context, SLICE("test:next"), &value))
        assert_true(slice_decimal(value, &next));
    return next;
}

/* Every number once and in order, among whatever else there is. */
static void assert_counts(const struct harness *harness, uint64_t most) {
    uint64_t next = 0;
    for (size_t i = 0; i < harness->count; i++)
        if (harness->given[i].kind == EVENT_LINE && strcmp(harness->given[i].source, "test:count") == 0)
            assert_int_equal(harness->given[i].offset, next++);
    assert_int_equal(next, most);
}

/* --- what it gives --- */

static void what_the_program_gives_comes_out_once_and_in_order(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("count 5000")};
    harness_start(&h, create, &settings);
    assert_int_equal(process_of(&h), 0); /* nothing is started before the first turn */
    wait_for_events(&h, 5000);
    assert_counts(&h, 5000);
    assert_int_equal(next_position(&h), 5000);
    assert_int_equal(h.given[0].class, CLASS_SYSTEM);
    harness_end(&h);
}

static void a_group_is_in_one_turn_or_not_at_all(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("count 3000")};
    harness_start(&h, create, &settings);
    h.group_most = 20;
    unsigned full = 0;
    for (unsigned i = 0; i < 100000 && h.count < 3000; i++) {
        size_t before = h.count;
        harness_turn(&h);
        full += h.next_us <= h.now_us;
        /* Groups begin where the position says, and are never cut: the last number taken is just before it. */
        harness_commit(&h);
        if (h.count > before)
            assert_int_equal(h.given[h.count - 1].offset + 1, next_position(&h));
        wait_for_something(&h);
    }
    assert_counts(&h, 3000);
    assert_int_equal(h.refused, 0); /* it asks for room first */
    assert_true(full > 10);
    harness_end(&h);
}

static void events_of_any_size_come_and_one_that_is_too_large_is_a_gap(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("large")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 6);
    static const size_t sizes[] = {60000, 61440, 122880, 250000, 0, 1};
    for (size_t i = 0; i < 6; i++) {
        if (sizes[i]) {
            assert_int_equal(h.given[i].raw_size, sizes[i]);
            assert_int_equal(strspn((const char *)h.given[i].raw, "l"), sizes[i]);
        }
        assert_string_equal(h.given[i].source, "test:large");
    }
    assert_int_equal(h.given[4].kind, EVENT_GAP);
    assert_string_equal(given_field(&h.given[4], "gap.count"), "300000");
    harness_end(&h);
}

static void settings_are_handed_over_in_order_whatever_their_bytes(void **state) {
    (void)state;
    struct harness h;
    static uint8_t large[HELPER_MESSAGE_MOST - 1];
    memset(large, 0xa5, sizeof large);
    const struct slice parts[] = {SLICE("settings"), SLICE("one"), SLICE(""), SLICE("\0two\xff"),
                                  slice_make(large, sizeof large)};
    const struct helper_source_settings settings = {.name = "test", .settings = parts, .setting_count = 5};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(slice_equal(slice_make(h.given[i].raw, h.given[i].raw_size), parts[i + 1]));
    harness_end(&h);
}

static void the_program_gets_the_positions_under_its_name_and_no_others(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("positions")};
    harness_start(&h, create, &settings);
    static const char *const keys[] = {"test:a", "tester:b", "file:/test:c",
                                       "test:d", "testing",  "test:gone"};
    for (size_t i = 0; i < 6; i++)
        h.output.position(h.output.context, slice_string(keys[i]), i < 5 ? SLICE("v") : SLICE(""));
    harness_commit(&h);
    harness_crash(&h);
    wait_for_events(&h, 3);
    assert_string_equal(harness_lines(&h), "test:a=v|test:d=v|that is all");
    harness_end(&h);
}

static void many_positions_are_more_than_a_socket_holds(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("positions")};
    harness_start(&h, create, &settings);
    char key[64], value[900];
    memset(value, 'v', sizeof value);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "test:%u", i);
        h.output.position(h.output.context, slice_string(key), slice_make(value, 1 + i % 900));
    }
    harness_commit(&h);
    harness_crash(&h);
    wait_for_events(&h, 2001);
    harness_end(&h);
}

/* --- when it fails --- */

static void a_killed_program_is_told_and_goes_on_behind_what_it_gave(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("count 40000")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 100);
    kill(process_of(&h), SIGKILL);
    const struct given *failed = wait_for_failure(&h);
    assert_string_equal(given_field(failed, "helper.reason"), "signal");
    assert_string_equal(given_field(failed, "helper.signal"), "9");
    assert_string_equal(given_field(failed, "helper.name"), "test");
    assert_string_equal(failed->source, "helper:test");
    assert_int_equal(failed->class, CLASS_JOURNAL);
    assert_int_equal(failed->kind, EVENT_STATE);
    assert_has(text_of(failed), "started again in 1 s");
    assert_int_equal(process_of(&h), 0);
    assert_int_equal(h.next_us, h.now_us + HELPER_RESTART_US);
    h.now_us += HELPER_RESTART_US;
    wait_for_events(&h, 40001);
    assert_counts(&h, 40000);
    harness_end(&h);
}

static void positions_that_are_not_on_disk_yet_are_known_to_the_next_run(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("count 2000")};
    harness_start(&h, create, &settings);
    for (unsigned i = 0; i < WAITS_MOST && h.count < 50; i++) { /* nothing is committed */
        harness_turn(&h);
        wait_for_something(&h);
    }
    kill(process_of(&h), SIGKILL);
    for (unsigned i = 0; i < WAITS_MOST && !harness_state(&h, "helper_failed"); i++) {
        harness_turn(&h);
        wait_for_something(&h);
    }
    h.now_us += HELPER_RESTART_US;
    wait_for_events(&h, 2001);
    assert_counts(&h, 2000);
    harness_end(&h);
}

static void a_program_that_dies_in_the_middle_of_a_group_gives_none_of_it(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("half 2000")};
    harness_start(&h, create, &settings);
    for (unsigned deaths = 0; next_position(&h) < 500; deaths++) {
        assert_true(deaths < 50);
        harness_forget(&h);
        wait_for_failure(&h);
        h.now_us = h.next_us;
    }
    harness_end(&h);
    harness_start(&h, create, &settings);
    wait_for_failure(&h);
    assert_int_equal(h.given[h.count - 2].offset + 1,
                     next_position(&h)); /* and not 9, as half a group said */
    assert_true(next_position(&h) > 19);
    harness_end(&h);
}

static void a_program_that_hangs_is_killed_and_told(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("hang")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    pid_t process = process_of(&h);
    for (unsigned i = 0; i < WAITS_MOST && process_of(&h);
         i++) { /* an answer perhaps, a ping, and its time */
        harness_turn(&h);
        wait_or_pass(&h);
    }
    const struct given *failed = wait_for_failure(&h);
    assert_string_equal(given_field(failed, "helper.reason"), "silent");
    assert_has(text_of(failed), "did not answer for 10 s");
    wait_until_gone(process);
    harness_end(&h);
}

static void a_program_that_is_not_read_from_is_not_thought_to_hang(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("flood")};
    harness_start(&h, create, &settings);
    h.group_most = 200;
    harness_turn(&h);
    for (unsigned i = 0; i < WAITS_MOST && h.next_us > h.now_us; i++) {
        wait_for_something(&h);
        harness_turn(&h);
    }
    pid_t process = process_of(&h);
    for (unsigned i = 0; i < 50; i++) { /* the disk is full for a while: nothing is committed, time goes by */
        harness_turn(&h);
        h.now_us += HELPER_ANSWER_US / 2;
    }
    assert_true(h.count <= 200);
    harness_commit(&h);
    harness_turn(&h);
    assert_null(harness_state(&h, "helper_failed"));
    assert_int_equal(process_of(&h), process);
    harness_end(&h);
}

static void a_turn_that_comes_late_is_not_the_programs_fault(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("quiet")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    for (unsigned i = 0; i < 20; i++) {
        h.now_us += 30 * HELPER_ANSWER_US; /* asleep, or a sync that took so long */
        harness_turn(&h);
        wait_for_something(&h);
    }
    assert_null(harness_state(&h, "helper_failed"));
    harness_end(&h);
}

static void a_program_that_answers_lives_on(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("quiet")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    pid_t process = process_of(&h);
    for (unsigned pings = 0, waits = 0; pings < 30; waits++) {
        assert_true(waits < WAITS_MOST);
        uint64_t next_us = harness_turn(&h);
        if (next_us - h.now_us == HELPER_PING_US) { /* answered */
            h.now_us = next_us;
            pings++;
        } else {
            wait_for_something(&h);
        }
    }
    assert_null(harness_state(&h, "helper_failed"));
    assert_int_equal(process_of(&h), process);
    harness_end(&h);
}

/* Behaviour, the reason it is told with, and what stands in the sentence. */
static const struct {
    const char *behaviour, *reason, *sentence;
} failures[] = {
    {"nonsense", "nonsense", "a message of kind 255, which is not expected here"},
    {"too much", "nonsense", "a group of more than 4194304 bytes"},
    {"unasked", "nonsense", "an answer to what was not asked"},
    {"impostor", "nonsense", "an event in the name of \"journal\""},
    {"mover", "nonsense", "a position under the key \"tester:next\""},
    {"alarm", "nonsense", "an event of kind 4, which no source gives"},
    {"end", "exit", "it ended with status 7"},
    {"dance", "refused", "there is no behaviour \"dance\""},
    {"endless positions", "refused", "one turn gave more than 4194304 bytes"},
};

static void each_way_to_fail_is_told_and_nothing_of_it_is_taken(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct harness h;
        const struct slice behaviour = slice_string(failures[i].behaviour);
        const struct helper_source_settings settings = {
            .name = "test", .settings = &behaviour, .setting_count = 1};
        harness_start(&h, create, &settings);
        const struct given *failed = wait_for_failure(&h);
        assert_string_equal(given_field(failed, "helper.reason"), failures[i].reason);
        assert_has(text_of(failed), failures[i].sentence);
        assert_int_equal(h.count, 1);
        assert_int_equal(process_of(&h), 0);
        harness_end(&h);
    }
}

static void a_program_that_closes_its_socket_and_stays_is_killed(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("close")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    for (unsigned i = 0; i < WAITS_MOST && process_of(&h); i++) {
        wait_or_pass(&h);
        harness_turn(&h);
    }
    const struct given *failed = wait_for_failure(&h);
    assert_string_equal(given_field(failed, "helper.reason"), "closed");
    harness_end(&h);
}

static void a_program_that_is_not_there_is_told_and_tried_again(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("count 1"), .program = "/no/such/program"};
    harness_start(&h, create, &settings);
    char text[512];
    uint64_t lag;
    h.source->operations->describe(h.source, text, sizeof text, &lag);
    assert_has(text, "NOT run: there is no program /no/such/program; install the package again");
    const struct given *failed = wait_for_failure(&h);
    assert_string_equal(given_field(failed, "helper.reason"), "start");
    assert_has(text_of(failed), "No such file or directory");
    assert_int_equal(h.next_us, h.now_us + HELPER_RESTART_US);
    harness_end(&h);
}

static void pauses_double_while_it_fails_and_are_short_again_after_it_held(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("count 1"), .program = "/no/such/program"};
    harness_start(&h, create, &settings);
    for (unsigned i = 0; i < 10; i++) {
        harness_turn(&h);
        assert_int_equal(h.count, i + 1);
        assert_int_equal(h.next_us - h.now_us, (uint64_t)HELPER_RESTART_US << (i < 6 ? i : 6));
        harness_turn(&h);
        assert_int_equal(h.count, i + 1); /* not before its time */
        h.now_us = h.next_us;
    }
    harness_end(&h);
    const struct helper_source_settings lasting = {BEHAVES("quiet")};
    harness_start(&h, create, &lasting);
    for (unsigned i = 0; i < 3; i++) {
        wait_for_events(&h, 2 * i + 1);
        h.now_us += HELPER_SETTLED_US;
        kill(process_of(&h), SIGKILL);
        wait_for_events(&h, 2 * i + 2);
        assert_int_equal(h.next_us - h.now_us, HELPER_RESTART_US);
        h.now_us = h.next_us;
    }
    harness_end(&h);
}

static void a_failure_waits_for_a_full_output(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("end")};
    harness_start(&h, create, &settings);
    h.group_most = 1;
    const struct event_body other = {.source = SLICE("other")};
    assert_true(h.output.event(h.output.context, CLASS_SYSTEM, &other));
    for (unsigned i = 0; i < WAITS_MOST && h.refused < 3; i++) {
        harness_turn(&h);
        wait_for_something(&h);
    }
    assert_true(h.refused >= 3);
    harness_commit(&h);
    assert_has(text_of(wait_for_failure(&h)), "started again in 1 s");
    harness_end(&h);
}

/* --- its end --- */

static void asked_to_finish_it_gives_what_it_has_and_ends(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("quiet")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    pid_t process = process_of(&h);
    h.source->operations->finish(h.source, h.now_us);
    assert_string_equal(harness_lines(&h), "here|finished");
    assert_int_equal(h.count, 2);
    wait_until_gone(process);
    wait_for_events(&h, 3); /* a reload that was refused: it is started again */
    harness_end(&h);
}

static void one_that_does_not_finish_is_killed_and_told(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("never finish")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    pid_t process = process_of(&h);
    h.source->operations->finish(h.source, h.now_us);
    wait_until_gone(process);
    assert_string_equal(given_field(harness_state(&h, "helper_failed"), "helper.reason"), "silent");
    assert_has(text_of(harness_state(&h, "helper_failed")), "did not finish within 2 s");
    harness_end(&h);
}

static void what_has_to_be_brought_to_its_end_is_waited_for_and_not_for_ever(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("rest")}, endless = {BEHAVES("never rest")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    pid_t process = process_of(&h);
    h.source->operations->finish(h.source, h.now_us);
    wait_until_gone(process);
    assert_string_equal(harness_lines(&h), "here|finished");
    assert_int_equal(h.count, 2);
    harness_end(&h);
    harness_start(&h, create, &endless);
    wait_for_events(&h, 1);
    h.source->operations->finish(h.source, h.now_us);
    assert_has(text_of(harness_state(&h, "helper_failed")),
               "it did not finish within 14 s: the line has to be brought to its end");
    harness_end(&h);
}

static void what_a_full_output_does_not_take_at_the_end_comes_with_the_next_run(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("count 3000")};
    harness_start(&h, create, &settings);
    h.group_most = 50;
    for (unsigned i = 0; i < WAITS_MOST && h.count < 200; i++) {
        harness_turn(&h);
        harness_commit(&h);
        wait_for_something(&h);
    }
    h.source->operations->finish(h.source, h.now_us);
    assert_null(harness_state(&h, "helper_failed"));
    assert_true(h.count - h.committed <= 50);
    harness_commit(&h);
    assert_counts(&h, next_position(&h));
    h.group_most = 0;
    while (next_position(&h) < 3000)
        wait_for_events(&h, h.count + 1);
    assert_counts(&h, 3000);
    harness_end(&h);
}

static void destroying_the_source_kills_the_program(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("hang")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    pid_t process = process_of(&h);
    harness_end(&h);
    wait_until_gone(process);
}

static void the_kernel_kills_it_with_the_agent_even_when_it_hangs(void **state) {
    (void)state;
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    pid_t agent = fork();
    if (agent == 0) {
        struct harness h;
        const struct helper_source_settings settings = {BEHAVES("hang")};
        harness_start(&h, create, &settings);
        wait_for_events(&h, 1);
        pid_t process = process_of(&h);
        kill(process, SIGSTOP);
        if (write(channel[1], &process, sizeof process) == sizeof process)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    pid_t process = 0;
    close(channel[1]);
    assert_int_equal(read(channel[0], &process, sizeof process), sizeof process);
    close(channel[0]);
    int status;
    assert_int_equal(waitpid(agent, &status, 0), agent);
    assert_true(WIFSIGNALED(status));
    wait_until_gone(process);
}

/* --- what it may --- */

/* As the unit does it for the agent. */
static void protect_from_memory_running_out(int score) {
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file)
        fprintf(file, "%d", score);
    if (file)
        fclose(file);
}

static void the_program_gives_up_what_it_does_not_need(void **state) {
    (void)state;
    protect_from_memory_running_out(-500); /* for root alone */
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("itself")};
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    char wanted[200];
    snprintf(wanted, sizeof wanted, "user %d, privileges 1, dumpable 0, signal 9, open 1, memory 0",
             (int)geteuid());
    assert_string_equal(text_of(&h.given[0]), wanted);
    harness_end(&h);
}

static void as_root_it_becomes_the_user_that_it_was_given(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings settings = {BEHAVES("itself"), .user = "nobody"};
    const struct helper_source_settings nobody = {BEHAVES("itself"), .user = "no-such-user"};
    if (geteuid() != 0)
        skip();
    harness_start(&h, create, &settings);
    wait_for_events(&h, 1);
    assert_string_equal(text_of(&h.given[0]),
                        "user 65534, privileges 1, dumpable 0, signal 9, open 1, memory 0");
    harness_end(&h);
    harness_start(&h, create, &nobody);
    assert_has(text_of(wait_for_failure(&h)), "there is no user \"no-such-user\"");
    harness_end(&h);
}

static void started_by_hand_it_says_who_starts_it(void **state) {
    (void)state;
    char command[PROCESS_PATH_MOST + 64], line[256] = "";
    snprintf(command, sizeof command, "%s 3<&- 2>&1", stand_in());
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_non_null(fgets(line, sizeof line, output));
    assert_int_equal(WEXITSTATUS(pclose(output)), 2);
    assert_has(line, "tocsin-agent starts this program by itself");
}

static void wrong_settings_are_told(void **state) {
    (void)state;
    struct harness h;
    const struct helper_source_settings good = {BEHAVES("quiet")};
    struct fault fault = {0};
    char name[HELPER_NAME_MOST + 2];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    harness_start(&h, create, &good);
    struct helper_source_settings settings = {BEHAVES("quiet"), .program = "x"};
    settings.name = name;
    assert_null(helper_source_create(&settings, &h.output, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    CLEANUP_FREE uint8_t *large = memory_new(HELPER_MESSAGE_MOST);
    const struct slice bytes = slice_make(large, HELPER_MESSAGE_MOST);
    settings =
        (struct helper_source_settings){.name = "n", .program = "x", .settings = &bytes, .setting_count = 1};
    fault = (struct fault){0};
    assert_null(helper_source_create(&settings, &h.output, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    settings.setting_count = HELPER_SETTINGS_MOST + 1;
    assert_null(helper_source_create(&settings, &h.output, &fault));
    assert_has(fault.text, "at most 16384");
    harness_end(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_program_gives_comes_out_once_and_in_order),
        cmocka_unit_test(a_group_is_in_one_turn_or_not_at_all),
        cmocka_unit_test(events_of_any_size_come_and_one_that_is_too_large_is_a_gap),
        cmocka_unit_test(settings_are_handed_over_in_order_whatever_their_bytes),
        cmocka_unit_test(the_program_gets_the_positions_under_its_name_and_no_others),
        cmocka_unit_test(many_positions_are_more_than_a_socket_holds),
        cmocka_unit_test(a_killed_program_is_told_and_goes_on_behind_what_it_gave),
        cmocka_unit_test(positions_that_are_not_on_disk_yet_are_known_to_the_next_run),
        cmocka_unit_test(a_program_that_dies_in_the_middle_of_a_group_gives_none_of_it),
        cmocka_unit_test(a_program_that_hangs_is_killed_and_told),
        cmocka_unit_test(a_program_that_is_not_read_from_is_not_thought_to_hang),
        cmocka_unit_test(a_turn_that_comes_late_is_not_the_programs_fault),
        cmocka_unit_test(a_program_that_answers_lives_on),
        cmocka_unit_test(each_way_to_fail_is_told_and_nothing_of_it_is_taken),
        cmocka_unit_test(a_program_that_closes_its_socket_and_stays_is_killed),
        cmocka_unit_test(a_program_that_is_not_there_is_told_and_tried_again),
        cmocka_unit_test(pauses_double_while_it_fails_and_are_short_again_after_it_held),
        cmocka_unit_test(a_failure_waits_for_a_full_output),
        cmocka_unit_test(asked_to_finish_it_gives_what_it_has_and_ends),
        cmocka_unit_test(one_that_does_not_finish_is_killed_and_told),
        cmocka_unit_test(what_has_to_be_brought_to_its_end_is_waited_for_and_not_for_ever),
        cmocka_unit_test(what_a_full_output_does_not_take_at_the_end_comes_with_the_next_run),
        cmocka_unit_test(destroying_the_source_kills_the_program),
        cmocka_unit_test(the_kernel_kills_it_with_the_agent_even_when_it_hangs),
        cmocka_unit_test(the_program_gives_up_what_it_does_not_need),
        cmocka_unit_test(as_root_it_becomes_the_user_that_it_was_given),
        cmocka_unit_test(started_by_hand_it_says_who_starts_it),
        cmocka_unit_test(wrong_settings_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
