/* Checkpoints: a log's size and root as a signed note, with the cosignatures of witnesses (C2SP tlog-checkpoint, without
 * extension lines; log-format: Checkpoint).
 *
 *     text = origin 0x0A decimal size 0x0A base64 root 0x0A
 *
 * Reading is strict and verifies: the log's signature must be there and good, and a known witness's bad signature refuses
 * the whole. Signatures of unknown keys say nothing. What is read borrows from the bytes. Time: a verification for each
 * known signature. */
#ifndef TOCSIN_CHECKPOINT_H
#define TOCSIN_CHECKPOINT_H

#include "note.h"
#include "witness_policy.h"

#define CHECKPOINT_SIZE_MOST ((uint64_t)INT64_MAX)
#define CHECKPOINT_TEXT_MOST (NOTE_NAME_MOST + 1 + 19 + 1 + 44 + 1)
/* A cosignature may be dated this far ahead of the reader's clock; further, and it does not count. */
#define COSIGNATURE_AHEAD_US 5000000ull

struct checkpoint {
    struct slice origin; /* a name as note_name_good says */
    uint64_t size;
    struct hash root; /* of size 0: H("") */
};

bool checkpoint_text_write(struct buffer *to, const struct checkpoint *checkpoint);
bool checkpoint_text_read(struct slice text, struct checkpoint *ret_checkpoint, struct fault *fault);

/* Appends the whole note, signed by the log. `log` is the origin's key of type NOTE_KEY_LOG. Cosignatures are appended to
 * it by note_cosign over its text, or as the lines that witnesses answered with. */
bool checkpoint_sign(struct buffer *to, const struct checkpoint *checkpoint, const struct note_key *log,
                     const struct signing_key *signing);

/* What one witness of the policy said. A key counts once; where it signed more than once, both ends are kept. */
struct cosignature {
    bool there;
    uint64_t earliest_s, latest_s;
};

struct signed_checkpoint {
    struct checkpoint checkpoint;
    struct slice text;                               /* what was signed */
    struct cosignature cosignatures[WITNESSES_MOST]; /* in the policy's order */
};

/* `policy` may be NULL: then cosignatures are not looked at. */
bool checkpoint_read(struct slice note, const struct note_key *log, const struct witness_policy *policy,
                     struct signed_checkpoint *ret_checkpoint, struct fault *fault);

/* How the policy judges it at `now_us`. Of those that count, the earliest is for lower bounds of time and the latest for
 * upper ones (0 where none counts). */
struct quorum {
    bool met;
    unsigned counted, ahead; /* ahead: dated in the future, not counted */
    uint64_t earliest_us, latest_us;
};
struct quorum checkpoint_quorum(const struct signed_checkpoint *checkpoint,
                                const struct witness_policy *policy, uint64_t now_us);

#endif
