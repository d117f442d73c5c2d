#include "frame.h"

#include "bytes.h"

static const struct {
    const char *name;
    size_t limit;
} types[] = {
    [FRAME_HELLO] = {"HELLO", FRAME_CONTROL_MOST},
    [FRAME_WELCOME] = {"WELCOME", FRAME_CONTROL_MOST},
    [FRAME_EVENTS] = {"EVENTS", FRAME_EVENTS_MOST},
    [FRAME_PART] = {"PART", FRAME_CONTROL_MOST},
    [FRAME_CLOSE] = {"CLOSE", FRAME_CONTROL_MOST},
    [FRAME_ACK] = {"ACK", FRAME_CONTROL_MOST},
    [FRAME_NACK] = {"NACK", FRAME_CONTROL_MOST},
    [FRAME_CREDIT] = {"CREDIT", FRAME_CONTROL_MOST},
    [FRAME_CHECKPOINT] = {"CHECKPOINT", FRAME_CHECKPOINT_MOST},
    [FRAME_PING] = {"PING", FRAME_CONTROL_MOST},
    [FRAME_CLOSE_NOW] = {"CLOSE_NOW", FRAME_CONTROL_MOST},
    [FRAME_JOIN] = {"JOIN", FRAME_CONTROL_MOST},
    [FRAME_JOINED] = {"JOINED", FRAME_CONTROL_MOST},
    [FRAME_RENEW] = {"RENEW", FRAME_CONTROL_MOST},
    [FRAME_RENEWED] = {"RENEWED", FRAME_CONTROL_MOST},
    [FRAME_ROTATE] = {"ROTATE", FRAME_CONTROL_MOST},
    [FRAME_ROTATED] = {"ROTATED", FRAME_CONTROL_MOST},
    [FRAME_REQUEST] = {"REQUEST", FRAME_CONTROL_MOST},
    [FRAME_EVENT_ROW] = {"EVENT_ROW", FRAME_ROW_MOST},
    [FRAME_STORE_ROW] = {"STORE_ROW", FRAME_ROW_MOST},
    [FRAME_TEXT] = {"TEXT", FRAME_ROW_MOST},
    [FRAME_END] = {"END", FRAME_CONTROL_MOST},
    [FRAME_REFUSED] = {"REFUSED", FRAME_CONTROL_MOST},
};
#define TYPES (sizeof types / sizeof *types)

size_t frame_limit(unsigned type) { return type < TYPES ? types[type].limit : 0; }

const char *frame_name(unsigned type) { return type < TYPES && types[type].name ? types[type].name : "?"; }

void frame_head(uint8_t to[FRAME_HEAD], enum frame_type type, size_t message_size) {
    bytes_put_u32(to, (uint32_t)(message_size + 1));
    to[4] = (uint8_t)type;
}

bool frame_write(struct buffer *to, enum frame_type type, struct slice message) {
    if (message.size > frame_limit(type) || !buffer_reserve(to, FRAME_HEAD + message.size)) {
        to->overflow = true;
        return false;
    }
    uint8_t head[FRAME_HEAD];
    frame_head(head, type, message.size);
    return buffer_append(to, head, sizeof head) && buffer_append_slice(to, message);
}

void frame_reader_open(struct frame_reader *reader, enum frame_type from, enum frame_type to) {
    *reader = (struct frame_reader){.kept = BUFFER(FRAME_HEAD + FRAME_ROW_MOST),
                                    .allowed_from = (uint32_t)from,
                                    .allowed_to = (uint32_t)to};
}

void frame_reader_close(struct frame_reader *reader) { buffer_free(&reader->kept); }

void frame_reader_feed(struct frame_reader *reader, struct slice bytes) { reader->given = bytes; }

/* The size of a whole frame whose head is at `head`, or 0 where the head is bad. */
static size_t frame_size(struct frame_reader *reader, const uint8_t head[FRAME_HEAD], struct fault *fault) {
    uint32_t length = bytes_get_u32(head);
    unsigned type = head[4];
    size_t limit = type >= reader->allowed_from && type <= reader->allowed_to ? frame_limit(type) : 0;
    if (limit && length >= 1 && length - 1 <= limit)
        return FRAME_HEAD + (size_t)length - 1;
    reader->failed = true;
    if (!limit)
        fault_set(fault, FAULT_FORMAT, "a frame of type %u, which is not expected here", type);
    else
        fault_set(fault, FAULT_LIMIT, "a frame of type %s that says it has %u bytes; at most %zu are allowed",
                  frame_name(type), length, limit + 1);
    return 0;
}

static void keep(struct frame_reader *reader, size_t size) {
    if (size > reader->given.size)
        size = reader->given.size;
    buffer_append(&reader->kept, reader->given.data, size);
    reader->given = slice_from(reader->given, size);
}

/* A frame that spans what was fed at different times is put together in `kept`. */
static bool next_kept(struct frame_reader *reader, struct frame *ret_frame, struct fault *fault) {
    if (reader->kept.size < FRAME_HEAD)
        keep(reader, FRAME_HEAD - reader->kept.size);
    if (reader->kept.size < FRAME_HEAD)
        return false;
    size_t size = frame_size(reader, reader->kept.data, fault);
    if (size == 0)
        return false;
    keep(reader, size - reader->kept.size);
    if (reader->kept.size < size)
        return false;
    reader->used = size;
    *ret_frame = (struct frame){(enum frame_type)reader->kept.data[4],
                                slice_make(reader->kept.data + FRAME_HEAD, size - FRAME_HEAD)};
    return true;
}

bool frame_reader_next(struct frame_reader *reader, struct frame *ret_frame, struct fault *fault) {
    if (reader->failed)
        return fault_set(fault, FAULT_FORMAT, "the connection has failed already");
    if (reader->used) {
        /* A large frame's memory is given back: thousands of idle connections keep nothing. */
        if (reader->kept.capacity > 4096)
            buffer_free(&reader->kept);
        else
            buffer_clear(&reader->kept);
        reader->used = 0;
    }
    if (reader->kept.size || reader->given.size < FRAME_HEAD)
        return next_kept(reader, ret_frame, fault);
    size_t size = frame_size(reader, reader->given.data, fault);
    if (size == 0)
        return false;
    if (reader->given.size < size)
        return next_kept(reader, ret_frame, fault);
    *ret_frame = (struct frame){(enum frame_type)reader->given.data[4],
                                slice_make(reader->given.data + FRAME_HEAD, size - FRAME_HEAD)};
    reader->given = slice_from(reader->given, size);
    return true;
}
