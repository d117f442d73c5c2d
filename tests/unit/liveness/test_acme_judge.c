/* An ACME directory and a nonce, as RFC 8555 has them and otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "acme_judge.h"
#include "found.h"

static struct liveness_report report;
static char nonce_url[ACME_URL_MOST];

static struct http_answer begin(const char *headers) {
    struct http_answer answer;
    struct fault fault;
    found_begin(&report);
    assert_true(http_answer_read(slice_string(headers), &answer, &fault));
    return answer;
}

static void judge_directory(unsigned status, const char *body) {
    char headers[64];
    snprintf(headers, sizeof headers, "HTTP/1.1 %u X\r\n\r\n", status);
    struct http_answer answer = begin(headers);
    acme_judge_directory(&answer, slice_string(body), &report, nonce_url);
}

static void judge_nonce(const char *headers, struct slice previous) {
    struct http_answer answer = begin(headers);
    acme_judge_nonce(&answer, previous, &report);
}

/* RFC 8555 7.1.1, its example. */
#define DIRECTORY(nonce)                                                                                     \
    "{\"newNonce\": " nonce ", \"newAccount\": \"https://example.com/acme/new-account\","                    \
    " \"newOrder\": \"https://example.com/acme/new-order\","                                                 \
    " \"newAuthz\": \"https://example.com/acme/new-authz\","                                                 \
    " \"revokeCert\": \"https://example.com/acme/revoke-cert\","                                             \
    " \"keyChange\": \"https://example.com/acme/key-change\","                                               \
    " \"meta\": {\"termsOfService\": \"https://example.com/acme/terms/2017-5-30\","                          \
    " \"caaIdentities\": [\"example.com\"], \"externalAccountRequired\": false}}"

static void a_directory_as_it_should_be_is_good(void **state) {
    (void)state;
    judge_directory(200, DIRECTORY("\"https://example.com/acme/new-nonce\""));
    found_expect(&report, NULL);
    assert_string_equal(nonce_url, "https://example.com/acme/new-nonce");
}

static void a_directory_that_lacks_something_is_found(void **state) {
    (void)state;
    judge_directory(200, "{\"newNonce\": \"https://a/n\", \"newOrder\": \"https://a/o\","
                         " \"revokeCert\": \"https://a/r\"}");
    found_expect(&report, "acme.resources");
    found_seen(&report, CHECK_ACME_RESOURCES, "no newAccount");
    judge_directory(200, DIRECTORY("\"http://example.com/acme/new-nonce\""));
    found_expect(&report, "acme.https");
    found_seen(&report, CHECK_ACME_HTTPS, "newNonce: http://example.com");
    assert_string_equal(nonce_url, "http://example.com/acme/new-nonce");
    judge_directory(200, DIRECTORY("\"https://a/\\r\\nHost: b\""));
    found_expect(&report, "acme.https");
    assert_string_equal(nonce_url, "");
    judge_directory(200, DIRECTORY("null"));
    found_expect(&report, "acme.resources");
    judge_directory(200, DIRECTORY("{\"url\": \"https://a/\"}"));
    found_expect(&report, "acme.resources");
    assert_string_equal(nonce_url, "");
}

static void what_is_no_directory_is_found(void **state) {
    (void)state;
    judge_directory(503, "{}");
    found_expect(&report, "acme.status");
    judge_directory(200, "<html>");
    found_expect(&report, "acme.directory");
    found_seen(&report, CHECK_ACME_DIRECTORY, "HTML");
    judge_directory(200, "");
    found_expect(&report, "acme.directory");
    judge_directory(200, "[1]");
    found_expect(&report, "acme.directory");
    assert_string_equal(nonce_url, "");
}

#define NO_STORE "Cache-Control: public, no-store\r\n"

static void a_nonce_is_base64url_and_kept_by_nobody(void **state) {
    (void)state;
    judge_nonce("HTTP/1.1 200 OK\r\nReplay-Nonce: oFvnlFP1wIhRlYS2jTaXbA\r\n" NO_STORE "\r\n", SLICE(""));
    found_expect(&report, NULL);
    judge_nonce("HTTP/2 204\r\nreplay-nonce: a-_Z\r\n" NO_STORE "\r\n", SLICE("b-_Z"));
    found_expect(&report, NULL);
    judge_nonce("HTTP/1.1 200 OK\r\nReplay-Nonce: oFvnlFP1wIhRlYS2jTaXbA\r\n\r\n", SLICE(""));
    found_expect(&report, "acme.nonce-kept");
    judge_nonce("HTTP/1.1 200 OK\r\nReplay-Nonce: a-_Z\r\n" NO_STORE "\r\n", SLICE("a-_Z"));
    found_expect(&report, "acme.nonce");
    found_seen(&report, CHECK_ACME_NONCE, "which was given before");
    judge_nonce("HTTP/1.1 500 X\r\nReplay-Nonce: abcd\r\n" NO_STORE "\r\n", SLICE(""));
    found_expect(&report, "acme.nonce-status");
    static const char *const none[] = {"", "abcd=", "ab+/", "ab cd", "abcde", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char headers[128];
        snprintf(headers, sizeof headers, "HTTP/1.1 200 OK\r\nReplay-Nonce: %s\r\n" NO_STORE "\r\n", none[i]);
        judge_nonce(headers, SLICE(""));
        found_expect(&report, "acme.nonce");
    }
    judge_nonce("HTTP/1.1 204 X\r\n" NO_STORE "\r\n", SLICE(""));
    found_expect(&report, "acme.nonce");
    found_seen(&report, CHECK_ACME_NONCE, "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_as_it_should_be_is_good),
        cmocka_unit_test(a_directory_that_lacks_something_is_found),
        cmocka_unit_test(what_is_no_directory_is_found),
        cmocka_unit_test(a_nonce_is_base64url_and_kept_by_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
