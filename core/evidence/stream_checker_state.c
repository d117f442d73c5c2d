/* The state on disk: label, stream_id, key, epoch, lane, flags, the last entry, where the stream begins if there is none and
 * it began elsewhere, the newest part, and H of all that. */
#include "bytes.h"
#include "stream_checker_inside.h"

static const uint8_t label[16] = "tocsin/checkr/1";

#define HAS_LAST 1u
#define HAS_PART 2u
#define HAS_BEGIN 4u

bool stream_checker_save(const struct stream_checker *checker, struct buffer *to) {
    size_t start = to->size;
    struct slice part = stream_checker_newest_part(checker);
    buffer_append(to, label, sizeof label);
    buffer_append_slice(to, hash_slice(&checker->stream_id));
    buffer_append(to, checker->key.bytes, sizeof checker->key.bytes);
    bytes_write_u32(to, checker->epoch);
    bytes_write_u8(to, checker->lane);
    bool inside = checker_begins_inside(checker);
    bytes_write_u8(to, (uint8_t)((checker->has_last ? HAS_LAST : 0) | (part.size ? HAS_PART : 0) |
                                 (inside ? HAS_BEGIN : 0)));
    buffer_append_slice(to, stream_checker_last_entry(checker));
    if (inside) {
        bytes_write_u64(to, checker->begin_batch);
        bytes_write_u64(to, checker->begin_event);
    }
    buffer_append_slice(to, part);
    struct hash sum = sha256_of(slice_from(buffer_slice(to), start));
    return buffer_append_slice(to, hash_slice(&sum));
}

static bool load_last(struct stream_checker *checker, struct slice bytes, struct fault *fault) {
    struct batch_entry last;
    if (!batch_entry_read(bytes, &last, fault))
        return false;
    bool before = last.kind == BATCH_ROTATE && last.epoch + 1 == checker->epoch;
    if (!hash_equal(&last.stream_id, &checker->stream_id) || !(last.epoch == checker->epoch || before))
        return fault_set(fault, FAULT_CONFLICT, "the saved last entry is another stream's or epoch's");
    checker->has_last = true;
    memcpy(checker->last, bytes.data, BATCH_ENTRY_SIZE);
    return true;
}

static bool load_part(struct stream_checker *checker, struct slice bytes, struct fault *fault) {
    struct part part;
    if (!part_read(bytes, &part, fault))
        return false;
    if (!hash_equal(&part.stream_id, &checker->stream_id) ||
        part.batch_seq != stream_checker_batch_seq(checker))
        return fault_set(fault, FAULT_CONFLICT, "the saved part is another stream's or batch's");
    struct checker_open *open = checker_open_make(checker);
    open->has_part = true;
    memcpy(open->part, bytes.data, PART_SIZE);
    return true;
}

static bool state_read(struct stream_checker *checker, struct slice state, struct fault *fault) {
    if (state.size < HASH_SIZE)
        return fault_set(fault, FAULT_FORMAT, "the saved state is cut short");
    struct slice covered = slice_head(state, state.size - HASH_SIZE);
    struct hash sum = sha256_of(covered);
    if (!slice_equal(hash_slice(&sum), slice_from(state, covered.size)))
        return fault_set(fault, FAULT_FORMAT, "the saved state is damaged");
    struct bytes_reader reader = bytes_read(covered);
    if (!slice_equal(bytes_read_raw(&reader, sizeof label), slice_make(label, sizeof label)))
        return fault_set(fault, FAULT_FORMAT, "this is no saved state of version 1");
    bytes_read_into(&reader, checker->stream_id.bytes, HASH_SIZE);
    bytes_read_into(&reader, checker->key.bytes, sizeof checker->key.bytes);
    checker->epoch = bytes_read_u32(&reader);
    checker->lane = bytes_read_u8(&reader);
    uint8_t flags = bytes_read_u8(&reader);
    struct slice last = bytes_read_raw(&reader, flags & HAS_LAST ? BATCH_ENTRY_SIZE : 0);
    if (flags & HAS_BEGIN) {
        checker->begin_batch = bytes_read_u64(&reader);
        checker->begin_event = bytes_read_u64(&reader);
    }
    struct slice part = bytes_read_raw(&reader, flags & HAS_PART ? PART_SIZE : 0);
    if (!bytes_read_done(&reader) || flags & ~(HAS_LAST | HAS_PART | HAS_BEGIN) || checker->lane >= LANES ||
        (last.size && flags & HAS_BEGIN))
        return fault_set(fault, FAULT_FORMAT, "the saved state has not its length");
    return (!last.size || load_last(checker, last, fault)) && (!part.size || load_part(checker, part, fault));
}

struct stream_checker *stream_checker_load(struct slice state, struct fault *fault) {
    static const struct hash none;
    static const struct verify_key no_key;
    struct stream_checker *checker = stream_checker_create(LANE_SECURITY, &none, 0, &no_key);
    return state_read(checker, state, fault) ? checker : stream_checker_destroy(checker);
}

struct stream_checker *stream_checker_resume(enum lane lane, const struct verify_key *key, struct slice bytes,
                                             struct fault *fault) {
    struct batch_entry entry;
    if (!batch_entry_read(bytes, &entry, fault))
        return NULL;
    if (!batch_entry_signed_by(bytes, key)) {
        fault_set(fault, FAULT_AUTH, "the entry's signature is not this agent's");
        return NULL;
    }
    struct stream_checker *checker = stream_checker_create(lane, &entry.stream_id, entry.epoch, key);
    return load_last(checker, bytes, fault) ? checker : stream_checker_destroy(checker);
}
