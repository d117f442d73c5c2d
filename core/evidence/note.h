/* Signed notes (C2SP signed-note; cosignatures: C2SP tlog-cosignature, cosignature/v1).
 *
 *     note           = text, which ends in a newline ‖ 0x0A ‖ signature lines
 *     signature line = "— " name " " base64(key id[4] ‖ payload) 0x0A
 *     payload        = an Ed25519 signature over the text; of a witness: u64 time ‖ its signature over
 *                      "cosignature/v1\ntime <time>\n" ‖ text
 *
 * The dash is U+2014. The text is parted from the signatures by the last blank line, so it may hold blank lines. Reading is
 * strict: UTF-8, no control character but the newline, every signature line whole and in canonical base64. Nothing is
 * believed before a signature of a known key was checked. What is read borrows from the bytes. */
#ifndef TOCSIN_NOTE_H
#define TOCSIN_NOTE_H

#include "note_key.h"
#include "sha256.h"

#define NOTE_MOST (128u * 1024u) /* bytes: room for 16 signatures of 5 KB, as the new kinds will have */
#define NOTE_SIGNATURES_MOST 64u /* signed-note demands 16 */
#define NOTE_TIME_MOST ((uint64_t)INT64_MAX)

struct note_signature {
    struct slice name;
    uint8_t key_id[NOTE_KEY_ID_SIZE];
    struct slice base64; /* of key id and payload */
};

struct note {
    struct slice text; /* with its last newline */
    size_t signature_count;
    struct note_signature signatures[NOTE_SIGNATURES_MOST];
};

bool note_read(struct slice bytes, struct note *ret_note, struct fault *fault);

/* Whether the signature names this key: both its name and its key id. */
bool note_signature_names(const struct note_signature *signature, const struct note_key *key);
/* Whether a signature that names the key is the key's. *ret_time_s: when the witness signed, 1 to 2^63 − 1; 0 of a log. */
bool note_signature_check(struct slice text, const struct note_signature *signature,
                          const struct note_key *key, uint64_t *ret_time_s);

/* Appends a signature line. Its key must be the one that `key` names. */
bool note_sign(struct buffer *to, struct slice text, const struct note_key *key,
               const struct signing_key *signing);
bool note_cosign(struct buffer *to, struct slice text, const struct note_key *key,
                 const struct signing_key *signing, uint64_t time_s);

/* The parts that the C2SP formats share. Decimal: no sign, no leading zero, nothing around it, up to 2^63 − 1. */
bool note_decimal(struct slice text, uint64_t *ret_number);
/* A hash as exactly 44 characters of canonical base64. */
bool note_hash_read(struct slice text, struct hash *ret_hash);
bool note_hash_write(struct buffer *to, const struct hash *hash);
/* Takes the next line off, without its newline. False, and nothing taken, where there is no newline. */
bool note_line(struct slice *rest, struct slice *ret_line);

#endif
