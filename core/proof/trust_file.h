/* What a verifier must know beforehand, as a text file (log-format: Trust; FORMATS.md, Trust).
 *
 *     tocsin-trust@v1
 *     log <verifier key>                 its name is the origin
 *     genesis <leaf of the first control entry, 64 hexadecimal digits>
 *     needed <how many witnesses must have cosigned>
 *     witness <verifier key>             any number of these
 *     key <H(public key), hexadecimal>   any number of these: keys that count as enrolled by two people
 *
 * It comes to the verifier on a way of its own: a proof that brings its own keys proves nothing. Reading is strict: this
 * order, one blank between, a newline behind every line, lower-case digits, nothing else. A value; a millisecond a key. */
#ifndef TOCSIN_TRUST_FILE_H
#define TOCSIN_TRUST_FILE_H

#include "control_people.h"
#include "note_key.h"
#include "witness_policy.h"

#define TRUST_FILE_MOST (64u * 1024u)
#define TRUST_KEYS_MOST 64u

struct trust {
    struct note_key log; /* of type NOTE_KEY_LOG */
    struct hash genesis_leaf;
    struct witness_policy witnesses;
    size_t key_count;
    struct hash keys[TRUST_KEYS_MOST];
};

bool trust_write(struct buffer *to, const struct trust *trust);
bool trust_read(struct slice text, struct trust *ret_trust, struct fault *fault);

/* For control_chain_create; borrows from the trust. */
static inline struct control_trust trust_control(const struct trust *trust) {
    return (struct control_trust){&trust->genesis_leaf, trust->keys, trust->key_count};
}

#endif
