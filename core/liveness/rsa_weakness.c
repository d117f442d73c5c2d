#include "rsa_weakness.h"

#include <openssl/bn.h>

static BIGNUM *read_modulus(struct slice modulus) {
    if (modulus.size > RSA_WEAKNESS_BITS_MOST / 8)
        return NULL;
    BIGNUM *number = BN_bin2bn(modulus.data, (int)modulus.size, NULL);
    if (number && BN_num_bits(number) >= 16)
        return number;
    BN_free(number);
    return NULL;
}

/* ---- small factors */

unsigned rsa_small_factor(struct slice modulus) {
    BIGNUM *number = read_modulus(modulus);
    unsigned found = 0;
    if (number && !BN_is_odd(number))
        found = 2;
    /* Three divisors at a time: dividing the long number is what costs. */
    for (unsigned first = 3; number && !found && first < RSA_FACTOR_LEAST; first += 6) {
        BN_ULONG rest = BN_mod_word(number, (BN_ULONG)first * (first + 2) * (first + 4));
        for (unsigned divisor = first; !found && divisor < first + 6 && divisor < RSA_FACTOR_LEAST;
             divisor += 2)
            if (rest % divisor == 0)
                found = divisor;
    }
    BN_free(number);
    return found;
}

/* ---- close primes */

struct numbers {
    BN_CTX *context;
    BIGNUM *a, *square, *root, *quotient, *sum;
};

/* The largest whole number whose square is not above `of`, by Newton's method from above. */
static bool take_root(const struct numbers *numbers, BIGNUM *root, const BIGNUM *of) {
    if (BN_is_zero(of))
        return BN_zero(root), true;
    if (!BN_one(root) || !BN_lshift(root, root, (BN_num_bits(of) + 1) / 2))
        return false;
    for (;;) {
        if (!BN_div(numbers->quotient, NULL, of, root, numbers->context) ||
            !BN_add(numbers->sum, numbers->quotient, root) || !BN_rshift1(numbers->sum, numbers->sum))
            return false;
        if (BN_cmp(numbers->sum, root) >= 0)
            return true;
        if (!BN_copy(root, numbers->sum))
            return false;
    }
}

static bool is_square(const struct numbers *numbers, const BIGNUM *number) {
    const uint64_t squares_of_64 = UINT64_C(0x0202021202030213); /* bit n: some square leaves n */
    return (squares_of_64 >> BN_mod_word(number, 64) & 1) && take_root(numbers, numbers->root, number) &&
           BN_sqr(numbers->sum, numbers->root, numbers->context) && BN_cmp(numbers->sum, number) == 0;
}

/* a from the root upwards, until a^2 - n is a square, b^2: then n = (a - b)(a + b). */
static bool search(const struct numbers *numbers, const BIGNUM *n, unsigned rounds) {
    BIGNUM *a = numbers->a, *square = numbers->square;
    if (!take_root(numbers, a, n) || !BN_sqr(square, a, numbers->context))
        return false;
    if (BN_cmp(square, n) < 0 && (!BN_add_word(a, 1) || !BN_sqr(square, a, numbers->context)))
        return false;
    if (!BN_sub(square, square, n))
        return false;
    for (unsigned round = 0; round < rounds; round++) {
        if (is_square(numbers, square))
            return true;
        /* (a + 1)^2 = a^2 + 2a + 1 */
        if (!BN_add(square, square, a) || !BN_add_word(a, 1) || !BN_add(square, square, a))
            return false;
    }
    return false;
}

bool rsa_has_close_primes(struct slice modulus, unsigned rounds) {
    BIGNUM *n = read_modulus(modulus);
    struct numbers numbers = {BN_CTX_new(), BN_new(), BN_new(), BN_new(), BN_new(), BN_new()};
    bool found = n && BN_is_odd(n) && numbers.context && numbers.a && numbers.square && numbers.root &&
                 numbers.quotient && numbers.sum && search(&numbers, n, rounds);
    BN_free(numbers.a);
    BN_free(numbers.square);
    BN_free(numbers.root);
    BN_free(numbers.quotient);
    BN_free(numbers.sum);
    BN_CTX_free(numbers.context);
    BN_free(n);
    return found;
}

/* ---- ROCA */

#define ROCA_GENERATOR 65537u
/* The odd ones: 2 tells nothing. */
static const uint8_t roca_primes[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                      47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                      107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
#define ROCA_PRIMES (sizeof roca_primes / sizeof *roca_primes)

/* The exponent under which the generator leaves `value`, and after how many powers it begins again. */
static bool take_logarithm(unsigned prime, unsigned value, unsigned *ret_exponent, unsigned *ret_order) {
    bool found = false;
    unsigned power = 1, order = 0;
    do {
        if (power == value) {
            *ret_exponent = order;
            found = true;
        }
        power = power * (ROCA_GENERATOR % prime) % prime;
        order++;
    } while (power != 1);
    *ret_order = order;
    return found;
}

static unsigned common_divisor(unsigned a, unsigned b) {
    while (b) {
        unsigned rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* There is one exponent for all primes together where each two of them agree on theirs (the Chinese remainder theorem). */
static bool have_common_exponent(const BIGNUM *n) {
    unsigned exponents[ROCA_PRIMES], orders[ROCA_PRIMES];
    for (size_t i = 0; i < ROCA_PRIMES; i++) {
        unsigned prime = roca_primes[i];
        if (!take_logarithm(prime, (unsigned)BN_mod_word(n, prime), &exponents[i], &orders[i]))
            return false; /* an ordinary key after two or three primes */
        for (size_t j = 0; j < i; j++) {
            unsigned common = common_divisor(orders[i], orders[j]);
            if (exponents[i] % common != exponents[j] % common)
                return false;
        }
    }
    return true;
}

bool rsa_is_roca(struct slice modulus) {
    BIGNUM *n = read_modulus(modulus);
    bool found = n && have_common_exponent(n);
    BN_free(n);
    return found;
}
