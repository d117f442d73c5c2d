/* Times, data folders and the options of commands that work on files: what is taken, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "calendar.h"
#include "command.h"
#include "file_options.h"

#define NOW UINT64_C(1795286644500000) /* 2026-11-21T18:44:04.5Z or so; what matters is that it is fixed */

static uint64_t time_of(const char *text) {
    uint64_t time_us = 1;
    struct fault fault = {0};
    if (!command_time(slice_string(text), NOW, &time_us, &fault))
        fail_msg("%s: %s", text, fault.text);
    return time_us;
}

static void expect_time(const char *text, const char *whole) {
    uint64_t wanted;
    assert_true(calendar_parse(slice_string(whole), &wanted));
    if (time_of(text) != wanted)
        fail_msg("'%s' is not taken for %s", text, whole);
}

static void a_time_is_a_moment_a_day_or_so_long_ago(void **state) {
    (void)state;
    assert_int_equal(time_of("now"), NOW);
    assert_int_equal(time_of("15m"), NOW - UINT64_C(900000000));
    assert_int_equal(time_of("2h"), NOW - UINT64_C(7200000000));
    assert_int_equal(time_of("7d"), NOW - 7 * UINT64_C(86400000000));
    assert_int_equal(time_of("100000d"), 0); /* before time began */
    expect_time("2026-11-21", "2026-11-21T00:00:00Z");
    expect_time("2026-11-21T18:00:00Z", "2026-11-21T18:00:00Z");
    expect_time("2026-11-21T18:00:00", "2026-11-21T18:00:00Z");
    expect_time("2026-11-21T18:00", "2026-11-21T18:00:00Z");
    expect_time("2026-11-21T18:00Z", "2026-11-21T18:00:00Z");
    expect_time("2026-11-21T18:00:00+01:00", "2026-11-21T17:00:00Z");
    expect_time("2026-11-21 18:00", "2026-11-21T18:00:00Z");
    expect_time("2026-11-21 18:00:01", "2026-11-21T18:00:01Z");
}

static void what_is_no_time_is_refused_with_an_example(void **state) {
    (void)state;
    static const char *const bad[] = {"",           "yesterday", "18",         "2026",        "2026-13-01",
                                      "2026-02-30", "-5m",       "5 parsecs",  "Z",           "2026-11-21T25:00:00Z",
                                      "2026-11-21T18:00:00Z and so on and on and on", "nowish", "2026-11-2Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t time_us = 77;
        struct fault fault = {0};
        if (command_time(slice_string(bad[i]), NOW, &time_us, &fault))
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(time_us, 77);
        assert_int_equal(fault.code, FAULT_USAGE);
        assert_non_null(strstr(fault.text, "15m"));
    }
}

/* Words as main gives them, the command's name first. */
static bool parse(struct file_options *options, struct fault *fault, const char *line) {
    static char text[512];
    static char *words[32];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *at, *word = strtok_r(text, " ", &at); word && count < 31; word = strtok_r(NULL, " ", &at))
        words[count++] = word;
    words[count] = NULL;
    return file_options_parse(count, words, options, fault);
}

static void rules_decoders_and_files_may_stand_in_any_order(void **state) {
    (void)state;
    struct file_options options;
    struct fault fault = {0};
    assert_true(parse(&options, &fault, "detect a.log --rules r1 --format jsonl b.log --decoders d1 --rules r2 -"));
    assert_int_equal(options.rule_count, 2);
    assert_string_equal(options.rules[1], "r2");
    assert_int_equal(options.decoder_count, 1);
    assert_int_equal(options.file_count, 3);
    assert_string_equal(options.files[0], "a.log");
    assert_string_equal(options.files[2], "-");
    assert_int_equal(options.format, LINE_ECS);
    file_options_free(&options);
    assert_int_equal(options.file_count, 0);
}

static void behind_two_dashes_everything_is_a_file(void **state) {
    (void)state;
    struct file_options options;
    struct fault fault = {0};
    assert_true(parse(&options, &fault, "decode -- --rules --format"));
    assert_int_equal(options.file_count, 2);
    assert_string_equal(options.files[0], "--rules");
    file_options_free(&options);
}

static void options_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "detect",
        "detect --rules r",
        "detect a.log --rules",
        "detect a.log --format",
        "detect a.log --format xml",
        "detect a.log --colour red",
        "detect --",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct file_options options;
        struct fault fault = {0};
        if (parse(&options, &fault, bad[i]))
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(fault.code, FAULT_USAGE);
        assert_true(*fault.text != '\0');
    }
}

static void data_is_where_it_was_said_below_the_site(void **state) {
    (void)state;
    struct command_context context = {.site = "/site"};
    char path[FILES_PATH_MOST];
    struct fault fault = {0};
    context.data = "d";
    assert_true(command_data(&context, path, &fault));
    assert_string_equal(path, "/site/d");
    context.data = "/else/where";
    assert_true(command_data(&context, path, &fault));
    assert_string_equal(path, "/else/where");
    context.data = NULL;
    context.site = "/nowhere-at-all";
    assert_false(command_data(&context, path, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
}

static void an_exit_says_whose_fault_it_was(void **state) {
    (void)state;
    static const struct {
        enum fault_code code;
        int exit;
    } wanted[] = {{FAULT_USAGE, EXIT_USAGE},     {FAULT_FORMAT, EXIT_USAGE}, {FAULT_MISSING, EXIT_CANNOT},
                  {FAULT_IO, EXIT_CANNOT},       {FAULT_AUTH, EXIT_CANNOT},  {FAULT_SPACE, EXIT_CANNOT},
                  {FAULT_INTERNAL, EXIT_CANNOT}, {FAULT_BUSY, EXIT_CANNOT}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct fault fault = {0};
        fault_set(&fault, wanted[i].code, "as a test");
        assert_int_equal(command_fail("verify", &fault), wanted[i].exit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_a_moment_a_day_or_so_long_ago),
        cmocka_unit_test(what_is_no_time_is_refused_with_an_example),
        cmocka_unit_test(rules_decoders_and_files_may_stand_in_any_order),
        cmocka_unit_test(behind_two_dashes_everything_is_a_file),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(data_is_where_it_was_said_below_the_site),
        cmocka_unit_test(an_exit_says_whose_fault_it_was),
    };
    return cmocka_run_group_tests_name("cli_arguments", tests, NULL, NULL);
}
