#include "witness_request.h"

#include <inttypes.h>

#define OLD "old "

bool witness_request_read(struct slice body, struct witness_request *ret_request, struct fault *fault) {
    struct witness_request request = {.proof_count = 0};
    struct slice rest = body, line;
    if (body.size > WITNESS_REQUEST_MOST)
        return fault_set(fault, FAULT_LIMIT, "a request of %zu bytes; %u is the most", body.size,
                         WITNESS_REQUEST_MOST);
    if (!note_line(&rest, &line) || !slice_starts(line, SLICE(OLD)) ||
        !note_decimal(slice_from(line, sizeof OLD - 1), &request.old_size))
        return fault_set(fault, FAULT_FORMAT, "the first line is not \"old \" and a size");
    for (;;) {
        if (!note_line(&rest, &line))
            return fault_set(fault, FAULT_FORMAT, "there is no blank line before the checkpoint");
        if (line.size == 0)
            break;
        if (request.proof_count == WITNESS_PROOF_MOST)
            return fault_set(fault, FAULT_FORMAT, "the proof has more than %u lines", WITNESS_PROOF_MOST);
        if (!note_hash_read(line, &request.proof[request.proof_count]))
            return fault_set(fault, FAULT_FORMAT, "line %zu of the proof is not the base64 of a hash",
                             request.proof_count + 1);
        request.proof_count++;
    }
    request.note = rest;
    *ret_request = request;
    return true;
}

bool witness_request_write(struct buffer *to, uint64_t old_size, const struct hash *proof, size_t proof_count,
                           struct slice note) {
    if (proof_count > WITNESS_PROOF_MOST || old_size > CHECKPOINT_SIZE_MOST)
        return false;
    buffer_printf(to, OLD "%" PRIu64 "\n", old_size);
    for (size_t i = 0; i < proof_count; i++) {
        note_hash_write(to, &proof[i]);
        buffer_append_string(to, "\n");
    }
    buffer_append_string(to, "\n");
    return buffer_append_slice(to, note) && !to->overflow;
}

/* ---- answers */

static bool lines_read(const struct note *note, const struct note_key *witness, struct buffer *lines,
                       uint64_t *ret_time_s, struct fault *fault) {
    uint64_t latest = 0;
    for (size_t i = 0; i < note->signature_count; i++) {
        const struct note_signature *signature = &note->signatures[i];
        uint64_t time_s;
        if (!note_signature_names(signature, witness))
            continue;
        if (!note_signature_check(note->text, signature, witness, &time_s))
            return fault_set(fault, FAULT_AUTH, "the cosignature of %.*s is not good",
                             SLICE_ARG(note_key_name(witness)));
        buffer_append_string(lines, "\xe2\x80\x94 ");
        buffer_append_slice(lines, signature->name);
        buffer_append_string(lines, " ");
        buffer_append_slice(lines, signature->base64);
        if (!buffer_append_string(lines, "\n") || lines->overflow)
            return fault_set(fault, FAULT_LIMIT, "the witness's cosignatures have more than %zu bytes",
                             lines->limit);
        latest = time_s > latest ? time_s : latest;
    }
    *ret_time_s = latest;
    return latest > 0 || fault_set(fault, FAULT_AUTH, "the answer holds no cosignature of %.*s",
                                   SLICE_ARG(note_key_name(witness)));
}

bool witness_answer_read(struct slice body, struct slice text, const struct note_key *witness,
                         struct buffer *ret_lines, uint64_t *ret_time_s, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(NOTE_MOST), lines = BUFFER(NOTE_MOST);
    struct note note;
    uint64_t time_s;
    buffer_append_slice(&bytes, text);
    buffer_append_string(&bytes, "\n");
    if (!buffer_append_slice(&bytes, body) || bytes.overflow)
        return fault_set(fault, FAULT_LIMIT, "an answer of %zu bytes", body.size);
    /* A blank line within the answer would move the place where text and signatures part. */
    if (!note_read(buffer_slice(&bytes), &note, fault) || note.text.size != text.size)
        return fault_set(fault, FAULT_FORMAT, "the witness's answer is not made of signature lines");
    if (witness->type != NOTE_KEY_WITNESS || !lines_read(&note, witness, &lines, &time_s, fault))
        return witness->type == NOTE_KEY_WITNESS ? false
                                                 : fault_set(fault, FAULT_USAGE, "this is no witness's key");
    if (!buffer_append_slice(ret_lines, buffer_slice(&lines)))
        return fault_set(fault, FAULT_LIMIT, "the witness's cosignatures have more than %zu bytes",
                         ret_lines->limit);
    *ret_time_s = time_s;
    return true;
}

bool witness_size_read(struct slice body, uint64_t *ret_size) {
    struct slice line;
    return note_line(&body, &line) && body.size == 0 && note_decimal(line, ret_size);
}
