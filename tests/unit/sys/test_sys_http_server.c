/* The HTTP server: whole requests reach the handler, everything has its ceiling, and whoever drips is shown out. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"
#include "http_client.h"
#include "http_server.h"
#include "scratch.h"

#define BODY_MOST 1000u
#define PATIENCE_MS 30000

static char seen_path[HTTP_SERVER_PATH_MOST + 1], seen_peer[64];

/* Says what it got: "METHOD path size". */
static void handle(void *context, const struct http_request *request, struct http_answer *answer) {
    (void)context;
    snprintf(seen_path, sizeof seen_path, "%s", request->path);
    snprintf(seen_peer, sizeof seen_peer, "%s", request->peer);
    if (strcmp(request->path, "/nothing") == 0) {
        http_answer_say(answer, 404, "there is nothing");
        return;
    }
    answer->status = strcmp(request->path, "/conflict") == 0 ? 409 : 200;
    answer->type = "text/x.test";
    buffer_printf(&answer->body, "%s %s %zu", request->method, request->path, request->body.size);
}

static struct http_server_settings settings_plain(void) {
    return (struct http_server_settings){.host = "127.0.0.1", .body_most = BODY_MOST, .handler = handle};
}

static struct http_server *start(const struct http_server_settings *settings) {
    struct fault fault = {0};
    struct http_server *server = http_server_start(settings, &fault);
    if (!server)
        fail_msg("%s: %s", fault.place, fault.text);
    return server;
}

/* ---- a peer that speaks bytes */

static int dial(const struct http_server *server) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(http_server_port(server))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

static void say(int peer, const char *text) {
    assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Until the server ends the connection, which it does within the test's patience. */
static void hear_all(int peer, struct buffer *to) {
    char bytes[4096];
    for (;;) {
        struct pollfd poll_set = {.fd = peer, .events = POLLIN};
        assert_int_equal(poll(&poll_set, 1, PATIENCE_MS), 1);
        ssize_t size = recv(peer, bytes, sizeof bytes, 0);
        if (size <= 0)
            break;
        assert_true(buffer_append(to, bytes, (size_t)size));
    }
    close(peer);
}

static void exchange(const struct http_server *server, const char *text, const char *expected) {
    CLEANUP_BUFFER struct buffer heard = BUFFER(1u << 20);
    int peer = dial(server);
    say(peer, text);
    hear_all(peer, &heard);
    if (slice_find(buffer_slice(&heard), slice_string(expected)) == SIZE_MAX)
        fail_msg("%s\ngot: %s", text, buffer_string(&heard));
}

/* ---- tests */

static void whole_requests_are_answered(void **state) {
    (void)state;
    struct http_server_settings settings = settings_plain();
    struct http_server *server = start(&settings);
    exchange(server, "GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /a/b 0");
    assert_string_equal(seen_peer, "127.0.0.1");
    exchange(server, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             "Content-Type: text/x.test\r\n");
    exchange(server, "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
             "POST /p 5");
    exchange(server,
             "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
             "POST /p 7");
    exchange(server, "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "there is nothing\n");
    exchange(server,
             "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             "GET /2 0");
    struct http_server_counts counts = http_server_counts(server);
    assert_int_equal(counts.requests, 7);
    assert_int_equal(counts.refused, 0);
    http_server_stop(server);
}

static void head_is_get_without_the_body(void **state) {
    (void)state;
    struct http_server_settings settings = settings_plain();
    struct http_server *server = start(&settings);
    CLEANUP_BUFFER struct buffer heard = BUFFER(1u << 20);
    int peer = dial(server);
    say(peer, "HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    hear_all(peer, &heard);
    assert_true(slice_find(buffer_slice(&heard), SLICE("200 OK")) != SIZE_MAX);
    assert_true(slice_find(buffer_slice(&heard), SLICE("GET /h 0")) == SIZE_MAX);
    http_server_stop(server);
}

static void what_is_too_large_or_unknown_is_refused(void **state) {
    (void)state;
    struct http_server_settings settings = settings_plain();
    struct http_server *server = start(&settings);
    CLEANUP_BUFFER struct buffer text = BUFFER(1u << 20);
    buffer_printf(&text, "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %u\r\n\r\n%*s",
                  BODY_MOST + 1, (int)BODY_MOST + 1, "");
    exchange(server, buffer_string(&text), "413");
    buffer_clear(&text);
    buffer_printf(&text, "POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %u\r\n\r\n%*s",
                  BODY_MOST, (int)BODY_MOST, "");
    exchange(server, buffer_string(&text), "POST /p 1000");
    exchange(server, "DELETE /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "405");
    exchange(server, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400");
    buffer_clear(&text);
    buffer_printf(&text, "GET /%0*d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                  (int)HTTP_SERVER_PATH_MOST, 0);
    exchange(server, buffer_string(&text), "414");
    /* A head over its ceiling, and no HTTP at all: the connection ends. */
    buffer_clear(&text);
    buffer_printf(&text, "GET / HTTP/1.1\r\nHost: x\r\nX: %0*d\r\n\r\n", (int)HTTP_SERVER_HEAD_MOST, 0);
    exchange(server, buffer_string(&text), "");
    exchange(server, "\x16\x03\x01\x02\r\n\r\n", "");
    exchange(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / 0");
    http_server_stop(server);
}

static void whoever_drips_is_shown_out(void **state) {
    (void)state;
    struct http_server_settings settings = settings_plain();
    settings.timeout_us = 1000000;
    struct http_server *server = start(&settings);
    CLEANUP_BUFFER struct buffer heard = BUFFER(1u << 20);
    int silent = dial(server), dripping = dial(server);
    say(dripping, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
    char byte = 'x';
    /* A byte every 100 ms for as long as it is taken: the server's own clock ends it, not ours. */
    for (int i = 0; i < 300 && send(dripping, &byte, 1, MSG_NOSIGNAL) == 1; i++) {
        struct pollfd poll_set = {.fd = dripping, .events = POLLIN};
        if (poll(&poll_set, 1, 100) == 1)
            break;
    }
    hear_all(dripping, &heard);
    hear_all(silent, &heard);
    assert_true(slice_find(buffer_slice(&heard), SLICE("POST /p")) == SIZE_MAX);
    exchange(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / 0");
    http_server_stop(server);
}

static void plain_http_is_for_loopback_alone(void **state) {
    (void)state;
    struct http_server_settings settings = settings_plain();
    struct fault fault = {0};
    settings.host = "0.0.0.0";
    assert_null(http_server_start(&settings, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    settings.host = "no such host";
    assert_null(http_server_start(&settings, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    settings.host = "192.0.2.1";
    settings.certificate_path = settings.key_path = "/nowhere.pem";
    assert_null(http_server_start(&settings, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
}

static void a_port_that_is_taken_is_said(void **state) {
    (void)state;
    struct http_server_settings settings = settings_plain();
    struct http_server *server = start(&settings);
    struct fault fault = {0};
    settings.port = http_server_port(server);
    assert_null(http_server_start(&settings, &fault));
    assert_int_equal(fault.code, FAULT_IO);
    http_server_stop(server);
}

static void our_client_gets_and_posts_over_plain_http(void **state) {
    (void)state;
    struct http_server_settings settings = settings_plain();
    struct http_server *server = start(&settings);
    struct http_client_settings mine = {.timeout_us = 0};
    struct fault fault = {0};
    struct http_client *client = http_client_create(&mine, &fault);
    CLEANUP_BUFFER struct buffer answer = BUFFER(HTTP_CLIENT_RESPONSE_MOST);
    char url[64];
    bool permanent;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/conflict", http_server_port(server));
    assert_false(http_client_post(client, url, NULL, SLICE("abc"), &answer, &permanent, &fault));
    assert_int_equal(http_client_status(client), 409);
    assert_string_equal(buffer_string(&answer), "POST /conflict 3");
    snprintf(url, sizeof url, "http://127.0.0.1:%u/x", http_server_port(server));
    assert_true(http_client_get(client, url, NULL, &answer, &permanent, &fault));
    assert_int_equal(http_client_status(client), 200);
    assert_string_equal(buffer_string(&answer), "GET /x 0");
    assert_true(http_client_post(client, url, NULL, SLICE(""), &answer, &permanent, &fault));
    assert_string_equal(buffer_string(&answer), "POST /x 0");
    assert_true(http_client_get(client, url, NULL, &answer, &permanent, &fault));
    assert_string_equal(buffer_string(&answer), "GET /x 0");
    http_server_stop(server);
    assert_false(http_client_get(client, url, NULL, &answer, &permanent, &fault));
    assert_int_equal(http_client_status(client), 0);
    http_client_destroy(client);
}

static void with_a_certificate_it_speaks_tls_alone(void **state) {
    (void)state;
    const char *key = scratch_path("web.key"), *certificate = scratch_path("web.crt");
    struct fault fault = {0};
    char command[FILES_PATH_MOST];
    snprintf(
        command, sizeof command,
        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -days 2 -keyout web.key -out web.crt 2>/dev/null",
        scratch_folder());
    assert_int_equal(system(command), 0);
    struct http_server_settings settings = settings_plain();
    settings.certificate_path = certificate;
    settings.key_path = key;
    struct http_server *server = start(&settings);
    exchange(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "");
    assert_int_equal(http_server_counts(server).requests, 0);
    struct http_client_settings mine = {.authorities_path = certificate};
    struct http_client *client = http_client_create(&mine, &fault);
    CLEANUP_BUFFER struct buffer answer = BUFFER(HTTP_CLIENT_RESPONSE_MOST);
    char url[64];
    bool permanent;
    snprintf(url, sizeof url, "https://localhost:%u/s", http_server_port(server));
    if (!http_client_get(client, url, NULL, &answer, &permanent, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    assert_string_equal(buffer_string(&answer), "GET /s 0");
    http_client_destroy(client);
    http_server_stop(server);
    /* A key that is another's is said. */
    settings.key_path = certificate;
    assert_null(http_server_start(&settings, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_requests_are_answered),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(what_is_too_large_or_unknown_is_refused),
        cmocka_unit_test(whoever_drips_is_shown_out),
        cmocka_unit_test(plain_http_is_for_loopback_alone),
        cmocka_unit_test(a_port_that_is_taken_is_said),
        cmocka_unit_test(our_client_gets_and_posts_over_plain_http),
        cmocka_unit_test(with_a_certificate_it_speaks_tls_alone),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    scratch_remove();
    return failed;
}
