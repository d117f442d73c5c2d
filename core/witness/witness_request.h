/* What a log asks of a witness, and what it is told (C2SP tlog-witness, add-checkpoint).
 *
 *     request = "old " decimal size 0x0A ‖ n × (base64 hash 0x0A) ‖ 0x0A ‖ checkpoint        n at most 63
 *     answer  = 200: signature lines of the witness; 409: decimal size 0x0A; else a sentence for people
 *
 * Strict: what is read would be written the same. What is read borrows from the bytes; the checkpoint is not looked at. */
#ifndef TOCSIN_WITNESS_REQUEST_H
#define TOCSIN_WITNESS_REQUEST_H

#include "checkpoint.h"

#define WITNESS_PROOF_MOST 63u /* lines */
#define WITNESS_REQUEST_MOST (NOTE_MOST + WITNESS_PROOF_MOST * 45u + 32u)
#define WITNESS_SIZE_TYPE "text/x.tlog.size" /* of a 409's body */

enum witness_status {
    WITNESS_COSIGNED = 200,
    WITNESS_MALFORMED = 400, /* no request; or an old size over the checkpoint's */
    WITNESS_FORBIDDEN = 403, /* not signed by the log */
    WITNESS_UNKNOWN_LOG = 404,
    WITNESS_CONFLICT = 409,     /* the old size is not the witness's: the body says its */
    WITNESS_INCONSISTENT = 422, /* the proof does not prove it; or another root for the same size */
    WITNESS_LATER =
        503, /* the witness's clock stands before what it signed last; or its disk does not take it */
};

struct witness_request {
    uint64_t old_size;
    size_t proof_count;
    struct hash proof[WITNESS_PROOF_MOST];
    struct slice note;
};

bool witness_request_read(struct slice body, struct witness_request *ret_request, struct fault *fault);
/* False where it does not fit, or cannot be: over 63 hashes, an old size over 2^63 − 1. */
bool witness_request_write(struct buffer *to, uint64_t old_size, const struct hash *proof, size_t proof_count,
                           struct slice note);

/* The client's side of a 200: appends the lines that are this witness's and good to `ret_lines`; a bad one refuses the whole,
 * none at all too; others' are passed over. *ret_time_s: the latest of them. */
bool witness_answer_read(struct slice body, struct slice text, const struct note_key *witness,
                         struct buffer *ret_lines, uint64_t *ret_time_s, struct fault *fault);
/* Of a 409. */
bool witness_size_read(struct slice body, uint64_t *ret_size);

#endif
