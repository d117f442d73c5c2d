#include "segment_writer.h"

#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "memory.h"
#include "segment_block_writer.h"
#include "segment_number.h"
#include "segment_tokens.h"

#define INDEX_LEVEL 3
#define TEMPLATE_BYTES_MOST (8u * 1024 * 1024)
#define SHAPE_BYTES_MOST (4u * 1024 * 1024)

struct batch_extra {
    uint32_t position; /* of the next event of the class */
    uint64_t next_seq;
    uint8_t class_key[CLASS_KEY_SIZE], entry[BATCH_ENTRY_SIZE], class_list[CLASS_LIST_MOST];
};

struct segment_writer {
    uint8_t class;
    int zone_minutes;
    uint64_t day, events, text, sum;
    struct segment_tables tables;
    struct segment_block_writer *block;
    struct segment_row_place row;
    struct segment_stream *streams;
    uint32_t stream_count, stream_room;
    struct segment_batch *batches;
    struct batch_extra **extras;
    uint32_t batch_count, batch_room;
    struct buffer packed; /* blocks' plain sections */
    struct segment_block_note *notes;
    size_t *sizes, *template_starts; /* of each block */
    uint8_t **block_streams;
    uint32_t block_count;
    struct buffer templates; /* segment_count, of all blocks */
    uint8_t *streams_now;    /* a bit for each, of the block at work */
};

struct segment_writer *segment_writer_create(uint8_t class, uint64_t day) {
    struct segment_writer *writer = memory_new(sizeof *writer);
    writer->class = class;
    writer->day = day;
    writer->tables.templates = segment_texts_make(SEGMENT_TEMPLATES_MOST, TEMPLATE_BYTES_MOST);
    writer->tables.shapes = segment_texts_make(SEGMENT_SHAPES_MOST, SHAPE_BYTES_MOST);
    writer->tables.terms = segment_terms_create();
    static const uint8_t slot = SEGMENT_SLOT;
    struct event_body nothing = {0};
    CLEANUP_BUFFER struct buffer key = BUFFER(64);
    segment_texts_put(&writer->tables.templates, slice_make(&slot, 1));
    /* Shape 0 must be what no body is: a body's key never ends with a blank behind its names. */
    segment_shape_key(&nothing, &key);
    buffer_append_string(&key, " ");
    segment_texts_put(&writer->tables.shapes, buffer_slice(&key));
    writer->block = segment_block_writer_create(&writer->tables);
    writer->packed = BUFFER(SEGMENT_FILE_MOST);
    writer->templates = BUFFER(SEGMENT_FILE_MOST);
    writer->notes = memory_new_array(SEGMENT_BLOCKS_MOST, sizeof *writer->notes);
    writer->sizes = memory_new_array(SEGMENT_BLOCKS_MOST, sizeof *writer->sizes);
    writer->template_starts = memory_new_array(SEGMENT_BLOCKS_MOST, sizeof *writer->template_starts);
    writer->block_streams = memory_new_array(SEGMENT_BLOCKS_MOST, sizeof *writer->block_streams);
    writer->streams_now = memory_new(SEGMENT_STREAMS_MOST / 8);
    return writer;
}

struct segment_writer *segment_writer_destroy(struct segment_writer *writer) {
    if (!writer)
        return NULL;
    segment_block_writer_destroy(writer->block);
    segment_texts_release(&writer->tables.templates);
    segment_texts_release(&writer->tables.shapes);
    segment_terms_destroy(writer->tables.terms);
    for (uint32_t i = 0; i < writer->stream_count; i++)
        free((void *)(uintptr_t)writer->streams[i].name.data);
    for (uint32_t i = 0; i < writer->batch_count; i++) {
        memory_wipe(writer->extras[i], sizeof *writer->extras[i]);
        free(writer->extras[i]);
    }
    for (uint32_t i = 0; i < writer->block_count; i++)
        free(writer->block_streams[i]);
    if (writer->packed.data)
        memory_wipe(writer->packed.data, writer->packed.size);
    buffer_free(&writer->packed);
    buffer_free(&writer->templates);
    free(writer->streams);
    free(writer->batches);
    free(writer->extras);
    free(writer->notes);
    free(writer->sizes);
    free(writer->template_starts);
    free(writer->block_streams);
    free(writer->streams_now);
    free(writer);
    return NULL;
}

void segment_writer_set_clock(struct segment_writer *writer, const struct segment_line_clock *clock) {
    writer->tables.line_time = clock->time;
    writer->tables.line_context = clock->context;
    writer->zone_minutes = clock->zone_minutes;
}

uint32_t segment_writer_stream(struct segment_writer *writer, const struct hash *id, struct slice name,
                               const struct verify_key *first_key, struct fault *fault) {
    if (writer->stream_count == SEGMENT_STREAMS_MOST || name.size >= STREAM_NAME_SIZE) {
        fault_set(fault, FAULT_LIMIT, "more than %u streams in a segment", SEGMENT_STREAMS_MOST);
        return UINT32_MAX;
    }
    if (writer->stream_count == writer->stream_room) {
        writer->stream_room = writer->stream_room ? writer->stream_room * 2 : 64;
        writer->streams = memory_resize(writer->streams, writer->stream_room, sizeof *writer->streams);
    }
    writer->streams[writer->stream_count] =
        (struct segment_stream){*id, slice_make(memory_copy(name.data, name.size), name.size), *first_key};
    return writer->stream_count++;
}

uint32_t segment_writer_batch(struct segment_writer *writer, uint32_t stream, uint64_t log_index,
                              struct slice entry, struct slice class_list,
                              const uint8_t class_key[CLASS_KEY_SIZE], struct fault *fault) {
    struct batch_entry read;
    if (!batch_entry_read(entry, &read, fault))
        return UINT32_MAX;
    if (writer->batch_count == SEGMENT_BATCHES_MOST || class_list.size > CLASS_LIST_MOST) {
        fault_set(fault, FAULT_LIMIT, "more than %u batches in a segment", SEGMENT_BATCHES_MOST);
        return UINT32_MAX;
    }
    if (writer->batch_count == writer->batch_room) {
        writer->batch_room = writer->batch_room ? writer->batch_room * 2 : 256;
        writer->batches = memory_resize(writer->batches, writer->batch_room, sizeof *writer->batches);
        writer->extras = memory_resize(writer->extras, writer->batch_room, sizeof(struct batch_extra *));
    }
    struct batch_extra *extra = memory_new(sizeof *extra);
    memcpy(extra->class_key, class_key, CLASS_KEY_SIZE);
    memcpy(extra->entry, entry.data, BATCH_ENTRY_SIZE);
    memcpy(extra->class_list, class_list.data, class_list.size);
    writer->extras[writer->batch_count] = extra;
    writer->batches[writer->batch_count] = (struct segment_batch){
        .log_index = log_index,
        .stream = stream,
        .open_us = read.open_us,
        .first_event_seq = read.first_event_seq,
        .batch_seq = read.batch_seq,
        .event_count = read.event_count,
        .class_key = extra->class_key,
        .entry = slice_make(extra->entry, BATCH_ENTRY_SIZE),
        .class_list = slice_make(extra->class_list, class_list.size),
    };
    return writer->batch_count++;
}

void segment_writer_row(struct segment_writer *writer, uint32_t batch, uint64_t arrival,
                        uint64_t ingested_us) {
    writer->row = (struct segment_row_place){batch, writer->batches[batch].stream, arrival, ingested_us};
}

static bool end_block(struct segment_writer *writer, struct fault *fault) {
    uint32_t number = writer->block_count;
    size_t start = writer->packed.size;
    if (number == SEGMENT_BLOCKS_MOST)
        return fault_set(fault, FAULT_LIMIT, "more than %u blocks in a segment", SEGMENT_BLOCKS_MOST);
    writer->template_starts[number] = writer->templates.size / sizeof(struct segment_count);
    if (!segment_block_writer_end(writer->block, &writer->packed, &writer->notes[number], &writer->templates))
        return fault_set(fault, FAULT_LIMIT, "a block that is too large");
    writer->sizes[number] = writer->packed.size - start;
    writer->block_streams[number] = memory_copy(writer->streams_now, SEGMENT_STREAMS_MOST / 8);
    memset(writer->streams_now, 0, SEGMENT_STREAMS_MOST / 8);
    writer->block_count++;
    return true;
}

bool segment_writer_event(struct segment_writer *writer, const struct event *event, struct fault *fault) {
    struct segment_batch *batch = &writer->batches[writer->row.batch];
    struct batch_extra *extra = writer->extras[writer->row.batch];
    if (!segment_block_writer_takes(writer->block, event->body.size) &&
        segment_block_writer_events(writer->block) && !end_block(writer, fault))
        return false;
    segment_block_writer_add(writer->block, &writer->row, batch, extra->position++, event);
    writer->streams_now[writer->row.stream / 8] |= (uint8_t)(1u << writer->row.stream % 8);
    batch->events++;
    writer->events++;
    writer->text += event->body.size;
    writer->sum = segment_sum(writer->sum, event->seq, event->time_us, event->body);
    return true;
}

uint64_t segment_writer_events(const struct segment_writer *writer) {
    return writer->events;
}
uint64_t segment_writer_text(const struct segment_writer *writer) {
    return writer->text;
}
uint64_t segment_writer_sum(const struct segment_writer *writer) {
    return writer->sum;
}

/* ---- the file */

static bool read_shape_key(struct slice key, struct segment_shape *ret_shape, struct slice *names) {
    struct bytes_reader reader = bytes_read(key);
    ret_shape->kind = (enum event_kind)segment_number_read(&reader);
    ret_shape->generation = segment_number_read(&reader);
    ret_shape->source = bytes_read_raw(&reader, (size_t)segment_number_read(&reader));
    ret_shape->name_count = (uint32_t)segment_number_read(&reader);
    ret_shape->names = names;
    for (uint32_t i = 0; i < ret_shape->name_count; i++)
        names[i] = bytes_read_raw(&reader, (size_t)segment_number_read(&reader));
    return !reader.failed;
}

static bool write_shapes(struct segment_writer *writer, struct segment_index *index) {
    size_t names = 0;
    struct slice *at;
    index->shape_count = writer->tables.shapes.count;
    index->shapes = memory_new_array(index->shape_count, sizeof *index->shapes);
    struct slice room[EVENT_FIELDS_MOST];
    for (uint32_t i = 0; i < index->shape_count; i++) {
        if (!read_shape_key(segment_texts_get(&writer->tables.shapes, i), &index->shapes[i], room))
            return false;
        names += index->shapes[i].name_count;
    }
    index->names = at = memory_new_array(names, sizeof *at);
    for (uint32_t i = 0; i < index->shape_count; at += index->shapes[i++].name_count)
        read_shape_key(segment_texts_get(&writer->tables.shapes, i), &index->shapes[i], at);
    return true;
}

static struct segment_index *gather_index(struct segment_writer *writer) {
    struct segment_index *index = memory_new(sizeof *index);
    const struct segment_count *counts = (const void *)writer->templates.data;
    index->events = writer->events;
    index->text = writer->text;
    index->zone_minutes = writer->zone_minutes;
    index->stream_count = writer->stream_count;
    index->batch_count = writer->batch_count;
    index->template_count = writer->tables.templates.count;
    const struct segment_terms *terms = writer->tables.terms;
    index->word_count = terms->words.count;
    index->block_count = writer->block_count;
    index->templates = memory_new_array(index->template_count, sizeof *index->templates);
    index->words = memory_new_array(index->word_count, sizeof *index->words);
    for (uint32_t i = 0; i < index->template_count; i++)
        index->templates[i] = segment_texts_get(&writer->tables.templates, i);
    for (uint32_t i = 0; i < index->word_count; i++)
        index->words[i] =
            (struct segment_word){segment_texts_get(&terms->words, i), terms->word_blocks[i]};
    for (uint32_t i = 0; i < writer->block_count; i++) {
        writer->notes[i].templates = counts + writer->template_starts[i];
        writer->notes[i].streams = writer->block_streams[i];
    }
    index->streams = writer->streams;
    index->batches = writer->batches;
    index->blocks = writer->notes;
    return index;
}

/* What it borrows from the writer stays there. */
static void release_index(struct segment_index *index) {
    index->streams = NULL;
    index->batches = NULL;
    index->blocks = NULL;
    segment_index_destroy(index);
}

/* u32 bytes ‖ zstd */
static bool pack_index(struct segment_writer *writer, struct buffer *to, struct fault *fault) {
    CLEANUP_BUFFER struct buffer plain = BUFFER(SEGMENT_INDEX_MOST);
    struct segment_index *index = gather_index(writer);
    bool good = write_shapes(writer, index) && segment_index_write(index, &plain);
    release_index(index);
    size_t bound = ZSTD_compressBound(plain.size);
    if (!good || !bytes_write_u32(to, (uint32_t)plain.size) || !buffer_reserve(to, bound))
        return fault_set(fault, FAULT_LIMIT, "a segment's index of more than %u bytes", SEGMENT_INDEX_MOST);
    size_t size = ZSTD_compress(to->data + to->size, bound, plain.data, plain.size, INDEX_LEVEL);
    memory_wipe(plain.data, plain.size); /* class keys */
    if (ZSTD_isError(size))
        return fault_set(fault, FAULT_INTERNAL, "zstd: %s", ZSTD_getErrorName(size));
    to->size += size;
    return true;
}

struct layout {
    struct buffer index, pages; /* plain */
    size_t *page_sizes;
    uint32_t *sizes; /* sealed: blocks, then pages */
};

static bool lay_out(struct segment_writer *writer, struct layout *layout, struct segment_head *head,
                    struct fault *fault) {
    if (!pack_index(writer, &layout->index, fault))
        return false;
    head->blocks = writer->block_count;
    head->pages = segment_filter_pages(writer->tables.terms->filter, SEGMENT_PAGES_MOST);
    head->index_size = (uint32_t)(layout->index.size + SEGMENT_TAG_SIZE);
    layout->page_sizes = memory_new_array(head->pages, sizeof *layout->page_sizes);
    layout->sizes = memory_new_array((size_t)head->blocks + head->pages, sizeof *layout->sizes);
    head->file_size = segment_head_size(head) + head->index_size;
    for (uint32_t i = 0; i < head->blocks; i++) {
        layout->sizes[i] = (uint32_t)(writer->sizes[i] + SEGMENT_TAG_SIZE);
        head->file_size += layout->sizes[i];
    }
    for (uint32_t i = 0; i < head->pages; i++) {
        size_t start = layout->pages.size;
        segment_filter_page(writer->tables.terms->filter, head->blocks, &layout->pages);
        layout->page_sizes[i] = layout->pages.size - start;
        layout->sizes[head->blocks + i] = (uint32_t)(layout->page_sizes[i] + SEGMENT_TAG_SIZE);
        head->file_size += layout->sizes[head->blocks + i];
    }
    return !layout->pages.overflow || fault_set(fault, FAULT_LIMIT, "a segment's filter is too large");
}

static void seal(struct segment_cipher *cipher, uint32_t number, bool last, struct slice plain,
                 struct buffer *to) {
    segment_cipher_seal(cipher, number, last, plain, to->data + to->size);
    to->size += plain.size + SEGMENT_TAG_SIZE;
}

static bool write_file(struct segment_writer *writer, const struct layout *layout,
                       const struct segment_head *head, const uint8_t day_key[SEGMENT_KEY_SIZE],
                       struct buffer *to, struct fault *fault) {
    uint8_t key[SEGMENT_KEY_SIZE];
    size_t start = to->size;
    if (!buffer_reserve(to, head->file_size))
        return fault_set(fault, FAULT_LIMIT, "a segment of %llu bytes", (unsigned long long)head->file_size);
    segment_head_write(head, layout->sizes, to);
    struct hash header = sha256_of(slice_make(to->data + start, to->size - start));
    segment_key_derive(day_key, head->random, SEGMENT_KEY_BODIES, key);
    struct segment_cipher *bodies = segment_cipher_create(key, &header);
    segment_key_derive(day_key, head->random, SEGMENT_KEY_FILTER, key);
    struct segment_cipher *filter = segment_cipher_create(key, &header);
    memory_wipe(key, sizeof key);
    seal(bodies, 0, false, buffer_slice(&layout->index), to);
    const uint8_t *at = layout->pages.data;
    for (uint32_t i = 0; i < head->pages; at += layout->page_sizes[i++])
        seal(filter, i, i + 1 == head->pages, slice_make(at, layout->page_sizes[i]), to);
    at = writer->packed.data;
    for (uint32_t i = 0; i < head->blocks; at += writer->sizes[i++])
        seal(bodies, i + 1, i + 1 == head->blocks, slice_make(at, writer->sizes[i]), to);
    segment_cipher_destroy(bodies);
    segment_cipher_destroy(filter);
    return true;
}

bool segment_writer_finish(struct segment_writer *writer, uint64_t first_index, uint64_t last_index,
                           const uint8_t day_key[SEGMENT_KEY_SIZE], const struct hash *key_id,
                           const struct random_source *random, struct buffer *to,
                           struct segment_head *ret_head, struct fault *fault) {
    struct segment_head head = {.class = writer->class,
                                .day = writer->day,
                                .first_index = first_index,
                                .last_index = last_index,
                                .key_id = *key_id};
    struct layout layout = {.index = BUFFER(SEGMENT_SECTION_MOST), .pages = BUFFER(SEGMENT_FILE_MOST)};
    if (writer->events == 0)
        return fault_set(fault, FAULT_USAGE, "a segment without events");
    bool good = (segment_block_writer_events(writer->block) == 0 || end_block(writer, fault)) &&
                random_fill(random, head.random, sizeof head.random, fault) &&
                lay_out(writer, &layout, &head, fault) &&
                write_file(writer, &layout, &head, day_key, to, fault);
    if (good && ret_head)
        *ret_head = head;
    if (layout.index.data)
        memory_wipe(layout.index.data, layout.index.size);
    buffer_free(&layout.index);
    buffer_free(&layout.pages);
    free(layout.page_sizes);
    free(layout.sizes);
    return good;
}
