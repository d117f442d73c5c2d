/* RSA moduli that are easily factored are told, and thousands of ordinary ones are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bn.h>

#include "rsa_weakness.h"

#define MODULUS_MOST 512u
static uint8_t bytes[MODULUS_MOST];
static BN_CTX *context;

static struct slice slice_of(const BIGNUM *number) {
    assert_true(BN_num_bytes(number) <= (int)sizeof bytes);
    return slice_make(bytes, (size_t)BN_bn2bin(number, bytes));
}

static BIGNUM *random_prime(int bits) {
    BIGNUM *prime = BN_new();
    assert_int_equal(BN_generate_prime_ex(prime, bits, 0, NULL, NULL, NULL), 1);
    return prime;
}

static int set_up(void **state) {
    (void)state;
    context = BN_CTX_new();
    return context ? 0 : -1;
}
static int tear_down(void **state) {
    (void)state;
    BN_CTX_free(context);
    return 0;
}

static void thousands_of_ordinary_moduli_are_not_weak(void **state) {
    (void)state;
    BIGNUM *modulus = BN_new(), *before = random_prime(128);
    for (int i = 0; i < 4000; i++) {
        BIGNUM *prime = random_prime(i % 2 ? 128 : 160);
        assert_int_equal(BN_mul(modulus, prime, before, context), 1);
        struct slice ordinary = slice_of(modulus);
        assert_int_equal(rsa_small_factor(ordinary), 0);
        assert_false(rsa_has_close_primes(ordinary, 100));
        assert_false(rsa_is_roca(ordinary));
        BN_free(before);
        before = prime;
    }
    BN_free(before);
    BN_free(modulus);
}

static void the_least_factor_below_752_is_found(void **state) {
    (void)state;
    static const unsigned factors[] = {2, 3, 5, 7, 743, 751, 757};
    BIGNUM *modulus = random_prime(1024);
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        BIGNUM *product = BN_dup(modulus);
        assert_int_equal(BN_mul_word(product, factors[i]), 1);
        assert_int_equal(rsa_small_factor(slice_of(product)), factors[i] < 752 ? factors[i] : 0);
        assert_int_equal(BN_mul_word(product, 13), 1);
        assert_int_equal(rsa_small_factor(slice_of(product)), factors[i] < 13 ? factors[i] : 13);
        BN_free(product);
    }
    BN_free(modulus);
}

/* (a - b)(a + b), where Fermat's method arrives at a after about b^2 / 2a rounds. */
static void make_close(BIGNUM *to, BN_ULONG rounds, int bits) {
    BIGNUM *a = BN_new(), *b = BN_new(), *square = BN_new();
    assert_int_equal(BN_rand(a, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
    assert_int_equal(BN_lshift1(square, a) && BN_mul_word(square, rounds), 1);
    assert_int_equal(BN_one(b) && BN_lshift(b, b, BN_num_bits(square)), 1);
    for (int i = 0; i < 4 * bits; i++) { /* Newton's root, the slow way */
        BIGNUM *next = BN_new();
        assert_int_equal(
            BN_div(next, NULL, square, b, context) && BN_add(next, next, b) && BN_rshift1(next, next), 1);
        bool done = BN_cmp(next, b) >= 0;
        BN_swap(next, b);
        BN_free(next);
        if (done)
            break;
    }
    if (BN_is_odd(a) == BN_is_odd(b))
        BN_add_word(b, 1);
    assert_int_equal(BN_sub(square, a, b) && BN_add(to, a, b) && BN_mul(to, to, square, context), 1);
    BN_free(a);
    BN_free(b);
    BN_free(square);
}

static void close_primes_are_found_within_the_rounds_and_not_beyond(void **state) {
    (void)state;
    BIGNUM *modulus = BN_new();
    static const int sizes[] = {256, 512, 1024, 2048};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (BN_ULONG rounds = 1; rounds <= 96; rounds += 19) {
            make_close(modulus, rounds, sizes[i]);
            assert_true(rsa_has_close_primes(slice_of(modulus), 100));
            make_close(modulus, rounds + 110, sizes[i]);
            assert_false(rsa_has_close_primes(slice_of(modulus), 100));
            assert_true(rsa_has_close_primes(slice_of(modulus), 220));
        }
    BN_free(modulus);
}

static void a_prime_and_the_next_one_or_twice_the_same_are_close(void **state) {
    (void)state;
    BIGNUM *prime = random_prime(512), *next = BN_dup(prime), *modulus = BN_new();
    do
        BN_add_word(next, 2);
    while (BN_check_prime(next, context, NULL) != 1);
    assert_int_equal(BN_mul(modulus, prime, next, context), 1);
    assert_true(rsa_has_close_primes(slice_of(modulus), 1));
    assert_int_equal(BN_sqr(modulus, prime, context), 1);
    assert_true(rsa_has_close_primes(slice_of(modulus), 1));
    BN_free(prime);
    BN_free(next);
    BN_free(modulus);
}

/* The product of the primes up to 167. */
static BIGNUM *primorial(void) {
    BIGNUM *product = BN_new();
    BN_one(product);
    for (BN_ULONG candidate = 2; candidate <= 167; candidate++) {
        bool prime = true;
        for (BN_ULONG divisor = 2; divisor * divisor <= candidate; divisor++)
            prime &= candidate % divisor != 0;
        if (prime)
            BN_mul_word(product, candidate);
    }
    return product;
}

/* k * M + 65537^a mod M */
static BIGNUM *roca_prime(const BIGNUM *m) {
    BIGNUM *prime = BN_new(), *generator = BN_new(), *exponent = BN_new(), *k = BN_new();
    BN_set_word(generator, 65537);
    do {
        BN_rand(exponent, 62, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
        BN_rand(k, 37, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY);
        assert_int_equal(BN_mod_exp(prime, generator, exponent, m, context), 1);
        assert_int_equal(BN_mul(k, k, m, context) && BN_add(prime, prime, k), 1);
    } while (BN_check_prime(prime, context, NULL) != 1);
    BN_free(generator);
    BN_free(exponent);
    BN_free(k);
    return prime;
}

static void moduli_in_the_shape_of_rsalib_are_told(void **state) {
    (void)state;
    BIGNUM *m = primorial(), *ordinary = random_prime(256), *modulus = BN_new();
    assert_int_equal(BN_num_bits(m), 220);
    for (int i = 0; i < 20; i++) {
        BIGNUM *p = roca_prime(m), *q = roca_prime(m);
        assert_int_equal(BN_mul(modulus, p, q, context), 1);
        assert_true(rsa_is_roca(slice_of(modulus)));
        assert_int_equal(BN_mul(modulus, p, ordinary, context), 1);
        assert_false(rsa_is_roca(slice_of(modulus)));
        BN_free(p);
        BN_free(q);
    }
    BN_free(m);
    BN_free(ordinary);
    BN_free(modulus);
}

/* 1 modulo every prime but 5, and the generator itself modulo 5: a power under each, yet under no common exponent. */
static void a_power_of_its_own_for_each_prime_is_no_power(void **state) {
    (void)state;
    BIGNUM *m = primorial(), *number = BN_new();
    BN_div_word(m, 5);
    BN_ULONG step = BN_mod_word(m, 5), times = 1;
    while ((1 + times * step) % 5 != 65537 % 5)
        times++;
    BN_copy(number, m);
    BN_mul_word(number, times);
    BN_add_word(number, 1);
    assert_int_equal(BN_mod_word(number, 5), 65537 % 5);
    assert_int_equal(BN_mod_word(number, 13), 1);
    assert_false(rsa_is_roca(slice_of(number)));
    BN_mul_word(m, 5);
    BN_copy(number, m);
    BN_add_word(number, 65537);
    assert_true(rsa_is_roca(slice_of(number)));
    BN_free(m);
    BN_free(number);
}

static void odd_numbers_of_bytes_are_no_trouble(void **state) {
    (void)state;
    static uint8_t many[RSA_WEAKNESS_BITS_MOST / 8 + 1];
    memset(many, 0xff, sizeof many);
    const struct slice moduli[] = {SLICE(""), SLICE("\x00"), SLICE("\x01"), SLICE("\x0f"),
                                   slice_make(many, sizeof many)};
    for (size_t i = 0; i < sizeof moduli / sizeof *moduli; i++) {
        assert_int_equal(rsa_small_factor(moduli[i]), 0);
        assert_false(rsa_has_close_primes(moduli[i], 100));
        assert_false(rsa_is_roca(moduli[i]));
    }
    assert_int_equal(rsa_small_factor(slice_make(many, sizeof many - 1)), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_ordinary_moduli_are_not_weak),
        cmocka_unit_test(the_least_factor_below_752_is_found),
        cmocka_unit_test(close_primes_are_found_within_the_rounds_and_not_beyond),
        cmocka_unit_test(a_prime_and_the_next_one_or_twice_the_same_are_close),
        cmocka_unit_test(moduli_in_the_shape_of_rsalib_are_told),
        cmocka_unit_test(a_power_of_its_own_for_each_prime_is_no_power),
        cmocka_unit_test(odd_numbers_of_bytes_are_no_trouble),
    };
    return cmocka_run_group_tests_name("rsa_weakness", tests, set_up, tear_down);
}
