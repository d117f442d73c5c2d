/* Messages of the DNS: what is written can be read, and what is broken is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "dns_message.h"

static struct dns_name name_of(const char *text) {
    struct dns_name name;
    assert_true(dns_name_parse(slice_string(text), &name, NULL));
    return name;
}

#define HEADER(flags, questions, answers) "\x12\x34" flags "\x00" questions "\x00" answers "\x00\x00\x00\x00"
#define QUESTION                                                                                             \
    "\x03www\x07"                                                                                            \
    "example\x03org\x00\x00\x01\x00\x01"

static void names_are_read_and_written(void **state) {
    (void)state;
    static const char *const good[][2] = {{"www.example.org", "www.example.org"},
                                          {"WWW.Example.ORG.", "www.example.org"},
                                          {".", "."},
                                          {"_sip._tcp.a-b.c", "_sip._tcp.a-b.c"}};
    char text[DNS_TEXT_SIZE];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct dns_name name = name_of(good[i][0]);
        assert_string_equal(dns_name_text(&name, text), good[i][1]);
    }
    struct dns_name name = name_of("a.example.org"), parent;
    assert_true(dns_name_parent(&name, &parent) &&
                dns_name_equal(&parent, &(struct dns_name[]){name_of("EXAMPLE.org")}[0]));
    name = name_of(".");
    assert_false(dns_name_parent(&name, &parent));
}

static void names_that_are_none_are_refused(void **state) {
    (void)state;
    char label[65], longest[300] = "";
    memset(label, 'a', 64);
    label[64] = '\0';
    for (unsigned i = 0; i < 128; i++)
        strcat(longest, "a.");
    const char *const bad[] = {"", "a..b", ".a", "a b", "a.b\x01", "http://a/", label, longest, "a..", ".."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dns_name name;
        struct fault fault = {0};
        if (dns_name_parse(slice_string(bad[i]), &name, &fault))
            fail_msg("'%s' was taken", bad[i]);
        assert_int_not_equal(fault.code, FAULT_NONE);
    }
    longest[253] = '\0'; /* 127 letters, their lengths, the root: 255 bytes */
    (void)name_of(longest);
}

static void a_query_is_a_message_with_its_question(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer query = BUFFER(512);
    struct dns_question question = {.id = 0x1234, .name = name_of("www.example.org"), .type = DNS_AAAA};
    struct dns_message message;
    struct fault fault;
    assert_true(dns_query_write(&query, &question));
    static const uint8_t due[] = "\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x03www\x07"
                                 "example\x03org\x00\x00\x1c\x00\x01"
                                 "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00";
    assert_int_equal(query.size, sizeof due);
    assert_memory_equal(query.data, due, sizeof due);
    assert_true(dns_message_read(buffer_slice(&query), &message, &fault));
    assert_true(message.has_question && dns_name_equal(&message.name, &question.name));
    assert_int_equal(message.record_count, 0);
    assert_false(message.response);
}

static void an_answer_is_read_record_by_record(void **state) {
    (void)state;
    struct slice bytes = SLICE(
        HEADER("\x84\x00", "\x01", "\x03") QUESTION
        "\xc0\x0c\x00\x05\x00\x01\x00\x00\x0e\x10\x00\x04\x01"
        "b\xc0\x10"                                                        /* www CNAME b.example.org */
        "\xc0\x2d\x00\x01\x00\x01\x80\x00\x00\x00\x00\x04\xc0\x00\x02\x07" /* b A, TTL with its top bit */
        "\xc0\x10\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x1b\x02ns\xc0\x10\xc0\x10"
        "\x00\x00\x00\x2a\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04");
    struct dns_message message;
    struct dns_walk walk = {0};
    struct dns_record record;
    struct dns_name target;
    struct fault fault = {0};
    char text[DNS_TEXT_SIZE];
    uint32_t serial = 0;
    if (!dns_message_read(bytes, &message, &fault))
        fail_msg("%s", fault.text);
    assert_true(message.response && message.authoritative);
    assert_int_equal(message.record_count, 3);
    assert_true(dns_message_next(&message, &walk, &record));
    assert_int_equal(record.ttl, 3600);
    assert_true(dns_record_target(&message, &record, &target));
    assert_string_equal(dns_name_text(&target, text), "b.example.org");
    assert_true(dns_message_next(&message, &walk, &record));
    assert_int_equal(record.ttl, 0);
    assert_true(dns_name_equal(&record.name, &target));
    assert_memory_equal(record.data.data, "\xc0\x00\x02\x07", 4);
    assert_true(dns_message_next(&message, &walk, &record));
    assert_true(dns_record_serial(&message, &record, &serial));
    assert_int_equal(serial, 42);
    assert_false(dns_message_next(&message, &walk, &record));
}

static void broken_messages_are_refused(void **state) {
    (void)state;
    const struct {
        struct slice bytes;
        const char *says;
    } bad[] = {
        {{(const uint8_t *)"", 0}, "header"},
        {SLICE("\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00"), "header"},
        {SLICE(HEADER("\x84\x00", "\x02", "\x00") QUESTION QUESTION), "2 questions"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") "\x03ww"), "beyond"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") "\x03www\x00\x00\x01\x00"), "beyond"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") "\xc0\x0c\x00\x01\x00\x01"), "not before it"}, /* itself */
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") "\x01"
                                                  "a\xc0\x0c\x00\x01\x00\x01"),
         "not before it"}, /* a circle */
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") "\xc0\x20\x00\x01\x00\x01"), "not before it"}, /* forward */
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") "\xc0"), "beyond"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") "\x41"
                                                  "a\x00\x00\x01\x00\x01"),
         "unknown type"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x01") QUESTION), "beyond"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x01") QUESTION
               "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02"),
         "beyond"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x01") QUESTION
               "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x03\xc0\x00\x02"),
         "3 bytes"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x01") QUESTION
               "\xc0\x0c\x00\x02\x00\x01\x00\x00\x00\x3c\x00\x03\xc0\x0c\x00"),
         "another length"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x01") QUESTION
               "\xc0\x0c\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x05\x00\x00\x00\x00\x00"),
         "another length"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x00") QUESTION "x"), "1 bytes behind"},
        {SLICE(HEADER("\x84\x00", "\x01", "\x02") QUESTION "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
                                                           "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"),
         "OPT"},
        {SLICE("\x12\x34\x84\x00\x00\x00\x03\x00\x00\x00\x00\x00"), "768 records"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct dns_message message;
        struct fault fault = {0};
        if (dns_message_read(bad[i].bytes, &message, &fault))
            fail_msg("%zu was taken", i);
        if (!strstr(fault.text, bad[i].says))
            fail_msg("%zu: '%s' without '%s'", i, fault.text, bad[i].says);
    }
}

static void a_truncated_message_is_read_up_to_its_question(void **state) {
    (void)state;
    struct dns_message message;
    assert_true(
        dns_message_read(SLICE(HEADER("\x86\x00", "\x01", "\x05") QUESTION "\xc0\x0c\x00"), &message, NULL));
    assert_true(message.truncated);
    struct dns_walk walk = {0};
    struct dns_record record;
    assert_false(dns_message_next(&message, &walk, &record));
}

static void an_extended_rcode_is_put_together(void **state) {
    (void)state;
    struct dns_message message;
    char text[16];
    assert_true(dns_message_read(SLICE("\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00\x01" QUESTION
                                       "\x00\x00\x29\x04\xd0\x01\x00\x00\x00\x00\x00"),
                                 &message, NULL));
    assert_string_equal(dns_rcode_name(message.rcode, text), "RCODE16"); /* BADVERS */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_and_written),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(a_query_is_a_message_with_its_question),
        cmocka_unit_test(an_answer_is_read_record_by_record),
        cmocka_unit_test(broken_messages_are_refused),
        cmocka_unit_test(a_truncated_message_is_read_up_to_its_question),
        cmocka_unit_test(an_extended_rcode_is_put_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
