#include "excerpt.h"

#include "encoding.h"
#include "log_proof.h"

#define GROUND_MOST (256u * 1024u * 1024u)

/* ---- one event */

struct check {
    const struct proof_ground *ground;
    struct buffer extra;
};

/* An orphan is what the collector states, so it must stand in the chain; and it is the agent's, as far as its part goes. */
static bool signed_by_agent(const struct check *check, const struct event_proof *proof,
                            const struct agent_epoch *epoch) {
    struct orphan orphan;
    if (!proof->orphaned)
        return batch_entry_signed_by(proof->entry_bytes, &epoch->key);
    return log_history_orphan(check->ground->history, &proof->entry.stream_id, proof->entry.batch_seq,
                              &orphan) &&
           slice_equal(orphan.part_bytes, proof->part) && slice_equal(orphan.list_bytes, proof->class_list) &&
           part_signed_by(proof->part, &epoch->key);
}

static bool check_signed(const struct check *check, struct excerpt_event *event, struct fault *fault) {
    const struct batch_entry *entry = &event->proof.entry;
    const struct agent_line *line =
        agent_registry_by_stream(log_history_agents(check->ground->history), &entry->stream_id, &event->lane);
    const struct agent_epoch *epoch = line ? agent_line_epoch(line, entry->epoch) : NULL;
    if (!epoch)
        return fault_set(fault, FAULT_AUTH, "the batch is signed under a key that was never enrolled");
    if (!signed_by_agent(check, &event->proof, epoch))
        return fault_set(fault, FAULT_AUTH, "the batch's signature is not that of its agent, %.*s",
                         SLICE_ARG(line->name));
    if (event->log_index <= epoch->from)
        return fault_set(fault, FAULT_AUTH, "the batch stands before its agent's key was enrolled");
    if (class_lane(event->proof.event.class) != event->lane)
        return fault_set(fault, FAULT_CONFLICT, "the event's class does not belong to its stream's lane");
    event->host = line->name;
    event->orphaned = event->proof.orphaned;
    event->unattested = !agent_epoch_live(epoch, event->log_index);
    event->unconfirmed = !epoch->confirmed;
    event->single_control = epoch->single_control;
    event->unwitnessed = check->ground->unwitnessed;
    return true;
}

static bool check_event(struct check *check, struct slice text, struct excerpt_event *event,
                        struct fault *fault) {
    struct log_proof proof;
    struct merkle_path path;
    if (!log_proof_read(text, &check->extra, &proof, fault))
        return false;
    if (!slice_equal(proof.checkpoint, check->ground->note))
        return fault_set(fault, FAULT_CONFLICT, "the event's checkpoint is not the excerpt's");
    if (!event_proof_read(proof.extra, &event->proof, fault) || !event_proof_check(&event->proof, fault))
        return false;
    path.count = proof.path_count;
    memcpy(path.hashes, proof.path, proof.path_count * sizeof *proof.path);
    event->log_index = proof.index;
    return proof_ground_has(check->ground, event->proof.entry_bytes, proof.index, &path, fault) &&
           check_signed(check, event, fault);
}

/* ---- the file */

static bool number_line(struct slice *rest, struct slice word, uint64_t *ret_number) {
    struct slice line;
    return note_line(rest, &line) && slice_starts(line, word) &&
           note_decimal(slice_from(line, word.size), ret_number);
}

static bool open_ground(struct slice base64, const struct trust *trust, uint64_t now_us, struct buffer *bytes,
                        struct proof_ground *ret_ground, struct fault *fault) {
    if (base64.size / 4 * 3 > GROUND_MOST)
        return fault_set(fault, FAULT_LIMIT, "the excerpt's control chain has over %u bytes", GROUND_MOST);
    if (!encoding_unbase64(bytes, base64))
        return fault_set(fault, FAULT_FORMAT, "the excerpt's second line is no base64");
    struct bytes_reader reader = bytes_read(buffer_slice(bytes));
    if (!proof_ground_open(&reader, trust, now_us, ret_ground, fault))
        return false;
    if (bytes_read_done(&reader))
        return true;
    proof_ground_close(ret_ground);
    return fault_set(fault, FAULT_FORMAT, "something stands behind the excerpt's control chain");
}

static bool check_events(struct check *check, struct slice rest, uint64_t count, excerpt_each *each,
                         void *context, struct excerpt_summary *summary, struct fault *fault) {
    for (uint64_t i = 0; i < count; i++) {
        struct excerpt_event event = {.number = (size_t)i + 1, .of = (size_t)count};
        uint64_t size;
        if (!number_line(&rest, SLICE("proof "), &size) || size > rest.size) {
            fault_set(fault, FAULT_FORMAT, "the excerpt is cut short");
            return fault_place(fault, "event %llu", (unsigned long long)i + 1);
        }
        bool good = check_event(check, slice_head(rest, size), &event, &event.fault);
        event.verdict = good ? VERDICT_OPENED : VERDICT_ALTERED;
        summary->events++;
        summary->altered += !good;
        rest = slice_from(rest, size);
        each(context, &event);
    }
    return rest.size == 0 ||
           fault_set(fault, FAULT_FORMAT, "something stands behind the excerpt's last event");
}

bool excerpt_verify(struct slice file, const struct trust *trust, uint64_t now_us, excerpt_each *each,
                    void *context, struct excerpt_summary *ret_summary, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(GROUND_MOST);
    CLEANUP_PROOF_GROUND struct proof_ground ground = {.trust = NULL};
    struct slice line, word = SLICE("ground ");
    uint64_t count;
    if (!note_line(&file, &line) || !slice_equal(line, SLICE(EXCERPT_HEADER)))
        return fault_set(fault, FAULT_FORMAT, "this is no excerpt: its first line is not " EXCERPT_HEADER);
    if (!note_line(&file, &line) || !slice_starts(line, word))
        return fault_set(fault, FAULT_FORMAT, "the excerpt has no ground where it is due");
    if (!open_ground(slice_from(line, word.size), trust, now_us, &bytes, &ground, fault))
        return false;
    if (!number_line(&file, SLICE("events "), &count) || count > EXCERPT_EVENTS_MOST)
        return fault_set(fault, FAULT_FORMAT, "the excerpt does not say how many events it has");
    struct check check = {.ground = &ground, .extra = BUFFER(LOG_PROOF_EXTRA_MOST)};
    struct excerpt_summary summary = {.size = ground.checkpoint.checkpoint.size,
                                      .latest_us = ground.quorum.latest_us,
                                      .unwitnessed = ground.unwitnessed};
    bool good = check_events(&check, file, count, each, context, &summary, fault);
    buffer_free(&check.extra);
    if (good)
        *ret_summary = summary;
    return good;
}

/* ---- writing */

static bool too_large(const struct buffer *to, struct fault *fault) {
    return !to->overflow || fault_set(fault, FAULT_LIMIT, "the excerpt would have over %zu bytes", to->limit);
}

bool excerpt_begin(const struct proof_source *source, uint64_t behind, struct slice note, uint64_t size,
                   size_t count, struct buffer *to, struct fault *fault) {
    CLEANUP_BUFFER struct buffer ground = BUFFER(GROUND_MOST);
    if (!proof_ground_make(source, behind, note, size, &ground, fault))
        return false;
    buffer_append_string(to, EXCERPT_HEADER "\nground ");
    encoding_base64(to, buffer_slice(&ground));
    buffer_printf(to, "\nevents %zu\n", count);
    return too_large(to, fault);
}

bool excerpt_add(const struct proof_source *source, struct slice note, uint64_t size, uint64_t index,
                 const struct event_proof *event, struct buffer *to, struct fault *fault) {
    CLEANUP_BUFFER struct buffer extra = BUFFER(LOG_PROOF_EXTRA_MOST), text = BUFFER(LOG_PROOF_MOST);
    struct log_proof proof = {.index = index, .checkpoint = note};
    struct merkle_path path;
    if (!source->inclusion(source->context, index, size, &path, fault))
        return false;
    if (path.count > LOG_PROOF_PATH_MOST || !event_proof_write(&extra, event))
        return fault_set(fault, FAULT_LIMIT, "the event is too large for a proof");
    proof.path_count = path.count;
    memcpy(proof.path, path.hashes, path.count * sizeof *path.hashes);
    proof.extra = buffer_slice(&extra);
    if (!log_proof_write(&text, &proof))
        return fault_set(fault, FAULT_LIMIT, "the event is too large for a proof");
    buffer_printf(to, "proof %zu\n", text.size);
    buffer_append_slice(to, buffer_slice(&text));
    return too_large(to, fault);
}
