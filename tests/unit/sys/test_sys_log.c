#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static char output[65536];

/* What a child writes to stderr; `journal`: JOURNAL_STREAM names the pipe. */
static const char *run(void (*body)(void), bool journal) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        struct stat status;
        char stream[64];
        fstat(STDERR_FILENO, &status);
        snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev,
                 (unsigned long long)status.st_ino + (journal ? 0 : 1));
        setenv("JOURNAL_STREAM", stream, 1);
        log_start(LOG_LEVEL_INFO);
        body();
        _exit(0);
    }
    close(ends[1]);
    size_t size = 0;
    for (ssize_t got; (got = read(ends[0], output + size, sizeof output - 1 - size)) > 0;)
        size += (size_t)got;
    output[size] = '\0';
    close(ends[0]);
    waitpid(child, NULL, 0);
    return output;
}

static void one_warning(void) {
    log_warning("disk is %d %% full", 93);
    log_debug("not to be seen");
}

static void under_systemd_a_line_carries_its_priority(void **state) {
    (void)state;
    assert_string_equal(run(one_warning, true), "<4>disk is 93 % full\n");
}

static void elsewhere_a_line_carries_its_time_and_level(void **state) {
    (void)state;
    const char *text = run(one_warning, false);
    assert_int_equal(text[0], '2');
    assert_string_equal(text + 27, " warning: disk is 93 % full\n");
}

static void hostile(void) {
    log_notice("host \"%s\"", "a\n<0>forged\x1b[31m\xc2\x9b"
                              "1m\xff\xc3\xa9");
}

static void what_a_peer_sends_cannot_forge_a_second_line(void **state) {
    (void)state;
    assert_string_equal(run(hostile, true),
                        "<5>host \"a\\x0a<0>forged\\x1b[31m\\xc2\\x9b1m\\xff\xc3\xa9\"\n");
}

static void endless(void) {
    static char text[5000];
    memset(text, '\n', sizeof text - 1);
    log_error("%s", text);
}

static void a_line_is_cut_at_its_limit(void **state) {
    (void)state;
    assert_true(strlen(run(endless, true)) <= LOG_LINE_MOST + 8);
    assert_non_null(strchr(output, '\n'));
    assert_null(strchr(strchr(output, '\n') + 1, '\n'));
}

static void storm(void) {
    for (int i = 0; i < 1000; i++)
        log_error("the same again");
    log_error("another");
}

static void a_storm_of_one_text_becomes_a_few_lines(void **state) {
    (void)state;
    const char *text = run(storm, true);
    unsigned lines = 0;
    for (const char *at = text; (at = strstr(at, "the same again")); at++)
        lines++;
    assert_int_equal(lines, LOG_REPEAT_BURST);
    assert_non_null(strstr(text, "another"));
}

static void one_fault(void) {
    struct fault fault;
    fault_set(&fault, FAULT_FORMAT, "is not YAML");
    fault_place(&fault, "agent.yaml:3:7");
    log_fault(LOG_LEVEL_ERROR, &fault, "settings stay as they %s", "are");
}

static void a_fault_follows_its_message(void **state) {
    (void)state;
    assert_string_equal(run(one_fault, true), "<3>settings stay as they are: agent.yaml:3:7: is not YAML\n");
}

static void levels_have_words(void **state) {
    (void)state;
    enum log_level level;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_false(log_level_parse("loud", &level));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_systemd_a_line_carries_its_priority),
        cmocka_unit_test(elsewhere_a_line_carries_its_time_and_level),
        cmocka_unit_test(what_a_peer_sends_cannot_forge_a_second_line),
        cmocka_unit_test(a_line_is_cut_at_its_limit),
        cmocka_unit_test(a_storm_of_one_text_becomes_a_few_lines),
        cmocka_unit_test(a_fault_follows_its_message),
        cmocka_unit_test(levels_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
