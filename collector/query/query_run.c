#include "query_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "log_cursor.h"
#include "log_reader.h"
#include "memory.h"
#include "query_alerts.h"
#include "query_backup.h"
#include "query_bodies.h"
#include "query_events.h"
#include "query_log.h"
#include "store_dump.h"
#include "stream_names.h"

#define STATUS_MOST FRAME_ROW_MOST

/* ---- the status, and all rows */

static void query_status(const struct query_reader *reader) {
    CLEANUP_BUFFER struct buffer text = BUFFER(STATUS_MOST);
    reader->settings->status(reader->settings->context, &text);
    Tocsin__Text message;
    tocsin__text__init(&message);
    message.json = (char *)(uintptr_t)buffer_string(&text);
    reader->write(reader->context, FRAME_TEXT, &message.base);
    query_end(reader, 1);
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
        query_end(reader, rows);
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
    struct log_cursor *cursor =
        log_cursor_create(reader->settings->store, (enum store_family)query->family, NULL);
    log_cursor_share(cursor, reader->block);
    bool on = log_cursor_at_or_after(cursor, from);
    for (; on && !(query->limit && rows >= query->limit); on = log_cursor_next(cursor), rows++)
        if ((to.size && !key_before(log_cursor_key(cursor), to)) ||
            !give_store_row(&copy, (enum store_family)query->family, log_cursor_key(cursor),
                            log_cursor_value(cursor)))
            break;
    bool good = log_cursor_good(cursor, &fault);
    log_cursor_destroy(cursor);
    if (good)
        query_end(reader, rows);
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
        query_end(reader, query->n_indexes + query->n_old_sizes);
    else if (fault.code)
        reader->refuse(reader->context, &fault);
}

bool query_give_row(const struct query_reader *reader, enum store_family family, struct slice key,
                    struct slice value) {
    struct query_reader copy = *reader;
    return give_store_row(&copy, family, key, value);
}

void query_end(const struct query_reader *reader, uint64_t count) {
    Tocsin__End message;
    tocsin__end__init(&message);
    message.count = count;
    reader->write(reader->context, FRAME_END, &message.base);
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
        query_end(reader, rows.count);
    else if (fault.code)
        reader->refuse(reader->context, &fault);
}

static bool give_text(void *context, const char *json) {
    const struct query_reader *reader = context;
    Tocsin__Text text;
    tocsin__text__init(&text);
    memcpy(&text.json, &json, sizeof json); /* borrowed; protobuf-c has no const */
    return !reader->stopping(reader->context) && reader->write(reader->context, FRAME_TEXT, &text.base);
}

static void query_retention(const struct query_reader *reader, const Tocsin__RetentionQuery *query) {
    const struct query_server_settings *settings = reader->settings;
    struct query_reader copy = *reader;
    struct fault fault = {0};
    if (!settings->retention)
        fault_set(&fault, FAULT_MISSING, "nothing is erased here");
    else if (settings->retention(settings->context, query->run, give_text, &copy, &fault))
        query_end(reader, 0);
    if (fault.code)
        reader->refuse(reader->context, &fault);
}

static bool give_held(void *context, uint64_t log_index, struct slice extra) {
    struct query_reader *reader = context;
    uint8_t key[8];
    bytes_put_u64(key, log_index);
    return !reader->stopping(reader->context) &&
           query_give_row(reader, STORE_HELD, slice_make(key, sizeof key), extra);
}

static void query_held(const struct query_reader *reader, const Tocsin__HeldQuery *query) {
    const struct query_server_settings *settings = reader->settings;
    struct query_reader copy = *reader;
    struct fault fault = {0};
    if (!settings->held)
        fault_set(&fault, FAULT_MISSING, "nothing is held here");
    else if (settings->held(settings->context, query->hold, give_held, &copy, &fault))
        query_end(reader, 0);
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
    case TOCSIN__REQUEST__OF_BODIES:
        query_bodies(reader, request->bodies);
        break;
    case TOCSIN__REQUEST__OF_PATHS:
        query_paths(reader, request->paths);
        break;
    case TOCSIN__REQUEST__OF_CONTROL:
        query_control(reader, request->control);
        break;
    case TOCSIN__REQUEST__OF_HELD:
        query_held(reader, request->held);
        break;
    case TOCSIN__REQUEST__OF_RETENTION:
        query_retention(reader, request->retention);
        break;
    case TOCSIN__REQUEST__OF_BACKUP:
        query_backup(reader, request->backup);
        break;
    default:
        fault_set(&fault, FAULT_FORMAT, "a request that asks for nothing known");
        reader->refuse(reader->context, &fault);
        break;
    }
}
