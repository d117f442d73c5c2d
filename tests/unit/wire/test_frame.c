#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bytes.h"
#include "frame.h"

static void write_frame(struct buffer *to, enum frame_type type, size_t size) {
    CLEANUP_BUFFER struct buffer message = BUFFER(FRAME_ROW_MOST);
    for (size_t i = 0; i < size; i++)
        bytes_write_u8(&message, (uint8_t)(i * 7 + type));
    assert_true(frame_write(to, type, buffer_slice(&message)));
}

/* A session of all sizes: empty, small, larger than what is kept, and back. */
static void write_session(struct buffer *to) {
    static const size_t sizes[] = {0, 1, 4, 5, 300, 9000, 0, 70, 4095, 4096, 2};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        write_frame(to, i % 2 ? FRAME_PING : FRAME_EVENTS, sizes[i]);
}

/* Everything that a reader gives for what it is fed, as bytes again. */
static bool read_all(struct frame_reader *reader, struct slice bytes, struct buffer *to) {
    struct frame frame;
    struct fault fault = {0};
    frame_reader_feed(reader, bytes);
    while (frame_reader_next(reader, &frame, &fault))
        assert_true(frame_write(to, frame.type, frame.message));
    return fault.code == FAULT_NONE;
}

static void frames_come_out_as_they_went_in_wherever_the_bytes_are_cut(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer session = BUFFER(1u << 20);
    write_session(&session);
    for (size_t cut = 0; cut <= session.size; cut += cut < 600 ? 1 : 37) {
        CLEANUP_BUFFER struct buffer out = BUFFER(1u << 20);
        struct frame_reader reader;
        frame_reader_open(&reader, FRAME_HELLO, FRAME_ROTATED);
        assert_true(read_all(&reader, slice_head(buffer_slice(&session), cut), &out));
        assert_true(read_all(&reader, slice_from(buffer_slice(&session), cut), &out));
        assert_true(slice_equal(buffer_slice(&out), buffer_slice(&session)));
        frame_reader_close(&reader);
    }
}

static void frames_come_out_as_they_went_in_when_fed_in_small_pieces(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer session = BUFFER(1u << 20);
    write_session(&session);
    for (size_t piece = 1; piece < 12; piece++) {
        CLEANUP_BUFFER struct buffer out = BUFFER(1u << 20);
        struct frame_reader reader;
        frame_reader_open(&reader, FRAME_HELLO, FRAME_ROTATED);
        for (struct slice rest = buffer_slice(&session); rest.size; rest = slice_from(rest, piece))
            assert_true(read_all(&reader, slice_head(rest, piece), &out));
        assert_true(slice_equal(buffer_slice(&out), buffer_slice(&session)));
        frame_reader_close(&reader);
    }
}

static void a_frame_that_was_kept_gives_its_memory_back(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer session = BUFFER(4u << 20);
    CLEANUP_BUFFER struct buffer out = BUFFER(4u << 20);
    struct frame_reader reader;
    frame_reader_open(&reader, FRAME_HELLO, FRAME_ROTATED);
    write_frame(&session, FRAME_EVENTS, 2u << 20);
    assert_true(read_all(&reader, slice_head(buffer_slice(&session), 1u << 20), &out));
    assert_true(reader.kept.capacity >= 1u << 20);
    assert_true(read_all(&reader, slice_from(buffer_slice(&session), 1u << 20), &out));
    assert_int_equal(reader.kept.capacity, 0);
    assert_true(slice_equal(buffer_slice(&out), buffer_slice(&session)));
    frame_reader_close(&reader);
}

static enum fault_code code_of_head(enum frame_type from, enum frame_type to, uint32_t length, uint8_t type,
                                    size_t piece, size_t *ret_kept) {
    uint8_t head[FRAME_HEAD];
    struct frame_reader reader;
    struct frame frame;
    struct fault fault = {0};
    bytes_put_u32(head, length);
    head[4] = type;
    frame_reader_open(&reader, from, to);
    for (struct slice rest = slice_make(head, sizeof head); rest.size; rest = slice_from(rest, piece)) {
        frame_reader_feed(&reader, slice_head(rest, piece));
        assert_false(frame_reader_next(&reader, &frame, &fault));
    }
    *ret_kept = reader.kept.capacity;
    frame_reader_close(&reader);
    return fault.code;
}

static void every_type_takes_its_limit_and_no_byte_more(void **state) {
    (void)state;
    for (unsigned type = FRAME_HELLO; type <= FRAME_REFUSED; type++) {
        size_t limit = frame_limit(type), kept;
        if (limit == 0)
            continue;
        uint32_t most = (uint32_t)limit + 1;
        for (size_t piece = 1; piece <= FRAME_HEAD; piece += 2) {
            assert_int_equal(code_of_head(1, 37, most, (uint8_t)type, piece, &kept), FAULT_NONE);
            assert_int_equal(code_of_head(1, 37, most + 1, (uint8_t)type, piece, &kept), FAULT_LIMIT);
            assert_int_equal(code_of_head(1, 37, UINT32_MAX, (uint8_t)type, piece, &kept), FAULT_LIMIT);
            assert_in_range(kept, 0, 4096); /* a lie costs nothing */
            assert_int_equal(code_of_head(1, 37, 0, (uint8_t)type, piece, &kept), FAULT_LIMIT);
        }
        CLEANUP_BUFFER struct buffer message = BUFFER(FRAME_ROW_MOST + 1);
        CLEANUP_BUFFER struct buffer out = BUFFER(2 * FRAME_ROW_MOST);
        assert_true(buffer_reserve(&message, limit + 1));
        memset(message.data, 0, limit + 1);
        message.size = limit + 1;
        assert_false(frame_write(&out, (enum frame_type)type, buffer_slice(&message)));
        assert_int_equal(out.size, 0);
    }
}

static void types_that_are_unknown_or_not_expected_are_refused(void **state) {
    (void)state;
    size_t kept;
    assert_int_equal(code_of_head(FRAME_HELLO, FRAME_ROTATED, 1, 0, 5, &kept), FAULT_FORMAT);
    assert_int_equal(code_of_head(FRAME_HELLO, FRAME_ROTATED, 1, 18, 5, &kept), FAULT_FORMAT);
    assert_int_equal(code_of_head(FRAME_HELLO, FRAME_ROTATED, 1, FRAME_REQUEST, 5, &kept), FAULT_FORMAT);
    assert_int_equal(code_of_head(FRAME_REQUEST, FRAME_REQUEST, 1, FRAME_TEXT, 5, &kept), FAULT_FORMAT);
    assert_int_equal(code_of_head(0, 255, 1, 255, 5, &kept), FAULT_FORMAT);
    assert_string_equal(frame_name(FRAME_HELLO), "HELLO");
    assert_string_equal(frame_name(20), "?");
    assert_string_equal(frame_name(4000), "?");
}

static void after_a_bad_frame_nothing_is_given_any_more(void **state) {
    (void)state;
    static const uint8_t bad[FRAME_HEAD] = {0, 0, 0, 1, 99};
    CLEANUP_BUFFER struct buffer good = BUFFER(1024);
    write_frame(&good, FRAME_PING, 3);
    struct frame_reader reader;
    struct frame frame;
    struct fault fault = {0};
    frame_reader_open(&reader, FRAME_HELLO, FRAME_ROTATED);
    frame_reader_feed(&reader, slice_make(bad, sizeof bad));
    assert_false(frame_reader_next(&reader, &frame, &fault));
    fault = (struct fault){0};
    frame_reader_feed(&reader, buffer_slice(&good));
    assert_false(frame_reader_next(&reader, &frame, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    frame_reader_close(&reader);
}

static void a_frame_that_does_not_fit_its_buffer_is_not_begun(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer out = BUFFER(10);
    assert_false(frame_write(&out, FRAME_PING, SLICE("123456")));
    assert_true(out.overflow);
    assert_int_equal(out.size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in_wherever_the_bytes_are_cut),
        cmocka_unit_test(frames_come_out_as_they_went_in_when_fed_in_small_pieces),
        cmocka_unit_test(a_frame_that_was_kept_gives_its_memory_back),
        cmocka_unit_test(every_type_takes_its_limit_and_no_byte_more),
        cmocka_unit_test(types_that_are_unknown_or_not_expected_are_refused),
        cmocka_unit_test(after_a_bad_frame_nothing_is_given_any_more),
        cmocka_unit_test(a_frame_that_does_not_fit_its_buffer_is_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
