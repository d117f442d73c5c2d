#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "buffer.h"
#include "child.h"
#include "clock.h"
#include "scratch.h"

#define SECOND_US UINT64_C(1000000)

struct seen {
    struct loop *loop;
    struct child *child;
    unsigned count;
    enum child_how how;
    int number;
    struct fault fault;
    struct buffer output, error;
    uint64_t wall_us, cpu_us;
    bool destroy;
};

static void done(void *context, const struct child_end *end) {
    struct seen *seen = context;
    seen->count++;
    seen->how = end->how;
    seen->number = end->number;
    if (end->fault)
        seen->fault = *end->fault;
    buffer_append_slice(&seen->output, end->output);
    buffer_append_slice(&seen->error, end->error);
    seen->wall_us = end->wall_us;
    seen->cpu_us = end->cpu_us;
    if (seen->destroy)
        seen->child = child_destroy(seen->child);
}

static struct seen begin(void) {
    struct seen seen = {.loop = loop_create(NULL), .output = BUFFER(1 << 22), .error = BUFFER(1 << 22)};
    assert_non_null(seen.loop);
    return seen;
}

static void end(struct seen *seen) {
    child_destroy(seen->child);
    loop_destroy(seen->loop);
    buffer_free(&seen->output);
    buffer_free(&seen->error);
}

static void start(struct seen *seen, const struct child_settings *settings) {
    struct fault fault;
    seen->child = child_start(seen->loop, settings, done, seen, &fault);
    assert_non_null(seen->child);
    assert_int_equal(seen->count, 0);
}

static void run(struct seen *seen, const struct child_settings *settings) {
    start(seen, settings);
    loop_run(seen->loop);
    assert_int_equal(seen->count, 1);
}

static void run_script(struct seen *seen, const char *script, struct child_settings settings) {
    const char *const argv[] = {"sh", "-c", script, NULL};
    settings.argv = argv;
    run(seen, &settings);
}

static void what_it_wrote_and_how_it_ended_is_told(void **state) {
    (void)state;
    struct seen seen = begin();
    run_script(&seen, "echo out; echo err >&2; exit 3", (struct child_settings){0});
    assert_int_equal(seen.how, CHILD_EXITED);
    assert_int_equal(seen.number, 3);
    assert_string_equal(buffer_string(&seen.output), "out\n");
    assert_string_equal(buffer_string(&seen.error), "err\n");
    assert_true(seen.wall_us > 0);
    assert_true(seen.cpu_us > 0);
    end(&seen);
}

static void a_signal_of_its_own_is_told(void **state) {
    (void)state;
    struct seen seen = begin();
    run_script(&seen, "kill -SEGV $$", (struct child_settings){0});
    assert_int_equal(seen.how, CHILD_SIGNALLED);
    assert_int_equal(seen.number, SIGSEGV);
    end(&seen);
}

static void arguments_are_no_shells(void **state) {
    (void)state;
    struct seen seen = begin();
    const char *const argv[] = {"printf", "%s|", "$(id)", "a b", "*", NULL};
    run(&seen, &(struct child_settings){.argv = argv});
    assert_string_equal(buffer_string(&seen.output), "$(id)|a b|*|");
    end(&seen);
}

static void input_comes_from_bytes_or_is_empty(void **state) {
    (void)state;
    struct seen seen = begin();
    CLEANUP_BUFFER struct buffer much = BUFFER(CHILD_INPUT_MOST);
    while (much.size < 300000)
        buffer_append_string(&much, "a line that is read\n");
    run_script(&seen, "wc -c", (struct child_settings){.input = buffer_slice(&much)});
    assert_string_equal(buffer_string(&seen.output), "300000\n");
    seen.child = child_destroy(seen.child);
    seen.count = 0;
    run_script(&seen, "readlink /proc/self/fd/0", (struct child_settings){0});
    assert_string_equal(buffer_string(&seen.output), "300000\n/dev/null\n");
    end(&seen);
}

static void the_environment_is_a_short_list(void **state) {
    (void)state;
    struct seen seen = begin();
    setenv("TOCSIN_TEST_SECRET", "s3cret", 1);
    const char *const argv[] = {"env", NULL};
    const char *const more[] = {"MORE=is", "LANG=xy", NULL};
    run(&seen, &(struct child_settings){.argv = argv, .environment = more});
    assert_string_equal(buffer_string(&seen.output), "PATH=" CHILD_PATH "\nLANG=xy\nHOME=/\nMORE=is\n");
    unsetenv("TOCSIN_TEST_SECRET");
    end(&seen);
}

static void nothing_else_of_ours_goes_along(void **state) {
    (void)state;
    struct seen seen = begin();
    int open_file = dup(STDERR_FILENO); /* without close-on-exec */
    assert_true(open_file > STDERR_FILENO);
    signal(SIGUSR1, SIG_IGN);
    run_script(&seen,
               "ls /proc/$$/fd | tr '\\n' ' '; pwd; grep -E 'SigIgn|SigBlk|NoNewPrivs' /proc/$$/status | tr "
               "-s '\\t\\n' ' '; "
               "[ $(ps -o sid= -p $$ 2>/dev/null || cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leader",
               (struct child_settings){0});
    signal(SIGUSR1, SIG_DFL);
    close(open_file);
    assert_string_equal(buffer_string(&seen.output),
                        "0 1 2 /\nSigBlk: 0000000000000000 SigIgn: 0000000000000000 NoNewPrivs: 1 leader\n");
    end(&seen);
}

/* By its number in a file. */
static bool is_there(const char *name) {
    FILE *file = fopen(scratch_path(name), "re");
    int pid = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1); /* NOLINT(cert-err34-c): a test's own */
    fclose(file);
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "re");
    if (!file)
        return false;
    bool zombie = !fgets(line, sizeof line, file) || strstr(line, ") Z ");
    fclose(file);
    return !zombie;
}

/* A kill is done when the signal is sent; the process is gone a moment later. */
static bool goes(const char *name) {
    for (unsigned i = 0; i < 5000 && is_there(name); i++)
        usleep(1000);
    return !is_there(name);
}

static void its_time_limit_ends_the_whole_group(void **state) {
    (void)state;
    struct seen seen = begin();
    char script[512];
    snprintf(script, sizeof script, "echo begun; sleep 1000 & echo $! > %s; trap '' TERM; wait",
             scratch_path("grandchild"));
    run_script(&seen, script, (struct child_settings){.timeout_us = SECOND_US / 5});
    assert_int_equal(seen.how, CHILD_LATE);
    assert_true(seen.wall_us >= SECOND_US / 5);
    assert_string_equal(buffer_string(&seen.output), "begun\n");
    assert_true(goes("grandchild"));
    end(&seen);
}

static void who_is_left_behind_neither_stays_nor_holds_up_the_end(void **state) {
    (void)state;
    struct seen seen = begin();
    char script[512];
    snprintf(script, sizeof script, "sleep 1000 & echo $! > %s; echo ended", scratch_path("left"));
    run_script(&seen, script, (struct child_settings){0});
    assert_int_equal(seen.how, CHILD_EXITED);
    assert_string_equal(buffer_string(&seen.output), "ended\n");
    assert_true(goes("left"));
    end(&seen);
}

static void too_much_output_ends_it(void **state) {
    (void)state;
    struct seen seen = begin();
    run_script(&seen, "yes", (struct child_settings){.output_most = 1000});
    assert_int_equal(seen.how, CHILD_FLOODED);
    assert_int_equal(seen.output.size, 1000);
    seen.child = child_destroy(seen.child);
    seen.count = 0;
    run_script(&seen, "yes >&2", (struct child_settings){.error_most = 10});
    assert_int_equal(seen.how, CHILD_FLOODED);
    assert_string_equal(buffer_string(&seen.error), "y\ny\ny\ny\ny\n");
    end(&seen);
}

static void output_up_to_the_limit_is_fine(void **state) {
    (void)state;
    struct seen seen = begin();
    run_script(&seen, "printf 1234567890", (struct child_settings){.output_most = 10});
    assert_int_equal(seen.how, CHILD_EXITED);
    assert_string_equal(buffer_string(&seen.output), "1234567890");
    end(&seen);
}

static void what_was_written_just_before_the_end_is_there(void **state) {
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct seen seen = begin();
        run_script(&seen, "head -c 60000 /dev/zero", (struct child_settings){0});
        assert_int_equal(seen.output.size, 60000);
        end(&seen);
    }
}

static void a_program_that_cannot_run_says_why(void **state) {
    (void)state;
    struct seen seen = begin();
    const char *const argv[] = {"/etc/passwd", NULL};
    run(&seen, &(struct child_settings){.argv = argv});
    assert_int_equal(seen.how, CHILD_NOT_STARTED);
    assert_string_equal(seen.fault.place, "/etc/passwd");
    assert_non_null(strstr(seen.fault.text, "cannot be run: Permission denied"));
    end(&seen);
}

static void settings_that_are_wrong_are_refused(void **state) {
    (void)state;
    struct seen seen = begin();
    const char *many[CHILD_ARGUMENTS_MOST + 2], *variables[CHILD_ENVIRONMENT_MOST + 2];
    for (size_t i = 0; i <= CHILD_ARGUMENTS_MOST; i++)
        many[i] = "true";
    char names[CHILD_ENVIRONMENT_MOST + 1][16];
    for (size_t i = 0; i <= CHILD_ENVIRONMENT_MOST; i++) {
        snprintf(names[i], sizeof names[i], "V%zu=1", i);
        variables[i] = names[i];
    }
    many[CHILD_ARGUMENTS_MOST + 1] = variables[CHILD_ENVIRONMENT_MOST + 1] = NULL;
    static uint8_t input[CHILD_INPUT_MOST + 1];
    const char *const none[] = {NULL}, *const relative[] = {"./x", NULL},
                      *const absent[] = {"no-such-program", NULL}, *const program[] = {"true", NULL},
                      *const wrong[] = {"NOVALUE", NULL};
    const struct {
        struct child_settings settings;
        const char *says;
    } cases[] = {
        {{.argv = none}, "a program is needed"},
        {{.argv = relative}, "begins with a slash"},
        {{.argv = absent}, "there is no program no-such-program"},
        {{.argv = many}, "at most 256 arguments"},
        {{.argv = program, .environment = wrong}, "NAME=value"},
        {{.argv = program, .environment = variables}, "at most 64 variables"},
        {{.argv = program, .input = {input, sizeof input}}, "at most 1048576 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        assert_null(child_start(seen.loop, &cases[i].settings, done, &seen, &fault));
        assert_non_null(strstr(fault.text, cases[i].says));
    }
    assert_int_equal(seen.count, 0);
    end(&seen);
}

static void destroying_it_kills_it_and_nothing_is_told(void **state) {
    (void)state;
    struct seen seen = begin();
    char script[512];
    const char *const argv[] = {"sh", "-c", script, NULL};
    snprintf(script, sizeof script, "echo $$ > %s; mv %s %s; sleep 1000", scratch_path("half"),
             scratch_path("half"), scratch_path("cancelled"));
    start(&seen, &(struct child_settings){.argv = argv});
    while (access(scratch_path("cancelled"), F_OK) != 0)
        loop_turn(seen.loop, false);
    seen.child = child_destroy(seen.child);
    loop_run(seen.loop);
    assert_int_equal(seen.count, 0);
    assert_true(goes("cancelled"));
    end(&seen);
}

static void it_may_be_destroyed_at_once_and_in_its_own_callback(void **state) {
    (void)state;
    struct seen seen = begin();
    const char *const argv[] = {"sleep", "1000", NULL}, *const quick[] = {"true", NULL};
    for (unsigned i = 0; i < 20; i++) {
        start(&seen, &(struct child_settings){.argv = argv});
        seen.child = child_destroy(seen.child);
    }
    seen.destroy = true;
    run(&seen, &(struct child_settings){.argv = quick});
    assert_null(seen.child);
    end(&seen);
}

static void many_at_once_do_not_hold_each_other_back(void **state) {
    (void)state;
    enum { COUNT = 40 };
    static struct seen all[COUNT];
    struct loop *loop = loop_create(NULL);
    const char *const slow[] = {"sleep", "1000", NULL}, *const quick[] = {"echo", "quick", NULL};
    for (unsigned i = 0; i < COUNT; i++) {
        all[i] = (struct seen){.loop = loop, .output = BUFFER(100), .error = BUFFER(100)};
        start(&all[i], &(struct child_settings){.argv = i % 2 ? slow : quick});
    }
    for (unsigned ended = 0; ended < COUNT / 2;) {
        loop_turn(loop, true);
        ended = 0;
        for (unsigned i = 0; i < COUNT; i++)
            ended += all[i].count;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(all[i].count, i % 2 == 0);
        assert_string_equal(buffer_string(&all[i].output), i % 2 ? "" : "quick\n");
        child_destroy(all[i].child);
        buffer_free(&all[i].output);
    }
    loop_destroy(loop);
}

static void root_runs_it_as_another_user_with_its_groups_alone(void **state) {
    (void)state;
    struct fault fault;
    struct seen seen = begin();
    if (geteuid() != 0)
        skip();
    struct child_user *user = child_user_create("nobody", &fault);
    assert_non_null(user);
    run_script(&seen,
               "id -un; id -Gn; echo $USER $LOGNAME $HOME; grep -E '^Cap(Prm|Eff|Amb)' /proc/$$/status",
               (struct child_settings){.user = user});
    child_user_destroy(user);
    assert_string_equal(buffer_string(&seen.output),
                        "nobody\nnogroup\nnobody nobody /nonexistent\nCapPrm:\t0000000000000000\n"
                        "CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
    end(&seen);
}

static void a_user_that_is_none_is_refused(void **state) {
    (void)state;
    struct fault fault = {0};
    assert_null(child_user_create("no-such-user-here", &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
}

static void somebody_else_than_root_cannot_become_others(void **state) {
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(seteuid(65534), 0);
    struct fault fault = {0};
    struct child_user *other = child_user_create("root", &fault), *same = child_user_create("nobody", NULL);
    assert_int_equal(seteuid(0), 0);
    assert_null(other);
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_non_null(strstr(fault.text, "only root can run a program as \"root\""));
    assert_non_null(same);
    child_user_destroy(same);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_wrote_and_how_it_ended_is_told),
        cmocka_unit_test(a_signal_of_its_own_is_told),
        cmocka_unit_test(arguments_are_no_shells),
        cmocka_unit_test(input_comes_from_bytes_or_is_empty),
        cmocka_unit_test(the_environment_is_a_short_list),
        cmocka_unit_test(nothing_else_of_ours_goes_along),
        cmocka_unit_test(its_time_limit_ends_the_whole_group),
        cmocka_unit_test(who_is_left_behind_neither_stays_nor_holds_up_the_end),
        cmocka_unit_test(too_much_output_ends_it),
        cmocka_unit_test(output_up_to_the_limit_is_fine),
        cmocka_unit_test(what_was_written_just_before_the_end_is_there),
        cmocka_unit_test(a_program_that_cannot_run_says_why),
        cmocka_unit_test(settings_that_are_wrong_are_refused),
        cmocka_unit_test(destroying_it_kills_it_and_nothing_is_told),
        cmocka_unit_test(it_may_be_destroyed_at_once_and_in_its_own_callback),
        cmocka_unit_test(many_at_once_do_not_hold_each_other_back),
        cmocka_unit_test(root_runs_it_as_another_user_with_its_groups_alone),
        cmocka_unit_test(a_user_that_is_none_is_refused),
        cmocka_unit_test(somebody_else_than_root_cannot_become_others),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_remove();
    return failed;
}
