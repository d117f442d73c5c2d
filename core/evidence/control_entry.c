#include "control_entry.h"

#include "bytes.h"

static const uint8_t label[16] = "tocsin/ctrl/v1";

bool control_entry_write(struct buffer *to, const struct control_entry *entry) {
    size_t before = to->size;
    buffer_append(to, label, sizeof label);
    bytes_write_u64(to, entry->ctl_seq);
    bytes_write_u64(to, entry->time_us);
    buffer_append_slice(to, hash_slice(&entry->prev));
    return signed_statement_write(to, &entry->statement) && to->size - before <= CONTROL_ENTRY_MOST;
}

bool control_entry_read(struct slice bytes, struct control_entry *ret_entry, struct fault *fault) {
    static const struct hash no_prev;
    struct bytes_reader reader = bytes_read(bytes);
    struct control_entry entry;
    if (bytes.size > CONTROL_ENTRY_MOST)
        return fault_set(fault, FAULT_LIMIT, "a control entry of %zu bytes; %u is the most", bytes.size,
                         CONTROL_ENTRY_MOST);
    if (!slice_equal(bytes_read_raw(&reader, sizeof label), slice_make(label, sizeof label)))
        return fault_set(fault, FAULT_FORMAT, "this is no control entry of version 1");
    entry.ctl_seq = bytes_read_u64(&reader);
    entry.time_us = bytes_read_u64(&reader);
    bytes_read_into(&reader, entry.prev.bytes, HASH_SIZE);
    if (reader.failed)
        return fault_set(fault, FAULT_FORMAT, "the control entry is cut short");
    if ((entry.ctl_seq == 0) != hash_equal(&entry.prev, &no_prev))
        return fault_set(fault, FAULT_FORMAT, "the first control entry alone has no predecessor");
    if (!signed_statement_read(reader.rest, &entry.statement, fault))
        return false;
    *ret_entry = entry;
    return true;
}
