/* One entry's proof as a text file (C2SP tlog-proof, version 1).
 *
 *     proof = "c2sp.org/tlog-proof@v1" 0x0A ["extra " base64 0x0A] "index " decimal 0x0A n × (base64 hash 0x0A) 0x0A
 *             checkpoint
 *
 * Reading is strict and verifies nothing; log_proof_check does. Extra data proves nothing by itself (event_proof.h). What is
 * read borrows the checkpoint from the text; extra is decoded into the caller's buffer. */
#ifndef TOCSIN_LOG_PROOF_H
#define TOCSIN_LOG_PROOF_H

#include "checkpoint.h"

#define LOG_PROOF_EXTRA_MOST (1024u * 1024u) /* bytes, decoded */
#define LOG_PROOF_PATH_MOST 63u
#define LOG_PROOF_MOST (2u * 1024u * 1024u)

struct log_proof {
    uint64_t index;
    size_t path_count;
    struct hash path[LOG_PROOF_PATH_MOST];
    struct slice extra; /* empty for none */
    struct slice checkpoint;
};

bool log_proof_write(struct buffer *to, const struct log_proof *proof);
/* ret_proof->extra stands in `extra`, which is emptied first and should have room for LOG_PROOF_EXTRA_MOST. */
bool log_proof_read(struct slice text, struct buffer *extra, struct log_proof *ret_proof,
                    struct fault *fault);

/* Whether the leaf stands at that index of the log, by the checkpoint with its signatures (checkpoint_read). */
bool log_proof_check(const struct log_proof *proof, const struct hash *leaf, const struct note_key *log,
                     const struct witness_policy *policy, struct signed_checkpoint *ret_checkpoint,
                     struct fault *fault);

#endif
