#include "note_key.h"

#include "encoding.h"
#include "sha256.h"

#define TYPED_KEY_SIZE (1 + ED25519_PUBLIC_SIZE)

/* ---- names */

/* The code point at the front of well-formed UTF-8. */
static uint32_t code_point(struct slice *rest) {
    const uint8_t *at = rest->data;
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t point = size == 1 ? at[0] : at[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        point = point << 6 | (at[i] & 0x3f);
    *rest = slice_from(*rest, size);
    return point;
}

/* Unicode's White_Space above U+0020. */
static bool is_space(uint32_t point) {
    return point == 0x85 || point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
           point == 0x2028 || point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

bool note_name_good(struct slice name) {
    if (name.size == 0 || name.size > NOTE_NAME_MOST || !encoding_is_utf8(name))
        return false;
    while (name.size > 0) {
        uint32_t point = code_point(&name);
        if (point <= ' ' || point == '+' || is_space(point))
            return false;
    }
    return true;
}

/* ---- keys */

static void typed_key(const struct note_key *key, uint8_t ret_bytes[TYPED_KEY_SIZE]) {
    ret_bytes[0] = (uint8_t)key->type;
    memcpy(ret_bytes + 1, key->key.bytes, ED25519_PUBLIC_SIZE);
}

static void identify(struct note_key *key) {
    uint8_t typed[TYPED_KEY_SIZE];
    typed_key(key, typed);
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, key->name, key->name_size);
    sha256_add(&running, "\n", 1);
    sha256_add(&running, typed, sizeof typed);
    struct hash hash = sha256_end(&running);
    memcpy(key->id, hash.bytes, sizeof key->id);
}

bool note_key_make(enum note_key_type type, struct slice name, const struct verify_key *key,
                   struct note_key *ret_key, struct fault *fault) {
    if (!note_name_good(name))
        return fault_set(fault, FAULT_FORMAT,
                         "a key's name has 1 to %u bytes, and neither white space nor a plus sign",
                         NOTE_NAME_MOST);
    if (!verify_key_check(key, fault))
        return false;
    struct note_key made = {.type = type, .key = *key, .name_size = (uint8_t)name.size};
    memcpy(made.name, name.data, name.size);
    identify(&made);
    *ret_key = made;
    return true;
}

bool note_key_write(struct buffer *to, const struct note_key *key) {
    uint8_t typed[TYPED_KEY_SIZE];
    char id[2 * NOTE_KEY_ID_SIZE + 1];
    typed_key(key, typed);
    encoding_hex(key->id, sizeof key->id, id);
    buffer_append_slice(to, note_key_name(key));
    buffer_append_string(to, "+");
    buffer_append_string(to, id);
    buffer_append_string(to, "+");
    return encoding_base64(to, slice_make(typed, sizeof typed)) && !to->overflow;
}

/* The three fields; base64 has plus signs of its own. */
static bool split(struct slice vkey, struct slice *ret_name, struct slice *ret_id, struct slice *ret_key) {
    size_t first = slice_find_byte(vkey, '+');
    if (first == SIZE_MAX)
        return false;
    struct slice rest = slice_from(vkey, first + 1);
    size_t second = slice_find_byte(rest, '+');
    if (second != 2 * NOTE_KEY_ID_SIZE)
        return false;
    *ret_name = slice_head(vkey, first);
    *ret_id = slice_head(rest, second);
    *ret_key = slice_from(rest, second + 1);
    return true;
}

static bool same_id(struct slice text, const uint8_t id[NOTE_KEY_ID_SIZE]) {
    char expected[2 * NOTE_KEY_ID_SIZE + 1];
    encoding_hex(id, NOTE_KEY_ID_SIZE, expected);
    return slice_equal(text, slice_string(expected));
}

bool note_key_read(struct slice vkey, struct note_key *ret_key, struct fault *fault) {
    struct slice name, id, encoded;
    CLEANUP_BUFFER struct buffer typed = BUFFER(TYPED_KEY_SIZE);
    if (!split(vkey, &name, &id, &encoded))
        return fault_set(fault, FAULT_FORMAT, "a verifier key is NAME+HEXID+BASE64");
    if (!encoding_unbase64(&typed, encoded) || typed.size != TYPED_KEY_SIZE)
        return fault_set(fault, FAULT_FORMAT,
                         "a verifier key ends in the base64 of a type and %u bytes of key",
                         ED25519_PUBLIC_SIZE);
    uint8_t type = typed.data[0];
    if (type != NOTE_KEY_LOG && type != NOTE_KEY_WITNESS)
        return fault_set(fault, FAULT_FORMAT,
                         "a verifier key of type %u; known are %d (log) and %d (witness)", type, NOTE_KEY_LOG,
                         NOTE_KEY_WITNESS);
    struct verify_key key;
    struct note_key made;
    memcpy(key.bytes, typed.data + 1, sizeof key.bytes);
    if (!note_key_make((enum note_key_type)type, name, &key, &made, fault))
        return false;
    if (!same_id(id, made.id))
        return fault_set(fault, FAULT_FORMAT,
                         "the key id of the verifier key is not that of its name and key");
    *ret_key = made;
    return true;
}

bool note_key_equal(const struct note_key *a, const struct note_key *b) {
    return a->type == b->type && slice_equal(note_key_name(a), note_key_name(b)) &&
           memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes) == 0;
}
