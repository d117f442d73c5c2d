/* A single c2sp.org/tlog-proof@v1 file. What it proves rests on what it is the proof of:
 *
 *     one of our events in its extra data     that the event stands in its batch, and the batch in the log
 *     a control entry in its extra data       that the statement stands in the log
 *     nothing of ours, of anybody's making    that the entry which the caller names stands in the log */
#ifndef TOCSIN_VERIFY_PROOF_H
#define TOCSIN_VERIFY_PROOF_H

#include "command.h"
#include "trust_file.h"

/* What the caller says the proof is of; at most one of them. */
struct verify_entry {
    const char *file; /* the entry's bytes: the leaf is H(0x00 ‖ bytes) */
    const char *leaf; /* 64 hexadecimal digits */
};

/* Prints what is proved. False where it is not; FAULT_USAGE where nobody says what it is the proof of. */
bool verify_proof(const struct command_context *context, const char *name, struct slice bytes, const struct trust *trust,
                  const struct verify_entry *entry, struct fault *fault);

#endif
