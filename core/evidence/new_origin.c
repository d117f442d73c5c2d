#include "new_origin.h"

#include "checkpoint.h"
#include "payload.h"

bool new_origin_write(struct buffer *to, const struct new_origin *origin) {
    if (!note_name_good(origin->before) || origin->note.size > NEW_ORIGIN_NOTE_MOST ||
        origin->single_count > NEW_ORIGIN_SINGLES_MOST)
        return false;
    bytes_write_u8(to, (uint8_t)origin->before.size);
    buffer_append_slice(to, origin->before);
    buffer_append(to, origin->before_key.bytes, sizeof origin->before_key.bytes);
    bytes_write_u64(to, origin->control_count);
    buffer_append_slice(to, hash_slice(&origin->control_head));
    bytes_write_u64(to, origin->size);
    buffer_append_slice(to, hash_slice(&origin->root));
    bytes_write_u16(to, (uint16_t)origin->note.size);
    buffer_append_slice(to, origin->note);
    buffer_append_slice(to, hash_slice(&origin->lost));
    bytes_write_u8(to, origin->single_count);
    for (size_t i = 0; i < origin->single_count; i++)
        buffer_append_slice(to, hash_slice(&origin->singles[i]));
    return genesis_write(to, &origin->genesis);
}

/* ---- reading */

static bool note_good(struct new_origin *origin, struct fault *fault) {
    struct note_key key;
    struct signed_checkpoint checkpoint;
    if (origin->note.size == 0)
        return true;
    if (!note_key_make(NOTE_KEY_LOG, origin->before, &origin->before_key, &key, fault) ||
        !checkpoint_read(origin->note, &key, NULL, &checkpoint, fault))
        return fault_place(fault, "the newest note of the log before");
    origin->known_size = checkpoint.checkpoint.size;
    return true;
}

static bool is_named(const struct genesis *genesis, const struct hash *name) {
    struct signer_key registrar = signer_key_ed25519(&genesis->registrar);
    struct hash hash = signer_key_hash(&registrar);
    bool found = hash_equal(&hash, name);
    for (size_t i = 0; i < genesis->person_count && !found; i++)
        for (size_t key = 0; key < genesis->people[i].key_count && !found; key++) {
            hash = signer_key_hash(&genesis->people[i].keys[key]);
            found = hash_equal(&hash, name);
        }
    return found;
}

static bool singles_good(const struct new_origin *origin, struct fault *fault) {
    for (size_t i = 0; i < origin->single_count; i++) {
        if (i > 0 && memcmp(origin->singles[i - 1].bytes, origin->singles[i].bytes, HASH_SIZE) >= 0)
            return fault_set(fault, FAULT_FORMAT, "the single keys of a new origin do not ascend");
        if (!is_named(&origin->genesis, &origin->singles[i]))
            return fault_set(fault, FAULT_FORMAT, "a single key of a new origin is nobody's");
    }
    return true;
}

bool new_origin_read(struct slice payload, struct new_origin *ret_origin, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    struct new_origin origin = {.known_size = 0};
    origin.before = bytes_read_raw(&reader, bytes_read_u8(&reader));
    bytes_read_into(&reader, origin.before_key.bytes, sizeof origin.before_key.bytes);
    origin.control_count = bytes_read_u64(&reader);
    origin.control_head = payload_hash(&reader);
    origin.size = bytes_read_u64(&reader);
    origin.root = payload_hash(&reader);
    origin.note = bytes_read_raw(&reader, bytes_read_u16(&reader));
    origin.lost = payload_hash(&reader);
    origin.single_count = bytes_read_u8(&reader);
    if (!reader.failed && origin.single_count > NEW_ORIGIN_SINGLES_MOST)
        return fault_set(fault, FAULT_LIMIT, "a new origin with %u single keys; at most %u are taken",
                         origin.single_count, NEW_ORIGIN_SINGLES_MOST);
    for (size_t i = 0; i < origin.single_count && !reader.failed; i++)
        origin.singles[i] = payload_hash(&reader);
    if (reader.failed || origin.note.size > NEW_ORIGIN_NOTE_MOST || origin.control_count == 0 ||
        origin.size < origin.control_count)
        return fault_set(fault, FAULT_FORMAT, "the new origin is cut short, or names no log before it");
    if (!note_name_good(origin.before))
        return fault_set(fault, FAULT_FORMAT, "the new origin names a log before it by no good name");
    if (!verify_key_check(&origin.before_key, fault) || !note_good(&origin, fault) ||
        !genesis_read(reader.rest, &origin.genesis, fault) || !singles_good(&origin, fault))
        return false;
    if (slice_equal(origin.before, origin.genesis.origin))
        return fault_set(fault, FAULT_CONFLICT, "a new origin has another name than the log before it");
    *ret_origin = origin;
    return true;
}
