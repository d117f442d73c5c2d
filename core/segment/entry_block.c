#include "entry_block.h"

#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "entry_block_inside.h"
#include "memory.h"
#include "segment_number.h"

#define COLUMNS_MOST (2u * ENTRY_BLOCK_TEXT_MOST)
#define CUM_AT 120u

/* Where the next item of a stream is read. */
struct readers {
    struct bytes_reader columns[ENTRY_COLUMNS], signatures, given;
};

/* An item as it stands in the columns. */
struct difference {
    uint64_t list_form;
    struct class_list list;
    struct slice list_bytes, entry_bytes; /* as they are */
    uint64_t numbers[ENTRY_NUMBERS], unexpected, cum[CLASS_NUMBERS];
    uint8_t given;
    struct slice given_bytes[ENTRY_GIVEN], signature;
};

struct read_item {
    struct entry_block_item item;
    uint8_t *list; /* its own */
};

struct entry_block {
    uint64_t first;
    uint32_t count, stream_count; /* 0, what goes in as it is, among the streams */
    struct buffer columns;
    uint8_t *tail; /* ids, signatures, what is given */
    const uint8_t *ids;
    uint32_t *streams, *starts, *order;
    struct readers *readers; /* at each stream's beginning */
    uint8_t **entries;       /* of each stream, once they were wanted */
    struct read_item *items;
};

static bool bad(struct fault *fault, const char *what) {
    return fault_set(fault, FAULT_FORMAT, "this is no block of log entries: %s", what);
}

/* ---- one item out of the columns */

static struct slice read_as_is(struct readers *readers) {
    return bytes_read_raw(&readers->columns[COLUMN_TEXT],
                          segment_number_read(&readers->columns[COLUMN_SIZE]));
}

static void read_list(struct readers *readers, struct difference *difference) {
    difference->list_form = segment_number_read(&readers->columns[COLUMN_LIST]);
    difference->list.count = 0;
    if (difference->list_form == LIST_AS_IS)
        difference->list_bytes = read_as_is(readers);
    if (difference->list_form <= LIST_AS_IS)
        return;
    size_t count = difference->list_form - LIST_CLASSES;
    if (count > CLASS_NUMBERS) {
        readers->columns[COLUMN_LIST].failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct class_list_item *item = &difference->list.items[i];
        item->class = bytes_read_u8(&readers->columns[COLUMN_CLASS]);
        item->count = (uint32_t)segment_number_read(&readers->columns[COLUMN_CLASS_COUNT]);
        bytes_read_into(&readers->given, item->root.bytes, HASH_SIZE);
    }
    difference->list.count = count;
}

static void read_batch(struct readers *readers, struct difference *difference) {
    for (unsigned number = 0; number < ENTRY_NUMBERS; number++)
        difference->numbers[number] =
            segment_unfold(segment_number_read(&readers->columns[COLUMN_NUMBERS + number]));
    difference->unexpected = segment_number_read(&readers->columns[COLUMN_CUM]);
    for (unsigned class = 0; class < CLASS_NUMBERS; class ++)
        difference->cum[class] = difference->unexpected >> class & 1
                                     ? segment_unfold(segment_number_read(&readers->columns[COLUMN_CUM]))
                                     : 0;
    difference->given = bytes_read_u8(&readers->columns[COLUMN_GIVEN]);
    for (unsigned i = 0; i < ENTRY_GIVEN; i++)
        if (difference->given >> i & 1)
            difference->given_bytes[i] = bytes_read_raw(&readers->given, entry_given_places[i].size);
    difference->signature = bytes_read_raw(&readers->signatures, BATCH_ENTRY_SIZE - BATCH_ENTRY_SIGNED);
}

static void read_item(struct readers *readers, bool is_batch, struct difference *difference) {
    read_list(readers, difference);
    if (is_batch)
        read_batch(readers, difference);
    else
        difference->entry_bytes = read_as_is(readers);
}

static bool readers_failed(const struct readers *readers) {
    bool failed = readers->signatures.failed || readers->given.failed;
    for (size_t i = 0; i < ENTRY_COLUMNS; i++)
        failed = failed || readers->columns[i].failed;
    return failed;
}

static bool readers_done(const struct readers *readers) {
    bool done = bytes_read_done(&readers->signatures) && bytes_read_done(&readers->given);
    for (size_t i = 0; i < ENTRY_COLUMNS; i++)
        done = done && bytes_read_done(&readers->columns[i]);
    return done;
}

/* ---- opening */

static bool unpack(struct entry_block *block, struct slice packed, struct fault *fault) {
    unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.size);
    block->columns = BUFFER(COLUMNS_MOST);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > COLUMNS_MOST)
        return bad(fault, "a frame that is none, or too large");
    buffer_reserve(&block->columns, (size_t)size + 1); /* never without memory */
    size_t got = ZSTD_decompress(block->columns.data, (size_t)size, packed.data, packed.size);
    if (ZSTD_isError(got) || got != size)
        return bad(fault, "a frame that does not decompress");
    block->columns.size = got;
    return true;
}

static bool read_streams(struct entry_block *block, struct bytes_reader *column, size_t *ret_batches) {
    *ret_batches = 0;
    block->streams = memory_new_array(block->count, sizeof *block->streams);
    for (uint32_t i = 0; i < block->count; i++) {
        uint64_t stream = segment_number_read(column);
        if (stream >= block->stream_count)
            return false;
        block->streams[i] = (uint32_t)stream;
        *ret_batches += stream != ENTRY_BLOCK_STREAM_NONE;
    }
    return !column->failed;
}

/* Once through all items: each stream's beginning, and whether everything fits. */
static bool walk(struct entry_block *block, struct readers *readers) {
    struct difference difference;
    block->readers = memory_new_array(block->stream_count, sizeof *block->readers);
    for (uint32_t stream = 0; stream < block->stream_count; stream++) {
        block->readers[stream] = *readers;
        for (uint32_t i = block->starts[stream]; i < block->starts[stream + 1]; i++) {
            read_item(readers, stream != ENTRY_BLOCK_STREAM_NONE, &difference);
            if (readers_failed(readers))
                return false;
        }
    }
    return readers_done(readers);
}

static bool open_tail(struct entry_block *block, struct slice tail, size_t batches, struct readers *readers) {
    size_t ids = (size_t)(block->stream_count - 1) * HASH_SIZE,
           signatures = batches * (BATCH_ENTRY_SIZE - BATCH_ENTRY_SIGNED);
    if (tail.size < ids || tail.size - ids < signatures)
        return false;
    block->tail = memory_copy(tail.data, tail.size);
    block->ids = block->tail;
    readers->signatures = bytes_read(slice_make(block->tail + ids, signatures));
    readers->given = bytes_read(slice_make(block->tail + ids + signatures, tail.size - ids - signatures));
    return true;
}

static bool open_columns(struct entry_block *block, struct slice tail, struct fault *fault) {
    struct readers readers;
    struct bytes_reader columns = bytes_read(buffer_slice(&block->columns));
    size_t batches;
    for (size_t i = 0; i < ENTRY_COLUMNS; i++)
        readers.columns[i] = bytes_read(bytes_read_block(&columns));
    if (!bytes_read_done(&columns) || readers.columns[COLUMN_STREAM].rest.size < block->count ||
        !read_streams(block, &readers.columns[COLUMN_STREAM], &batches))
        return bad(fault, "its columns are not as long as it has entries");
    if (!open_tail(block, tail, batches, &readers))
        return bad(fault, "it is cut short");
    block->starts = memory_new_array(block->stream_count + 1u, sizeof *block->starts);
    block->order = memory_new_array(block->count, sizeof *block->order);
    entry_block_group(block->streams, block->count, block->stream_count, block->starts, block->order);
    return walk(block, &readers) || bad(fault, "its columns do not fit together");
}

static bool open_block(struct entry_block *block, struct slice bytes, struct fault *fault) {
    struct bytes_reader reader = bytes_read(bytes);
    struct slice label = bytes_read_raw(&reader, sizeof ENTRY_BLOCK_LABEL);
    block->first = bytes_read_u64(&reader);
    block->count = bytes_read_u32(&reader);
    block->stream_count = bytes_read_u32(&reader) + 1;
    struct slice packed = bytes_read_block(&reader);
    if (reader.failed || !slice_equal(label, slice_make(ENTRY_BLOCK_LABEL, sizeof ENTRY_BLOCK_LABEL)))
        return bad(fault, "another label, or cut short");
    if (block->count == 0 || block->count > ENTRY_BLOCK_COUNT_MOST || block->stream_count == 0 ||
        block->stream_count > block->count + 1 || block->first > UINT64_MAX - block->count)
        return bad(fault, "a number of entries or streams that cannot be");
    return unpack(block, packed, fault) && open_columns(block, reader.rest, fault);
}

struct entry_block *entry_block_open(struct slice bytes, struct fault *fault) {
    struct entry_block *block = memory_new(sizeof *block);
    if (!open_block(block, bytes, fault))
        return entry_block_close(block);
    block->entries = memory_new_array(block->stream_count, sizeof *block->entries);
    block->items = memory_new_array(block->count, sizeof *block->items);
    return block;
}

struct entry_block *entry_block_close(struct entry_block *block) {
    if (block) {
        for (uint32_t i = 0; block->items && i < block->count; i++)
            free(block->items[i].list);
        for (uint32_t i = 0; block->entries && i < block->stream_count; i++)
            free(block->entries[i]);
        buffer_free(&block->columns);
        free(block->tail);
        free(block->streams);
        free(block->starts);
        free(block->order);
        free(block->readers);
        free(block->entries);
        free(block->items);
        free(block);
    }
    return NULL;
}

uint64_t entry_block_first(const struct entry_block *block) {
    return block->first;
}
uint64_t entry_block_end(const struct entry_block *block) {
    return block->first + block->count;
}

/* ---- entries again */

static void make_list(struct read_item *item, const struct difference *difference) {
    item->item.listed = difference->list_form != LIST_NONE;
    if (difference->list_form == LIST_AS_IS)
        item->item.class_list = difference->list_bytes;
    else if (item->item.listed) {
        uint8_t bytes[CLASS_LIST_MOST];
        size_t size = class_list_write(&difference->list, bytes);
        item->list = memory_copy(bytes, size);
        item->item.class_list = slice_make(item->list, size);
    }
}

static bool make_batch(const struct entry_place *place, uint8_t *entry, const uint8_t *id,
                       const struct difference *difference, const struct entry_block_roots *roots,
                       struct fault *fault) {
    memcpy(entry, "tocsin/batch/v1", 16);
    memcpy(entry + BATCH_ENTRY_STREAM_AT, id, HASH_SIZE);
    for (unsigned number = 0; number < ENTRY_NUMBERS; number++)
        entry_number_put(entry, number, entry_number_expected(place, number) + difference->numbers[number]);
    for (unsigned class = 0; class < CLASS_NUMBERS; class ++)
        bytes_put_u64(entry + CUM_AT + 8 * class, entry_cum_expected(place, class) + difference->cum[class]);
    memcpy(entry + BATCH_ENTRY_SIGNED, difference->signature.data, difference->signature.size);
    for (unsigned i = 0; i < ENTRY_GIVEN; i++) {
        uint8_t expected[HASH_SIZE];
        if (difference->given >> i & 1)
            memcpy(entry + entry_given_places[i].at, difference->given_bytes[i].data,
                   entry_given_places[i].size);
        else if (entry_given_expected(place, i, roots, expected))
            memcpy(entry + entry_given_places[i].at, expected, entry_given_places[i].size);
        else
            return fault_set(fault, FAULT_MISSING,
                             "the checkpoint of size %llu, which it has seen, is not there",
                             (unsigned long long)entry_number_get(entry, ENTRY_SEEN));
    }
    return true;
}

static bool make_stream(struct entry_block *block, uint32_t stream, uint8_t *entries,
                        const struct entry_block_roots *roots, struct fault *fault) {
    static const uint8_t nothing[BATCH_ENTRY_SIZE];
    struct readers readers = block->readers[stream];
    struct entry_place place = {.previous = nothing, .previous_index = block->first - 1};
    for (uint32_t i = block->starts[stream]; i < block->starts[stream + 1]; i++) {
        struct difference difference;
        struct read_item *item = &block->items[block->order[i]];
        read_item(&readers, stream != ENTRY_BLOCK_STREAM_NONE, &difference);
        if (!item->item.listed)
            make_list(item, &difference);
        if (stream == ENTRY_BLOCK_STREAM_NONE) {
            item->item.entry = difference.entry_bytes;
            continue;
        }
        place.entry = entries;
        place.list = &difference.list;
        place.list_bytes = item->item.listed ? item->item.class_list : SLICE("");
        if (!make_batch(&place, entries, block->ids + (size_t)(stream - 1) * HASH_SIZE, &difference, roots,
                        fault))
            return false;
        item->item.entry = slice_make(entries, BATCH_ENTRY_SIZE);
        place.previous = entries;
        place.previous_index = block->first + block->order[i];
        place.has_previous = true;
        entries += BATCH_ENTRY_SIZE;
    }
    return true;
}

bool entry_block_get(struct entry_block *block, uint64_t index, struct entry_block_roots roots,
                     struct entry_block_item *ret_item, struct fault *fault) {
    if (index < block->first || index >= entry_block_end(block))
        return fault_set(fault, FAULT_USAGE, "the block has no entry %llu", (unsigned long long)index);
    uint32_t place = (uint32_t)(index - block->first), stream = block->streams[place],
             count = block->starts[stream + 1] - block->starts[stream];
    const struct entry_block_item *item = &block->items[place].item;
    struct fault local = {0};
    if (!block->entries[stream])
        block->entries[stream] =
            memory_new_array(stream == ENTRY_BLOCK_STREAM_NONE ? 1 : count, BATCH_ENTRY_SIZE);
    /* Of a stream that breaks off there is what stands before. */
    if (!item->entry.data && !make_stream(block, stream, block->entries[stream], &roots, &local) &&
        !item->entry.data) {
        if (fault)
            *fault = local;
        return fault_place(fault, "the block of log entries from %llu", (unsigned long long)block->first);
    }
    *ret_item = *item;
    return true;
}
