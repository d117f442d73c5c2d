#include "query_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert.h"
#include "bytes.h"
#include "calendar.h"
#include "events.h"
#include "log_reader.h"
#include "memory.h"
#include "query_expression.h"
#include "query_log.h"
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
    bool by_line;       /* a bound is given, and it is for the line's own time: every event is decoded */
    bool backward;      /* the newest rows first: a limit asks for the newest events */
    struct event *hits; /* of one block, while going backward */
    uint64_t found;
    bool ended; /* enough, or the reader has gone */
};

/* A line may have been written long before it was read, but hardly after it (clocks differ by less than a day). */
#define LINE_AFTER_READ_US (86400u * UINT64_C(1000000))

static bool within(const struct search *search, uint64_t time_us) {
    return time_us >= search->query->since_us && time_us < search->until_us;
}

/* Whether the event is one that is looked for: its own time and what it says. */
static bool matches(const struct search *search, const struct event *event, const struct event_body *body,
                    const struct stream_name *name) {
    if (!query_raw_may_match(search->expression, body->raw))
        return false;
    bool fields = query_needs_fields(search->expression);
    if (!fields && !search->by_line)
        return true;
    uint64_t line_us;
    interpreter_read(search->reader->knowledge->interpreter, body, event->time_us, search->record, &line_us);
    if (search->by_line && !within(search, line_us ? line_us : event->time_us))
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

static void give_event(struct search *search, const struct event *event, const struct row *row,
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
            !matches(search, &event, &body, name))
            continue;
        if (search->backward)
            search->hits[hits++] = event;
        else
            give_event(search, &event, row, name);
    }
    while (hits && !search->ended)
        give_event(search, &search->hits[--hits], row, name);
}

static bool row_may_match(const struct search *search, const struct row *row,
                          const struct events_message *message) {
    if (search->query->by_ingested && !within(search, row->ingested_us))
        return false;
    if (search->by_line && message->last_time_us + LINE_AFTER_READ_US < search->query->since_us)
        return false;
    return search->class < 0 || class_lane((enum event_class)search->class) == message->lane;
}

static void search_row(struct search *search, struct slice value) {
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

/* Rows from *next on that are committed now; backward: from the newest one down. */
static bool search_rows(struct search *search, uint64_t *next, struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, *next);
    struct store_cursor *cursor =
        store_cursor_create(search->reader->settings->store, STORE_HOT, NULL, (struct slice){NULL, 0});
    bool on =
        search->backward ? store_cursor_last(cursor) : store_cursor_at_or_after(cursor, slice_make(key, 8));
    for (unsigned rows = 1; on && !search->ended; rows++) {
        *next = bytes_get_u64(store_cursor_key(cursor).data) + 1;
        search_row(search, store_cursor_value(cursor));
        if (rows % 256 == 0 && search->reader->stopping(search->reader->context))
            search->ended = true;
        on = search->backward ? store_cursor_previous(cursor) : store_cursor_next(cursor);
    }
    bool good = store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

static void end(const struct query_reader *reader, uint64_t count) {
    Tocsin__End message;
    tocsin__end__init(&message);
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

/* ---- alerts */

/* What was counted into the alert since it was raised: "c" ‖ id → u64 count ‖ u64 last_us (detection.c). */
static void bring_up_to_date(const struct store *store, struct alert *alert) {
    char key[ALERT_ID_SIZE + 1];
    uint8_t value[16];
    snprintf(key, sizeof key, "c%.*s", SLICE_ARG(alert->id));
    if (!store_get_fixed(store, STORE_ALERT, slice_string(key), value, sizeof value, NULL))
        return;
    alert->count = bytes_get_u64(value);
    alert->last_us = bytes_get_u64(value + 8);
}

static bool give_alert(const struct query_reader *reader, struct slice json) {
    CLEANUP_BUFFER struct buffer text = BUFFER(FRAME_ROW_MOST);
    struct alert_document *document = alert_read(json, NULL);
    if (document) {
        struct alert alert = *alert_document_alert(document);
        bring_up_to_date(reader->settings->store, &alert);
        alert_write(&text, &alert, false);
    } else
        buffer_append_slice(&text, json);
    alert_document_destroy(document);
    Tocsin__Text message;
    tocsin__text__init(&message);
    message.json = (char *)(uintptr_t)buffer_string(&text);
    return reader->write(reader->context, FRAME_TEXT, &message.base);
}

static uint64_t give_alerts(const struct query_reader *reader, const Tocsin__AlertQuery *query,
                            uint8_t last[12], uint64_t given) {
    uint8_t key[12] = {0};
    if (bytes_get_u64(last))
        memcpy(key, last, sizeof key);
    else
        bytes_put_u64(key, query->since_us);
    struct store_cursor *cursor =
        store_cursor_create(reader->settings->store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key)); on;
         on = store_cursor_next(cursor)) {
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
    uint8_t last[12] = {0};
    uint64_t arrival = committer_arrival(reader->settings->committer);
    uint64_t given = give_alerts(reader, query, last, 0);
    while (query->follow && !(query->limit && given >= query->limit) && !reader->stopping(reader->context)) {
        arrival = committer_wait(reader->settings->committer, arrival, FOLLOW_WAIT_US);
        given = give_alerts(reader, query, last, given);
    }
    end(reader, given);
}

/* ---- the status, and all rows */

static void query_status(const struct query_reader *reader) {
    CLEANUP_BUFFER struct buffer text = BUFFER(STATUS_MOST);
    reader->settings->status(reader->settings->context, &text);
    Tocsin__Text message;
    tocsin__text__init(&message);
    message.json = (char *)(uintptr_t)buffer_string(&text);
    reader->write(reader->context, FRAME_TEXT, &message.base);
    end(reader, 1);
}

static bool give_store_row(void *context, enum store_family family, struct slice key, struct slice value) {
    const struct query_reader *reader = context;
    Tocsin__StoreRow row;
    tocsin__store_row__init(&row);
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

/* What proofs are made of. The registry holds tokens, the outbox mail. */
static bool rows_may_be_read(uint32_t family) {
    static const enum store_family families[] = {
        STORE_ENTRY, STORE_CLASS_LIST, STORE_CONTROL, STORE_TILE, STORE_CHECKPOINT,
        STORE_HOT,   STORE_STREAM,     STORE_INDEX,   STORE_PART, STORE_BATCH};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (family == (uint32_t)families[i])
            return true;
    return false;
}

static bool key_before(struct slice key, struct slice to) {
    size_t shared = key.size < to.size ? key.size : to.size;
    int order = memcmp(key.data, to.data, shared);
    return order < 0 || (order == 0 && key.size < to.size);
}

static void query_rows(const struct query_reader *reader, const Tocsin__RowsQuery *query) {
    struct fault fault = {0};
    struct query_reader copy = *reader;
    struct slice from = slice_make(query->from.data, query->from.len),
                 to = slice_make(query->to.data, query->to.len);
    uint64_t rows = 0;
    if (!rows_may_be_read(query->family)) {
        fault_set(&fault, FAULT_AUTH, "rows of family %u are not given out", query->family);
        reader->refuse(reader->context, &fault);
        return;
    }
    struct store_cursor *cursor = store_cursor_create(
        reader->settings->store, (enum store_family)query->family, NULL, (struct slice){NULL, 0});
    bool on = from.size ? store_cursor_at_or_after(cursor, from) : store_cursor_first(cursor);
    for (; on && !(query->limit && rows >= query->limit); on = store_cursor_next(cursor), rows++)
        if ((to.size && !key_before(store_cursor_key(cursor), to)) ||
            !give_store_row(&copy, (enum store_family)query->family, store_cursor_key(cursor),
                            store_cursor_value(cursor)))
            break;
    bool good = store_cursor_good(cursor, &fault);
    store_cursor_destroy(cursor);
    if (good)
        end(reader, rows);
    else
        reader->refuse(reader->context, &fault);
}

static bool give_path(struct query_reader *reader, uint64_t number, const struct merkle_path *path) {
    uint8_t key[8];
    bytes_put_u64(key, number);
    return give_store_row(reader, STORE_TILE, slice_make(key, sizeof key),
                          slice_make(path->hashes, path->count * sizeof *path->hashes));
}

static bool give_paths(struct query_reader *reader, struct log_reader *log, const Tocsin__PathsQuery *query,
                       struct fault *fault) {
    struct merkle_path path;
    for (size_t i = 0; i < query->n_indexes; i++)
        if (!log_reader_inclusion(log, query->indexes[i], query->size, &path, fault) ||
            !give_path(reader, query->indexes[i], &path))
            return false;
    for (size_t i = 0; i < query->n_old_sizes; i++)
        if (!log_reader_consistency(log, query->old_sizes[i], query->size, &path, fault) ||
            !give_path(reader, query->old_sizes[i], &path))
            return false;
    return true;
}

static void query_paths(const struct query_reader *reader, const Tocsin__PathsQuery *query) {
    struct fault fault = {0};
    struct query_reader copy = *reader;
    if (give_paths(&copy, log_state_reader(reader->settings->log), query, &fault))
        end(reader, query->n_indexes + query->n_old_sizes);
    else if (fault.code)
        reader->refuse(reader->context, &fault);
}

bool query_give_row(const struct query_reader *reader, enum store_family family, struct slice key, struct slice value) {
    struct query_reader copy = *reader;
    return give_store_row(&copy, family, key, value);
}

void query_end(const struct query_reader *reader, uint64_t count) {
    end(reader, count);
}

struct control_rows {
    struct query_reader reader;
    uint64_t count;
};

static bool give_control(void *context, uint64_t index, struct slice entry, struct fault *fault) {
    struct control_rows *rows = context;
    uint8_t key[8];
    bytes_put_u64(key, index);
    (void)fault;
    rows->count++;
    return give_store_row(&rows->reader, STORE_ENTRY, slice_make(key, sizeof key), entry);
}

static void query_control(const struct query_reader *reader, const Tocsin__ControlQuery *query) {
    struct fault fault = {0};
    struct control_rows rows = {.reader = *reader};
    if (log_control_walk(reader->settings->store, query->first_ctl_seq, give_control, &rows, &fault))
        end(reader, rows.count);
    else if (fault.code)
        reader->refuse(reader->context, &fault);
}

static bool give_text(void *context, const char *json) {
    const struct query_reader *reader = context;
    Tocsin__Text text = TOCSIN__TEXT__INIT;
    text.json = (char *)(uintptr_t)json;
    return !reader->stopping(reader->context) && reader->write(reader->context, FRAME_TEXT, &text.base);
}

static void query_retention(const struct query_reader *reader, const Tocsin__RetentionQuery *query) {
    const struct query_server_settings *settings = reader->settings;
    struct query_reader copy = *reader;
    struct fault fault = {0};
    if (!settings->retention)
        fault_set(&fault, FAULT_MISSING, "nothing is erased here");
    else if (settings->retention(settings->context, query->run, give_text, &copy, &fault))
        end(reader, 0);
    if (fault.code)
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
    case TOCSIN__REQUEST__OF_ROWS:
        query_rows(reader, request->rows);
        break;
    case TOCSIN__REQUEST__OF_SUBMIT:
        query_submit(reader, request->submit);
        break;
    case TOCSIN__REQUEST__OF_CLOSE:
        query_close(reader, request->close);
        break;
    case TOCSIN__REQUEST__OF_PATHS:
        query_paths(reader, request->paths);
        break;
    case TOCSIN__REQUEST__OF_CONTROL:
        query_control(reader, request->control);
        break;
    case TOCSIN__REQUEST__OF_RETENTION:
        query_retention(reader, request->retention);
        break;
    default:
        fault_set(&fault, FAULT_FORMAT, "a request that asks for nothing known");
        reader->refuse(reader->context, &fault);
        break;
    }
}
