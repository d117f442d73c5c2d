#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "channel.h"
#include "metrics.h"
#include "metrics_server.h"
#include "scratch.h"

static void a_page_is_prometheus_text(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer page = BUFFER(4096);
    metrics_begin(&page, "events_total", METRICS_COUNTER, "Events\nstored \\ kept.");
    metrics_value(&page, "events_total",
                  (struct metrics_label[]){{"class", "access"}, {"host", "a\"b\\c\nd"}}, 2,
                  9007199254740991.0);
    metrics_counter(&page, "plain_total", "Plain.", 7);
    metrics_gauge(&page, "lag_seconds", "Lag.", 0.25);
    metrics_gauge(&page, "gone", "Gone.", (double)INFINITY);
    assert_string_equal(buffer_string(&page),
                        "# HELP events_total Events\\nstored \\\\ kept.\n"
                        "# TYPE events_total counter\n"
                        "events_total{class=\"access\",host=\"a\\\"b\\\\c\\nd\"} 9007199254740991\n"
                        "# HELP plain_total Plain.\n# TYPE plain_total counter\nplain_total 7\n"
                        "# HELP lag_seconds Lag.\n# TYPE lag_seconds gauge\nlag_seconds 0.25\n"
                        "# HELP gone Gone.\n# TYPE gone gauge\ngone +Inf\n");
}

/* --- the server --- */

struct visit {
    struct loop *loop;
    struct metrics_server *server;
    struct channel *channel;
    struct buffer got;
    struct loop_timer *alarm;
    bool closed, late;
    unsigned pages;
};

static void page(void *context, struct buffer *to) {
    struct visit *visit = context;
    visit->pages++;
    metrics_counter(to, "pages_total", "Pages.", visit->pages);
    metrics_process(to);
}

static void huge_page(void *context, struct buffer *to) {
    (void)context;
    while (buffer_append_string(to, "much too large for anyone\n"))
        ;
}

static void got(void *context, struct channel *channel, struct slice bytes) {
    (void)channel;
    struct visit *visit = context;
    buffer_append_slice(&visit->got, bytes);
}

static void closed(void *context, struct channel *channel, const struct fault *fault) {
    (void)channel, (void)fault;
    struct visit *visit = context;
    visit->closed = true;
    visit->channel = NULL;
}

static void late(void *context) {
    struct visit *visit = context;
    visit->late = true;
}

static void start_with(struct visit *visit, const char *address, void (*writer)(void *, struct buffer *)) {
    struct fault fault;
    *visit = (struct visit){.loop = loop_create(&fault), .got = BUFFER(100000)};
    visit->server = metrics_server_create(visit->loop, address, writer, visit, &fault);
    assert_non_null(visit->server);
    visit->alarm = loop_timer_create(visit->loop, late, visit);
}

/* Sends the request and gives all that comes back; NULL if nothing ends it in time. */
static const char *ask(struct visit *visit, struct slice request) {
    static const struct channel_handlers handlers = {.bytes = got, .closed = closed};
    struct fault fault;
    buffer_clear(&visit->got);
    visit->closed = visit->late = false;
    const struct channel_settings settings = {.address = metrics_server_address(visit->server)};
    visit->channel = channel_connect(visit->loop, &settings, &handlers, visit, &fault);
    assert_non_null(visit->channel);
    channel_write(visit->channel, request);
    loop_timer_after(visit->alarm, 20000000);
    while (!visit->closed && !visit->late)
        loop_turn(visit->loop, true);
    loop_timer_stop(visit->alarm);
    return visit->closed ? buffer_string(&visit->got) : NULL;
}

static void stop(struct visit *visit) {
    channel_close(visit->channel);
    loop_timer_destroy(visit->alarm);
    metrics_server_destroy(visit->server);
    loop_destroy(visit->loop);
    buffer_free(&visit->got);
}

static void the_page_is_served_anew_each_time(void **state) {
    (void)state;
    struct visit visit;
    start_with(&visit, "127.0.0.1:0", page);
    const char *text = ask(&visit, SLICE("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_non_null(text);
    assert_int_equal(strncmp(text, "HTTP/1.0 200 OK\r\n", 17), 0);
    assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4"));
    assert_non_null(strstr(text, "\npages_total 1\n"));
    assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
    assert_non_null(strstr(ask(&visit, SLICE("GET /metrics?x HTTP/1.0\n\n")), "\npages_total 2\n"));
    stop(&visit);
}

static void a_unix_socket_serves_as_well(void **state) {
    (void)state;
    struct visit visit;
    char address[256];
    snprintf(address, sizeof address, "unix:%s", scratch_path("metrics"));
    start_with(&visit, address, page);
    assert_non_null(strstr(ask(&visit, SLICE("GET /metrics HTTP/1.1\r\n\r\n")), "\npages_total 1\n"));
    stop(&visit);
}

static void anything_else_gets_its_error(void **state) {
    (void)state;
    static const struct {
        const char *request, *status;
    } cases[] = {{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.0 404 "},
                 {"GET /metricsx HTTP/1.1\r\n\r\n", "HTTP/1.0 404 "},
                 {"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.0 405 "},
                 {"nonsense\r\n\r\n", "HTTP/1.0 400 "},
                 {"\r\n\r\n", "HTTP/1.0 400 "},
                 {"GET /metrics\n\n", "HTTP/1.0 400 "}};
    struct visit visit;
    start_with(&visit, "127.0.0.1:0", page);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(strncmp(ask(&visit, slice_string(cases[i].request)), cases[i].status, 13), 0);
    static uint8_t endless[METRICS_REQUEST_MOST + 1];
    assert_int_equal(strncmp(ask(&visit, slice_make(endless, sizeof endless)), "HTTP/1.0 431 ", 13), 0);
    assert_int_equal(visit.pages, 0);
    stop(&visit);
}

static void a_page_that_is_too_large_is_an_error(void **state) {
    (void)state;
    struct visit visit;
    start_with(&visit, "127.0.0.1:0", huge_page);
    assert_int_equal(strncmp(ask(&visit, SLICE("GET /metrics HTTP/1.1\r\n\r\n")), "HTTP/1.0 500 ", 13), 0);
    stop(&visit);
}

static void a_visitor_that_says_nothing_is_shown_out(void **state) {
    (void)state;
    struct visit visit;
    start_with(&visit, "127.0.0.1:0", page);
    assert_string_equal(ask(&visit, SLICE("GET /met")), "");
    stop(&visit);
}

static void metrics_are_not_served_to_the_world(void **state) {
    (void)state;
    struct fault fault = {0};
    struct loop *loop = loop_create(&fault);
    assert_null(metrics_server_create(loop, "0.0.0.0:0", page, NULL, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    loop_destroy(loop);
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_prometheus_text),
        cmocka_unit_test(the_page_is_served_anew_each_time),
        cmocka_unit_test(a_unix_socket_serves_as_well),
        cmocka_unit_test(anything_else_gets_its_error),
        cmocka_unit_test(a_page_that_is_too_large_is_an_error),
        cmocka_unit_test(a_visitor_that_says_nothing_is_shown_out),
        cmocka_unit_test(metrics_are_not_served_to_the_world),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
