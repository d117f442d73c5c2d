#include "witness_judge.h"

#include <inttypes.h>

#include "merkle_proof.h"

struct witness_memory witness_memory_empty(void) {
    return (struct witness_memory){.size = 0, .root = merkle_empty(), .time_s = 0};
}

size_t witness_log_find(const struct witness_log *logs, size_t log_count, struct slice origin) {
    size_t i = 0;
    while (i < log_count && !slice_equal(note_key_name(&logs[i].key), origin))
        i++;
    return i;
}

/* The specification has an answer of its own for an empty tree with a root, which no checkpoint of ours may be. */
static bool is_empty_with_root(struct slice text) {
    struct slice origin, size, root;
    struct hash hash, empty = merkle_empty();
    return note_line(&text, &origin) && note_line(&text, &size) && note_line(&text, &root) &&
           text.size == 0 && slice_equal(size, SLICE("0")) && note_hash_read(root, &hash) &&
           !hash_equal(&hash, &empty);
}

static bool signed_by_log(const struct note *note, const struct note_key *log) {
    bool found = false;
    for (size_t i = 0; i < note->signature_count; i++) {
        uint64_t none;
        if (!note_signature_names(&note->signatures[i], log))
            continue;
        if (!note_signature_check(note->text, &note->signatures[i], log, &none))
            return false;
        found = true;
    }
    return found;
}

static enum witness_status judge_proof(const struct witness_memory *known,
                                       const struct witness_request *request,
                                       const struct checkpoint *checkpoint, struct fault *fault) {
    bool same_size = request->old_size == checkpoint->size;
    if (same_size && !hash_equal(&known->root, &checkpoint->root)) {
        fault_set(fault, FAULT_CONFLICT, "another root than the one that was cosigned for size %" PRIu64,
                  known->size);
        return WITNESS_INCONSISTENT;
    }
    if ((same_size || request->old_size == 0) && request->proof_count > 0) {
        fault_set(fault, FAULT_CONFLICT, "a proof where none is due");
        return WITNESS_INCONSISTENT;
    }
    if (!same_size && request->old_size > 0 &&
        !merkle_proof_consistent(request->old_size, &known->root, checkpoint->size, &checkpoint->root,
                                 request->proof, request->proof_count)) {
        fault_set(fault, FAULT_CONFLICT,
                  "the proof does not show that the tree of size %" PRIu64
                  " grew out of that of size %" PRIu64,
                  checkpoint->size, request->old_size);
        return WITNESS_INCONSISTENT;
    }
    return WITNESS_COSIGNED;
}

static enum witness_status judge_time(const struct witness_memory *known, uint64_t now_s,
                                      uint64_t *ret_time_s, struct fault *fault) {
    if (now_s == 0 || now_s > NOTE_TIME_MOST ||
        (now_s < known->time_s && known->time_s - now_s > WITNESS_CLOCK_BACK_S)) {
        fault_set(fault, FAULT_BUSY, "this witness's clock stands before its last cosignature");
        return WITNESS_LATER;
    }
    *ret_time_s = now_s < known->time_s ? known->time_s : now_s;
    return WITNESS_COSIGNED;
}

/* Of a checkpoint that its log has signed. */
static enum witness_status judge_signed(const struct witness_log *log, const struct witness_request *request,
                                        uint64_t now_s, struct witness_verdict *verdict,
                                        struct fault *fault) {
    const struct witness_memory *known = &log->newest;
    const struct checkpoint *checkpoint = &verdict->checkpoint;
    verdict->fork = checkpoint->size == known->size && !hash_equal(&checkpoint->root, &known->root);
    if (request->old_size > checkpoint->size) {
        fault_set(fault, FAULT_FORMAT, "an old size of %" PRIu64 " over the checkpoint's, %" PRIu64,
                  request->old_size, checkpoint->size);
        return WITNESS_MALFORMED;
    }
    if (request->old_size != known->size) {
        fault_set(fault, FAULT_CONFLICT, "the newest checkpoint that was cosigned has size %" PRIu64,
                  known->size);
        return WITNESS_CONFLICT;
    }
    enum witness_status status = judge_proof(known, request, checkpoint, fault);
    return status == WITNESS_COSIGNED ? judge_time(known, now_s, &verdict->time_s, fault) : status;
}

static enum witness_status judge(const struct witness_log *logs, size_t log_count,
                                 const struct witness_request *request, uint64_t now_s,
                                 struct witness_verdict *verdict, struct fault *fault) {
    struct note note;
    if (!note_read(request->note, &note, fault))
        return WITNESS_MALFORMED;
    bool odd = is_empty_with_root(note.text);
    if (!odd && !checkpoint_text_read(note.text, &verdict->checkpoint, fault))
        return WITNESS_MALFORMED;
    struct slice rest = note.text, origin;
    note_line(&rest, &origin);
    verdict->text = note.text;
    verdict->log = witness_log_find(logs, log_count, origin);
    if (verdict->log == log_count) {
        fault_set(fault, FAULT_MISSING, "this witness does not know the log");
        return WITNESS_UNKNOWN_LOG;
    }
    if (!signed_by_log(&note, &logs[verdict->log].key)) {
        fault_set(fault, FAULT_AUTH, "the checkpoint is not signed by its log, or not well");
        return WITNESS_FORBIDDEN;
    }
    if (!odd)
        return judge_signed(&logs[verdict->log], request, now_s, verdict, fault);
    if (request->old_size > 0) {
        fault_set(fault, FAULT_FORMAT, "an old size over the checkpoint's");
        return WITNESS_MALFORMED;
    }
    if (logs[verdict->log].newest.size > 0) {
        fault_set(fault, FAULT_CONFLICT, "the newest checkpoint that was cosigned has another size");
        return WITNESS_CONFLICT;
    }
    fault_set(fault, FAULT_CONFLICT, "an empty tree with another root than H(\"\")");
    return WITNESS_INCONSISTENT;
}

bool witness_judge(const struct witness_log *logs, size_t log_count, const struct witness_request *request,
                   uint64_t now_s, struct witness_verdict *ret_verdict, struct fault *fault) {
    struct witness_verdict verdict = {.log = log_count};
    verdict.status = judge(logs, log_count, request, now_s, &verdict, fault);
    *ret_verdict = verdict;
    return verdict.status == WITNESS_COSIGNED;
}
