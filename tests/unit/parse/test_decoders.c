/* Decoder files: what is refused, and where; and the shipped ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_decoder_is_refused_with_its_place_and_a_hint),
        cmocka_unit_test(every_shipped_decoder_loads_and_reads_its_examples),
        cmocka_unit_test(a_decoder_added_later_is_asked_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
