/* The arithmetic is OpenSSL's big numbers and the complete addition law of twisted Edwards curves in extended coordinates
 * (RFC 8032, 5.1.4): x = X/Z, y = Y/Z, xy = T/Z. */
#include "ed25519_point.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdlib.h>

struct curve {
    BN_CTX *scratch;
    BIGNUM *prime, *d, *order;
    bool failed; /* sticky: memory ran out */
};

struct point {
    BIGNUM *x, *y, *z, *t;
};

static BIGNUM *number(struct curve *curve) {
    BIGNUM *made = BN_CTX_get(curve->scratch);
    if (!made)
        abort();
    return made;
}

static BIGNUM *number_hex(struct curve *curve, const char *text) {
    BIGNUM *made = number(curve);
    curve->failed |= BN_hex2bn(&made, text) == 0;
    return made;
}

static void times(struct curve *curve, BIGNUM *to, const BIGNUM *a, const BIGNUM *b) {
    curve->failed |= !BN_mod_mul(to, a, b, curve->prime, curve->scratch);
}
static void plus(struct curve *curve, BIGNUM *to, const BIGNUM *a, const BIGNUM *b) {
    curve->failed |= !BN_mod_add_quick(to, a, b, curve->prime);
}
static void minus(struct curve *curve, BIGNUM *to, const BIGNUM *a, const BIGNUM *b) {
    curve->failed |= !BN_mod_sub_quick(to, a, b, curve->prime);
}

static struct point point_identity(struct curve *curve) {
    struct point point = {number(curve), number(curve), number(curve), number(curve)};
    curve->failed |= !BN_one(point.y) || !BN_one(point.z);
    return point;
}

static void point_copy(struct curve *curve, struct point *to, const struct point *from) {
    curve->failed |= !BN_copy(to->x, from->x) || !BN_copy(to->y, from->y) || !BN_copy(to->z, from->z) ||
                     !BN_copy(to->t, from->t);
}

static bool point_is_identity(const struct point *point) {
    return BN_is_zero(point->x) && BN_cmp(point->y, point->z) == 0;
}

/* to = a + b; `to` may be either. The law has no exceptions, so it doubles too. */
static void point_add(struct curve *curve, struct point *to, const struct point *a, const struct point *b) {
    BN_CTX_start(curve->scratch);
    BIGNUM *left = number(curve), *right = number(curve);
    BIGNUM *e = number(curve), *f = number(curve), *g = number(curve), *h = number(curve);
    minus(curve, left, a->y, a->x);
    minus(curve, right, b->y, b->x);
    times(curve, e, left, right);
    plus(curve, left, a->y, a->x);
    plus(curve, right, b->y, b->x);
    times(curve, h, left, right);
    times(curve, f, a->t, b->t);
    times(curve, f, f, curve->d);
    plus(curve, f, f, f);
    times(curve, g, a->z, b->z);
    plus(curve, g, g, g);
    /* now A = e, B = h, C = f, D = g */
    minus(curve, left, h, e);
    plus(curve, h, h, e);
    minus(curve, right, g, f);
    plus(curve, g, g, f);
    /* and E = left, F = right, G = g, H = h */
    times(curve, to->x, left, right);
    times(curve, to->y, g, h);
    times(curve, to->t, left, h);
    times(curve, to->z, right, g);
    BN_CTX_end(curve->scratch);
}

static struct point point_multiply(struct curve *curve, const struct point *point, const BIGNUM *by) {
    struct point sum = point_identity(curve);
    for (int bit = BN_num_bits(by); bit-- > 0;) {
        point_add(curve, &sum, &sum, &sum);
        if (BN_is_bit_set(by, bit))
            point_add(curve, &sum, &sum, point);
    }
    return sum;
}

/* x from y (RFC 8032, 5.1.3): a square root of (y² − 1) / (d·y² + 1) with the sign that the encoding names. */
static enum ed25519_point recover_x(struct curve *curve, struct point *point, bool odd) {
    BIGNUM *above = number(curve), *below = number(curve), *one = number(curve);
    curve->failed |= !BN_one(one);
    times(curve, above, point->y, point->y);
    times(curve, below, above, curve->d);
    minus(curve, above, above, one);
    plus(curve, below, below, one);
    curve->failed |= !BN_mod_inverse(below, below, curve->prime, curve->scratch);
    times(curve, above, above, below);
    if (!BN_mod_sqrt(point->x, above, curve->prime, curve->scratch))
        return ED25519_POINT_NO_POINT;
    if (BN_is_zero(point->x))
        return odd ? ED25519_POINT_NON_CANONICAL : ED25519_POINT_PRIME_ORDER;
    if ((bool)BN_is_odd(point->x) != odd)
        curve->failed |= !BN_sub(point->x, curve->prime, point->x);
    return ED25519_POINT_PRIME_ORDER;
}

static enum ed25519_point classify(struct curve *curve, const uint8_t encoding[32]) {
    uint8_t bytes[32];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = encoding[i];
    bytes[31] &= 0x7f;
    struct point point = point_identity(curve);
    curve->failed |= !BN_lebin2bn(bytes, sizeof bytes, point.y);
    if (BN_cmp(point.y, curve->prime) >= 0)
        return ED25519_POINT_NON_CANONICAL;
    enum ed25519_point found = recover_x(curve, &point, encoding[31] >> 7);
    if (found != ED25519_POINT_PRIME_ORDER)
        return found;
    times(curve, point.t, point.x, point.y);

    struct point eightfold = point_identity(curve);
    point_copy(curve, &eightfold, &point);
    for (int i = 0; i < 3; i++)
        point_add(curve, &eightfold, &eightfold, &eightfold);
    if (point_is_identity(&eightfold))
        return ED25519_POINT_SMALL_ORDER;
    struct point last = point_multiply(curve, &point, curve->order);
    return point_is_identity(&last) ? ED25519_POINT_PRIME_ORDER : ED25519_POINT_MIXED_ORDER;
}

enum ed25519_point ed25519_point_classify(const uint8_t encoding[32]) {
    struct curve curve = {.scratch = BN_CTX_new()};
    if (!curve.scratch)
        abort();
    ERR_set_mark();
    BN_CTX_start(curve.scratch);
    curve.prime = number_hex(&curve, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
    curve.d = number_hex(&curve, "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
    curve.order = number_hex(&curve, "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    enum ed25519_point found = classify(&curve, encoding);
    if (curve.failed)
        abort();
    BN_CTX_end(curve.scratch);
    BN_CTX_free(curve.scratch);
    ERR_pop_to_mark();
    return found;
}
