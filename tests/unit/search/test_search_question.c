/* What an expression asks of one event: the same that a search answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buffer.h"
#include "search_question.h"

#define TIME_US 1795286664000000ull

static struct knowledge *knowledge;

static int load(void **state) {
    (void)state;
    char path[4096], *decoders[] = {path};
    struct fault fault = {0};
    assert_true(knowledge_default_decoders(path));
    knowledge = knowledge_load(NULL, 0, decoders, 1, 0, &fault);
    assert_non_null(knowledge);
    return 0;
}

static int unload(void **state) {
    (void)state;
    knowledge_destroy(knowledge);
    return 0;
}

static bool asks(const char *expression, const char *line) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(4096);
    struct event_body body = {.kind = EVENT_LINE, .source = SLICE("auth.log"), .raw = slice_string(line)};
    struct event event = {.seq = 7, .time_us = TIME_US, .class = CLASS_ACCESS};
    struct search_question *question = search_question_create(knowledge, slice_string(expression), NULL);
    assert_non_null(question);
    assert_true(event_body_write(&bytes, &body));
    event.body = buffer_slice(&bytes);
    bool found = search_question_asks(question, &event, SLICE("signer1"));
    assert_int_equal(search_question_asks(question, &event, SLICE("signer1")), found); /* it can be asked again */
    search_question_destroy(question);
    return found;
}

#define LINE "Nov 21 20:09:58 signer1 sshd[7248]: Accepted publickey for root from 192.0.2.178 port 50022 ssh2"

static void the_line_is_asked(void **state) {
    (void)state;
    assert_true(asks("", LINE));
    assert_true(asks("accepted", LINE));
    assert_false(asks("failed", LINE));
    assert_true(asks("not failed", LINE));
    assert_false(asks("5002", LINE)); /* numbers are found whole */
}

static void fields_are_asked_as_the_decoders_read_them(void **state) {
    (void)state;
    assert_true(asks("source.ip:192.0.2.178", LINE));
    assert_false(asks("source.ip:192.0.2.17", LINE));
    assert_true(asks("source.port:>=50000 user.name:root", LINE));
    assert_false(asks("not user.name:root", LINE));
}

static void what_is_known_of_the_event_is_asked(void **state) {
    (void)state;
    assert_true(asks("host.name:signer1 tocsin.class:access tocsin.stream:signer1", LINE));
    assert_false(asks("host.name:signer2", LINE));
    assert_false(asks("tocsin.class:signing", LINE));
}

static void a_body_that_does_not_read_is_not_ruled_out(void **state) {
    (void)state;
    struct event event = {.class = CLASS_ACCESS, .body = SLICE("\xff\xff\xff")};
    struct search_question *question = search_question_create(knowledge, SLICE("accepted"), NULL);
    assert_true(search_question_asks(question, &event, SLICE("signer1")));
    search_question_destroy(question);
}

static void what_is_no_expression_is_refused_with_its_place(void **state) {
    (void)state;
    struct fault fault = {0};
    assert_null(search_question_create(knowledge, SLICE("a (b"), &fault));
    assert_string_equal(fault.place, "column 3");
    assert_null(search_question_destroy(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_is_asked),
        cmocka_unit_test(fields_are_asked_as_the_decoders_read_them),
        cmocka_unit_test(what_is_known_of_the_event_is_asked),
        cmocka_unit_test(a_body_that_does_not_read_is_not_ruled_out),
        cmocka_unit_test(what_is_no_expression_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
