/* The way of a run: names, families, addresses, one slow one beside others, giving up, and being given up. */
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

#include "files.h"
#include "memory.h"
#include "pki.h"
#include "probe.h"

#define FIXTURE "test_probe_run.issuer.der" /* in the folder where the test runs */
#define PROBES 64u

/* A port that takes connections and never says a word. */
static int silent_port(uint16_t *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listening >= 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listening, 256), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return listening;
}

struct run {
    struct loop *loop;
    struct probe *probe;
    unsigned done, left;
    enum liveness_state state;
    size_t parts;
    bool found[LIVENESS_CHECKS]; /* bad ones */
};

static void done(void *context, const struct probe_result *result) {
    struct run *run = context;
    run->done++;
    run->state = result->state;
    run->parts = result->count;
    memset(run->found, 0, sizeof run->found);
    for (size_t i = 0; i < result->count; i++)
        for (size_t j = 0; j < result->parts[i]->report.count; j++)
            if (result->parts[i]->report.findings[j].state >= LIVENESS_WARN)
                run->found[result->parts[i]->report.findings[j].check] = true;
    if (run->left == 0 || --run->left == 0)
        loop_stop(run->loop);
}

struct bench {
    struct loop *loop;
    struct prober *prober;
};

static int open_bench(void **state) {
    struct bench *bench = memory_new(sizeof *bench);
    struct fault fault = {0};
    bench->loop = loop_create(&fault);
    assert_non_null(bench->loop);
    bench->prober = prober_create(bench->loop, NULL, &fault);
    assert_non_null(bench->prober);
    *state = bench;
    return 0;
}

static int close_bench(void **state) {
    struct bench *bench = *state;
    prober_destroy(bench->prober);
    loop_destroy(bench->loop);
    free(bench);
    return 0;
}

static void settings_read_from(struct probe_settings *settings, const char *yaml) {
    struct fault fault = {0};
    settings_start(probe_settings_table(), settings);
    if (!settings_read(probe_settings_table(), slice_string(yaml), "x", settings, &fault) ||
        !settings_finish(probe_settings_table(), "x", settings, &fault))
        fail_msg("%s", fault.text);
}

/* One run of it. */
static struct run run_once(struct bench *bench, const char *yaml) {
    struct probe_settings settings;
    struct fault fault = {0};
    struct run run = {.loop = bench->loop};
    settings_read_from(&settings, yaml);
    run.probe = probe_create(bench->prober, &settings, &fault);
    if (!run.probe)
        fail_msg("%s", fault.text);
    probe_run(run.probe, done, &run);
    assert_true(probe_running(run.probe));
    loop_run(bench->loop);
    assert_int_equal(run.done, 1);
    assert_false(probe_running(run.probe));
    probe_destroy(run.probe);
    settings_release(probe_settings_table(), &settings);
    return run;
}

static void a_name_that_is_none_is_critical(void **state) {
    struct run run = run_once(*state, "{kind: ocsp, target: 'http://none.invalid/', issuer: " FIXTURE "}");
    assert_int_equal(run.state, LIVENESS_CRITICAL);
    assert_true(run.found[CHECK_REACH_NAME]);
}

static void a_family_that_is_not_there_is_missed(void **state) {
    struct run run = run_once(
        *state, "{kind: ocsp, target: 'http://127.0.0.1:1/', families: [ipv6], issuer: " FIXTURE "}");
    assert_int_equal(run.state, LIVENESS_CRITICAL);
    assert_true(run.found[CHECK_REACH_FAMILIES]);
    assert_false(run.found[CHECK_REACH_CONNECT]); /* the other family is not asked */
}

static void silence_ends_at_the_limit(void **state) {
    char yaml[256];
    uint16_t port;
    int listening = silent_port(&port);
    snprintf(yaml, sizeof yaml,
             "{kind: ocsp, target: 'http://127.0.0.1:%u/', timeout: 300ms, issuer: " FIXTURE "}", port);
    struct run run = run_once(*state, yaml);
    assert_true(run.found[CHECK_REACH_TIME]);
    assert_int_equal(run.state, LIVENESS_CRITICAL);
    close(listening);
}

/* Those that are refused at once are told long before the silent ones, whose limit the run never comes to. */
static void slow_ones_hold_back_no_other(void **state) {
    struct bench *bench = *state;
    struct probe_settings slow, quick;
    struct run runs[PROBES];
    struct fault fault = {0};
    char yaml[256];
    uint16_t port;
    int listening = silent_port(&port);
    snprintf(yaml, sizeof yaml,
             "{kind: ocsp, target: 'http://127.0.0.1:%u/', timeout: 1h, issuer: " FIXTURE "}", port);
    settings_read_from(&slow, yaml);
    settings_read_from(&quick,
                       "{kind: ocsp, target: 'http://127.0.0.1:1/', timeout: 1h, issuer: " FIXTURE "}");
    unsigned quick_left = PROBES / 2;
    for (size_t i = 0; i < PROBES; i++) {
        runs[i] = (struct run){.loop = bench->loop, .left = UINT32_MAX};
        runs[i].probe = probe_create(bench->prober, i % 2 ? &quick : &slow, &fault);
        assert_non_null(runs[i].probe);
        probe_run(runs[i].probe, done, &runs[i]);
    }
    while (quick_left) {
        loop_turn(bench->loop, true);
        quick_left = 0;
        for (size_t i = 1; i < PROBES; i += 2)
            quick_left += !runs[i].done;
    }
    for (size_t i = 0; i < PROBES; i++) {
        assert_int_equal(runs[i].done, i % 2);
        assert_int_equal(probe_running(runs[i].probe), i % 2 == 0);
        probe_destroy(runs[i].probe); /* in the middle of its run: no `done` comes */
    }
    settings_release(probe_settings_table(), &slow);
    settings_release(probe_settings_table(), &quick);
    close(listening);
}

static void a_run_that_is_given_up_can_begin_anew(void **state) {
    struct bench *bench = *state;
    struct probe_settings settings;
    struct fault fault = {0};
    struct run run = {.loop = bench->loop};
    settings_read_from(&settings, "{kind: ocsp, target: 'http://localhost:1/', issuer: " FIXTURE "}");
    run.probe = probe_create(bench->prober, &settings, &fault);
    assert_non_null(run.probe);
    probe_run(run.probe, done, &run);
    probe_cancel(run.probe); /* while its name is asked for */
    assert_false(probe_running(run.probe));
    probe_run(run.probe, done, &run);
    loop_run(bench->loop);
    assert_int_equal(run.done, 1);
    assert_true(run.found[CHECK_REACH_CONNECT]);
    probe_destroy(run.probe);
    settings_release(probe_settings_table(), &settings);
}

static void what_cannot_be_asked_is_refused_with_its_place(void **state) {
    struct bench *bench = *state;
    static const struct {
        const char *yaml, *says;
    } cases[] = {
        {"{kind: ocsp, target: 'http://a/'}", "issuer"},
        {"{kind: ocsp, issuer: " FIXTURE "}", "needs a target"},
        {"{kind: ocsp, target: 'ftp://a/', issuer: " FIXTURE "}", "only http"},
        {"{kind: ocsp, target: 'http://a/', issuer: /nowhere}", "/nowhere"},
        {"{kind: ocsp, target: 'http://a/', issuer: " FIXTURE ", unissued: false}", "nothing is asked"},
        {"{kind: ocsp, target: 'http://a/', issuer: " FIXTURE ", serials: [x]}", "is no serial"},
        {"{kind: crl, target: 'http://a/', issuer: " FIXTURE ", certificates: [a, b]}", "one certificate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct probe_settings settings;
        struct fault fault = {0};
        char line[FAULT_LINE_SIZE];
        settings_read_from(&settings, cases[i].yaml);
        if (probe_create(bench->prober, &settings, &fault))
            fail_msg("taken: %s", cases[i].yaml);
        if (!strstr(fault_line(&fault, line), cases[i].says))
            fail_msg("%s: %s", cases[i].yaml, line);
        settings_release(probe_settings_table(), &settings);
    }
}

static void write_fixture(void) {
    struct fault fault = {0};
    const struct pki_certificate wanted = {
        .name = "CA", .key = KEY_CA, .serial = 1, .from = -DAY, .until = DAY};
    struct certificate ca = pki_read(pki_certificate(&wanted));
    if (!files_write(FIXTURE, ca.whole, 0600, &fault)) {
        fprintf(stderr, "%s: %s\n", FIXTURE, fault.text);
        exit(1);
    }
    pki_free();
}

int main(void) {
    write_fixture();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_that_is_none_is_critical, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(a_family_that_is_not_there_is_missed, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(silence_ends_at_the_limit, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(slow_ones_hold_back_no_other, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(a_run_that_is_given_up_can_begin_anew, open_bench, close_bench),
        cmocka_unit_test_setup_teardown(what_cannot_be_asked_is_refused_with_its_place, open_bench,
                                        close_bench),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(FIXTURE);
    return failed;
}
