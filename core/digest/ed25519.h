/* Ed25519 signatures (RFC 8032, pure), over libcrypto.
 *
 * Public keys are values. A key is checked once, at enrolment, with verify_key_check; verification then takes
 * it as it is. Parsing one at every verification costs 2 % of it and saves keeping an object for every idle
 * agent. */
#ifndef TOCSIN_ED25519_H
#define TOCSIN_ED25519_H

#include "fault.h"
#include "slice.h"

#define ED25519_PUBLIC_SIZE 32u
#define ED25519_SEED_SIZE 32u
#define ED25519_SIGNATURE_SIZE 64u

struct verify_key {
    uint8_t bytes[ED25519_PUBLIC_SIZE];
};

/* Whether the key may be enrolled: a canonical encoding of a point of the prime-order group. Refuses what is
 * no point, non-canonical encodings, and points of small or mixed order, all of which OpenSSL takes. About a
 * millisecond; the key is public, so its time may depend on it. */
bool verify_key_check(const struct verify_key *key, struct fault *fault);

/* False for any signature that is not valid, S >= L among them. */
bool ed25519_verify(const struct verify_key *key, struct slice message,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE]);

/* The private half. Opaque; wiped when it is destroyed. One thread at a time. */
struct signing_key;

struct signing_key *signing_key_create(const uint8_t seed[ED25519_SEED_SIZE]);
struct signing_key *signing_key_destroy(struct signing_key *key); /* returns NULL */
const struct verify_key *signing_key_public(const struct signing_key *key);
void signing_key_sign(const struct signing_key *key, struct slice message,
                      uint8_t ret_signature[ED25519_SIGNATURE_SIZE]);

#endif
