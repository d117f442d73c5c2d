/* The state on disk: label, stream_id, epoch, flags, the last entry, an open break's clock, and H of all that. */
#include "bytes.h"
#include "stream_writer_inside.h"

static const uint8_t label[16] = "tocsin/writer/1";

#define HAS_LAST 1u
#define BREAKING 2u

bool stream_writer_save(const struct stream_writer *writer, struct buffer *to) {
    size_t start = to->size;
    uint8_t flags = (uint8_t)((writer->has_last ? HAS_LAST : 0) | (writer->breaking ? BREAKING : 0));
    buffer_append(to, label, sizeof label);
    buffer_append_slice(to, hash_slice(&writer->settings.stream_id));
    bytes_write_u32(to, writer->settings.epoch);
    bytes_write_u8(to, flags);
    if (writer->has_last)
        buffer_append(to, writer->last_bytes, BATCH_ENTRY_SIZE);
    if (writer->breaking) {
        bytes_write_u64(to, writer->base.now_us);
        bytes_write_u64(to, writer->base.boottime_us);
        buffer_append(to, writer->base.boot_id, BOOT_ID_SIZE);
    }
    struct hash sum = sha256_of(slice_from(buffer_slice(to), start));
    return buffer_append_slice(to, hash_slice(&sum));
}

/* Without its sum; false where it has none or begins otherwise. */
static bool state_covered(struct slice state, struct slice *ret_covered, struct fault *fault) {
    if (state.size < HASH_SIZE)
        return fault_set(fault, FAULT_FORMAT, "the saved state is cut short");
    struct slice covered = slice_head(state, state.size - HASH_SIZE);
    struct hash sum = sha256_of(covered);
    if (!slice_equal(hash_slice(&sum), slice_from(state, covered.size)))
        return fault_set(fault, FAULT_FORMAT, "the saved state is damaged");
    if (!slice_starts(covered, slice_make(label, sizeof label)))
        return fault_set(fault, FAULT_FORMAT, "this is no saved state of version 1");
    *ret_covered = slice_from(covered, sizeof label);
    return true;
}

bool stream_writer_saved_epoch(struct slice state, uint32_t *ret_epoch) {
    struct slice covered = {NULL, 0};
    if (!state_covered(state, &covered, NULL))
        return false;
    struct bytes_reader reader = bytes_read(slice_from(covered, HASH_SIZE));
    uint32_t epoch = bytes_read_u32(&reader);
    if (!reader.failed)
        *ret_epoch = epoch;
    return !reader.failed;
}

/* Whether an entry is one that this writer can have signed last. */
static bool entry_ours(const struct stream_writer_settings *settings, struct slice bytes,
                       struct batch_entry *ret_entry, struct fault *fault) {
    if (!batch_entry_read(bytes, ret_entry, fault))
        return false;
    bool same = ret_entry->epoch == settings->epoch;
    bool before = ret_entry->kind == BATCH_ROTATE && ret_entry->epoch + 1 == settings->epoch;
    if (!hash_equal(&ret_entry->stream_id, &settings->stream_id) || !(same || before))
        return fault_set(fault, FAULT_CONFLICT, "the saved last entry is another stream's or epoch's");
    if (same && !batch_entry_signed_by(bytes, signing_key_public(settings->key)))
        return fault_set(fault, FAULT_AUTH, "the saved last entry was not signed with this agent's key");
    return true;
}

static bool state_read(struct stream_writer *writer, struct slice state, struct fault *fault) {
    struct hash id;
    struct slice covered;
    if (!state_covered(state, &covered, fault))
        return false;
    struct bytes_reader reader = bytes_read(covered);
    bytes_read_into(&reader, id.bytes, HASH_SIZE);
    uint32_t epoch = bytes_read_u32(&reader);
    uint8_t flags = bytes_read_u8(&reader);
    if (!hash_equal(&id, &writer->settings.stream_id) || epoch != writer->settings.epoch)
        return fault_set(fault, FAULT_CONFLICT, "the saved state is another stream's or epoch's");
    struct slice last = bytes_read_raw(&reader, flags & HAS_LAST ? BATCH_ENTRY_SIZE : 0);
    struct stream_clock at_break = {0};
    if (flags & BREAKING) {
        at_break.now_us = bytes_read_u64(&reader);
        at_break.boottime_us = bytes_read_u64(&reader);
        bytes_read_into(&reader, at_break.boot_id, BOOT_ID_SIZE);
    }
    if (!bytes_read_done(&reader) || flags & ~(HAS_LAST | BREAKING))
        return fault_set(fault, FAULT_FORMAT, "the saved state has not its length");
    struct batch_entry entry;
    if (flags & HAS_LAST) {
        if (!entry_ours(&writer->settings, last, &entry, fault))
            return false;
        stream_writer_follow(writer, last.data, &entry);
    }
    if (flags & BREAKING) {
        writer->breaking = true;
        writer->base = at_break;
        writer->open_us = writer->last_us = at_break.now_us;
    }
    return true;
}

struct stream_writer *stream_writer_load(const struct stream_writer_settings *settings, struct slice state,
                                         struct fault *fault) {
    struct stream_writer *writer = stream_writer_create(settings);
    return state_read(writer, state, fault) ? writer : stream_writer_destroy(writer);
}

static void note_time(void *context, const struct event *event, const struct hash *leaf) {
    struct stream_writer *writer = context;
    (void)leaf;
    if (open_batch_count(writer->batch) == 1)
        writer->first_us = event->time_us;
    writer->last_us = event->time_us;
}

static bool restoring(const struct stream_writer *writer, uint64_t batch_seq, struct fault *fault) {
    if (writer->started)
        return fault_set(fault, FAULT_USAGE, "events are restored before the stream is started");
    if (batch_seq > stream_writer_batch_seq(writer))
        return fault_set(fault, FAULT_CONFLICT,
                         "the spool has events of batch %llu, the state ends before %llu",
                         (unsigned long long)batch_seq, (unsigned long long)stream_writer_batch_seq(writer));
    return true;
}

bool stream_writer_restore_events(struct stream_writer *writer, const struct batch_events *events,
                                  struct fault *fault) {
    if (!restoring(writer, events->batch_seq, fault))
        return false;
    if (events->batch_seq < stream_writer_batch_seq(writer))
        return true;
    if (!writer->has_last && !writer->breaking)
        return fault_set(fault, FAULT_CONFLICT, "the spool has events of a stream that never began");
    if (events->first_event_seq != stream_writer_next_seq(writer))
        return fault_set(fault, FAULT_CONFLICT, "the spool goes on at event %llu, %llu was expected",
                         (unsigned long long)events->first_event_seq,
                         (unsigned long long)stream_writer_next_seq(writer));
    if (!check_good(batch_events_check(events, writer->settings.lane, writer->batch, writer->last_us, fault)))
        return false;
    if (!writer->batch)
        writer->batch = open_batch_create();
    batch_events_add(events, writer->batch, note_time, writer);
    return true;
}

bool stream_writer_restore_part(struct stream_writer *writer, struct slice bytes, struct fault *fault) {
    struct part part;
    if (!part_read(bytes, &part, fault) || !restoring(writer, part.batch_seq, fault))
        return false;
    if (part.batch_seq < stream_writer_batch_seq(writer))
        return true;
    if (!hash_equal(&part.stream_id, &writer->settings.stream_id) || part.epoch != writer->settings.epoch ||
        !part_signed_by(bytes, signing_key_public(writer->settings.key)))
        return fault_set(fault, FAULT_AUTH, "the saved part was not signed with this agent's key");
    struct hash root = open_batch_root(writer->batch);
    bool all = part.event_count == open_batch_count(writer->batch);
    if (part.event_count > open_batch_count(writer->batch) || part.open_us != writer->open_us ||
        (all && !hash_equal(&root, &part.event_root)))
        return fault_set(fault, FAULT_CONFLICT, "the saved part covers events that the spool has lost");
    memcpy(writer->part, bytes.data, PART_SIZE);
    writer->has_part = true;
    writer->part_events = part.event_count;
    if (part.time_us > writer->last_us)
        writer->last_us = part.time_us;
    return true;
}
