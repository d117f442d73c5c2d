/* Which witnesses count, and how many of them a checkpoint needs (log-format: Checkpoint, Trust).
 *
 *     witness policy = u8 needed ‖ u8 n ‖ n × (u8 size ‖ name ‖ public key[32])
 *
 * A value. A policy that needs none is met by every checkpoint: what rests on it is UNWITNESSED. */
#ifndef TOCSIN_WITNESS_POLICY_H
#define TOCSIN_WITNESS_POLICY_H

#include "bytes.h"
#include "note_key.h"

#define WITNESSES_MOST 16u

struct witness_policy {
    uint8_t needed;
    uint8_t count;
    struct note_key witnesses[WITNESSES_MOST]; /* of type NOTE_KEY_WITNESS */
};

/* Whether it can ever be met, and honestly: no more needed than there are, keys of witnesses alone, no key and no name
 * twice, and none that is the log's (which may be NULL where it is not known). */
bool witness_policy_check(const struct witness_policy *policy, const struct verify_key *log_key,
                          struct fault *fault);

/* Whether whatever meets `policy` meets `other` as well: so many of its own are needed that enough of the other's are among
 * them. Whoever goes by `other` loses nothing by going by `policy`. Both are good. */
bool witness_policy_implies(const struct witness_policy *policy, const struct witness_policy *other);
/* The same number of the same witnesses, in any order. */
bool witness_policy_same(const struct witness_policy *a, const struct witness_policy *b);

bool witness_policy_write(struct buffer *to, const struct witness_policy *policy);
/* Reads and checks, but for the log's key. A millisecond a witness. */
bool witness_policy_read(struct bytes_reader *from, struct witness_policy *ret_policy, struct fault *fault);

#endif
