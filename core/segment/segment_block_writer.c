#include "segment_block_writer.h"

#include <stdlib.h>
#include <zstd.h>

#include "memory.h"
#include "segment_number.h"
#include "segment_tokens.h"

#define LEVEL 1
#define LAST_TEXTS 4096u
#define SHAPE_KEY_MOST 8192u
#define SHAPE_NAMES_MOST 256u

struct value {
    uint32_t at, size; /* in the block's text */
};

struct pending {
    uint32_t shape, template;
    uint32_t first_value; /* slots of the template, then of the shape */
};

struct segment_block_writer {
    struct segment_tables *tables;
    uint32_t number; /* the block's */
    ZSTD_CCtx *zstd;
    struct buffer text; /* bodies */
    struct buffer columns[COLUMNS];
    struct buffer shape, body; /* of one event */
    uint8_t template[SEGMENT_TEMPLATE_MOST];
    struct value *values;
    size_t value_count, value_room;
    struct pending *events;
    uint32_t event_count, event_room, run_count, batch_count;
    uint32_t *template_events, *shape_events; /* in this block */
    uint32_t template_slots[SEGMENT_TEMPLATES_MOST];
    uint16_t shape_slots[SEGMENT_SHAPES_MOST];
    struct segment_foretold foretold[SEGMENT_FORETOLD];
    struct value last[LAST_TEXTS]; /* of slots, in this block */
    struct batch_state {           /* of the batches in this block: by their place in it */
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
    block->shape = BUFFER(SHAPE_KEY_MOST);
    block->body = BUFFER(EVENT_BODY_MOST);
    for (unsigned i = 0; i < COLUMNS; i++)
        block->columns[i] = BUFFER(SEGMENT_COLUMNS_MOST);
    block->template_events = memory_new_array(SEGMENT_TEMPLATES_MOST, sizeof *block->template_events);
    block->shape_events = memory_new_array(SEGMENT_SHAPES_MOST, sizeof *block->shape_events);
    block->template_slots[0] = 1;
    block->shape_slots[0] = 1;
    return block;
}

struct segment_block_writer *segment_block_writer_destroy(struct segment_block_writer *block) {
    if (block) {
        ZSTD_freeCCtx(block->zstd);
        if (block->text.data)
            memory_wipe(block->text.data, block->text.capacity);
        buffer_free(&block->text);
        buffer_free(&block->shape);
        buffer_free(&block->body);
        for (unsigned i = 0; i < COLUMNS; i++)
            buffer_free(&block->columns[i]);
        free(block->values);
        free(block->events);
        free(block->template_events);
        free(block->shape_events);
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

/* ---- tokens */

static void add_word(struct segment_block_writer *block, const uint8_t *text, size_t size) {
    struct segment_tables *tables = block->tables;
    uint8_t folded[SEGMENT_WORD_MOST];
    uint32_t word = SEGMENT_TEXTS_FULL;
    if (size <= sizeof folded) {
        for (size_t i = 0; i < size; i++)
            folded[i] = text[i] | 0x20;
        word = segment_texts_put(&tables->words, slice_make(folded, size));
    }
    if (word == SEGMENT_TEXTS_FULL) {
        block->note.flags |= SEGMENT_BLOCK_WORDS;
        return;
    }
    if (word >= tables->word_room) {
        uint32_t room = tables->word_room ? tables->word_room * 2 : 256;
        tables->word_blocks = memory_resize(tables->word_blocks, room, sizeof *tables->word_blocks);
        memset(tables->word_blocks[tables->word_room], 0,
               (room - tables->word_room) * sizeof *tables->word_blocks);
        tables->word_room = room;
    }
    tables->word_blocks[word][block->number / 8] |= (uint8_t)(1u << block->number % 8);
}

static void add_tokens(struct segment_block_writer *block, struct slice text) {
    struct segment_tokens tokens = segment_tokens_of(text);
    struct segment_token token;
    while (segment_token_next(&tokens, &token)) {
        const uint8_t *at = text.data + token.start;
        if (token.kinds == SEGMENT_LETTER) {
            add_word(block, at, token.size);
            continue;
        }
        segment_filter_add(block->tables->filter, segment_digest(slice_make(at, token.size)));
        if (token.quad != SIZE_MAX)
            segment_filter_add(
                block->tables->filter,
                segment_digest(slice_make(text.data + token.quad, token.start + token.size - token.quad)));
        if (token.changes && token.changes < SEGMENT_IDENTIFIER_CHANGES)
            for (size_t i = 0, start; i < token.size;) {
                for (; i < token.size && segment_kinds[at[i]] != SEGMENT_LETTER; i++)
                    ;
                for (start = i; i < token.size && segment_kinds[at[i]] == SEGMENT_LETTER; i++)
                    ;
                if (i > start)
                    add_word(block, at + start, i - start);
            }
    }
}

/* ---- values */

static void add_value(struct segment_block_writer *block, size_t at, size_t size) {
    if (block->value_count == block->value_room) {
        block->value_room = block->value_room ? block->value_room * 2 : 65536;
        block->values = memory_resize(block->values, block->value_room, sizeof *block->values);
    }
    block->values[block->value_count++] = (struct value){(uint32_t)at, (uint32_t)size};
}

/* Splits a line: its variables become values, the rest its template, whose number is returned; 0 where the line is kept
 * whole, and no value is added. */
static uint32_t split_line(struct segment_block_writer *block, struct slice raw, size_t raw_at) {
    uint8_t *template = block->template;
    size_t at = 0, start, done = 0, first = block->value_count, size = 0;
    uint32_t slots = 0, number = SEGMENT_TEXTS_FULL;
    bool more = true;
    while ((more = segment_variable_next(raw, &at, &start)) && slots < SEGMENT_SLOTS_MOST &&
           size + (start - done) < SEGMENT_TEMPLATE_MOST) {
        memcpy(template + size, raw.data + done, start - done);
        size += start - done;
        template[size++] = SEGMENT_SLOT;
        add_value(block, raw_at + start, at - start);
        done = at;
        slots++;
    }
    if (!more && size + (raw.size - done) <= SEGMENT_TEMPLATE_MOST &&
        !(raw.size && memchr(raw.data, SEGMENT_SLOT, raw.size))) {
        memcpy(template + size, raw.data + done, raw.size - done);
        size += raw.size - done;
        number = segment_texts_put(&block->tables->templates, slice_make(template, size));
    }
    if (number == SEGMENT_TEXTS_FULL || number == 0) {
        block->value_count = first;
        return 0;
    }
    block->template_slots[number] = slots;
    return number;
}

/* Escapes that may stand for letters and digits. */
static bool has_escapes(struct slice raw) {
    const uint8_t *at = raw.data, *end = raw.data + raw.size;
    while (at + 1 < end && (at = memchr(at, '\\', (size_t)(end - at) - 1)) != NULL) {
        if ((segment_kinds[at[1]] & SEGMENT_ALNUM) && !memchr("nrtbf", at[1], 5))
            return true;
        at += 2;
    }
    return false;
}

/* Whether the slot had the same text last time: a time, a process, an address that goes on. Its tokens are known then. */
static bool is_repeated(struct segment_block_writer *block, const struct value *value, uint32_t slot) {
    struct value *last = &block->last[slot % LAST_TEXTS];
    bool same = last->size == value->size &&
                memcmp(block->text.data + last->at, block->text.data + value->at, value->size) == 0;
    *last = *value;
    return same && value->size;
}

static void add_raw(struct segment_block_writer *block, struct pending *pending, struct slice raw,
                    size_t raw_at) {
    size_t first = block->value_count;
    if (raw.size == 0)
        raw = SLICE(""); /* never NULL */
    if (has_escapes(raw))
        block->note.flags |= SEGMENT_BLOCK_ODD;
    pending->template = split_line(block, raw, raw_at);
    if (pending->template == 0)
        add_value(block, raw_at, raw.size);
    uint32_t slot = pending->template * 7;
    for (size_t i = first; i < block->value_count; i++, slot++)
        if (!is_repeated(block, &block->values[i], slot))
            add_tokens(block, slice_make(block->text.data + block->values[i].at, block->values[i].size));
    block->template_events[pending->template]++;
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

/* 0 where the body is kept whole: it is not written as we write it, or too odd. */
static uint32_t shape_of(struct segment_block_writer *block, struct slice bytes, struct event_field *fields,
                         struct event_body *ret_body) {
    if (!event_body_read(bytes, fields, ret_body, NULL) || ret_body->field_count > SHAPE_NAMES_MOST)
        return 0;
    buffer_clear(&block->body);
    if (!event_body_write(&block->body, ret_body) || !slice_equal(buffer_slice(&block->body), bytes))
        return 0;
    buffer_clear(&block->shape);
    if (!segment_shape_key(ret_body, &block->shape))
        return 0;
    uint32_t shape = segment_texts_put(&block->tables->shapes, buffer_slice(&block->shape));
    if (shape == SEGMENT_TEXTS_FULL)
        return 0;
    block->shape_slots[shape] = (uint16_t)ret_body->field_count;
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
    struct pending pending = {.first_value = (uint32_t)block->value_count};
    pending.shape = shape_of(block, event->body, fields, &body);
    block->shape_events[pending.shape]++;
    if (pending.shape == 0) {
        block->note.flags |= SEGMENT_BLOCK_OPAQUE | SEGMENT_BLOCK_WORDS | SEGMENT_BLOCK_TIMELESS;
        add_value(block, text_at, event->body.size);
    } else {
        size_t raw_at = body.raw.size ? text_at + (size_t)(body.raw.data - event->body.data) : text_at;
        add_raw(block, &pending, body.raw, raw_at);
        note_line_time(block, &body, event->time_us);
        for (size_t i = 0; i < body.field_count; i++) {
            struct slice value = body.fields[i].value;
            add_value(block, value.size ? text_at + (size_t)(value.data - event->body.data) : text_at,
                      value.size);
        }
    }
    add_numbers(block, &pending, row->stream, &body, event->time_us);
    if (block->event_count == block->event_room) {
        block->event_room = block->event_room ? block->event_room * 2 : 16384;
        block->events = memory_resize(block->events, block->event_room, sizeof *block->events);
    }
    block->events[block->event_count++] = pending;
}

/* ---- the end */

struct group {
    const uint32_t *slots_of;    /* by number, 32 bits each… */
    const uint16_t *short_slots; /* …or 16 */
    const uint32_t *events_of;
    uint32_t count; /* numbers */
};

static uint32_t slots(const struct group *group, uint32_t number) {
    return group->slots_of ? group->slots_of[number] : group->short_slots[number];
}

/* Events by their number, in order: counting. `numbers` is the shape's or the template's of each event, UINT32_MAX: none. */
static void sort_events(const struct group *group, const uint32_t *numbers, uint32_t count, uint32_t *starts,
                        uint32_t *sorted) {
    uint32_t sum = 0;
    for (uint32_t number = 0; number < group->count; number++) {
        starts[number] = sum;
        sum += group->events_of[number];
    }
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] != UINT32_MAX)
            sorted[starts[numbers[i]]++] = i;
}

#define SHORT 16u /* bytes that are copied at once, whatever the size: most texts are no longer */

/* `values` has room for all texts and SHORT bytes more. */
static void put_value(struct segment_block_writer *block, const struct value *value, struct buffer *values) {
    segment_number_write(&block->columns[COLUMN_LENGTH], value->size);
    const uint8_t *from = block->text.data + value->at;
    if (value->size <= SHORT && value->at + SHORT <= block->text.size)
        memcpy(values->data + values->size, from, SHORT);
    else if (value->size)
        memcpy(values->data + values->size, from, value->size);
    values->size += value->size;
}

/* The texts of each number's slots, one slot behind the other. */
static void put_values(struct segment_block_writer *block, const struct group *group, const uint32_t *sorted,
                       bool shapes, struct buffer *values) {
    for (uint32_t number = 0; number < group->count; sorted += group->events_of[number++])
        for (uint32_t slot = 0; group->events_of[number] && slot < slots(group, number); slot++)
            for (uint32_t i = 0; i < group->events_of[number]; i++) {
                const struct pending *event = &block->events[sorted[i]];
                uint32_t skip = shapes && event->shape ? block->template_slots[event->template] : 0;
                put_value(block, &block->values[event->first_value + skip + slot], values);
            }
}

static void gather_values(struct segment_block_writer *block, struct buffer *values) {
    const struct segment_tables *tables = block->tables;
    uint32_t count = block->event_count, most = SEGMENT_TEMPLATES_MOST > SEGMENT_SHAPES_MOST
                                                    ? SEGMENT_TEMPLATES_MOST
                                                    : SEGMENT_SHAPES_MOST;
    uint32_t *numbers = memory_new_array((size_t)count * 2 + most, sizeof *numbers);
    uint32_t *sorted = numbers + count, *starts = sorted + count;
    struct group templates = {block->template_slots, NULL, block->template_events, tables->templates.count};
    struct group shapes = {NULL, block->shape_slots, block->shape_events, tables->shapes.count};
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = block->events[i].shape ? block->events[i].template : UINT32_MAX;
    sort_events(&templates, numbers, count, starts, sorted);
    put_values(block, &templates, sorted, false, values);
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = block->events[i].shape;
    sort_events(&shapes, numbers, count, starts, sorted);
    put_values(block, &shapes, sorted, true, values);
    free(numbers);
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
    CLEANUP_BUFFER struct buffer columns = BUFFER(SEGMENT_COLUMNS_MOST);
    segment_number_write(&columns, block->event_count);
    segment_number_write(&columns, block->run_count);
    segment_number_write(&columns, block->batch_count);
    for (unsigned i = 0; i < COLUMNS; i++)
        bytes_write_block(&columns, buffer_slice(&block->columns[i]));
    return !columns.overflow && compress(block, buffer_slice(&columns), to);
}

/* What the index says of the block's templates; afterwards none has events. */
static void note_templates(struct segment_block_writer *block, struct buffer *to) {
    for (uint32_t number = 0; number < block->tables->templates.count; number++)
        if (block->template_events[number]) {
            struct segment_count count = {number, block->template_events[number]};
            buffer_append(to, &count, sizeof count);
            block->note.template_count++;
            block->template_events[number] = 0;
        }
    memset(block->shape_events, 0, block->tables->shapes.count * sizeof *block->shape_events);
}

static void reset(struct segment_block_writer *block) {
    for (unsigned i = 0; i < COLUMNS; i++)
        buffer_clear(&block->columns[i]);
    for (uint32_t i = 0; i < block->batch_count; i++)
        block->places[block->batches[i].batch] = 0;
    memset(block->foretold, 0, sizeof block->foretold);
    memset(block->last, 0, sizeof block->last);
    buffer_clear(&block->text);
    block->value_count = 0;
    block->event_count = block->run_count = block->batch_count = 0;
    block->note = (struct segment_block_note){0};
    block->number++;
}

bool segment_block_writer_end(struct segment_block_writer *block, struct buffer *to,
                              struct segment_block_note *ret_note, struct buffer *ret_templates) {
    CLEANUP_BUFFER struct buffer values = BUFFER(2 * EVENT_BLOCK_MOST);
    size_t start = to->size;
    end_run(block);
    if (!buffer_reserve(&values, block->text.size + SHORT))
        return false;
    gather_values(block, &values);
    bytes_write_u32(to, 0);
    bool good = write_columns(block, to);
    if (good)
        bytes_put_u32(to->data + start, (uint32_t)(to->size - start - 4));
    good = good && !values.overflow && compress(block, buffer_slice(&values), to);
    segment_filter_end_block(block->tables->filter, block->number);
    note_templates(block, ret_templates);
    block->note.events = block->event_count;
    block->note.text = block->text.size;
    if (block->note.flags & SEGMENT_BLOCK_TIMELESS)
        block->note.first_line_us = block->note.last_line_us = 0;
    *ret_note = block->note;
    reset(block);
    return good;
}
