#include "events.h"

#include <stdlib.h>
#include <zstd.h>

#include "bytes.h"
#include "memory.h"

/* Field numbers of message Events and ClassKey in proto/wire.proto. */
enum {
    EVENTS_LANE = 1,
    EVENTS_BATCH_SEQ,
    EVENTS_FIRST_EVENT_SEQ,
    EVENTS_COUNT,
    EVENTS_CLASS_KEYS,
    EVENTS_CODEC,
    EVENTS_TEXT_SIZE,
    EVENTS_DATA,
    EVENTS_FIRST_TIME,
    EVENTS_LAST_TIME,
    EVENTS_FIELDS,
};
enum { KEY_CLASS = 1, KEY_BYTES = 2 };
enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static void put_varint(struct buffer *to, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        bytes_write_u8(to, (uint8_t)(value | 0x80));
    bytes_write_u8(to, (uint8_t)value);
}

static void put_number(struct buffer *to, unsigned field, uint64_t value) {
    if (value == 0)
        return;
    bytes_write_u8(to, (uint8_t)(field << 3 | WIRE_VARINT));
    put_varint(to, value);
}

static void put_block(struct buffer *to, unsigned field, struct slice block) {
    bytes_write_u8(to, (uint8_t)(field << 3 | WIRE_BYTES));
    put_varint(to, block.size);
    buffer_append_slice(to, block);
}

bool events_write(struct buffer *to, const struct events_message *message) {
    put_number(to, EVENTS_LANE, message->lane);
    put_number(to, EVENTS_BATCH_SEQ, message->batch_seq);
    put_number(to, EVENTS_FIRST_EVENT_SEQ, message->first_event_seq);
    put_number(to, EVENTS_COUNT, message->count);
    for (size_t i = 0; i < message->key_count; i++) {
        uint8_t memory[48];
        struct buffer key = {.data = memory, .capacity = sizeof memory, .limit = sizeof memory};
        put_number(&key, KEY_CLASS, message->keys[i].class);
        put_block(&key, KEY_BYTES, message->keys[i].key);
        put_block(to, EVENTS_CLASS_KEYS, buffer_slice(&key));
    }
    put_number(to, EVENTS_CODEC, message->codec);
    put_number(to, EVENTS_TEXT_SIZE, message->text_size);
    put_block(to, EVENTS_DATA, message->data);
    put_number(to, EVENTS_FIRST_TIME, message->first_time_us);
    put_number(to, EVENTS_LAST_TIME, message->last_time_us);
    return !to->overflow;
}

static uint64_t get_varint(struct bytes_reader *reader) {
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

/* One field of at most `fields`; no other wire types occur in these messages. */
static unsigned get_field(struct bytes_reader *reader, uint64_t *ret_number, struct slice *ret_block) {
    uint64_t tag = get_varint(reader);
    *ret_number = 0;
    *ret_block = (struct slice){NULL, 0};
    if ((tag & 7) == WIRE_VARINT)
        *ret_number = get_varint(reader);
    else if ((tag & 7) == WIRE_BYTES)
        *ret_block = bytes_read_raw(reader, get_varint(reader));
    else
        reader->failed = true;
    return tag >> 3 < EVENTS_FIELDS ? (unsigned)(tag >> 3) : 0;
}

static bool get_key(struct slice bytes, struct events_key *ret_key) {
    struct bytes_reader reader = bytes_read(bytes);
    uint64_t class = 0;
    struct slice key = {NULL, 0};
    while (reader.rest.size && !reader.failed) {
        uint64_t number;
        struct slice block;
        unsigned field = get_field(&reader, &number, &block);
        if (field == KEY_CLASS)
            class = number;
        else if (field == KEY_BYTES)
            key = block;
    }
    *ret_key = (struct events_key){(uint8_t)class, key};
    return !reader.failed && class < CLASSES && key.size == 32;
}

static bool take(struct events_message *message, unsigned field, uint64_t number, struct slice block) {
    switch (field) {
    case EVENTS_LANE:
        message->lane = (enum lane)number;
        return number < LANES;
    case EVENTS_BATCH_SEQ:
        message->batch_seq = number;
        return true;
    case EVENTS_FIRST_EVENT_SEQ:
        message->first_event_seq = number;
        return true;
    case EVENTS_COUNT:
        message->count = (uint32_t)number;
        return number <= EVENTS_COUNT_MOST;
    case EVENTS_CLASS_KEYS:
        return message->key_count < CLASS_NUMBERS && get_key(block, &message->keys[message->key_count++]);
    case EVENTS_CODEC:
        message->codec = (enum events_codec)number;
        return number <= EVENTS_ZSTD;
    case EVENTS_TEXT_SIZE:
        message->text_size = (uint32_t)number;
        return number <= EVENT_BLOCK_MOST;
    case EVENTS_DATA:
        message->data = block;
        return true;
    case EVENTS_FIRST_TIME:
        message->first_time_us = number;
        return true;
    case EVENTS_LAST_TIME:
        message->last_time_us = number;
        return true;
    default:
        return true;
    }
}

bool events_read(struct slice bytes, struct events_message *ret_message, struct fault *fault) {
    struct events_message message = {0};
    struct bytes_reader reader = bytes_read(bytes);
    while (reader.rest.size && !reader.failed) {
        uint64_t number;
        struct slice block;
        unsigned field = get_field(&reader, &number, &block);
        if (!reader.failed && !take(&message, field, number, block))
            return fault_set(fault, FAULT_LIMIT, "an EVENTS message with field %u out of its bounds", field);
    }
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "an EVENTS message is malformed %zu bytes before its end",
                         reader.rest.size);
    if (message.count == 0)
        return fault_set(fault, FAULT_FORMAT, "an EVENTS message without events");
    if (message.first_event_seq > UINT64_MAX - message.count)
        return fault_set(fault, FAULT_LIMIT, "an EVENTS message whose event numbers overflow");
    if (message.codec == EVENTS_PLAIN && message.data.size != message.text_size)
        return fault_set(fault, FAULT_FORMAT, "an EVENTS message announces %u bytes of text and has %zu",
                         message.text_size, message.data.size);
    *ret_message = message;
    return true;
}

struct events_opener {
    ZSTD_DCtx *context;
    uint8_t *text;
    size_t capacity;
};

struct events_opener *events_opener_create(void) { return memory_new(sizeof(struct events_opener)); }

struct events_opener *events_opener_destroy(struct events_opener *opener) {
    if (opener) {
        ZSTD_freeDCtx(opener->context);
        free(opener->text);
        free(opener);
    }
    return NULL;
}

bool events_open(struct events_opener *opener, const struct events_message *message, struct slice *ret_text,
                 struct fault *fault) {
    if (message->codec == EVENTS_PLAIN) {
        *ret_text = message->data;
        return true;
    }
    if (!opener->context)
        opener->context = ZSTD_createDCtx();
    if (opener->capacity < message->text_size) {
        opener->text = memory_resize(opener->text, message->text_size, 1);
        opener->capacity = message->text_size;
    }
    size_t size = ZSTD_decompressDCtx(opener->context, opener->text, message->text_size, message->data.data,
                                      message->data.size);
    if (ZSTD_isError(size))
        return fault_set(fault, FAULT_FORMAT, "events that do not decompress to the %u bytes announced: %s",
                         message->text_size, ZSTD_getErrorName(size));
    if (size != message->text_size)
        return fault_set(fault, FAULT_FORMAT, "events that announce %u bytes of text and have %zu",
                         message->text_size, size);
    *ret_text = slice_make(opener->text, size);
    return true;
}
