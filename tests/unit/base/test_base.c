#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "bytes.h"
#include "calendar.h"
#include "encoding.h"
#include "event.h"
#include "symbols.h"

static void a_buffer_never_passes_its_limit(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer b = BUFFER(8);
    assert_true(buffer_append_string(&b, "12345678"));
    assert_false(buffer_append_string(&b, "9"));
    assert_true(b.overflow);
    assert_int_equal(b.size, 8);
}

static void a_reader_past_the_end_gives_zeros_and_stays_failed(void **state) {
    (void)state;
    struct bytes_reader r = bytes_read(SLICE("\x01\x02\x03"));
    assert_int_equal(bytes_read_u16(&r), 0x0102);
    assert_int_equal(bytes_read_u32(&r), 0);
    assert_int_equal(bytes_read_u8(&r), 0);
    assert_true(r.failed);
}

static void times_survive_text_and_back(void **state) {
    (void)state;
    static const uint64_t times[] = {0, 951827696123456, 1735689600001000, 4107542399999999, 253402300799999999};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[CALENDAR_TEXT_SIZE];
        uint64_t back;
        calendar_text(times[i], text);
        assert_true(calendar_parse(slice_string(text), &back));
        assert_int_equal(back, times[i]);
    }
    uint64_t time;
    assert_true(calendar_parse(SLICE("2024-02-29T12:00:00+02:00"), &time));
    assert_int_equal(time, 1709200800000000);
    assert_false(calendar_parse(SLICE("2023-02-29T12:00:00Z"), &time));
    assert_false(calendar_parse(SLICE("2023-02-28T12:00:00"), &time));
    assert_false(calendar_parse(SLICE("2023-02-28T12:00:00Zx"), &time));
}

static void base64_takes_one_spelling_alone(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer b = BUFFER(64);
    assert_true(encoding_unbase64(&b, SLICE("Zm8=")));
    assert_int_equal(b.size, 2);
    static const char *const bad[] = {"Zm9=", "Zm8", " Zm8=", "Zm8=\n", "Zm_8", "Z===", "Zm8=Zm8="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buffer_clear(&b);
        assert_false(encoding_unbase64(&b, slice_string(bad[i])));
    }
}

static void utf8_is_told_from_what_looks_like_it(void **state) {
    (void)state;
    assert_true(encoding_is_utf8(SLICE("caf\xc3\xa9 \xf0\x9f\x94\x94")));
    static const char *const bad[] = {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(encoding_is_utf8(slice_string(bad[i])));
}

static void symbols_are_found_again_after_the_table_grew(void **state) {
    (void)state;
    struct symbols *symbols = symbols_create();
    char name[16];
    for (unsigned i = 1; i <= 5000; i++) {
        snprintf(name, sizeof name, "name%u", i);
        assert_int_equal(symbols_add(symbols, slice_string(name)), i);
    }
    assert_int_equal(symbols_find(symbols, SLICE("name4321")), 4321);
    assert_int_equal(symbols_add(symbols, SLICE("name1")), 1);
    assert_int_equal(symbols_find(symbols, SLICE("nameX")), 0);
    symbols_destroy(symbols);
}

static void a_body_is_read_back_as_written(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer b = BUFFER(EVENT_BODY_MOST);
    struct event_field fields[] = {{SLICE("_PID"), SLICE("42")}, {SLICE("X"), SLICE("")}};
    struct event_body body = {
        EVENT_JOURNAL, SLICE("journal"), SLICE("a\0b\xff"), 1735689600001000, 300, 2, fields, 2, false};
    assert_true(event_body_write(&b, &body));
    struct event_field read[EVENT_FIELDS_MOST];
    struct event_body back;
    assert_true(event_body_read(buffer_slice(&b), read, &back, NULL));
    assert_int_equal(back.kind, EVENT_JOURNAL);
    assert_true(slice_equal(back.raw, body.raw));
    assert_int_equal(back.source_time_us, body.source_time_us);
    assert_int_equal(back.field_count, 2);
    assert_true(slice_equal(event_body_field(&back, SLICE("_PID")), SLICE("42")));
    struct fault fault;
    for (size_t cut = 1; cut < b.size; cut++)
        event_body_read(slice_head(buffer_slice(&b), cut), read, &back, &fault);
    assert_false(event_body_read(SLICE("\x08\x63"), read, &back, &fault));
}

static bool is_written_so(struct slice bytes, const struct event_body *body) {
    CLEANUP_BUFFER struct buffer again = BUFFER(EVENT_BODY_MOST);
    return event_body_write(&again, body) && slice_equal(buffer_slice(&again), bytes);
}

/* Nothing less tells whether columns give a body back byte for byte. */
static void a_body_is_exact_where_it_would_be_written_as_it_stands(void **state) {
    (void)state;
    static const char *const odd[] = {"\x08\x80\x00", "\x28\x01\x08\x02", "\x28\x01\x28\x02", "\x1a\x00", "\x12\x81\x00x",
                                      "\x3a\x06\x12\x01v\x0a\x01n", "\x48\x07"};
    static const uint8_t sizes[] = {3, 4, 4, 2, 4, 8, 2};
    struct event_field fields[] = {{SLICE("_PID"), SLICE("42")}, {SLICE("X"), SLICE("")}}, read[EVENT_FIELDS_MOST];
    struct event_body body = {EVENT_JOURNAL, SLICE("journal"), SLICE("abc"), 1735689600001000, 300, 2, fields, 2, false};
    CLEANUP_BUFFER struct buffer good = BUFFER(EVENT_BODY_MOST);
    struct event_body back;
    unsigned chance = 5, exact = 0, other = 0;
    assert_true(event_body_write(&good, &body));
    assert_true(event_body_read(buffer_slice(&good), read, &back, NULL) && back.exact);
    for (size_t i = 0; i < sizeof sizes; i++) {
        assert_true(event_body_read(slice_make(odd[i], sizes[i]), read, &back, NULL));
        assert_false(back.exact);
    }
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t bytes[128];
        memcpy(bytes, good.data, good.size);
        for (unsigned changes = 1 + i % 2; changes; changes--) {
            chance = chance * 1103515245 + 12345;
            bytes[(chance >> 16) % good.size] = (uint8_t)(chance >> 24);
        }
        if (!event_body_read(slice_make(bytes, good.size), read, &back, NULL))
            continue;
        assert_int_equal(back.exact, is_written_so(slice_make(bytes, good.size), &back));
        *(back.exact ? &exact : &other) += 1;
    }
    assert_true(exact > 100 && other > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_never_passes_its_limit),
        cmocka_unit_test(a_reader_past_the_end_gives_zeros_and_stays_failed),
        cmocka_unit_test(times_survive_text_and_back),
        cmocka_unit_test(base64_takes_one_spelling_alone),
        cmocka_unit_test(utf8_is_told_from_what_looks_like_it),
        cmocka_unit_test(symbols_are_found_again_after_the_table_grew),
        cmocka_unit_test(a_body_is_read_back_as_written),
        cmocka_unit_test(a_body_is_exact_where_it_would_be_written_as_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
