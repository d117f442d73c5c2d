#include "search.h"

#include <stdio.h>
#include <stdlib.h>

#include "body_time.h"
#include "memory.h"
#include "search_inside.h"
#include "search_question.h"

bool search_stopping(const struct search *search) {
    return search->asker.stopping && search->asker.stopping(search->asker.context);
}

bool search_within(const struct search *search, uint64_t time_us) {
    return time_us >= search->query->since_us && time_us < search->until_us;
}

bool search_matches(const struct search *search, const struct event *event, const struct event_body *body,
                    const struct stream_name *name) {
    if (!query_raw_may_match(search->expression, body->raw))
        return false;
    bool fields = query_needs_fields(search->expression);
    if (!fields && !search->by_line)
        return true;
    uint64_t line_us;
    bool zoneless;
    const struct interpreter *interpreter = search->ground.knowledge->interpreter;
    if (search->by_line &&
        body_time(body, event->time_us, interpreter_zone(interpreter), &line_us, &zoneless)) {
        if (!search_within(search, line_us))
            return false;
        if (!fields)
            return true;
    }
    interpreter_read(search->ground.knowledge->interpreter, body, event->time_us, search->record, &line_us);
    if (search->by_line && !search_within(search, line_us ? line_us : event->time_us))
        return false;
    if (!fields)
        return true;
    search_name_event(search->record, slice_string(name->stream), event->class);
    return query_matches(search->expression, search->record);
}

void search_give(struct search *search, const struct event *event, const struct row *row,
                 const struct stream_name *name) {
    search->found++;
    if (!search->query->count) {
        uint8_t id[32];
        char stream[STREAM_NAME_SIZE];
        memcpy(id, row->stream_id, sizeof id);
        snprintf(stream, sizeof stream, "%s", name->stream);
        Tocsin__EventRow out;
        tocsin__event_row__init(&out);
        out.stream = stream;
        out.stream_id = (ProtobufCBinaryData){sizeof id, id};
        out.seq = event->seq;
        out.time_us = event->time_us;
        out.ingested_us = row->ingested_us;
        out.class_ = event->class;
        out.body = (ProtobufCBinaryData){event->body.size, (uint8_t *)(uintptr_t)event->body.data};
        if (!search->asker.give(search->asker.context, &out))
            search->ended = true;
    }
    if (search->query->limit && search->found == search->query->limit)
        search->ended = true;
}

static void search_block(struct search *search, const struct row *row, const struct events_message *message,
                         struct slice text, const struct stream_name *name) {
    struct event event;
    uint64_t seq = message->first_event_seq;
    size_t hits = 0;
    for (; !search->ended && hits < EVENTS_COUNT_MOST && event_block_next(&text, &event, NULL); seq++) {
        struct event_body body;
        event.seq = seq;
        if ((search->class >= 0 && event.class != search->class) ||
            !event_body_read(event.body, search->fields, &body, NULL) ||
            !search_matches(search, &event, &body, name))
            continue;
        if (search->backward)
            search->hits[hits++] = event;
        else
            search_give(search, &event, row, name);
    }
    while (hits && !search->ended)
        search_give(search, &search->hits[--hits], row, name);
}

static bool row_may_match(const struct search *search, const struct row *row,
                          const struct events_message *message) {
    if (search->query->by_ingested && !search_within(search, row->ingested_us))
        return false;
    if (search->by_line && message->last_time_us + LINE_AFTER_READ_US < search->query->since_us)
        return false;
    return search->class < 0 || class_lane((enum event_class)search->class) == message->lane;
}

void search_row(struct search *search, struct slice value) {
    struct row row;
    struct events_message message;
    struct slice text;
    if (!row_read(value, &row, NULL) || row.kind != ROW_EVENTS || !events_read(row.payload, &message, NULL) ||
        !row_may_match(search, &row, &message))
        return;
    const struct stream_name *name = stream_names_get(search->names, row.stream_id);
    if (*search->query->host && strcmp(search->query->host, name->host) != 0)
        return;
    if (events_open(search->opener, &message, &text, NULL))
        search_block(search, &row, &message, text, name);
}

/* ---- */

struct search *search_create(const struct search_ground *ground, const Tocsin__EventQuery *question,
                             const struct search_asker *asker, struct fault *fault) {
    enum event_class class = CLASS_JOURNAL;
    if (*question->class_ && !class_by_name(slice_string(question->class_), &class)) {
        fault_set(fault, FAULT_USAGE, "there is no class '%.40s'", question->class_);
        return NULL;
    }
    struct query_expression *expression = query_expression_parse(slice_string(question->expression), fault);
    if (!expression)
        return NULL;
    struct search *search = memory_new(sizeof *search);
    search->ground = *ground;
    search->asker = *asker;
    search->query = question;
    search->expression = expression;
    search->class = *question->class_ ? (int)class : -1;
    search->until_us = question->until_us ? question->until_us : UINT64_MAX;
    search->by_line = !question->by_ingested && (question->since_us || question->until_us);
    search->backward = question->limit && !question->follow && !question->count;
    search->names = stream_names_create(ground->store);
    search->opener = events_opener_create();
    search->record = record_create(ground->knowledge->symbols);
    search->fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *search->fields);
    search->hits = search->backward ? memory_new_array(EVENTS_COUNT_MOST, sizeof *search->hits) : NULL;
    return search;
}

struct search *search_destroy(struct search *search) {
    if (search) {
        free(search->fields);
        free(search->hits);
        record_destroy(search->record);
        events_opener_destroy(search->opener);
        stream_names_destroy(search->names);
        query_expression_destroy(search->expression);
        free(search);
    }
    return NULL;
}

bool search_ended(const struct search *search) {
    return search->ended;
}

uint64_t search_found(const struct search *search) {
    return search->found;
}

bool search_whole(const struct search *search, struct fault *fault) {
    if (search->damage.code)
        *fault = search->damage;
    return !search->damage.code;
}
