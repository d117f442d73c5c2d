#include "note.h"

#include <inttypes.h>

#include "bytes.h"
#include "encoding.h"

#define DASH "\xe2\x80\x94" /* U+2014 */
#define TIME_SIZE 8u
#define HASH_BASE64_SIZE 44u
#define PAYLOAD_MOST (NOTE_KEY_ID_SIZE + TIME_SIZE + ED25519_SIGNATURE_SIZE)

/* ---- what the formats share */

bool note_decimal(struct slice text, uint64_t *ret_number) {
    uint64_t number;
    if (text.size == 0 || (text.size > 1 && text.data[0] == '0') || !slice_decimal(text, &number) ||
        number > (uint64_t)INT64_MAX)
        return false;
    *ret_number = number;
    return true;
}

bool note_hash_read(struct slice text, struct hash *ret_hash) {
    CLEANUP_BUFFER struct buffer decoded = BUFFER(HASH_SIZE);
    if (text.size != HASH_BASE64_SIZE || !encoding_unbase64(&decoded, text) || decoded.size != HASH_SIZE)
        return false;
    *ret_hash = hash_from(decoded.data);
    return true;
}

bool note_hash_write(struct buffer *to, const struct hash *hash) {
    return encoding_base64(to, hash_slice(hash));
}

bool note_line(struct slice *rest, struct slice *ret_line) {
    size_t end = slice_find_byte(*rest, '\n');
    if (end == SIZE_MAX)
        return false;
    *ret_line = slice_head(*rest, end);
    *rest = slice_from(*rest, end + 1);
    return true;
}

/* ---- reading */

static bool text_good(struct slice bytes) {
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i] < ' ' && bytes.data[i] != '\n')
            return false;
    return encoding_is_utf8(bytes);
}

/* The newline that ends the text; the blank line behind it is the note's last. */
static size_t end_of_text(struct slice bytes) {
    for (size_t i = bytes.size; i-- > 1;)
        if (bytes.data[i] == '\n' && bytes.data[i - 1] == '\n')
            return i - 1;
    return SIZE_MAX;
}

/* Names of keys that nobody here has may be longer than ours. */
static bool foreign_name_good(struct slice name) {
    return name.size > NOTE_NAME_MOST ? slice_find_byte(name, '+') == SIZE_MAX : note_name_good(name);
}

static bool signature_read(struct slice line, struct buffer *scratch, struct note_signature *ret_signature) {
    const struct slice mark = SLICE(DASH " ");
    if (!slice_starts(line, mark))
        return false;
    line = slice_from(line, mark.size);
    size_t blank = slice_find_byte(line, ' ');
    if (blank == SIZE_MAX || !foreign_name_good(slice_head(line, blank)))
        return false;
    struct note_signature signature = {.name = slice_head(line, blank),
                                       .base64 = slice_from(line, blank + 1)};
    buffer_clear(scratch);
    if (!encoding_unbase64(scratch, signature.base64) || scratch->size <= NOTE_KEY_ID_SIZE)
        return false;
    memcpy(signature.key_id, scratch->data, sizeof signature.key_id);
    *ret_signature = signature;
    return true;
}

static bool signatures_read(struct slice rest, struct note *note, struct fault *fault) {
    CLEANUP_BUFFER struct buffer scratch = BUFFER(NOTE_MOST);
    while (rest.size > 0) {
        struct slice line;
        if (note->signature_count == NOTE_SIGNATURES_MOST)
            return fault_set(fault, FAULT_LIMIT, "the note has more than %u signatures",
                             NOTE_SIGNATURES_MOST);
        if (!note_line(&rest, &line) ||
            !signature_read(line, &scratch, &note->signatures[note->signature_count]))
            return fault_set(fault, FAULT_FORMAT, "line %zu of the note's signatures is no signature line",
                             note->signature_count + 1);
        note->signature_count++;
    }
    return note->signature_count > 0 || fault_set(fault, FAULT_FORMAT, "the note has no signature");
}

bool note_read(struct slice bytes, struct note *ret_note, struct fault *fault) {
    if (bytes.size > NOTE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a note of %zu bytes; %u is the most", bytes.size, NOTE_MOST);
    if (!text_good(bytes))
        return fault_set(fault, FAULT_FORMAT, "the note is not UTF-8 text without control characters");
    size_t end = end_of_text(bytes);
    if (end == SIZE_MAX)
        return fault_set(fault, FAULT_FORMAT, "the note has no blank line before its signatures");
    struct note note = {.text = slice_head(bytes, end + 1), .signature_count = 0};
    if (!signatures_read(slice_from(bytes, end + 2), &note, fault))
        return false;
    *ret_note = note;
    return true;
}

/* ---- signatures */

/* What a witness signs. */
static bool cosigned(struct buffer *to, struct slice text, uint64_t time_s) {
    buffer_printf(to, "cosignature/v1\ntime %" PRIu64 "\n", time_s);
    return buffer_append_slice(to, text) && !to->overflow;
}

bool note_signature_names(const struct note_signature *signature, const struct note_key *key) {
    return memcmp(signature->key_id, key->id, sizeof key->id) == 0 &&
           slice_equal(signature->name, note_key_name(key));
}

bool note_signature_check(struct slice text, const struct note_signature *signature,
                          const struct note_key *key, uint64_t *ret_time_s) {
    bool witness = key->type == NOTE_KEY_WITNESS;
    size_t payload = NOTE_KEY_ID_SIZE + (witness ? TIME_SIZE : 0);
    CLEANUP_BUFFER struct buffer decoded = BUFFER(PAYLOAD_MOST);
    if (!encoding_unbase64(&decoded, signature->base64) || decoded.size != payload + ED25519_SIGNATURE_SIZE)
        return false;
    if (!witness) {
        *ret_time_s = 0;
        return ed25519_verify(&key->key, text, decoded.data + payload);
    }
    uint64_t time_s = bytes_get_u64(decoded.data + NOTE_KEY_ID_SIZE);
    if (time_s == 0 || time_s > NOTE_TIME_MOST)
        return false;
    CLEANUP_BUFFER struct buffer message = BUFFER(NOTE_MOST + 64);
    if (!cosigned(&message, text, time_s) ||
        !ed25519_verify(&key->key, buffer_slice(&message), decoded.data + payload))
        return false;
    *ret_time_s = time_s;
    return true;
}

static bool line_write(struct buffer *to, const struct note_key *key, const uint8_t *payload, size_t size) {
    buffer_append_string(to, DASH " ");
    buffer_append_slice(to, note_key_name(key));
    buffer_append_string(to, " ");
    encoding_base64(to, slice_make(payload, size));
    return buffer_append_string(to, "\n") && !to->overflow;
}

bool note_sign(struct buffer *to, struct slice text, const struct note_key *key,
               const struct signing_key *signing) {
    uint8_t payload[NOTE_KEY_ID_SIZE + ED25519_SIGNATURE_SIZE];
    memcpy(payload, key->id, NOTE_KEY_ID_SIZE);
    signing_key_sign(signing, text, payload + NOTE_KEY_ID_SIZE);
    return line_write(to, key, payload, sizeof payload);
}

bool note_cosign(struct buffer *to, struct slice text, const struct note_key *key,
                 const struct signing_key *signing, uint64_t time_s) {
    uint8_t payload[PAYLOAD_MOST];
    CLEANUP_BUFFER struct buffer message = BUFFER(NOTE_MOST + 64);
    if (time_s == 0 || time_s > NOTE_TIME_MOST || !cosigned(&message, text, time_s))
        return false;
    memcpy(payload, key->id, NOTE_KEY_ID_SIZE);
    bytes_put_u64(payload + NOTE_KEY_ID_SIZE, time_s);
    signing_key_sign(signing, buffer_slice(&message), payload + NOTE_KEY_ID_SIZE + TIME_SIZE);
    return line_write(to, key, payload, sizeof payload);
}
