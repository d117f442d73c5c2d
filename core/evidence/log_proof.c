#include "log_proof.h"

#include <inttypes.h>

#include "encoding.h"
#include "merkle_proof.h"

#define HEADER "c2sp.org/tlog-proof@v1"

bool log_proof_write(struct buffer *to, const struct log_proof *proof) {
    if (proof->index > CHECKPOINT_SIZE_MOST || proof->path_count > LOG_PROOF_PATH_MOST ||
        proof->extra.size > LOG_PROOF_EXTRA_MOST)
        return false;
    buffer_append_string(to, HEADER "\n");
    if (proof->extra.size > 0) {
        buffer_append_string(to, "extra ");
        encoding_base64(to, proof->extra);
        buffer_append_string(to, "\n");
    }
    buffer_printf(to, "index %" PRIu64 "\n", proof->index);
    for (size_t i = 0; i < proof->path_count; i++) {
        note_hash_write(to, &proof->path[i]);
        buffer_append_string(to, "\n");
    }
    buffer_append_string(to, "\n");
    return buffer_append_slice(to, proof->checkpoint) && !to->overflow;
}

/* ---- reading */

static bool after(struct slice line, struct slice word, struct slice *ret_rest) {
    *ret_rest = slice_from(line, word.size);
    return slice_starts(line, word);
}

static bool extra_read(struct slice base64, struct buffer *extra, struct fault *fault) {
    if (base64.size / 4 * 3 > LOG_PROOF_EXTRA_MOST)
        return fault_set(fault, FAULT_LIMIT, "the proof's extra data has over %u bytes",
                         LOG_PROOF_EXTRA_MOST);
    return (base64.size > 0 && encoding_unbase64(extra, base64)) ||
           fault_set(fault, FAULT_FORMAT, "the proof's extra data is no base64");
}

static bool path_read(struct slice *rest, struct log_proof *proof, struct fault *fault) {
    struct slice line;
    while (note_line(rest, &line)) {
        if (line.size == 0)
            return true;
        if (proof->path_count == LOG_PROOF_PATH_MOST)
            return fault_set(fault, FAULT_LIMIT, "the proof has more than %u hashes", LOG_PROOF_PATH_MOST);
        if (!note_hash_read(line, &proof->path[proof->path_count]))
            return fault_set(fault, FAULT_FORMAT, "hash %zu of the proof is none", proof->path_count + 1);
        proof->path_count++;
    }
    return fault_set(fault, FAULT_FORMAT, "the proof has no checkpoint");
}

bool log_proof_read(struct slice text, struct buffer *extra, struct log_proof *ret_proof,
                    struct fault *fault) {
    struct log_proof proof = {.path_count = 0};
    struct slice line, rest;
    buffer_clear(extra);
    if (text.size > LOG_PROOF_MOST)
        return fault_set(fault, FAULT_LIMIT, "a proof of %zu bytes; %u is the most", text.size,
                         LOG_PROOF_MOST);
    if (!note_line(&text, &line) || !slice_equal(line, SLICE(HEADER)))
        return fault_set(fault, FAULT_FORMAT, "this is no proof: its first line is not " HEADER);
    if (!note_line(&text, &line))
        return fault_set(fault, FAULT_FORMAT, "the proof is cut short");
    if (after(line, SLICE("extra "), &rest)) {
        if (!extra_read(rest, extra, fault))
            return false;
        if (!note_line(&text, &line))
            return fault_set(fault, FAULT_FORMAT, "the proof is cut short");
    }
    if (!after(line, SLICE("index "), &rest) || !note_decimal(rest, &proof.index))
        return fault_set(fault, FAULT_FORMAT, "the proof has no index where it is due");
    if (!path_read(&text, &proof, fault))
        return false;
    if (text.size == 0)
        return fault_set(fault, FAULT_FORMAT, "the proof has no checkpoint");
    proof.extra = buffer_slice(extra);
    proof.checkpoint = text;
    *ret_proof = proof;
    return true;
}

bool log_proof_check(const struct log_proof *proof, const struct hash *leaf, const struct note_key *log,
                     const struct witness_policy *policy, struct signed_checkpoint *ret_checkpoint,
                     struct fault *fault) {
    struct signed_checkpoint read;
    if (!checkpoint_read(proof->checkpoint, log, policy, &read, fault))
        return false;
    if (!merkle_proof_included(leaf, proof->index, read.checkpoint.size, proof->path, proof->path_count,
                               &read.checkpoint.root))
        return fault_set(fault, FAULT_AUTH, "the entry does not stand at index %llu of the log",
                         (unsigned long long)proof->index);
    *ret_checkpoint = read;
    return true;
}
