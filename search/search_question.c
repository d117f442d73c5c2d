#include "search_question.h"

#include <stdlib.h>

#include "memory.h"
#include "query_expression.h"

struct search_question {
    const struct knowledge *knowledge;
    struct query_expression *expression;
    struct record *record;
    struct event_field *fields;
};

struct search_question *search_question_create(const struct knowledge *knowledge, struct slice expression,
                                               struct fault *fault) {
    struct query_expression *parsed = query_expression_parse(expression, fault);
    if (!parsed)
        return NULL;
    struct search_question *question = memory_new(sizeof *question);
    *question = (struct search_question){knowledge, parsed, record_create(knowledge->symbols),
                                         memory_new_array(EVENT_FIELDS_MOST, sizeof(struct event_field))};
    return question;
}

struct search_question *search_question_destroy(struct search_question *question) {
    if (question) {
        query_expression_destroy(question->expression);
        record_destroy(question->record);
        free(question->fields);
    }
    free(question);
    return NULL;
}

bool search_question_asks(struct search_question *question, const struct event *event, struct slice stream) {
    struct event_body body;
    uint64_t line_us;
    if (!event_body_read(event->body, question->fields, &body, NULL))
        return true;
    if (!query_raw_may_match(question->expression, body.raw))
        return false;
    if (!query_needs_fields(question->expression))
        return true;
    interpreter_read(question->knowledge->interpreter, &body, event->time_us, question->record, &line_us);
    search_name_event(question->record, stream, event->class);
    return query_matches(question->expression, question->record);
}

void search_name_event(struct record *record, struct slice stream, uint8_t class) {
    struct slice host = stream_host(stream);
    if (!host_is_collector(host))
        record_replace(record, SLICE("host.name"), host);
    else
        record_add_named(record, SLICE("host.name"), RECORD_TEXT, host);
    record_add_named(record, SLICE("tocsin.class"), RECORD_TEXT, slice_string(class_name(class)));
    record_add_named(record, SLICE("tocsin.stream"), RECORD_TEXT, stream);
}
