/* Saving and loading: u32 magic, u16 version, u32 count; each, oldest first: 32 bytes key, u64 rule, block alert id,
 * u64 count, first, last, notified. */
#include "bytes.h"
#include "dedup_parts.h"

#define STATE_MAGIC 0x54434444u /* "TCDD" */
#define STATE_VERSION 2u

bool dedup_save(const struct dedup *dedup, struct buffer *to) {
    bytes_write_u32(to, STATE_MAGIC);
    bytes_write_u16(to, STATE_VERSION);
    bytes_write_u32(to, dedup->count);
    for (uint32_t at = dedup->oldest; at != DEDUP_NONE; at = dedup->slots[at].newer) {
        const struct dedup_entry *entry = &dedup->slots[at].entry;
        buffer_append(to, dedup->slots[at].key.bytes, HASH_SIZE);
        bytes_write_u64(to, entry->rule);
        bytes_write_block(to, slice_string(entry->alert_id));
        bytes_write_u64(to, entry->count);
        bytes_write_u64(to, entry->first_us);
        bytes_write_u64(to, entry->last_us);
        bytes_write_u64(to, entry->notified_us);
    }
    return !to->overflow;
}

static bool load_entry(struct dedup *dedup, struct bytes_reader *reader) {
    struct hash key;
    struct dedup_entry entry = {0};
    bytes_read_into(reader, key.bytes, HASH_SIZE);
    entry.rule = bytes_read_u64(reader);
    struct slice id = bytes_read_block(reader);
    entry.count = bytes_read_u64(reader);
    entry.first_us = bytes_read_u64(reader);
    entry.last_us = bytes_read_u64(reader);
    entry.notified_us = bytes_read_u64(reader);
    if (reader->failed || id.size != ALERT_ID_SIZE - 1 || dedup_slot_of(dedup, &key))
        return false;
    memcpy(entry.alert_id, id.data, id.size);
    dedup_add(dedup, &key)->entry = entry;
    return true;
}

bool dedup_load(struct dedup *dedup, struct slice from, struct fault *fault) {
    struct bytes_reader reader = bytes_read(from);
    dedup_clear(dedup);
    uint32_t magic = bytes_read_u32(&reader);
    if (magic != STATE_MAGIC || bytes_read_u16(&reader) != STATE_VERSION)
        return fault_set(fault, FAULT_FORMAT, "the saved list of open alerts is of another version");
    uint32_t count = bytes_read_u32(&reader);
    bool good = !reader.failed;
    for (uint32_t i = 0; good && i < count; i++)
        good = load_entry(dedup, &reader);
    if (good && bytes_read_done(&reader))
        return true;
    dedup_clear(dedup);
    return fault_set(fault, FAULT_FORMAT, "the saved list of open alerts is damaged");
}
