/* The public keys that sign statements, and whether a signature is one's.
 *
 *     key = u8 scheme ‖ u8 size ‖ bytes      scheme 1: Ed25519, 32 bytes; scheme 2: WebAuthn, 32 (EdDSA) or 65 (ES256)
 *
 * A value. Reading refuses keys that may not be enrolled (ed25519.h, webauthn.h). */
#ifndef TOCSIN_SIGNER_KEY_H
#define TOCSIN_SIGNER_KEY_H

#include "bytes.h"
#include "statement.h"
#include "webauthn.h"

#define SIGNER_KEY_MOST 65u

struct signer_key {
    uint8_t scheme; /* enum statement_scheme */
    uint8_t size;
    uint8_t bytes[SIGNER_KEY_MOST];
};

struct signer_key signer_key_ed25519(const struct verify_key *key);
bool signer_key_write(struct buffer *to, const struct signer_key *key);
bool signer_key_read(struct bytes_reader *from, struct signer_key *ret_key, struct fault *fault);
struct hash signer_key_hash(const struct signer_key *key); /* what a signature names it by */

/* Whether the signature over the statement is the key's, by the key's own scheme. `page` is for scheme 2. */
bool signer_key_signed(const struct signer_key *key, struct slice statement,
                       const struct statement_signature *signature, const struct webauthn_page *page,
                       struct fault *fault);

#endif
