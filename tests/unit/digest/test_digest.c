#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ed25519.h"
#include "ed25519_point.h"
#include "encoding.h"
#include "keystream.h"
#include "random.h"
#include "sha256.h"

static void unhex(const char *text, void *to, size_t size) {
    assert_true(encoding_unhex(slice_string(text), to, size));
}

static void a_hash_is_the_same_in_one_piece_and_in_many(void **state) {
    (void)state;
    uint8_t expected[HASH_SIZE];
    unhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", expected, sizeof expected);
    struct hash whole = sha256_of(SLICE("abc"));
    assert_memory_equal(whole.bytes, expected, HASH_SIZE);
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, "a", 1);
    sha256_add(&running, NULL, 0);
    sha256_add(&running, "bc", 2);
    struct hash pieces = sha256_end(&running);
    assert_true(hash_equal(&whole, &pieces));
}

/* RFC 8032, 7.1, tests 1 to 3. */
static void signatures_are_those_of_the_rfc(void **state) {
    (void)state;
    static const struct {
        const char *seed, *public, *message, *signature;
    } tests[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25"
         "bf5f0595bbe"
         "24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387"
         "b2eaeb4302a"
         "eeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7"
         "c15e9716ed2"
         "8dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        uint8_t seed[32], public[32], message[2], expected[64], signature[64];
        size_t size = strlen(tests[i].message) / 2;
        unhex(tests[i].seed, seed, sizeof seed);
        unhex(tests[i].public, public, sizeof public);
        unhex(tests[i].message, message, size);
        unhex(tests[i].signature, expected, sizeof expected);
        struct signing_key *key = signing_key_create(seed);
        assert_memory_equal(signing_key_public(key)->bytes, public, sizeof public);
        signing_key_sign(key, slice_make(message, size), signature);
        assert_memory_equal(signature, expected, sizeof expected);
        assert_true(ed25519_verify(signing_key_public(key), slice_make(message, size), signature));
        assert_true(verify_key_check(signing_key_public(key), NULL));
        signature[i] ^= 1;
        assert_false(ed25519_verify(signing_key_public(key), slice_make(message, size), signature));
        signing_key_destroy(key);
    }
}

static void a_signature_has_one_spelling_of_s(void **state) {
    (void)state;
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t seed[32] = {1}, signature[64];
    struct signing_key *key = signing_key_create(seed);
    signing_key_sign(key, SLICE("message"), signature);
    assert_true(ed25519_verify(signing_key_public(key), SLICE("message"), signature));
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_false(ed25519_verify(signing_key_public(key), SLICE("message"), signature));
    signing_key_destroy(key);
}

static void keys_that_are_not_of_the_prime_order_group_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *key;
        enum ed25519_point point;
    } tests[] = {
        /* the eight points of small order */
        {"0100000000000000000000000000000000000000000000000000000000000000", ED25519_POINT_SMALL_ORDER},
        {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ED25519_POINT_SMALL_ORDER},
        {"0000000000000000000000000000000000000000000000000000000000000000", ED25519_POINT_SMALL_ORDER},
        {"0000000000000000000000000000000000000000000000000000000000000080", ED25519_POINT_SMALL_ORDER},
        {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", ED25519_POINT_SMALL_ORDER},
        {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", ED25519_POINT_SMALL_ORDER},
        {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", ED25519_POINT_SMALL_ORDER},
        {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", ED25519_POINT_SMALL_ORDER},
        /* the same in other spellings, and the largest y */
        {"0100000000000000000000000000000000000000000000000000000000000080", ED25519_POINT_NON_CANONICAL},
        {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ED25519_POINT_NON_CANONICAL},
        {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ED25519_POINT_NON_CANONICAL},
        {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ED25519_POINT_NON_CANONICAL},
        {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", ED25519_POINT_NON_CANONICAL},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ED25519_POINT_NON_CANONICAL},
        /* a good point with one of each torsion added, made with other arithmetic */
        {"6eeaacf978541883af3309442014767b2d55c1f435baf0858c625212e990e3c9", ED25519_POINT_MIXED_ORDER},
        {"32de5e64dc6d85d9a8d49aced4db337d35bb43fcc2b151d16c3322d7817d5c34", ED25519_POINT_MIXED_ORDER},
        {"f89fb77e28a6205b0c2ce9e6927b76f39f1eb968be845639807ebd33369612b1", ED25519_POINT_MIXED_ORDER},
        {"371f6943e1d48b51038134ed3d64dd4a76c72f45acba39c67b45a2710c7a2e2d", ED25519_POINT_MIXED_ORDER},
        {"76ce8232eb20d8d955d371965452a4452bee6ffbddf722c2b5b264248f48db4c", ED25519_POINT_MIXED_ORDER},
        {"8236799aaba80a575bf52508e93329297f33e4392d617f0cbeef527eff4f3b95", ED25519_POINT_MIXED_ORDER},
        {"840ac05e8eab22aef121de683d0e06e8cf03828bb2b55b8737ed9709e7c71409", ED25519_POINT_MIXED_ORDER},
        {"cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d", ED25519_POINT_MIXED_ORDER},
        /* y without an x */
        {"0200000000000000000000000000000000000000000000000000000000000000", ED25519_POINT_NO_POINT},
        {"0700000000000000000000000000000000000000000000000000000000000080", ED25519_POINT_NO_POINT},
        /* and the base point */
        {"5866666666666666666666666666666666666666666666666666666666666666", ED25519_POINT_PRIME_ORDER},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        struct verify_key key;
        struct fault fault = {0};
        unhex(tests[i].key, key.bytes, sizeof key.bytes);
        assert_int_equal(ed25519_point_classify(key.bytes), tests[i].point);
        assert_int_equal(verify_key_check(&key, &fault), tests[i].point == ED25519_POINT_PRIME_ORDER);
        assert_int_equal(fault.code, tests[i].point == ED25519_POINT_PRIME_ORDER ? FAULT_NONE : FAULT_AUTH);
    }
}

static void many_good_keys_are_taken(void **state) {
    (void)state;
    for (uint8_t i = 0; i < 40; i++) {
        uint8_t seed[32] = {i};
        struct signing_key *key = signing_key_create(seed);
        assert_true(verify_key_check(signing_key_public(key), NULL));
        signing_key_destroy(key);
    }
}

static void salts_come_in_order_and_by_position(void **state) {
    (void)state;
    uint8_t key[CLASS_KEY_SIZE] = {7}, salt[SALT_SIZE], first[SALT_SIZE];
    unhex("2c1f9811d9992670d105a1ec1e13498af8f4df5d1ad945289d63a38d5fcab8bf", first,
          sizeof first); /* openssl enc -aes-256-ctr */
    keystream_salt(key, 0, salt);
    assert_memory_equal(salt, first, sizeof first);
    struct keystream *keystream = keystream_create(key);
    assert_memory_equal(keystream_key(keystream), key, sizeof key);
    for (uint64_t i = 0; i < 100; i++) {
        keystream_salt(key, i, salt);
        assert_memory_equal(keystream_next(keystream), salt, SALT_SIZE);
    }
    keystream_destroy(keystream);
}

static void random_bytes_differ(void **state) {
    (void)state;
    struct random_source source = random_source_system();
    uint8_t a[32], b[32];
    assert_true(random_fill(&source, a, sizeof a, NULL));
    assert_true(random_fill(&source, b, sizeof b, NULL));
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_the_same_in_one_piece_and_in_many),
        cmocka_unit_test(signatures_are_those_of_the_rfc),
        cmocka_unit_test(a_signature_has_one_spelling_of_s),
        cmocka_unit_test(keys_that_are_not_of_the_prime_order_group_are_refused),
        cmocka_unit_test(many_good_keys_are_taken),
        cmocka_unit_test(salts_come_in_order_and_by_position),
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
