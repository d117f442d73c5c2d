/* What alerts say of events that go: who and why go with them; rule, class, counts and ids stay (log-format: Retention). */
#include "retention_alerts.h"

#include <stdio.h>
#include <stdlib.h>

#include "alert.h"
#include "commit_wait.h"
#include "encoding.h"
#include "memory.h"

#define CHANGE_ROOM (8u * 1024 * 1024)

struct gone {
    uint32_t stream;
    uint64_t seq;
};

/* The events of the unit, by stream and number. */
struct going {
    size_t stream_count, count, room;
    struct hash *streams;
    char (*labels)[STREAM_NAME_SIZE + 16]; /* an event's id but for its number */
    struct gone *events;
};

static uint32_t stream_of(struct going *going, const struct segment_stream *stream) {
    char hex[9];
    for (size_t i = 0; i < going->stream_count; i++)
        if (hash_equal(&going->streams[i], &stream->id))
            return (uint32_t)i;
    going->streams = memory_resize(going->streams, going->stream_count + 1, sizeof *going->streams);
    going->labels = memory_resize(going->labels, going->stream_count + 1, sizeof *going->labels);
    going->streams[going->stream_count] = stream->id;
    encoding_hex(stream->id.bytes, 4, hex);
    snprintf(going->labels[going->stream_count], sizeof *going->labels, "%.*s~%s/", SLICE_ARG(stream->name),
             hex);
    return (uint32_t)going->stream_count++;
}

static bool add_segment(struct going *going, const struct segment_reader *reader, struct fault *fault) {
    const struct segment_index *index = segment_reader_index(reader);
    struct segment_block *block = segment_block_create();
    bool good = true;
    for (uint32_t number = 0; good && number < index->block_count; number++) {
        good = segment_block_open(block, reader, number, fault);
        for (uint32_t place = 0; good && place < segment_block_count(block); place++) {
            const struct segment_event *event = segment_block_event(block, place);
            if (going->count == going->room) {
                going->room = going->room ? 2 * going->room : 1024;
                going->events = memory_resize(going->events, going->room, sizeof *going->events);
            }
            going->events[going->count++] = (struct gone){
                stream_of(going, &index->streams[index->batches[event->batch].stream]), event->seq};
        }
    }
    segment_block_destroy(block);
    return good;
}

static int compare(const void *a, const void *b) {
    const struct gone *left = a, *right = b;
    if (left->stream != right->stream)
        return left->stream < right->stream ? -1 : 1;
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

/* A key that is gone already was destroyed by a pass that died: its alerts were done before. */
static bool find_events(const struct retention_task *task, const struct segment_row *rows, size_t count,
                        struct going *going, struct fault *fault) {
    struct sealed *sealed = task->job->settings.sealed;
    for (size_t i = 0; i < count; i++) {
        struct fault missing = {0};
        struct sealed_handle *handle = sealed_take(sealed, &rows[i], &missing);
        bool good = handle ? add_segment(going, sealed_reader(handle), fault) : missing.code == FAULT_MISSING;
        sealed_give(sealed, handle);
        if (!good)
            return missing.code ? fault_set(fault, missing.code, "%s", missing.text) : false;
    }
    if (going->count)
        qsort(going->events, going->count, sizeof *going->events, compare);
    return true;
}

static bool is_going(const struct going *going, struct slice id) {
    size_t slash = id.size;
    while (slash > 0 && id.data[slash - 1] != '/')
        slash--;
    struct gone gone;
    if (!slice_decimal(slice_from(id, slash), &gone.seq))
        return false;
    for (size_t i = 0; i < going->stream_count; i++) {
        gone.stream = (uint32_t)i;
        if (slice_equal(slice_head(id, slash), slice_string(going->labels[i])))
            return bsearch(&gone, going->events, going->count, sizeof gone, compare) != NULL;
    }
    return false;
}

static bool tells_of(const struct going *going, const struct alert *alert) {
    for (size_t i = 0; i < alert->event_id_count; i++)
        if (is_going(going, alert->event_ids[i]))
            return alert->why.size > 0 || alert->entity_count > 0;
    return false;
}

/* Rows of alerts begin with their time, all others of the family with a letter. */
static bool strip(const struct retention_task *task, const struct going *going, struct fault *fault) {
    const struct retention_job_settings *settings = &task->job->settings;
    CLEANUP_BUFFER struct buffer bare = BUFFER(ALERT_TEXT_MOST);
    struct change *change = change_create();
    struct store_cursor *cursor =
        store_cursor_create(settings->store, STORE_ALERT, NULL, (struct slice){NULL, 0});
    bool good = true;
    for (bool on = store_cursor_first(cursor); on && good; on = store_cursor_next(cursor)) {
        struct slice key = store_cursor_key(cursor);
        struct alert_document *document =
            key.size == 12 ? alert_read(store_cursor_value(cursor), NULL) : NULL;
        buffer_clear(&bare);
        if (document && tells_of(going, alert_document_alert(document)) &&
            alert_write(&bare, alert_document_alert(document), true))
            change_put(change, STORE_ALERT, key, buffer_slice(&bare));
        alert_document_destroy(document);
        if (change_size(change) >= CHANGE_ROOM) {
            good = commit_wait(settings->committer, change, retention_stopping, task->job, NULL, fault);
            change = change_create();
        }
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    if (!good || change_is_empty(change)) {
        change_destroy(change);
        return good;
    }
    return commit_wait(settings->committer, change, retention_stopping, task->job, NULL, fault);
}

bool retention_strip_alerts(const struct retention_task *task, const struct segment_row *rows, size_t count,
                            struct fault *fault) {
    struct going going = {.count = 0};
    bool good =
        find_events(task, rows, count, &going, fault) && (going.count == 0 || strip(task, &going, fault));
    free(going.streams);
    free(going.labels);
    free(going.events);
    return good;
}
