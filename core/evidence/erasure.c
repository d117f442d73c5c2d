#include "erasure.h"

#include "payload.h"

static void range_write(struct buffer *to, const struct erase_range *range) {
    bytes_write_u8(to, range->class);
    bytes_write_u64(to, range->first);
    bytes_write_u64(to, range->last);
    buffer_append_slice(to, hash_slice(&range->key_id));
}

static struct erase_range range_read(struct bytes_reader *from) {
    struct erase_range range = {.class = bytes_read_u8(from)};
    range.first = bytes_read_u64(from);
    range.last = bytes_read_u64(from);
    range.key_id = payload_hash(from);
    return range;
}

static bool range_good(const struct erase_range *range, struct fault *fault) {
    return (range->class < CLASSES && range->first <= range->last) ||
           fault_set(fault, FAULT_FORMAT, "the erasure names an unknown class or an empty range");
}

bool erase_intent_write(struct buffer *to, const struct erase_intent *intent) {
    range_write(to, &intent->range);
    return bytes_write_u64(to, intent->policy);
}

bool erase_intent_read(struct slice payload, struct erase_intent *ret_intent, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct erase_intent intent = {.range = range_read(&reader)};
    intent.policy = bytes_read_u64(&reader);
    if (!payload_whole(&reader, "intent of an erasure", fault) || !range_good(&intent.range, fault))
        return false;
    *ret_intent = intent;
    return true;
}

bool early_erasure_write(struct buffer *to, const struct early_erasure *early) {
    range_write(to, &early->range);
    return buffer_append_slice(to, hash_slice(&early->reason));
}

bool early_erasure_read(struct slice payload, struct early_erasure *ret_early, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct early_erasure early = {.range = range_read(&reader)};
    early.reason = payload_hash(&reader);
    if (!payload_whole(&reader, "early erasure", fault) || !range_good(&early.range, fault))
        return false;
    *ret_early = early;
    return true;
}

bool erase_begun_write(struct buffer *to, const struct erase_begun *begun) {
    range_write(to, &begun->range);
    return bytes_write_u64(to, begun->grounds);
}

bool erase_begun_read(struct slice payload, struct erase_begun *ret_begun, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct erase_begun begun = {.range = range_read(&reader)};
    begun.grounds = bytes_read_u64(&reader);
    if (!payload_whole(&reader, "beginning of an erasure", fault) || !range_good(&begun.range, fault))
        return false;
    *ret_begun = begun;
    return true;
}

bool erase_reference_write(struct buffer *to, uint64_t ctl_seq) {
    return bytes_write_u64(to, ctl_seq);
}

bool erase_reference_read(struct slice payload, uint64_t *ret_ctl_seq, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    uint64_t ctl_seq = bytes_read_u64(&reader);
    if (!payload_whole(&reader, "veto or end of an erasure", fault))
        return false;
    *ret_ctl_seq = ctl_seq;
    return true;
}

bool decommission_write(struct buffer *to, const struct decommission *decommission) {
    if (!host_name_good(decommission->host))
        return false;
    bytes_write_u8(to, (uint8_t)decommission->host.size);
    buffer_append_slice(to, decommission->host);
    return buffer_append_slice(to, hash_slice(&decommission->reason));
}

bool decommission_read(struct slice payload, struct decommission *ret_decommission, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct decommission decommission = {.host = bytes_read_raw(&reader, bytes_read_u8(&reader))};
    decommission.reason = payload_hash(&reader);
    if (!payload_whole(&reader, "decommissioning", fault))
        return false;
    if (!host_name_good(decommission.host))
        return fault_set(fault, FAULT_FORMAT, "the decommissioning names no good host");
    *ret_decommission = decommission;
    return true;
}
