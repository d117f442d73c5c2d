#include "segment_block_writer.h"

#include <stdlib.h>
#include <zstd.h>

#include "memory.h"
#include "segment_number.h"
#include "segment_tokens.h"

#define LEVEL 1
#define SHORT SEGMENT_SHORT /* bytes that are copied at once, whatever the size: most texts are no longer */
#define RECENT_SOURCE_MOST 256u
#define SLOTS_LEAST 1024u
#define SHAPE_KEY_MOST 8192u
#define SHAPE_NAMES_MOST 256u

struct value {
    uint32_t at, size; /* in the block's text */
};

/* A variable of a template, or a field of a shape: its texts stand together. While events come in: how much they are; at the
 * end: where the next one goes. */
struct slot {
    uint32_t text, text_end;
    uint32_t lengths;
};

struct pending {
    uint32_t shape, template;
};

/* A template or a shape. */
struct kind {
    uint32_t slots;      /* how many it has */
    uint32_t first_slot; /* in this block */
    uint32_t events;     /* in this block */
};

/* Of the last body without fields: most come from one source. */
struct recent_shape {
    uint32_t number; /* 0: none */
    enum event_kind kind;
    uint64_t generation;
    size_t source_size;
    uint8_t source[RECENT_SOURCE_MOST];
};

struct segment_block_writer {
    struct segment_tables *tables;
    uint32_t number; /* the block's */
    ZSTD_CCtx *zstd;
    struct buffer text; /* bodies, and SEGMENT_SCAN_OVER bytes of room behind them */
    struct buffer columns[COLUMNS];
    struct buffer together, texts; /* at the end */
    struct segment_scan scan;      /* of one line */
    struct buffer shape_key;       /* of one event */
    struct recent_shape recent;
    uint8_t template[SEGMENT_TEMPLATE_MOST + SHORT];
    struct value *values;
    size_t value_count, value_room;
    struct pending *events;
    uint32_t event_count, event_room, run_count, batch_count;
    struct kind templates[SEGMENT_TEMPLATES_MOST], shapes[SEGMENT_SHAPES_MOST];
    struct slot *slots;
    uint32_t slot_count, slot_room;
    struct segment_foretold foretold[SEGMENT_FORETOLD];
    struct batch_state { /* of the batches in this block: by their place in it */
        uint32_t batch;
        uint64_t next_seq, last_time_us;
    } * batches;
    uint32_t batch_room;
    uint32_t *places; /* a batch's place + 1, by its number */
    uint32_t places_room;
    struct segment_row_place row;
    uint64_t run_next;
    uint32_t run_events;
    bool in_run;
    struct segment_block_note note;
};

struct segment_block_writer *segment_block_writer_create(struct segment_tables *tables) {
    struct segment_block_writer *block = memory_new(sizeof *block);
    block->tables = tables;
    block->zstd = ZSTD_createCCtx();
    block->text = BUFFER(2 * EVENT_BLOCK_MOST);
    block->together = BUFFER(SEGMENT_COLUMNS_MOST);
    block->texts = BUFFER(2 * EVENT_BLOCK_MOST);
    block->shape_key = BUFFER(SHAPE_KEY_MOST);
    for (unsigned i = 0; i < COLUMNS; i++)
        block->columns[i] = BUFFER(SEGMENT_COLUMNS_MOST);
    block->templates[0].slots = block->shapes[0].slots = 1;
    block->slot_room = SLOTS_LEAST;
    block->slots = memory_new_array(block->slot_room, sizeof *block->slots);
    return block;
}

struct segment_block_writer *segment_block_writer_destroy(struct segment_block_writer *block) {
    if (block) {
        ZSTD_freeCCtx(block->zstd);
        if (block->text.data)
            memory_wipe(block->text.data, block->text.capacity);
        buffer_free(&block->text);
        if (block->texts.data)
            memory_wipe(block->texts.data, block->texts.capacity);
        buffer_free(&block->together);
        buffer_free(&block->texts);
        buffer_free(&block->shape_key);
        segment_scan_release(&block->scan);
        for (unsigned i = 0; i < COLUMNS; i++)
            buffer_free(&block->columns[i]);
        free(block->values);
        free(block->events);
        free(block->slots);
        free(block->batches);
        free(block->places);
        free(block);
    }
    return NULL;
}

uint32_t segment_block_writer_events(const struct segment_block_writer *block) {
    return block->event_count;
}

bool segment_block_writer_takes(const struct segment_block_writer *block, size_t body_size) {
    return block->event_count < SEGMENT_BLOCK_EVENTS_MOST &&
           block->text.size + body_size <= EVENT_BLOCK_MOST &&
           block->value_count + SEGMENT_SLOTS_MOST + SHAPE_NAMES_MOST < SEGMENT_VALUES_MOST;
}

/* ---- values */

/* Room for all values of one event. */
static void make_room(struct segment_block_writer *block) {
    if (block->value_room - block->value_count > SEGMENT_SLOTS_MOST + SHAPE_NAMES_MOST)
        return;
    block->value_room = block->value_room ? block->value_room * 2 : 65536;
    block->values = memory_resize(block->values, block->value_room, sizeof *block->values);
}

static inline void add_value(struct segment_block_writer *block, size_t at, size_t size) {
    block->values[block->value_count++] = (struct value){(uint32_t)at, (uint32_t)size};
}

/* One more event of it; its slots are made with the first of the block. */
static void count_event(struct segment_block_writer *block, struct kind *kind) {
    if (kind->events++)
        return;
    if (block->slot_count + kind->slots > block->slot_room) {
        block->slot_room = (block->slot_count + kind->slots) * 2;
        block->slots = memory_resize(block->slots, block->slot_room, sizeof *block->slots);
    }
    kind->first_slot = block->slot_count;
    block->slot_count += kind->slots;
    memset(block->slots + kind->first_slot, 0, kind->slots * sizeof *block->slots);
}

static inline void count_value(struct slot *slot, const struct value *value) {
    slot->text += value->size;
    slot->lengths += segment_number_size(value->size);
}

/* `to` and `from` have room for SHORT bytes. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t size) {
    if (size <= SHORT)
        memcpy(to, from, SHORT);
    else
        memcpy(to, from, size);
}

/* Splits a line: its variables become values, the rest its template, whose number is returned; 0 where the line is kept
 * whole, and no value is added. */
static uint32_t split_line(struct segment_block_writer *block, const uint8_t *raw, size_t raw_size,
                           size_t raw_at) {
    uint8_t *template = block->template;
    size_t at = 0, start, done = 0, first = block->value_count, size = 0;
    uint32_t slots = 0, number = SEGMENT_TEXTS_FULL;
    bool more = true;
    while ((more = segment_scan_variable(&block->scan, raw_size, &at, &start)) &&
           slots < SEGMENT_SLOTS_MOST && size + (start - done) < SEGMENT_TEMPLATE_MOST) {
        copy_short(template + size, raw + done, start - done);
        size += start - done;
        template[size++] = SEGMENT_SLOT;
        add_value(block, raw_at + start, at - start);
        done = at;
        slots++;
    }
    if (!more && size + (raw_size - done) <= SEGMENT_TEMPLATE_MOST &&
        !(block->scan.marks && memchr(raw, SEGMENT_SLOT, raw_size))) {
        memcpy(template + size, raw + done, raw_size - done);
        size += raw_size - done;
        number = segment_texts_put(&block->tables->templates, slice_make(template, size));
    }
    if (number == SEGMENT_TEXTS_FULL || number == 0) {
        block->value_count = first;
        return 0;
    }
    block->templates[number].slots = slots;
    return number;
}

/* Escapes that may stand for letters and digits. */
static bool has_escapes(const uint8_t *at, size_t size) {
    const uint8_t *end = at + size;
    while (at + 1 < end && (at = memchr(at, '\\', (size_t)(end - at) - 1)) != NULL) {
        if ((segment_kinds[at[1]] & SEGMENT_ALNUM) && slice_find_byte(SLICE("nrtbf"), at[1]) == SIZE_MAX)
            return true;
        at += 2;
    }
    return false;
}

static void add_raw(struct segment_block_writer *block, struct pending *pending, size_t raw_at,
                    size_t raw_size) {
    const uint8_t *raw = block->text.data + raw_at;
    size_t first = block->value_count;
    segment_scan_text(&block->scan, slice_make(raw, raw_size));
    if (block->scan.marks && has_escapes(raw, raw_size))
        block->note.flags |= SEGMENT_BLOCK_ODD;
    pending->template = split_line(block, raw, raw_size, raw_at);
    if (pending->template == 0)
        add_value(block, raw_at, raw_size);
    struct kind *kind = &block->templates[pending->template];
    count_event(block, kind);
    struct slot *slot = &block->slots[kind->first_slot];
    const struct value *value = &block->values[first];
    bool good = true;
    for (uint32_t i = 0; i < kind->slots; i++, slot++, value++) {
        size_t start = value->at - raw_at;
        good &= segment_terms_add(block->tables->terms, block->number, raw, &block->scan, start,
                                  start + value->size);
        count_value(slot, value);
    }
    if (!good)
        block->note.flags |= SEGMENT_BLOCK_WORDS;
}

bool segment_shape_key(const struct event_body *body, struct buffer *to) {
    segment_number_write(to, body->kind);
    segment_number_write(to, body->generation);
    segment_number_write(to, body->source.size);
    buffer_append_slice(to, body->source);
    segment_number_write(to, body->field_count);
    for (size_t i = 0; i < body->field_count; i++) {
        segment_number_write(to, body->fields[i].name.size);
        buffer_append_slice(to, body->fields[i].name);
    }
    return !to->overflow;
}

static bool is_recent(const struct recent_shape *recent, const struct event_body *body) {
    return recent->number && body->field_count == 0 && body->kind == recent->kind &&
           body->generation == recent->generation &&
           slice_equal(body->source, slice_make(recent->source, recent->source_size));
}

static void keep_recent(struct recent_shape *recent, const struct event_body *body, uint32_t number) {
    if (body->field_count || body->source.size > RECENT_SOURCE_MOST)
        return;
    *recent = (struct recent_shape){number, body->kind, body->generation, body->source.size, {0}};
    if (body->source.size)
        memcpy(recent->source, body->source.data, body->source.size);
}

/* 0 where the body is kept whole: it is not written as we write it, or too odd. */
static uint32_t shape_of(struct segment_block_writer *block, struct slice bytes, struct event_field *fields,
                         struct event_body *ret_body) {
    if (!event_body_read(bytes, fields, ret_body, NULL) || !ret_body->exact ||
        ret_body->field_count > SHAPE_NAMES_MOST)
        return 0;
    if (is_recent(&block->recent, ret_body))
        return block->recent.number;
    buffer_clear(&block->shape_key);
    if (!segment_shape_key(ret_body, &block->shape_key))
        return 0;
    uint32_t shape = segment_texts_put(&block->tables->shapes, buffer_slice(&block->shape_key));
    if (shape == SEGMENT_TEXTS_FULL)
        return 0;
    block->shapes[shape].slots = (uint32_t)ret_body->field_count;
    keep_recent(&block->recent, ret_body, shape);
    return shape;
}

/* ---- runs */

static void end_run(struct segment_block_writer *block) {
    if (block->in_run)
        segment_number_write(&block->columns[COLUMN_COUNT], block->run_events);
    block->in_run = false;
}

static uint32_t place_of(struct segment_block_writer *block, const struct segment_batch *batch,
                         uint32_t number, uint32_t position) {
    if (number >= block->places_room) {
        uint32_t room = (number + 1) * 2;
        block->places = memory_resize(block->places, room, sizeof *block->places);
        memset(block->places + block->places_room, 0, (room - block->places_room) * sizeof *block->places);
        block->places_room = room;
    }
    if (block->places[number])
        return block->places[number] - 1;
    if (block->batch_count == block->batch_room) {
        block->batch_room = block->batch_room ? block->batch_room * 2 : 256;
        block->batches = memory_resize(block->batches, block->batch_room, sizeof *block->batches);
    }
    block->batches[block->batch_count] = (struct batch_state){number, batch->first_event_seq, batch->open_us};
    segment_number_write(&block->columns[COLUMN_BATCH], number);
    segment_number_write(&block->columns[COLUMN_BATCH], position);
    block->places[number] = ++block->batch_count;
    return block->batch_count - 1;
}

static void begin_run(struct segment_block_writer *block, const struct segment_row_place *row, uint32_t place,
                      uint64_t seq) {
    end_run(block);
    bool first = block->run_count++ == 0;
    segment_number_write(&block->columns[COLUMN_ARRIVAL], row->arrival - (first ? 0 : block->row.arrival));
    segment_number_write(&block->columns[COLUMN_INGESTED],
                         segment_fold(row->ingested_us - (first ? 0 : block->row.ingested_us)));
    segment_number_write(&block->columns[COLUMN_RUN_BATCH], place);
    segment_number_write(&block->columns[COLUMN_FIRST], segment_fold(seq - block->batches[place].next_seq));
    if (first) {
        block->note.first_arrival = row->arrival;
        block->note.first_ingested_us = block->note.last_ingested_us = row->ingested_us;
    }
    block->note.last_arrival = row->arrival;
    if (row->ingested_us < block->note.first_ingested_us)
        block->note.first_ingested_us = row->ingested_us;
    if (row->ingested_us > block->note.last_ingested_us)
        block->note.last_ingested_us = row->ingested_us;
    block->row = *row;
    block->run_events = 0;
    block->in_run = true;
}

static void add_numbers(struct segment_block_writer *block, const struct pending *pending, uint32_t stream,
                        const struct event_body *body, uint64_t time_us) {
    segment_number_write(&block->columns[COLUMN_SHAPE], pending->shape);
    if (pending->shape == 0)
        return;
    segment_number_write(&block->columns[COLUMN_TEMPLATE], pending->template);
    struct segment_foretold *foretold = segment_foretold_at(block->foretold, stream, pending->shape);
    segment_number_write(&block->columns[COLUMN_OFFSET], segment_fold(body->offset - foretold->offset));
    foretold->offset = body->offset + body->raw.size + 1;
    segment_number_write(&block->columns[COLUMN_SOURCE_TIME],
                         body->source_time_us ? 1 + segment_fold(body->source_time_us - time_us) : 0);
}

static void note_line_time(struct segment_block_writer *block, const struct event_body *body,
                           uint64_t read_us) {
    uint64_t time_us;
    const struct segment_tables *tables = block->tables;
    if (block->note.flags & SEGMENT_BLOCK_TIMELESS)
        return;
    if (!tables->line_time || !tables->line_time(tables->line_context, body, read_us, &time_us)) {
        block->note.flags |= SEGMENT_BLOCK_TIMELESS;
        return;
    }
    if (block->event_count == 0 || time_us < block->note.first_line_us)
        block->note.first_line_us = time_us;
    if (time_us > block->note.last_line_us)
        block->note.last_line_us = time_us;
}

/* A value that is not looked into; the body stands at text_at. */
static void add_field(struct segment_block_writer *block, struct slot *slot, size_t text_at,
                      struct slice body, struct slice value) {
    add_value(block, value.size ? text_at + (size_t)(value.data - body.data) : text_at, value.size);
    count_value(slot, &block->values[block->value_count - 1]);
}

void segment_block_writer_add(struct segment_block_writer *block, const struct segment_row_place *row,
                              const struct segment_batch *batch, uint32_t position,
                              const struct event *event) {
    struct event_field fields[EVENT_FIELDS_MOST];
    struct event_body body = {0};
    uint32_t place = place_of(block, batch, row->batch, position);
    struct batch_state *state = &block->batches[place];
    if (!block->in_run || block->row.arrival != row->arrival || block->row.batch != row->batch ||
        event->seq != state->next_seq)
        begin_run(block, row, place, event->seq);
    block->run_events++;
    state->next_seq = event->seq + 1;
    segment_number_write(&block->columns[COLUMN_TIME], segment_fold(event->time_us - state->last_time_us));
    state->last_time_us = event->time_us;
    if (block->event_count == 0 || event->time_us < block->note.first_time_us)
        block->note.first_time_us = event->time_us;
    if (event->time_us > block->note.last_time_us)
        block->note.last_time_us = event->time_us;
    size_t text_at = block->text.size;
    buffer_append_slice(&block->text, event->body);
    buffer_reserve(&block->text, SEGMENT_SCAN_OVER);
    struct pending pending = {shape_of(block, event->body, fields, &body), 0};
    struct kind *shape = &block->shapes[pending.shape];
    count_event(block, shape);
    make_room(block);
    if (pending.shape == 0) {
        block->note.flags |= SEGMENT_BLOCK_OPAQUE | SEGMENT_BLOCK_WORDS | SEGMENT_BLOCK_TIMELESS;
        add_field(block, &block->slots[shape->first_slot], text_at, event->body, event->body);
    } else {
        size_t raw_at = body.raw.size ? text_at + (size_t)(body.raw.data - event->body.data) : text_at;
        add_raw(block, &pending, raw_at, body.raw.size);
        note_line_time(block, &body, event->time_us);
        for (size_t i = 0; i < body.field_count; i++)
            add_field(block, &block->slots[shape->first_slot + i], text_at, event->body,
                      body.fields[i].value);
    }
    add_numbers(block, &pending, row->stream, &body, event->time_us);
    if (block->event_count == block->event_room) {
        block->event_room = block->event_room ? block->event_room * 2 : 16384;
        block->events = memory_resize(block->events, block->event_room, sizeof *block->events);
    }
    block->events[block->event_count++] = pending;
}

/* ---- the end */

/* Where each slot's texts and lengths go: behind those of the one before. */
static void place_slots(struct segment_block_writer *block, const struct kind *kinds, uint32_t count,
                        uint32_t *text, uint32_t *lengths) {
    for (const struct kind *kind = kinds; kind < kinds + count; kind++)
        for (uint32_t i = 0; kind->events && i < kind->slots; i++) {
            struct slot *slot = &block->slots[kind->first_slot + i];
            uint32_t text_size = slot->text, lengths_size = slot->lengths;
            slot->text = *text;
            slot->lengths = *lengths;
            slot->text_end = *text += text_size;
            *lengths += lengths_size;
        }
}

static const struct value *put_values(struct segment_block_writer *block, const struct kind *kind,
                                      const struct value *value, uint8_t *texts, uint8_t *lengths) {
    const uint8_t *text = block->text.data;
    struct slot *slot = &block->slots[kind->first_slot];
    for (uint32_t i = 0; i < kind->slots; i++, slot++, value++) {
        if (value->size <= SHORT &&
            slot->text + SHORT <= slot->text_end) /* over what comes later, if anything */
            memcpy(texts + slot->text, text + value->at, SHORT);
        else if (value->size)
            memcpy(texts + slot->text, text + value->at, value->size);
        slot->text += value->size;
        slot->lengths = (uint32_t)(segment_number_put(lengths + slot->lengths, value->size) - lengths);
    }
    return value;
}

/* The texts, slot by slot, and their lengths: events are gone through once, each value to its place. */
static bool gather_values(struct segment_block_writer *block) {
    const struct segment_tables *tables = block->tables;
    struct buffer *lengths = &block->columns[COLUMN_LENGTH];
    uint32_t text_size = 0, lengths_size = 0;
    place_slots(block, block->templates, tables->templates.count, &text_size, &lengths_size);
    place_slots(block, block->shapes, tables->shapes.count, &text_size, &lengths_size);
    buffer_clear(&block->texts);
    if (!buffer_reserve(&block->texts, text_size) || !buffer_reserve(lengths, lengths_size))
        return false;
    const struct value *value = block->values;
    for (uint32_t i = 0; i < block->event_count; i++) {
        const struct pending *event = &block->events[i];
        if (event->shape)
            value = put_values(block, &block->templates[event->template], value, block->texts.data,
                               lengths->data);
        value = put_values(block, &block->shapes[event->shape], value, block->texts.data, lengths->data);
    }
    block->texts.size = text_size;
    lengths->size = lengths_size;
    return true;
}

static bool compress(struct segment_block_writer *block, struct slice plain, struct buffer *to) {
    size_t bound = ZSTD_compressBound(plain.size);
    if (!buffer_reserve(to, bound))
        return false;
    size_t size = ZSTD_compressCCtx(block->zstd, to->data + to->size, bound, plain.data, plain.size, LEVEL);
    if (ZSTD_isError(size))
        return false;
    to->size += size;
    return true;
}

static bool write_columns(struct segment_block_writer *block, struct buffer *to) {
    struct buffer *together = &block->together;
    buffer_clear(together);
    segment_number_write(together, block->event_count);
    segment_number_write(together, block->run_count);
    segment_number_write(together, block->batch_count);
    for (unsigned i = 0; i < COLUMNS; i++)
        bytes_write_block(together, buffer_slice(&block->columns[i]));
    return !together->overflow && compress(block, buffer_slice(together), to);
}

/* What the index says of the block's templates; afterwards none has events. */
static void note_templates(struct segment_block_writer *block, struct buffer *to) {
    for (uint32_t number = 0; number < block->tables->templates.count; number++)
        if (block->templates[number].events) {
            struct segment_count count = {number, block->templates[number].events};
            buffer_append(to, &count, sizeof count);
            block->note.template_count++;
            block->templates[number].events = 0;
        }
    for (uint32_t number = 0; number < block->tables->shapes.count; number++)
        block->shapes[number].events = 0;
}

static void reset(struct segment_block_writer *block) {
    for (unsigned i = 0; i < COLUMNS; i++)
        buffer_clear(&block->columns[i]);
    for (uint32_t i = 0; i < block->batch_count; i++)
        block->places[block->batches[i].batch] = 0;
    memset(block->foretold, 0, sizeof block->foretold);
    buffer_clear(&block->text);
    block->value_count = 0;
    block->slot_count = 0;
    block->event_count = block->run_count = block->batch_count = 0;
    block->note = (struct segment_block_note){0};
    block->number++;
}

bool segment_block_writer_end(struct segment_block_writer *block, struct buffer *to,
                              struct segment_block_note *ret_note, struct buffer *ret_templates) {
    size_t start = to->size;
    end_run(block);
    if (!gather_values(block))
        return false;
    bytes_write_u32(to, 0);
    bool good = write_columns(block, to);
    if (good)
        bytes_put_u32(to->data + start, (uint32_t)(to->size - start - 4));
    good = good && compress(block, buffer_slice(&block->texts), to);
    segment_terms_end_block(block->tables->terms, block->number);
    note_templates(block, ret_templates);
    block->note.events = block->event_count;
    block->note.text = block->text.size;
    if (block->note.flags & SEGMENT_BLOCK_TIMELESS)
        block->note.first_line_us = block->note.last_line_us = 0;
    *ret_note = block->note;
    reset(block);
    return good;
}
