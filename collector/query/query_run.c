#include "query_run.h"

#include <stdlib.h>

#include "bytes.h"
#include "calendar.h"
#include "events.h"
#include "memory.h"
#include "query_expression.h"
#include "row.h"
#include "store_dump.h"
#include "stream_names.h"

#define FOLLOW_WAIT_US 500000u
#define STATUS_MOST (1024u * 1024)

/* ---- events */

struct search {
    const struct query_reader *reader;
    const Tocsin__EventQuery *query;
    struct query_expression *expression;
    struct stream_names *names;
    struct events_opener *opener;
    struct record *record;
    struct event_field *fields;
    int class; /* -1: any */
    uint64_t until_us;
    uint64_t found;
    bool ended; /* enough, or the reader has gone */
};

static bool within(const struct search *search, uint64_t time_us) {
    return time_us >= search->query->since_us && time_us < search->until_us;
}

static bool matches(const struct search *search, const struct event *event, const struct event_body *body,
                    const struct stream_name *name) {
    if (!query_raw_may_match(search->expression, body->raw))
        return false;
    if (!query_needs_fields(search->expression))
        return true;
    uint64_t line_us;
    interpreter_read(search->reader->knowledge->interpreter, body, event->time_us, search->record, &line_us);
    record_add_named(search->record, SLICE("host.name"), RECORD_TEXT, slice_string(name->host));
    record_add_named(search->record, SLICE("tocsin.class"), RECORD_TEXT, slice_string(class_name(event->class)));
    record_add_named(search->record, SLICE("tocsin.stream"), RECORD_TEXT, slice_string(name->stream));
    return query_matches(search->expression, search->record);
}

static void give_event(struct search *search, const struct event *event, const struct row *row,
                       const struct stream_name *name) {
    search->found++;
    if (!search->query->count) {
        uint8_t id[32];
        char stream[STREAM_NAME_SIZE];
        memcpy(id, row->stream_id, sizeof id);
        memcpy(stream, name->stream, sizeof stream);
        Tocsin__EventRow out = TOCSIN__EVENT_ROW__INIT;
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
    for (; !search->ended && event_block_next(&text, &event, NULL); seq++) {
        struct event_body body;
        event.seq = seq;
        bool timely = within(search, search->query->by_ingested ? row->ingested_us : event.time_us);
        if (!timely || (search->class >= 0 && event.class != search->class))
            continue;
        if (event_body_read(event.body, search->fields, &body, NULL) && matches(search, &event, &body, name))
            give_event(search, &event, row, name);
    }
}

static void search_row(struct search *search, struct slice value) {
    struct row row;
    struct events_message message;
    struct slice text;
    if (!row_read(value, &row, NULL) || row.kind != ROW_EVENTS || !events_read(row.payload, &message, NULL))
        return;
    bool timely = search->query->by_ingested ? within(search, row.ingested_us)
                                             : message.last_time_us >= search->query->since_us &&
                                                   message.first_time_us < search->until_us;
    if (!timely || (search->class >= 0 && class_lane((enum event_class)search->class) != message.lane))
        return;
    const struct stream_name *name = stream_names_get(search->names, row.stream_id);
    if (*search->query->host && strcmp(search->query->host, name->host) != 0)
        return;
    if (events_open(search->opener, &message, &text, NULL))
        search_block(search, &row, &message, text, name);
}

/* Rows from *next on that are committed now. */
static bool search_rows(struct search *search, uint64_t *next, struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, *next);
    struct store_cursor *cursor =
        store_cursor_create(search->reader->settings->store, STORE_HOT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, 8)); on && !search->ended;
         on = store_cursor_next(cursor)) {
        *next = bytes_get_u64(store_cursor_key(cursor).data) + 1;
        search_row(search, store_cursor_value(cursor));
        if ((*next & 255) == 0 && search->reader->stopping(search->reader->context))
            search->ended = true;
    }
    bool good = store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

static void end(const struct query_reader *reader, uint64_t count) {
    Tocsin__End message = TOCSIN__END__INIT;
    message.count = count;
    reader->write(reader->context, FRAME_END, &message.base);
}

static void run_search(struct search *search) {
    const struct query_reader *reader = search->reader;
    struct fault fault = {0};
    uint64_t next = 0;
    bool good = search_rows(search, &next, &fault);
    while (good && search->query->follow && !search->ended && !reader->stopping(reader->context)) {
        if (committer_wait(reader->settings->committer, next, FOLLOW_WAIT_US) > next)
            good = search_rows(search, &next, &fault);
    }
    if (good)
        end(reader, search->found);
    else
        reader->refuse(reader->context, &fault);
}

static void query_events(const struct query_reader *reader, const Tocsin__EventQuery *query) {
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
    search.expression = query_expression_parse(slice_string(query->expression), &fault);
    if (!search.expression) {
        reader->refuse(reader->context, &fault);
        return;
    }
    search.names = stream_names_create(reader->settings->store);
    search.opener = events_opener_create();
    search.record = record_create(reader->knowledge->symbols);
    search.fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *search.fields);
    run_search(&search);
    free(search.fields);
    record_destroy(search.record);
    events_opener_destroy(search.opener);
    stream_names_destroy(search.names);
    query_expression_destroy(search.expression);
}

/* ---- alerts */

/* The alert as it was raised, with its present count. */
static bool give_alert(const struct query_reader *reader, struct slice json) {
    CLEANUP_BUFFER struct buffer text = BUFFER(FRAME_ROW_MOST);
    buffer_append_slice(&text, json);
    Tocsin__Text message = TOCSIN__TEXT__INIT;
    message.json = (char *)(uintptr_t)buffer_string(&text);
    return reader->write(reader->context, FRAME_TEXT, &message.base);
}

static uint64_t give_alerts(const struct query_reader *reader, const Tocsin__AlertQuery *query, uint64_t *since_us,
                            uint8_t last[12], uint64_t given) {
    uint8_t key[12] = {0};
    if (bytes_get_u64(last))
        memcpy(key, last, sizeof key);
    else
        bytes_put_u64(key, *since_us);
    struct store_cursor *cursor =
        store_cursor_create(reader->settings->store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key)); on; on = store_cursor_next(cursor)) {
        struct slice at = store_cursor_key(cursor);
        if (at.size != sizeof key) /* "i" and "c" rows: they stand behind, times begin with a zero byte */
            break;
        if (memcmp(at.data, last, sizeof key) == 0)
            continue;
        memcpy(last, at.data, sizeof key);
        if (!give_alert(reader, store_cursor_value(cursor)))
            break;
        if (++given == query->limit)
            break;
    }
    store_cursor_destroy(cursor);
    return given;
}

static void query_alerts(const struct query_reader *reader, const Tocsin__AlertQuery *query) {
    uint64_t since_us = query->since_us;
    uint8_t last[12] = {0};
    uint64_t arrival = committer_arrival(reader->settings->committer);
    uint64_t given = give_alerts(reader, query, &since_us, last, 0);
    while (query->follow && !(query->limit && given >= query->limit) && !reader->stopping(reader->context)) {
        arrival = committer_wait(reader->settings->committer, arrival, FOLLOW_WAIT_US);
        given = give_alerts(reader, query, &since_us, last, given);
    }
    end(reader, given);
}

/* ---- the status, and all rows */

static void query_status(const struct query_reader *reader) {
    CLEANUP_BUFFER struct buffer text = BUFFER(STATUS_MOST);
    reader->settings->status(reader->settings->context, &text);
    Tocsin__Text message = TOCSIN__TEXT__INIT;
    message.json = (char *)(uintptr_t)buffer_string(&text);
    reader->write(reader->context, FRAME_TEXT, &message.base);
    end(reader, 1);
}

static bool give_store_row(void *context, enum store_family family, struct slice key, struct slice value) {
    const struct query_reader *reader = context;
    Tocsin__StoreRow row = TOCSIN__STORE_ROW__INIT;
    row.family = family;
    row.key = (ProtobufCBinaryData){key.size, (uint8_t *)(uintptr_t)key.data};
    row.value = (ProtobufCBinaryData){value.size, (uint8_t *)(uintptr_t)value.data};
    return reader->write(reader->context, FRAME_STORE_ROW, &row.base);
}

static void query_store(const struct query_reader *reader) {
    uint64_t rows = 0;
    struct fault fault = {0};
    struct query_reader copy = *reader;
    if (store_dump(reader->settings->store, give_store_row, &copy, &rows, &fault))
        end(reader, rows);
    else
        reader->refuse(reader->context, &fault);
}

void query_run(const struct query_reader *reader, const Tocsin__Request *request) {
    struct fault fault = {0};
    switch ((unsigned)request->of_case) {
    case TOCSIN__REQUEST__OF_EVENTS:
        query_events(reader, request->events);
        break;
    case TOCSIN__REQUEST__OF_ALERTS:
        query_alerts(reader, request->alerts);
        break;
    case TOCSIN__REQUEST__OF_STATUS:
        query_status(reader);
        break;
    case TOCSIN__REQUEST__OF_STORE:
        query_store(reader);
        break;
    default:
        fault_set(&fault, FAULT_FORMAT, "a request that asks for nothing known");
        reader->refuse(reader->context, &fault);
        break;
    }
}
