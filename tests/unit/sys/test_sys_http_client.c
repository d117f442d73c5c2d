#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"
#include "http_client.h"
#include "peer_process.h"
#include "scratch.h"

static unsigned runs;
static const char *const headers[] = {"Content-Type: application/json", "X-Tocsin: yes", NULL};

struct sink {
    struct peer_process process;
    char folder[256];
    char text[8192];
};

static void start(struct sink *sink, const char *idle) {
    struct fault fault;
    char name[32];
    snprintf(name, sizeof name, "sink%u", runs++);
    snprintf(sink->folder, sizeof sink->folder, "%s", scratch_path(name));
    assert_true(files_make_folder(sink->folder, 0700, &fault));
    const char *arguments[] = {sink->folder, "--idle", idle, NULL};
    if (!peer_start(&sink->process, "http_sink.py", arguments))
        skip();
}

static const char *request(struct sink *sink, unsigned number) {
    struct fault fault;
    char path[512];
    CLEANUP_BUFFER struct buffer content = BUFFER(sizeof sink->text - 1);
    snprintf(path, sizeof path, "%s/%u", sink->folder, number);
    if (!files_read(path, &content, &fault))
        return NULL;
    snprintf(sink->text, sizeof sink->text, "%s", buffer_string(&content));
    return sink->text;
}

static const char *url(const struct sink *sink, const char *path) {
    static char text[256];
    snprintf(text, sizeof text, "http://127.0.0.1:%u%s", sink->process.port, path);
    return text;
}

static struct http_client *client_with(uint64_t timeout_us) {
    struct fault fault;
    struct http_client *client =
        http_client_create(&(struct http_client_settings){.timeout_us = timeout_us}, &fault);
    assert_non_null(client);
    return client;
}

static void a_body_arrives_with_its_headers_and_without_waiting_to_be_asked(void **state) {
    (void)state;
    struct sink sink;
    struct fault fault = {0};
    bool permanent;
    static char large[5000];
    CLEANUP_BUFFER struct buffer response = BUFFER(100);
    start(&sink, "60");
    struct http_client *client = client_with(0);
    memset(large, 'x', sizeof large);
    assert_true(http_client_post(client, url(&sink, "/hook"), headers, slice_make(large, sizeof large),
                                 &response, &permanent, &fault));
    assert_string_equal(buffer_string(&response), "taken");
    const char *text = request(&sink, 1);
    assert_non_null(strstr(text, "POST /hook HTTP/1.1\n"));
    assert_non_null(strstr(text, "Content-Type: application/json\n"));
    assert_non_null(strstr(text, "X-Tocsin: yes\n"));
    assert_non_null(strstr(text, "Content-Length: 5000\n"));
    assert_null(strstr(text, "Expect"));
    http_client_destroy(client);
    peer_stop(&sink.process);
}

static unsigned peer_of(struct sink *sink, unsigned number) {
    unsigned port = 0;
    const char *text = request(sink, number);
    assert_non_null(text);
    assert_int_equal(sscanf(text, "peer %u", &port), 1);
    return port;
}

static void connections_are_kept_and_opened_again_when_the_server_closed_them(void **state) {
    (void)state;
    struct sink sink;
    struct fault fault = {0};
    bool permanent;
    start(&sink, "0.2");
    struct http_client *client = client_with(0);
    assert_true(http_client_post(client, url(&sink, "/"), NULL, SLICE("one"), NULL, &permanent, &fault));
    assert_true(http_client_post(client, url(&sink, "/"), NULL, SLICE("two"), NULL, &permanent, &fault));
    usleep(500000); /* the sink's time, not a measurement */
    assert_true(http_client_post(client, url(&sink, "/"), NULL, SLICE(""), NULL, &permanent, &fault));
    assert_int_equal(peer_of(&sink, 1), peer_of(&sink, 2));
    assert_int_not_equal(peer_of(&sink, 2), peer_of(&sink, 3));
    assert_null(request(&sink, 4));
    http_client_destroy(client);
    peer_stop(&sink.process);
}

static void a_refusal_for_good_is_told_from_one_for_now(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool permanent;
    } cases[] = {{"/status/400", true},  {"/status/403", true},  {"/status/404", true},
                 {"/status/302", true},  {"/status/408", false}, {"/status/429", false},
                 {"/status/500", false}, {"/status/503", false}};
    struct sink sink;
    start(&sink, "60");
    struct http_client *client = client_with(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        bool permanent = !cases[i].permanent;
        assert_false(
            http_client_post(client, url(&sink, cases[i].path), NULL, SLICE("x"), NULL, &permanent, &fault));
        assert_int_equal(permanent, cases[i].permanent);
        assert_non_null(strstr(fault.text, cases[i].path + 8));
        assert_non_null(strstr(fault.place, cases[i].path));
        if (strcmp(cases[i].path, "/status/302") != 0)
            assert_non_null(strstr(fault.text, "refused on purpose")); /* one line */
    }
    http_client_destroy(client);
    peer_stop(&sink.process);
}

static void a_slow_a_large_and_an_absent_answer_are_faults(void **state) {
    (void)state;
    struct sink sink;
    struct fault fault = {0};
    bool permanent = true;
    start(&sink, "60");
    struct http_client *client = client_with(200000);
    assert_false(http_client_post(client, url(&sink, "/slow"), NULL, SLICE("x"), NULL, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_BUSY);
    assert_false(permanent);
    permanent = true;
    assert_false(http_client_post(client, url(&sink, "/large"), NULL, SLICE("x"), NULL, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    assert_false(permanent);
    peer_stop(&sink.process);
    permanent = true;
    assert_false(http_client_post(client, url(&sink, "/"), NULL, SLICE("x"), NULL, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_IO);
    assert_false(permanent);
    http_client_destroy(client);
}

static void what_is_no_url_or_header_is_refused_for_good(void **state) {
    (void)state;
    static const char *const urls[] = {"", "nonsense://x", "file:///etc/passwd", "smtp://127.0.0.1:1",
                                       "http://"};
    static const char *const bad[] = {"X: y\r\nHost: elsewhere", NULL};
    struct http_client *client = client_with(0);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct fault fault = {0};
        bool permanent = false;
        assert_false(http_client_post(client, urls[i], NULL, SLICE("x"), NULL, &permanent, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
        assert_true(permanent);
    }
    struct fault fault = {0};
    bool permanent = false;
    assert_false(http_client_post(client, "http://127.0.0.1:1/", bad, SLICE("x"), NULL, &permanent, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_true(permanent);
    http_client_destroy(client);
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_arrives_with_its_headers_and_without_waiting_to_be_asked),
        cmocka_unit_test(connections_are_kept_and_opened_again_when_the_server_closed_them),
        cmocka_unit_test(a_refusal_for_good_is_told_from_one_for_now),
        cmocka_unit_test(a_slow_a_large_and_an_absent_answer_are_faults),
        cmocka_unit_test(what_is_no_url_or_header_is_refused_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
