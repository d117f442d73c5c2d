#include "statement.h"

#include "bytes.h"
#include "statement_type.h"

static const uint8_t label[16] = "tocsin/stmt/v1";

struct hash statement_log(struct slice origin, const struct verify_key *log_key) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, origin.data, origin.size);
    sha256_add(&running, "\n", 1);
    sha256_add(&running, log_key->bytes, sizeof log_key->bytes);
    return sha256_end(&running);
}

bool statement_write(struct buffer *to, const struct statement *statement) {
    buffer_append(to, label, sizeof label);
    buffer_append_slice(to, hash_slice(&statement->log));
    buffer_append(to, statement->nonce, sizeof statement->nonce);
    bytes_write_u32(to, statement->type);
    bytes_write_u64(to, statement->made_us);
    bytes_write_u64(to, statement->expires_us);
    return bytes_write_block(to, statement->payload);
}

bool signed_statement_write(struct buffer *to, const struct signed_statement *signed_statement) {
    if (signed_statement->signature_count > STATEMENT_SIGNATURES_MOST)
        return false;
    bytes_write_block(to, signed_statement->bytes);
    bool good = bytes_write_u8(to, (uint8_t)signed_statement->signature_count);
    for (size_t i = 0; i < signed_statement->signature_count; i++) {
        const struct statement_signature *signature = &signed_statement->signatures[i];
        if (signature->bytes.size > UINT16_MAX)
            return false;
        buffer_append_slice(to, hash_slice(&signature->key));
        bytes_write_u8(to, signature->scheme);
        bytes_write_u16(to, (uint16_t)signature->bytes.size);
        good = buffer_append_slice(to, signature->bytes);
    }
    return good && !to->overflow;
}

bool statement_read(struct slice bytes, struct statement *ret_statement, struct fault *fault) {
    struct bytes_reader reader = bytes_read(bytes);
    struct statement statement;
    if (!slice_equal(bytes_read_raw(&reader, sizeof label), slice_make(label, sizeof label)))
        return fault_set(fault, FAULT_FORMAT, "this is no statement of version 1");
    bytes_read_into(&reader, statement.log.bytes, HASH_SIZE);
    bytes_read_into(&reader, statement.nonce, sizeof statement.nonce);
    statement.type = bytes_read_u32(&reader);
    statement.made_us = bytes_read_u64(&reader);
    statement.expires_us = bytes_read_u64(&reader);
    statement.payload = bytes_read_block(&reader);
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the statement has not its length");
    if (statement.payload.size > STATEMENT_PAYLOAD_MOST)
        return fault_set(fault, FAULT_LIMIT, "a statement's payload of %zu bytes; %u is the most",
                         statement.payload.size, STATEMENT_PAYLOAD_MOST);
    if (statement_type_signers(statement.type) == SIGNERS_NONE)
        return fault_set(fault, FAULT_FORMAT, "a statement of type %u, which is none", statement.type);
    if (statement.made_us > statement.expires_us)
        return fault_set(fault, FAULT_FORMAT, "the statement expires before it was made");
    *ret_statement = statement;
    return true;
}

bool signed_statement_read(struct slice bytes, struct signed_statement *ret_statement, struct fault *fault) {
    struct bytes_reader reader = bytes_read(bytes);
    struct signed_statement read = {.bytes = bytes_read_block(&reader)};
    if (!statement_read(read.bytes, &read.statement, fault))
        return false;
    read.signature_count = bytes_read_u8(&reader);
    if (read.signature_count > STATEMENT_SIGNATURES_MOST)
        return fault_set(fault, FAULT_LIMIT, "a statement with %zu signatures; %u is the most",
                         read.signature_count, STATEMENT_SIGNATURES_MOST);
    for (size_t i = 0; i < read.signature_count; i++) {
        struct statement_signature *signature = &read.signatures[i];
        bytes_read_into(&reader, signature->key.bytes, HASH_SIZE);
        signature->scheme = bytes_read_u8(&reader);
        signature->bytes = bytes_read_raw(&reader, bytes_read_u16(&reader));
    }
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the signed statement has not its length");
    *ret_statement = read;
    return true;
}

bool signed_statement_by(const struct signed_statement *signed_statement, size_t place,
                         const struct verify_key *key) {
    if (place >= signed_statement->signature_count)
        return false;
    const struct statement_signature *signature = &signed_statement->signatures[place];
    struct hash hash = sha256_of(slice_make(key->bytes, sizeof key->bytes));
    return signature->scheme == STATEMENT_ED25519 && signature->bytes.size == ED25519_SIGNATURE_SIZE &&
           hash_equal(&signature->key, &hash) &&
           ed25519_verify(key, signed_statement->bytes, signature->bytes.data);
}
