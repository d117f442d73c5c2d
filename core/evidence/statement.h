/* Statements: what people and agents sign before anyone knows where in the log it will stand (log-format: Statements and
 * control entries; FORMATS.md, Statements).
 *
 *     statement        = "tocsin/stmt/v1" ‖ H(origin ‖ 0x0A ‖ log public key) ‖ nonce[32] ‖ u32 type
 *                        ‖ u64 made_us ‖ u64 expires_us ‖ u32 length ‖ payload
 *     signed statement = u32 length ‖ statement ‖ u8 n ‖ n × (H(public key) ‖ u8 scheme ‖ u16 length ‖ signature)
 *
 * A signed statement is, byte by byte, the end of the control entry that it becomes part of (control_entry.h). Reading is
 * strict: known types alone, nothing that expires before it was made; what is read borrows from the bytes. Who must have
 * signed what is in statement_type.h, and checked by control_chain.h and rotation.h. */
#ifndef TOCSIN_STATEMENT_H
#define TOCSIN_STATEMENT_H

#include "buffer.h"
#include "ed25519.h"
#include "fault.h"
#include "sha256.h"

#define STATEMENT_HEAD 104u /* bytes before the payload */
#define STATEMENT_PAYLOAD_MOST 32768u
#define STATEMENT_SIGNATURES_MOST 16u
#define STATEMENT_NONCE_SIZE 32u
#define STATEMENT_EXPIRES_NEVER UINT64_MAX /* agents' statements */

enum statement_scheme {
    STATEMENT_ED25519 = 1,
    STATEMENT_WEBAUTHN = 2, /* webauthn.h */
};

struct statement {
    struct hash log; /* statement_log: a statement counts in this log alone */
    uint8_t nonce[STATEMENT_NONCE_SIZE];
    uint32_t type;
    uint64_t made_us, expires_us;
    struct slice payload;
};

struct statement_signature {
    struct hash key; /* H(public key) */
    uint8_t scheme;
    struct slice bytes;
};

struct signed_statement {
    struct slice bytes; /* what is signed */
    struct statement statement;
    struct statement_signature signatures[STATEMENT_SIGNATURES_MOST];
    size_t signature_count;
};

struct hash statement_log(struct slice origin, const struct verify_key *log_key);

bool statement_write(struct buffer *to, const struct statement *statement);
bool statement_read(struct slice bytes, struct statement *ret_statement, struct fault *fault);
/* Appends u32 length ‖ statement ‖ signatures. */
bool signed_statement_write(struct buffer *to, const struct signed_statement *signed_statement);
bool signed_statement_read(struct slice bytes, struct signed_statement *ret_statement, struct fault *fault);

/* Whether the signature of that place is the key's, over the statement (scheme 1). */
bool signed_statement_by(const struct signed_statement *signed_statement, size_t place,
                         const struct verify_key *key);

#endif
