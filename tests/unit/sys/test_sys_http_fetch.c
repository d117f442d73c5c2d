#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "buffer.h"
#include "files.h"
#include "http_fetch.h"
#include "peer_process.h"
#include "scratch.h"

/* One peer, one loop and one fetcher for each test. */
struct probe {
    struct loop *loop;
    struct http_fetcher *fetcher;
    struct peer_process peer;
    const char *scheme, *host;
    unsigned pending; /* the loop runs until it is 0 */
    char folder[256];
};

/* A fetch and what came of it. */
struct outcome {
    struct probe *probe;
    struct http_fetch *fetch;
    struct buffer body;
    size_t stop_at; /* bytes; 0: never */
    unsigned done;
    struct http_fetch_result result;
    char reason[FAULT_TEXT_SIZE], headers[2048], trailers[256];
};

static unsigned runs;

static int setup_with(void **state, const char *scheme) {
    static struct probe probe;
    struct fault fault;
    char name[32];
    probe = (struct probe){.scheme = scheme, .host = strcmp(scheme, "http") == 0 ? "127.0.0.1" : "ca.test"};
    snprintf(name, sizeof name, "fetch%u", runs++);
    snprintf(probe.folder, sizeof probe.folder, "%s", scratch_path(name));
    assert_true(files_make_folder(probe.folder, 0700, &fault));
    const char *arguments[] = {strcmp(scheme, "http") == 0 ? NULL : "--tls", probe.folder, NULL};
    if (!peer_start(&probe.peer, "http_peer.py", arguments))
        return -1;
    probe.loop = loop_create(&fault);
    probe.fetcher = http_fetcher_create(probe.loop, &fault);
    *state = &probe;
    return probe.fetcher ? 0 : -1;
}

static int setup(void **state) {
    return setup_with(state, "http");
}

static int setup_tls(void **state) {
    return setup_with(state, "https");
}

static int teardown(void **state) {
    struct probe *probe = *state;
    http_fetcher_destroy(probe->fetcher);
    loop_destroy(probe->loop);
    peer_stop(&probe->peer);
    return 0;
}

static bool take_body(void *context, struct slice piece) {
    struct outcome *outcome = context;
    assert_int_equal(outcome->done, 0);
    buffer_append_slice(&outcome->body, piece);
    return !outcome->stop_at || outcome->body.size < outcome->stop_at;
}

static void keep_text(char *to, size_t size, struct slice text) {
    snprintf(to, size, "%.*s", SLICE_ARG(text));
}

static void take_done(void *context, const struct http_fetch_result *result) {
    struct outcome *outcome = context;
    outcome->done++;
    outcome->result = *result;
    snprintf(outcome->reason, sizeof outcome->reason, "%s", result->reason);
    keep_text(outcome->headers, sizeof outcome->headers, result->headers);
    keep_text(outcome->trailers, sizeof outcome->trailers, result->trailers);
    outcome->result.reason = outcome->reason;
    outcome->probe->pending--;
}

static const struct http_fetch_handlers handlers = {take_body, take_done};

static const char *url_of(const struct probe *probe, const char *path) {
    static char url[256];
    snprintf(url, sizeof url, "%s://%s:%u%s", probe->scheme, probe->host, probe->peer.port, path);
    return url;
}

static void start_with(struct probe *probe, struct outcome *outcome, const struct http_fetch_handlers *with,
                       const char *path, struct http_fetch_request request) {
    struct fault fault = {0};
    *outcome = (struct outcome){.probe = probe, .body = BUFFER(1u << 20), .stop_at = outcome->stop_at};
    if (!request.url)
        request.url = url_of(probe, path);
    outcome->fetch = http_fetch_start(probe->fetcher, &request, with, outcome, &fault);
    if (!outcome->fetch)
        fail_msg("%s: %s", fault.place, fault.text);
    assert_int_equal(outcome->done, 0);
    probe->pending++;
}

static void start(struct probe *probe, struct outcome *outcome, const char *path,
                  struct http_fetch_request request) {
    start_with(probe, outcome, &handlers, path, request);
}

static void run(struct probe *probe) {
    while (probe->pending) {
        bool more = loop_turn(probe->loop, true);
        assert_true(more || !probe->pending);
    }
}

/* Its body is freed with the next one's beginning, or by the caller. */
static void fetch(struct probe *probe, struct outcome *outcome, const char *path,
                  struct http_fetch_request request) {
    start(probe, outcome, path, request);
    run(probe);
    assert_int_equal(outcome->done, 1);
}

#define FETCH(probe, outcome, path, ...) fetch(probe, outcome, path, (struct http_fetch_request){__VA_ARGS__})

static void an_answer_comes_with_its_phases_and_where_it_is_from(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    FETCH(probe, &outcome, "/html", .method = HTTP_FETCH_GET);
    const struct http_fetch_result *result = &outcome.result;
    assert_int_equal(result->failure, HTTP_FETCH_GOOD);
    assert_string_equal(result->reason, "");
    assert_int_equal(result->status, 404);
    assert_int_equal(result->version, 11);
    assert_int_equal(result->body_size, 6);
    assert_string_equal(buffer_string(&outcome.body), "<html>");
    assert_string_equal(outcome.headers, "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"
                                         "Content-Length: 6\r\n\r\n");
    assert_string_equal(result->address, "127.0.0.1");
    assert_true(result->times.connect_us > 0 && result->times.first_us > 0 && result->times.body_us > 0);
    assert_true(result->times.tls_us == 0);
    assert_true(result->times.whole_us >= result->times.first_us);
    buffer_free(&outcome.body);
}

static void the_path_goes_out_as_it_is_written(void **state) {
    struct probe *probe = *state;
    static const char *const own[] = {"X-Tocsin: yes", NULL};
    struct outcome outcome = {0};
    FETCH(probe, &outcome, "/a//b+c/../%2B?q=//+", .headers = own);
    assert_non_null(strstr(buffer_string(&outcome.body), "GET /a//b+c/../%2B?q=//+ HTTP/1.1\r\n"));
    assert_non_null(strstr(buffer_string(&outcome.body), "X-Tocsin: yes\r\n"));
    buffer_free(&outcome.body);
    FETCH(probe, &outcome, "/x", .method = HTTP_FETCH_POST, .body = SLICE("\0binary"));
    assert_non_null(strstr(buffer_string(&outcome.body), "POST /x HTTP/1.1\r\n"));
    assert_non_null(strstr(buffer_string(&outcome.body), "Content-Length: 7\r\n"));
    assert_null(strstr(buffer_string(&outcome.body), "Expect"));
    buffer_free(&outcome.body);
    FETCH(probe, &outcome, "/x", .method = HTTP_FETCH_HEAD);
    assert_int_equal(outcome.result.failure, HTTP_FETCH_GOOD);
    assert_int_equal(outcome.result.status, 200);
    assert_int_equal(outcome.body.size, 0);
}

static void an_address_takes_the_place_of_the_name_and_the_host_stays(void **state) {
    struct probe *probe = *state;
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", "::1"};
    for (size_t i = 0; i < 3; i++) {
        struct outcome outcome = {0};
        char url[128], host[128];
        snprintf(url, sizeof url, "http://ca.test:%u/", probe->peer.port);
        snprintf(host, sizeof host, "Host: ca.test:%u\r\n", probe->peer.port);
        FETCH(probe, &outcome, "", .url = url, .address = addresses[i]);
        const char *said = buffer_string(&outcome.body);
        assert_non_null(strstr(said, host));
        assert_string_equal(said + strlen(said) - strlen(addresses[i]), addresses[i]);
        assert_string_equal(outcome.result.address, addresses[i]);
        assert_int_equal(outcome.result.times.name_us, 0);
        buffer_free(&outcome.body);
    }
}

static void proxies_of_the_environment_are_not_asked(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    FETCH(probe, &outcome, "/one", .method = HTTP_FETCH_GET);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(outcome.result.failure, HTTP_FETCH_GOOD);
    buffer_free(&outcome.body);
}

static void each_way_to_fail_has_its_name(void **state) {
    struct probe *probe = *state;
    static const struct {
        const char *path;
        enum http_fetch_failure failure;
        unsigned status;
        const char *reason; /* a part of it */
    } cases[] = {
        {"/close", HTTP_FETCH_FAILED_ANSWER, 0, "mpty reply"},
        {"/silent", HTTP_FETCH_FAILED_TIME, 0, "no answer within 0.3 s"},
        {"/drip", HTTP_FETCH_FAILED_TIME, 200, "the answer has not ended within 0.3 s"},
        {"/cut", HTTP_FETCH_FAILED_ANSWER, 200, "96 bytes remaining"},
        {"/no-http", HTTP_FETCH_FAILED_ANSWER, 0, "HTTP/0.9"},
        {"/headers", HTTP_FETCH_FAILED_SIZE, 200, "more than 65536 bytes of headers"},
        {"/large", HTTP_FETCH_FAILED_SIZE, 200, "a body of more than 1000 bytes"},
        {"/one", HTTP_FETCH_GOOD, 200, ""},
        {"/none", HTTP_FETCH_GOOD, 200, ""},
        {"/redirect", HTTP_FETCH_GOOD, 302, ""},
        {"/until-closed", HTTP_FETCH_GOOD, 200, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome outcome = {0};
        bool waits = cases[i].failure == HTTP_FETCH_FAILED_TIME;
        FETCH(probe, &outcome, cases[i].path, .body_most = 1000, .timeout_us = waits ? 300000 : 20000000);
        if (outcome.result.failure != cases[i].failure || !strstr(outcome.reason, cases[i].reason))
            fail_msg("%s: %s, '%s'", cases[i].path, http_fetch_failure_name(outcome.result.failure),
                     outcome.reason);
        assert_int_equal(outcome.result.status, cases[i].status);
        assert_int_equal(outcome.result.body_size, outcome.body.size);
        assert_true(outcome.body.size <= 1000);
        if (waits) {
            assert_true(outcome.result.times.whole_us >= 300000);
            assert_int_equal(outcome.result.times.body_us, 0);
        }
        buffer_free(&outcome.body);
    }
}

static void who_does_not_listen_and_what_has_no_address_are_told_apart(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    FETCH(probe, &outcome, "", .url = "http://127.0.0.1:1/");
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_CONNECT);
    assert_non_null(strstr(outcome.reason, "Connection refused"));
    assert_string_equal(outcome.result.address, "");
    assert_int_equal(outcome.result.times.connect_us, 0);
    FETCH(probe, &outcome, "", .url = "http://[::1]:1/");
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_CONNECT);
    /* A label of 64 letters: no name server is even asked. */
    FETCH(probe, &outcome, "",
          .url = "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/");
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_NAME);
    assert_int_equal(outcome.result.times.name_us, 0);
}

static void an_answer_that_is_late_was_waited_for_and_not_connected_to(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    FETCH(probe, &outcome, "/late", .method = HTTP_FETCH_POST, .body = SLICE("x"));
    assert_int_equal(outcome.result.failure, HTTP_FETCH_GOOD);
    assert_true(outcome.result.times.first_us >= 200000);
    buffer_free(&outcome.body);
}

static void the_last_answer_counts_and_trailers_stand_apart(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    FETCH(probe, &outcome, "/interim", .method = HTTP_FETCH_GET);
    assert_int_equal(outcome.result.status, 200);
    assert_string_equal(outcome.headers, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    assert_string_equal(buffer_string(&outcome.body), "ok");
    buffer_free(&outcome.body);
    FETCH(probe, &outcome, "/trailers", .method = HTTP_FETCH_GET);
    assert_string_equal(buffer_string(&outcome.body), "abc");
    assert_null(strstr(outcome.headers, "Sum: 6"));
    assert_non_null(strstr(outcome.trailers, "Sum: 6\r\nMore: x\r\n"));
    buffer_free(&outcome.body);
}

static void a_body_is_stopped_when_its_reader_has_enough(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {.stop_at = 1};
    FETCH(probe, &outcome, "/large", .method = HTTP_FETCH_GET);
    assert_int_equal(outcome.result.failure, HTTP_FETCH_STOPPED);
    assert_int_equal(outcome.result.status, 200);
    assert_true(outcome.result.body_size > 0 && outcome.result.body_size < 300000);
    buffer_free(&outcome.body);
}

static void many_run_at_once_and_a_silent_one_holds_back_none(void **state) {
    struct probe *probe = *state;
    enum { MANY = 50 };
    static struct outcome silent, outcomes[MANY];
    start(probe, &silent, "/silent", (struct http_fetch_request){.timeout_us = 60000000});
    for (size_t i = 0; i < MANY; i++)
        start(probe, &outcomes[i], i % 2 ? "/one" : "/trailers", (struct http_fetch_request){0});
    while (probe->pending > 1)
        loop_turn(probe->loop, true);
    assert_int_equal(silent.done, 0);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(outcomes[i].result.failure, HTTP_FETCH_GOOD);
        assert_int_equal(outcomes[i].body.size, i % 2 ? 1 : 3);
        buffer_free(&outcomes[i].body);
    }
    http_fetch_cancel(silent.fetch);
    probe->pending = 0;
}

/* ---- from within callbacks */

struct pair {
    struct outcome first, second;
    bool destroys;
};

static struct pair pair;

static bool end_both(void *context, struct slice piece) {
    struct outcome *outcome = context;
    (void)piece;
    if (pair.destroys)
        outcome->probe->fetcher = http_fetcher_destroy(outcome->probe->fetcher);
    else {
        http_fetch_cancel(pair.first.fetch);
        http_fetch_cancel(pair.second.fetch);
    }
    outcome->probe->pending = 0;
    return true;
}

static void never_done(void *context, const struct http_fetch_result *result) {
    (void)context;
    fail_msg("done after the end: %s", result->reason);
}

static void what_is_cancelled_from_a_callback_calls_no_more(void **state) {
    struct probe *probe = *state;
    static const struct http_fetch_handlers ends = {end_both, never_done};
    pair = (struct pair){.destroys = false};
    start_with(probe, &pair.first, &ends, "/large", (struct http_fetch_request){0});
    start_with(probe, &pair.second, &ends, "/silent", (struct http_fetch_request){0});
    run(probe);
    for (unsigned i = 0; i < 20; i++)
        loop_turn(probe->loop, false);
    pair = (struct pair){.destroys = true};
    start_with(probe, &pair.first, &ends, "/large", (struct http_fetch_request){0});
    start_with(probe, &pair.second, &ends, "/silent", (struct http_fetch_request){0});
    run(probe);
    assert_null(probe->fetcher);
    for (unsigned i = 0; i < 20; i++)
        loop_turn(probe->loop, false);
}

static bool begin_second(void *context, struct slice piece) {
    struct outcome *outcome = context;
    if (!pair.second.probe)
        start(outcome->probe, &pair.second, "/one", (struct http_fetch_request){0});
    return take_body(context, piece);
}

static void destroy_when_done(void *context, const struct http_fetch_result *result) {
    struct outcome *outcome = context;
    take_done(context, result);
    http_fetch_cancel(outcome->fetch); /* says nothing new */
    outcome->probe->fetcher = http_fetcher_destroy(outcome->probe->fetcher);
    outcome->probe->pending = 0;
}

static void one_can_be_begun_in_the_body_of_another_and_the_fetcher_end_in_a_done(void **state) {
    struct probe *probe = *state;
    static const struct http_fetch_handlers begins = {begin_second, take_done};
    static const struct http_fetch_handlers ends = {NULL, destroy_when_done};
    pair = (struct pair){.destroys = false};
    start_with(probe, &pair.first, &begins, "/one", (struct http_fetch_request){0});
    run(probe);
    assert_int_equal(pair.first.done + pair.second.done, 2);
    assert_int_equal(pair.second.result.failure, HTTP_FETCH_GOOD);
    buffer_free(&pair.first.body);
    buffer_free(&pair.second.body);
    start_with(probe, &pair.first, &ends, "/one", (struct http_fetch_request){0});
    start_with(probe, &pair.second, &(struct http_fetch_handlers){NULL, never_done}, "/silent",
               (struct http_fetch_request){0});
    run(probe);
    assert_null(probe->fetcher);
    assert_int_equal(pair.first.result.body_size, 1);
}

static void what_cannot_be_asked_is_refused_at_once(void **state) {
    struct probe *probe = *state;
    static const char *const two[] = {"X: y\r\nHost: elsewhere", NULL};
    static const struct http_fetch_request bad[] = {
        {.url = NULL},
        {.url = ""},
        {.url = "ftp://127.0.0.1/"},
        {.url = "http://"},
        {.url = "http://a b/"},
        {.url = "http://127.0.0.1:1/", .address = "localhost"},
        {.url = "http://127.0.0.1:1/", .address = "[::1]"},
        {.url = "http://127.0.0.1:1/", .headers = two},
        {.url = "https://127.0.0.1:1/", .authorities_path = "/nowhere/ca.pem"},
        {.url = "https://127.0.0.1:1/", .authorities_path = "/dev/null"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fault fault = {0};
        assert_null(http_fetch_start(probe->fetcher, &bad[i], &handlers, NULL, &fault));
        assert_true(fault.text[0] != '\0');
        if (bad[i].url)
            assert_non_null(strstr(fault.place, bad[i].url));
    }
}

/* ---- TLS */

static char authorities[2][320];

static void name_authorities(const struct probe *probe) {
    snprintf(authorities[0], sizeof authorities[0], "%s/ca.pem", probe->folder);
    snprintf(authorities[1], sizeof authorities[1], "%s/other.pem", probe->folder);
}

static void a_certificate_is_judged_by_the_authorities_of_its_own_request(void **state) {
    struct probe *probe = *state;
    name_authorities(probe);
    for (unsigned round = 0; round < 3; round++) {
        struct outcome outcome = {0};
        FETCH(probe, &outcome, "/one", .address = "127.0.0.1", .authorities_path = authorities[0]);
        assert_int_equal(outcome.result.failure, HTTP_FETCH_GOOD);
        assert_true(outcome.result.times.tls_us > 0);
        buffer_free(&outcome.body);
        FETCH(probe, &outcome, "/one", .address = "127.0.0.1", .authorities_path = authorities[1]);
        assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_TLS);
        assert_int_equal(outcome.result.times.tls_us, 0);
        assert_true(outcome.result.times.connect_us > 0);
        assert_string_equal(outcome.result.address, "127.0.0.1");
        FETCH(probe, &outcome, "/one", .address = "127.0.0.1");
        assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_TLS);
        FETCH(probe, &outcome, "/one", .address = "::1", .unverified = true);
        assert_int_equal(outcome.result.failure, HTTP_FETCH_GOOD);
        buffer_free(&outcome.body);
    }
}

static void a_certificate_of_another_name_is_none(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    name_authorities(probe);
    probe->host = "www.test";
    FETCH(probe, &outcome, "/one", .address = "127.0.0.1", .authorities_path = authorities[0]);
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_TLS);
}

static void an_authorities_file_that_changed_is_read_again(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    char changing[320];
    struct fault fault;
    CLEANUP_BUFFER struct buffer text = BUFFER(100000);
    name_authorities(probe);
    snprintf(changing, sizeof changing, "%s/changing.pem", probe->folder);
    for (unsigned i = 0; i < 2; i++) {
        buffer_clear(&text);
        assert_true(files_read(authorities[1 - i], &text, &fault));
        assert_true(files_write(changing, buffer_slice(&text), 0600, &fault));
        FETCH(probe, &outcome, "/one", .address = "127.0.0.1", .authorities_path = changing);
        assert_int_equal(outcome.result.failure, i ? HTTP_FETCH_GOOD : HTTP_FETCH_FAILED_TLS);
        buffer_free(&outcome.body);
    }
}

static void our_certificate_is_shown_where_one_is_given(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    char certificate[320], key[320];
    name_authorities(probe);
    snprintf(certificate, sizeof certificate, "%s/peer.pem", probe->folder);
    snprintf(key, sizeof key, "%s/peer.key", probe->folder);
    FETCH(probe, &outcome, "/one", .address = "127.0.0.1", .authorities_path = authorities[0],
          .certificate_path = certificate, .key_path = key);
    assert_int_equal(outcome.result.failure, HTTP_FETCH_GOOD);
    buffer_free(&outcome.body);
    FETCH(probe, &outcome, "/one", .address = "127.0.0.1", .authorities_path = authorities[0],
          .certificate_path = "/nowhere.pem");
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_TLS);
}

static void a_session_that_never_begins_is_told_from_an_answer_that_never_comes(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    int listener = socket(AF_INET, SOCK_STREAM, 0); /* connects, and says nothing */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char url[64];
    assert_int_equal(bind(listener, (struct sockaddr *)(void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)(void *)&address, &size), 0);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", ntohs(address.sin_port));
    FETCH(probe, &outcome, "", .url = url, .timeout_us = 200000);
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_TIME);
    assert_string_equal(outcome.reason, "no TLS session within 0.2 s");
    assert_true(outcome.result.times.connect_us > 0);
    assert_int_equal(outcome.result.times.tls_us, 0);
    close(listener);
}

static void a_connection_that_is_never_accepted_is_told_from_one_that_is_refused(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    enum { FULL = 8 };
    int listener = socket(AF_INET, SOCK_STREAM, 0), waiting[FULL];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char url[64];
    assert_int_equal(bind(listener, (struct sockaddr *)(void *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0),
                     0); /* its queue is full at once, and what comes then goes unheard */
    assert_int_equal(getsockname(listener, (struct sockaddr *)(void *)&address, &size), 0);
    for (size_t i = 0; i < FULL; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(waiting[i], (struct sockaddr *)(void *)&address, sizeof address);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    FETCH(probe, &outcome, "", .url = url, .timeout_us = 200000);
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_TIME);
    assert_string_equal(outcome.reason, "no connection within 0.2 s");
    assert_int_equal(outcome.result.times.connect_us, 0);
    for (size_t i = 0; i < FULL; i++)
        close(waiting[i]);
    close(listener);
}

static void a_plain_server_gives_no_tls_session(void **state) {
    struct probe *probe = *state;
    struct outcome outcome = {0};
    probe->scheme = "https";
    FETCH(probe, &outcome, "/one", .unverified = true);
    assert_int_equal(outcome.result.failure, HTTP_FETCH_FAILED_TLS);
    assert_int_equal(outcome.result.times.tls_us, 0);
    assert_true(outcome.result.times.connect_us > 0);
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

#define PLAIN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OVER_TLS(test) cmocka_unit_test_setup_teardown(test, setup_tls, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        PLAIN(an_answer_comes_with_its_phases_and_where_it_is_from),
        PLAIN(the_path_goes_out_as_it_is_written),
        PLAIN(an_address_takes_the_place_of_the_name_and_the_host_stays),
        PLAIN(proxies_of_the_environment_are_not_asked),
        PLAIN(each_way_to_fail_has_its_name),
        PLAIN(who_does_not_listen_and_what_has_no_address_are_told_apart),
        PLAIN(an_answer_that_is_late_was_waited_for_and_not_connected_to),
        PLAIN(the_last_answer_counts_and_trailers_stand_apart),
        PLAIN(a_body_is_stopped_when_its_reader_has_enough),
        PLAIN(many_run_at_once_and_a_silent_one_holds_back_none),
        PLAIN(what_is_cancelled_from_a_callback_calls_no_more),
        PLAIN(one_can_be_begun_in_the_body_of_another_and_the_fetcher_end_in_a_done),
        PLAIN(what_cannot_be_asked_is_refused_at_once),
        PLAIN(a_session_that_never_begins_is_told_from_an_answer_that_never_comes),
        PLAIN(a_connection_that_is_never_accepted_is_told_from_one_that_is_refused),
        PLAIN(a_plain_server_gives_no_tls_session),
        OVER_TLS(a_certificate_is_judged_by_the_authorities_of_its_own_request),
        OVER_TLS(a_certificate_of_another_name_is_none),
        OVER_TLS(an_authorities_file_that_changed_is_read_again),
        OVER_TLS(our_certificate_is_shown_where_one_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
