/* Logs that come and are rotated away before the source ever looked at their name; with births and without. */
#include "cmocka_all.h"
#include "file_source.h"
#include "source_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Takes the place of the C library's, so that a file system without birth times can be had. */
static bool no_births;
int statx(int folder, const char *restrict name, int flags, unsigned mask, struct statx *restrict ret_status);
int statx(int folder, const char *restrict name, int flags, unsigned mask,
          struct statx *restrict ret_status) {
    int result = (int)syscall(SYS_statx, folder, name, flags, mask, ret_status);
    if (result == 0 && no_births) {
        ret_status->stx_mask &= ~STATX_BTIME;
        ret_status->stx_btime = (struct statx_timestamp){0};
    }
    return result;
}

static struct source *create(struct harness *harness) {
    char name[200];
    snprintf(name, sizeof name, "%s/%s", harness->folder, (const char *)harness->settings);
    const char *patterns[] = {name};
    struct file_source_settings settings = {.patterns = patterns, .pattern_count = 1, .class = CLASS_ACCESS};
    struct fault fault;
    return file_source_create(&settings, &harness->output, &fault);
}

static const char *const patterns[] = {"a.log", "*.log"};
enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

/* The file system's clock ticks every few milliseconds: births and looks must differ. */
static void tick(void) {
    usleep(15000);
}

static void start(struct harness *harness, const char *pattern) {
    harness_start(harness, create, pattern);
}

/* The first look ever is over. */
static void look(struct harness *harness) {
    tick();
    harness_run(harness);
    tick();
}

static void stop(struct harness *harness) {
    harness->source = harness->source->operations->destroy(harness->source);
}

static void start_again(struct harness *harness) {
    harness_crash(harness);
    harness_run(harness);
}

static void write_log(const struct harness *harness, const char *name, const char *text) {
    file_add_text(in_folder(harness, name), text);
    tick();
}

static void move(const struct harness *harness, const char *from, const char *to) {
    assert_int_equal(rename(in_folder(harness, from), in_folder(harness, to)), 0);
}

static void gzip(const struct harness *harness, const char *name) {
    char command[600];
    snprintf(command, sizeof command, "gzip -f '%s'", in_folder(harness, name));
    assert_int_equal(system(command), 0);
}

static void rotate_twice(const struct harness *harness) {
    write_log(harness, "a.log", "one\n");
    move(harness, "a.log", "a.log.1");
    write_log(harness, "a.log", "two\n");
    move(harness, "a.log.1", "a.log.2");
    move(harness, "a.log", "a.log.1");
}

#define LINES(harness, expected) assert_string_equal(harness_lines(harness), expected)

static void a_log_that_was_rotated_before_the_first_look_at_it_is_read_whole(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2 * PATTERNS; i++) {
        struct harness h;
        start(&h, patterns[i / 2]);
        look(&h);
        bool restart = i % 2;
        if (restart)
            stop(&h);
        rotate_twice(&h);
        write_log(&h, "a.log", "three\n");
        restart ? start_again(&h) : harness_run(&h);
        LINES(&h, "one|two|three");
        for (unsigned n = 0; n < 3; n++) {
            assert_int_equal(harness_nth(&h, EVENT_LINE, n)->generation, n);
            assert_string_equal(harness_nth(&h, EVENT_LINE, n)->source, in_folder(&h, "a.log"));
        }
        start_again(&h);
        harness_pass(&h, FILE_RESCAN_US);
        LINES(&h, "one|two|three");
        assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
        harness_end(&h);
    }
}

static void so_is_one_whose_name_is_not_there_at_the_next_look(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2 * PATTERNS; i++) {
        struct harness h;
        start(&h, patterns[i / 2]);
        look(&h);
        bool restart = i % 2;
        if (restart)
            stop(&h);
        rotate_twice(&h);
        restart ? start_again(&h) : harness_run(&h);
        harness_pass(&h, FILE_RESCAN_US);
        LINES(&h, "one|two");
        write_log(&h, "a.log", "three\n");
        harness_run(&h);
        LINES(&h, "one|two|three");
        assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
        harness_end(&h);
    }
}

static void what_was_compressed_in_between_is_one_gap_of_its_length(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2 * PATTERNS; i++) {
        struct harness h;
        start(&h, patterns[i / 2]);
        look(&h);
        bool restart = i % 2;
        if (restart)
            stop(&h);
        rotate_twice(&h);
        gzip(&h, "a.log.2");
        write_log(&h, "a.log", "three\n");
        restart ? start_again(&h) : harness_run(&h);
        start_again(&h);
        harness_pass(&h, FILE_RESCAN_US);
        LINES(&h, "two|three");
        assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
        const struct given *gap = harness_nth(&h, EVENT_GAP, 0);
        assert_string_equal(given_field(gap, "gap.reason"), "compressed");
        assert_string_equal(given_field(gap, "gap.count"), "4");
        assert_string_equal(gap->source, in_folder(&h, "a.log"));
        assert_non_null(strstr((const char *)gap->raw, "a.log.2.gz"));
        harness_end(&h);
    }
}

static void a_file_whose_compressor_is_at_work_is_read(void **state) {
    (void)state;
    struct harness h;
    start(&h, "a.log");
    look(&h);
    write_log(&h, "a.log", "one\n");
    move(&h, "a.log", "a.log.1");
    write_log(&h, "a.log.1.gz", "\x1f\x8b half of what it will be");
    write_log(&h, "a.log", "two\n");
    harness_run(&h);
    LINES(&h, "one|two");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static void rotated_files_of_before_the_very_first_look_stay_unread(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2 * PATTERNS; i++) {
        struct harness h;
        start(&h, patterns[i / 2]);
        rotate_twice(&h);
        gzip(&h, "a.log.2");
        if (i % 2) /* the name itself is there */
            write_log(&h, "a.log", "three\n");
        look(&h);
        write_log(&h, "a.log", "four\n");
        harness_run(&h);
        start_again(&h);
        harness_pass(&h, FILE_RESCAN_US);
        LINES(&h, i % 2 ? "three|four" : "four");
        assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
        harness_end(&h);
    }
}

static void a_name_that_comes_back_brings_nothing_again(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2 * PATTERNS; i++) {
        struct harness h;
        start(&h, patterns[i / 2]);
        look(&h);
        write_log(&h, "a.log", "one\n");
        harness_run(&h);
        move(&h, "a.log", "a.log.1");
        harness_pass(&h, FILE_RESCAN_US);
        tick();
        write_log(&h, "a.log.1", "last\n"); /* younger than any change of the folder */
        harness_run(&h);
        harness_pass(&h, 2 * FILE_LINGER_US); /* nothing is known of the name any more */
        harness_pass(&h, FILE_RESCAN_US);
        if (i % 2)
            stop(&h);
        gzip(&h, "a.log.1");
        write_log(&h, "a.log", "two\n");
        i % 2 ? start_again(&h) : harness_run(&h);
        LINES(&h, "one|last|two");
        assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
        harness_end(&h);
    }
}

static void what_a_glob_reads_under_its_own_name_is_nobodys_predecessor(void **state) {
    (void)state;
    struct harness h;
    start(&h, "*.log");
    look(&h);
    write_log(&h, "a-1.log", "one\n");
    write_log(&h, "a.log", "two\n");
    harness_run(&h);
    LINES(&h, "one|two");
    assert_string_equal(harness_nth(&h, EVENT_LINE, 0)->source, in_folder(&h, "a-1.log"));
    harness_end(&h);
}

static void a_position_of_before_this_was_remembered_is_taken(void **state) {
    (void)state;
    struct harness h;
    start(&h, "a.log");
    char key[300];
    int size = snprintf(key, sizeof key, "files:%s", in_folder(&h, "a.log"));
    h.output.position(&h, slice_make(key, (size_t)size), SLICE("1"));
    harness_commit(&h);
    rotate_twice(&h); /* since when nobody knows */
    write_log(&h, "a.log", "three\n");
    start_again(&h);
    LINES(&h, "three");
    harness_end(&h);
}

static void without_births_what_cannot_be_told_apart_is_a_gap_of_unknown_length(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2 * PATTERNS; i++) {
        struct harness h;
        no_births = true;
        start(&h, patterns[i / 2]);
        look(&h);
        bool restart = i % 2;
        if (restart)
            stop(&h);
        rotate_twice(&h);
        write_log(&h, "a.log", "three\n");
        restart ? start_again(&h) : harness_run(&h);
        start_again(&h);
        harness_pass(&h, FILE_RESCAN_US);
        LINES(&h, "three");
        assert_int_equal(harness_kind(&h, EVENT_GAP), 2);
        for (unsigned n = 0; n < 2; n++) {
            const struct given *gap = harness_nth(&h, EVENT_GAP, n);
            assert_string_equal(given_field(gap, "gap.reason"), "rotated");
            assert_string_equal(given_field(gap, "gap.count"), "unknown");
        }
        harness_end(&h);
    }
    no_births = false;
}

static void without_births_history_is_no_gap(void **state) {
    no_births = true;
    rotated_files_of_before_the_very_first_look_stay_unread(state);
    a_name_that_comes_back_brings_nothing_again(state);
    no_births = false;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_was_rotated_before_the_first_look_at_it_is_read_whole),
        cmocka_unit_test(so_is_one_whose_name_is_not_there_at_the_next_look),
        cmocka_unit_test(what_was_compressed_in_between_is_one_gap_of_its_length),
        cmocka_unit_test(a_file_whose_compressor_is_at_work_is_read),
        cmocka_unit_test(rotated_files_of_before_the_very_first_look_stay_unread),
        cmocka_unit_test(a_name_that_comes_back_brings_nothing_again),
        cmocka_unit_test(what_a_glob_reads_under_its_own_name_is_nobodys_predecessor),
        cmocka_unit_test(a_position_of_before_this_was_remembered_is_taken),
        cmocka_unit_test(without_births_what_cannot_be_told_apart_is_a_gap_of_unknown_length),
        cmocka_unit_test(without_births_history_is_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
