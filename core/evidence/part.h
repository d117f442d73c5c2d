/* A part: what an agent signs over the running root of its open batch (log-format: Parts). 160 signed bytes,
 * 64 of signature. Reading is strict; chain and signature are stream_checker's. */
#ifndef TOCSIN_PART_H
#define TOCSIN_PART_H

#include "ed25519.h"
#include "sha256.h"

#define PART_SIGNED 160u
#define PART_SIZE (PART_SIGNED + ED25519_SIGNATURE_SIZE)

struct part {
    struct hash stream_id;
    uint32_t epoch;
    uint32_t number; /* in this batch, from 0; may skip */
    uint64_t batch_seq;
    uint64_t first_event_seq; /* of the batch */
    uint32_t event_count;     /* so far */
    uint64_t open_us, time_us;
    struct hash event_root; /* over all events so far */
    struct hash prev;       /* H(the last closed entry), zeros for none */
};

void part_sign(const struct part *part, const struct signing_key *key, uint8_t ret_bytes[PART_SIZE]);
bool part_read(struct slice bytes, struct part *ret_part, struct fault *fault);
bool part_signed_by(struct slice bytes, const struct verify_key *key); /* `bytes` has PART_SIZE */

#endif
