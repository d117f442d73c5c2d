#include "orphans.h"

#include <inttypes.h>
#include <stdio.h>

#include "bytes.h"
#include "clock.h"
#include "events.h"
#include "log.h"
#include "memory.h"
#include "open_batch.h"
#include "report.h"
#include "row.h"
#include "signed_conflict.h"

#define MARK_PREFIX "orphan:" /* ‖ stream_id → u64 batch_seq ‖ u32 events: what was logged last */
#define MARK_KEY_SIZE (sizeof MARK_PREFIX - 1 + HASH_SIZE)
#define MARK_SIZE 12u
#define ORPHAN_MOST (PART_SIZE + CLASS_LIST_MOST)

/* ---- the class list that the part was signed over */

struct rebuilding {
    const struct part *part;
    struct open_batch *batch;
    struct events_opener *opener;
};

static void set_key(struct open_batch *batch, uint8_t class, const struct events_message *message) {
    for (size_t i = 0; !open_batch_key(batch, class) && i < message->key_count; i++)
        if (message->keys[i].class == class)
            open_batch_set_key(batch, class, message->keys[i].key.data);
}

static bool add_events(struct rebuilding *rebuilding, struct slice payload, struct fault *fault) {
    struct events_message message;
    struct slice text;
    struct event event;
    if (!events_read(payload, &message, fault) || !events_open(rebuilding->opener, &message, &text, fault))
        return false;
    event.seq = message.first_event_seq;
    while (open_batch_count(rebuilding->batch) < rebuilding->part->event_count &&
           event_block_next(&text, &event, fault)) {
        set_key(rebuilding->batch, event.class, &message);
        if (!open_batch_key(rebuilding->batch, event.class))
            return fault_set(fault, FAULT_FORMAT, "an event of a class without a key");
        event.seq = rebuilding->part->first_event_seq + open_batch_count(rebuilding->batch);
        open_batch_add(rebuilding->batch, &event);
    }
    return true;
}

static bool add_rows(struct rebuilding *rebuilding, const struct store *store, struct fault *fault) {
    uint8_t key[40];
    const struct part *part = rebuilding->part;
    memcpy(key, part->stream_id.bytes, HASH_SIZE);
    bytes_put_u64(key + HASH_SIZE, part->first_event_seq);
    struct store_cursor *cursor = store_cursor_create(store, STORE_INDEX, NULL, hash_slice(&part->stream_id));
    bool good = true;
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key));
         good && on && open_batch_count(rebuilding->batch) < part->event_count;
         on = store_cursor_next(cursor)) {
        CLEANUP_STORE_VALUE struct store_value value = {0};
        struct row row;
        good = store_get(store, STORE_HOT, store_cursor_value(cursor), &value, fault) &&
               row_read(value.slice, &row, fault) && add_events(rebuilding, row.payload, fault);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

static bool write_payload(const struct store *store, struct slice part_bytes, const struct part *part,
                          struct buffer *to, struct fault *fault) {
    struct rebuilding rebuilding = {part, open_batch_create(), events_opener_create()};
    struct class_list list;
    uint8_t bytes[CLASS_LIST_MOST];
    bool good = add_rows(&rebuilding, store, fault);
    open_batch_class_list(rebuilding.batch, &list);
    events_opener_destroy(rebuilding.opener);
    open_batch_destroy(rebuilding.batch);
    if (!good)
        return false;
    struct slice list_bytes = slice_make(bytes, class_list_write(&list, bytes));
    struct hash root = class_list_event_root(list_bytes);
    if (!hash_equal(&root, &part->event_root))
        return fault_set(fault, FAULT_CONFLICT, "the part was signed over other events than those stored");
    return orphan_write(to, part_bytes, list_bytes) ||
           fault_set(fault, FAULT_LIMIT, "an orphan that is too large");
}

/* ---- logging it */

static void mark_of(const struct part *part, uint8_t ret_key[MARK_KEY_SIZE], uint8_t ret_value[MARK_SIZE]) {
    memcpy(ret_key, MARK_PREFIX, sizeof MARK_PREFIX - 1);
    memcpy(ret_key + sizeof MARK_PREFIX - 1, part->stream_id.bytes, HASH_SIZE);
    bytes_put_u64(ret_value, part->batch_seq);
    bytes_put_u32(ret_value + 8, part->event_count);
}

static bool is_logged(const struct store *store, const uint8_t key[MARK_KEY_SIZE],
                      const uint8_t value[MARK_SIZE]) {
    uint8_t stored[MARK_SIZE];
    return store_get_fixed(store, STORE_MARK, slice_make(key, MARK_KEY_SIZE), stored, sizeof stored, NULL) &&
           memcmp(stored, value, MARK_SIZE) == 0;
}

static void report_orphan(struct change *change, const struct agent *agent, enum lane lane,
                          const struct part *part) {
    char batch[24], events[16];
    snprintf(batch, sizeof batch, "%" PRIu64, part->batch_seq);
    snprintf(events, sizeof events, "%" PRIu32, part->event_count);
    const struct report_field fields[] = {{"host.name", agent->record.name},
                                          {"orphan.lane", lane == LANE_BULK ? "bulk" : "security"},
                                          {"orphan.batch", batch},
                                          {"orphan.events", events},
                                          {NULL, NULL}};
    report_state(change, "batch_orphaned", fields,
                 "%s has not closed batch %s: its newest part, over %s events, stands in the log",
                 agent->record.name, batch, events);
}

static void told(void *context, struct change *change) {
    (void)context;
    if (!change_outcome(change)->taken)
        log_fault(LOG_LEVEL_ERROR, &change_outcome(change)->fault, "an orphan that the log does not take");
}

static bool submit(struct ingest_common *common, const struct agent *agent, enum lane lane,
                   struct slice part_bytes, struct fault *fault) {
    struct part part;
    uint8_t key[MARK_KEY_SIZE], value[MARK_SIZE];
    CLEANUP_BUFFER struct buffer payload = BUFFER(ORPHAN_MOST);
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    if (!part_read(part_bytes, &part, fault))
        return false;
    mark_of(&part, key, value);
    if (is_logged(common->settings->store, key, value))
        return true;
    if (!write_payload(common->settings->store, part_bytes, &part, &payload, fault) ||
        !log_signer_statement(common->settings->signer, STATEMENT_ORPHAN, buffer_slice(&payload),
                              clock_wall_us(), &statement, fault))
        return false;
    struct change *change = change_create();
    change_statement(change, buffer_slice(&statement));
    change_put(change, STORE_MARK, slice_make(key, sizeof key), slice_make(value, sizeof value));
    report_orphan(change, agent, lane, &part);
    change_on_committed(change, told, NULL);
    committer_submit(common->settings->committer, change);
    return true;
}

bool orphans_log(struct ingest_common *common, struct agent *agent, enum lane lane, struct fault *fault) {
    const struct ingest_settings *settings = common->settings;
    struct ingest_stream *stream = agent->streams[lane];
    struct verify_key first_key;
    memcpy(first_key.bytes, agent->record.first_key, sizeof first_key.bytes);
    if (!stream || !settings->signer || !settings->log || !log_state_begun(settings->log))
        return true;
    if (!ingest_stream_is_quiet(stream))
        return fault_set(fault, FAULT_BUSY, "what %s has sent is still being checked", agent->record.name);
    if (!ingest_stream_open(stream, settings->store, common->openers, &first_key, fault))
        return false;
    struct slice part = stream_checker_newest_part(ingest_stream_checker(stream));
    return part.size != PART_SIZE || submit(common, agent, lane, part, fault);
}

void orphans_log_all(struct ingest_common *common, struct agent *agent) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct fault fault = {0};
        if (!orphans_log(common, agent, (enum lane)lane, &fault))
            log_fault(LOG_LEVEL_WARNING, &fault, "the open batch of %s", agent->record.name);
    }
}
