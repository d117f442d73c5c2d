/* JSON in and out, and logfmt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "json_fields.h"
#include "logfmt_fields.h"
#include "record_json.h"

struct fixture {
    struct symbols *symbols;
    struct record *record;
};

static int set_up(void **state) {
    static struct fixture fixture;
    fixture.symbols = symbols_create();
    fixture.record = record_create(fixture.symbols);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    record_destroy(fixture->record);
    symbols_destroy(fixture->symbols);
    return 0;
}

static bool add_json(struct fixture *fixture, const char *text) {
    record_clear(fixture->record);
    return json_fields_add(fixture->record, slice_string(text), SLICE(""), NULL);
}

static void objects_become_dotted_fields_and_nested_again(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"{}", "{}"},
        {" { \"a\" : 1 , \"b\" : [ true , null , -1.5e3 ] } ", "{\"a\":1,\"b\":[true,null,-1.5e3]}"},
        {"{\"a\":{\"b\":{\"c\":\"x\"}},\"d\":2,\"a\":{\"e\":3}}",
         "{\"a\":{\"b\":{\"c\":\"x\"},\"e\":3},\"d\":2}"},
        {"{\"a\":1,\"a\":{\"b\":2}}", "{\"a\":1,\"a.b\":2}"},
        {"{\"a\":{\"b\":2},\"a\":1}", "{\"a.b\":2,\"a\":1}"},
        {"{\"x\":{\"a\":1,\"a\":{\"b\":{\"c\":2}}}}", "{\"x\":{\"a\":1,\"a.b.c\":2}}"},
        {"{\"a..b\":1,\".c\":2,\"d.\":3}", "{\"a..b\":1,\".c\":2,\"d.\":3}"},
        {"{\"a\":[{\"b\":1},{\"b\":2}]}", "{\"a\":{\"b\":[1,2]}}"},
        {"{\"a\":\"\\u00e9\\ud83d\\ude00\\ud83d\\n\\\"\\/\"}",
         "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\\n\\\"/\"}"},
        {"{\"a\":\"\\u0000\\u009b\\u007f\"}", "{\"a\":\"\\u0000\\u009b\\u007f\"}"},
        {"{\"a\":\"\xff\xc3\"}", "{\"a\":\"\xef\xbf\xbd\xef\xbf\xbd\"}"},
        {"{\"k\\u0041\":1}", "{\"kA\":1}"},
        {"{\"\":1}", "{\"\":1}"},
        {"{\"a\":{},\"b\":[]}", "{}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_BUFFER struct buffer out = BUFFER(4096);
        if (!add_json(fixture, cases[i].in))
            fail_msg("refused: %s", cases[i].in);
        assert_true(record_json_write(&out, fixture->record));
        assert_string_equal(buffer_string(&out), cases[i].out);
    }
}

static void what_is_not_one_object_is_refused_and_leaves_nothing(void **state) {
    struct fixture *fixture = *state;
    static const char *const bad[] = {"",
                                      "1",
                                      "[]",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":1e}",
                                      "{\"a\":-}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{a:1}",
                                      "{\"a\":1}x",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":\"\\",
                                      "{\"a\":[1,]}",
                                      "{\"a\":1}{\"b\":2}",
                                      "{'a':1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (add_json(fixture, bad[i]))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(fixture->record->count, 0);
        assert_int_equal(fixture->record->scratch_used, 0);
    }
}

static void nesting_has_a_limit(void **state) {
    struct fixture *fixture = *state;
    char text[512];
    for (unsigned depth = JSON_FIELDS_DEPTH; depth <= JSON_FIELDS_DEPTH + 1; depth++) {
        size_t size = 0;
        for (unsigned i = 0; i < depth; i++)
            size += (size_t)snprintf(text + size, sizeof text - size, "{\"a\":");
        size += (size_t)snprintf(text + size, sizeof text - size, "1");
        for (unsigned i = 0; i < depth; i++)
            text[size++] = '}';
        text[size] = '\0';
        assert_int_equal(add_json(fixture, text), depth == JSON_FIELDS_DEPTH);
    }
}

static void the_output_is_valid_json_whatever_comes(void **state) {
    struct fixture *fixture = *state;
    unsigned seed = 7;
    for (unsigned round = 0; round < 400; round++) {
        char names[12][6], values[12][6];
        record_clear(fixture->record);
        for (unsigned i = 0; i < 12; i++) {
            for (unsigned j = 0; j < 6; j++) {
                seed = seed * 1103515245u + 12345u;
                names[i][j] = "ab.."[seed >> 16 & 3];
                values[i][j] = (char)(seed >> 20);
            }
            record_add_named(fixture->record, slice_make(names[i], 1 + i % 6),
                             (enum record_type)(seed >> 8 & 3), slice_make(values[i], i % 6));
        }
        CLEANUP_BUFFER struct buffer out = BUFFER(16384);
        assert_true(record_json_write(&out, fixture->record));
        json_error_t error;
        json_t *parsed =
            json_loadb((const char *)out.data, out.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!parsed)
            fail_msg("%s: %s", error.text, buffer_string(&out));
        json_decref(parsed);
    }
}

static void deep_names_stay_dotted_and_a_small_buffer_is_told(void **state) {
    struct fixture *fixture = *state;
    static char name[2001];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    record_clear(fixture->record);
    record_add_named(fixture->record, slice_make(name, sizeof name), RECORD_NUMBER, SLICE("007"));
    CLEANUP_BUFFER struct buffer out = BUFFER(4096), small = BUFFER(100);
    assert_true(record_json_write(&out, fixture->record));
    json_error_t error;
    json_t *parsed = json_loadb((const char *)out.data, out.size, 0, &error), *at = parsed;
    unsigned depth = 0;
    for (; json_is_object(at); depth++)
        at = json_object_iter_value(json_object_iter(at));
    assert_int_equal(depth, RECORD_JSON_DEPTH);
    assert_string_equal(json_string_value(at), "007");
    json_decref(parsed);
    assert_false(record_json_write(&small, fixture->record));
}

static void fields_in_front_replace_those_of_the_record(void **state) {
    struct fixture *fixture = *state;
    struct record_field front[] = {{0, RECORD_TEXT, SLICE("id"), SLICE("main~01/7")},
                                   {0, RECORD_TEXT, SLICE("host.name"), SLICE("main")}};
    assert_true(add_json(fixture, "{\"host\":{\"name\":\"forged\",\"ip\":\"::1\"},\"a\":1}"));
    CLEANUP_BUFFER struct buffer out = BUFFER(4096);
    assert_true(record_json_write_with(&out, front, 2, fixture->record));
    assert_string_equal(buffer_string(&out),
                        "{\"id\":\"main~01/7\",\"host\":{\"name\":\"main\",\"ip\":\"::1\"},\"a\":1}");
}

static void logfmt_is_pairs_and_nothing_else(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *in, *out; /* out: NULL for text that is none */
    } cases[] = {
        {"a=1 b=two", "{\"a\":\"1\",\"b\":\"two\"}"},
        {"a=\"x \\\"y\\\" \\n\"  b.c= ", "{\"a\":\"x \\\"y\\\" \\n\",\"b\":{\"c\":\"\"}}"},
        {"a=b=c d=e", "{\"a\":\"b=c\",\"d\":\"e\"}"},
        {"a=1", NULL},
        {"hello a=1 b=2", NULL},
        {"a=1 hello b=2", NULL},
        {"a=1 b=2 ", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"a=\"x b=2", NULL},
        {"a=\"x\"y b=2", NULL},
        {"a=1 =2", NULL},
        {"1a=1 b=2", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_BUFFER struct buffer out = BUFFER(4096);
        record_clear(fixture->record);
        bool taken = logfmt_fields_add(fixture->record, slice_string(cases[i].in), NULL);
        if (taken != (cases[i].out != NULL))
            fail_msg("%s", cases[i].in);
        assert_true(taken || (fixture->record->count == 0 && fixture->record->scratch_used == 0));
        record_json_write(&out, fixture->record);
        if (taken)
            assert_string_equal(buffer_string(&out), cases[i].out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_become_dotted_fields_and_nested_again),
        cmocka_unit_test(what_is_not_one_object_is_refused_and_leaves_nothing),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(the_output_is_valid_json_whatever_comes),
        cmocka_unit_test(deep_names_stay_dotted_and_a_small_buffer_is_told),
        cmocka_unit_test(fields_in_front_replace_those_of_the_record),
        cmocka_unit_test(logfmt_is_pairs_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
