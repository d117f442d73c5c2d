/* Points of edwards25519 (RFC 8032, 5.1), as far as checking a public key at enrolment needs them. Not constant-time: for
 * public data alone. */
#ifndef TOCSIN_ED25519_POINT_H
#define TOCSIN_ED25519_POINT_H

#include <stdbool.h>
#include <stdint.h>

enum ed25519_point {
    ED25519_POINT_PRIME_ORDER,   /* a key as it should be */
    ED25519_POINT_NO_POINT,      /* x does not exist */
    ED25519_POINT_NON_CANONICAL, /* y >= p, or x = 0 with the sign bit */
    ED25519_POINT_SMALL_ORDER,   /* order 1, 2, 4 or 8 */
    ED25519_POINT_MIXED_ORDER,   /* a multiple of L, but not L */
};

enum ed25519_point ed25519_point_classify(const uint8_t encoding[32]);

#endif
