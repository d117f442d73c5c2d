/* Public keys judged, and lists of weak ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "der_write.h"
#include "encoding.h"
#include "key_judge.h"

static struct liveness_policy policy;
static struct liveness_report report;
static unsigned char *made;

static int each(void **state) {
    (void)state;
    liveness_policy_default(&policy, PROFILE_CABF_BR);
    liveness_report_begin(&report, &policy);
    return 0;
}
static int end(void **state) {
    (void)state;
    OPENSSL_free(made);
    made = NULL;
    return 0;
}

static struct slice spki_of(EVP_PKEY *key) {
    OPENSSL_free(made);
    made = NULL;
    int size = i2d_PUBKEY(key, &made);
    EVP_PKEY_free(key);
    assert_true(size > 0);
    return slice_make(made, (size_t)size);
}

static bool judge(struct slice key, const struct weak_keys *list) {
    const struct certificate certificate = {.key = key, .subject = SLICE("\x30\x00")};
    liveness_report_begin(&report, &policy);
    return key_judge(&certificate, list, &report);
}

static void write_integer(struct buffer *to, struct slice magnitude) {
    size_t from = to->size;
    if (magnitude.size && magnitude.data[0] & 0x80)
        buffer_append(to, "", 1);
    buffer_append_slice(to, magnitude);
    der_wrap(to, from, DER_INTEGER);
}

/* An RSA key in DER, whatever its numbers. */
static struct slice rsa_key(struct buffer *to, struct slice modulus, struct slice exponent) {
    buffer_clear(to);
    buffer_append(to, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15);
    size_t bits = to->size;
    buffer_append(to, "", 1);
    size_t numbers = to->size;
    write_integer(to, modulus);
    write_integer(to, exponent);
    der_wrap(to, numbers, DER_SEQUENCE);
    der_wrap(to, bits, DER_BIT_STRING);
    der_wrap(to, 0, DER_SEQUENCE);
    return buffer_slice(to);
}

static void expect_only(bool good, enum liveness_check check) {
    for (size_t i = 0; i < report.count; i++) {
        const struct liveness_finding *finding = &report.findings[i];
        bool fired = finding->state >= LIVENESS_WARN;
        if (fired != (!good && finding->check == check))
            fail_msg("%s %s: %s", liveness_check_row(finding->check)->name, fired ? "fired" : "did not fire",
                     finding->seen);
    }
    if (!good && !liveness_report_find(&report, check))
        fail_msg("%s was not looked at", liveness_check_row(check)->name);
}

static void keys_as_the_baseline_requirements_want_them_are_good(void **state) {
    (void)state;
    assert_true(judge(spki_of(EVP_RSA_gen(2048)), NULL));
    expect_only(true, CHECK_TLS_KEY);
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(judge(spki_of(EVP_EC_gen(curves[i])), NULL));
        expect_only(true, CHECK_TLS_KEY);
    }
}

static void other_curves_and_kinds_are_told_by_name(void **state) {
    (void)state;
    assert_true(judge(spki_of(EVP_EC_gen("secp256k1")), NULL));
    expect_only(false, CHECK_TLS_KEY_CURVE);
    assert_non_null(strstr(liveness_report_find(&report, CHECK_TLS_KEY_CURVE)->seen, "1.3.132.0.10"));
    assert_true(judge(spki_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), NULL));
    expect_only(false, CHECK_TLS_KEY_CURVE);
    assert_non_null(strstr(liveness_report_find(&report, CHECK_TLS_KEY_CURVE)->seen, "Ed25519"));
    liveness_policy_default(&policy, PROFILE_RFC);
    assert_true(judge(spki_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), NULL));
    expect_only(true, CHECK_TLS_KEY);
}

static void a_point_that_is_not_on_its_curve_is_no_key(void **state) {
    (void)state;
    struct slice good = spki_of(EVP_EC_gen("P-256"));
    made[good.size - 1] ^= 1;
    assert_false(judge(good, NULL));
    expect_only(false, CHECK_TLS_KEY);
    const struct slice broken[] = {SLICE(""), SLICE("\x30\x00"), SLICE("\x30\x03\x02\x01\x05")};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_false(judge(broken[i], NULL));
        expect_only(false, CHECK_TLS_KEY);
    }
}

/* libcrypto's own keys have an even number of bits. */
static struct slice rsa_key_of(struct buffer *to, int bits) {
    uint8_t bytes[512];
    BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new();
    BN_CTX *context = BN_CTX_new();
    assert_int_equal(BN_generate_prime_ex(p, bits / 2, 0, NULL, NULL, NULL), 1);
    assert_int_equal(BN_generate_prime_ex(q, bits - bits / 2, 0, NULL, NULL, NULL), 1);
    assert_int_equal(BN_mul(n, p, q, context), 1);
    assert_int_equal(BN_num_bits(n), bits);
    struct slice key = rsa_key(to, slice_make(bytes, (size_t)BN_bn2bin(n, bytes)), SLICE("\x01\x00\x01"));
    BN_free(p);
    BN_free(q);
    BN_free(n);
    BN_CTX_free(context);
    return key;
}

static void rsa_keys_of_wrong_sizes_are_told(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer der = BUFFER(8192);
    static const struct {
        int bits;
        bool good;
    } sizes[] = {{512, false}, {1024, false}, {2047, false}, {2048, true}, {2049, false}, {3072, true}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(judge(rsa_key_of(&der, sizes[i].bits), NULL), sizes[i].good);
        expect_only(sizes[i].good, CHECK_TLS_KEY_SIZE);
    }
    uint8_t long_one[2050];
    memset(long_one, 0xfd, sizeof long_one);
    assert_false(judge(rsa_key(&der, slice_make(long_one, sizeof long_one), SLICE("\x01\x00\x01")), NULL));
    expect_only(false, CHECK_TLS_KEY);
}

static void exponents_and_factors_are_looked_at(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer der = BUFFER(8192);
    uint8_t bytes[256];
    BIGNUM *modulus = BN_new();
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BN_free(modulus);
    modulus = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &modulus), 1);
    EVP_PKEY_free(key);
    assert_int_equal(BN_bn2bin(modulus, bytes), sizeof bytes);
    struct slice n = slice_make(bytes, sizeof bytes);
    static const struct {
        const char *exponent;
        size_t size;
        bool good;
    } exponents[] = {{"\x03", 1, true},
                     {"\x01\x00\x01", 3, true},
                     {"\x01", 1, false},
                     {"\x02", 1, false},
                     {"\x01\x00\x02", 3, false}};
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
        struct slice e = slice_make(exponents[i].exponent, exponents[i].size);
        assert_int_equal(judge(rsa_key(&der, n, e), NULL), exponents[i].good);
        expect_only(exponents[i].good, CHECK_TLS_KEY_EXPONENT);
    }
    bytes[255] &= 0xfe;
    assert_false(judge(rsa_key(&der, n, SLICE("\x01\x00\x01")), NULL));
    expect_only(false, CHECK_TLS_KEY_FACTOR);
    /* 2^2048 - 1 would be divisible by 3; 10…01 in base 2^1024 squared is a square. */
    BIGNUM *root = BN_new();
    assert_int_equal(BN_rand(root, 1024, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
    while (BN_check_prime(root, NULL, NULL) != 1)
        BN_add_word(root, 2);
    BN_CTX *context = BN_CTX_new();
    BN_sqr(modulus, root, context);
    BN_bn2bin(modulus, bytes);
    assert_false(judge(rsa_key(&der, n, SLICE("\x01\x00\x01")), NULL));
    expect_only(false, CHECK_TLS_KEY_CLOSE_PRIMES);
    BN_CTX_free(context);
    BN_free(root);
    BN_free(modulus);
}

/* ---- lists */

/* A key out of Debian's list of 2008, and the SHA-1 that `openssl rsa -noout -modulus | sha1sum` gives for it. */
#define DEBIAN_MODULUS                                                                                       \
    "D673252AF6723C3F72529403EAB7C30DEF3C52F97E799825F4A70191C616ADCF1ECE1113F1625971074C492C592025FDEADBDB" \
    "146A08"                                                                                                 \
    "1826BDF0D77C3C913DCF1B6F0B3B78F5108D2E493AD0EEE8CA5C021711ADC13D358E61133870FCD19C8E5C22403959782AA82E" \
    "72AEE5"                                                                                                 \
    "3A3D491E3912CE27B27E1A85EA69C19A527D28F7934C9823B7E56FDD657DAC83FDC65BB22A98D843DF73238919781B714C81A5" \
    "E2AFEC"                                                                                                 \
    "71F5C54AA2A27C590AD94C03C1062D50EFCFFAC743E3C8A3AE056846A1D756EB862BF4224169D467C35215ADE0AFCC11E85FE6" \
    "29AFB8"                                                                                                 \
    "02C4786FF2E9C929BCCF502B3D3B8876C6A11785CC398B389F1D86BDD9CB0BD4EC13956EC3FA270D"
#define DEBIAN_SHA1 "a3853d0c563765e504c18df20e6961a16398b85a"

static struct weak_keys *read_list(const char *text) {
    struct fault fault = {0};
    struct weak_keys *keys = weak_keys_read(slice_string(text), &fault);
    if (!keys)
        fail_msg("%s", fault.text);
    return keys;
}

static void a_list_of_openssl_vulnkey_s_finds_a_key_of_debian_s(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer der = BUFFER(8192);
    uint8_t modulus[256];
    assert_true(encoding_unhex(SLICE(DEBIAN_MODULUS), modulus, sizeof modulus));
    struct slice key = rsa_key(&der, slice_make(modulus, sizeof modulus), SLICE("\x01\x00\x01"));
    struct weak_keys *end_alone =
        read_list("# openssl-blacklist\nffff0000000000000000\n8df20e6961a16398b85a\n0000ffffffffffffffff\n");
    assert_int_equal(weak_keys_count(end_alone), 3);
    assert_false(judge(key, end_alone));
    expect_only(false, CHECK_TLS_KEY_LISTED);
    assert_true(judge(spki_of(EVP_RSA_gen(2048)), end_alone));
    expect_only(true, CHECK_TLS_KEY_LISTED);
    weak_keys_destroy(end_alone);
    struct weak_keys *whole = read_list(DEBIAN_SHA1 "  key.pem\r\n");
    assert_false(judge(key, whole));
    weak_keys_destroy(whole);
}

static void hashes_of_keys_and_moduli_are_found_in_any_order_and_case(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 16);
    struct slice key = spki_of(EVP_EC_gen("P-256"));
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    for (unsigned i = 0; i < 50; i++)
        buffer_printf(&text, "%064x, %u\n", (i * 7919) % 1000, i);
    SHA256(key.data, key.size, hash);
    encoding_hex(hash, sizeof hash, hex);
    for (char *at = hex; *at; at++)
        if (*at >= 'a')
            *at = (char)(*at - 'a' + 'A');
    buffer_printf(&text, "\n   %s:pid 7\n", hex);
    for (unsigned i = 0; i < 50; i++)
        buffer_printf(&text, "%040x\n", i);
    struct weak_keys *keys = read_list(buffer_string(&text));
    assert_int_equal(weak_keys_count(keys), 101);
    assert_true(weak_keys_have(keys, key, SLICE("")));
    assert_false(weak_keys_have(keys, SLICE("other"), SLICE("modulus")));
    weak_keys_destroy(keys);
}

static void what_is_no_list_is_told_with_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *fault;
    } bad[] = {{"", "no key"},
               {"# nothing\n\n", "no key"},
               {"8df20e6961a16398b85a\n8df20e6961a16398b85\n", "line 2"},
               {"8df20e6961a16398b85a\n8df20e6961a16398b85z\n", "line 2"},
               {"-----BEGIN CERTIFICATE-----\n", "line 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fault fault = {0};
        if (weak_keys_read(slice_string(bad[i].text), &fault))
            fail_msg("'%s' was taken", bad[i].text);
        assert_non_null(strstr(fault.text, bad[i].fault));
    }
    assert_null(weak_keys_destroy(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_as_the_baseline_requirements_want_them_are_good, each, end),
        cmocka_unit_test_setup_teardown(other_curves_and_kinds_are_told_by_name, each, end),
        cmocka_unit_test_setup_teardown(a_point_that_is_not_on_its_curve_is_no_key, each, end),
        cmocka_unit_test_setup_teardown(rsa_keys_of_wrong_sizes_are_told, each, end),
        cmocka_unit_test_setup_teardown(exponents_and_factors_are_looked_at, each, end),
        cmocka_unit_test_setup_teardown(a_list_of_openssl_vulnkey_s_finds_a_key_of_debian_s, each, end),
        cmocka_unit_test_setup_teardown(hashes_of_keys_and_moduli_are_found_in_any_order_and_case, each, end),
        cmocka_unit_test_setup_teardown(what_is_no_list_is_told_with_its_line, each, end),
    };
    return cmocka_run_group_tests_name("key_judge", tests, NULL, NULL);
}
