#include "verify_proof.h"

#include <inttypes.h>
#include <stdio.h>

#include "control_entry.h"
#include "encoding.h"
#include "log_proof.h"
#include "merkle.h"
#include "proof_print.h"
#include "record_json.h"
#include "statement_type.h"

#define ENTRY_MOST (64u * 1024u * 1024u) /* of other logs: ours have 65,535 bytes */
#define LINE_MOST (64u * 1024u)

struct proved {
    struct log_proof proof;
    struct hash leaf;
    struct signed_checkpoint checkpoint;
    struct quorum quorum;
};

static bool check(const struct command_context *context, const struct trust *trust, struct proved *proved,
                  struct fault *fault) {
    if (!log_proof_check(&proved->proof, &proved->leaf, &trust->log, &trust->witnesses, &proved->checkpoint, fault))
        return false;
    proved->quorum = checkpoint_quorum(&proved->checkpoint, &trust->witnesses, context->now_us);
    return proved->quorum.met ||
           fault_set(fault, FAULT_AUTH, "%u of the trusted witnesses have cosigned the checkpoint, and %u must",
                     proved->quorum.counted, trust->witnesses.needed);
}

/* ---- one of our events: whose key signed its batch only a control chain could say */

static bool verify_event(const struct command_context *context, const char *name, const struct trust *trust,
                         struct proved *proved, struct fault *fault) {
    struct excerpt_event event = {.number = 1, .of = 1, .verdict = VERDICT_OPENED, .unattested = true};
    if (!event_proof_read(proved->proof.extra, &event.proof, fault) || !event_proof_check(&event.proof, fault))
        return false;
    proved->leaf = merkle_leaf(event.proof.entry_bytes);
    if (!check(context, trust, proved, fault))
        return false;
    event.log_index = proved->proof.index;
    event.host = SLICE("unknown");
    event.lane = class_lane(event.proof.event.class);
    event.unwitnessed = trust->witnesses.needed == 0;
    proof_print_event(context, name, &event);
    return true;
}

/* ---- an entry, ours or anybody's */

static void print_included(const struct command_context *context, const char *name, const struct trust *trust,
                           const struct proved *proved, const struct control_entry *statement) {
    char leaf[2 * HASH_SIZE + 1];
    CLEANUP_BUFFER struct buffer line = BUFFER(LINE_MOST);
    const char *type = statement ? statement_type_name(statement->statement.statement.type) : NULL;
    struct slice log = note_key_name(&trust->log);
    encoding_hex(proved->leaf.bytes, HASH_SIZE, leaf);
    if (context->json) {
        buffer_append_string(&line, "{\"place\":");
        record_json_string(&line, slice_string(name));
        buffer_printf(&line, ",\"verdict\":\"INCLUDED\",\"leaf\":\"%s\",\"log_index\":%" PRIu64 ",\"log\":{\"name\":", leaf,
                      proved->proof.index);
        record_json_string(&line, log);
        buffer_printf(&line, ",\"size\":%" PRIu64 "},\"cosignatures\":%u,\"unwitnessed\":%s",
                      proved->checkpoint.checkpoint.size, proved->quorum.counted,
                      trust->witnesses.needed ? "false" : "true");
        if (statement)
            buffer_printf(&line, ",\"statement\":{\"type\":\"%s\",\"ctl_seq\":%" PRIu64 "}", type, statement->ctl_seq);
        buffer_append_string(&line, "}");
    } else {
        buffer_printf(&line, "INCLUDED %s: ", name);
        if (statement)
            buffer_printf(&line, "the statement \"%s\", control entry %" PRIu64 ", ", type, statement->ctl_seq);
        else
            buffer_printf(&line, "the entry with the leaf %.16s... ", leaf);
        buffer_printf(&line, "stands at index %" PRIu64 " of the log %.*s, under a checkpoint over %" PRIu64 " entries",
                      proved->proof.index, SLICE_ARG(log), proved->checkpoint.checkpoint.size);
        if (trust->witnesses.needed)
            buffer_printf(&line, " that %u of the trusted witnesses cosigned", proved->quorum.counted);
        else
            buffer_append_string(&line, "; UNWITNESSED");
        buffer_append_string(&line, statement ? ". Who signed it the control chain tells, not this proof"
                                              : ". It proves that, and nothing about what the entry says");
    }
    puts(buffer_string(&line));
}

static bool verify_statement(const struct command_context *context, const char *name, const struct trust *trust,
                             struct proved *proved, struct fault *fault) {
    struct control_entry entry;
    if (!control_entry_read(proved->proof.extra, &entry, fault))
        return false;
    proved->leaf = merkle_leaf(proved->proof.extra);
    if (!check(context, trust, proved, fault))
        return false;
    print_included(context, name, trust, proved, &entry);
    return true;
}

static bool leaf_of(const struct verify_entry *entry, struct hash *ret_leaf, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ENTRY_MOST);
    if (entry->leaf)
        return encoding_unhex(slice_string(entry->leaf), ret_leaf->bytes, HASH_SIZE) ||
               fault_set(fault, FAULT_USAGE, "--leaf takes the 64 hexadecimal digits of a leaf's hash");
    if (!entry->file)
        return fault_set(fault, FAULT_USAGE,
                         "a tlog-proof does not say what it is the proof of: name the entry (--entry FILE) or its leaf "
                         "hash (--leaf HEX)");
    if (!files_read(entry->file, &bytes, fault)) {
        fault->code = FAULT_USAGE; /* of the call, not of the proof */
        return false;
    }
    *ret_leaf = merkle_leaf(buffer_slice(&bytes));
    return true;
}

static bool verify_entry(const struct command_context *context, const char *name, const struct trust *trust,
                         const struct verify_entry *entry, struct proved *proved, struct fault *fault) {
    if (!leaf_of(entry, &proved->leaf, fault)) {
        fault_place(fault, "%s", name);
        return false;
    }
    if (!check(context, trust, proved, fault))
        return false;
    print_included(context, name, trust, proved, NULL);
    return true;
}

bool verify_proof(const struct command_context *context, const char *name, struct slice bytes, const struct trust *trust,
                  const struct verify_entry *entry, struct fault *fault) {
    CLEANUP_BUFFER struct buffer extra = BUFFER(LOG_PROOF_EXTRA_MOST);
    struct proved proved;
    if (!log_proof_read(bytes, &extra, &proved.proof, fault))
        return false;
    if (entry->file || entry->leaf)
        return verify_entry(context, name, trust, entry, &proved, fault);
    if (slice_starts(proved.proof.extra, SLICE("tocsin/event/v1")) ||
        slice_starts(proved.proof.extra, SLICE("tocsin/orphn/v1")))
        return verify_event(context, name, trust, &proved, fault);
    if (slice_starts(proved.proof.extra, SLICE("tocsin/ctrl/v1")))
        return verify_statement(context, name, trust, &proved, fault);
    return verify_entry(context, name, trust, entry, &proved, fault);
}
