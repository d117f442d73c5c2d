#include "agent_record.h"

#include <stdio.h>

#include "bytes.h"

#define VERSION 3u

bool agent_record_write(struct buffer *to, const struct agent_record *record) {
    bytes_write_u8(to, VERSION);
    bytes_write_block(to, slice_string(record->name));
    buffer_append(to, record->public_key, 32);
    buffer_append(to, record->first_key, 32);
    buffer_append(to, record->tls_key, 32);
    buffer_append(to, record->next_tls_key, 32);
    buffer_append(to, record->next_public_key, 32);
    bytes_write_u32(to, record->epoch);
    bytes_write_u32(to, record->heartbeat_s);
    bytes_write_u64(to, record->enrolled_us);
    bytes_write_u64(to, record->heard_us);
    return bytes_write_u8(to, record->forked);
}

bool agent_record_read(struct slice value, struct agent_record *ret_record, struct fault *fault) {
    struct bytes_reader reader = bytes_read(value);
    struct agent_record record = {0};
    uint8_t version = bytes_read_u8(&reader);
    struct slice name = bytes_read_block(&reader);
    snprintf(record.name, sizeof record.name, "%.*s", SLICE_ARG(name));
    bytes_read_into(&reader, record.public_key, 32);
    bytes_read_into(&reader, record.first_key, 32);
    bytes_read_into(&reader, record.tls_key, 32);
    bytes_read_into(&reader, record.next_tls_key, 32);
    bytes_read_into(&reader, record.next_public_key, 32);
    record.epoch = bytes_read_u32(&reader);
    record.heartbeat_s = bytes_read_u32(&reader);
    record.enrolled_us = bytes_read_u64(&reader);
    record.heard_us = bytes_read_u64(&reader);
    record.forked = bytes_read_u8(&reader) != 0;
    if (!bytes_read_done(&reader) || version != VERSION)
        return fault_set(fault, FAULT_FORMAT, "an agent's record of %zu bytes that cannot be read", value.size);
    *ret_record = record;
    return true;
}
