#include "seal_range.h"

#include <stdlib.h>

#include "batch_entry.h"
#include "body_time.h"
#include "bytes.h"
#include "clock.h"
#include "events.h"
#include "log_reader.h"
#include "memory.h"
#include "row.h"
#include "segment_writer.h"
#include "stream_row.h"

struct batch {
    uint64_t log_index;
    uint8_t *entry; /* 416 bytes, then the class list */
    size_t class_list_size;
    uint32_t stream;           /* in the range */
    uint32_t numbers[CLASSES]; /* in the class's writer; UINT32_MAX: none yet */
    uint8_t keys[CLASSES][CLASS_KEY_SIZE];
    bool has_key[CLASSES];
};

struct place {
    uint64_t arrival;
    uint32_t batch;
    uint64_t first_event_seq; /* of its row in the index */
};

struct stream {
    struct hash id;
    char name[STREAM_NAME_SIZE];
    struct verify_key first_key;
    uint32_t numbers[CLASSES];
};

/* A class's segment. */
struct part {
    struct segment_writer *writer;
    struct segment_row row;
};

struct seal_range {
    const struct store *store;
    uint64_t day, first_index, text, ingested_us;
    struct batch *batches;
    size_t batch_count, batch_room;
    struct place *places;
    size_t place_count, place_room;
    struct stream *streams;
    size_t stream_count, stream_room;
    struct part parts[CLASSES];
    struct events_opener *opener;
    struct segment_line_clock clock;
};

static bool line_time(void *context, const struct event_body *body, uint64_t read_us, uint64_t *ret_time_us) {
    const struct seal_range *range = context;
    bool zoneless;
    return body_time(body, read_us, range->clock.zone_minutes, ret_time_us, &zoneless);
}

struct seal_range *seal_range_create(const struct store *store, uint64_t day, uint64_t first_index) {
    struct seal_range *range = memory_new(sizeof *range);
    range->store = store;
    range->day = day;
    range->first_index = first_index;
    range->ingested_us = UINT64_MAX;
    range->opener = events_opener_create();
    range->clock = (struct segment_line_clock){line_time, range, clock_zone_minutes(clock_wall_us())};
    return range;
}

static void drop_batch(struct batch *batch) {
    free(batch->entry);
    memory_wipe(batch, sizeof *batch);
}

struct seal_range *seal_range_destroy(struct seal_range *range) {
    if (range) {
        for (size_t i = 0; i < range->batch_count; i++)
            drop_batch(&range->batches[i]);
        for (unsigned class = 0; class < CLASSES; class ++)
            segment_writer_destroy(range->parts[class].writer);
        free(range->batches);
        free(range->places);
        free(range->streams);
        events_opener_destroy(range->opener);
        free(range);
    }
    return NULL;
}

uint64_t seal_range_text(const struct seal_range *range) {
    return range->text;
}
size_t seal_range_rows(const struct seal_range *range) {
    return range->place_count;
}
uint64_t seal_range_ingested_us(const struct seal_range *range) {
    return range->ingested_us;
}

uint64_t seal_range_arrival(const struct seal_range *range) {
    return range->place_count ? range->places[range->place_count - 1].arrival : 0;
}

bool seal_range_full(const struct seal_range *range, uint64_t text_most) {
    return range->text >= text_most || range->place_count >= SEAL_ROWS_MOST ||
           range->batch_count >= SEAL_BATCHES_MOST;
}

/* ---- what is in it */

static uint32_t stream_of(struct seal_range *range, const struct hash *id) {
    for (size_t i = range->stream_count; i-- > 0;)
        if (hash_equal(&range->streams[i].id, id))
            return (uint32_t)i;
    if (range->stream_count == range->stream_room) {
        range->stream_room = range->stream_room ? range->stream_room * 2 : 64;
        range->streams = memory_resize(range->streams, range->stream_room, sizeof *range->streams);
    }
    struct stream *stream = &range->streams[range->stream_count];
    CLEANUP_STORE_VALUE struct store_value value = {0};
    struct stream_row row;
    *stream = (struct stream){.id = *id};
    memset(stream->numbers, 0xff, sizeof stream->numbers);
    if (store_get(range->store, STORE_STREAM, hash_slice(id), &value, NULL) &&
        stream_row_read(value.slice, &row, NULL)) {
        stream_name_make(row.host, row.lane, stream->name);
        memcpy(stream->first_key.bytes, row.public_key, sizeof stream->first_key.bytes);
    }
    return (uint32_t)range->stream_count++;
}

struct found {
    size_t first_place;
    uint64_t next_seq, text, ingested_us;
    bool whole, behind;
};

/* One row of the batch. */
static bool find_row(struct seal_range *range, struct slice key, struct slice arrival, uint64_t passed,
                     struct found *found, struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    struct row row;
    struct events_message message;
    uint64_t number = arrival.size == 8 ? bytes_get_u64(arrival.data) : 0;
    if (number >= passed) {
        found->behind = true;
        return true;
    }
    if (!store_get(range->store, STORE_HOT, arrival, &value, fault) || !row_read(value.slice, &row, fault) ||
        !events_read(row.payload, &message, fault))
        return false;
    found->whole &= message.first_event_seq == found->next_seq;
    found->next_seq = message.first_event_seq + message.count;
    found->text += message.text_size;
    if (row.ingested_us < found->ingested_us)
        found->ingested_us = row.ingested_us;
    if (range->place_count == range->place_room) {
        range->place_room = range->place_room ? range->place_room * 2 : 1024;
        range->places = memory_resize(range->places, range->place_room, sizeof *range->places);
    }
    range->places[range->place_count++] =
        (struct place){number, (uint32_t)range->batch_count, bytes_get_u64(key.data + 32)};
    return true;
}

static bool find_rows(struct seal_range *range, const struct batch_entry *entry, uint64_t passed,
                      struct found *found, struct fault *fault) {
    uint8_t key[40];
    uint64_t end = entry->first_event_seq + entry->event_count;
    memcpy(key, entry->stream_id.bytes, 32);
    bytes_put_u64(key + 32, entry->first_event_seq);
    struct store_cursor *cursor = store_cursor_create(range->store, STORE_INDEX, NULL, slice_make(key, 32));
    bool good = true;
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key));
         good && on && !found->behind; on = store_cursor_next(cursor)) {
        struct slice at = store_cursor_key(cursor);
        if (at.size != 40 || bytes_get_u64(at.data + 32) >= end)
            break;
        good = find_row(range, at, store_cursor_value(cursor), passed, found, fault);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    found->whole &= found->next_seq == end;
    return good;
}

static bool keep_batch(struct seal_range *range, uint64_t log_index, const struct batch_entry *entry,
                       struct slice bytes, struct fault *fault) {
    CLEANUP_BUFFER struct buffer list = BUFFER(CLASS_LIST_MOST);
    if (!log_class_list_get(range->store, log_index, &list, fault))
        return false;
    if (range->batch_count == range->batch_room) {
        range->batch_room = range->batch_room ? range->batch_room * 2 : 256;
        range->batches = memory_resize(range->batches, range->batch_room, sizeof *range->batches);
    }
    struct batch *batch = &range->batches[range->batch_count];
    *batch = (struct batch){.log_index = log_index, .class_list_size = list.size};
    batch->entry = memory_new(BATCH_ENTRY_SIZE + list.size);
    memcpy(batch->entry, bytes.data, BATCH_ENTRY_SIZE);
    memcpy(batch->entry + BATCH_ENTRY_SIZE, list.data, list.size);
    batch->stream = stream_of(range, &entry->stream_id);
    memset(batch->numbers, 0xff, sizeof batch->numbers);
    range->batch_count++;
    return true;
}

enum seal_found seal_range_add(struct seal_range *range, uint64_t log_index, struct slice bytes,
                               uint64_t passed, struct fault *fault) {
    struct batch_entry entry;
    if (!batch_entry_read(bytes, &entry, NULL) || entry.event_count == 0)
        return SEAL_FOUND; /* a control entry, or a batch without events */
    struct found found = {range->place_count, entry.first_event_seq, 0, UINT64_MAX, true, false};
    bool good = find_rows(range, &entry, passed, &found, fault);
    if (!good || found.behind || !found.whole) { /* bodies that are owed: what is here stays hot */
        range->place_count = found.first_place;
        return !good ? SEAL_BROKEN : found.behind ? SEAL_BEHIND : SEAL_FOUND;
    }
    if (!keep_batch(range, log_index, &entry, bytes, fault)) {
        range->place_count = found.first_place;
        return SEAL_BROKEN;
    }
    range->text += found.text;
    if (found.ingested_us < range->ingested_us)
        range->ingested_us = found.ingested_us;
    return SEAL_FOUND;
}

/* ---- into segments */

static int by_arrival(const void *left, const void *right) {
    const struct place *a = left, *b = right;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static struct part *part_of(struct seal_range *range, uint8_t class) {
    struct part *part = &range->parts[class];
    if (!part->writer) {
        part->writer = segment_writer_create(class, range->day);
        segment_writer_set_clock(part->writer, &range->clock);
        part->row = (struct segment_row){.class = class, .day = range->day, .first_time_us = UINT64_MAX};
    }
    return part;
}

/* The batch's number in the class's segment. */
static bool number_of(struct seal_range *range, struct part *part, struct batch *batch, uint8_t class,
                      uint32_t *ret_number, struct fault *fault) {
    struct stream *stream = &range->streams[batch->stream];
    if (batch->numbers[class] == UINT32_MAX) {
        if (!batch->has_key[class])
            return fault_set(fault, FAULT_FORMAT, "log entry %llu has events of class %u and no key for them",
                             (unsigned long long)batch->log_index, class);
        if (stream->numbers[class] == UINT32_MAX)
            stream->numbers[class] = segment_writer_stream(
                part->writer, &stream->id, slice_string(stream->name), &stream->first_key, fault);
        if (stream->numbers[class] == UINT32_MAX)
            return false;
        batch->numbers[class] = segment_writer_batch(
            part->writer, stream->numbers[class], batch->log_index,
            slice_make(batch->entry, BATCH_ENTRY_SIZE),
            slice_make(batch->entry + BATCH_ENTRY_SIZE, batch->class_list_size), batch->keys[class], fault);
    }
    *ret_number = batch->numbers[class];
    return *ret_number != UINT32_MAX;
}

static bool write_events(struct seal_range *range, const struct place *place, const struct row *row,
                         const struct events_message *message, struct slice text, struct fault *fault) {
    struct batch *batch = &range->batches[place->batch];
    struct event event;
    struct fault end = {0};
    uint64_t seq = message->first_event_seq;
    uint8_t last_class = UINT8_MAX;
    struct part *part = NULL;
    for (; event_block_next(&text, &event, &end); seq++) {
        event.seq = seq;
        if (event.class >= CLASSES)
            return fault_set(fault, FAULT_FORMAT, "an event of class %u", event.class);
        if (!part || event.class != last_class) {
            uint32_t number;
            part = part_of(range, event.class);
            if (!number_of(range, part, batch, event.class, &number, fault))
                return false;
            segment_writer_row(part->writer, number, place->arrival, row->ingested_us);
            if (segment_writer_events(part->writer) == 0)
                part->row.first_arrival = place->arrival;
            part->row.last_arrival = place->arrival;
            last_class = event.class;
        }
        if (event.time_us < part->row.first_time_us)
            part->row.first_time_us = event.time_us;
        if (event.time_us > part->row.last_time_us)
            part->row.last_time_us = event.time_us;
        if (!segment_writer_event(part->writer, &event, fault))
            return false;
    }
    if (end.code)
        return fault_set(fault, end.code, "%s", end.text);
    return seq == message->first_event_seq + message->count ||
           fault_set(fault, FAULT_FORMAT, "a row with another number of events than it says");
}

static bool write_row(struct seal_range *range, const struct place *place, struct fault *fault) {
    uint8_t key[8];
    CLEANUP_STORE_VALUE struct store_value value = {0};
    struct row row;
    struct events_message message;
    struct slice text;
    struct batch *batch = &range->batches[place->batch];
    bytes_put_u64(key, place->arrival);
    if (!store_get(range->store, STORE_HOT, slice_make(key, 8), &value, fault) ||
        !row_read(value.slice, &row, fault) || !events_read(row.payload, &message, fault) ||
        !events_open(range->opener, &message, &text, fault))
        return false;
    for (size_t i = 0; i < message.key_count; i++) {
        memcpy(batch->keys[message.keys[i].class], message.keys[i].key.data, CLASS_KEY_SIZE);
        batch->has_key[message.keys[i].class] = true;
    }
    return write_events(range, place, &row, &message, text, fault);
}

static bool read_back(const char *path, const struct segment_writer *writer, const uint8_t key[DAY_KEY_SIZE],
                      struct fault *fault) {
    struct sealed_file file = {-1};
    struct segment_source source = sealed_file_source(&file);
    uint64_t events = 0, sum = 0;
    struct segment_reader *reader = NULL;
    bool good = sealed_file_open(path, &file, fault) && (reader = segment_reader_open(&source, fault)) &&
                segment_reader_unlock(reader, key, fault) && segment_reader_sum(reader, &events, &sum, fault);
    if (good && (events != segment_writer_events(writer) || sum != segment_writer_sum(writer)))
        good = fault_set(fault, FAULT_INTERNAL,
                         "what was sealed reads back as something else; it stays as it was");
    segment_reader_close(reader);
    sealed_file_close(&file);
    return good || fault_place(fault, "%s", path);
}

static bool write_part(struct seal_range *range, struct part *part, uint64_t last_index,
                       struct day_keys *keys, const char *folder, struct change *change,
                       struct seal_written *written, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(SEGMENT_FILE_MOST);
    struct random_source random = random_source_system();
    uint8_t day_key[DAY_KEY_SIZE], key[SEGMENT_ROW_KEY], value[SEGMENT_ROW_SIZE];
    char path[FILES_PATH_MOST];
    struct segment_row *row = &part->row;
    row->first_index = range->first_index;
    row->last_index = last_index;
    row->events = segment_writer_events(part->writer);
    row->text = segment_writer_text(part->writer);
    bool good = segment_files_path(path, folder, row) &&
                day_keys_need(keys, row->class, row->day, day_key, &row->key_id, fault) &&
                segment_writer_finish(part->writer, row->first_index, row->last_index, day_key, &row->key_id,
                                      &random, &file, NULL, fault);
    row->bytes = file.size;
    good = good && segment_files_write(folder, row, buffer_slice(&file), fault);
    row->file = sha256_of(buffer_slice(&file));
    good = good && read_back(path, part->writer, day_key, fault);
    memory_wipe(day_key, sizeof day_key);
    part->writer = segment_writer_destroy(part->writer);
    if (!good)
        return false;
    segment_row_key(key, row);
    segment_row_value(value, row);
    change_put(change, STORE_SEGMENT, slice_make(key, sizeof key), slice_make(value, sizeof value));
    written->segments++;
    written->events += row->events;
    written->bytes += row->bytes;
    written->text += row->text;
    return true;
}

static void delete_rows(const struct seal_range *range, struct change *change) {
    for (size_t i = 0; i < range->place_count; i++) {
        const struct place *place = &range->places[i];
        uint8_t arrival[8], index[40];
        bytes_put_u64(arrival, place->arrival);
        memcpy(index, range->streams[range->batches[place->batch].stream].id.bytes, 32);
        bytes_put_u64(index + 32, place->first_event_seq);
        change_delete(change, STORE_HOT, slice_make(arrival, sizeof arrival));
        change_delete(change, STORE_INDEX, slice_make(index, sizeof index));
    }
}

bool seal_range_write(struct seal_range *range, uint64_t next_index, uint64_t next_day, struct day_keys *keys,
                      const char *folder, struct change *change, struct seal_written *ret_written,
                      struct fault *fault) {
    uint8_t mark[16];
    struct seal_written written = {0};
    if (range->place_count)
        qsort(range->places, range->place_count, sizeof *range->places, by_arrival);
    for (size_t i = 0; i < range->place_count; i++)
        if (!write_row(range, &range->places[i], fault))
            return fault_place(fault, "row %llu", (unsigned long long)range->places[i].arrival);
    for (unsigned class = 0; class < CLASSES; class ++)
        if (range->parts[class].writer &&
            !write_part(range, &range->parts[class], next_index - 1, keys, folder, change, &written, fault))
            return false;
    delete_rows(range, change);
    bytes_put_u64(mark, next_index);
    bytes_put_u64(mark + 8, next_day);
    change_put(change, STORE_MARK, SLICE(SEAL_MARK), slice_make(mark, sizeof mark));
    if (change_is_cut(change))
        return fault_set(fault, FAULT_LIMIT, "a range with too many rows");
    *ret_written = written;
    return true;
}
