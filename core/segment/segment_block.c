#include "segment_block.h"

#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "memory.h"
#include "segment_number.h"
#include "segment_reader_inside.h"
#include "segment_scan.h"
#include "segment_tokens.h"

struct run_batch {
    uint32_t batch, position;
    uint64_t next_seq, last_time_us;
};

struct segment_block {
    const struct segment_index *index;
    uint32_t number;
    ZSTD_DCtx *zstd;
    struct buffer section, columns, values;
    struct slice packed_values;
    bool has_values;
    uint32_t count, run_count, batch_count;
    struct segment_event *events;
    uint32_t event_room;
    struct run_batch *batches;
    uint32_t batch_room;
    uint32_t *template_events, *shape_events; /* by number */
    uint32_t template_room, shape_room;
    uint32_t *starts; /* of each value in the texts; one more than there are */
    size_t value_count, value_room;
    struct bytes_reader offsets, lengths; /* columns that are read with the texts */
    struct segment_foretold foretold[SEGMENT_FORETOLD];
    struct buffer raw, body;
    uint32_t raw_place; /* of the event whose line is in `raw`; UINT32_MAX: of none */
};

struct segment_block *segment_block_create(void) {
    struct segment_block *block = memory_new(sizeof *block);
    block->zstd = ZSTD_createDCtx();
    block->section = BUFFER(SEGMENT_SECTION_MOST);
    block->columns = BUFFER(SEGMENT_COLUMNS_MOST);
    block->values = BUFFER(2 * EVENT_BLOCK_MOST);
    block->raw = BUFFER(EVENT_BODY_MOST + SEGMENT_TEMPLATE_MOST);
    block->body = BUFFER(EVENT_BODY_MOST);
    return block;
}

static void wipe(struct buffer *buffer) {
    if (buffer->data)
        memory_wipe(buffer->data, buffer->capacity);
    buffer_free(buffer);
}

struct segment_block *segment_block_destroy(struct segment_block *block) {
    if (block) {
        ZSTD_freeDCtx(block->zstd);
        wipe(&block->section);
        wipe(&block->columns);
        wipe(&block->values);
        wipe(&block->raw);
        wipe(&block->body);
        free(block->events);
        free(block->batches);
        free(block->template_events);
        free(block->shape_events);
        free(block->starts);
        free(block);
    }
    return NULL;
}

/* Room for `count` zeros. */
static uint32_t *zeros(uint32_t *old, uint32_t *room, uint32_t count) {
    if (count > *room) {
        *room = count;
        old = memory_resize(old, count, sizeof *old);
    }
    if (count)
        memset(old, 0, count * sizeof *old);
    return old;
}

static bool bad(struct fault *fault, const char *what) {
    return fault_set(fault, FAULT_FORMAT, "its columns do not fit together: %s", what);
}

static bool unpack(struct segment_block *block, struct slice packed, struct buffer *to, struct fault *fault) {
    unsigned long long size = ZSTD_getFrameContentSize(packed.data, packed.size);
    buffer_clear(to);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > to->limit)
        return fault_set(fault, FAULT_FORMAT, "a frame that is none, or too large");
    if (!buffer_reserve(to, (size_t)size + SEGMENT_SHORT)) /* never without memory, and short texts are copied whole */
        return fault_set(fault, FAULT_LIMIT, "a frame of %llu bytes", size);
    size_t got = ZSTD_decompressDCtx(block->zstd, to->data, (size_t)size, packed.data, packed.size);
    if (ZSTD_isError(got) || got != size)
        return fault_set(fault, FAULT_FORMAT, "a frame that does not decompress to the %llu bytes announced",
                         size);
    to->size = got;
    return true;
}

/* ---- columns */

struct column_set {
    struct bytes_reader column[COLUMNS];
};

static bool open_columns(struct segment_block *block, struct column_set *set, struct fault *fault) {
    struct bytes_reader reader = bytes_read(buffer_slice(&block->columns));
    uint64_t events = segment_number_read(&reader), runs = segment_number_read(&reader),
             batches = segment_number_read(&reader);
    for (unsigned i = 0; i < COLUMNS; i++)
        set->column[i] = bytes_read(bytes_read_block(&reader));
    if (!bytes_read_done(&reader) || events == 0 || events > SEGMENT_BLOCK_EVENTS_MOST || runs == 0 ||
        runs > events || batches == 0 || batches > runs)
        return bad(fault, "their head");
    block->count = (uint32_t)events;
    block->run_count = (uint32_t)runs;
    block->batch_count = (uint32_t)batches;
    if (block->count > block->event_room) {
        block->event_room = block->count;
        block->events = memory_resize(block->events, block->event_room, sizeof *block->events);
    }
    if (block->batch_count > block->batch_room) {
        block->batch_room = block->batch_count;
        block->batches = memory_resize(block->batches, block->batch_room, sizeof *block->batches);
    }
    return true;
}

static bool read_batches(struct segment_block *block, struct column_set *set, struct fault *fault) {
    struct bytes_reader *column = &set->column[COLUMN_BATCH];
    for (uint32_t i = 0; i < block->batch_count; i++) {
        uint64_t batch = segment_number_read(column), position = segment_number_read(column);
        if (column->failed || batch >= block->index->batch_count || position > BATCH_EVENTS_MOST)
            return bad(fault, "a batch that the index has not");
        const struct segment_batch *of = &block->index->batches[batch];
        block->batches[i] =
            (struct run_batch){(uint32_t)batch, (uint32_t)position, of->first_event_seq, of->open_us};
    }
    return true;
}

static bool read_event(struct segment_block *block, struct column_set *set, struct run_batch *batch,
                       struct segment_event *event, struct fault *fault) {
    batch->last_time_us += segment_unfold(segment_number_read(&set->column[COLUMN_TIME]));
    event->batch = batch->batch;
    event->position = batch->position++;
    event->seq = batch->next_seq++;
    event->time_us = batch->last_time_us;
    uint64_t shape = segment_number_read(&set->column[COLUMN_SHAPE]), template = 0;
    event->offset = event->source_time_us = 0;
    if (shape >= block->index->shape_count)
        return bad(fault, "a shape that the index has not");
    event->field = block->shape_events[shape]++;
    if (shape) {
        template = segment_number_read(&set->column[COLUMN_TEMPLATE]);
        if (template >= block->index->template_count)
            return bad(fault, "a template that the index has not");
        event->value = block->template_events[template]++;
        uint64_t source_time = segment_number_read(&set->column[COLUMN_SOURCE_TIME]);
        event->source_time_us = source_time ? event->time_us + segment_unfold(source_time - 1) : 0;
    }
    event->shape = (uint32_t)shape;
    event->template = (uint32_t) template;
    return true;
}

/* Numbers of values: known only once all events are. */
static bool place_values(struct segment_block *block, struct fault *fault) {
    size_t at = 0;
    uint64_t total = 0;
    uint32_t *starts =
        memory_new_array((size_t)block->index->template_count + block->index->shape_count, sizeof *starts);
    uint32_t *shape_starts = starts + block->index->template_count;
    for (uint32_t i = 0; i < block->index->template_count; i++) {
        starts[i] = (uint32_t)at;
        if (block->template_events[i])
            total += (uint64_t)block->template_events[i] * block->index->template_slots[i];
        at = total < SEGMENT_VALUES_MOST ? (size_t)total : SEGMENT_VALUES_MOST;
    }
    for (uint32_t i = 0; i < block->index->shape_count; i++) {
        shape_starts[i] = (uint32_t)at;
        total += (uint64_t)block->shape_events[i] * (i ? block->index->shapes[i].name_count : 1);
        at = total < SEGMENT_VALUES_MOST ? (size_t)total : SEGMENT_VALUES_MOST;
    }
    for (uint32_t i = 0; i < block->count; i++) {
        struct segment_event *event = &block->events[i];
        event->field += shape_starts[event->shape];
        if (event->shape)
            event->value += starts[event->template];
    }
    free(starts);
    block->value_count = at;
    return total <= SEGMENT_VALUES_MOST || bad(fault, "too many texts");
}

/* The texts' lengths. */
static bool read_lengths(struct segment_block *block, struct bytes_reader *column, struct fault *fault) {
    if (block->value_count + 1 > block->value_room) {
        block->value_room = block->value_count + 1;
        block->starts = memory_resize(block->starts, block->value_room, sizeof *block->starts);
    }
    uint64_t at = 0;
    for (size_t i = 0; i < block->value_count; i++) {
        block->starts[i] = (uint32_t)at;
        at += segment_number_read(column);
        if (at > 2 * EVENT_BLOCK_MOST)
            return bad(fault, "lengths of texts");
    }
    block->starts[block->value_count] = (uint32_t)at;
    return true;
}

static bool read_runs(struct segment_block *block, struct column_set *set, struct fault *fault) {
    uint64_t arrival = 0, ingested_us = 0;
    uint32_t place = 0;
    for (uint32_t run = 0; run < block->run_count; run++) {
        arrival += segment_number_read(&set->column[COLUMN_ARRIVAL]);
        ingested_us += segment_unfold(segment_number_read(&set->column[COLUMN_INGESTED]));
        uint64_t number = segment_number_read(&set->column[COLUMN_RUN_BATCH]);
        uint64_t difference = segment_number_read(&set->column[COLUMN_FIRST]);
        uint64_t count = segment_number_read(&set->column[COLUMN_COUNT]);
        if (number >= block->batch_count || count == 0 || count > block->count - place)
            return bad(fault, "a run");
        struct run_batch *batch = &block->batches[number];
        batch->next_seq += segment_unfold(difference);
        for (; count; count--, place++) {
            struct segment_event *event = &block->events[place];
            if (!read_event(block, set, batch, event, fault))
                return false;
            event->arrival = arrival;
            event->ingested_us = ingested_us;
        }
    }
    return place == block->count || bad(fault, "runs with too few events");
}

static bool columns_done(const struct column_set *set, struct fault *fault) {
    for (unsigned i = 0; i < COLUMNS; i++)
        if (i != COLUMN_OFFSET && i != COLUMN_LENGTH && !bytes_read_done(&set->column[i]))
            return bad(fault, "one is too long or too short");
    return true;
}

static bool open_block(struct segment_block *block, const struct segment_reader *reader,
                       struct fault *fault) {
    struct column_set set;
    buffer_clear(&block->section);
    if (!segment_reader_section(reader, block->number, &block->section, fault))
        return false;
    struct slice section = buffer_slice(&block->section);
    uint32_t size = section.size >= 4 ? bytes_get_u32(section.data) : 0;
    if (section.size < 4 || size > section.size - 4)
        return bad(fault, "their size");
    block->packed_values = slice_from(section, 4 + (size_t)size);
    block->template_events =
        zeros(block->template_events, &block->template_room, block->index->template_count);
    block->shape_events = zeros(block->shape_events, &block->shape_room, block->index->shape_count);
    if (!unpack(block, slice_make(section.data + 4, size), &block->columns, fault) ||
        !open_columns(block, &set, fault) || !read_batches(block, &set, fault) ||
        !read_runs(block, &set, fault) || !columns_done(&set, fault))
        return false;
    block->offsets = set.column[COLUMN_OFFSET];
    block->lengths = set.column[COLUMN_LENGTH];
    return true;
}

bool segment_block_open(struct segment_block *block, const struct segment_reader *reader, uint32_t number,
                        struct fault *fault) {
    block->index = reader->index;
    block->number = number;
    block->has_values = false;
    block->raw_place = UINT32_MAX;
    block->count = 0;
    if (number >= reader->head.blocks)
        return fault_set(fault, FAULT_USAGE, "a segment has no block %u", number);
    if (open_block(block, reader, fault))
        return true;
    block->count = 0;
    return fault_place(fault, "block %u of the segment", number);
}

/* ---- texts */

static inline bool has_room(struct buffer *buffer, size_t more) {
    return buffer->capacity - buffer->size >= more || buffer_reserve(buffer, more);
}

static struct slice value(const struct segment_block *block, size_t number) {
    return slice_make(block->values.data + block->starts[number],
                      block->starts[number + 1] - block->starts[number]);
}

static size_t raw_size(const struct segment_block *block, const struct segment_event *event) {
    uint32_t slots = block->index->template_slots[event->template],
             step = block->template_events[event->template];
    size_t size = block->index->templates[event->template].size - slots;
    for (uint32_t slot = 0, at = event->value; slot < slots; slot++, at += step)
        size += block->starts[at + 1] - block->starts[at];
    return size;
}

static bool read_offsets(struct segment_block *block, struct fault *fault) {
    memset(block->foretold, 0, sizeof block->foretold);
    for (uint32_t i = 0; i < block->count; i++) {
        struct segment_event *event = &block->events[i];
        if (!event->shape)
            continue;
        struct segment_foretold *foretold =
            segment_foretold_at(block->foretold, block->index->batches[event->batch].stream, event->shape);
        event->offset = foretold->offset + segment_unfold(segment_number_read(&block->offsets));
        foretold->offset = event->offset + raw_size(block, event) + 1;
    }
    return bytes_read_done(&block->offsets) || bad(fault, "offsets");
}

static bool open_values(struct segment_block *block, struct fault *fault) {
    if (!place_values(block, fault) || !read_lengths(block, &block->lengths, fault) ||
        !unpack(block, block->packed_values, &block->values, fault))
        return false;
    if (!bytes_read_done(&block->lengths) || block->starts[block->value_count] != block->values.size)
        return bad(fault, "texts and their lengths");
    return read_offsets(block, fault);
}

bool segment_block_values(struct segment_block *block, struct fault *fault) {
    if (block->has_values)
        return true;
    block->has_values = block->count && open_values(block, fault);
    if (!block->has_values)
        block->count = 0;
    return block->has_values || fault_place(fault, "block %u of the segment", block->number);
}

uint32_t segment_block_count(const struct segment_block *block) {
    return block->count;
}

const struct segment_event *segment_block_event(const struct segment_block *block, uint32_t place) {
    return &block->events[place];
}

/* The longest run of digits: it has no case, so it is looked for as it stands. */
static struct slice digits_of(struct slice token) {
    struct slice best = {token.data, 0};
    for (size_t i = 0, start; i < token.size;) {
        for (; i < token.size && segment_kinds[token.data[i]] != SEGMENT_DIGIT; i++)
            ;
        for (start = i; i < token.size && segment_kinds[token.data[i]] == SEGMENT_DIGIT; i++)
            ;
        if (i - start > best.size)
            best = slice_make(token.data + start, i - start);
    }
    return best;
}

static size_t value_at(const struct segment_block *block, size_t offset) {
    size_t low = 0, high = block->value_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (block->starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool mark_values(const struct segment_block *block, struct slice token, uint8_t *values) {
    struct slice digits = digits_of(token), text = buffer_slice(&block->values);
    size_t before = (size_t)(digits.data - token.data);
    bool any = false;
    for (size_t at = 0, found; at < text.size; at += found + 1) {
        const uint8_t *hit = memmem(text.data + at, text.size - at, digits.data, digits.size);
        if (!hit)
            break;
        found = (size_t)(hit - text.data) - at;
        size_t start = at + found;
        if (start < before || token.size > text.size - (start - before) ||
            !slice_equal_caseless(slice_make(hit - before, token.size), token))
            continue;
        values[value_at(block, start - before)] = 1;
        any = true;
    }
    return any;
}

bool segment_block_mark(const struct segment_block *block, struct slice token, uint8_t *ret_marks) {
    if (token.size < SEGMENT_MARK_LEAST || digits_of(token).size == 0)
        return false;
    uint8_t *values = memory_new(block->value_count);
    memset(ret_marks, 0, block->count);
    if (mark_values(block, token, values))
        for (uint32_t i = 0; i < block->count; i++) {
            const struct segment_event *event = &block->events[i];
            uint32_t slots = event->shape ? block->index->template_slots[event->template] : 0;
            size_t at = event->value;
            for (uint32_t slot = 0; slot < slots && !ret_marks[i];
                 slot++, at += block->template_events[event->template])
                ret_marks[i] = values[at];
        }
    for (uint32_t i = 0; i < block->count; i++)
        ret_marks[i] |= block->events[i].shape == 0;
    free(values);
    return true;
}

/* The line put together, up to where it has at least `least` bytes. Pieces of templates and values are short: they are copied
 * SEGMENT_SHORT bytes at a time, and what is too much is written over by the next. */
static void build_raw(struct segment_block *block, const struct segment_event *event, size_t least) {
    struct slice template = block->index->templates[event->template];
    const uint8_t *at = template.data, *end = at + template.size;
    struct buffer *raw = &block->raw;
    uint32_t number = event->value, step = block->template_events[event->template];
    buffer_clear(raw);
    while (at < end && raw->size < least && has_room(raw, 2 * SEGMENT_SHORT)) {
        segment_bytes text;
        memcpy(&text, at, sizeof text);
        uint32_t slots = segment_bytes_bits((segment_bytes)(text == SEGMENT_SLOT));
        size_t left = (size_t)(end - at), size = slots ? (size_t)__builtin_ctz(slots) : SEGMENT_SHORT;
        size = size < left ? size : left;
        memcpy(raw->data + raw->size, &text, sizeof text);
        raw->size += size;
        at += size;
        if (size == left || size == SEGMENT_SHORT)
            continue;
        struct slice piece = value(block, number);
        if (piece.size > SEGMENT_SHORT)
            buffer_append_slice(raw, piece);
        else {
            memcpy(raw->data + raw->size, piece.data, SEGMENT_SHORT);
            raw->size += piece.size;
        }
        number += step;
        at++;
    }
}

struct slice segment_block_raw(struct segment_block *block, uint32_t place) {
    const struct segment_event *event = &block->events[place];
    if (!event->shape)
        return SLICE("");
    if (event->template == 0)
        return value(block, event->value);
    if (block->raw_place != place)
        build_raw(block, event, SIZE_MAX);
    block->raw_place = place;
    return block->raw.data ? buffer_slice(&block->raw) : SLICE("");
}

struct slice segment_block_raw_head(struct segment_block *block, uint32_t place, size_t least) {
    const struct segment_event *event = &block->events[place];
    if (!event->shape || event->template == 0 || block->raw_place == place)
        return segment_block_raw(block, place);
    build_raw(block, event, least);
    block->raw_place = UINT32_MAX;
    return block->raw.data ? buffer_slice(&block->raw) : SLICE("");
}

bool segment_block_body(struct segment_block *block, uint32_t place, struct event_field *fields,
                        struct event_body *ret_body, struct fault *fault) {
    const struct segment_event *event = &block->events[place];
    if (!event->shape)
        return event_body_read(value(block, event->field), fields, ret_body, fault);
    const struct segment_shape *shape = &block->index->shapes[event->shape];
    uint32_t step = block->shape_events[event->shape];
    for (uint32_t i = 0; i < shape->name_count; i++)
        fields[i] = (struct event_field){shape->names[i], value(block, event->field + (size_t)i * step)};
    *ret_body = (struct event_body){.kind = shape->kind,
                                    .source = shape->source,
                                    .raw = segment_block_raw(block, place),
                                    .source_time_us = event->source_time_us,
                                    .offset = event->offset,
                                    .generation = shape->generation,
                                    .fields = fields,
                                    .field_count = shape->name_count};
    return !block->raw.overflow ||
           fault_set(fault, FAULT_LIMIT, "a line of more than %u bytes", EVENT_BODY_MOST);
}

bool segment_block_bytes(struct segment_block *block, uint32_t place, struct slice *ret_bytes,
                         struct fault *fault) {
    if (!block->events[place].shape) {
        *ret_bytes = value(block, block->events[place].field);
        return ret_bytes->size <= EVENT_BODY_MOST ||
               fault_set(fault, FAULT_LIMIT, "a body of %zu bytes", ret_bytes->size);
    }
    struct event_field fields[EVENT_FIELDS_MOST];
    struct event_body body;
    if (!segment_block_body(block, place, fields, &body, fault))
        return false;
    buffer_clear(&block->body);
    if (!event_body_write(&block->body, &body))
        return fault_set(fault, FAULT_LIMIT, "a body of more than %u bytes", EVENT_BODY_MOST);
    *ret_bytes = block->body.data ? buffer_slice(&block->body) : SLICE("");
    return true;
}

bool segment_reader_sum(const struct segment_reader *reader, uint64_t *ret_events, uint64_t *ret_sum,
                        struct fault *fault) {
    struct segment_block *block = segment_block_create();
    uint64_t sum = 0, events = 0;
    bool good = true;
    for (uint32_t number = 0; good && number < reader->head.blocks; number++) {
        good = segment_block_open(block, reader, number, fault) && segment_block_values(block, fault);
        for (uint32_t i = 0; good && i < block->count; i++) {
            struct slice body;
            good = segment_block_bytes(block, i, &body, fault);
            if (good)
                sum = segment_sum(sum, block->events[i].seq, block->events[i].time_us, body);
        }
        events += block->count;
    }
    segment_block_destroy(block);
    if (good) {
        *ret_events = events;
        *ret_sum = sum;
    }
    return good;
}
