#include "proof_ground.h"

#include "statement_type.h"

static const uint8_t label[16] = "tocsin/ground/1";

/* ---- paths */

void proof_path_write(struct buffer *to, const struct merkle_path *path) {
    bytes_write_u8(to, (uint8_t)path->count);
    buffer_append(to, path->hashes, path->count * sizeof *path->hashes);
}

bool proof_path_read(struct bytes_reader *from, struct merkle_path *ret_path) {
    ret_path->count = bytes_read_u8(from);
    if (ret_path->count > PROOF_PATH_MOST)
        from->failed = true;
    else
        bytes_read_into(from, ret_path->hashes, ret_path->count * sizeof *ret_path->hashes);
    return !from->failed;
}

/* ---- opening */

static bool cut_short(struct fault *fault) {
    return fault_set(fault, FAULT_FORMAT, "the proof is cut short, or longer than it says");
}

static bool in_tree(const struct proof_ground *ground, struct slice entry, uint64_t index,
                    const struct merkle_path *path, struct fault *fault) {
    struct hash leaf = merkle_leaf(entry);
    const struct checkpoint *checkpoint = &ground->checkpoint.checkpoint;
    return merkle_proof_included(&leaf, index, checkpoint->size, path->hashes, path->count,
                                 &checkpoint->root) ||
           fault_set(fault, FAULT_AUTH, "what should stand at index %llu of the log does not",
                     (unsigned long long)index);
}

bool proof_ground_has(const struct proof_ground *ground, struct slice entry, uint64_t index,
                      const struct merkle_path *path, struct fault *fault) {
    if (index >= ground->whole_to)
        return fault_set(fault, FAULT_CONFLICT, "index %llu lies behind the last mark of the control chain",
                         (unsigned long long)index);
    return in_tree(ground, entry, index, path, fault);
}

static bool open_checkpoint(struct proof_ground *ground, uint64_t now_us, struct fault *fault) {
    const struct trust *trust = ground->trust;
    if (!checkpoint_read(ground->note, &trust->log, &trust->witnesses, &ground->checkpoint, fault))
        return fault_place(fault, "checkpoint");
    ground->quorum = checkpoint_quorum(&ground->checkpoint, &trust->witnesses, now_us);
    ground->unwitnessed = trust->witnesses.needed == 0;
    if (ground->quorum.met)
        return true;
    fault_set(fault, FAULT_AUTH, "%u of the trusted witnesses have cosigned the checkpoint%s, and %u must",
              ground->quorum.counted, ground->quorum.ahead ? " (others are dated in the future)" : "",
              trust->witnesses.needed);
    return fault_place(fault, "checkpoint");
}

static bool open_control(struct bytes_reader *from, const struct proof_ground *ground, struct fault *fault) {
    struct slice entry = bytes_read_block(from);
    uint8_t placed = bytes_read_u8(from);
    uint64_t index = LOG_HISTORY_NO_PLACE;
    if (placed > 1)
        from->failed = true;
    if (placed) {
        struct merkle_path path;
        index = bytes_read_u64(from);
        if (proof_path_read(from, &path) && !in_tree(ground, entry, index, &path, fault))
            return false;
    }
    if (from->failed)
        return cut_short(fault);
    return log_history_add(ground->history, entry, index, NULL, fault);
}

static bool open_chain(struct bytes_reader *from, struct proof_ground *ground, struct fault *fault) {
    uint32_t count = bytes_read_u32(from);
    struct control_trust trust = trust_control(ground->trust);
    ground->history = log_history_create(&trust);
    for (uint32_t i = 0; i < count && !from->failed; i++)
        if (!open_control(from, ground, fault))
            return fault_place(fault, "control entry %u", i);
    if (from->failed)
        return cut_short(fault);
    if (!log_history_whole_to(ground->history, &ground->whole_to)) {
        fault_set(fault, FAULT_MISSING,
                  "the control chain does not end with a mark, so entries may have been left out");
        return fault_place(fault, "control chain");
    }
    const struct genesis *genesis = control_chain_genesis(log_history_chain(ground->history));
    if (!slice_equal(genesis->origin, note_key_name(&ground->trust->log)) ||
        memcmp(genesis->log_key.bytes, ground->trust->log.key.bytes, sizeof genesis->log_key.bytes) != 0)
        return fault_set(fault, FAULT_AUTH, "the genesis is another log's than the one that is trusted");
    return true;
}

bool proof_ground_open(struct bytes_reader *from, const struct trust *trust, uint64_t now_us,
                       struct proof_ground *ret_ground, struct fault *fault) {
    struct proof_ground ground = {.trust = trust};
    bool labelled = slice_equal(bytes_read_raw(from, sizeof label), slice_make(label, sizeof label));
    ground.note = bytes_read_block(from);
    if (!labelled || from->failed)
        return cut_short(fault);
    if (!open_checkpoint(&ground, now_us, fault) || !open_chain(from, &ground, fault)) {
        proof_ground_close(&ground);
        return false;
    }
    *ret_ground = ground;
    return true;
}

void proof_ground_close(struct proof_ground *ground) {
    log_history_destroy(ground->history);
    *ground = (struct proof_ground){.trust = NULL};
}

/* ---- making */

static bool is_mark(uint32_t type) {
    return type == STATEMENT_DAY_MARK || type == STATEMENT_MARK;
}

/* Appends one control entry; *ret_mark: it is a mark behind `behind`, so the last one due. */
static bool make_control(const struct proof_source *source, uint64_t ctl_seq, uint64_t behind, uint64_t size,
                         struct buffer *to, bool *ret_mark, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(CONTROL_ENTRY_MOST);
    struct control_entry entry;
    struct merkle_path path;
    uint64_t index;
    if (!source->control(source->context, ctl_seq, &index, &bytes, fault))
        return false;
    if (index >= size)
        return fault_set(fault, FAULT_MISSING,
                         "no mark stands between what is proved and the end of the checkpoint");
    if (!control_entry_read(buffer_slice(&bytes), &entry, fault))
        return false;
    uint32_t type = entry.statement.statement.type;
    *ret_mark = is_mark(type) && index >= behind;
    bool placed = *ret_mark || log_history_placed(type);
    bytes_write_block(to, buffer_slice(&bytes));
    bytes_write_u8(to, placed);
    if (placed) {
        if (!source->inclusion(source->context, index, size, &path, fault))
            return false;
        bytes_write_u64(to, index);
        proof_path_write(to, &path);
    }
    return !to->overflow || fault_set(fault, FAULT_LIMIT, "the control chain is too long for a proof");
}

bool proof_ground_make(const struct proof_source *source, uint64_t index, struct slice note, uint64_t size,
                       struct buffer *to, struct fault *fault) {
    uint8_t count_bytes[4];
    uint32_t count = 0;
    buffer_append(to, label, sizeof label);
    bytes_write_block(to, note);
    size_t count_at = to->size;
    bytes_write_u32(to, 0);
    for (bool last = false; !last; count++)
        if (!make_control(source, count, index, size, to, &last, fault))
            return fault_place(fault, "control entry %u", count);
    bytes_put_u32(count_bytes, count);
    memcpy(to->data + count_at, count_bytes, sizeof count_bytes);
    return true;
}
