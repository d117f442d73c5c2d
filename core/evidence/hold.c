#include "hold.h"

#include "payload.h"

bool hold_write(struct buffer *to, const struct hold *hold) {
    if (hold->host.size > UINT8_MAX)
        return false;
    bytes_write_u8(to, (uint8_t)hold->host.size);
    buffer_append_slice(to, hold->host);
    bytes_write_u16(to, hold->classes);
    bytes_write_u64(to, hold->from_us);
    bytes_write_u64(to, hold->until_us);
    buffer_append_slice(to, hash_slice(&hold->query));
    return buffer_append_slice(to, hash_slice(&hold->reason));
}

bool hold_read(struct slice payload, struct hold *ret_hold, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct hold hold = {.host = bytes_read_raw(&reader, bytes_read_u8(&reader))};
    hold.classes = bytes_read_u16(&reader);
    hold.from_us = bytes_read_u64(&reader);
    hold.until_us = bytes_read_u64(&reader);
    hold.query = payload_hash(&reader);
    hold.reason = payload_hash(&reader);
    if (!payload_whole(&reader, "hold", fault))
        return false;
    if (hold.host.size > 0 && !host_name_good(hold.host))
        return fault_set(fault, FAULT_FORMAT, "the hold names no good host");
    if (hold.classes == 0 || hold.classes >> CLASSES != 0)
        return fault_set(fault, FAULT_FORMAT, "the hold names no class, or an unknown one");
    if (hold.from_us > hold.until_us)
        return fault_set(fault, FAULT_FORMAT, "the hold ends before it begins");
    *ret_hold = hold;
    return true;
}

bool hold_matched_write(struct buffer *to, const struct hold_matched *matched) {
    bytes_write_u64(to, matched->hold);
    bytes_write_u8(to, matched->class);
    bytes_write_u64(to, matched->first);
    bytes_write_u64(to, matched->last);
    bytes_write_u64(to, matched->count);
    return buffer_append_slice(to, hash_slice(&matched->root));
}

bool hold_matched_read(struct slice payload, struct hold_matched *ret_matched, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct hold_matched matched = {.hold = bytes_read_u64(&reader)};
    matched.class = bytes_read_u8(&reader);
    matched.first = bytes_read_u64(&reader);
    matched.last = bytes_read_u64(&reader);
    matched.count = bytes_read_u64(&reader);
    matched.root = payload_hash(&reader);
    if (!payload_whole(&reader, "matching of a hold", fault))
        return false;
    if (matched.class >= CLASSES || matched.first > matched.last)
        return fault_set(fault, FAULT_FORMAT,
                         "the matching of a hold names an unknown class or an empty range");
    *ret_matched = matched;
    return true;
}

bool hold_release_write(struct buffer *to, const struct hold_release *release) {
    bytes_write_u64(to, release->hold);
    return buffer_append_slice(to, hash_slice(&release->reason));
}

bool hold_release_read(struct slice payload, struct hold_release *ret_release, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct hold_release release = {.hold = bytes_read_u64(&reader)};
    release.reason = payload_hash(&reader);
    if (!payload_whole(&reader, "release of a hold", fault))
        return false;
    *ret_release = release;
    return true;
}
