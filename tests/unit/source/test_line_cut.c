/* Lines, fragments, holes and joined records, on bytes alone. */
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "file_position.h"
#include "memory.h"
#include "multiline.h"

struct walk {
    struct line_state state;
    struct multiline_state joined;
    const struct multiline *multiline;
    char text[4096]; /* pieces as words: "line(5) ", "fragment 0(65536) ", "hole(9000) " */
    uint64_t consumed;
};

/* Takes all that the bytes give, showing `step` bytes more each time there is nothing. */
static void walk(struct walk *walk, struct slice bytes, size_t step, bool flush, bool final) {
    size_t shown = step < bytes.size ? step : bytes.size, at = 0;
    for (;;) {
        struct slice rest = slice_make(bytes.data + at, shown - at);
        bool end = shown == bytes.size;
        struct line_piece piece;
        if (walk->multiline)
            multiline_next(walk->multiline, &walk->state, &walk->joined, rest, flush && end, final && end,
                           &piece);
        else
            line_cut_next(&walk->state, rest, final && end, &piece);
        assert_true(piece.consumed <= rest.size);
        size_t used = strlen(walk->text);
        char *to = walk->text + used;
        size_t room = sizeof walk->text - used;
        switch (piece.kind) {
        case LINE_PIECE_MORE:
            assert_int_equal(piece.consumed, 0);
            if (end)
                return;
            shown = shown + step < bytes.size ? shown + step : bytes.size;
            break;
        case LINE_PIECE_WHOLE:
            snprintf(to, room, "%s%.*s;", piece.unfinished ? "~" : "", SLICE_ARG(slice_head(piece.text, 24)));
            break;
        case LINE_PIECE_FRAGMENT:
            snprintf(to, room, "%s#%u(%zu)", piece.unfinished ? "~" : "", piece.index, piece.text.size);
            if (piece.last)
                snprintf(to + strlen(to), room - strlen(to), "=%llu;", (unsigned long long)piece.total);
            break;
        case LINE_PIECE_PASSED:
            break;
        case LINE_PIECE_HOLE:
            snprintf(to, room, "hole(%llu);", (unsigned long long)piece.hole);
            break;
        }
        line_cut_take(&walk->state, &piece);
        at += piece.consumed;
        walk->consumed += piece.consumed;
    }
}

static void a_line_is_what_stands_before_its_newline(void **state) {
    (void)state;
    struct walk one = {0};
    walk(&one,
         SLICE("a\n\nb\r\n\xEF\xBB\xBF"
               "c\nrest"),
         3, false, false);
    assert_string_equal(one.text, "a;;b\r;\xEF\xBB\xBF"
                                  "c;");
    assert_int_equal(one.consumed, 11);
    walk(&one, SLICE("rest"), 4, false, true);
    assert_non_null(strstr(one.text, "~rest;"));
}

static uint8_t *filled(size_t size, char with) {
    uint8_t *bytes = memory_new(size + 1);
    memset(bytes, with, size);
    return bytes;
}

static void a_line_of_the_most_bytes_is_whole_and_one_more_makes_fragments(void **state) {
    (void)state;
    CLEANUP_FREE uint8_t *bytes = filled(3 * SOURCE_LINE_MOST, 'x');
    bytes[SOURCE_LINE_MOST] = '\n';
    struct walk whole = {0};
    walk(&whole, slice_make(bytes, SOURCE_LINE_MOST + 1), 1000, false, false);
    assert_string_equal(whole.text, "xxxxxxxxxxxxxxxxxxxxxxxx;");
    bytes[SOURCE_LINE_MOST] = 'x';
    bytes[2 * SOURCE_LINE_MOST + 7] = '\n';
    struct walk cut = {0};
    walk(&cut, slice_make(bytes, 2 * SOURCE_LINE_MOST + 8), 70001, false, false);
    assert_string_equal(cut.text, "#0(65536)#1(65536)#2(7)=131079;");
    assert_int_equal(cut.consumed, 2 * SOURCE_LINE_MOST + 8);
}

static void a_fragment_ends_between_characters(void **state) {
    (void)state;
    CLEANUP_FREE uint8_t *bytes = filled(SOURCE_LINE_MOST + 100, 'x');
    memcpy(bytes + SOURCE_LINE_MOST - 2, "\xE2\x82\xAC", 3); /* a euro sign across the limit */
    struct walk one = {0};
    walk(&one, slice_make(bytes, SOURCE_LINE_MOST + 100), 1000000, false, true);
    assert_string_equal(one.text, "#0(65534)~#1(102)=65636;");
    memset(bytes, 0x80, SOURCE_LINE_MOST + 100); /* no UTF-8 at all */
    struct walk two = {0};
    walk(&two, slice_make(bytes, SOURCE_LINE_MOST + 100), 1000000, false, true);
    assert_string_equal(two.text, "#0(65536)~#1(100)=65636;");
}

static void a_long_run_of_nuls_is_a_hole_and_a_short_one_text(void **state) {
    (void)state;
    CLEANUP_FREE uint8_t *bytes = filled(400000, 0);
    memcpy(bytes, "one\n", 4);
    memcpy(bytes + 300000, "two\n", 4);
    for (size_t step = 5000; step < 400000; step += 33331) {
        struct walk one = {0};
        walk(&one, slice_make(bytes, 300004), step, false, false);
        assert_string_equal(one.text, "one;hole(299996);two;");
        assert_int_equal(one.consumed, 300004);
    }
    struct walk end = {0};
    walk(&end, slice_make(bytes, 300000), 100000, false, true);
    assert_string_equal(end.text, "one;hole(299996);");
    memcpy(bytes + 100, "x\n", 2);
    struct walk few = {0};
    walk(&few, slice_make(bytes + 50, 52), 10, false, false);
    assert_int_equal(few.consumed, 52);
    assert_null(strstr(few.text, "hole"));
}

static void a_hole_in_mid_line_ends_it(void **state) {
    (void)state;
    CLEANUP_FREE uint8_t *bytes = filled(400000, 0);
    memcpy(bytes, "abc", 3);
    memcpy(bytes + 200000, "def\n", 4);
    struct walk one = {0};
    walk(&one, slice_make(bytes, 200004), 70000, false, false);
    assert_string_equal(one.text, "~abc;hole(199997);def;");
    memset(bytes, 'x', SOURCE_LINE_MOST); /* the hole begins where a fragment would */
    struct walk two = {0};
    walk(&two, slice_make(bytes, 200004), 70000, false, false);
    assert_string_equal(two.text, "#0(65536)~#1(0)=65536;hole(134464);def;");
}

static struct multiline *java(uint32_t lines_most, uint32_t bytes_most) {
    struct fault fault = {0};
    struct multiline_settings settings = {
        .start = "^\\d{4}-\\d\\d-\\d\\d ", .lines_most = lines_most, .bytes_most = bytes_most};
    struct multiline *multiline = multiline_create(&settings, &fault);
    assert_non_null(multiline);
    return multiline;
}

#define TRACE                                                                                                \
    "2026-11-21 ERROR x\n"                                                                                   \
    "\tat a.b.C(C.java:1)\n"                                                                                 \
    "\tat a.b.D(D.java:2)\n"

static void a_stack_trace_is_one_record(void **state) {
    (void)state;
    struct multiline *multiline = java(0, 0);
    for (size_t step = 1; step < 90; step += 7) {
        struct walk one = {.multiline = multiline};
        walk(&one, SLICE("before\n" TRACE "2026-11-21 INFO y\n"), step, false, false);
        assert_string_equal(one.text, "before;2026-11-21 ERROR x\n\tat a;");
        assert_int_equal(one.consumed, 7 + sizeof TRACE - 1);
    }
    struct walk flushed = {.multiline = multiline};
    walk(&flushed, SLICE(TRACE "half"), 10, true, false);
    assert_string_equal(flushed.text, "2026-11-21 ERROR x\n\tat a;");
    assert_int_equal(flushed.consumed, sizeof TRACE - 1);
    struct walk final = {.multiline = multiline};
    walk(&final, SLICE(TRACE "half"), 10, false, true);
    assert_string_equal(final.text, "2026-11-21 ERROR x\n\tat a;~half;");
    multiline_destroy(multiline);
}

static void a_record_ends_at_its_limits(void **state) {
    (void)state;
    struct multiline *lines = java(2, 0);
    struct walk one = {.multiline = lines};
    walk(&one, SLICE("2026-11-21 a\nb\nc\nd\ne\n"), 100, true, false);
    assert_string_equal(one.text, "2026-11-21 a\nb;c\nd;e;");
    multiline_destroy(lines);
    struct multiline *bytes = java(0, 16);
    struct walk two = {.multiline = bytes};
    walk(&two, SLICE("2026-11-21 a\nb\nc\n"), 100, true, false);
    assert_string_equal(two.text, "2026-11-21 a\nb;c;");
    multiline_destroy(bytes);
}

static void an_over_long_line_ends_the_record_before_it(void **state) {
    (void)state;
    struct multiline *multiline = java(0, 0);
    CLEANUP_FREE uint8_t *bytes = filled(200000, 'x');
    memcpy(bytes, TRACE, sizeof TRACE - 1);
    bytes[150000] = '\n';
    struct walk one = {.multiline = multiline};
    walk(&one, slice_make(bytes, 150001), 50000, false, false);
    assert_string_equal(one.text, "2026-11-21 ERROR x\n\tat a;#0(65536)#1(65536)#2(18869)=149941;");
    multiline_destroy(multiline);
}

static void a_wrong_pattern_is_told_with_its_place(void **state) {
    (void)state;
    struct fault fault = {0};
    assert_null(multiline_create(&(struct multiline_settings){.start = "a(b"}, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_non_null(strstr(fault.text, "character 4"));
    assert_null(multiline_create(&(struct multiline_settings){.start = ""}, &fault));
    assert_null(multiline_create(&(struct multiline_settings){.start = "a", .bytes_most = 1u << 30}, &fault));
    assert_non_null(strstr(fault.text, "65536"));
}

static void a_pattern_that_explodes_is_no_match_and_no_hang(void **state) {
    (void)state;
    struct fault fault = {0};
    struct multiline *multiline = multiline_create(&(struct multiline_settings){.start = "^(a+)+$"}, &fault);
    struct walk one = {.multiline = multiline};
    walk(&one,
         SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n"
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n"),
         1000, true, false);
    assert_string_equal(one.text, "aaaaaaaaaaaaaaaaaaaaaaaa;");
    multiline_destroy(multiline);
}

static struct file_position some_position(void) {
    struct file_position position = {.flags = FILE_FLAG_COPY,
                                     .identity = {2, 3, 4, 5},
                                     .generation = 6,
                                     .offset = (uint64_t)5 << 32,
                                     .size = ((uint64_t)5 << 32) + 9,
                                     .modified_ns = 8,
                                     .head = {.size = FILE_HEAD_MOST},
                                     .tail = {.size = FILE_TAIL_MOST},
                                     .line = {.given = 70000, .fragment = 2}};
    memset(position.head.hash.bytes, 0x11, HASH_SIZE);
    memset(position.tail.hash.bytes, 0x22, HASH_SIZE);
    return position;
}

static void a_position_is_read_as_it_was_written(void **state) {
    (void)state;
    struct file_position position = some_position(), found;
    struct buffer bytes = BUFFER(SOURCE_POSITION_MOST);
    char path[FILE_PATH_MOST + 2];
    memset(path, 'p', sizeof path);
    assert_true(file_position_write(&position, slice_make(path, FILE_PATH_MOST), &bytes));
    struct slice read_path;
    assert_true(file_position_read(buffer_slice(&bytes), &found, &read_path, NULL));
    assert_memory_equal(&position, &found, sizeof found);
    assert_int_equal(read_path.size, FILE_PATH_MOST);
    buffer_clear(&bytes);
    assert_false(file_position_write(&position, slice_make(path, FILE_PATH_MOST + 1), &bytes));
    buffer_free(&bytes);
}

static void a_damaged_position_is_refused(void **state) {
    (void)state;
    struct file_position position = some_position(), found;
    struct buffer bytes = BUFFER(SOURCE_POSITION_MOST);
    struct slice path;
    assert_true(file_position_write(&position, SLICE("/a"), &bytes));
    for (size_t size = 0; size < bytes.size; size++)
        assert_false(file_position_read(slice_make(bytes.data, size), &found, &path, NULL));
    bytes.data[0] = 9; /* a version to come */
    struct fault fault = {0};
    assert_false(file_position_read(buffer_slice(&bytes), &found, &path, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    buffer_clear(&bytes);
    position.tail.size = FILE_TAIL_MOST + 1;
    assert_true(file_position_write(&position, SLICE("/a"), &bytes));
    assert_false(file_position_read(buffer_slice(&bytes), &found, &path, &fault));
    buffer_free(&bytes);
}

static void an_inode_used_again_is_another_file(void **state) {
    (void)state;
    struct file_identity a = {1, 7, 100, 5};
    assert_true(file_identity_same(&a, &(struct file_identity){1, 7, 100, 5}));
    assert_false(file_identity_same(&a, &(struct file_identity){1, 7, 101, 5}));
    assert_false(file_identity_same(&a, &(struct file_identity){1, 7, 100, 6}));
    assert_true(file_identity_same(
        &a, &(struct file_identity){2, 7, 100, 0})); /* another device number after a boot */
    assert_false(file_identity_same(&a, &(struct file_identity){2, 7, 0, 0}));
    assert_true(file_identity_same(&a, &(struct file_identity){1, 7, 0, 0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_what_stands_before_its_newline),
        cmocka_unit_test(a_line_of_the_most_bytes_is_whole_and_one_more_makes_fragments),
        cmocka_unit_test(a_fragment_ends_between_characters),
        cmocka_unit_test(a_long_run_of_nuls_is_a_hole_and_a_short_one_text),
        cmocka_unit_test(a_hole_in_mid_line_ends_it),
        cmocka_unit_test(a_stack_trace_is_one_record),
        cmocka_unit_test(a_record_ends_at_its_limits),
        cmocka_unit_test(an_over_long_line_ends_the_record_before_it),
        cmocka_unit_test(a_wrong_pattern_is_told_with_its_place),
        cmocka_unit_test(a_pattern_that_explodes_is_no_match_and_no_hang),
        cmocka_unit_test(a_position_is_read_as_it_was_written),
        cmocka_unit_test(a_damaged_position_is_refused),
        cmocka_unit_test(an_inode_used_again_is_another_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
