#include "part.h"

#include "batch_entry.h"
#include "bytes.h"

static const uint8_t label[16] = "tocsin/part/v1";

void part_sign(const struct part *part, const struct signing_key *key, uint8_t ret_bytes[PART_SIZE]) {
    uint8_t *b = ret_bytes;
    memcpy(b, label, 16);
    memcpy(b + 16, part->stream_id.bytes, 32);
    bytes_put_u32(b + 48, part->epoch);
    bytes_put_u32(b + 52, part->number);
    bytes_put_u64(b + 56, part->batch_seq);
    bytes_put_u64(b + 64, part->first_event_seq);
    bytes_put_u32(b + 72, part->event_count);
    bytes_put_u32(b + 76, 0);
    bytes_put_u64(b + 80, part->open_us);
    bytes_put_u64(b + 88, part->time_us);
    memcpy(b + 96, part->event_root.bytes, 32);
    memcpy(b + 128, part->prev.bytes, 32);
    signing_key_sign(key, slice_make(b, PART_SIGNED), b + PART_SIGNED);
}

static const char *part_flaw(const struct part *part, uint32_t reserved) {
    static const struct hash no_prev;
    if (reserved != 0)
        return "the part's reserved bytes are not zero";
    if (part->time_us < part->open_us)
        return "the part is older than its batch";
    if (part->event_count > BATCH_EVENTS_MOST || part->first_event_seq > UINT64_MAX - BATCH_EVENTS_MOST)
        return "the part has more events than a batch holds";
    if ((part->batch_seq == 0) != hash_equal(&part->prev, &no_prev))
        return "the first batch alone has no predecessor";
    return NULL;
}

bool part_read(struct slice bytes, struct part *ret_part, struct fault *fault) {
    if (bytes.size != PART_SIZE)
        return fault_set(fault, FAULT_FORMAT, "a part has %u bytes, this has %zu", PART_SIZE, bytes.size);
    if (memcmp(bytes.data, label, sizeof label) != 0)
        return fault_set(fault, FAULT_FORMAT, "this is no part of version 1");
    const uint8_t *b = bytes.data;
    struct part part = {
        .stream_id = hash_from(b + 16),
        .epoch = bytes_get_u32(b + 48),
        .number = bytes_get_u32(b + 52),
        .batch_seq = bytes_get_u64(b + 56),
        .first_event_seq = bytes_get_u64(b + 64),
        .event_count = bytes_get_u32(b + 72),
        .open_us = bytes_get_u64(b + 80),
        .time_us = bytes_get_u64(b + 88),
        .event_root = hash_from(b + 96),
        .prev = hash_from(b + 128),
    };
    const char *flaw = part_flaw(&part, bytes_get_u32(b + 76));
    if (flaw)
        return fault_set(fault, FAULT_FORMAT, "%s (batch %llu)", flaw, (unsigned long long)part.batch_seq);
    *ret_part = part;
    return true;
}

bool part_signed_by(struct slice bytes, const struct verify_key *key) {
    return ed25519_verify(key, slice_head(bytes, PART_SIGNED), bytes.data + PART_SIGNED);
}
