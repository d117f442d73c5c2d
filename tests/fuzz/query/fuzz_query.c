/* A search and, behind a newline, a line to try it on: the quick look never rules out what matches. */
#include <stdlib.h>

#include "query_expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct query_expression *expression, struct slice raw) {
    struct symbols *symbols = symbols_create();
    struct record *record = record_create(symbols);
    record_add_named(record, SLICE("event.original"), RECORD_TEXT, raw);
    record_add_named(record, SLICE("a"), RECORD_NUMBER, SLICE("17"));
    record_add_named(record, SLICE("b.c"), RECORD_TEXT, raw);
    bool matches = query_matches(expression, record), may_match = query_raw_may_match(expression, raw);
    if ((matches && !may_match) || (!query_needs_fields(expression) && matches != may_match))
        abort();
    record_destroy(record);
    symbols_destroy(symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_make(data, size);
    size_t line = slice_find_byte(text, '\n');
    struct fault fault = {0};
    struct query_expression *expression = query_expression_parse(slice_head(text, line), &fault);
    if (expression)
        ask(expression, slice_from(text, line == SIZE_MAX ? size : line + 1));
    else if (fault.text[0] == '\0')
        abort();
    query_expression_destroy(expression);
    return 0;
}
