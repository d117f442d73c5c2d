#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "entry_block_inside.h"
#include "memory.h"
#include "segment_number.h"

#define LEVEL 9 /* written once, kept for ever */
#define CUM_AT 120u

struct item {
    size_t at, size, list_size; /* in the texts: the entry, then its class list */
    bool listed;
};

struct entry_block_writer {
    uint64_t first;
    struct entry_block_roots roots;
    struct buffer texts;
    struct item *items;
    uint32_t *streams; /* of each item */
    size_t count, room;
    struct hash *ids; /* stream 1 has the first one */
    uint32_t *by_id;  /* places of ids, in their order */
    size_t stream_count, stream_room;

    struct buffer columns[ENTRY_COLUMNS], signatures, given;
};

struct entry_block_writer *entry_block_writer_create(uint64_t first_index, struct entry_block_roots roots) {
    struct entry_block_writer *writer = memory_new(sizeof *writer);
    writer->first = first_index;
    writer->roots = roots;
    writer->texts = BUFFER(ENTRY_BLOCK_TEXT_MOST);
    for (size_t i = 0; i < ENTRY_COLUMNS; i++)
        writer->columns[i] = BUFFER(ENTRY_BLOCK_TEXT_MOST);
    writer->signatures = writer->given = BUFFER(ENTRY_BLOCK_TEXT_MOST);
    return writer;
}

struct entry_block_writer *entry_block_writer_destroy(struct entry_block_writer *writer) {
    if (writer) {
        for (size_t i = 0; i < ENTRY_COLUMNS; i++)
            buffer_free(&writer->columns[i]);
        buffer_free(&writer->signatures);
        buffer_free(&writer->given);
        buffer_free(&writer->texts);
        free(writer->items);
        free(writer->streams);
        free(writer->ids);
        free(writer->by_id);
        free(writer);
    }
    return NULL;
}

/* ---- what goes in */

static uint32_t stream_of(struct entry_block_writer *writer, const uint8_t id[HASH_SIZE]) {
    size_t low = 0, high = writer->stream_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(writer->ids[writer->by_id[middle]].bytes, id, HASH_SIZE);
        if (order == 0)
            return writer->by_id[middle] + 1;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (writer->stream_count == writer->stream_room) {
        writer->stream_room = writer->stream_room ? writer->stream_room * 2 : 16;
        writer->ids = memory_resize(writer->ids, writer->stream_room, sizeof *writer->ids);
        writer->by_id = memory_resize(writer->by_id, writer->stream_room, sizeof *writer->by_id);
    }
    memmove(writer->by_id + low + 1, writer->by_id + low,
            (writer->stream_count - low) * sizeof *writer->by_id);
    writer->by_id[low] = (uint32_t)writer->stream_count;
    writer->ids[writer->stream_count++] = hash_from(id);
    return (uint32_t)writer->stream_count;
}

bool entry_block_writer_add(struct entry_block_writer *writer, const struct entry_block_item *item) {
    size_t list_size = item->listed ? item->class_list.size : 0;
    if (writer->count == ENTRY_BLOCK_COUNT_MOST ||
        !buffer_reserve(&writer->texts, item->entry.size + list_size + 1))
        return false;
    if (writer->count == writer->room) {
        writer->room = writer->room ? writer->room * 2 : 256;
        writer->items = memory_resize(writer->items, writer->room, sizeof *writer->items);
        writer->streams = memory_resize(writer->streams, writer->room, sizeof *writer->streams);
    }
    writer->items[writer->count] =
        (struct item){writer->texts.size, item->entry.size, list_size, item->listed};
    writer->streams[writer->count++] = entry_is_batch(item->entry)
                                           ? stream_of(writer, item->entry.data + BATCH_ENTRY_STREAM_AT)
                                           : ENTRY_BLOCK_STREAM_NONE;
    buffer_append_slice(&writer->texts, item->entry);
    if (list_size)
        buffer_append_slice(&writer->texts, item->class_list);
    return true;
}

size_t entry_block_writer_count(const struct entry_block_writer *writer) {
    return writer->count;
}
size_t entry_block_writer_streams(const struct entry_block_writer *writer) {
    return writer->stream_count;
}

/* ---- columns */

static void put(struct entry_block_writer *writer, unsigned column, uint64_t value) {
    segment_number_write(&writer->columns[column], value);
}

static void put_as_is(struct entry_block_writer *writer, struct slice bytes) {
    put(writer, COLUMN_SIZE, bytes.size);
    buffer_append_slice(&writer->columns[COLUMN_TEXT], bytes);
}

/* Gives what stands in it, nothing where it goes in as it is. */
static struct class_list put_list(struct entry_block_writer *writer, const struct item *item,
                                  struct slice bytes) {
    struct class_list list = {.count = 0};
    uint8_t again[CLASS_LIST_MOST];
    if (!item->listed) {
        put(writer, COLUMN_LIST, LIST_NONE);
        return list;
    }
    if (!class_list_read(bytes, &list, NULL) ||
        !slice_equal(bytes, slice_make(again, class_list_write(&list, again)))) {
        put(writer, COLUMN_LIST, LIST_AS_IS);
        put_as_is(writer, bytes);
        return (struct class_list){.count = 0};
    }
    put(writer, COLUMN_LIST, LIST_CLASSES + list.count);
    for (size_t i = 0; i < list.count; i++) {
        bytes_write_u8(&writer->columns[COLUMN_CLASS], list.items[i].class);
        put(writer, COLUMN_CLASS_COUNT, list.items[i].count);
        buffer_append_slice(&writer->given, hash_slice(&list.items[i].root));
    }
    return list;
}

static void put_cum(struct entry_block_writer *writer, const struct entry_place *place) {
    uint64_t unexpected = 0, differences[CLASS_NUMBERS];
    for (unsigned class = 0; class < CLASS_NUMBERS; class ++) {
        differences[class] =
            bytes_get_u64(place->entry + CUM_AT + 8 * class) - entry_cum_expected(place, class);
        unexpected |= (uint64_t)(differences[class] != 0) << class;
    }
    put(writer, COLUMN_CUM, unexpected);
    for (unsigned class = 0; class < CLASS_NUMBERS; class ++)
        if (differences[class])
            put(writer, COLUMN_CUM, segment_fold(differences[class]));
}

static void put_batch(struct entry_block_writer *writer, const struct entry_place *place) {
    uint8_t expected[HASH_SIZE], given = 0;
    for (unsigned number = 0; number < ENTRY_NUMBERS; number++) {
        uint64_t difference = entry_number_difference(number, entry_number_get(place->entry, number),
                                                      entry_number_expected(place, number));
        put(writer, COLUMN_NUMBERS + number, segment_fold(difference));
    }
    put_cum(writer, place);
    for (unsigned i = 0; i < ENTRY_GIVEN; i++) {
        const struct entry_given_place *where = &entry_given_places[i];
        if (entry_given_expected(place, i, &writer->roots, expected) &&
            memcmp(place->entry + where->at, expected, where->size) == 0)
            continue;
        given |= (uint8_t)(1u << i);
        buffer_append(&writer->given, place->entry + where->at, where->size);
    }
    bytes_write_u8(&writer->columns[COLUMN_GIVEN], given);
    buffer_append(&writer->signatures, place->entry + BATCH_ENTRY_SIGNED,
                  BATCH_ENTRY_SIZE - BATCH_ENTRY_SIGNED);
}

static void put_stream(struct entry_block_writer *writer, uint32_t stream, const uint32_t *order,
                       size_t count) {
    static const uint8_t nothing[BATCH_ENTRY_SIZE];
    struct entry_place place = {.previous = nothing, .previous_index = writer->first - 1};
    for (size_t i = 0; i < count; i++) {
        const struct item *item = &writer->items[order[i]];
        struct slice entry = slice_make(writer->texts.data + item->at, item->size);
        place.list_bytes = slice_make(entry.data + item->size, item->list_size);
        struct class_list list = put_list(writer, item, place.list_bytes);
        if (stream == ENTRY_BLOCK_STREAM_NONE) {
            put_as_is(writer, entry);
            continue;
        }
        place.list = &list;
        place.entry = entry.data;
        put_batch(writer, &place);
        place.previous = entry.data;
        place.previous_index = writer->first + order[i];
        place.has_previous = true;
    }
}

/* ---- the block */

static bool pack(struct entry_block_writer *writer, struct buffer *packed, struct fault *fault) {
    CLEANUP_BUFFER struct buffer plain = BUFFER(2 * ENTRY_BLOCK_TEXT_MOST);
    for (size_t i = 0; i < ENTRY_COLUMNS; i++)
        bytes_write_block(&plain, buffer_slice(&writer->columns[i]));
    if (plain.overflow || !buffer_reserve(packed, ZSTD_compressBound(plain.size)))
        return fault_set(fault, FAULT_LIMIT, "columns of %zu bytes", plain.size);
    size_t size = ZSTD_compress(packed->data, packed->capacity, plain.data, plain.size, LEVEL);
    if (ZSTD_isError(size))
        return fault_set(fault, FAULT_INTERNAL, "zstd: %s", ZSTD_getErrorName(size));
    packed->size = size;
    return true;
}

bool entry_block_writer_finish(struct entry_block_writer *writer, struct buffer *to, struct fault *fault) {
    size_t streams = writer->stream_count + 1, before = to->size;
    CLEANUP_FREE uint32_t *starts = memory_new_array(streams + 1, sizeof *starts);
    CLEANUP_FREE uint32_t *order = memory_new_array(writer->count + 1, sizeof *order);
    CLEANUP_BUFFER struct buffer packed = BUFFER(4 * ENTRY_BLOCK_TEXT_MOST);
    if (writer->count == 0)
        return fault_set(fault, FAULT_USAGE, "a block of no entries");
    entry_block_group(writer->streams, writer->count, streams, starts, order);
    for (size_t i = 0; i < writer->count; i++)
        put(writer, COLUMN_STREAM, writer->streams[i]);
    for (size_t stream = 0; stream < streams; stream++)
        put_stream(writer, (uint32_t)stream, order + starts[stream], starts[stream + 1] - starts[stream]);
    if (!pack(writer, &packed, fault))
        return false;
    buffer_append(to, ENTRY_BLOCK_LABEL, sizeof ENTRY_BLOCK_LABEL);
    bytes_write_u64(to, writer->first);
    bytes_write_u32(to, (uint32_t)writer->count);
    bytes_write_u32(to, (uint32_t)writer->stream_count);
    bytes_write_block(to, buffer_slice(&packed));
    if (writer->stream_count)
        buffer_append(to, writer->ids, writer->stream_count * sizeof *writer->ids);
    buffer_append_slice(to, buffer_slice(&writer->signatures));
    buffer_append_slice(to, buffer_slice(&writer->given));
    return (!to->overflow && to->size - before <= ENTRY_BLOCK_MOST) ||
           fault_set(fault, FAULT_LIMIT, "a block of over %u bytes", ENTRY_BLOCK_MOST);
}
