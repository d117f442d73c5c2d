/* Opening the lanes: both writers as they stood at the last record, and what was lost on the way. */
#include "lanes_inside.h"

#include "memory.h"
#include "stream_id.h"

#include <stdio.h>

static void find(const struct lanes *lanes, const char *what, enum lane lane, const struct fault *fault) {
    char text[FAULT_TEXT_SIZE + 64];
    snprintf(text, sizeof text, "%s lane: %s: %s", lane == LANE_BULK ? "bulk" : "security", what,
             fault->text);
    if (lanes->settings.finding)
        lanes->settings.finding(lanes->settings.finding_context, text);
}

/* ---- the writers */

static bool create_writer(struct lanes *lanes, struct lane_state *lane, struct fault *fault) {
    char name[STREAM_NAME_SIZE];
    if (!stream_name_make(slice_string(lanes->host), lane->lane, name))
        return fault_set(fault, FAULT_USAGE, "\"%s\" is no host name", lanes->host);
    const struct lanes_settings *given = &lanes->settings;
    const struct verify_key *first = given->first_key ? given->first_key : signing_key_public(given->key);
    const struct stream_writer_settings settings = {
        .lane = lane->lane,
        .stream_id = stream_id_make(slice_string(name), first),
        .epoch = given->epoch,
        .key = given->key,
        .random = given->random,
        .batch_us = given->batch_us,
        .heartbeat_us = given->heartbeat_us,
    };
    struct slice saved = buffer_slice(&spool_folder_state(lanes->folder)->lanes[lane->lane].writer);
    lane->writer = saved.size ? stream_writer_load(&settings, saved, fault) : stream_writer_create(&settings);
    return lane->writer ? true : fault_place(fault, "%s", name);
}

static bool restore_events(struct lane_state *lane, struct events_opener *opener,
                           const struct lanes_item *item, struct fault *fault) {
    struct events_message message;
    struct slice text;
    if (!events_read(item->bytes, &message, fault) || !events_open(opener, &message, &text, fault))
        return false;
    struct class_key keys[CLASS_NUMBERS];
    for (size_t i = 0; i < message.key_count; i++) {
        keys[i].class = message.keys[i].class;
        memcpy(keys[i].key, message.keys[i].key.data, CLASS_KEY_SIZE);
    }
    const struct batch_events events = {.batch_seq = message.batch_seq,
                                        .first_event_seq = message.first_event_seq,
                                        .count = message.count,
                                        .keys = keys,
                                        .key_count = message.key_count,
                                        .block = text};
    bool good = stream_writer_restore_events(lane->writer, &events, fault);
    memory_wipe(keys, sizeof keys);
    return good;
}

/* Gives the writer what its open batch holds. Where that has a hole, it ends there: the batch is closed
 * over what comes before, and the rest is given anew (lanes_tell_damage). */
static void restore_open_batch(struct lanes *lanes, struct lane_state *lane) {
    struct lanes_cursor cursor;
    struct lanes_item item;
    struct fault fault = {0};
    struct events_opener *opener = events_opener_create();
    lanes_cursor_begin(&cursor, lanes, lane->lane);
    cursor.whole = true;
    cursor.want_batch = stream_writer_batch_seq(lane->writer);
    cursor.want_seq = stream_writer_first_seq(lane->writer);
    bool whole = true;
    enum lanes_found found;
    while ((found = lanes_cursor_next(&cursor, &item, &fault)) == LANES_ITEM) {
        if (item.kind == LANES_EVENTS && whole && !restore_events(lane, opener, &item, &fault)) {
            find(lanes, "the open batch ends early", lane->lane, &fault);
            lane->lost_from = stream_writer_next_seq(lane->writer);
            whole = false;
        }
        if (item.kind == LANES_PART && whole && !stream_writer_restore_part(lane->writer, item.bytes, &fault))
            find(lanes, "a part cannot be restored", lane->lane, &fault);
    }
    if (found == LANES_FAILED)
        find(lanes, "the spool cannot be read", lane->lane, &fault);
    lanes_cursor_end(&cursor);
    events_opener_destroy(opener);
}

/* A rotation becomes true in the spool first. Both lanes' epochs begin in one record, so one lane speaks for both. */
static void choose_key(struct lanes *lanes) {
    struct lanes_settings *given = &lanes->settings;
    struct slice saved = buffer_slice(&spool_folder_state(lanes->folder)->lanes[LANE_SECURITY].writer);
    uint32_t epoch;
    if (!given->next_key || !stream_writer_saved_epoch(saved, &epoch) || epoch != given->epoch + 1)
        return;
    if (!given->first_key)
        given->first_key = signing_key_public(given->key);
    given->key = given->next_key;
    given->epoch = epoch;
}

/* What an agent has seen never falls: the next entries go on from the last ones. */
static void restore_seen(struct lanes *lanes, const struct lane_state *lane) {
    struct batch_entry last;
    struct slice bytes = stream_writer_last_entry(lane->writer);
    if (!bytes.size || !batch_entry_read(bytes, &last, NULL) || last.seen.size == 0 ||
        (lanes->has_seen_before && lanes->seen_before.size >= last.seen.size))
        return;
    lanes->seen_before = last.seen;
    lanes->has_seen_before = true;
}

/* The spool knows the collectors that there were. */
static void restore_collectors(struct lanes *lanes) {
    for (unsigned i = 0; i < LANES_COLLECTORS_MOST; i++) {
        bool wanted = lanes->settings.collectors >> i & 1u, known = lanes_joined(lanes, i);
        if (!wanted)
            spool_folder_left(lanes->folder, i);
        for (unsigned lane = 0; wanted && !known && lane < LANES; lane++)
            spool_folder_mark(lanes->folder, i, (enum lane)lane, (struct spool_marks){0});
    }
}

bool lanes_restore(struct lanes *lanes, struct fault *fault) {
    choose_key(lanes);
    restore_collectors(lanes);
    for (unsigned i = 0; i < LANES; i++) {
        struct lane_state *lane = &lanes->lanes[i];
        lane->lost_from = UINT64_MAX;
        if (!create_writer(lanes, lane, fault))
            return false;
        restore_seen(lanes, lane);
        restore_open_batch(lanes, lane);
        lane_set_durable(lane);
    }
    return true;
}

/* ---- opening */

static void set_defaults(struct lanes_settings *settings) {
    settings->batch_us = settings->batch_us ? settings->batch_us : STREAM_BATCH_US;
    settings->heartbeat_us = settings->heartbeat_us ? settings->heartbeat_us : LANES_HEARTBEAT_US;
    settings->collectors = settings->collectors ? settings->collectors : 1;
    settings->quota = settings->quota ? settings->quota : LANES_QUOTA_DEFAULT;
    settings->segment_bytes = settings->segment_bytes ? settings->segment_bytes : SPOOL_SEGMENT_BYTES;
    settings->cache_bytes = settings->cache_bytes ? settings->cache_bytes : SPOOL_CACHE_BYTES;
    if (!settings->random.fill)
        settings->random = random_source_system();
}

struct lanes *lanes_open(const struct lanes_settings *settings, const struct spool_files *files,
                         const struct stream_clock *now, struct fault *fault) {
    struct lanes *lanes = memory_new(sizeof *lanes);
    *lanes = (struct lanes){.settings = *settings,
                            .host = memory_copy_string(settings->host),
                            .now = *now,
                            .echo = BUFFER(LANES_GROUP_TEXT),
                            .next_echo = BUFFER(LANES_GROUP_TEXT),
                            .record = BUFFER(LANES_RECORD_MOST),
                            .pending = BUFFER(LANES_RECORD_MOST),
                            .packed = BUFFER(2 * EVENT_BLOCK_MOST),
                            .held = BUFFER(EVENT_BLOCK_HEAD + EVENT_BODY_MOST)};
    set_defaults(&lanes->settings);
    for (unsigned i = 0; i < LANES; i++)
        lanes->lanes[i] = (struct lane_state){.lane = (enum lane)i,
                                              .block = BUFFER(EVENT_BLOCK_MOST + EVENT_BLOCK_HEAD),
                                              .message = {.lane = (enum lane)i}};
    const struct spool_folder_settings of_folder = {.path = settings->folder,
                                                    .segment_bytes = lanes->settings.segment_bytes,
                                                    .cache_bytes = lanes->settings.cache_bytes,
                                                    .random = lanes->settings.random};
    lanes->folder = spool_folder_open(&of_folder, files, settings->finding, settings->finding_context, fault);
    if (!lanes->folder || !lanes_restore(lanes, fault))
        return lanes_destroy(lanes);
    lanes_tick(lanes, now);
    lanes_tell_damage(lanes);
    return lanes;
}

struct lanes *lanes_destroy(struct lanes *lanes) {
    if (!lanes)
        return NULL;
    for (unsigned i = 0; i < LANES; i++) {
        stream_writer_destroy(lanes->lanes[i].writer);
        buffer_free(&lanes->lanes[i].block);
        lane_leaves_free(&lanes->lanes[i]);
        memory_wipe(lanes->lanes[i].keys, sizeof lanes->lanes[i].keys);
    }
    spool_folder_destroy(lanes->folder);
    spool_positions_free(&lanes->positions);
    buffer_free(&lanes->echo);
    buffer_free(&lanes->next_echo);
    buffer_free(&lanes->record);
    buffer_free(&lanes->pending);
    buffer_free(&lanes->packed);
    buffer_free(&lanes->held);
    ZSTD_freeCCtx(lanes->compressor);
    memory_cleanup(&lanes->host);
    memory_cleanup(&lanes);
    return NULL;
}
