/* Requests as libcrypto reads them, and as they stand in a URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "encoding.h"
#include "ocsp_request.h"
#include "pki.h"

#define NONCE SLICE("0123456789abcdef0123456789abcdef")

static X509 *ca;
static struct certificate issuer;

static int set_up(void **state) {
    (void)state;
    struct pki_certificate wanted = {"Test CA", KEY_CA, NULL, KEY_CA, 1, -DAY, DAY, {{0}}};
    ca = pki_certificate(&wanted);
    issuer = pki_read(ca);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    pki_free();
    return 0;
}

static void a_request_is_what_libcrypto_would_ask(void **state) {
    (void)state;
    for (int sha256 = 0; sha256 < 2; sha256++) {
        struct ocsp_question_id id = {&issuer, SLICE("\x12\x34"), sha256 ? OCSP_SHA256 : OCSP_SHA1};
        CLEANUP_BUFFER struct buffer der = BUFFER(OCSP_REQUEST_MOST);
        assert_true(ocsp_request_write(&der, &id, NONCE));
        const unsigned char *at = der.data;
        OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)der.size);
        assert_non_null(request);
        assert_ptr_equal(at, der.data + der.size);
        assert_int_equal(OCSP_request_onereq_count(request), 1);
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        ASN1_INTEGER_set(serial, 0x1234);
        OCSP_CERTID *due = OCSP_cert_id_new(sha256 ? EVP_sha256() : EVP_sha1(), X509_get_subject_name(ca),
                                            X509_get0_pubkey_bitstr(ca), serial);
        OCSP_CERTID *is = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0));
        assert_int_equal(OCSP_id_cmp(is, due), 0);
        X509_EXTENSION *nonce =
            OCSP_REQUEST_get_ext(request, OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1));
        assert_non_null(nonce);
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(nonce);
        assert_int_equal(ASN1_STRING_length(value), 2 + OCSP_NONCE_SIZE);
        assert_memory_equal(ASN1_STRING_get0_data(value) + 2, NONCE.data, OCSP_NONCE_SIZE);
        OCSP_CERTID_free(due);
        ASN1_INTEGER_free(serial);
        OCSP_REQUEST_free(request);
    }
}

static void a_request_may_be_without_a_nonce_but_not_without_a_serial(void **state) {
    (void)state;
    struct ocsp_question_id id = {&issuer, SLICE("\x12\x34"), OCSP_SHA1};
    CLEANUP_BUFFER struct buffer der = BUFFER(OCSP_REQUEST_MOST);
    assert_true(ocsp_request_write(&der, &id, SLICE("")));
    const unsigned char *at = der.data;
    OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)der.size);
    assert_non_null(request);
    assert_int_equal(OCSP_REQUEST_get_ext_count(request), 0);
    OCSP_REQUEST_free(request);
    id.serial = SLICE("");
    assert_false(ocsp_request_write(&der, &id, SLICE("")));
}

static void a_path_escapes_what_a_server_may_trip_over_unless_it_is_to_trip(void **state) {
    (void)state;
    struct slice bytes = SLICE("\xff\xff\xff\xfb\xef\xbe\x01"); /* "////++++AQ==" */
    CLEANUP_BUFFER struct buffer escaped = BUFFER(1024), raw = BUFFER(1024), joined = BUFFER(1024);
    assert_true(ocsp_request_path(&escaped, bytes, false));
    assert_string_equal(buffer_string(&escaped), "/%2F%2F%2F%2F%2B%2B%2B%2BAQ%3D%3D");
    assert_true(ocsp_request_path(&raw, bytes, true));
    assert_string_equal(buffer_string(&raw), "/////++++AQ%3D%3D");
    buffer_append_string(&joined, "http://ocsp.example.org/");
    assert_true(ocsp_request_path(&joined, SLICE("\x01"), false));
    assert_string_equal(buffer_string(&joined), "http://ocsp.example.org/AQ%3D%3D");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_what_libcrypto_would_ask),
        cmocka_unit_test(a_request_may_be_without_a_nonce_but_not_without_a_serial),
        cmocka_unit_test(a_path_escapes_what_a_server_may_trip_over_unless_it_is_to_trip),
    };
    return cmocka_run_group_tests_name("ocsp_request", tests, set_up, tear_down);
}
