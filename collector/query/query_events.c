/* Events by a search. */
#include "query_events.h"

#include <stdio.h>
#include <stdlib.h>

#include "body_time.h"
#include "memory.h"
#include "query_log.h"
#include "query_search.h"

#define FOLLOW_WAIT_US 500000u

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
    const struct interpreter *interpreter = search->reader->knowledge->interpreter;
    if (search->by_line &&
        body_time(body, event->time_us, interpreter_zone(interpreter), &line_us, &zoneless)) {
        if (!search_within(search, line_us))
            return false;
        if (!fields)
            return true;
    }
    interpreter_read(search->reader->knowledge->interpreter, body, event->time_us, search->record, &line_us);
    if (search->by_line && !search_within(search, line_us ? line_us : event->time_us))
        return false;
    if (!fields)
        return true;
    if (!host_is_collector(slice_string(name->host)))
        record_replace(search->record, SLICE("host.name"), slice_string(name->host));
    else
        record_add_named(search->record, SLICE("host.name"), RECORD_TEXT, slice_string(name->host));
    record_add_named(search->record, SLICE("tocsin.class"), RECORD_TEXT,
                     slice_string(class_name(event->class)));
    record_add_named(search->record, SLICE("tocsin.stream"), RECORD_TEXT, slice_string(name->stream));
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
        if (!search->reader->write(search->reader->context, FRAME_EVENT_ROW, &out.base))
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

static void run_search(struct search *search) {
    const struct query_reader *reader = search->reader;
    struct fault fault = {0};
    uint64_t next = 0;
    bool good = search_stored(search, &next, &fault);
    while (good && search->query->follow && !search->ended && !reader->stopping(reader->context)) {
        if (committer_wait(reader->settings->committer, next, FOLLOW_WAIT_US) > next)
            good = search_stored(search, &next, &fault);
    }
    if (good && search->damage.code)
        reader->refuse(reader->context, &search->damage);
    else if (good)
        query_end(reader, search->found);
    else
        reader->refuse(reader->context, &fault);
}

void query_events(const struct query_reader *reader, const Tocsin__EventQuery *query) {
    struct fault fault = {0};
    enum event_class class = CLASS_JOURNAL;
    if (*query->class_ && !class_by_name(slice_string(query->class_), &class)) {
        fault_set(&fault, FAULT_USAGE, "there is no class '%.40s'", query->class_);
        reader->refuse(reader->context, &fault);
        return;
    }
    struct search search = {.reader = reader, .query = query};
    search.class = *query->class_ ? (int)class : -1;
    search.until_us = query->until_us ? query->until_us : UINT64_MAX;
    search.by_line = !query->by_ingested && (query->since_us || query->until_us);
    search.backward = query->limit && !query->follow && !query->count;
    search.expression = query_expression_parse(slice_string(query->expression), &fault);
    if (!search.expression) {
        reader->refuse(reader->context, &fault);
        return;
    }
    search.names = stream_names_create(reader->settings->store);
    search.opener = events_opener_create();
    search.record = record_create(reader->knowledge->symbols);
    search.fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *search.fields);
    search.hits = search.backward ? memory_new_array(EVENTS_COUNT_MOST, sizeof *search.hits) : NULL;
    run_search(&search);
    free(search.fields);
    free(search.hits);
    record_destroy(search.record);
    events_opener_destroy(search.opener);
    stream_names_destroy(search.names);
    query_expression_destroy(search.expression);
}
