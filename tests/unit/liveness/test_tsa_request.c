/* Time-stamp requests as libcrypto reads and writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/ts.h>

#include "oids.h"
#include "tsa_request.h"

#define HASH SLICE("0123456789abcdef0123456789abcdef")

static struct tsa_request whole(void) {
    return (struct tsa_request){.digest = OID_SHA256,
                                .imprint = HASH,
                                .policy = SLICE("\x2a\x03\x04"),
                                .nonce = SLICE("\x41\x02\x03\x04\x05\x06\x07\x08"),
                                .wants_certificate = true};
}

static void a_request_is_what_libcrypto_would_ask(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer der = BUFFER(TSA_REQUEST_MOST);
    struct tsa_request wanted = whole();
    char oid[64];
    assert_true(tsa_request_write(&der, &wanted));
    const unsigned char *at = der.data;
    TS_REQ *request = d2i_TS_REQ(NULL, &at, (long)der.size);
    assert_non_null(request);
    assert_ptr_equal(at, der.data + der.size);
    assert_int_equal(TS_REQ_get_version(request), 1);
    const X509_ALGOR *digest = TS_MSG_IMPRINT_get_algo(TS_REQ_get_msg_imprint(request));
    OBJ_obj2txt(oid, sizeof oid, digest->algorithm, 1);
    assert_string_equal(oid, "2.16.840.1.101.3.4.2.1");
    const ASN1_OCTET_STRING *hash = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(request));
    assert_memory_equal(ASN1_STRING_get0_data(hash), HASH.data, HASH.size);
    OBJ_obj2txt(oid, sizeof oid, TS_REQ_get_policy_id(request), 1);
    assert_string_equal(oid, "1.2.3.4");
    uint64_t nonce;
    assert_true(ASN1_INTEGER_get_uint64(&nonce, TS_REQ_get_nonce(request)));
    assert_int_equal(nonce, 0x4102030405060708);
    assert_true(TS_REQ_get_cert_req(request));
    unsigned char *written = NULL;
    int size = i2d_TS_REQ(request, &written);
    assert_int_equal(size, der.size);
    assert_memory_equal(written, der.data, der.size);
    OPENSSL_free(written);
    TS_REQ_free(request);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    for (unsigned parts = 0; parts < 8; parts++) {
        CLEANUP_BUFFER struct buffer der = BUFFER(TSA_REQUEST_MOST);
        struct tsa_request wanted = whole(), got;
        if (!(parts & 1))
            wanted.policy = SLICE("");
        if (!(parts & 2))
            wanted.nonce = SLICE("");
        wanted.wants_certificate = parts & 4;
        assert_true(tsa_request_write(&der, &wanted));
        assert_true(tsa_request_read(buffer_slice(&der), &got, NULL));
        assert_true(slice_equal(got.policy, wanted.policy));
        assert_true(slice_equal(got.nonce, wanted.nonce));
        assert_true(slice_equal(got.imprint, wanted.imprint));
        assert_int_equal(got.wants_certificate, wanted.wants_certificate);
        for (size_t size = 0; size < der.size; size++)
            assert_false(tsa_request_read(slice_make(der.data, size), &got, NULL));
    }
}

static void a_request_of_another_version_is_none(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer der = BUFFER(TSA_REQUEST_MOST);
    struct tsa_request wanted = whole(), got;
    struct fault fault = {0};
    assert_true(tsa_request_write(&der, &wanted));
    der.data[4] = 2;
    assert_false(tsa_request_read(buffer_slice(&der), &got, &fault));
    assert_non_null(strstr(fault.text, "version 2"));
    assert_false(tsa_request_read(SLICE("<html>"), &got, &fault));
    assert_non_null(strstr(fault.text, "openssl ts -query"));
}

static void every_random_nonce_is_a_positive_integer_of_eight_bytes(void **state) {
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t nonce[TSA_NONCE_SIZE] = {(uint8_t)first};
        CLEANUP_BUFFER struct buffer der = BUFFER(TSA_REQUEST_MOST);
        struct tsa_request wanted = whole(), got;
        tsa_nonce(nonce);
        wanted.nonce = slice_make(nonce, sizeof nonce);
        assert_true(tsa_request_write(&der, &wanted));
        assert_true(tsa_request_read(buffer_slice(&der), &got, NULL)); /* the shortest form */
        assert_false(der_negative(got.nonce));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_what_libcrypto_would_ask),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_request_of_another_version_is_none),
        cmocka_unit_test(every_random_nonce_is_a_positive_integer_of_eight_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
