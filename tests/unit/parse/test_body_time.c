/* A line's own time without reading it is what reading it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "body_time.h"
#include "interpreter.h"

#define READ_US UINT64_C(1795286664000000) /* 2026-11-21 18:44:24 UTC */
#define ZONE 60

static const char *const lines[] = {
    "",
    " ",
    "plain",
    "a plain line, with = in it",
    "Nov 21 18:44:24 main sshd[7]: Failed password",
    "Nov 21 18:44:24",
    "Nov 21 18:44:24x",
    "Nov 21 18:44:24x a=b c=d",
    "Feb 29 18:44:24 main app: no such day",
    "Feb 30 18:44:24 main app: no such day, a=b",
    "Nov  1 01:02:03.123 main kernel: [ 12.345678] eth0",
    "2026-11-21T18:44:24.123456+01:00 host program[123]: text",
    "2026-11-21T18:44:24Z host program[123]: a=b",
    "2026-11-21 18:44:24 no zone",
    "2026-11-21 18:44:24,123 level=info a=b",
    "2026-11-21",
    "<13>Nov 21 18:44:24 host program: text",
    "<13>1 2026-11-21T18:44:24Z host program 123 ID [x y=\"z\"] text",
    "<13>1 - host program 123 ID - text",
    "<13>no time",
    "<13>no time a=b",
    "<999>Nov 21 18:44:24 host program: text",
    "{\"time\":\"2026-11-21T18:44:24Z\"}",
    "{no json",
    "{no json a=b",
    "time=2026-11-21T18:44:24Z level=info msg=x",
    "ts=1795286664 a=b",
};

static void it_is_the_time_that_reading_gives(void **state) {
    (void)state;
    struct symbols *symbols = symbols_create();
    struct interpreter *interpreter = interpreter_create(symbols);
    struct record *record = record_create(symbols);
    struct fault fault = {0};
    unsigned told = 0;
    assert_true(interpreter_set_zone(interpreter, ZONE, &fault));
    assert_int_equal(interpreter_zone(interpreter), ZONE);
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        for (size_t i = 0; i < 3 * sizeof lines / sizeof *lines; i++) {
            struct event_field fragment = {SLICE("fragment.index"), i % 3 == 1 ? SLICE("1") : SLICE("0")};
            struct event_body body = {.kind = (enum event_kind)kind,
                                      .raw = slice_string(lines[i / 3]),
                                      .source_time_us = i % 3 == 2 ? 0 : READ_US - 5,
                                      .fields = &fragment,
                                      .field_count = i % 3 ? 1 : 0};
            uint64_t time_us, read_us;
            bool zoneless;
            interpreter_read(interpreter, &body, READ_US, record, &read_us);
            if (!body_time(&body, READ_US, ZONE, &time_us, &zoneless))
                continue;
            told++;
            assert_int_equal(time_us, read_us ? read_us : READ_US);
        }
    assert_true(told > 2 * EVENT_KINDS * sizeof lines / sizeof *lines);
    record_destroy(record);
    interpreter_destroy(interpreter);
    symbols_destroy(symbols);
}

static void its_first_bytes_say_the_same_or_nothing(void **state) {
    (void)state;
    unsigned told = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct slice raw = slice_string(lines[i]);
        for (size_t size = 0; size <= raw.size; size++) {
            struct event_body body = {.kind = EVENT_LINE, .raw = raw};
            uint64_t head_us, time_us;
            bool zoneless;
            if (!body_time_head(slice_head(raw, size), READ_US, ZONE, &head_us))
                continue;
            told++;
            assert_true(body_time(&body, READ_US, ZONE, &time_us, &zoneless));
            assert_int_equal(head_us, time_us);
        }
    }
    assert_true(told > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_the_time_that_reading_gives),
                                       cmocka_unit_test(its_first_bytes_say_the_same_or_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
