#include "helper_message.h"

#include "bytes.h"

enum shape { SHAPE_NOTHING, SHAPE_BEGIN, SHAPE_NUMBER, SHAPE_BYTES, SHAPE_GROUP };

static const struct row {
    enum helper_message_kind kind;
    const char *name;
    enum helper_side from;
    enum shape shape;
    size_t most; /* of BYTES */
} rows[] = {
    {HELPER_BEGIN, "BEGIN", HELPER_AGENT, SHAPE_BEGIN, 0},
    {HELPER_SETTING, "SETTING", HELPER_AGENT, SHAPE_BYTES, HELPER_MESSAGE_MOST},
    {HELPER_POSITIONS, "POSITIONS", HELPER_AGENT, SHAPE_BYTES, HELPER_MESSAGE_MOST},
    {HELPER_START, "START", HELPER_AGENT, SHAPE_NOTHING, 0},
    {HELPER_PING, "PING", HELPER_AGENT, SHAPE_NUMBER, 0},
    {HELPER_FINISH, "FINISH", HELPER_AGENT, SHAPE_NOTHING, 0},
    {HELPER_GROUP, "GROUP", HELPER_PROGRAM, SHAPE_GROUP, 0},
    {HELPER_PONG, "PONG", HELPER_PROGRAM, SHAPE_NUMBER, 0},
    {HELPER_FINISHED, "FINISHED", HELPER_PROGRAM, SHAPE_NOTHING, 0},
    {HELPER_RESTING, "RESTING", HELPER_PROGRAM, SHAPE_BYTES, HELPER_REASON_MOST},
    {HELPER_REFUSED, "REFUSED", HELPER_PROGRAM, SHAPE_BYTES, HELPER_REASON_MOST},
};

static const struct row *row_of(unsigned kind) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((unsigned)rows[i].kind == kind)
            return &rows[i];
    return NULL;
}

/* ---- messages */

static bool write_content(struct buffer *to, const struct helper_message *message, const struct row *row) {
    switch (row->shape) {
    case SHAPE_NOTHING:
        return true;
    case SHAPE_BEGIN:
        return message->name.size <= HELPER_NAME_MOST && message->user.size <= HELPER_NAME_MOST &&
               bytes_write_u32(to, message->version) && bytes_write_block(to, message->name) &&
               bytes_write_block(to, message->user);
    case SHAPE_NUMBER:
        return bytes_write_u64(to, message->number);
    case SHAPE_GROUP:
        return bytes_write_u8(to, message->last) && buffer_append_slice(to, message->bytes);
    case SHAPE_BYTES:
        return message->bytes.size <= row->most && buffer_append_slice(to, message->bytes);
    }
    return false;
}

bool helper_message_write(struct buffer *to, const struct helper_message *message) {
    const struct row *row = row_of(message->kind);
    size_t start = to->size;
    if (row && bytes_write_u8(to, (uint8_t)message->kind) && write_content(to, message, row) &&
        to->size - start <= HELPER_MESSAGE_MOST)
        return true;
    to->size = start;
    to->overflow = true;
    return false;
}

static void read_content(struct bytes_reader *reader, const struct row *row, struct helper_message *message) {
    uint8_t last;
    switch (row->shape) {
    case SHAPE_NOTHING:
        break;
    case SHAPE_BEGIN:
        message->version = bytes_read_u32(reader);
        message->name = bytes_read_block(reader);
        message->user = bytes_read_block(reader);
        reader->failed |= message->name.size > HELPER_NAME_MOST || message->user.size > HELPER_NAME_MOST;
        break;
    case SHAPE_NUMBER:
        message->number = bytes_read_u64(reader);
        break;
    case SHAPE_GROUP:
        last = bytes_read_u8(reader);
        message->last = last != 0;
        message->bytes = bytes_read_raw(reader, reader->rest.size);
        reader->failed |= last > 1;
        break;
    case SHAPE_BYTES:
        reader->failed |= reader->rest.size > row->most;
        message->bytes = bytes_read_raw(reader, reader->rest.size);
        break;
    }
}

bool helper_message_read(struct slice bytes, enum helper_side from, struct helper_message *ret_message,
                         struct fault *fault) {
    if (bytes.size > HELPER_MESSAGE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a message of %zu bytes; at most %u are allowed", bytes.size,
                         HELPER_MESSAGE_MOST);
    struct bytes_reader reader = bytes_read(bytes);
    unsigned kind = bytes_read_u8(&reader);
    const struct row *row = reader.failed ? NULL : row_of(kind);
    if (!row || row->from != from)
        return fault_set(fault, FAULT_FORMAT,
                         bytes.size ? "a message of kind %u, which is not expected here" : "an empty message",
                         kind);
    struct helper_message message = {.kind = row->kind};
    read_content(&reader, row, &message);
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "a malformed message %s of %zu bytes", row->name, bytes.size);
    *ret_message = message;
    return true;
}

/* ---- items */

size_t helper_item_size(const struct helper_item *item) {
    return item->kind == HELPER_ITEM_EVENT ? 1 + 1 + 4 + item->body.size
                                           : 1 + 4 + item->key.size + 4 + item->value.size;
}

bool helper_item_write(struct buffer *to, const struct helper_item *item) {
    if (!buffer_reserve(to, helper_item_size(item))) {
        to->overflow = true;
        return false;
    }
    bytes_write_u8(to, (uint8_t)item->kind);
    if (item->kind == HELPER_ITEM_EVENT)
        return bytes_write_u8(to, (uint8_t)item->class) && bytes_write_block(to, item->body);
    return bytes_write_block(to, item->key) && bytes_write_block(to, item->value);
}

static bool event_next(struct bytes_reader *reader, struct helper_item *item) {
    unsigned class = bytes_read_u8(reader);
    item->kind = HELPER_ITEM_EVENT;
    item->class = (enum event_class) class;
    item->body = bytes_read_block(reader);
    return class_name(class) && item->body.size <= EVENT_BODY_MOST;
}

static bool position_next(struct bytes_reader *reader, struct helper_item *item) {
    item->kind = HELPER_ITEM_POSITION;
    item->key = bytes_read_block(reader);
    item->value = bytes_read_block(reader);
    return item->key.size > 0 && item->key.size <= HELPER_KEY_MOST && item->value.size <= HELPER_VALUE_MOST;
}

bool helper_item_next(struct slice *items, struct helper_item *ret_item, struct fault *fault) {
    if (items->size == 0)
        return false;
    struct bytes_reader reader = bytes_read(*items);
    struct helper_item item = {0};
    unsigned kind = bytes_read_u8(&reader);
    bool good = kind == HELPER_ITEM_EVENT      ? event_next(&reader, &item)
                : kind == HELPER_ITEM_POSITION ? position_next(&reader, &item)
                                               : false;
    if (!good || reader.failed)
        return fault_set(fault, FAULT_FORMAT, "a malformed item of kind %u", kind);
    *items = reader.rest;
    *ret_item = item;
    return true;
}

/* ---- groups */

/* "probe" and "probe:www" are probe's own, "prober" is not. */
static bool own(struct slice text, struct slice name) {
    return slice_starts(text, name) && (text.size == name.size || text.data[name.size] == ':');
}

static bool check_event(struct slice bytes, struct slice name, struct event_field *fields,
                        struct fault *fault) {
    struct event_body body;
    if (!event_body_read(bytes, fields, &body, fault))
        return false;
    if (!body.exact)
        return fault_set(fault, FAULT_FORMAT, "an event's body that is not written as it must be");
    if (body.kind > EVENT_GAP)
        return fault_set(fault, FAULT_FORMAT, "an event of kind %u, which no source gives",
                         (unsigned)body.kind);
    return own(body.source, name) || fault_set(fault, FAULT_AUTH, "an event in the name of \"%.*s\"",
                                               SLICE_ARG(slice_head(body.source, HELPER_NAME_MOST)));
}

bool helper_group_check(struct slice items, struct slice name, struct event_field *fields,
                        struct helper_group *ret_group, struct fault *fault) {
    struct helper_group group = {0, 0};
    struct helper_item item;
    struct fault inner = {0};
    if (items.size > HELPER_GROUP_MOST)
        return fault_set(fault, FAULT_LIMIT, "a group of more than %u bytes", HELPER_GROUP_MOST);
    while (helper_item_next(&items, &item, &inner)) {
        if (item.kind == HELPER_ITEM_POSITION) {
            if (!own(item.key, name))
                return fault_set(fault, FAULT_AUTH, "a position under the key \"%.*s\"",
                                 SLICE_ARG(slice_head(item.key, HELPER_NAME_MOST)));
            continue;
        }
        group.events++;
        group.text += EVENT_BLOCK_HEAD + item.body.size;
        if (group.events > HELPER_EVENTS_MOST || group.text > HELPER_TEXT_MOST)
            return fault_set(fault, FAULT_LIMIT,
                             "a group of %zu events of %zu bytes; at most %u and %u are allowed",
                             group.events, group.text, HELPER_EVENTS_MOST, HELPER_TEXT_MOST);
        if (!check_event(item.body, name, fields, fault))
            return false;
    }
    if (inner.code != FAULT_NONE)
        return fault_set(fault, inner.code, "%s", inner.text);
    *ret_group = group;
    return true;
}
