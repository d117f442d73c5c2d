#include "workbench.h"

/* Whether "field|modifiers: value" matches a value of that field. */
static bool item(const char *text, const char *value) {
    char detection[2048];
    snprintf(detection, sizeof detection, "  s:\n    %s\n  condition: s\n", text);
    return workbench_matches(detection, "f", value, NULL);
}

static void text_is_compared_without_case_and_whole(void **state) {
    (void)state;
    assert_true(item("f: Root", "rOOT"));
    assert_false(item("f: root", "root2"));
    assert_false(item("f: root", "xroot"));
    assert_true(item("f|cased: Root", "Root"));
    assert_false(item("f|cased: Root", "root"));
    assert_true(item("f|contains|cased: oO", "rroOt"));
    assert_false(item("f|contains|cased: oO", "rroot"));
}

static void a_number_equals_its_text(void **state) {
    (void)state;
    assert_true(item("f: 42", "42"));
    assert_true(item("f: '42'", "42"));
    assert_false(item("f: 42", "042"));
}

static void contains_startswith_endswith_look_where_they_say(void **state) {
    (void)state;
    assert_true(item("f|contains: oo", "rOOt"));
    assert_true(item("f|startswith: ro", "ROot"));
    assert_false(item("f|startswith: oo", "root"));
    assert_true(item("f|endswith: ot", "roOT"));
    assert_false(item("f|endswith: oo", "root"));
    assert_true(item("f|contains: 'a*c'", "xxABBCxx"));
    assert_true(item("f|startswith: 'a?c'", "abcd"));
    assert_false(item("f|startswith: 'a?c'", "acd"));
}

static void lists_are_or_and_all_makes_them_and(void **state) {
    (void)state;
    assert_true(item("f: [a, b]", "b"));
    assert_false(item("f: [a, b]", "c"));
    assert_true(item("f|contains|all: [a, b]", "xbxa"));
    assert_false(item("f|contains|all: [a, b]", "xbx"));
}

static void wildcards_stand_for_any_text_and_one_character(void **state) {
    (void)state;
    assert_true(item("f: 'a*z'", "az"));
    assert_true(item("f: 'a*z'", "abcz"));
    assert_false(item("f: 'a*z'", "abczy"));
    assert_true(item("f: 'a?c'", "abc"));
    assert_true(item("f: 'a?c'", "a\xc3\xa4"
                                 "c"));
    assert_false(item("f: 'a?c'", "ac"));
    /* A star stops between characters: an en dash is one. */
    assert_true(item("f: '*?'", "\xe2\x80\x93"));
    assert_false(item("f: '*?\?'", "\xe2\x80\x93"));
    assert_true(item("f: '*?\?'", "x\xe2\x80\x93"));
    assert_true(item("f: '*?\?'", "\x80\x93")); /* no character: each byte is one */
    assert_true(item("f|wide|base64|contains: x", "eAA="));
    assert_true(item("f: '*b*d*'", "abcde"));
    assert_true(item("f: '*ab*ab'", "abxabab"));
    assert_false(item("f: '*ab*ab?'", "abab"));
}

static void three_spellings_of_a_backslash_and_a_star_are_three_things(void **state) {
    (void)state;
    assert_true(item("f: 'a\\*'", "a*"));
    assert_false(item("f: 'a\\*'", "ab"));
    assert_false(item("f: 'a\\*'", "a\\b"));
    assert_true(item("f: 'a\\\\*'", "a\\b"));
    assert_false(item("f: 'a\\\\*'", "a*"));
    assert_true(item("f: 'a\\\\\\*'", "a\\*"));
    assert_false(item("f: 'a\\\\\\*'", "a\\b"));
    assert_true(item("f: 'a\\?'", "a?"));
    assert_false(item("f: 'a\\?'", "ab"));
    assert_true(item("f: 'C:\\Windows\\x'", "c:\\windows\\x"));
    assert_true(item("f: '\\\\\\\\host\\x'", "\\\\host\\x"));
}

static void null_is_absent_and_empty_is_present_and_empty(void **state) {
    (void)state;
    static const char null[] = "  s: {f: null}\n  condition: s\n", empty[] = "  s: {f: ''}\n  condition: s\n";
    assert_true(workbench_matches(null, "g", "x", NULL));
    assert_true(workbench_matches(null, "f", NULL, NULL));
    assert_false(workbench_matches(null, "f", "", NULL));
    assert_true(workbench_matches(empty, "f", "", NULL));
    assert_false(workbench_matches(empty, "g", "", NULL));
    assert_false(workbench_matches(empty, "f", "x", NULL));
    assert_true(item("f: [null, x]", "x"));
    assert_true(item("f: '*'", ""));
    assert_false(workbench_matches("  s: {f: '*'}\n  condition: s\n", "g", "x", NULL));
}

static void exists_asks_whether_the_field_is_there(void **state) {
    (void)state;
    assert_true(item("f|exists: true", ""));
    assert_false(item("f|exists: false", ""));
    assert_true(workbench_matches("  s: {f|exists: false}\n  condition: s\n", "g", "x", NULL));
    /* JSON's null: the field is there, and has no value. */
    assert_true(item("f|exists: true", NULL));
    assert_false(item("f|exists: false", NULL));
    assert_true(item("f: null", NULL));
    assert_false(item("f|contains: ''", NULL));
}

static void parts_of_a_date_are_numbers(void **state) {
    (void)state;
    static const char *const dates[] = {"2026-11-21T18:44:24.5+05:00", "2026-11-21 18:44:24", "2026/11/21 18:44",
                                        "21/Nov/2026:18:44:24 +0000",  "1795286664",          "1795286664.250",
                                        "1795286664250",               "1795286664250123"};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        assert_true(item("f|minute: 44", dates[i]));
        assert_true(item("f|hour: 18", dates[i]));
        assert_true(item("f|day: 21", dates[i]));
        assert_true(item("f|week: 47", dates[i]));
        assert_true(item("f|month: 11", dates[i]));
        assert_true(item("f|year: 2026", dates[i]));
        assert_false(item("f|hour: 19", dates[i]));
        assert_true(item("f|hour|gte: 18", dates[i]));
        assert_true(item("f|lt|hour: 19", dates[i]));
        assert_false(item("f|hour|gt: 18", dates[i]));
        assert_true(item("f|hour|neq: [0, 1]", dates[i]));
    }
    assert_true(item("f|hour: [8, 18]", "Nov 21 18:44:24"));
    assert_true(item("f|day: 2", "Nov  2 18:44:24"));
    assert_false(item("f|year|gte: 0", "Nov 21 18:44:24"));
    assert_true(item("f|day: 29", "2024-02-29"));
    assert_false(item("f|hour|gte: 0", "2024-02-29"));
    static const char *const none[] = {"",           "2023-02-29T10:00:00Z", "2026-11-21T24:00", "late",
                                       "2026-11-21x", "31/Nov/2026:18:44:24",  "7",                "Nov 31 10:00:00"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(item("f|day|gte: 0", none[i]));
    /* ISO 8601's weeks at the turn of years. */
    assert_true(item("f|week: 53", "2021-01-03"));
    assert_true(item("f|week: 1", "2021-01-04"));
    assert_true(item("f|week: 1", "2024-12-30"));
    assert_true(item("f|week: 52", "2022-01-01"));
}

static void an_event_has_its_time_where_the_record_names_none(void **state) {
    (void)state;
    static const char night[] = "  s: {'@timestamp|hour|lt': 6}\n  condition: s\n";
    static const char year[] = "  s: {'@timestamp|startswith': '1970-01-01T00:00:01'}\n  condition: s\n";
    assert_true(workbench_matches(night, "f", "x", NULL)); /* a second after 1970 */
    assert_true(workbench_matches(year, "f", "x", NULL));
    assert_false(workbench_matches(night, "@timestamp", "2026-11-21T18:44:24+01:00", NULL));
    assert_true(workbench_matches(night, "@timestamp", "2026-11-21T05:44:24+01:00", NULL));
    assert_false(workbench_matches(year, "@timestamp", "2026-11-21T05:44:24+01:00", NULL));
}

static void neq_is_everything_else(void **state) {
    (void)state;
    assert_false(item("f|neq: a", "a"));
    assert_true(item("f|neq: a", "b"));
    assert_false(item("f|neq: [a, b]", "b"));
    assert_false(item("f|contains|neq: a", "bab"));
}

static void numbers_are_compared_as_numbers(void **state) {
    (void)state;
    assert_true(item("f|gt: 9", "10"));
    assert_false(item("f|gt: 10", "10"));
    assert_true(item("f|gte: 10", "10"));
    assert_true(item("f|lt: 10.5", "10.25"));
    assert_true(item("f|lte: -1", "-1e0"));
    assert_false(item("f|lt: 10", "9x"));
    assert_false(item("f|lt: 10", ""));
    assert_false(item("f|lt: 10", "nan"));
}

static void networks_hold_addresses(void **state) {
    (void)state;
    assert_true(item("f|cidr: 192.0.2.0/24", "192.0.2.255"));
    assert_false(item("f|cidr: 192.0.2.0/24", "192.0.3.1"));
    assert_true(item("f|cidr: [10.0.0.0/8, 192.0.2.128/25]", "192.0.2.200"));
    assert_false(item("f|cidr: 192.0.2.128/25", "192.0.2.100"));
    assert_true(item("f|cidr: '2001:db8::/32'", "2001:DB8:1::1"));
    assert_false(item("f|cidr: '2001:db8::/32'", "2001:db9::1"));
    assert_true(item("f|cidr: 192.0.2.0/24", "::ffff:192.0.2.1"));
    assert_true(item("f|cidr: 0.0.0.0/0", "1.2.3.4"));
    assert_false(item("f|cidr: 0.0.0.0/0", "not an address"));
}

static void regular_expressions_mind_case_unless_told(void **state) {
    (void)state;
    assert_true(item("f|re: 'r[o0]{2}t$'", "xroot"));
    assert_false(item("f|re: 'r[o0]{2}t$'", "xROOT"));
    assert_true(item("f|re|i: 'r[o0]{2}t$'", "xROOT"));
    assert_false(item("f|re: 'a.b'", "a\nb"));
    assert_true(item("f|re|s: 'a.b'", "a\nb"));
    assert_false(item("f|re: '^b'", "a\nb"));
    assert_true(item("f|re|m: '^b'", "a\nb"));
    assert_true(item("f|re|i|s: 'A.B'", "a\nb"));
    assert_true(item("f|re: '(a+)b\\1'", "xaabaa"));
    assert_true(item("f|re: '^.$'", "x"));
    assert_true(item("f|re: '^\\p{Lu}$'", "\xc3\x84"));
    assert_true(item("f|re: ''", "anything"));
    /* A character is one, however many bytes it takes. */
    assert_true(item("f|re: '^.$'", "\xc3\x84"));
    assert_true(item("f|re: '^.{3}$'", "a\xc3\x84z"));
    assert_false(item("f|re: '^.{4}$'", "a\xc3\x84z"));
    assert_true(item("f|re: '^[^a]$'", "\xc3\x84"));
    assert_true(item("f|re: '^\\W{1}$'", "\xc3\x84"));
    assert_true(item("f|re: '^a[^/]+z.*$'", "a\xc3\x84z"));
}

static void a_regular_expression_that_runs_away_is_stopped_and_counted(void **state) {
    (void)state;
    /* Without the prefilter, which sees at once that it cannot match. */
    struct workbench *bench = workbench_open_with("title: R\nlogsource: {}\ndetection:\n"
                                                  "  s: {f|re: '^(a+)+(a+)+$'}\n  condition: s\n",
                                                  true, 0);
    char value[2001];
    memset(value, 'a', 2000);
    value[1999] = 'b';
    value[2000] = 0;
    assert_string_equal(workbench_event(bench, SECOND, "f", value, NULL), "");
    assert_int_equal(detector_counts(bench->detector).exhausted, 1);
    assert_true(detector_cost(bench->detector, 0).steps > 30);
    workbench_close(bench);
}

static void encoded_values_are_found_encoded(void **state) {
    (void)state;
    assert_true(item("f|base64: foobar", "Zm9vYmFy"));
    assert_true(item("f|base64: foobar", "zm9vymfy")); /* text is text: without case unless cased */
    assert_false(item("f|base64|cased: foobar", "zm9vymfy"));
    assert_true(item("f|base64|cased: foobar", "Zm9vYmFy"));
    assert_false(item("f|base64: foobar", "Zm9vYmFz"));
    assert_true(item("f|base64offset|contains: /bin/bash", "xxL2Jpbi9iYXNo"));
    assert_true(item("f|base64offset|contains: /bin/bash", "zzIC9iaW4vYmFzaA")); /* " /bin/bash" */
    assert_true(item("f|base64offset|contains: /bin/bash", "ICAvYmluL2Jhc2"));   /* "  /bin/bash" */
    assert_false(item("f|base64offset|contains: /bin/bash", "L2Jpbi96c2g"));
    assert_true(item("f|wide|base64offset|contains: ping", "cABpAG4AZwA"));
    assert_true(item("f|utf16|base64: a", "//5hAA=="));
    assert_true(item("f|utf16be|base64: a", "AGE="));
}

static void windash_takes_every_dash_at_the_beginning_of_a_word(void **state) {
    (void)state;
    assert_true(item("f|windash|contains: ' -f'", "cmd /F x"));
    assert_true(item("f|windash|contains: ' -f'", "cmd \xe2\x80\x93"
                                                  "f x"));
    assert_true(item("f|windash|contains: ' -f'", "cmd -f x"));
    assert_false(item("f|windash|contains: ' -f'", "cmd +f x"));
    assert_false(item("f|windash|contains: ' a-f'", "cmd a/f"));
    assert_true(item("f|windash|contains: ' \xe2\x80\x95" "f'", "cmd -f x"));
    assert_true(item("f|windash|contains: ' \xe2\x80\x95" "f'", "cmd \xe2\x80\x94" "f x"));
    assert_false(item("f|windash|contains: ' \xe2\x80\x95 f'", "cmd - f x"));
    assert_true(item("f|windash|base64: '-a'", "L2E="));       /* /a */
    assert_true(item("f|windash|wide|base64: '-a'", "FCBhAA==")); /* en dash, a */
    assert_false(item("f|windash|base64: '-a'", "K2E="));      /* +a */
}

static void fieldref_compares_two_fields(void **state) {
    (void)state;
    static const char same[] = "  s: {f|fieldref: g}\n  condition: s\n";
    static const char ends[] = "  s: {f|fieldref|endswith: g}\n  condition: s\n";
    assert_true(workbench_matches(same, "f", "A", "g", "a", NULL));
    assert_false(workbench_matches(same, "f", "a", "g", "b", NULL));
    assert_false(workbench_matches(same, "f", "a", NULL));
    assert_true(workbench_matches(ends, "f", "xyz", "g", "YZ", NULL));
    assert_false(workbench_matches(ends, "f", "xyz", "g", "xy", NULL));
}

static void keywords_are_looked_for_in_the_message_and_the_raw_line(void **state) {
    (void)state;
    static const char list[] = "  s: [segfault, 'out of*memory']\n  condition: s\n";
    assert_true(workbench_matches(list, "message", "x SEGFAULT y", NULL));
    assert_true(workbench_matches(list, "event.original", "<3>kernel: out of all memory", NULL));
    assert_true(workbench_matches(list, "event.original", "x", "message", "segfault", NULL));
    assert_false(workbench_matches(list, "other", "segfault", NULL));
    static const char all[] = "  s: {'|all': [one, two]}\n  condition: s\n";
    assert_true(workbench_matches(all, "message", "two one", NULL));
    assert_false(workbench_matches(all, "message", "two", NULL));
    assert_true(workbench_matches("  s: {'|re': 'o[n]e$'}\n  condition: s\n", "message", "two one", NULL));
}

static void maps_are_and_and_lists_of_maps_are_or(void **state) {
    (void)state;
    static const char maps[] = "  s:\n    - {a: 1, b: 2}\n    - c: 3\n  condition: s\n";
    assert_true(workbench_matches(maps, "a", "1", "b", "2", NULL));
    assert_false(workbench_matches(maps, "a", "1", NULL));
    assert_true(workbench_matches(maps, "c", "3", NULL));
}

static void conditions_join_selections(void **state) {
    (void)state;
#define THREE "  a: {a: 1}\n  b: {b: 1}\n  _c: {c: 1}\n"
    static const struct {
        const char *condition;
        const char *a, *b, *c;
        bool expected;
    } cases[] = {
        {"a and b", "1", "1", "0", true},
        {"a and b", "1", "0", "0", false},
        {"a or b", "0", "1", "0", true},
        {"not a", "0", "0", "0", true},
        {"not not a", "1", "0", "0", true},
        {"a or b and _c", "1", "0", "0", true}, /* and binds first */
        {"(a or b) and _c", "1", "0", "0", false},
        {"not (a and b)", "1", "0", "0", true},
        {"not a and b", "0", "1", "0", true},
        {"1 of them", "0", "0", "1", false}, /* _c is not in them */
        {"1 of them", "0", "1", "0", true},
        {"all of them", "1", "1", "0", true},
        {"all of them", "1", "0", "1", false},
        {"1 of _*", "0", "0", "1", true},
        {"any of *", "0", "0", "1", false},
        {"2 of them", "1", "1", "0", true},
        {"2 of them", "1", "0", "0", false},
        {"not 1 of them", "0", "0", "1", true},
        {"1 of a* or b", "0", "1", "0", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char detection[512];
        snprintf(detection, sizeof detection, THREE "  condition: %s\n", cases[i].condition);
        bool result = workbench_matches(detection, "a", cases[i].a, "b", cases[i].b, "c", cases[i].c, NULL);
        if (result != cases[i].expected)
            fail_msg("%s", cases[i].condition);
    }
    assert_true(workbench_matches(THREE "  d: {d: 1}\n  condition: 2 of them\n", "a", "1", "d", "1", NULL));
    assert_false(workbench_matches(THREE "  d: {d: 1}\n  condition: 2 of them\n", "d", "1", NULL));
    assert_true(workbench_matches(THREE "  condition:\n    - a\n    - b\n", "b", "1", NULL));
}

static void a_field_that_occurs_several_times_fits_with_one_of_its_values(void **state) {
    (void)state;
    assert_true(workbench_matches("  s: {f: b}\n  condition: s\n", "f", "a", "f", "b", NULL));
    assert_true(workbench_matches("  s: {f|re: '^b'}\n  condition: s\n", "f", "a", "f", "b", NULL));
}

static void field_names_may_hold_blanks(void **state) {
    (void)state;
    assert_true(workbench_matches("  s: {'a field|contains': b}\n  condition: s\n", "a field", "abc", NULL));
}

static void a_log_source_must_be_among_the_records_own(void **state) {
    (void)state;
    struct workbench *bench = workbench_open("title: sshd\nlogsource: {product: linux, service: sshd}\n"
                                             "detection: {s: {f: 1}, condition: s}\n---\n"
                                             "title: linux\nlogsource: {product: linux}\n"
                                             "detection: {s: {f|contains: 1}, condition: s}\n---\n"
                                             "title: category\nlogsource: {category: firewall}\n"
                                             "detection: {s: {f|exists: true}, condition: s}\n");
    assert_string_equal(workbench_event(bench, 0, "f", "1", NULL), "");
    assert_string_equal(workbench_event(bench, 0, "f", "1", "tocsin.product", "linux", NULL),
                        "linux count=1 fresh=1 host.name=alpha [e2]\n");
    assert_string_equal(
        workbench_event(bench, 0, "f", "1", "tocsin.product", "Linux", "tocsin.service", "auth",
                        "tocsin.service", "sshd", NULL),
        "sshd count=1 fresh=1 host.name=alpha [e3]\nlinux count=1 fresh=1 host.name=alpha [e3]\n");
    assert_string_equal(
        workbench_event(bench, 0, "f", "1", "tocsin.category", "firewall", "tocsin.service", "sshd", NULL),
        "category count=1 fresh=1 host.name=alpha [e4]\n");
    /* More values than a bucket remembers. */
    assert_string_equal(
        workbench_event(bench, 0, "f", "1", "tocsin.product", "linux", "tocsin.product", "linux",
                        "tocsin.product", "linux", "tocsin.product", "linux", "tocsin.product", "linux",
                        "tocsin.product", "linux", "tocsin.product", "linux", "tocsin.product", "linux",
                        "tocsin.product", "linux", "tocsin.product", "linux", "tocsin.product", "linux",
                        "tocsin.product", "linux", "tocsin.service", "sshd", NULL),
        "sshd count=1 fresh=1 host.name=alpha [e5]\nlinux count=1 fresh=1 host.name=alpha [e5]\n");
    workbench_close(bench);
}

static void a_plain_match_names_address_user_and_host(void **state) {
    (void)state;
    struct workbench *bench =
        workbench_open("title: R\nlogsource: {}\ndetection: {s: {f: 1}, condition: s}\n");
    assert_string_equal(
        workbench_event(bench, 0, "f", "1", "user.name", "eve", "source.ip", "192.0.2.1", NULL),
        "R count=1 fresh=1 source.ip=192.0.2.1 user.name=eve host.name=alpha [e1]\n");
    assert_string_equal(workbench_event(bench, 0, "f", "1", "host.name", "beta", NULL),
                        "R count=1 fresh=1 host.name=beta [e2]\n");
    workbench_close(bench);
}

static void of_one_trouble_the_first_rule_speaks_and_names_its_own_entity(void **state) {
    (void)state;
    struct workbench *bench =
        workbench_open("title: Bad\nlogsource: {}\ndetection: {s: {n|gte: 50}, condition: s}\n"
                       "tocsin: {trouble: t, entity: [name, kind]}\n---\n"
                       "title: Odd\nlogsource: {}\ndetection: {s: {n|gte: 10}, condition: s}\n"
                       "tocsin: {trouble: t, entity: [name, kind]}\n---\n"
                       "title: Other\nlogsource: {}\ndetection: {s: {n|gte: 10}, condition: s}\n---\n"
                       "title: Good\nlogsource: {}\ndetection: {s: {n|gte: 0}, condition: s}\n"
                       "tocsin: {ends: t, entity: [name]}\n");
    assert_string_equal(workbench_event(bench, 0, "name", "x", "n", "60", "kind", "k", NULL),
                        "Bad count=1 fresh=1 name=x kind=k [e1]\nOther count=1 fresh=1 host.name=alpha [e1]\n");
    assert_string_equal(workbench_event(bench, 0, "name", "x", "n", "20", NULL),
                        "Odd count=1 fresh=1 name=x [e2]\nOther count=1 fresh=1 host.name=alpha [e2]\n");
    assert_string_equal(workbench_event(bench, 0, "name", "x", "n", "0", NULL),
                        "Good count=1 fresh=1 name=x [e3]\n");
    workbench_close(bench);
}

static void filters_take_events_out_of_their_rules(void **state) {
    (void)state;
    struct workbench *bench = workbench_open(
        "title: R\nname: r\nlogsource: {product: linux}\ndetection: {s: {f: 1}, condition: s}\n---\n"
        "title: F\nlogsource: {product: linux}\n"
        "filter: {rules: [r], s: {user.name: robot}, condition: not s}\n");
    assert_string_equal(
        workbench_event(bench, 0, "tocsin.product", "linux", "f", "1", "user.name", "robot", NULL), "");
    assert_string_equal(
        workbench_event(bench, 0, "tocsin.product", "linux", "f", "1", "user.name", "eve", NULL),
        "R count=1 fresh=1 user.name=eve host.name=alpha [e2]\n");
    workbench_close(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_compared_without_case_and_whole),
        cmocka_unit_test(a_number_equals_its_text),
        cmocka_unit_test(contains_startswith_endswith_look_where_they_say),
        cmocka_unit_test(lists_are_or_and_all_makes_them_and),
        cmocka_unit_test(wildcards_stand_for_any_text_and_one_character),
        cmocka_unit_test(three_spellings_of_a_backslash_and_a_star_are_three_things),
        cmocka_unit_test(null_is_absent_and_empty_is_present_and_empty),
        cmocka_unit_test(exists_asks_whether_the_field_is_there),
        cmocka_unit_test(parts_of_a_date_are_numbers),
        cmocka_unit_test(an_event_has_its_time_where_the_record_names_none),
        cmocka_unit_test(neq_is_everything_else),
        cmocka_unit_test(numbers_are_compared_as_numbers),
        cmocka_unit_test(networks_hold_addresses),
        cmocka_unit_test(regular_expressions_mind_case_unless_told),
        cmocka_unit_test(a_regular_expression_that_runs_away_is_stopped_and_counted),
        cmocka_unit_test(encoded_values_are_found_encoded),
        cmocka_unit_test(windash_takes_every_dash_at_the_beginning_of_a_word),
        cmocka_unit_test(fieldref_compares_two_fields),
        cmocka_unit_test(keywords_are_looked_for_in_the_message_and_the_raw_line),
        cmocka_unit_test(maps_are_and_and_lists_of_maps_are_or),
        cmocka_unit_test(conditions_join_selections),
        cmocka_unit_test(a_field_that_occurs_several_times_fits_with_one_of_its_values),
        cmocka_unit_test(field_names_may_hold_blanks),
        cmocka_unit_test(a_log_source_must_be_among_the_records_own),
        cmocka_unit_test(a_plain_match_names_address_user_and_host),
        cmocka_unit_test(of_one_trouble_the_first_rule_speaks_and_names_its_own_entity),
        cmocka_unit_test(filters_take_events_out_of_their_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
