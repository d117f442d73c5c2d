#include "checkpoint.h"

#include <inttypes.h>

#include "merkle.h"

#define US_A_SECOND 1000000ull

/* ---- text */

bool checkpoint_text_write(struct buffer *to, const struct checkpoint *checkpoint) {
    if (!note_name_good(checkpoint->origin) || checkpoint->size > CHECKPOINT_SIZE_MOST)
        return false;
    buffer_append_slice(to, checkpoint->origin);
    buffer_printf(to, "\n%" PRIu64 "\n", checkpoint->size);
    note_hash_write(to, &checkpoint->root);
    return buffer_append_string(to, "\n") && !to->overflow;
}

bool checkpoint_text_read(struct slice text, struct checkpoint *ret_checkpoint, struct fault *fault) {
    struct slice origin, size, root;
    struct checkpoint checkpoint;
    if (!note_line(&text, &origin) || !note_line(&text, &size) || !note_line(&text, &root) || text.size > 0)
        return fault_set(fault, FAULT_FORMAT, "a checkpoint has three lines: origin, size and root");
    if (!note_name_good(origin))
        return fault_set(fault, FAULT_FORMAT, "the checkpoint's first line is no origin");
    if (!note_decimal(size, &checkpoint.size))
        return fault_set(fault, FAULT_FORMAT, "the checkpoint's second line is no size");
    if (!note_hash_read(root, &checkpoint.root))
        return fault_set(fault, FAULT_FORMAT, "the checkpoint's third line is no root of 32 bytes in base64");
    struct hash empty = merkle_empty();
    if (checkpoint.size == 0 && !hash_equal(&checkpoint.root, &empty))
        return fault_set(fault, FAULT_FORMAT, "the checkpoint of an empty log has another root than H(\"\")");
    checkpoint.origin = origin;
    *ret_checkpoint = checkpoint;
    return true;
}

bool checkpoint_sign(struct buffer *to, const struct checkpoint *checkpoint, const struct note_key *log,
                     const struct signing_key *signing) {
    CLEANUP_BUFFER struct buffer text = BUFFER(CHECKPOINT_TEXT_MOST);
    if (log->type != NOTE_KEY_LOG || !slice_equal(checkpoint->origin, note_key_name(log)) ||
        !checkpoint_text_write(&text, checkpoint))
        return false;
    buffer_append_slice(to, buffer_slice(&text));
    buffer_append_string(to, "\n");
    return note_sign(to, buffer_slice(&text), log, signing);
}

/* ---- signatures */

static bool bad_signature(const struct note_key *key, struct fault *fault) {
    return fault_set(fault, FAULT_AUTH, "the signature of %.*s on the checkpoint is not good",
                     SLICE_ARG(note_key_name(key)));
}

static bool check_log(const struct note *note, const struct note_key *log, struct fault *fault) {
    bool signed_by_it = false;
    for (size_t i = 0; i < note->signature_count; i++) {
        uint64_t none;
        if (!note_signature_names(&note->signatures[i], log))
            continue;
        if (!note_signature_check(note->text, &note->signatures[i], log, &none))
            return bad_signature(log, fault);
        signed_by_it = true;
    }
    return signed_by_it || fault_set(fault, FAULT_AUTH, "the checkpoint is not signed by its log, %.*s",
                                     SLICE_ARG(note_key_name(log)));
}

static bool check_witness(const struct note *note, const struct note_key *witness,
                          struct cosignature *cosignature, struct fault *fault) {
    for (size_t i = 0; i < note->signature_count; i++) {
        uint64_t time_s;
        if (!note_signature_names(&note->signatures[i], witness))
            continue;
        if (!note_signature_check(note->text, &note->signatures[i], witness, &time_s))
            return bad_signature(witness, fault);
        if (!cosignature->there || time_s < cosignature->earliest_s)
            cosignature->earliest_s = time_s;
        if (!cosignature->there || time_s > cosignature->latest_s)
            cosignature->latest_s = time_s;
        cosignature->there = true;
    }
    return true;
}

bool checkpoint_read(struct slice bytes, const struct note_key *log, const struct witness_policy *policy,
                     struct signed_checkpoint *ret_checkpoint, struct fault *fault) {
    struct note note;
    struct signed_checkpoint read = {.text = {NULL, 0}};
    if (log->type != NOTE_KEY_LOG)
        return fault_set(fault, FAULT_AUTH, "%.*s is not the key of a log", SLICE_ARG(note_key_name(log)));
    if (policy && !witness_policy_check(policy, &log->key, fault))
        return false;
    if (!note_read(bytes, &note, fault) || !checkpoint_text_read(note.text, &read.checkpoint, fault))
        return false;
    if (!slice_equal(read.checkpoint.origin, note_key_name(log)))
        return fault_set(fault, FAULT_AUTH, "the checkpoint is of another log than %.*s",
                         SLICE_ARG(note_key_name(log)));
    if (!check_log(&note, log, fault))
        return false;
    for (size_t i = 0; policy && i < policy->count; i++)
        if (!check_witness(&note, &policy->witnesses[i], &read.cosignatures[i], fault))
            return false;
    read.text = note.text;
    *ret_checkpoint = read;
    return true;
}

/* ---- quorum */

static uint64_t microseconds(uint64_t seconds) {
    return seconds > UINT64_MAX / US_A_SECOND ? UINT64_MAX : seconds * US_A_SECOND;
}

struct quorum checkpoint_quorum(const struct signed_checkpoint *checkpoint,
                                const struct witness_policy *policy, uint64_t now_us) {
    struct quorum quorum = {.met = false};
    uint64_t most_us =
        now_us > UINT64_MAX - COSIGNATURE_AHEAD_US ? UINT64_MAX : now_us + COSIGNATURE_AHEAD_US;
    for (size_t i = 0; i < policy->count; i++) {
        const struct cosignature *cosignature = &checkpoint->cosignatures[i];
        if (!cosignature->there)
            continue;
        uint64_t earliest_us = microseconds(cosignature->earliest_s);
        uint64_t latest_us = microseconds(cosignature->latest_s);
        if (latest_us > most_us) {
            quorum.ahead++;
            continue;
        }
        if (quorum.counted == 0 || earliest_us < quorum.earliest_us)
            quorum.earliest_us = earliest_us;
        if (latest_us > quorum.latest_us)
            quorum.latest_us = latest_us;
        quorum.counted++;
    }
    quorum.met = quorum.counted >= policy->needed;
    return quorum;
}
