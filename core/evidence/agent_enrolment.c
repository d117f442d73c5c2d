#include "agent_enrolment.h"

#include "bytes.h"
#include "stream_id.h"

static bool name_write(struct buffer *to, struct slice name) {
    return host_name_good(name) && bytes_write_u8(to, (uint8_t)name.size) && buffer_append_slice(to, name);
}

bool agent_enrolment_write(struct buffer *to, const struct agent_enrolment *enrolment) {
    if (!name_write(to, enrolment->name))
        return false;
    buffer_append(to, enrolment->key.bytes, sizeof enrolment->key.bytes);
    for (unsigned lane = 0; lane < LANES; lane++)
        buffer_append_slice(to, hash_slice(&enrolment->streams[lane]));
    bytes_write_u32(to, enrolment->epoch);
    for (unsigned lane = 0; lane < LANES; lane++)
        bytes_write_u64(to, enrolment->first_batch_seq[lane]);
    bytes_write_u32(to, enrolment->heartbeat_s);
    buffer_append_slice(to, hash_slice(&enrolment->tls));
    if (enrolment->epoch)
        buffer_append(to, enrolment->first_key.bytes, sizeof enrolment->first_key.bytes);
    return !to->overflow;
}

static bool streams_good(const struct agent_enrolment *enrolment) {
    struct hash streams[LANES];
    return stream_ids_make(enrolment->name, &enrolment->first_key, streams) &&
           memcmp(streams, enrolment->streams, sizeof streams) == 0;
}

bool agent_enrolment_read(struct slice payload, struct agent_enrolment *ret_enrolment, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct agent_enrolment enrolment;
    enrolment.name = bytes_read_raw(&reader, bytes_read_u8(&reader));
    bytes_read_into(&reader, enrolment.key.bytes, sizeof enrolment.key.bytes);
    for (unsigned lane = 0; lane < LANES; lane++)
        bytes_read_into(&reader, enrolment.streams[lane].bytes, HASH_SIZE);
    enrolment.epoch = bytes_read_u32(&reader);
    for (unsigned lane = 0; lane < LANES; lane++)
        enrolment.first_batch_seq[lane] = bytes_read_u64(&reader);
    enrolment.heartbeat_s = bytes_read_u32(&reader);
    bytes_read_into(&reader, enrolment.tls.bytes, HASH_SIZE);
    enrolment.first_key = enrolment.key;
    if (enrolment.epoch)
        bytes_read_into(&reader, enrolment.first_key.bytes, sizeof enrolment.first_key.bytes);
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the agent's enrolment has not its length");
    if (!host_name_good(enrolment.name) || enrolment.heartbeat_s == 0)
        return fault_set(fault, FAULT_FORMAT, "the agent's enrolment has no good host name, or no heartbeat");
    if (!streams_good(&enrolment))
        return fault_set(fault, FAULT_FORMAT,
                         "the agent's enrolment names other streams than its name and key make");
    if (!verify_key_check(&enrolment.key, fault) || !verify_key_check(&enrolment.first_key, fault))
        return false;
    *ret_enrolment = enrolment;
    return true;
}

bool agent_revocation_write(struct buffer *to, const struct agent_revocation *revocation) {
    return name_write(to, revocation->name) && buffer_append_slice(to, hash_slice(&revocation->stream)) &&
           bytes_write_u32(to, revocation->epoch);
}

bool agent_revocation_read(struct slice payload, struct agent_revocation *ret_revocation,
                           struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct agent_revocation revocation;
    revocation.name = bytes_read_raw(&reader, bytes_read_u8(&reader));
    bytes_read_into(&reader, revocation.stream.bytes, HASH_SIZE);
    revocation.epoch = bytes_read_u32(&reader);
    if (!bytes_read_done(&reader) || !host_name_good(revocation.name))
        return fault_set(fault, FAULT_FORMAT, "the agent's revocation cannot be read");
    *ret_revocation = revocation;
    return true;
}
