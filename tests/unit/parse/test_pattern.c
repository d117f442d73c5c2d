/* The pattern language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "message_pattern.h"

static struct message_pattern *compile(struct symbols *symbols, const char *text) {
    size_t offset;
    struct fault fault;
    struct message_pattern *pattern = message_pattern_compile(slice_string(text), symbols, &offset, &fault);
    if (!pattern)
        fail_msg("%s: at %zu: %s", text, offset, fault.text);
    return pattern;
}

struct pattern_case {
    const char *pattern, *message;
    const char *wanted; /* "name=value;…", NULL: no match */
};

static void render(const struct symbols *symbols, const struct message_capture *captures, size_t count,
                   char *to, size_t room) {
    size_t size = 0;
    to[0] = '\0';
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(to + size, room - size, "%.*s=%.*s;",
                                 SLICE_ARG(symbols_name(symbols, captures[i].symbol)),
                                 SLICE_ARG(captures[i].value));
}

static void patterns_capture_what_they_say(void **state) {
    (void)state;
    static const struct pattern_case cases[] = {
        {"hello", "hello", ""},
        {"hello", "hello  \n", ""},
        {"hello", "hello you", NULL},
        {"hello", "hell", NULL},
        {"a {x} c", "a b c", "x=b;"},
        {"a {x} c", "a  c", NULL},
        {"a {:word} {x}", "a b c", "x=c;"},
        {"({x})", "(abc)", "x=abc;"},
        {"{x}/{y}", "abc/def/g", "x=abc;y=def/g;"},
        {"{x:int} {y:int}", "12 -7", "x=12;y=-7;"},
        {"{x:int}", "12a", NULL},
        {"{x:number}s", "+1.25s", "x=+1.25;"},
        {"{x:ip}:{y:int}", "192.0.2.1:22", "x=192.0.2.1;y=22;"},
        {"[{x:ip}]:{y:int}", "[2001:db8::1]:22", "x=2001:db8::1;y=22;"},
        {"{x:ip}", "main.example.org", NULL},
        {"{x:address} y", "main.example.org y", "x.domain=main.example.org;"},
        {"{x:address} y", "2001:db8::1 y", "x.ip=2001:db8::1;"},
        {"{x:host}:", "main-1.example.org:", "x=main-1.example.org;"},
        {"{x:quoted} {y}", "\"a \\\" b\" c", "x=a \\\" b;y=c;"},
        {"{x:quoted}", "\"a", NULL},
        {"{x:until} ; {y:rest}", "a ; b ; c", "x=a;y=b ; c;"},
        {"{x:until};{y:rest}", ";", "x=;y=;"},
        {"a{x:rest}", "a", "x=;"},
        {"a{? b} c", "a b c", ""},
        {"a{? b} c", "a c", ""},
        {"a{? b{? {x}}}", "a b d", "x=d;"},
        {"a{? b{? {x}}}", "a", ""},
        {"a{? b{? {x}}}", "a d", NULL},
        {"{x}{?: {y}}: z", "a: b: z", "x=a;y=b;"},
        {"{x}{?: {y}}) z", "a) z", "x=a;"},
        {"for {x:text} from {y:address} port {z:int}{? end}", "for a from 1 port 2 from 192.0.2.1 port 3 end",
         "x=a from 1 port 2;y.ip=192.0.2.1;z=3;"},
        {"for {x:text} from {y:address}", "for  from 192.0.2.1", "x=;y.ip=192.0.2.1;"},
        {"{x:text} {y:quoted}", "a \"b\" \"c\"", "x=a \"b\";y=c;"},
        {"{x:text}: {y} ({z})", "p: q: r (s)", "x=p: q;y=r;z=s;"},
        {"{x:text}{?, {y}{?, {z}}}", "a, b, c", "x=a;y=b;z=c;"},
        {"{{{x}}}", "{a}", "x=a;"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct symbols *symbols = symbols_create();
        struct message_pattern *pattern = compile(symbols, cases[i].pattern);
        struct message_capture captures[MESSAGE_PATTERN_CAPTURES_MOST];
        size_t count;
        char text[512];
        bool fits = message_pattern_match(pattern, slice_string(cases[i].message), captures, &count);
        if (fits)
            render(symbols, captures, count, text, sizeof text);
        if (fits != (cases[i].wanted != NULL) || (fits && strcmp(text, cases[i].wanted) != 0))
            fail_msg("%s on %s: %s", cases[i].pattern, cases[i].message, fits ? text : "no match");
        message_pattern_destroy(pattern);
        symbols_destroy(symbols);
    }
}

static void a_match_never_starts_or_ends_where_the_shortcuts_rule_it_out(void **state) {
    (void)state;
    static const char *const patterns[] = {"{?a }{?b }c",    "{x:int}{? d}",
                                           "{x:text} end",   "{?{x:quoted} }z{:rest}",
                                           "{x:address}: q", "{x:until}; f"};
    static const char *const messages[] = {"a b c",    "b c", "c",      "12",   "-12 d", "any end", " end",
                                           "\"q\" z1", "z",   "::1: q", "h: q", ";; f",  "; f"};
    unsigned matches = 0;
    struct symbols *symbols = symbols_create();
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct message_pattern *pattern = compile(symbols, patterns[i]);
        for (size_t j = 0; j < sizeof messages / sizeof *messages; j++) {
            struct message_capture captures[MESSAGE_PATTERN_CAPTURES_MOST];
            struct slice message = slice_string(messages[j]), tail = message_pattern_tail(pattern);
            size_t count;
            if (!message_pattern_match(pattern, message, captures, &count))
                continue;
            matches++;
            assert_true(message_pattern_may_start(pattern, message.data[0]));
            assert_true(slice_starts(message, message_pattern_head(pattern)));
            assert_true(slice_equal(slice_from(message, message.size - tail.size), tail) || tail.size == 0);
        }
        message_pattern_destroy(pattern);
    }
    symbols_destroy(symbols);
    assert_int_equal(matches, 13);
}

static void a_wrong_pattern_is_refused_where_it_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
        const char *words;
    } cases[] = {
        {"", 0, "bytes"},
        {"a {x", 2, "without its '}'"},
        {"a x}", 3, "closes nothing"},
        {"a {x:wird}", 2, "no type"},
        {"a {}", 2, "empty capture"},
        {"a {x y}", 2, "no field name"},
        {"{x:text} {y:text}", 9, "second text"},
        {"{x:text} {y:rest}", 9, "only one"},
        {"{x:text} {y:until} z", 9, "behind the text"},
        {"{x:until}", 0, "until"},
        {"{x:until}{y}", 0, "until"},
        {"{x:rest} z", 0, "not the last"},
        {"a{?", 1, "without its '}'"},
        {"a{?}", 1, "nothing in it"},
        {"a{?{x:text}}", 3, "two patterns"},
        {"{?a{?b{?c{?d{?e}}}}}", 12, "nested"},
    };
    struct symbols *symbols = symbols_create();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        size_t offset = 999;
        assert_null(message_pattern_compile(slice_string(cases[i].text), symbols, &offset, &fault));
        if (!strstr(fault.text, cases[i].words) || cases[i].offset != offset)
            fail_msg("%s: at %zu: %s", cases[i].text, offset, fault.text);
    }
    symbols_destroy(symbols);
}

static void matching_looks_at_each_byte_a_few_times_at_most(void **state) {
    (void)state;
    /* What makes a backtracking matcher quadratic or worse. */
    struct symbols *symbols = symbols_create();
    struct message_pattern *pattern =
        compile(symbols, "{?{a:until}x}{?{b:until}x}{?{c:until}x}{d:text}y{?{e}y}{?{f}y}z");
    static uint8_t text[256 * 1024];
    memset(text, 'y', sizeof text);
    struct message_capture captures[MESSAGE_PATTERN_CAPTURES_MOST];
    size_t count;
    clock_t start = clock();
    for (unsigned i = 0; i < 20; i++)
        assert_false(message_pattern_match(pattern, slice_make(text, sizeof text), captures, &count));
    /* 20 × 256 KiB: some milliseconds; a quadratic matcher needs minutes. */
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 20);
    message_pattern_destroy(pattern);
    symbols_destroy(symbols);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_capture_what_they_say),
        cmocka_unit_test(a_match_never_starts_or_ends_where_the_shortcuts_rule_it_out),
        cmocka_unit_test(a_wrong_pattern_is_refused_where_it_is_wrong),
        cmocka_unit_test(matching_looks_at_each_byte_a_few_times_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
