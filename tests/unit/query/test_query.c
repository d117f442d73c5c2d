/* Searches: what they find, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query_expression.h"
#include "query_text.h"

struct fixture {
    struct symbols *symbols;
    struct record *record;
};

#define RAW                                                                                                  \
    "Nov 21 18:44:24 main sshd[7]: Failed password for (root) from 2001:db8::9 port 40022 and \"more\" "     \
    "(QuuX)"

static int set_up(void **state) {
    static struct fixture fixture;
    fixture.symbols = symbols_create();
    fixture.record = record_create(fixture.symbols);
    record_add_named(fixture.record, SLICE("event.original"), RECORD_TEXT, SLICE(RAW));
    record_add_named(fixture.record, SLICE("user.name"), RECORD_TEXT, SLICE("root"));
    record_add_named(fixture.record, SLICE("source.port"), RECORD_NUMBER, SLICE("40022"));
    record_add_named(fixture.record, SLICE("clock.offset"), RECORD_NUMBER, SLICE("-3.5"));
    record_add_named(fixture.record, SLICE("tocsin.service"), RECORD_TEXT, SLICE("sshd"));
    record_add_named(fixture.record, SLICE("tocsin.service"), RECORD_TEXT, SLICE("auth"));
    record_add_named(fixture.record, SLICE("process.command_line"), RECORD_TEXT,
                     SLICE("/bin/ls *.c in here"));
    record_add_named(fixture.record, SLICE("empty"), RECORD_TEXT, SLICE(""));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    record_destroy(fixture->record);
    symbols_destroy(fixture->symbols);
    return 0;
}

static void a_search_finds_what_it_says(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        bool matches, may_match, needs_fields;
    } cases[] = {
        {"", true, true, false},
        {"   ", true, true, false},
        {"failed", true, true, false},
        {"FAILED", true, true, false},
        {"ailed", true, true, false},
        {"accepted", false, false, false},
        {"failed accepted", false, false, false},
        {"failed and root", true, true, false},
        {"failed AND accepted", false, false, false},
        {"accepted or root", true, true, false},
        {"accepted or nothing", false, false, false},
        {"not accepted", true, true, false},
        {"not failed", false, false, false},
        {"not not failed", true, true, false},
        {"not accepted and failed", true, true, false},
        {"not (accepted or failed)", false, false, false},
        {"accepted failed or root", true, true, false},
        {"accepted (failed or root)", false, false, false},
        {"\"password for\"", true, true, false},
        {"\"for  password\"", false, false, false},
        {"\"\\\"more\\\"\"", true, true, false},
        {"\"and\"", true, true, false},
        {"\"(quux)\"", true, true, false},
        {"2001:db8::9", true, true, false},
        {"18:44:24", true, true, false},
        {"db8::9", true, true, false},
        {"http://x", false, false, false},
        {"user.name:root", true, true, true},
        {"User.Name:ROOT", true, true, true},
        {"user.name:roo", false, true, true},
        {"user.name:ro*", true, true, true},
        {"user.name:*oo*", true, true, true},
        {"user.name:*x*", false, true, true},
        {"user.name:*", true, true, true},
        {"user.name:**", true, true, true},
        {"user.id:*", false, true, true},
        {"empty:*", true, true, true},
        {"empty:\"\"", true, true, true},
        {"user.name:\"\"", false, true, true},
        {"not user.name:root", false, true, true},
        {"not user.name:root failed", false, true, true},
        {"accepted user.name:root", false, false, true},
        {"accepted or user.name:root", true, true, true},
        {"tocsin.service:auth", true, true, true},
        {"tocsin.service:sshd tocsin.service:auth", true, true, true},
        {"source.port:40022", true, true, true},
        {"source.port:>=40022", true, true, true},
        {"source.port:>40022", false, true, true},
        {"source.port:<40022", false, true, true},
        {"source.port:<=40022", true, true, true},
        {"clock.offset:<-3.25", true, true, true},
        {"clock.offset:>-3.25", false, true, true},
        {"user.name:>1", false, true, true},
        {"process.command_line:\"/bin/ls *.c in here\"", true, true, true},
        {"process.command_line:\"/bin/ls *\"", false, true, true},
        {"process.command_line:/bin/ls*", true, true, true},
        {"(failed)(root)", true, true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault;
        struct query_expression *expression = query_expression_parse(slice_string(cases[i].text), &fault);
        if (!expression)
            fail_msg("%s: %s: %s", cases[i].text, fault.place, fault.text);
        if (query_matches(expression, fixture->record) != cases[i].matches)
            fail_msg("%s: matches", cases[i].text);
        if (query_raw_may_match(expression, SLICE(RAW)) != cases[i].may_match)
            fail_msg("%s: may match", cases[i].text);
        if (query_needs_fields(expression) != cases[i].needs_fields)
            fail_msg("%s: needs fields", cases[i].text);
        query_expression_destroy(expression);
    }
}

static void a_wrong_search_is_refused_at_its_column(void **state) {
    (void)state;
    static const struct {
        const char *text, *place, *words;
    } cases[] = {
        {"(a", "column 1", "never closed"},
        {"a b)", "column 4", "without an opening"},
        {")", "column 1", "without an opening"},
        {"()", "column 1", "nothing in them"},
        {"a \"b", "column 3", "never closed"},
        {"\"\"", "column 1", "nothing in them"},
        {"a or", "column 5", "something must follow"},
        {"not", "column 4", "something must follow"},
        {"and b", "column 1", "both sides"},
        {"a or or b", "column 6", "both sides"},
        {"a user.name:", "column 13", "without a value"},
        {"source.port:>x", "column 13", "a number"},
        {"source.port:>", "column 13", "a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        assert_null(query_expression_parse(slice_string(cases[i].text), &fault));
        if (strcmp(fault.place, cases[i].place) != 0 || !strstr(fault.text, cases[i].words))
            fail_msg("%s: %s: %s", cases[i].text, fault.place, fault.text);
    }
}

static void limits_are_told(void **state) {
    (void)state;
    static char text[QUERY_TEXT_MOST + 2];
    struct fault fault;
    memset(text, 'a', sizeof text);
    assert_null(query_expression_parse(slice_make(text, QUERY_TEXT_MOST + 1), &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    struct query_expression *expression = query_expression_parse(slice_make(text, QUERY_TEXT_MOST), &fault);
    assert_non_null(expression);
    query_expression_destroy(expression);
    memset(text, '(', 100);
    assert_null(query_expression_parse(slice_make(text, 200), &fault));
    assert_non_null(strstr(fault.text, "deeper"));
    for (size_t i = 0; i < 2000; i++)
        text[i] = i % 2 ? ' ' : 'a';
    assert_null(query_expression_parse(slice_make(text, 2000), &fault));
    assert_non_null(strstr(fault.text, "more words"));
}

static bool found_slowly(struct slice needle, struct slice text) {
    for (size_t i = 0; i + needle.size <= text.size; i++)
        if (slice_equal_caseless(slice_make(text.data + i, needle.size), needle))
            return true;
    return false;
}

static void the_quick_search_agrees_with_the_plain_one(void **state) {
    (void)state;
    unsigned seed = 3, found = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char text[24], needle[4];
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = "abAB.q"[(seed = seed * 1103515245u + 12345u) >> 16 & 3];
        for (size_t i = 0; i < sizeof needle; i++)
            needle[i] = "ab.b"[(seed = seed * 1103515245u + 12345u) >> 16 & 3];
        struct slice whole = slice_make(text, round % 25), part = slice_make(needle, 1 + round % 4);
        struct query_needle quick = query_needle_make(part);
        bool expected = found_slowly(part, whole);
        found += expected;
        assert_int_equal(query_needle_in(&quick, whole), expected);
    }
    assert_in_range(found, 1000, 19000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_finds_what_it_says),
        cmocka_unit_test(a_wrong_search_is_refused_at_its_column),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(the_quick_search_agrees_with_the_plain_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
