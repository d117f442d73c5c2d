#include "segment_index.h"

#include <stdlib.h>

#include "bytes.h"
#include "memory.h"
#include "segment_number.h"
#include "segment_scan.h"

uint32_t segment_template_slots(struct slice template) {
    uint32_t slots = 0;
    for (size_t i = 0; i < template.size; i++)
        slots += template.data[i] == SEGMENT_SLOT;
    return slots;
}

#define ZONE_MOST 3000u /* folded minutes: a day and a bit, either way */

static size_t bitmap_size(uint32_t bits) {
    return ((size_t)bits + 7) / 8;
}

/* ---- writing */

static void write_text(struct buffer *to, struct slice text) {
    segment_number_write(to, text.size);
    buffer_append_slice(to, text);
}

static void write_shape(struct buffer *to, const struct segment_shape *shape) {
    segment_number_write(to, shape->kind);
    segment_number_write(to, shape->generation);
    write_text(to, shape->source);
    segment_number_write(to, shape->name_count);
    for (uint32_t i = 0; i < shape->name_count; i++)
        write_text(to, shape->names[i]);
}

static void write_block(struct buffer *to, const struct segment_index *index,
                        const struct segment_block_note *block) {
    bytes_write_u8(to, block->flags);
    segment_number_write(to, block->events);
    segment_number_write(to, block->text);
    segment_number_write(to, block->first_arrival);
    segment_number_write(to, block->last_arrival - block->first_arrival);
    segment_number_write(to, block->first_time_us);
    segment_number_write(to, block->last_time_us - block->first_time_us);
    segment_number_write(to, block->first_ingested_us);
    segment_number_write(to, block->last_ingested_us - block->first_ingested_us);
    segment_number_write(to, block->first_line_us);
    segment_number_write(to, block->last_line_us - block->first_line_us);
    segment_number_write(to, block->template_count);
    uint32_t last = 0;
    for (uint32_t i = 0; i < block->template_count; last = block->templates[i++].template) {
        segment_number_write(to, block->templates[i].template - last);
        segment_number_write(to, block->templates[i].events);
    }
    buffer_append(to, block->streams, bitmap_size(index->stream_count));
}

bool segment_index_write(const struct segment_index *index, struct buffer *to) {
    segment_number_write(to, index->events);
    segment_number_write(to, index->text);
    segment_number_write(to, segment_fold((uint64_t)(int64_t)index->zone_minutes));
    segment_number_write(to, index->stream_count);
    for (uint32_t i = 0; i < index->stream_count; i++) {
        buffer_append_slice(to, hash_slice(&index->streams[i].id));
        buffer_append(to, index->streams[i].first_key.bytes, ED25519_PUBLIC_SIZE);
        write_text(to, index->streams[i].name);
    }
    segment_number_write(to, index->batch_count);
    uint64_t last = 0;
    for (uint32_t i = 0; i < index->batch_count; last = index->batches[i++].log_index) {
        const struct segment_batch *batch = &index->batches[i];
        segment_number_write(to, segment_fold(batch->log_index - last));
        segment_number_write(to, batch->stream);
        segment_number_write(to, batch->events);
        buffer_append(to, batch->class_key, CLASS_KEY_SIZE);
        buffer_append_slice(to, batch->entry);
        write_text(to, batch->class_list);
    }
    segment_number_write(to, index->shape_count);
    for (uint32_t i = 0; i < index->shape_count; i++)
        write_shape(to, &index->shapes[i]);
    segment_number_write(to, index->template_count);
    for (uint32_t i = 0; i < index->template_count; i++)
        write_text(to, index->templates[i]);
    segment_number_write(to, index->word_count);
    for (uint32_t i = 0; i < index->word_count; i++) {
        write_text(to, index->words[i].text);
        buffer_append(to, index->words[i].blocks, bitmap_size(index->block_count));
    }
    for (uint32_t i = 0; i < index->block_count; i++)
        write_block(to, index, &index->blocks[i]);
    return !to->overflow;
}

/* ---- reading */

/* A count of things that take `least` bytes each cannot be more than what is there: nothing is allocated for a lie. */
static uint32_t read_count(struct bytes_reader *reader, uint32_t most, size_t least) {
    uint64_t count = segment_number_read(reader);
    if (count > most || count > reader->rest.size / least)
        reader->failed = true;
    return reader->failed ? 0 : (uint32_t)count;
}

static struct slice read_text(struct bytes_reader *reader, size_t most) {
    uint64_t size = segment_number_read(reader);
    if (size > most)
        reader->failed = true;
    return reader->failed ? SLICE("") : bytes_read_raw(reader, (size_t)size);
}

static bool read_streams(struct segment_index *index, struct bytes_reader *reader) {
    index->stream_count = read_count(reader, SEGMENT_STREAMS_MOST, 65);
    index->streams = memory_new_array(index->stream_count, sizeof *index->streams);
    for (uint32_t i = 0; i < index->stream_count && !reader->failed; i++) {
        struct segment_stream *stream = &index->streams[i];
        bytes_read_into(reader, stream->id.bytes, HASH_SIZE);
        bytes_read_into(reader, stream->first_key.bytes, ED25519_PUBLIC_SIZE);
        stream->name = read_text(reader, STREAM_NAME_SIZE - 1);
    }
    return !reader->failed;
}

/* An entry whose list has not its root, or whose class has another count, is kept: verifying says so. */
static bool read_batches(struct segment_index *index, struct bytes_reader *reader) {
    index->batch_count = read_count(reader, SEGMENT_BATCHES_MOST, 3 + CLASS_KEY_SIZE + BATCH_ENTRY_SIZE);
    index->batches = memory_new_array(index->batch_count, sizeof *index->batches);
    uint64_t last = 0;
    for (uint32_t i = 0; i < index->batch_count && !reader->failed; i++) {
        struct segment_batch *batch = &index->batches[i];
        struct batch_entry entry;
        last = batch->log_index = last + segment_unfold(segment_number_read(reader));
        uint64_t stream = segment_number_read(reader);
        batch->stream = stream < index->stream_count ? (uint32_t)stream : index->stream_count;
        batch->events = (uint32_t)segment_number_read(reader);
        batch->class_key = bytes_read_raw(reader, CLASS_KEY_SIZE).data;
        batch->entry = bytes_read_raw(reader, BATCH_ENTRY_SIZE);
        batch->class_list = read_text(reader, CLASS_LIST_MOST);
        if (reader->failed || batch->stream >= index->stream_count || batch->events > BATCH_EVENTS_MOST ||
            !batch_entry_read(batch->entry, &entry, NULL))
            return false;
        batch->open_us = entry.open_us;
        batch->batch_seq = entry.batch_seq;
        batch->first_event_seq = entry.first_event_seq;
        batch->event_count = entry.event_count;
    }
    return !reader->failed;
}

static bool read_shapes(struct segment_index *index, struct bytes_reader *reader) {
    index->shape_count = read_count(reader, SEGMENT_SHAPES_MOST, 4);
    index->shapes = memory_new_array(index->shape_count, sizeof *index->shapes);
    size_t used = 0, room = 64;
    struct slice *names = memory_new_array(room, sizeof *names);
    for (uint32_t i = 0; i < index->shape_count && !reader->failed; i++) {
        struct segment_shape *shape = &index->shapes[i];
        uint64_t kind = segment_number_read(reader);
        if (kind >= EVENT_KINDS)
            reader->failed = true;
        shape->kind = reader->failed ? EVENT_LINE : (enum event_kind)kind;
        shape->generation = segment_number_read(reader);
        shape->source = read_text(reader, EVENT_BODY_MOST);
        shape->name_count = read_count(reader, EVENT_FIELDS_MOST, 1);
        if (used + shape->name_count > room) {
            room = (used + shape->name_count) * 2;
            names = memory_resize(names, room, sizeof *names);
        }
        for (uint32_t name = 0; name < shape->name_count; name++)
            names[used++] = read_text(reader, EVENT_BODY_MOST);
    }
    index->names = names;
    index->name_room = room;
    for (uint32_t i = 0; i < index->shape_count; i++) { /* now they stay where they are */
        index->shapes[i].names = names;
        names += index->shapes[i].name_count;
    }
    return !reader->failed && index->shape_count > 0;
}

static bool read_templates(struct segment_index *index, struct bytes_reader *reader) {
    index->template_count = read_count(reader, SEGMENT_TEMPLATES_MOST, 1);
    index->templates = memory_new_array(index->template_count, sizeof *index->templates);
    index->template_slots = memory_new_array(index->template_count, sizeof *index->template_slots);
    for (uint32_t i = 0; i < index->template_count && !reader->failed; i++) {
        index->templates[i] = read_text(reader, SEGMENT_TEMPLATE_MOST);
        index->template_slots[i] = segment_template_slots(index->templates[i]);
        if (index->template_slots[i] > SEGMENT_SLOTS_MOST ||
            (i == 0) != (index->templates[i].size == 1 && index->template_slots[i] == 1))
            return false;
    }
    return !reader->failed && index->template_count > 0;
}

static bool read_words(struct segment_index *index, struct bytes_reader *reader) {
    size_t bitmap = bitmap_size(index->block_count);
    index->word_count = read_count(reader, SEGMENT_WORDS_MOST, 1 + bitmap);
    index->words = memory_new_array(index->word_count, sizeof *index->words);
    for (uint32_t i = 0; i < index->word_count && !reader->failed; i++) {
        index->words[i].text = read_text(reader, SEGMENT_WORD_MOST);
        index->words[i].blocks = bytes_read_raw(reader, bitmap).data;
    }
    return !reader->failed;
}

static bool read_block(struct segment_index *index, struct segment_block_note *block,
                       struct segment_count *counts, struct bytes_reader *reader) {
    block->flags = bytes_read_u8(reader);
    block->events = (uint32_t)segment_number_read(reader);
    block->text = segment_number_read(reader);
    block->first_arrival = segment_number_read(reader);
    block->last_arrival = block->first_arrival + segment_number_read(reader);
    block->first_time_us = segment_number_read(reader);
    block->last_time_us = block->first_time_us + segment_number_read(reader);
    block->first_ingested_us = segment_number_read(reader);
    block->last_ingested_us = block->first_ingested_us + segment_number_read(reader);
    block->first_line_us = segment_number_read(reader);
    block->last_line_us = block->first_line_us + segment_number_read(reader);
    block->template_count = read_count(reader, index->template_count, 2);
    uint64_t template = 0;
    for (uint32_t i = 0; i < block->template_count; i++) {
        template += segment_number_read(reader);
        if (template >= index->template_count)
            reader->failed = true;
        counts[i] = (struct segment_count){(uint32_t) template, (uint32_t)segment_number_read(reader)};
    }
    block->streams = bytes_read_raw(reader, bitmap_size(index->stream_count)).data;
    return !reader->failed;
}

static bool read_blocks(struct segment_index *index, struct bytes_reader *reader) {
    index->blocks = memory_new_array(index->block_count, sizeof *index->blocks);
    /* A count takes two bytes at least. */
    index->count_room = reader->rest.size / 2 + 1;
    struct segment_count *counts = memory_new_array(index->count_room, sizeof *counts);
    index->counts = counts;
    for (uint32_t i = 0; i < index->block_count; i++) {
        index->blocks[i].templates = counts;
        if (!read_block(index, &index->blocks[i], counts, reader))
            return false;
        counts += index->blocks[i].template_count;
    }
    return bytes_read_done(reader);
}

struct segment_index *segment_index_read(struct slice bytes, uint32_t blocks, struct fault *fault) {
    struct segment_index *index = memory_new(sizeof *index);
    index->memory_size = bytes.size + SEGMENT_SHORT; /* pieces of templates are copied whole */
    index->memory = memory_new(index->memory_size);
    if (bytes.size)
        memcpy(index->memory, bytes.data, bytes.size);
    index->block_count = blocks;
    struct bytes_reader reader = bytes_read(slice_make(index->memory, bytes.size));
    index->events = segment_number_read(&reader);
    index->text = segment_number_read(&reader);
    uint64_t zone = segment_number_read(&reader);
    index->zone_minutes = zone <= ZONE_MOST ? (int)(int64_t)segment_unfold(zone) : 0;
    if (read_streams(index, &reader) && read_batches(index, &reader) && read_shapes(index, &reader) &&
        read_templates(index, &reader) && read_words(index, &reader) && read_blocks(index, &reader))
        return index;
    fault_set(fault, FAULT_FORMAT, "a segment's index is malformed %zu bytes before its end",
              reader.rest.size);
    return segment_index_destroy(index);
}

size_t segment_index_memory(const struct segment_index *index) {
    return sizeof *index + index->memory_size + index->stream_count * sizeof *index->streams +
           index->batch_count * sizeof *index->batches + index->shape_count * sizeof *index->shapes +
           index->name_room * sizeof(struct slice) +
           index->template_count * (sizeof *index->templates + sizeof *index->template_slots) +
           index->word_count * sizeof *index->words + index->block_count * sizeof *index->blocks +
           index->count_room * sizeof(struct segment_count);
}

struct segment_index *segment_index_destroy(struct segment_index *index) {
    if (index) {
        free(index->streams);
        free(index->batches);
        free(index->shapes);
        free(index->templates);
        free(index->template_slots);
        free(index->words);
        free(index->blocks);
        free(index->names);
        free(index->counts);
        memory_wipe(index->memory, index->memory_size);
        free(index->memory);
        free(index);
    }
    return NULL;
}
