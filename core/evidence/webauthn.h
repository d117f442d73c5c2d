/* Signatures by passkeys: WebAuthn assertions (W3C Web Authentication, level 2, 7.2) over a hash.
 *
 *     signature = u16 size ‖ authenticatorData ‖ u16 size ‖ clientDataJSON ‖ u16 size ‖ signature
 *
 * Taken only if the page was the pinned one (origin and rpIdHash), the user was there and verified, and the challenge is the
 * hash. Keys: 65 bytes, an uncompressed point of P-256 (ES256, the signature in DER); 32 bytes, Ed25519 (EdDSA). The
 * signature counter is not looked at: a statement is logged once. */
#ifndef TOCSIN_WEBAUTHN_H
#define TOCSIN_WEBAUTHN_H

#include "ed25519.h"
#include "sha256.h"

#define WEBAUTHN_P256_SIZE 65u
#define WEBAUTHN_CLIENT_DATA_MOST 2048u /* bytes */

struct webauthn_page {
    struct hash rp_id_hash;
    struct slice origin; /* "https://tocsin.ca.example"; empty: no passkeys here */
};

/* Whether the point may be enrolled: uncompressed, on the curve. */
bool webauthn_point_check(struct slice point, struct fault *fault);

bool webauthn_verify(struct slice signature, struct slice key, const struct hash *challenge,
                     const struct webauthn_page *page, struct fault *fault);

#endif
