#include "protobuf.h"

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

size_t protobuf_number_size(uint64_t value) { return value ? 1 + varint_size(value) : 0; }

size_t protobuf_block_size(size_t size) { return 1 + varint_size(size) + size; }

uint8_t *protobuf_put_number(uint8_t *at, unsigned field, uint64_t value) {
    if (value == 0)
        return at;
    *at++ = (uint8_t)(field << 3 | PROTOBUF_VARINT);
    return put_varint(at, value);
}

uint8_t *protobuf_put_head(uint8_t *at, unsigned field, size_t size) {
    *at++ = (uint8_t)(field << 3 | PROTOBUF_BYTES);
    return put_varint(at, size);
}

uint8_t *protobuf_put_block(uint8_t *at, unsigned field, struct slice block) {
    at = protobuf_put_head(at, field, block.size);
    if (block.size)
        memcpy(at, block.data, block.size);
    return at + block.size;
}

static uint64_t read_varint(struct bytes_reader *reader) {
    const uint8_t *at = reader->rest.data, *end = reader->failed ? at : at + reader->rest.size;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        reader->rest = slice_make(at, (size_t)(end - at));
        return value;
    }
    reader->failed = true;
    return 0;
}

static void read_value(struct bytes_reader *reader, unsigned wire, struct protobuf_field *field) {
    switch (wire) {
    case PROTOBUF_VARINT:
        field->value = read_varint(reader);
        break;
    case PROTOBUF_BYTES: {
        uint64_t size = read_varint(reader);
        field->block = bytes_read_raw(reader, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
        break;
    }
    case PROTOBUF_FIXED64:
        bytes_read_raw(reader, 8);
        break;
    case PROTOBUF_FIXED32:
        bytes_read_raw(reader, 4);
        break;
    default:
        reader->failed = true;
        break;
    }
}

bool protobuf_next(struct bytes_reader *reader, struct protobuf_field *ret_field) {
    if (reader->failed || reader->rest.size == 0)
        return false;
    uint64_t tag = read_varint(reader);
    struct protobuf_field field = {.number = tag >> 3, .wire = (enum protobuf_wire)(tag & 7)};
    if (field.number == 0)
        reader->failed = true;
    read_value(reader, (unsigned)(tag & 7), &field);
    if (!reader->failed)
        *ret_field = field;
    return !reader->failed;
}
