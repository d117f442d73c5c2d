#include "batch_entry.h"

#include "bytes.h"
#include "merkle.h"

static const uint8_t label[16] = "tocsin/batch/v1";

struct seen_checkpoint seen_none(void) {
    return (struct seen_checkpoint){.root = merkle_empty()};
}

const char *batch_kind_name(enum batch_kind kind) {
    static const char *const names[BATCH_KINDS] = {"data", "heartbeat", "break", "rotate", "end"};
    return names[kind];
}

void batch_entry_sign(const struct batch_entry *entry, const struct signing_key *key,
                      uint8_t ret_bytes[BATCH_ENTRY_SIZE]) {
    uint8_t *b = ret_bytes;
    memcpy(b, label, 16);
    memcpy(b + 16, entry->stream_id.bytes, 32);
    bytes_put_u32(b + 48, entry->epoch);
    bytes_put_u32(b + 52, entry->kind);
    bytes_put_u64(b + 56, entry->batch_seq);
    bytes_put_u64(b + 64, entry->first_event_seq);
    bytes_put_u32(b + 72, entry->event_count);
    memcpy(b + 76, entry->seen.key_id, 4);
    bytes_put_u64(b + 80, entry->open_us);
    bytes_put_u64(b + 88, entry->close_us);
    bytes_put_u64(b + 96, entry->boottime_us);
    memcpy(b + 104, entry->boot_id, BOOT_ID_SIZE);
    for (size_t class = 0; class < CLASS_NUMBERS; class ++)
        bytes_put_u64(b + 120 + 8 * class, entry->cum[class]);
    memcpy(b + 248, entry->event_root.bytes, 32);
    memcpy(b + 280, entry->prev.bytes, 32);
    bytes_put_u64(b + 312, entry->seen.size);
    memcpy(b + 320, entry->seen.root.bytes, 32);
    signing_key_sign(key, slice_make(b, BATCH_ENTRY_SIGNED), b + BATCH_ENTRY_SIGNED);
}

static struct batch_entry parse(const uint8_t *b, uint32_t *ret_kind) {
    struct batch_entry entry = {
        .stream_id = hash_from(b + 16),
        .epoch = bytes_get_u32(b + 48),
        .batch_seq = bytes_get_u64(b + 56),
        .first_event_seq = bytes_get_u64(b + 64),
        .event_count = bytes_get_u32(b + 72),
        .open_us = bytes_get_u64(b + 80),
        .close_us = bytes_get_u64(b + 88),
        .boottime_us = bytes_get_u64(b + 96),
        .event_root = hash_from(b + 248),
        .prev = hash_from(b + 280),
        .seen = {.size = bytes_get_u64(b + 312), .root = hash_from(b + 320)},
    };
    *ret_kind = bytes_get_u32(b + 52);
    memcpy(entry.seen.key_id, b + 76, 4);
    memcpy(entry.boot_id, b + 104, BOOT_ID_SIZE);
    for (size_t class = 0; class < CLASS_NUMBERS; class ++)
        entry.cum[class] = bytes_get_u64(b + 120 + 8 * class);
    return entry;
}

static bool seen_good(const struct seen_checkpoint *seen) {
    static const uint8_t no_key[4];
    struct hash empty = merkle_empty();
    bool none = memcmp(seen->key_id, no_key, 4) == 0;
    return seen->size == 0 ? hash_equal(&seen->root, &empty) : !none;
}

/* What an entry alone can show of itself, in words; NULL where nothing is wrong. */
static const char *entry_flaw(const struct batch_entry *entry, uint32_t kind) {
    static const struct hash no_prev;
    if (kind >= BATCH_KINDS)
        return "the entry has an unknown kind";
    if (entry->close_us < entry->open_us)
        return "the entry closes before it opens";
    if (entry->event_count > BATCH_EVENTS_MOST || entry->first_event_seq > UINT64_MAX - BATCH_EVENTS_MOST)
        return "the entry has more events than a batch holds";
    if (kind == BATCH_HEARTBEAT && entry->event_count != 0)
        return "a heartbeat has events";
    if (kind == BATCH_DATA && entry->event_count == 0)
        return "a data batch has no events";
    if ((entry->batch_seq == 0) != hash_equal(&entry->prev, &no_prev))
        return "the first batch alone has no predecessor";
    for (size_t class = CLASSES; class < CLASS_NUMBERS; class ++)
        if (entry->cum[class] != 0)
            return "the entry counts events of an unknown class";
    return seen_good(&entry->seen) ? NULL : "the entry has seen a checkpoint of no log";
}

bool batch_entry_read(struct slice bytes, struct batch_entry *ret_entry, struct fault *fault) {
    if (bytes.size != BATCH_ENTRY_SIZE)
        return fault_set(fault, FAULT_FORMAT, "an entry has %u bytes, this has %zu", BATCH_ENTRY_SIZE,
                         bytes.size);
    if (memcmp(bytes.data, label, sizeof label) != 0)
        return fault_set(fault, FAULT_FORMAT, "this is no batch entry of version 1");
    uint32_t kind;
    struct batch_entry entry = parse(bytes.data, &kind);
    const char *flaw = entry_flaw(&entry, kind);
    if (flaw)
        return fault_set(fault, FAULT_FORMAT, "%s (batch %llu)", flaw, (unsigned long long)entry.batch_seq);
    entry.kind = (enum batch_kind)kind;
    *ret_entry = entry;
    return true;
}

bool batch_entry_signed_by(struct slice bytes, const struct verify_key *key) {
    return ed25519_verify(key, slice_head(bytes, BATCH_ENTRY_SIGNED), bytes.data + BATCH_ENTRY_SIGNED);
}
