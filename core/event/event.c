#include "event.h"

#include "protobuf.h"

/* Field numbers of messages Event and Field in proto/event.proto. */
enum { BODY_KIND = 1, BODY_SOURCE, BODY_RAW, BODY_SOURCE_TIME, BODY_OFFSET, BODY_GENERATION, BODY_FIELD };
enum { FIELD_NAME = 1, FIELD_VALUE };

static size_t field_size(const struct event_field *field) {
    return (field->name.size ? protobuf_block_size(field->name.size) : 0) +
           (field->value.size ? protobuf_block_size(field->value.size) : 0);
}

static size_t body_size(const struct event_body *body) {
    size_t size = protobuf_number_size(body->kind) + protobuf_number_size(body->source_time_us) +
                  protobuf_number_size(body->offset) + protobuf_number_size(body->generation);
    size += body->source.size ? protobuf_block_size(body->source.size) : 0;
    size += body->raw.size ? protobuf_block_size(body->raw.size) : 0;
    for (size_t i = 0; i < body->field_count; i++)
        size += protobuf_block_size(field_size(&body->fields[i]));
    return size;
}

static uint8_t *put_field(uint8_t *at, const struct event_field *field) {
    at = protobuf_put_head(at, BODY_FIELD, field_size(field));
    if (field->name.size)
        at = protobuf_put_block(at, FIELD_NAME, field->name);
    return field->value.size ? protobuf_put_block(at, FIELD_VALUE, field->value) : at;
}

bool event_body_write(struct buffer *to, const struct event_body *body) {
    size_t size = body_size(body);
    if (size > EVENT_BODY_MOST || body->field_count > EVENT_FIELDS_MOST || !buffer_reserve(to, size))
        return false;
    uint8_t *at = to->data + to->size;
    at = protobuf_put_number(at, BODY_KIND, body->kind);
    if (body->source.size)
        at = protobuf_put_block(at, BODY_SOURCE, body->source);
    if (body->raw.size)
        at = protobuf_put_block(at, BODY_RAW, body->raw);
    at = protobuf_put_number(at, BODY_SOURCE_TIME, body->source_time_us);
    at = protobuf_put_number(at, BODY_OFFSET, body->offset);
    at = protobuf_put_number(at, BODY_GENERATION, body->generation);
    for (size_t i = 0; i < body->field_count; i++)
        at = put_field(at, &body->fields[i]);
    to->size += size;
    return true;
}

/* `ordered` is cleared where something stands in another order than it is written in. */
static bool read_field(struct slice bytes, struct event_field *ret_field, bool *ordered) {
    struct bytes_reader reader = bytes_read(bytes);
    struct protobuf_field item;
    uint64_t last = 0;
    *ret_field = (struct event_field){0};
    while (protobuf_next(&reader, &item)) {
        *ordered &= item.number >= last;
        last = item.number;
        if (item.number == FIELD_NAME && item.wire == PROTOBUF_BYTES)
            ret_field->name = item.block;
        else if (item.number == FIELD_VALUE && item.wire == PROTOBUF_BYTES)
            ret_field->value = item.block;
    }
    return !reader.failed;
}

static bool take_number(struct event_body *body, const struct protobuf_field *item) {
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
    struct protobuf_field item;
    uint64_t last = 0;
    bool ordered = true;
    while (protobuf_next(&reader, &item)) {
        ordered &= item.number >= last;
        last = item.number;
        if (item.wire == PROTOBUF_VARINT && !take_number(&body, &item))
            return fault_set(fault, FAULT_FORMAT, "an event of kind %llu, which is not known",
                             (unsigned long long)item.value);
        if (item.wire != PROTOBUF_BYTES)
            continue;
        if (item.number == BODY_SOURCE)
            body.source = item.block;
        else if (item.number == BODY_RAW)
            body.raw = item.block;
        else if (item.number == BODY_FIELD) {
            if (body.field_count == EVENT_FIELDS_MOST)
                return fault_set(fault, FAULT_LIMIT, "an event with more than %u fields", EVENT_FIELDS_MOST);
            if (!read_field(item.block, &fields[body.field_count++], &ordered))
                reader.failed = true;
        }
    }
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "an event's body is malformed %zu bytes before its end",
                         reader.rest.size);
    /* Each item takes as much room as its shortest form, or more, and whatever is not kept takes room as well. */
    body.exact = ordered && body_size(&body) == bytes.size;
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
    uint32_t size = rest->size >= EVENT_BLOCK_HEAD ? bytes_get_u32(rest->data + 9) : UINT32_MAX;
    if (size > EVENT_BODY_MOST || size > rest->size - EVENT_BLOCK_HEAD)
        return fault_set(fault, FAULT_FORMAT, "a block of events ends inside an event, %zu bytes before its end",
                         rest->size);
    *ret_event = (struct event){.time_us = bytes_get_u64(rest->data),
                                .class = rest->data[8],
                                .body = slice_make(rest->data + EVENT_BLOCK_HEAD, size)};
    *rest = slice_make(rest->data + EVENT_BLOCK_HEAD + size, rest->size - EVENT_BLOCK_HEAD - size);
    return true;
}
