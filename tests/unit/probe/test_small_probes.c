/* The small kinds, broken off at any moment: nothing is called afterwards, and nothing is left in the loop. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "probe.h"

static struct loop *loop;
static struct prober *prober;
static struct probe_settings settings;
static unsigned results;
static enum liveness_state state_told;

static void done(void *context, const struct probe_result *result) {
    (void)context;
    results++;
    state_told = result->state;
    for (size_t i = 0; i < result->count; i++)
        assert_true(result->parts[i]->over);
}

/* Takes everything, answers nothing. */
static int silent(int type, uint16_t *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int made = socket(AF_INET, type, 0);
    assert_true(made >= 0 && bind(made, (struct sockaddr *)&address, size) == 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(made, 64), 0);
    assert_int_equal(getsockname(made, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return made;
}

static struct probe *make(const char *yaml) {
    struct fault fault = {0};
    settings_start(probe_settings_table(), &settings);
    struct probe *probe = NULL;
    if (!settings_read(probe_settings_table(), slice_string(yaml), "test", &settings, &fault) ||
        !settings_finish(probe_settings_table(), "test", &settings, &fault) ||
        !(probe = probe_create(prober, &settings, &fault)))
        fail_msg("%s: %s", yaml, fault.text);
    return probe;
}

static void unmake(struct probe *probe) {
    probe_destroy(probe);
    settings_release(probe_settings_table(), &settings);
}

static int begin(void **state) {
    (void)state;
    struct fault fault;
    loop = loop_create(&fault);
    prober = prober_create(loop, NULL, &fault);
    results = 0;
    return 0;
}

static int finish(void **state) {
    (void)state;
    prober = prober_destroy(prober);
    loop = loop_destroy(loop); /* aborts where something is left in it */
    return 0;
}

/* One of each kind, that would take long. %u: the silent peer's port. */
static const struct {
    const char *yaml;
    int type;
} kinds[] = {
    {"kind: tcp\ntarget: 127.0.0.1:%u\nsend: x\nexpect: y\ntimeout: 200ms\n", SOCK_STREAM},
    {"kind: smtp\ntarget: 127.0.0.1:%u\ntimeout: 200ms\n", SOCK_STREAM},
    {"kind: ntp\ntarget: 127.0.0.1:%u\ntimeout: 200ms\n", SOCK_DGRAM},
    {"kind: dns\ntarget: www.example.org\nservers: ['127.0.0.1:%u', '127.0.0.1:1', localhost:%u]\ntimeout: "
     "200ms\n",
     SOCK_DGRAM},
    {"kind: dns\ntarget: www.example.org\nresolver: 127.0.0.1:%u\ntimeout: 200ms\n", SOCK_DGRAM},
    {"kind: command\ncommand: [sleep, '1000']\nuser: %s\ntimeout: 200ms\n", 0},
    {"kind: queue\ncommand: [sleep, '1000']\nnumber_most: 5\nuser: %s\ntimeout: 200ms\n", 0},
    {"kind: queue\ntarget: /usr/bin/*\nage_most: 3650d\ntimeout: 200ms\n", 0},
};

static int make_kind(size_t which, struct probe **ret_probe) {
    char yaml[512];
    uint16_t port = 0;
    int peer = kinds[which].type ? silent(kinds[which].type, &port) : -1;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (peer >= 0)
        snprintf(yaml, sizeof yaml, kinds[which].yaml, port, port);
    else
        snprintf(yaml, sizeof yaml, kinds[which].yaml, getenv("USER") && geteuid() ? getenv("USER") : "root");
#pragma GCC diagnostic pop
    *ret_probe = make(yaml);
    return peer;
}

static void each_can_be_broken_off_after_any_turn(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct probe *probe;
        int peer = make_kind(i, &probe);
        for (unsigned turns = 0; turns < 12; turns++) {
            unsigned before = results;
            probe_run(probe, done, NULL);
            for (unsigned turn = 0; turn < turns && results == before; turn++)
                loop_turn(loop, false);
            probe_cancel(probe);
            assert_false(probe_running(probe));
            before = results;
            loop_turn(loop, false);
            assert_int_equal(results, before);
        }
        probe_run(probe, done, NULL); /* and destroyed while it runs */
        unmake(probe);
        if (peer >= 0)
            close(peer);
    }
}

static void each_gives_up_by_itself(void **state) {
    (void)state;
    for (size_t i = 0; i + 1 < sizeof kinds / sizeof *kinds; i++) {
        struct probe *probe;
        int peer = make_kind(i, &probe);
        results = 0;
        probe_run(probe, done, NULL);
        while (!results)
            assert_true(loop_turn(loop, true) || results);
        assert_int_equal(state_told, LIVENESS_CRITICAL);
        unmake(probe);
        if (peer >= 0)
            close(peer);
    }
}

static void many_at_once_do_not_hold_each_other_back(void **state) {
    (void)state;
    enum { COUNT = 200 };
    uint16_t port = 0;
    int peer = silent(SOCK_STREAM, &port);
    char yaml[128];
    struct probe *probes[COUNT];
    snprintf(yaml, sizeof yaml, "kind: tcp\ntarget: 127.0.0.1:%u\n", port);
    struct probe *first = make(yaml);
    probes[0] = first;
    for (size_t i = 1; i < COUNT; i++)
        assert_non_null(probes[i] = probe_create(prober, &settings, NULL));
    for (size_t i = 0; i < COUNT; i++)
        probe_run(probes[i], done, NULL);
    while (results < 64) /* the peer's queue has as much room */
        assert_true(loop_turn(loop, true));
    for (size_t i = 1; i < COUNT; i++)
        probe_destroy(probes[i]);
    unmake(first);
    close(peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_can_be_broken_off_after_any_turn, begin, finish),
        cmocka_unit_test_setup_teardown(each_gives_up_by_itself, begin, finish),
        cmocka_unit_test_setup_teardown(many_at_once_do_not_hold_each_other_back, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
