#include "rotation.h"

#include "bytes.h"
#include "statement_type.h"
#include "stream_id.h"

#define SIGNATURES 2u /* the old key's, the new key's */

static bool keys_equal(const struct verify_key *a, const struct verify_key *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* ---- writing */

static bool payload_write(struct buffer *to, const struct rotation_place *place,
                          const struct verify_key *old_key, const struct verify_key *new_key) {
    struct hash streams[LANES];
    if (!stream_ids_make(place->name, place->first_key, streams))
        return false;
    bytes_write_u8(to, (uint8_t)place->name.size);
    buffer_append_slice(to, place->name);
    for (unsigned lane = 0; lane < LANES; lane++)
        buffer_append_slice(to, hash_slice(&streams[lane]));
    buffer_append(to, old_key->bytes, sizeof old_key->bytes);
    buffer_append(to, new_key->bytes, sizeof new_key->bytes);
    return bytes_write_u32(to, place->epoch + 1);
}

bool rotation_sign(const struct rotation_place *place, const struct signing_key *old,
                   const struct signing_key *next, const uint8_t nonce[STATEMENT_NONCE_SIZE],
                   uint64_t made_us, struct buffer *to) {
    const struct signing_key *keys[SIGNATURES] = {old, next};
    CLEANUP_BUFFER struct buffer payload = BUFFER(ROTATION_MOST), bytes = BUFFER(ROTATION_MOST);
    if (!payload_write(&payload, place, signing_key_public(old), signing_key_public(next)))
        return false;
    struct statement statement = {.log = *place->log,
                                  .type = STATEMENT_AGENT_ROTATE,
                                  .made_us = made_us,
                                  .expires_us = STATEMENT_EXPIRES_NEVER,
                                  .payload = buffer_slice(&payload)};
    memcpy(statement.nonce, nonce, sizeof statement.nonce);
    if (!statement_write(&bytes, &statement))
        return false;
    uint8_t signatures[SIGNATURES][ED25519_SIGNATURE_SIZE];
    struct signed_statement whole = {.bytes = buffer_slice(&bytes), .signature_count = SIGNATURES};
    for (size_t i = 0; i < SIGNATURES; i++) {
        const struct verify_key *key = signing_key_public(keys[i]);
        signing_key_sign(keys[i], whole.bytes, signatures[i]);
        whole.signatures[i] =
            (struct statement_signature){sha256_of(slice_make(key->bytes, sizeof key->bytes)),
                                         STATEMENT_ED25519, slice_make(signatures[i], sizeof signatures[i])};
    }
    return signed_statement_write(to, &whole);
}

/* ---- reading */

static bool payload_read(struct slice payload, struct rotation *rotation) {
    struct bytes_reader reader = bytes_read(payload);
    rotation->name = bytes_read_raw(&reader, bytes_read_u8(&reader));
    for (unsigned lane = 0; lane < LANES; lane++)
        bytes_read_into(&reader, rotation->streams[lane].bytes, HASH_SIZE);
    bytes_read_into(&reader, rotation->old_key.bytes, sizeof rotation->old_key.bytes);
    bytes_read_into(&reader, rotation->new_key.bytes, sizeof rotation->new_key.bytes);
    rotation->epoch = bytes_read_u32(&reader);
    return bytes_read_done(&reader) && host_name_good(rotation->name);
}

bool rotation_of(const struct signed_statement *signed_statement, struct rotation *ret_rotation,
                 struct fault *fault) {
    struct rotation rotation = {.statement = *signed_statement};
    const struct statement *statement = &signed_statement->statement;
    if (statement->type != STATEMENT_AGENT_ROTATE)
        return fault_set(fault, FAULT_FORMAT, "a statement of type %u is no rotation", statement->type);
    if (!payload_read(statement->payload, &rotation))
        return fault_set(fault, FAULT_FORMAT, "a rotation's payload that cannot be read");
    if (rotation.statement.signature_count != SIGNATURES)
        return fault_set(fault, FAULT_FORMAT,
                         "a rotation is signed by the old and the new key, this one %zu times",
                         rotation.statement.signature_count);
    if (statement->expires_us != STATEMENT_EXPIRES_NEVER)
        return fault_set(fault, FAULT_FORMAT, "an agent's statement never expires, this one does");
    *ret_rotation = rotation;
    return true;
}

bool rotation_read(struct slice bytes, struct rotation *ret_rotation, struct fault *fault) {
    struct signed_statement statement;
    return signed_statement_read(bytes, &statement, fault) && rotation_of(&statement, ret_rotation, fault);
}

/* ---- checking */

static enum check refuse(enum check check, struct fault *fault, const char *text) {
    fault_set(fault, check == CHECK_SIGNATURE || check == CHECK_STREAM ? FAULT_AUTH : FAULT_CONFLICT, "%s",
              text);
    return check;
}

enum check rotation_check_signed(const struct rotation *rotation, struct fault *fault) {
    struct fault inner = {0};
    if (keys_equal(&rotation->old_key, &rotation->new_key))
        return refuse(CHECK_KEY, fault, "the rotation's new key is the old one");
    if (!verify_key_check(&rotation->new_key, &inner))
        return refuse(CHECK_KEY, fault, inner.text);
    if (!signed_statement_by(&rotation->statement, 0, &rotation->old_key))
        return refuse(CHECK_SIGNATURE, fault, "the rotation is not signed by the old key");
    if (!signed_statement_by(&rotation->statement, 1, &rotation->new_key))
        return refuse(CHECK_SIGNATURE, fault, "the rotation is not signed by the new key");
    return CHECK_ACCEPTED;
}

static enum check check_place(const struct rotation *rotation, const struct rotation_place *place,
                              struct fault *fault) {
    struct hash streams[LANES];
    if (place->log && !hash_equal(&rotation->statement.statement.log, place->log))
        return refuse(CHECK_STREAM, fault, "the rotation was signed for another log");
    if (!slice_equal(rotation->name, place->name) || !stream_ids_make(place->name, place->first_key, streams))
        return refuse(CHECK_STREAM, fault, "the rotation is another host's");
    for (unsigned lane = 0; lane < LANES; lane++)
        if (!hash_equal(&rotation->streams[lane], &streams[lane]))
            return refuse(CHECK_STREAM, fault, "the rotation names other streams than the host's");
    if (rotation->epoch != place->epoch + 1) {
        fault_set(fault, FAULT_CONFLICT, "the rotation opens key epoch %u, and %u comes after %u",
                  rotation->epoch, place->epoch + 1, place->epoch);
        return CHECK_EPOCH;
    }
    if (!keys_equal(&rotation->old_key, place->key))
        return refuse(CHECK_CHAIN, fault, "the rotation's old key is not the one in force");
    if (keys_equal(&rotation->new_key, place->first_key))
        return refuse(CHECK_KEY, fault, "the rotation goes back to the first key");
    return CHECK_ACCEPTED;
}

enum check rotation_check(const struct rotation *rotation, const struct rotation_place *place,
                          struct fault *fault) {
    enum check check = check_place(rotation, place, fault);
    return check_good(check) ? rotation_check_signed(rotation, fault) : check;
}
