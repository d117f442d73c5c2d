/* The enrolment of an agent and the revocation of its key, as payloads of statements (log-format: Statements, types 5 and 7;
 * FORMATS.md, Statements).
 *
 *     enrolment  = u8 size ‖ host name ‖ public key[32] ‖ stream_id of the security lane ‖ stream_id of the bulk lane
 *                  ‖ u32 epoch ‖ u64 first batch_seq, security ‖ u64 first batch_seq, bulk ‖ u32 heartbeat in seconds
 *                  ‖ H(SubjectPublicKeyInfo of its TLS certificate)[32] ‖ (of an epoch above 0) public key of epoch 0[32]
 *     revocation = u8 size ‖ host name ‖ stream_id of the security lane ‖ u32 epoch, with all that descend from it
 *
 * Reading is strict: a good host name, keys that may be enrolled, a heartbeat, and the stream_ids that name and first key
 * make. The first batch_seqs are above 0 where the streams began in another log. What is read borrows the name. A millisecond. */
#ifndef TOCSIN_AGENT_ENROLMENT_H
#define TOCSIN_AGENT_ENROLMENT_H

#include "buffer.h"
#include "class.h"
#include "ed25519.h"
#include "sha256.h"

struct agent_enrolment {
    struct slice name;
    struct verify_key key;
    struct hash streams[LANES];
    uint32_t epoch;
    uint64_t first_batch_seq[LANES];
    uint32_t heartbeat_s;
    struct hash tls;
    struct verify_key first_key; /* of epoch 0; read: `key` itself in epoch 0. Written above epoch 0 alone */
};

struct agent_revocation {
    struct slice name;
    struct hash stream; /* of the security lane */
    uint32_t epoch;
};

bool agent_enrolment_write(struct buffer *to, const struct agent_enrolment *enrolment);
bool agent_enrolment_read(struct slice payload, struct agent_enrolment *ret_enrolment, struct fault *fault);
bool agent_revocation_write(struct buffer *to, const struct agent_revocation *revocation);
bool agent_revocation_read(struct slice payload, struct agent_revocation *ret_revocation,
                           struct fault *fault);

#endif
