/* DER, certificates and signatures: what is read, what is refused, and who signed what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "calendar.h"
#include "der_write.h"
#include "pki.h"
#include "signature.h"

static int tear_down(void **state) {
    (void)state;
    pki_free();
    return 0;
}

static void lengths_are_definite_and_the_shortest(void **state) {
    (void)state;
    static const struct {
        struct slice bytes;
        enum der_header_state state;
        size_t content;
    } cases[] = {
        {{(const uint8_t *)"\x30\x05", 2}, DER_HEADER_GOOD, 5},
        {{(const uint8_t *)"\x30\x81\x80", 3}, DER_HEADER_GOOD, 128},
        {{(const uint8_t *)"\x30\x82\x01\x00", 4}, DER_HEADER_GOOD, 256},
        {{(const uint8_t *)"", 0}, DER_HEADER_SHORT, 0},
        {{(const uint8_t *)"\x30", 1}, DER_HEADER_SHORT, 0},
        {{(const uint8_t *)"\x30\x82\x01", 3}, DER_HEADER_SHORT, 0},
        {{(const uint8_t *)"\x30\x80", 2}, DER_HEADER_BAD, 0},
        {{(const uint8_t *)"\x30\x81\x7f", 3}, DER_HEADER_BAD, 0},
        {{(const uint8_t *)"\x30\x82\x00\xff", 4}, DER_HEADER_BAD, 0},
        {{(const uint8_t *)"\x30\x85\x01\x00\x00\x00\x00", 7}, DER_HEADER_BAD, 0},
        {{(const uint8_t *)"\x3f\x81\x01\x00", 4}, DER_HEADER_BAD, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct der_header header = {0, 0, 0};
        if (der_header_read(cases[i].bytes, &header) != cases[i].state || header.content != cases[i].content)
            fail_msg("case %zu", i);
    }
}

static void integers_and_booleans_have_one_spelling(void **state) {
    (void)state;
    static const char *const bad[] = {"\x02\x00", "\x02\x02\x00\x7f", "\x02\x02\xff\x80"};
    static const size_t sizes[] = {2, 4, 4};
    for (size_t i = 0; i < 3; i++) {
        struct der_reader reader = der_read(slice_make(bad[i], sizes[i]));
        der_take_integer(&reader);
        assert_true(reader.failed);
    }
    struct der_reader good = der_read(SLICE("\x02\x02\x00\x80\x01\x01\xff\x01\x01\x00\x0a\x01\x09"));
    assert_int_equal(der_take_integer(&good).size, 2);
    assert_true(der_take_boolean(&good));
    assert_false(der_take_boolean(&good));
    assert_int_equal(der_take_small(&good, DER_ENUMERATED), 9);
    assert_true(der_done(&good));
    struct der_reader odd = der_read(SLICE("\x01\x01\x01"));
    der_take_boolean(&odd);
    assert_true(odd.failed);
}

static void object_identifiers_go_to_text_and_back(void **state) {
    (void)state;
    static const char *const good[] = {
        "1.2.840.113549.1.9.16.1.4", "2.5.29.37", "0.9.2342", "1.39.0", "2.999.1",
        "1.3.6.1.4.1.4294967296",    "2.0"};
    static const char *const bad[] = {"",    "1",    "1.",    ".1",     "1..2",
                                      "3.1", "1.40", "1.2.x", "1.2.-3", "1.2.18446744073709551616"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CLEANUP_BUFFER struct buffer der = BUFFER(64);
        char text[EXTENSION_OID_TEXT];
        assert_true(extension_oid_parse(slice_string(good[i]), &der));
        extension_oid_text(buffer_slice(&der), text);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CLEANUP_BUFFER struct buffer der = BUFFER(64);
        if (extension_oid_parse(slice_string(bad[i]), &der))
            fail_msg("taken: '%s'", bad[i]);
    }
    CLEANUP_BUFFER struct buffer small = BUFFER(3);
    assert_false(extension_oid_parse(slice_string(good[0]), &small));
}

static void times_are_rfc_5280_s(void **state) {
    (void)state;
    static const struct {
        struct slice der;
        const char *time; /* NULL: refused */
    } cases[] = {{{(const uint8_t *)"\x17\x0d"
                                    "261121184404Z",
                   15},
                  "2026-11-21T18:44:04Z"},
                 {{(const uint8_t *)"\x17\x0d"
                                    "700101000000Z",
                   15},
                  "1970-01-01T00:00:00Z"},
                 {{(const uint8_t *)"\x17\x0d"
                                    "500101000000Z",
                   15},
                  "1970-01-01T00:00:00Z"}, /* before 1970 */
                 {{(const uint8_t *)"\x18\x0f"
                                    "99991231235959Z",
                   17},
                  "9999-12-31T23:59:59Z"},
                 {{(const uint8_t *)"\x17\x0b"
                                    "2611211844Z",
                   13},
                  NULL},
                 {{(const uint8_t *)"\x17\x0d"
                                    "260230000000Z",
                   15},
                  NULL},
                 {{(const uint8_t *)"\x18\x11"
                                    "20261121184404.5Z",
                   19},
                  NULL},
                 {{(const uint8_t *)"\x18\x13"
                                    "20261121184404+0100",
                   21},
                  NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct der_reader reader = der_read(cases[i].der);
        uint64_t is = der_take_time(&reader), due = 0;
        if (cases[i].time)
            assert_true(calendar_parse(slice_string(cases[i].time), &due));
        if (reader.failed != (cases[i].time == NULL) || is != due)
            fail_msg("case %zu", i);
    }
}

static void what_is_written_is_read_back_whatever_its_size(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 70000};
    static uint8_t zeros[70000];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CLEANUP_BUFFER struct buffer made = BUFFER(1 << 20);
        assert_true(der_write(&made, DER_OCTET_STRING, slice_make(zeros, sizes[i])));
        assert_true(der_wrap(&made, 0, DER_SEQUENCE));
        struct der_reader outer = der_read(buffer_slice(&made)), inner = der_enter(&outer, DER_SEQUENCE);
        assert_int_equal(der_take(&inner, DER_OCTET_STRING).size, sizes[i]);
        assert_true(der_done(&inner) && der_done(&outer));
    }
}

static X509 *make_full(void) {
    struct pki_certificate wanted = {
        "A name",
        KEY_CA,
        NULL,
        KEY_CA,
        0x1234,
        -DAY,
        DAY,
        {{NID_basic_constraints, "critical,CA:TRUE"},
         {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"},
         {NID_ext_key_usage, "serverAuth,OCSPSigning"},
         {NID_info_access, "caIssuers;URI:http://a.example/ca,OCSP;URI:http://a.example/o"},
         {NID_crl_distribution_points, "URI:http://a.example/1,URI:http://a.example/2"},
         {NID_subject_key_identifier, "hash"}}};
    return pki_certificate(&wanted);
}

static void a_certificate_says_what_it_is(void **state) {
    (void)state;
    struct certificate certificate = pki_read(make_full());
    char name[CERTIFICATE_NAME_TEXT];
    assert_true(slice_equal(certificate.serial, SLICE("\x12\x34")));
    assert_int_equal(certificate.not_before_us, PKI_NOW_US - DAY * UINT64_C(1000000));
    assert_int_equal(certificate.not_after_us, PKI_NOW_US + DAY * UINT64_C(1000000));
    assert_true(certificate.is_ca && certificate.has_key_usage && certificate.key_usage_critical &&
                certificate.signs_ocsp);
    assert_int_equal(certificate.key_usage,
                     KEY_USAGE_DIGITAL_SIGNATURE | KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN);
    assert_int_equal(certificate.purpose_count, 2);
    assert_true(slice_equal(certificate_ocsp_uri(&certificate, 0), SLICE("http://a.example/o")));
    assert_int_equal(certificate_ocsp_uri(&certificate, 1).size, 0);
    assert_false(certificate.nocheck);
    assert_int_equal(certificate.subject_key_id.size, 20);
    certificate_name_text(certificate.subject, name);
    assert_string_equal(name, "A name");
    assert_true(slice_equal(certificate_crl_uri(&certificate, 1), SLICE("http://a.example/2")));
    assert_int_equal(certificate_crl_uri(&certificate, 2).size, 0);
    assert_true(certificate_issued_by(&certificate, &certificate));
}

static void no_part_of_a_certificate_is_one(void **state) {
    (void)state;
    struct certificate whole = pki_read(make_full()), part;
    for (size_t size = 0; size < whole.whole.size; size++) {
        struct fault fault = {0};
        assert_false(certificate_read(slice_head(whole.whole, size), &part, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
}

static void a_pem_file_may_hold_several_and_more(void **state) {
    (void)state;
    struct certificate one = pki_read(make_full());
    BIO *memory = BIO_new(BIO_s_mem());
    BIO_puts(memory, "subject=anything\n");
    for (int i = 0; i < 2; i++) {
        X509 *again = make_full();
        PEM_write_bio_X509(memory, again);
        BIO_puts(memory, "\r\nbetween\n");
    }
    PEM_write_bio_PUBKEY(memory, pki_key(KEY_CA));
    char *text;
    size_t size = (size_t)BIO_get_mem_data(memory, &text);
    CLEANUP_BUFFER struct buffer der = BUFFER(1 << 20);
    struct fault fault = {0};
    assert_true(certificate_bytes(slice_make(text, size), SLICE("CERTIFICATE"), &der, &fault));
    struct der_reader reader = der_read(buffer_slice(&der));
    for (int i = 0; i < 2; i++) {
        struct certificate read;
        assert_true(certificate_read(der_take_whole(&reader, DER_SEQUENCE), &read, &fault));
        assert_true(slice_equal(read.subject, one.subject));
    }
    assert_true(der_done(&reader));
    buffer_clear(&der);
    assert_true(certificate_bytes(one.whole, SLICE("CERTIFICATE"), &der, &fault)); /* DER as it is */
    assert_true(slice_equal(buffer_slice(&der), one.whole));
    BIO_free(memory);
    static const char *const bad[] = {"-----BEGIN CERTIFICATE-----\nAA=\n-----END CERTIFICATE-----\n",
                                      "-----BEGIN CERTIFICATE-----\nAAAA\n"};
    for (size_t i = 0; i < 2; i++)
        assert_false(certificate_bytes(slice_string(bad[i]), SLICE("CERTIFICATE"), &der, &fault));
}

static void names_are_the_same_beyond_their_bytes(void **state) {
    (void)state;
    struct pki_certificate wanted = {"Some CA", KEY_CA, NULL, KEY_CA, 1, -DAY, DAY, {{0}}};
    struct certificate one = pki_read(pki_certificate(&wanted));
    wanted.name = "SOME  ca";
    struct certificate alike = pki_read(pki_certificate(&wanted));
    wanted.name = "Some CB";
    struct certificate other = pki_read(pki_certificate(&wanted));
    assert_false(slice_equal(one.subject, alike.subject));
    assert_true(certificate_same_name(one.subject, alike.subject));
    assert_false(certificate_same_name(one.subject, other.subject));
    assert_false(certificate_same_name(one.subject, SLICE("")));
}

/* ---- signatures */

static struct slice key_of(EVP_PKEY *key, unsigned char **ret_der) {
    int size = i2d_PUBKEY(key, ret_der);
    return slice_make(*ret_der, (size_t)size);
}

static void rsa_pss_is_checked_with_its_parameters(void **state) {
    (void)state;
    static const char message[] = "signed";
    /* SHA-256, MGF1 with SHA-256, a salt of 32; and one of 20 */
    uint8_t identifier[] =
        "\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34\xa0\x0f\x30\x0d\x06\x09\x60\x86\x48"
        "\x01\x65\x03\x04\x02\x01\x05\x00\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08\x30"
        "\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\xa2\x03\x02\x01\x20";
    struct slice whole = slice_make(identifier, sizeof identifier - 1), data = SLICE("signed");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context;
    uint8_t bytes[256];
    size_t size = sizeof bytes;
    unsigned char *der = NULL, *other_der = NULL;
    EVP_DigestSignInit(context, &key_context, EVP_sha256(), NULL, pki_key(KEY_RSA));
    EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, 32);
    assert_true(EVP_DigestSign(context, bytes, &size, (const unsigned char *)message, 6) > 0);
    EVP_MD_CTX_free(context);
    struct signature_algorithm algorithm;
    assert_true(signature_algorithm_read(whole, &algorithm));
    struct slice key = key_of(pki_key(KEY_RSA), &der), signature = slice_make(bytes, size);
    struct slice other = key_of(pki_key(KEY_CA), &other_der);
    assert_true(signature_holds(&algorithm, key, data, signature));
    assert_false(signature_holds(&algorithm, key, SLICE("signeD"), signature));
    assert_false(signature_holds(&algorithm, other, data, signature)); /* another kind of key */
    assert_false(signature_holds(&algorithm, SLICE("\x30\x00"), data, signature));
    assert_false(signature_holds(&algorithm, key, data, SLICE("")));
    identifier[sizeof identifier - 2] = 20;
    assert_true(signature_algorithm_read(whole, &algorithm));
    assert_false(signature_holds(&algorithm, key, data, signature));
    OPENSSL_free(der);
    OPENSSL_free(other_der);
}

static void an_algorithm_that_is_not_known_is_refused(void **state) {
    (void)state;
    struct signature_algorithm algorithm;
    assert_false(signature_algorithm_read(SLICE("\x30\x05\x06\x03\x2a\x03\x04"), &algorithm));
    assert_false(signature_algorithm_read(SLICE(""), &algorithm));
    assert_false(
        signature_algorithm_read(SLICE("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), &algorithm));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_definite_and_the_shortest),
        cmocka_unit_test(integers_and_booleans_have_one_spelling),
        cmocka_unit_test(object_identifiers_go_to_text_and_back),
        cmocka_unit_test(times_are_rfc_5280_s),
        cmocka_unit_test(what_is_written_is_read_back_whatever_its_size),
        cmocka_unit_test(a_certificate_says_what_it_is),
        cmocka_unit_test(no_part_of_a_certificate_is_one),
        cmocka_unit_test(a_pem_file_may_hold_several_and_more),
        cmocka_unit_test(names_are_the_same_beyond_their_bytes),
        cmocka_unit_test(rsa_pss_is_checked_with_its_parameters),
        cmocka_unit_test(an_algorithm_that_is_not_known_is_refused),
    };
    return cmocka_run_group_tests_name("x509_parts", tests, NULL, tear_down);
}
