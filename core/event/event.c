#include "event.h"

#include "bytes.h"

/* Protobuf (encoding guide): a tag is field number << 3 | wire type; 0 is a varint, 2 a length and bytes. */
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { BODY_KIND = 1, BODY_SOURCE, BODY_RAW, BODY_SOURCE_TIME, BODY_OFFSET, BODY_GENERATION, BODY_FIELD };
enum { FIELD_NAME = 1, FIELD_VALUE };

static size_t varint_size(uint64_t value) {
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

/* Field numbers are below 16 throughout, so that a tag is one byte; zero and empty are left out, as proto3 does. */
static size_t number_size(uint64_t value) { return value ? 1 + varint_size(value) : 0; }
static size_t block_size(size_t size) { return 1 + varint_size(size) + size; }

static uint8_t *put_number(uint8_t *at, unsigned field, uint64_t value) {
    if (value == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | WIRE_VARINT);
    return put_varint(at, value);
}

static uint8_t *put_block(uint8_t *at, unsigned field, struct slice block) {
    *at++ = (uint8_t)(field << 3 | WIRE_BYTES);
    at = put_varint(at, block.size);
    if (block.size)
        memcpy(at, block.data, block.size);
    return at + block.size;
}

static size_t field_size(const struct event_field *field) {
    return (field->name.size ? block_size(field->name.size) : 0) +
           (field->value.size ? block_size(field->value.size) : 0);
}

static size_t body_size(const struct event_body *body) {
    size_t size = number_size(body->kind) + number_size(body->source_time_us) + number_size(body->offset) +
                  number_size(body->generation);
    size += body->source.size ? block_size(body->source.size) : 0;
    size += body->raw.size ? block_size(body->raw.size) : 0;
    for (size_t i = 0; i < body->field_count; i++)
        size += block_size(field_size(&body->fields[i]));
    return size;
}

bool event_body_write(struct buffer *to, const struct event_body *body) {
    size_t size = body_size(body);
    if (size > EVENT_BODY_MOST || body->field_count > EVENT_FIELDS_MOST || !buffer_reserve(to, size))
        return false;
    uint8_t *at = to->data + to->size;
    at = put_number(at, BODY_KIND, body->kind);
    if (body->source.size)
        at = put_block(at, BODY_SOURCE, body->source);
    if (body->raw.size)
        at = put_block(at, BODY_RAW, body->raw);
    at = put_number(at, BODY_SOURCE_TIME, body->source_time_us);
    at = put_number(at, BODY_OFFSET, body->offset);
    at = put_number(at, BODY_GENERATION, body->generation);
    for (size_t i = 0; i < body->field_count; i++) {
        const struct event_field *field = &body->fields[i];
        *at++ = BODY_FIELD << 3 | WIRE_BYTES;
        at = put_varint(at, field_size(field));
        if (field->name.size)
            at = put_block(at, FIELD_NAME, field->name);
        if (field->value.size)
            at = put_block(at, FIELD_VALUE, field->value);
    }
    to->size += size;
    return true;
}

static uint64_t read_varint(struct bytes_reader *reader) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = bytes_read_u8(reader);
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

struct item {
    uint64_t number;
    unsigned wire;
    uint64_t value;
    struct slice block;
};

static bool read_item(struct bytes_reader *reader, struct item *ret_item) {
    uint64_t tag = read_varint(reader);
    struct item item = {.number = tag >> 3, .wire = (unsigned)(tag & 7)};
    if (item.number == 0)
        reader->failed = true;
    if (item.wire == WIRE_VARINT)
        item.value = read_varint(reader);
    else if (item.wire == WIRE_BYTES) {
        uint64_t size = read_varint(reader);
        item.block = bytes_read_raw(reader, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
    } else if (item.wire == WIRE_FIXED64)
        bytes_read_raw(reader, 8);
    else if (item.wire == WIRE_FIXED32)
        bytes_read_raw(reader, 4);
    else
        reader->failed = true;
    *ret_item = item;
    return !reader->failed;
}

static bool read_field(struct slice bytes, struct event_field *ret_field) {
    struct bytes_reader reader = bytes_read(bytes);
    struct item item;
    *ret_field = (struct event_field){0};
    while (reader.rest.size && read_item(&reader, &item)) {
        if (item.number == FIELD_NAME && item.wire == WIRE_BYTES)
            ret_field->name = item.block;
        else if (item.number == FIELD_VALUE && item.wire == WIRE_BYTES)
            ret_field->value = item.block;
    }
    return !reader.failed;
}

static bool take_number(struct event_body *body, const struct item *item) {
    switch (item->number) {
    case BODY_KIND:
        body->kind = (enum event_kind)item->value;
        return item->value < EVENT_KINDS;
    case BODY_SOURCE_TIME:
        body->source_time_us = item->value;
        return true;
    case BODY_OFFSET:
        body->offset = item->value;
        return true;
    case BODY_GENERATION:
        body->generation = item->value;
        return true;
    default:
        return true;
    }
}

bool event_body_read(struct slice bytes, struct event_field *fields, struct event_body *ret_body,
                     struct fault *fault) {
    if (bytes.size > EVENT_BODY_MOST)
        return fault_set(fault, FAULT_LIMIT, "an event's body of %zu bytes; at most %u are allowed", bytes.size,
                         EVENT_BODY_MOST);
    struct event_body body = {.fields = fields};
    struct bytes_reader reader = bytes_read(bytes);
    struct item item;
    while (reader.rest.size && read_item(&reader, &item)) {
        if (item.wire == WIRE_VARINT && !take_number(&body, &item))
            return fault_set(fault, FAULT_FORMAT, "an event of kind %llu, which is not known",
                             (unsigned long long)item.value);
        if (item.wire != WIRE_BYTES)
            continue;
        if (item.number == BODY_SOURCE)
            body.source = item.block;
        else if (item.number == BODY_RAW)
            body.raw = item.block;
        else if (item.number == BODY_FIELD) {
            if (body.field_count == EVENT_FIELDS_MOST)
                return fault_set(fault, FAULT_LIMIT, "an event with more than %u fields", EVENT_FIELDS_MOST);
            if (!read_field(item.block, &fields[body.field_count++]))
                reader.failed = true;
        }
    }
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "an event's body is malformed %zu bytes before its end",
                         reader.rest.size);
    *ret_body = body;
    return true;
}

struct slice event_body_field(const struct event_body *body, struct slice name) {
    for (size_t i = 0; i < body->field_count; i++)
        if (slice_equal(body->fields[i].name, name))
            return body->fields[i].value;
    return (struct slice){NULL, 0};
}

bool event_block_append(struct buffer *to, uint64_t time_us, uint8_t class, struct slice body) {
    if (body.size > EVENT_BODY_MOST || !buffer_reserve(to, EVENT_BLOCK_HEAD + body.size))
        return false;
    uint8_t *at = to->data + to->size;
    bytes_put_u64(at, time_us);
    at[8] = class;
    bytes_put_u32(at + 9, (uint32_t)body.size);
    if (body.size)
        memcpy(at + EVENT_BLOCK_HEAD, body.data, body.size);
    to->size += EVENT_BLOCK_HEAD + body.size;
    return true;
}

bool event_block_next(struct slice *rest, struct event *ret_event, struct fault *fault) {
    if (rest->size == 0)
        return false;
    struct bytes_reader reader = bytes_read(*rest);
    uint64_t time_us = bytes_read_u64(&reader);
    uint8_t class = bytes_read_u8(&reader);
    uint32_t size = bytes_read_u32(&reader);
    struct slice body = bytes_read_raw(&reader, size);
    if (reader.failed || size > EVENT_BODY_MOST)
        return fault_set(fault, FAULT_FORMAT, "a block of events ends inside an event, %zu bytes before its end",
                         rest->size);
    *rest = reader.rest;
    *ret_event = (struct event){.time_us = time_us, .class = class, .body = body};
    return true;
}
