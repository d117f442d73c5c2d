/* What a daemon's command line gives, and what it refuses. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon_options.h"

static const struct daemon_words words = {
    "tocsin-test", "[--site DIR]\n--join ADDRESS", "Is tested.", "data", "check", "none"};

struct given {
    bool goes_on;
    int exit;
    struct daemon_options options;
    const char *join;
    bool rotate;
};

static struct given read_words(int count, const char *const *given_words) {
    struct given given = {.exit = -1};
    const struct daemon_option own[] = {{"join", "ADDRESS", "joins", &given.join, NULL},
                                        {"rotate-key", NULL, "one\ntwo", NULL, &given.rotate},
                                        {0}};
    static char text[9][32];
    char *argv[9] = {strcpy(text[0], "tocsin-test")};
    for (int i = 0; i < count; i++)
        argv[i + 1] = strcpy(text[i + 1], given_words[i]);
    optind = 0; /* glibc: from the start */
    given.goes_on = daemon_options_read(&words, own, count + 1, argv, &given.options, &given.exit);
    return given;
}
#define READ(...)                                                                                            \
    read_words((int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(const char *)),                            \
               (const char *[]){__VA_ARGS__})

static void values_and_flags_go_where_their_rows_say(void **state) {
    (void)state;
    struct given given = READ("--join", "host:1", "--site", "/s", "--data=/d", "--check", "--rotate-key");
    assert_true(given.goes_on);
    assert_string_equal(given.join, "host:1");
    assert_string_equal(given.options.site, "/s");
    assert_string_equal(given.options.data, "/d");
    assert_true(given.options.check);
    assert_true(given.rotate);
}

static void without_an_option_the_site_is_the_environments_or_the_default(void **state) {
    (void)state;
    unsetenv("TOCSIN_SITE");
    assert_string_equal(READ("--check").options.site, "/etc/tocsin");
    setenv("TOCSIN_SITE", "/elsewhere", 1);
    struct given given = READ("--check");
    unsetenv("TOCSIN_SITE");
    assert_string_equal(given.options.site, "/elsewhere");
    assert_null(given.options.data);
    assert_false(given.rotate);
}

static void what_belongs_to_no_row_is_a_mistake_in_usage(void **state) {
    (void)state;
    struct given wrong[] = {READ("--unheard-of"), READ("word"), READ("--join"), READ("--check=yes"),
                            READ("--site")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(wrong[i].goes_on);
        assert_int_equal(wrong[i].exit, 2);
    }
}

static void help_and_version_end_well(void **state) {
    (void)state;
    struct given asked[] = {READ("--help"), READ("--version", "--unheard-of")};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        assert_false(asked[i].goes_on);
        assert_int_equal(asked[i].exit, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_flags_go_where_their_rows_say),
        cmocka_unit_test(without_an_option_the_site_is_the_environments_or_the_default),
        cmocka_unit_test(what_belongs_to_no_row_is_a_mistake_in_usage),
        cmocka_unit_test(help_and_version_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
