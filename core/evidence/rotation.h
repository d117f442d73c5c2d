/* The rotation of an agent's signing key: the statement, signed by the old and the new key, that ties the next epoch to
 * the one before (log-format: Statements, type 6; FORMATS.md, Rotation).
 *
 * Reading is strict about the form; rotation_check says whether the statement follows what is known of the agent. Both
 * are the collector's when the agent announces its next key, and every verifier's afterwards. What is read borrows from
 * the bytes. Checking costs two verifications and one check of a key: about 1.5 ms. */
#ifndef TOCSIN_ROTATION_H
#define TOCSIN_ROTATION_H

#include "class.h"
#include "evidence_check.h"
#include "statement.h"

#define ROTATION_MOST 1024u /* bytes of a signed rotation statement */

struct rotation {
    struct slice name;          /* the host's */
    struct hash streams[LANES]; /* stream_ids */
    struct verify_key old_key, new_key;
    uint32_t epoch; /* the new key's */
    struct signed_statement statement;
};

/* What is known of an agent before the rotation. */
struct rotation_place {
    const struct hash *log; /* statement_log; NULL where it is not known */
    struct slice name;
    const struct verify_key *first_key; /* of epoch 0 */
    const struct verify_key *key;       /* in force */
    uint32_t epoch;                     /* its epoch */
};

/* Appends the signed statement by which `place` goes on to the next epoch, under `next`. `old` is the place's key. The
 * name must be a host name, the log known. */
bool rotation_sign(const struct rotation_place *place, const struct signing_key *old,
                   const struct signing_key *next, const uint8_t nonce[STATEMENT_NONCE_SIZE],
                   uint64_t made_us, struct buffer *to);

bool rotation_read(struct slice bytes, struct rotation *ret_rotation, struct fault *fault);
/* The same of a signed statement that was read already. */
bool rotation_of(const struct signed_statement *signed_statement, struct rotation *ret_rotation,
                 struct fault *fault);

/* Whether both keys that the statement names have signed it, and the new one may be one. */
enum check rotation_check_signed(const struct rotation *rotation, struct fault *fault);
/* The same, and that it follows the place: its log, host, streams, key, and the very next epoch. */
enum check rotation_check(const struct rotation *rotation, const struct rotation_place *place,
                          struct fault *fault);

#endif
