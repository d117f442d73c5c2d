#include "checkpoint_message.h"

#include "protobuf.h"

/* Field numbers of messages Checkpoint and Inclusion in proto/wire.proto. */
enum { NOTE = 1, FROM_SIZE, PATH, INCLUSIONS };
enum { LANE = 1, BATCH_SEQ, LOG_INDEX, INCLUSION_PATH };

static bool is_path(struct slice hashes) {
    return hashes.size % CHECKPOINT_HASH_SIZE == 0 &&
           hashes.size / CHECKPOINT_HASH_SIZE <= CHECKPOINT_PATH_MOST;
}

static bool read_inclusion(struct slice bytes, struct checkpoint_inclusion *ret_inclusion) {
    struct checkpoint_inclusion inclusion = {0};
    struct bytes_reader reader = bytes_read(bytes);
    struct protobuf_field field;
    while (protobuf_next(&reader, &field)) {
        bool number = field.wire == PROTOBUF_VARINT;
        if (field.number == LANE && number) {
            if (field.value >= LANES)
                return false;
            inclusion.lane = (enum lane)field.value;
        } else if (field.number == BATCH_SEQ && number)
            inclusion.batch_seq = field.value;
        else if (field.number == LOG_INDEX && number)
            inclusion.log_index = field.value;
        else if (field.number == INCLUSION_PATH && field.wire == PROTOBUF_BYTES)
            inclusion.path = field.block;
    }
    if (reader.failed || !is_path(inclusion.path))
        return false;
    *ret_inclusion = inclusion;
    return true;
}

bool checkpoint_message_read(struct slice bytes, struct checkpoint_message *ret_message,
                             struct fault *fault) {
    struct checkpoint_message message = {.inclusions = bytes};
    struct checkpoint_inclusion inclusion;
    struct bytes_reader reader = bytes_read(bytes);
    struct protobuf_field field;
    while (protobuf_next(&reader, &field)) {
        if (field.number == NOTE && field.wire == PROTOBUF_BYTES)
            message.note = field.block;
        else if (field.number == FROM_SIZE && field.wire == PROTOBUF_VARINT)
            message.from_size = field.value;
        else if (field.number == PATH && field.wire == PROTOBUF_BYTES)
            message.path = field.block;
        else if (field.number == INCLUSIONS && field.wire == PROTOBUF_BYTES &&
                 (++message.inclusion_count > CHECKPOINT_INCLUSIONS_MOST ||
                  !read_inclusion(field.block, &inclusion)))
            return fault_set(fault, FAULT_LIMIT,
                             "a CHECKPOINT whose inclusion %zu is malformed, or one too many",
                             message.inclusion_count);
    }
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "a CHECKPOINT is malformed %zu bytes before its end",
                         reader.rest.size);
    if (message.note.size == 0 || message.note.size > CHECKPOINT_NOTE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a CHECKPOINT with a note of %zu bytes", message.note.size);
    if (!is_path(message.path))
        return fault_set(fault, FAULT_LIMIT, "a CHECKPOINT with a path of %zu bytes", message.path.size);
    *ret_message = message;
    return true;
}

bool checkpoint_message_next(struct slice *rest, struct checkpoint_inclusion *ret_inclusion) {
    struct bytes_reader reader = bytes_read(*rest);
    struct protobuf_field field;
    while (protobuf_next(&reader, &field)) {
        bool found = field.number == INCLUSIONS && field.wire == PROTOBUF_BYTES;
        *rest = reader.rest;
        if (found)
            return read_inclusion(field.block, ret_inclusion);
    }
    *rest = (struct slice){NULL, 0};
    return false;
}

bool checkpoint_message_write(struct buffer *to, struct slice note, uint64_t from_size, struct slice path) {
    size_t size =
        protobuf_block_size(note.size) + protobuf_number_size(from_size) + protobuf_block_size(path.size);
    if (note.size == 0 || note.size > CHECKPOINT_NOTE_MOST || !is_path(path) || !buffer_reserve(to, size))
        return false;
    uint8_t *at = to->data + to->size;
    at = protobuf_put_block(at, NOTE, note);
    at = protobuf_put_number(at, FROM_SIZE, from_size);
    if (path.size)
        at = protobuf_put_block(at, PATH, path);
    to->size = (size_t)(at - to->data);
    return true;
}

bool checkpoint_message_add(struct buffer *to, const struct checkpoint_inclusion *inclusion) {
    size_t size = protobuf_number_size(inclusion->lane) + protobuf_number_size(inclusion->batch_seq) +
                  protobuf_number_size(inclusion->log_index) + protobuf_block_size(inclusion->path.size);
    if (!is_path(inclusion->path) || !buffer_reserve(to, protobuf_block_size(size)))
        return false;
    uint8_t *at = to->data + to->size;
    at = protobuf_put_head(at, INCLUSIONS, size);
    at = protobuf_put_number(at, LANE, inclusion->lane);
    at = protobuf_put_number(at, BATCH_SEQ, inclusion->batch_seq);
    at = protobuf_put_number(at, LOG_INDEX, inclusion->log_index);
    at = protobuf_put_block(at, INCLUSION_PATH, inclusion->path);
    to->size = (size_t)(at - to->data);
    return true;
}
