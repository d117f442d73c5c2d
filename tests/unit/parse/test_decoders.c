/* Decoder files: what is refused, and where; and the shipped ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "body_time.h"
#include "path_pattern.h"
#include "shipped_decoders.h"

struct refused {
    const char *text;
    const char *place; /* where the fault's place begins */
    const char *words; /* part of its sentence */
};

static void a_wrong_decoder_is_refused_with_its_place_and_a_hint(void **state) {
    (void)state;
    static const struct refused cases[] = {
        {"decoder: a\nprograms: [a]\npatterns:\n  - match: 'x {y:wort}'\n", "d.yaml:4:5: match, character 3",
         "there are word"},
        {"decoder: a\nprograms: [a]\npatterns:\n  - match: 'x {y'\n", "d.yaml:4:5: match, character 3",
         "without its '}'"},
        {"decoder: a\nprograms: [a]\npatterns:\n  - match: 'x'\n    exampels: [x]\n", "d.yaml:5:5",
         "examples"},
        {"decoder: a\nprograms: [a]\npatterns:\n  - match: 'x {y}'\n    examples: ['z 1']\n", "d.yaml:4:5",
         "own example"},
        {"decoder: a\nprograms: [a]\npatterns:\n  - match: '{y:rest}'\n  - match: 'b'\n    examples: ['b']\n",
         "d.yaml:5:5", "narrower"},
        {"decoder: a\nprograms: []\npatterns: []\n", "d.yaml", "programs"},
        {"decoder: a\nprograms: ['*']\nfiles: [a.log]\npatterns: []\n", "d.yaml", "needs a program"},
        {"programs: [a]\npatterns: []\n", "d.yaml", "decoder"},
        {"decoder: a\nprograms: [a\n", "d.yaml:", ""},
        {"decoder: a\nprograms: [\xff]\n", "d.yaml", "UTF-8"},
        {"decoder: &x a\nprograms: [*x]\n", "d.yaml:2:12", "alias"},
        {"decoder: a\nprograms: [a]\n---\ndecoder: b\n", "d.yaml:4:1", "document"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct symbols *symbols = symbols_create();
        struct interpreter *interpreter = interpreter_create(symbols);
        struct fault fault = {0};
        assert_false(interpreter_add_decoders(interpreter, slice_string(cases[i].text), "d.yaml", &fault));
        if (strncmp(fault.place, cases[i].place, strlen(cases[i].place)) != 0 ||
            !strstr(fault.text, cases[i].words))
            fail_msg("case %zu: %s: %s", i, fault.place, fault.text);
        assert_int_equal(interpreter_pattern_count(interpreter), 0);
        interpreter_destroy(interpreter);
        symbols_destroy(symbols);
    }
}

static void every_shipped_decoder_loads_and_reads_its_examples(void **state) {
    (void)state;
    struct symbols *symbols = symbols_create();
    struct interpreter *interpreter = interpreter_create(symbols);
    assert_true(shipped_decoders_add(interpreter) >= 10);
    assert_true(interpreter_pattern_count(interpreter) > 150);
    interpreter_destroy(interpreter);
    symbols_destroy(symbols);
}

static void a_decoder_added_later_is_asked_first(void **state) {
    (void)state;
    struct symbols *symbols = symbols_create();
    struct interpreter *interpreter = interpreter_create(symbols);
    struct record *record = record_create(symbols);
    struct fault fault;
    uint64_t time;
    static const char first[] =
        "decoder: a\nprograms: [app]\nservices: [one]\npatterns:\n  - match: 'hello {a.x}'\n";
    static const char second[] =
        "decoder: b\nprograms: [app]\nservices: [two]\npatterns:\n  - match: 'hello {b.x:int}'\n";
    assert_true(interpreter_add_decoders(interpreter, slice_string(first), "a", &fault));
    assert_true(interpreter_add_decoders(interpreter, slice_string(second), "b", &fault));
    struct event_body body = {.raw = SLICE("Nov 21 18:44:24 h app: hello 7")};
    interpreter_read(interpreter, &body, 1795286664000000, record, &time);
    assert_true(slice_equal(record_value(record, SLICE("b.x")), SLICE("7")));
    assert_null(record_value(record, SLICE("a.x")).data);
    body.raw = SLICE("Nov 21 18:44:24 h app: hello you");
    interpreter_read(interpreter, &body, 1795286664000000, record, &time);
    assert_true(slice_equal(record_value(record, SLICE("a.x")), SLICE("you")));
    unsigned services = 0;
    for (size_t i = 0; i < record->count; i++)
        services += slice_equal(record->fields[i].name, SLICE("tocsin.service"));
    assert_int_equal(services, 2);
    record_destroy(record);
    interpreter_destroy(interpreter);
    symbols_destroy(symbols);
}

static void a_file_of_its_own_is_a_time_and_messages_whatever_they_look_like(void **state) {
    (void)state;
    static const char text[] = "decoder: a\nprograms: [app, other]\nfiles: [App/log*.txt]\nservices: [app]\n"
                               "patterns:\n  - match: 'NUL Request:'\n    set: {event.action: poll}\n"
                               "  - match: 'Error: {a.why:rest}'\n";
    static const struct {
        const char *source, *raw, *program, *message;
    } lines[] = {
        {"/srv/App/log2026.txt", "2026-11-21 18:44:24 NUL Request:", "app", "NUL Request:"},
        {"/srv/App/log2026.txt", "2026-11-21 18:44:24 Error: no", "app", "Error: no"},
        {"/srv/App/log.txt", "Nov 21 18:44:24 Error: no", "app", "Error: no"},
        {"/srv/App/log.txt", "no time", "app", "no time"},
        {"/srv/App/log.txt", "a=1 b=2", "app", "a=1 b=2"},
        {"/srv/App/old/log.txt", "2026-11-21 18:44:24 Error: no", "Error", "no"},
        {"/srv/App/log.txt", "<13>Nov 21 18:44:24 h Error: no", "Error", "no"},
        {"journal", "2026-11-21 18:44:24 Error: no", "Error", "no"},
    };
    struct symbols *symbols = symbols_create();
    struct interpreter *interpreter = interpreter_create(symbols);
    struct record *record = record_create(symbols);
    struct fault fault;
    assert_true(interpreter_add_decoders(interpreter, slice_string(text), "a", &fault));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        uint64_t time_us, early_us;
        bool zoneless;
        struct event_body body = {.source = slice_string(lines[i].source), .raw = slice_string(lines[i].raw)};
        interpreter_read(interpreter, &body, 1795286664000000, record, &time_us);
        if (!slice_equal(record_value(record, SLICE("process.name")), slice_string(lines[i].program)) ||
            !slice_equal(record_value(record, SLICE("message")), slice_string(lines[i].message)))
            fail_msg("line %zu: %.*s: %.*s", i, SLICE_ARG(record_value(record, SLICE("process.name"))),
                     SLICE_ARG(record_value(record, SLICE("message"))));
        /* What bounds blocks of events by their time says the same. */
        if (body_time(&body, 1795286664000000, 0, &early_us, &zoneless))
            assert_int_equal(early_us, time_us ? time_us : 1795286664000000);
    }
    record_destroy(record);
    interpreter_destroy(interpreter);
    symbols_destroy(symbols);
}

static void a_path_fits_by_its_last_names(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool fits;
    } cases[] = {
        {"a.log", "/var/log/a.log", true},
        {"a.log", "/var/log/ba.log", false},
        {"a.log", "a.log", true},
        {"log/a.log", "/var/log/a.log", true},
        {"log/a.log", "/var/blog/a.log", false},
        {"log/a.log", "a.log", false},
        {"log*.txt", "/x/log.txt", true},
        {"log*.txt", "/x/log2026-11-21.txt", true},
        {"log*.txt", "/x/log/a.txt", false},
        {"*", "/x/y", true},
        {"*/y", "/x/y", true},
        {"*a*b*", "/x/aab", true},
        {"*a*b*", "/x/ba", false},
        {"a*a", "/x/a", false},
        {"/var/log/a", "/var/log/a", true},
        {"/var/log/a", "/x/var/log/a", true},
        {"log/a*", "/log/ab/", false},
        {"a", "", false},
        {"**ab**", "/x/xabx", true},
        {"aab*", "/x/aaab", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (path_pattern_fits(slice_string(cases[i].pattern), slice_string(cases[i].path)) != cases[i].fits)
            fail_msg("%s %s", cases[i].pattern, cases[i].path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_decoder_is_refused_with_its_place_and_a_hint),
        cmocka_unit_test(every_shipped_decoder_loads_and_reads_its_examples),
        cmocka_unit_test(a_decoder_added_later_is_asked_first),
        cmocka_unit_test(a_file_of_its_own_is_a_time_and_messages_whatever_they_look_like),
        cmocka_unit_test(a_path_fits_by_its_last_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
