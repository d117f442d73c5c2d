/* gRPC's health answers: bytes of the frame and the message, and where the status stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "found.h"
#include "grpc_judge.h"

#define HEADERS "HTTP/2 200 \r\ncontent-type: application/grpc\r\n\r\n"
#define OK "grpc-status: 0\r\n"

static struct liveness_report report;

static void judge(const char *headers, struct slice body, const char *trailers) {
    struct http_answer answer;
    struct fault fault;
    found_begin(&report);
    assert_true(http_answer_read(slice_string(headers), &answer, &fault));
    grpc_judge(&answer, body, slice_string(trailers), &report);
}

static void a_request_is_a_frame_with_the_name_in_it(void **state) {
    (void)state;
    char longest[GRPC_SERVICE_MOST + 1];
    CLEANUP_BUFFER struct buffer request = BUFFER(GRPC_REQUEST_MOST);
    assert_true(grpc_health_request(&request, SLICE("")));
    assert_true(slice_equal(buffer_slice(&request), SLICE("\0\0\0\0\0")));
    buffer_clear(&request);
    assert_true(grpc_health_request(&request, SLICE("sa.Authority")));
    assert_true(slice_equal(buffer_slice(&request), SLICE("\0\0\0\0\x0e\x0a\x0csa.Authority")));
    memset(longest, 'x', sizeof longest);
    buffer_clear(&request);
    assert_true(grpc_health_request(&request, slice_make(longest, GRPC_SERVICE_MOST)));
    assert_false(request.overflow);
    assert_false(grpc_health_request(&request, slice_make(longest, sizeof longest)));
}

static void a_server_that_serves_is_good(void **state) {
    (void)state;
    judge(HEADERS, SLICE("\0\0\0\0\x02\x08\x01"), OK);
    found_expect(&report, NULL);
    found_seen(&report, CHECK_GRPC_SERVING, "SERVING");
    judge("HTTP/2 200\r\nContent-Type: application/grpc+proto\r\n\r\n",
          SLICE("\0\0\0\0\x05\x12\x01x\x08\x01"),
          "Grpc-Status: 0\r\ngrpc-message: \r\n"); /* a field of tomorrow's */
    found_expect(&report, NULL);
}

static void a_server_that_does_not_is_found(void **state) {
    (void)state;
    judge(HEADERS, SLICE("\0\0\0\0\x02\x08\x02"), OK);
    found_expect(&report, "grpc.serving");
    found_seen(&report, CHECK_GRPC_SERVING, "NOT_SERVING");
    judge(HEADERS, SLICE("\0\0\0\0\0"), OK); /* zero is left out */
    found_expect(&report, "grpc.serving");
    found_seen(&report, CHECK_GRPC_SERVING, "UNKNOWN");
    judge(HEADERS, SLICE("\0\0\0\0\x02\x08\x63"), OK);
    found_seen(&report, CHECK_GRPC_SERVING, "no such value");
}

static void an_error_stands_in_trailers_or_in_headers(void **state) {
    (void)state;
    judge(HEADERS, SLICE(""), "grpc-status: 14\r\ngrpc-message: gone\r\n");
    found_expect(&report, "grpc.status");
    found_seen(&report, CHECK_GRPC_STATUS, "14, UNAVAILABLE: gone");
    judge("HTTP/2 200\r\ncontent-type: application/grpc\r\ngrpc-status: 12\r\n\r\n", SLICE(""), "");
    found_expect(&report, "grpc.status");
    found_seen(&report, CHECK_GRPC_STATUS, "12, UNIMPLEMENTED");
    judge(HEADERS, SLICE("\0\0\0\0\x02\x08\x01"), "");
    found_expect(&report, "grpc.status");
    judge(HEADERS, SLICE("\0\0\0\0\x02\x08\x01"), "grpc-status: fine\r\n");
    found_expect(&report, "grpc.status");
    judge(HEADERS, SLICE("\0\0\0\0\x02\x08\x01"), "grpc-status: 99\r\n");
    found_expect(&report, "grpc.status");
}

static void what_is_no_grpc_is_found(void **state) {
    (void)state;
    judge("HTTP/1.1 502 Bad Gateway\r\n\r\n", SLICE("<html>"), "");
    found_expect(&report, "grpc.http-status");
    judge("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", SLICE("<html>"), "");
    found_expect(&report, "grpc.content-type grpc.status");
}

static void a_message_that_is_none_is_found(void **state) {
    (void)state;
    static const struct {
        struct slice body;
        const char *seen;
    } cases[] = {
        {{(const uint8_t *)"", 0}, "nothing"},
        {{(const uint8_t *)"\0", 1}, "less than a message's head"},
        {{(const uint8_t *)"\1\0\0\0\x02\x08\x01", 7}, "a compressed message"},
        {{(const uint8_t *)"\0\0\0\0\x03\x08\x01", 7}, "cut off"},
        {{(const uint8_t *)"\0\xff\xff\xff\xff\x08\x01", 7}, "cut off"},
        {{(const uint8_t *)"\0\0\0\0\x02\x08\x01\0\0\0\0\0", 12}, "more than one message"},
        {{(const uint8_t *)"\0\0\0\0\x01\x08", 6}, "no HealthCheckResponse"},
        {{(const uint8_t *)"\0\0\0\0\x03\x0a\x01\x01", 8}, "no HealthCheckResponse"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        judge(HEADERS, cases[i].body, OK);
        found_expect(&report, "grpc.message");
        found_seen(&report, CHECK_GRPC_MESSAGE, cases[i].seen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_a_frame_with_the_name_in_it),
        cmocka_unit_test(a_server_that_serves_is_good),
        cmocka_unit_test(a_server_that_does_not_is_found),
        cmocka_unit_test(an_error_stands_in_trailers_or_in_headers),
        cmocka_unit_test(what_is_no_grpc_is_found),
        cmocka_unit_test(a_message_that_is_none_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
