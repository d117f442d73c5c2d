#include "events.h"

#include <stdlib.h>
#include <zstd.h>

#include "memory.h"
#include "protobuf.h"

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
};
enum { KEY_CLASS = 1, KEY_BYTES = 2 };
#define KEY_SIZE 32u

static size_t key_size(const struct events_key *key) {
    return protobuf_number_size(key->class) + protobuf_block_size(key->key.size);
}

static size_t message_size(const struct events_message *message) {
    size_t size = protobuf_number_size(message->lane) + protobuf_number_size(message->batch_seq) +
                  protobuf_number_size(message->first_event_seq) + protobuf_number_size(message->count) +
                  protobuf_number_size(message->codec) + protobuf_number_size(message->text_size) +
                  protobuf_block_size(message->data.size) + protobuf_number_size(message->first_time_us) +
                  protobuf_number_size(message->last_time_us);
    for (size_t i = 0; i < message->key_count; i++)
        size += protobuf_block_size(key_size(&message->keys[i]));
    return size;
}

bool events_write(struct buffer *to, const struct events_message *message) {
    size_t size = message_size(message);
    if (!buffer_reserve(to, size))
        return false;
    uint8_t *at = to->data + to->size;
    at = protobuf_put_number(at, EVENTS_LANE, message->lane);
    at = protobuf_put_number(at, EVENTS_BATCH_SEQ, message->batch_seq);
    at = protobuf_put_number(at, EVENTS_FIRST_EVENT_SEQ, message->first_event_seq);
    at = protobuf_put_number(at, EVENTS_COUNT, message->count);
    for (size_t i = 0; i < message->key_count; i++) {
        at = protobuf_put_head(at, EVENTS_CLASS_KEYS, key_size(&message->keys[i]));
        at = protobuf_put_number(at, KEY_CLASS, message->keys[i].class);
        at = protobuf_put_block(at, KEY_BYTES, message->keys[i].key);
    }
    at = protobuf_put_number(at, EVENTS_CODEC, message->codec);
    at = protobuf_put_number(at, EVENTS_TEXT_SIZE, message->text_size);
    at = protobuf_put_block(at, EVENTS_DATA, message->data);
    at = protobuf_put_number(at, EVENTS_FIRST_TIME, message->first_time_us);
    protobuf_put_number(at, EVENTS_LAST_TIME, message->last_time_us);
    to->size += size;
    return true;
}

static bool get_key(struct slice bytes, struct events_key *ret_key) {
    struct bytes_reader reader = bytes_read(bytes);
    struct protobuf_field field;
    uint64_t class = 0;
    struct slice key = {NULL, 0};
    while (protobuf_next(&reader, &field)) {
        if (field.number == KEY_CLASS && field.wire == PROTOBUF_VARINT)
            class = field.value;
        else if (field.number == KEY_BYTES && field.wire == PROTOBUF_BYTES)
            key = field.block;
    }
    if (reader.failed || class >= CLASSES || key.size != KEY_SIZE)
        return false;
    *ret_key = (struct events_key){(uint8_t)class, key};
    return true;
}

/* Only the wire type that a field has is taken; with another it is a field that nobody knows. */
static bool take(struct events_message *message, const struct protobuf_field *field) {
    uint64_t number = field->value;
    bool bytes = field->number == EVENTS_CLASS_KEYS || field->number == EVENTS_DATA;
    if (field->wire != (bytes ? PROTOBUF_BYTES : PROTOBUF_VARINT))
        return true;
    switch (field->number) {
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
        return message->key_count < CLASS_NUMBERS && get_key(field->block, &message->keys[message->key_count++]);
    case EVENTS_CODEC:
        message->codec = (enum events_codec)number;
        return number <= EVENTS_ZSTD;
    case EVENTS_TEXT_SIZE:
        message->text_size = (uint32_t)number;
        return number <= EVENT_BLOCK_MOST;
    case EVENTS_DATA:
        message->data = field->block;
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
    struct protobuf_field field;
    while (protobuf_next(&reader, &field))
        if (!take(&message, &field))
            return fault_set(fault, FAULT_LIMIT, "an EVENTS message with field %u out of its bounds",
                             (unsigned)field.number);
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
    bool opened; /* the text is that of the last message */
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
    opener->opened = false;
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
    opener->opened = true;
    return true;
}

uint8_t *events_opener_take(struct events_opener *opener) {
    if (!opener->opened)
        return NULL;
    uint8_t *text = opener->text;
    opener->text = NULL;
    opener->capacity = 0;
    opener->opened = false;
    return text;
}

bool events_check_times(const struct events_message *message, struct slice text, struct fault *fault) {
    struct event event;
    struct fault bad = {0};
    if (!event_block_next(&text, &event, &bad))
        return fault_set(fault, FAULT_FORMAT, "an EVENTS message whose first event cannot be read");
    uint64_t first_us = event.time_us, last_us = first_us;
    while (event_block_next(&text, &event, &bad))
        last_us = event.time_us;
    if (bad.code || message->first_time_us != first_us || message->last_time_us != last_us)
        return fault_set(fault, FAULT_FORMAT, "an EVENTS message whose times are not those of its events");
    return true;
}
