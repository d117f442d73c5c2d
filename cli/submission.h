/* A signed statement on its way into the log: given to the collector, and what comes back held against what was given. */
#ifndef TOCSIN_SUBMISSION_H
#define TOCSIN_SUBMISSION_H

#include "command.h"
#include "log_proof.h"
#include "statement_file.h"

#define SUBMISSION_WAIT_US 3600000000ull /* for the proof; then it is a witness's turn (log-format: Statements) */

/* What the collector answered; nothing of it is believed before it is checked. */
struct submission {
    bool taken, single_control;
    uint64_t ctl_seq, index;
    struct buffer entry; /* the control entry, as it stands in the log */
    bool proved;         /* a checkpoint covers it, with these cosignatures */
    struct quorum quorum;
    struct log_proof proof; /* borrows the note */
    struct buffer note;
};

void submission_begin(struct submission *submission);
void submission_release(struct submission *submission);

/* Gives the statement and waits, for `wait_us` at most, until a checkpoint that enough witnesses have cosigned covers it; says so
 * on a terminal. True with `proved` false: it was taken, and nothing proves it yet. A fault with `taken`: the answer broke
 * off. FAULT_AUTH: the collector's proof is none. */
bool submission_run(const struct command_context *context, const struct statement_file *file, uint64_t wait_us,
                    struct submission *submission, struct fault *fault);

#endif
