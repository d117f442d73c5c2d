/* Verifier keys of signed notes (C2SP signed-note): a name, a type and an Ed25519 key.
 *
 *     key id       = H(name ‖ 0x0A ‖ u8 type ‖ public key)[:4]
 *     verifier key = name "+" 8 lower-case hexadecimal digits of the key id "+" base64(u8 type ‖ public key)
 *
 * A value. Reading is strict: one spelling, known types, a key id that is the key's, and a key that may be enrolled
 * (ed25519.h; a millisecond). */
#ifndef TOCSIN_NOTE_KEY_H
#define TOCSIN_NOTE_KEY_H

#include "buffer.h"
#include "ed25519.h"

#define NOTE_NAME_MOST 255u /* bytes of a key's name, and so of an origin */
#define NOTE_KEY_ID_SIZE 4u
#define NOTE_VKEY_MOST (NOTE_NAME_MOST + 1 + 8 + 1 + 44)

enum note_key_type {
    NOTE_KEY_LOG = 1,     /* signs the text */
    NOTE_KEY_WITNESS = 4, /* cosignature/v1: signs a time and the text */
};

struct note_key {
    enum note_key_type type;
    uint8_t id[NOTE_KEY_ID_SIZE];
    struct verify_key key;
    uint8_t name_size;
    char name[NOTE_NAME_MOST];
};

/* 1 to 255 bytes of UTF-8 without control characters, "+" and every white space that Unicode has. */
bool note_name_good(struct slice name);

bool note_key_make(enum note_key_type type, struct slice name, const struct verify_key *key,
                   struct note_key *ret_key, struct fault *fault);
bool note_key_read(struct slice vkey, struct note_key *ret_key, struct fault *fault);
bool note_key_write(struct buffer *to, const struct note_key *key);

static inline struct slice note_key_name(const struct note_key *key) {
    return slice_make(key->name, key->name_size);
}
/* Whether both name the same key: type, name and key. */
bool note_key_equal(const struct note_key *a, const struct note_key *b);

#endif
