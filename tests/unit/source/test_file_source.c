/* Real files in a folder of their own, and a spool that can refuse, forget and start again. */
#include "cmocka_all.h"
#include "file_source.h"
#include "source_harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encoding.h"
#include "memory.h"
#include "sha256.h"

struct setup {
    const char *patterns[4]; /* below the folder */
    struct file_source_settings settings;
};

static struct source *create(struct harness *harness) {
    const struct setup *setup = harness->settings;
    struct file_source_settings settings = setup->settings;
    const char *patterns[4];
    char names[4][512];
    settings.pattern_count = 0;
    for (; settings.pattern_count < 4 && setup->patterns[settings.pattern_count]; settings.pattern_count++) {
        size_t i = settings.pattern_count;
        snprintf(names[i], sizeof names[i], "%s/%s", harness->folder, setup->patterns[i]);
        patterns[i] = names[i];
    }
    settings.patterns = patterns;
    if (settings.class == CLASS_JOURNAL)
        settings.class = CLASS_ACCESS;
    struct fault fault = {0};
    struct source *source = file_source_create(&settings, &harness->output, &fault);
    if (!source)
        fail_msg("%s", fault.text);
    return source;
}

static const struct setup one_log = {.patterns = {"a.log"}};
static const struct setup all_logs = {.patterns = {"*.log"}};

static void start(struct harness *harness, const struct setup *setup) {
    harness_start(harness, create, setup);
}

static void move(const struct harness *harness, const char *from, const char *to) {
    assert_int_equal(rename(in_folder(harness, from), in_folder(harness, to)), 0);
}

static void copy_file(const struct harness *harness, const char *from, const char *to) {
    int in = open(in_folder(harness, from), O_RDONLY),
        out = open(in_folder(harness, to), O_CREAT | O_EXCL | O_WRONLY, 0644);
    assert_true(in >= 0 && out >= 0);
    char bytes[65536];
    for (ssize_t got; (got = read(in, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(out, bytes, (size_t)got), got);
    close(in);
    close(out);
}

static void copytruncate(const struct harness *harness, const char *name, const char *copy) {
    copy_file(harness, name, copy);
    assert_int_equal(truncate(in_folder(harness, name), 0), 0);
}

static void gzip(const struct harness *harness, const char *name) {
    char command[600];
    snprintf(command, sizeof command, "gzip -f '%s'", in_folder(harness, name));
    assert_int_equal(system(command), 0);
}

#define LINES(harness, expected) assert_string_equal(harness_lines(harness), expected)

static void lines_are_given_with_their_place(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_make(in_folder(&h, "a.log"), "one\ntwo\r\n\n\xEF\xBB\xBF\xFF\xFE\n");
    harness_run(&h);
    LINES(&h, "one|two\r||\xEF\xBB\xBF\xFF\xFE");
    const struct given *two = harness_nth(&h, EVENT_LINE, 1);
    assert_int_equal(two->offset, 4);
    assert_int_equal(two->class, CLASS_ACCESS);
    assert_int_equal(two->generation, 0);
    assert_string_equal(two->source, in_folder(&h, "a.log"));
    assert_int_equal(two->field_count, 0);
    harness_end(&h);
}

static void bytes_of_any_value_are_kept(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    uint8_t bytes[257];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)(i == '\n' ? ' ' : i);
    bytes[256] = '\n';
    file_append(in_folder(&h, "a.log"), bytes, sizeof bytes);
    harness_run(&h);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 0)->raw_size, 256);
    assert_memory_equal(harness_nth(&h, EVENT_LINE, 0)->raw, bytes, 256);
    harness_end(&h);
}

static void being_caught_up_is_said_once(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_make(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "two\n");
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_STATE), 1);
    const struct given *said = harness_state(&h, "source_caught_up");
    assert_non_null(said);
    assert_int_equal(said->class, CLASS_JOURNAL);
    assert_ptr_equal(said, &h.given[1]);
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "one|two");
    assert_int_equal(harness_kind(&h, EVENT_STATE), 2);
    harness_end(&h);
}

static void a_missing_file_and_a_missing_folder_are_waited_for(void **state) {
    (void)state;
    struct harness h;
    const struct setup late = {.patterns = {"x/y*/z/a.log"}};
    start(&h, &late);
    harness_run(&h);
    char text[200];
    uint64_t lag;
    h.source->operations->describe(h.source, text, sizeof text, &lag);
    assert_non_null(strstr(text, "waiting"));
    mkdir(in_folder(&h, "x"), 0755);
    harness_pass(&h, 30000);
    mkdir(in_folder(&h, "x/y1"), 0755);
    harness_pass(&h, 30000);
    mkdir(in_folder(&h, "x/y1/z"), 0755);
    harness_pass(&h, 30000);
    file_make(in_folder(&h, "x/y1/z/a.log"), "late\n");
    harness_run(&h); /* reported by name: no scan, no waiting */
    LINES(&h, "late");
    assert_int_equal(rename(in_folder(&h, "x/y1"), in_folder(&h, "x/gone")), 0);
    mkdir(in_folder(&h, "x/y1"), 0755);
    mkdir(in_folder(&h, "x/y1/z"), 0755);
    file_make(in_folder(&h, "x/y1/z/a.log"), "other\n");
    harness_pass(&h, 30000);
    LINES(&h, "late|other");
    harness_end(&h);
}

static void nothing_is_given_twice_and_nothing_lost_when_groups_are_full(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    h.group_most = 3;
    for (unsigned i = 0; i < 100; i++) {
        char line[20];
        snprintf(line, sizeof line, "%u\n", i);
        file_add_text(in_folder(&h, "a.log"), line);
    }
    harness_turn(&h);
    assert_int_equal(h.next_us, h.now_us);
    assert_int_equal(h.count, 3);
    harness_crash(&h); /* nothing was committed */
    for (unsigned i = 0; i < 10; i++) {
        harness_turn(&h);
        harness_commit(&h);
        harness_turn(&h);
        harness_crash(&h); /* every other group is lost, and read again */
    }
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(atoi((const char *)harness_nth(&h, EVENT_LINE, i)->raw), i);
    harness_end(&h);
}

static void a_line_written_in_pieces_is_one_line(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "be");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "gin");
    harness_pass(&h, FILE_UNFINISHED_US - 1);
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "");
    move(&h, "a.log", "a.log.1");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "new\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log.1"), "ning\n");
    harness_run(&h);
    LINES(&h, "new|beginning");
    assert_int_equal(harness_nth(&h, EVENT_LINE, 1)->generation, 0);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 0)->generation, 1);
    harness_end(&h);
}

static void a_last_line_without_newline_is_given_after_a_time(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "whole\nhalf");
    harness_run(&h);
    LINES(&h, "whole");
    assert_true(h.next_us <= h.now_us + FILE_UNFINISHED_US);
    harness_pass(&h, FILE_UNFINISHED_US);
    LINES(&h, "whole|half");
    assert_string_equal(given_field(harness_nth(&h, EVENT_LINE, 1), "line.unfinished"), "true");
    file_add_text(in_folder(&h, "a.log"), " and half\nnext\n");
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "whole|half| and half|next");
    assert_string_equal(given_field(harness_nth(&h, EVENT_LINE, 2), "line.continued"), "true");
    assert_null(given_field(harness_nth(&h, EVENT_LINE, 3), "line.continued"));
    harness_end(&h);
}

static void a_last_line_without_newline_is_given_soon_after_rotation(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "whole\nhalf");
    harness_run(&h);
    move(&h, "a.log", "a.log.1");
    file_add_text(in_folder(&h, "a.log"), "new\n");
    harness_run(&h);
    harness_pass(&h, FILE_UNFINISHED_LEFT_US);
    LINES(&h, "whole|new|half");
    harness_end(&h);
}

static void an_over_long_line_comes_in_fragments_with_its_length_and_hash(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    h.group_most = 1; /* a crash between any two fragments */
    size_t size = 3 * SOURCE_LINE_MOST + 1000;
    CLEANUP_FREE uint8_t *line = memory_new(size + 1);
    for (size_t i = 0; i < size; i++)
        line[i] = (uint8_t)('a' + i % 23);
    line[size] = '\n';
    file_append(in_folder(&h, "a.log"), line, size + 1);
    file_add_text(in_folder(&h, "a.log"), "next\n");
    for (unsigned i = 0; i < 12; i++) {
        harness_turn(&h);
        harness_commit(&h);
        harness_crash(&h);
    }
    assert_int_equal(harness_kind(&h, EVENT_LINE), 5);
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        const struct given *given = harness_nth(&h, EVENT_LINE, i);
        assert_memory_equal(given->raw, line + at, given->raw_size);
        assert_int_equal(given->offset, at);
        assert_int_equal(atoi(given_field(given, "fragment.index")), i);
        assert_string_equal(given_field(given, "fragment.last"), i == 3 ? "true" : "false");
        at += given->raw_size;
    }
    assert_int_equal(at, size);
    const struct given *last = harness_nth(&h, EVENT_LINE, 3);
    char hex[65];
    struct hash hash = sha256_of(slice_make(line, size));
    encoding_hex(hash.bytes, HASH_SIZE, hex);
    assert_string_equal(given_field(last, "fragment.sha256"), hex);
    assert_int_equal(atoi(given_field(last, "fragment.total")), size);
    harness_end(&h);
}

static void half_a_gigabyte_of_nuls_is_one_event(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    const uint64_t size = 500u * 1024 * 1024;
    file_add_text(in_folder(&h, "a.log"), "before\n");
    assert_int_equal(truncate(in_folder(&h, "a.log"), (off_t)size), 0);
    file_add_text(in_folder(&h, "a.log"), "after\n");
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    long before = usage.ru_maxrss;
    harness_run(&h);
    getrusage(RUSAGE_SELF, &usage);
    assert_true(usage.ru_maxrss - before < 64 * 1024);
    LINES(&h, "before|after");
    assert_int_equal(harness_nth(&h, EVENT_LINE, 1)->offset, size);
    const struct given *hole = harness_nth(&h, EVENT_GAP, 0);
    assert_string_equal(given_field(hole, "gap.reason"), "zeros");
    assert_string_equal(given_field(hole, "gap.first"), "7");
    assert_int_equal(strtoull(given_field(hole, "gap.count"), NULL, 10), size - 7);
    harness_end(&h);
}

static void nuls_that_are_really_written_are_one_event_across_a_crash(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    size_t size = 5 * FILE_SHARE;
    CLEANUP_FREE uint8_t *zeros = memory_new(size);
    file_append(in_folder(&h, "a.log"), zeros, size);
    for (unsigned i = 0; i < 3; i++) {
        harness_turn(&h);
        harness_commit(&h);
        harness_crash(&h);
    }
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    file_add_text(in_folder(&h, "a.log"), "after\n");
    harness_run(&h);
    LINES(&h, "after");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    assert_int_equal(strtoull(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.count"), NULL, 10), size);
    harness_end(&h);
}

static void a_rotated_file_is_finished_before_the_new_one(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "two\n");
    move(&h, "a.log", "a.log.1");
    file_add_text(in_folder(&h, "a.log.1"), "three\n");
    file_add_text(in_folder(&h, "a.log"), "four\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log.1"), "five\n"); /* its writer has not been told yet */
    harness_run(&h);
    LINES(&h, "one|two|three|four|five");
    assert_string_equal(harness_nth(&h, EVENT_LINE, 2)->source, in_folder(&h, "a.log"));
    assert_int_equal(harness_nth(&h, EVENT_LINE, 3)->generation, 1);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 4)->generation, 0);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 4)->offset, 14);
    harness_end(&h);
}

static void two_rotations_while_stalled_lose_nothing(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "two\n");
    move(&h, "a.log", "a.log.1");
    file_add_text(in_folder(&h, "a.log"), "three\n");
    move(&h, "a.log.1", "a.log.2");
    move(&h, "a.log", "a.log.1");
    file_add_text(in_folder(&h, "a.log"), "four\n");
    harness_run(&h);
    LINES(&h, "one|two|three|four");
    assert_int_equal(harness_nth(&h, EVENT_LINE, 2)->generation, 1);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 3)->generation, 2);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static void rotations_while_stopped_lose_nothing(void **state) {
    (void)state;
    for (unsigned rotations = 1; rotations <= 3; rotations++) {
        struct harness h;
        start(&h, &one_log);
        file_add_text(in_folder(&h, "a.log"), "one\n");
        harness_run(&h);
        file_add_text(in_folder(&h, "a.log"), "two\n");
        h.source = h.source->operations->destroy(h.source);
        for (unsigned i = 0; i < rotations; i++) {
            char old[20], new[20], line[20];
            for (unsigned k = i; k > 0; k--) {
                snprintf(old, sizeof old, "a.log.%u", k);
                snprintf(new, sizeof new, "a.log.%u", k + 1);
                move(&h, old, new);
            }
            move(&h, "a.log", "a.log.1");
            snprintf(line, sizeof line, "rotation %u\n", i);
            file_add_text(in_folder(&h, "a.log"), line);
            usleep(15000); /* the file system's clock ticks every few milliseconds: births must differ */
        }
        harness_crash(&h);
        harness_run(&h);
        static const char *const expected[] = {"", "one|two|rotation 0", "one|two|rotation 0|rotation 1",
                                               "one|two|rotation 0|rotation 1|rotation 2"};
        LINES(&h, expected[rotations]);
        assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
        harness_end(&h);
    }
}

static void what_was_compressed_unread_is_a_gap_of_its_exact_length(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    h.source = h.source->operations->destroy(h.source);
    file_add_text(in_folder(&h, "a.log"), "two and more\n");
    move(&h, "a.log", "a.log.1");
    gzip(&h, "a.log.1");
    file_add_text(in_folder(&h, "a.log"), "three\n");
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "one|three");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    const struct given *gap = harness_nth(&h, EVENT_GAP, 0);
    assert_string_equal(given_field(gap, "gap.reason"), "compressed");
    assert_string_equal(given_field(gap, "gap.first"), "4");
    assert_string_equal(given_field(gap, "gap.count"), "13");
    assert_int_equal(gap->class, CLASS_ACCESS);
    harness_end(&h);
}

static void what_was_compressed_after_it_was_read_is_no_gap(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    h.source = h.source->operations->destroy(h.source);
    move(&h, "a.log", "a.log.1");
    gzip(&h, "a.log.1");
    file_add_text(in_folder(&h, "a.log"), "two\n");
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "one|two");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static void gzip_between_rename_and_create_loses_nothing_while_running(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "two\n"); /* read from the open descriptor */
    move(&h, "a.log", "a.log.1");
    gzip(&h, "a.log.1");
    file_add_text(in_folder(&h, "a.log"), "three\n");
    harness_run(&h);
    LINES(&h, "one|two|three");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static void a_file_that_vanished_while_stopped_is_a_gap(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    h.source = h.source->operations->destroy(h.source);
    file_add_text(in_folder(&h, "a.log"), "two\n");
    unlink(in_folder(&h, "a.log"));
    harness_crash(&h);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1);
    assert_string_equal(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.count"), "unknown");
    assert_string_equal(given_field(harness_nth(&h, EVENT_GAP, 0), "gap.first"), "4");
    file_add_text(in_folder(&h, "a.log"), "three\n");
    harness_run(&h);
    LINES(&h, "one|three");
    assert_int_equal(harness_nth(&h, EVENT_LINE, 1)->generation, 1);
    harness_crash(&h);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 1); /* said once */
    harness_end(&h);
}

static void copytruncate_when_caught_up_reads_nothing_again(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    copytruncate(&h, "a.log", "a.log.1");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "two\n");
    harness_run(&h);
    LINES(&h, "one|two");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    assert_non_null(harness_state(&h, "file_truncated"));
    assert_int_equal(harness_nth(&h, EVENT_LINE, 1)->generation, 1);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 1)->offset, 0);
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "one|two");
    harness_end(&h);
}

static void copytruncate_when_behind_is_read_from_the_copy(void **state) {
    (void)state;
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        struct harness h;
        start(&h, &one_log);
        file_add_text(in_folder(&h, "a.log"), "one\n");
        harness_run(&h);
        if (stopped)
            h.source = h.source->operations->destroy(h.source);
        file_add_text(in_folder(&h, "a.log"), "two\nthree\nhalf");
        copytruncate(&h, "a.log", "a.log-20261121");
        file_add_text(in_folder(&h, "a.log"), "four\n");
        if (stopped)
            harness_crash(&h);
        h.group_most = 1;
        for (unsigned i = 0; i < 10; i++) {
            harness_turn(&h);
            harness_commit(&h);
            harness_crash(&h);
        }
        harness_run(&h);
        LINES(&h, "one|two|three|half|four");
        assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
        assert_int_equal(harness_nth(&h, EVENT_LINE, 2)->offset, 8);
        assert_int_equal(harness_nth(&h, EVENT_LINE, 2)->generation, 0);
        harness_end(&h);
    }
}

static void truncation_when_behind_without_a_copy_is_a_gap(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    h.group_most = 2;
    file_add_text(in_folder(&h, "a.log"), "one\ntwo\nthree\nfour\n");
    harness_turn(&h);
    harness_commit(&h);
    assert_int_equal(truncate(in_folder(&h, "a.log"), 0), 0);
    file_add_text(in_folder(&h, "a.log"), "new\n");
    h.group_most = 0;
    harness_run(&h);
    LINES(&h, "one|two|new");
    const struct given *gap = harness_nth(&h, EVENT_GAP, 0);
    assert_string_equal(given_field(gap, "gap.first"), "8");
    assert_string_equal(given_field(gap, "gap.count"), "11");
    assert_string_equal(given_field(gap, "gap.reason"), "truncated");
    harness_end(&h);
}

static void truncated_and_grown_past_the_offset_between_two_looks_is_noticed(void **state) {
    (void)state;
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        struct harness h;
        start(&h, &one_log);
        file_add_text(in_folder(&h, "a.log"), "one\ntwo\n");
        harness_run(&h);
        if (stopped)
            h.source = h.source->operations->destroy(h.source);
        file_make(in_folder(&h, "a.log"), "uno\ndos\ntres\n");
        if (stopped)
            harness_crash(&h);
        harness_run(&h);
        LINES(&h, "one|two|uno|dos|tres");
        file_make(in_folder(&h, "a.log"), "eins\nzwei\nd\n"); /* of the very same length */
        harness_run(&h);
        LINES(&h, "one|two|uno|dos|tres|eins|zwei|d");
        harness_end(&h);
    }
}

static void an_inode_used_again_is_a_new_file(void **state) {
    (void)state;
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        struct harness h;
        start(&h, &one_log);
        file_add_text(in_folder(&h, "a.log"), "one\n");
        harness_run(&h);
        struct stat before, after;
        stat(in_folder(&h, "a.log"), &before);
        if (stopped)
            h.source = h.source->operations->destroy(h.source);
        unlink(in_folder(&h, "a.log"));
        usleep(15000);
        file_add_text(in_folder(&h, "a.log"), "one\ntwo\n"); /* it begins as the old one did */
        stat(in_folder(&h, "a.log"), &after);
        if (stopped && before.st_ino != after.st_ino)
            print_message("(this file system does not use inodes again at once)\n");
        if (stopped)
            harness_crash(&h);
        harness_run(&h);
        LINES(&h, "one|one|two");
        harness_end(&h);
    }
}

static void files_with_the_same_content_are_told_apart(void **state) {
    (void)state;
    struct harness h;
    start(&h, &all_logs);
    for (unsigned i = 0; i < 6; i++) {
        char name[20], line[20];
        snprintf(name, sizeof name, "%u.log", i);
        if (i != 3)
            file_make(in_folder(&h, name), "# a header that all of them have\n");
        else
            file_make(in_folder(&h, name), "");
        harness_run(&h);
        snprintf(line, sizeof line, "line %u\n", i);
        file_add_text(in_folder(&h, name), line);
    }
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 11);
    harness_crash(&h);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 11);
    file_make(in_folder(&h, "new.log"), "# a header that all of them have\n");
    move(&h, "new.log", "0.log"); /* replaced by one that begins like the others */
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 12);
    harness_end(&h);
}

static void an_empty_file_rotated_is_nothing(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_make(in_folder(&h, "a.log"), "");
    harness_run(&h);
    move(&h, "a.log", "a.log.1");
    file_make(in_folder(&h, "a.log"), "");
    harness_run(&h);
    harness_crash(&h);
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "x\n");
    harness_run(&h);
    LINES(&h, "x");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 0)->generation, 1);
    harness_end(&h);
}

static void a_file_renamed_within_the_glob_is_not_read_again(void **state) {
    (void)state;
    struct harness h;
    start(&h, &all_logs);
    file_make(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    move(&h, "a.log", "b.log");
    harness_run(&h);
    file_add_text(in_folder(&h, "b.log"), "two\n");
    harness_run(&h);
    harness_pass(&h, 2 * FILE_LINGER_US);
    harness_crash(&h);
    harness_run(&h);
    file_make(in_folder(&h, "a.log"), "new\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "b.log"), "three\n");
    harness_run(&h);
    LINES(&h, "one|two|new|three");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static unsigned open_descriptors(void) {
    unsigned count = 0;
    for (int i = 0; i < 4096; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

static void a_deleted_file_is_drained_then_released(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    file_add_text(in_folder(&h, "a.log"), "one\n");
    int writer = open(in_folder(&h, "a.log"), O_WRONLY | O_APPEND);
    harness_run(&h);
    unsigned before = open_descriptors();
    unlink(in_folder(&h, "a.log"));
    assert_int_equal(write(writer, "two\n", 4), 4);
    harness_run(&h);
    assert_int_equal(write(writer, "three\n", 6), 6);
    harness_pass(&h, FILE_LINGER_DELETED_US - 1);
    LINES(&h, "one|two|three");
    assert_int_equal(open_descriptors(), before);
    harness_pass(&h, 2 * FILE_LINGER_DELETED_US);
    assert_int_equal(open_descriptors(), before - 1);
    close(writer);
    harness_crash(&h); /* its position is forgotten: no gap */
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static void churn_leaves_nothing_behind(void **state) {
    (void)state;
    struct harness h;
    start(&h, &all_logs);
    harness_run(&h);
    unsigned before = open_descriptors();
    for (unsigned i = 0; i < 300; i++) {
        char name[20];
        snprintf(name, sizeof name, "%u.log", i);
        file_make(in_folder(&h, name), "x\n");
        if (i % 3 == 0)
            harness_run(&h);
        unlink(in_folder(&h, name));
        if (i % 7 == 0)
            harness_run(&h);
    }
    harness_run(&h);
    assert_true(harness_kind(&h, EVENT_LINE) >= 100);
    for (unsigned i = 0; i < 4; i++)
        harness_pass(&h, 2 * FILE_LINGER_DELETED_US);
    assert_int_equal(open_descriptors(), before);
    harness_forget(&h);
    harness_crash(&h);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0); /* no position is left over */
    harness_end(&h);
}

static void links_are_followed_where_they_are_named_and_resolved_anew(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    mkdir(in_folder(&h, "there"), 0755);
    file_make(in_folder(&h, "there/1"), "one\n");
    file_make(in_folder(&h, "there/2"), "two\n");
    assert_int_equal(symlink("there/1", in_folder(&h, "a.log")), 0);
    harness_run(&h);
    file_add_text(in_folder(&h, "there/1"), "more\n");
    assert_int_equal(symlink("there/2", in_folder(&h, "new")), 0);
    move(&h, "new", "a.log");
    harness_run(&h);
    LINES(&h, "one|more|two");
    assert_int_equal(symlink("a.log", in_folder(&h, "new")), 0);
    move(&h, "new", "a.log"); /* a loop */
    harness_run(&h);
    assert_non_null(harness_state(&h, "file_refused"));
    file_add_text(in_folder(&h, "there/2"), "still\n");
    harness_run(&h);
    LINES(&h, "one|more|two|still");
    harness_end(&h);
}

static void what_a_link_leads_to_is_rotated_without_waiting(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    mkdir(in_folder(&h, "there"), 0755);
    file_make(in_folder(&h, "there/x"), "one\n");
    assert_int_equal(symlink("there/x", in_folder(&h, "a.log")), 0);
    harness_run(&h);
    harness_pass(&h, FILE_RESCAN_US); /* the target's folder is known now */
    file_add_text(in_folder(&h, "there/x"), "two\n");
    move(&h, "there/x", "there/x.1");
    file_make(in_folder(&h, "there/x"), "three\n");
    harness_run(&h);
    LINES(&h, "one|two|three");
    h.source = h.source->operations->destroy(h.source);
    file_add_text(in_folder(&h, "there/x"), "four\n");
    move(&h, "there/x", "there/x.1");
    file_make(in_folder(&h, "there/x"), "five\n");
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "one|two|three|four|five");
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static void what_is_no_regular_file_is_refused_and_never_blocks(void **state) {
    (void)state;
    struct harness h;
    const struct setup setup = {.patterns = {"a.log", "x*"}};
    start(&h, &setup);
    assert_int_equal(mkfifo(in_folder(&h, "a.log"), 0644), 0);
    assert_int_equal(symlink("/etc/hostname", in_folder(&h, "x.link")),
                     0); /* swapped in: a glob's links aren't followed */
    assert_int_equal(symlink("/dev/zero", in_folder(&h, "x.zero")), 0);
    mkdir(in_folder(&h, "x.folder"), 0755);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 0);
    size_t refused = harness_kind(&h, EVENT_STATE);
    assert_int_equal(refused, 5); /* four, and caught up */
    harness_pass(&h, 3 * FILE_RESCAN_US);
    assert_int_equal(harness_kind(&h, EVENT_STATE), refused); /* said once */
    unlink(in_folder(&h, "a.log"));
    file_make(in_folder(&h, "a.log"), "now\n");
    harness_run(&h);
    LINES(&h, "now");
    harness_end(&h);
}

/* Root may read everything: without it, by name of a user that has nothing. */
static void an_unreadable_file_is_read_as_soon_as_it_may_be(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    chmod(h.folder, 0755);
    file_make(in_folder(&h, "a.log"), "secret\n");
    chmod(in_folder(&h, "a.log"), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 0);
    assert_non_null(harness_state(&h, "file_unreadable"));
    harness_pass(&h, FILE_RESCAN_US);
    size_t said = harness_kind(&h, EVENT_STATE);
    assert_int_equal(seteuid(0) == 0 || geteuid() != 0, 1);
    chmod(in_folder(&h, "a.log"), 0644);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    harness_run(&h); /* the change of its mode was reported */
    LINES(&h, "secret");
    assert_int_equal(harness_kind(&h, EVENT_STATE), said);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    harness_end(&h);
}

static void an_overflow_of_reports_ends_in_a_scan(void **state) {
    (void)state;
    struct harness h;
    start(&h, &all_logs);
    harness_run(&h);
    for (unsigned i = 0; i < 9000; i++) { /* two reports each, 16384 are kept */
        char name[24];
        snprintf(name, sizeof name, "%u.log", i % 10);
        file_make(in_folder(&h, name), "");
        unlink(in_folder(&h, name));
    }
    file_make(in_folder(&h, "z.log"), "after the overflow\n");
    harness_turn(&h);
    harness_commit(&h);
    harness_pass(&h, 100000);
    LINES(&h, "after the overflow");
    harness_end(&h);
}

static void without_watches_it_looks_every_second(void **state) {
    (void)state;
    struct harness h;
    struct setup setup = all_logs;
    setup.settings.watch_most = 1;
    start(&h, &setup);
    file_make(in_folder(&h, "a.log"), "one\n");
    harness_run(&h);
    LINES(&h, "one");
    file_add_text(in_folder(&h, "a.log"), "two\n");
    file_make(in_folder(&h, "b.log"), "three\n");
    assert_true(h.next_us <= h.now_us + FILE_POLL_US);
    harness_pass(&h, FILE_POLL_US);
    LINES(&h, "one|two|three");
    move(&h, "a.log", "a.old");
    file_add_text(in_folder(&h, "a.old"), "four\n");
    file_make(in_folder(&h, "a.log"), "five\n");
    harness_pass(&h, FILE_POLL_US);
    LINES(&h, "one|two|three|four|five");
    harness_end(&h);
}

static void offsets_beyond_four_gibibytes_are_kept(void **state) {
    (void)state;
    struct harness h;
    start(&h, &one_log);
    const uint64_t size = ((uint64_t)5 << 30) + 3;
    file_make(in_folder(&h, "a.log"), "");
    if (truncate(in_folder(&h, "a.log"), (off_t)size) != 0) {
        print_message("(no sparse files here)\n");
        harness_end(&h);
        skip();
    }
    file_add_text(in_folder(&h, "a.log"), "far\n");
    harness_run(&h);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 0)->offset, size);
    harness_crash(&h);
    file_add_text(in_folder(&h, "a.log"), "out\n");
    harness_run(&h);
    assert_int_equal(harness_nth(&h, EVENT_LINE, 1)->offset, size + 4);
    LINES(&h, "far|out");
    harness_end(&h);
}

static void from_end_skips_only_what_was_there_at_the_very_first_start(void **state) {
    (void)state;
    struct harness h;
    struct setup setup = all_logs;
    setup.settings.from_end = true;
    start(&h, &setup);
    file_make(in_folder(&h, "a.log"), "old\n");
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "new\n");
    file_make(in_folder(&h, "b.log"), "other\n");
    harness_run(&h);
    LINES(&h, "new|other");
    h.source = h.source->operations->destroy(h.source);
    file_make(in_folder(&h, "c.log"), "while stopped\n");
    harness_crash(&h);
    harness_run(&h);
    LINES(&h, "new|other|while stopped");
    harness_end(&h);
}

static void excluded_and_compressed_files_are_passed_over(void **state) {
    (void)state;
    struct harness h;
    const char *exclude[] = {"*/tocsin-source-*/b*", "/tmp/*/b*"};
    struct setup setup = {.patterns = {"*"}, .settings = {.exclude = exclude, .exclude_count = 2}};
    start(&h, &setup);
    file_make(in_folder(&h, "a"), "yes\n");
    file_make(in_folder(&h, "b"), "no\n");
    file_make(in_folder(&h, "c.gz"), "no\n");
    harness_run(&h);
    LINES(&h, "yes");
    harness_end(&h);
}

static void more_files_than_descriptors_are_all_read(void **state) {
    (void)state;
    struct harness h;
    struct setup setup = all_logs;
    setup.settings.open_most = 8;
    start(&h, &setup);
    unsigned before = open_descriptors();
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 60; i++) {
            char name[20];
            snprintf(name, sizeof name, "%u.log", i);
            file_add_text(in_folder(&h, name), "line\n");
        }
        harness_run(&h);
        assert_int_equal(harness_kind(&h, EVENT_LINE), 60 * (round + 1));
    }
    assert_true(open_descriptors() <= before + 10);
    for (unsigned i = 0; i < 60; i++) { /* closed, rotated and written to */
        char name[20], old[20];
        snprintf(name, sizeof name, "%u.log", i);
        snprintf(old, sizeof old, "%u.log.1", i);
        move(&h, name, old);
        file_add_text(in_folder(&h, old), "last\n");
    }
    harness_run(&h);
    assert_int_equal(harness_kind(&h, EVENT_LINE), 240);
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    harness_end(&h);
}

static void a_stack_trace_is_one_event(void **state) {
    (void)state;
    struct harness h;
    struct setup setup = one_log;
    setup.settings.multiline.start = "^\\d{4}-";
    start(&h, &setup);
    file_add_text(in_folder(&h, "a.log"), "2026-1 error\n\tat one\n");
    harness_run(&h);
    LINES(&h, "");
    file_add_text(in_folder(&h, "a.log"), "\tat two\n");
    harness_crash(&h);
    harness_run(&h);
    file_add_text(in_folder(&h, "a.log"), "2026-2 next\n");
    harness_run(&h);
    LINES(&h, "2026-1 error\n\tat one\n\tat two");
    harness_pass(&h, MULTILINE_TIMEOUT_US);
    LINES(&h, "2026-1 error\n\tat one\n\tat two|2026-2 next");
    assert_int_equal(harness_nth(&h, EVENT_LINE, 1)->offset, 29);
    harness_end(&h);
}

static void a_thousand_files_renamed_and_made_anew_under_load_lose_nothing(void **state) {
    (void)state;
    enum { FILES = 1000, ROUNDS = 4 };
    struct harness h;
    start(&h, &all_logs);
    h.group_most = 700;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < FILES; i++) {
            char name[24], old[24], line[40];
            snprintf(name, sizeof name, "%u.log", i);
            snprintf(old, sizeof old, "%u.log.%u", i, round);
            snprintf(line, sizeof line, "%u %u last\n", i, round);
            if (round) {
                file_add_text(in_folder(&h, name), line);
                move(&h, name, old);
            }
            if (i % 100 == 0)
                harness_turn(&h);
            snprintf(line, sizeof line, "%u %u first\n", i, round);
            file_add_text(in_folder(&h, name), line);
            if (i % 250 == 0)
                harness_commit(&h);
        }
        harness_run(&h);
    }
    assert_int_equal(harness_kind(&h, EVENT_GAP), 0);
    assert_int_equal(harness_kind(&h, EVENT_LINE), FILES * (2 * ROUNDS - 1));
    harness_end(&h);
}

static void wrong_settings_are_told(void **state) {
    (void)state;
    struct fault fault = {0};
    struct source_output output = {0};
    const char *relative[] = {"var/log/a.log"}, *folder[] = {"/var/log/"}, *good[] = {"/var/log/a.log"};
    assert_null(file_source_create(&(struct file_source_settings){.patterns = relative, .pattern_count = 1},
                                   &output, &fault));
    assert_non_null(strstr(fault.text, "var/log/a.log"));
    assert_null(file_source_create(&(struct file_source_settings){.patterns = folder, .pattern_count = 1},
                                   &output, &fault));
    assert_null(file_source_create(&(struct file_source_settings){.patterns = good}, &output, &fault));
    assert_null(file_source_create(
        &(struct file_source_settings){.patterns = good, .pattern_count = 1, .multiline = {.start = "("}},
        &output, &fault));
    assert_non_null(strstr(fault.text, "pattern"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_given_with_their_place),
        cmocka_unit_test(bytes_of_any_value_are_kept),
        cmocka_unit_test(being_caught_up_is_said_once),
        cmocka_unit_test(a_missing_file_and_a_missing_folder_are_waited_for),
        cmocka_unit_test(nothing_is_given_twice_and_nothing_lost_when_groups_are_full),
        cmocka_unit_test(a_line_written_in_pieces_is_one_line),
        cmocka_unit_test(a_last_line_without_newline_is_given_after_a_time),
        cmocka_unit_test(a_last_line_without_newline_is_given_soon_after_rotation),
        cmocka_unit_test(an_over_long_line_comes_in_fragments_with_its_length_and_hash),
        cmocka_unit_test(half_a_gigabyte_of_nuls_is_one_event),
        cmocka_unit_test(nuls_that_are_really_written_are_one_event_across_a_crash),
        cmocka_unit_test(a_rotated_file_is_finished_before_the_new_one),
        cmocka_unit_test(two_rotations_while_stalled_lose_nothing),
        cmocka_unit_test(rotations_while_stopped_lose_nothing),
        cmocka_unit_test(what_was_compressed_unread_is_a_gap_of_its_exact_length),
        cmocka_unit_test(what_was_compressed_after_it_was_read_is_no_gap),
        cmocka_unit_test(gzip_between_rename_and_create_loses_nothing_while_running),
        cmocka_unit_test(a_file_that_vanished_while_stopped_is_a_gap),
        cmocka_unit_test(copytruncate_when_caught_up_reads_nothing_again),
        cmocka_unit_test(copytruncate_when_behind_is_read_from_the_copy),
        cmocka_unit_test(truncation_when_behind_without_a_copy_is_a_gap),
        cmocka_unit_test(truncated_and_grown_past_the_offset_between_two_looks_is_noticed),
        cmocka_unit_test(an_inode_used_again_is_a_new_file),
        cmocka_unit_test(files_with_the_same_content_are_told_apart),
        cmocka_unit_test(an_empty_file_rotated_is_nothing),
        cmocka_unit_test(a_file_renamed_within_the_glob_is_not_read_again),
        cmocka_unit_test(a_deleted_file_is_drained_then_released),
        cmocka_unit_test(churn_leaves_nothing_behind),
        cmocka_unit_test(links_are_followed_where_they_are_named_and_resolved_anew),
        cmocka_unit_test(what_a_link_leads_to_is_rotated_without_waiting),
        cmocka_unit_test(what_is_no_regular_file_is_refused_and_never_blocks),
        cmocka_unit_test(an_unreadable_file_is_read_as_soon_as_it_may_be),
        cmocka_unit_test(an_overflow_of_reports_ends_in_a_scan),
        cmocka_unit_test(without_watches_it_looks_every_second),
        cmocka_unit_test(offsets_beyond_four_gibibytes_are_kept),
        cmocka_unit_test(from_end_skips_only_what_was_there_at_the_very_first_start),
        cmocka_unit_test(excluded_and_compressed_files_are_passed_over),
        cmocka_unit_test(more_files_than_descriptors_are_all_read),
        cmocka_unit_test(a_stack_trace_is_one_event),
        cmocka_unit_test(a_thousand_files_renamed_and_made_anew_under_load_lose_nothing),
        cmocka_unit_test(wrong_settings_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
