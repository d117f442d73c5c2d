#include "signed_conflict.h"

#include "bytes.h"

bool orphan_write(struct buffer *to, struct slice part, struct slice class_list) {
    return part.size == PART_SIZE && buffer_append_slice(to, part) && buffer_append_slice(to, class_list);
}

bool orphan_read(struct slice payload, struct orphan *ret_orphan, struct fault *fault) {
    struct orphan orphan = {.part_bytes = slice_head(payload, PART_SIZE),
                            .list_bytes = slice_from(payload, PART_SIZE)};
    if (!part_read(orphan.part_bytes, &orphan.part, fault) ||
        !class_list_read(orphan.list_bytes, &orphan.list, fault))
        return false;
    struct hash root = class_list_event_root(orphan.list_bytes);
    if (!hash_equal(&root, &orphan.part.event_root) ||
        class_list_events(&orphan.list) != orphan.part.event_count)
        return fault_set(fault, FAULT_FORMAT,
                         "the orphan's class list is not the one that its part was signed over");
    *ret_orphan = orphan;
    return true;
}

bool fork_statement_write(struct buffer *to, struct slice first, struct slice second) {
    if (first.size > BATCH_ENTRY_SIZE || second.size > BATCH_ENTRY_SIZE)
        return false;
    bytes_write_u16(to, (uint16_t)first.size);
    buffer_append_slice(to, first);
    bytes_write_u16(to, (uint16_t)second.size);
    return buffer_append_slice(to, second);
}

static bool stream_of(struct slice message, struct hash *ret_stream, struct fault *fault) {
    struct batch_entry entry;
    struct part part;
    if (message.size == PART_SIZE) {
        if (!part_read(message, &part, fault))
            return false;
        *ret_stream = part.stream_id;
        return true;
    }
    if (!batch_entry_read(message, &entry, fault))
        return false;
    *ret_stream = entry.stream_id;
    return true;
}

bool fork_statement_read(struct slice payload, struct fork_statement *ret_fork, struct fault *fault) {
    struct fork_statement fork;
    struct bytes_reader reader = bytes_read(payload);
    struct hash streams[2];
    for (unsigned i = 0; i < 2; i++)
        fork.messages[i] = bytes_read_raw(&reader, bytes_read_u16(&reader));
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the payload of a fork has not its length");
    for (unsigned i = 0; i < 2; i++)
        if (!stream_of(fork.messages[i], &streams[i], fault))
            return false;
    if (!hash_equal(&streams[0], &streams[1]) || slice_equal(fork.messages[0], fork.messages[1]))
        return fault_set(fault, FAULT_FORMAT, "a fork is two different messages of one stream");
    fork.stream_id = streams[0];
    *ret_fork = fork;
    return true;
}
