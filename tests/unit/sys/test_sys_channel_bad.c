/* Peers that are not what they should be. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel_pair.h"
#include "encoding.h"
#include "files.h"
#include "scratch.h"

static void another_key_than_the_pinned_one_is_refused_and_both_are_named(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    uint8_t pin[TLS_KEY_HASH_SIZE];
    memcpy(pin, tls_identity_key_hash(pair.server_identity), sizeof pin);
    pin[31] ^= 1;
    pair_connect_pinned(&pair, pin);
    assert_true(channel_write(pair.client.channel, SLICE("secret")));
    assert_true(pair_run(&pair, pair_client_closed));
    char wanted[65], seen[65];
    encoding_hex(pin, 32, wanted);
    encoding_hex(tls_identity_key_hash(pair.server_identity), 32, seen);
    assert_int_equal(pair.client.opened, 0);
    assert_int_equal(pair.client.fault.code, FAULT_AUTH);
    assert_non_null(strstr(pair.client.fault.text, wanted));
    assert_non_null(strstr(pair.client.fault.text, seen));
    assert_true(pair_run(&pair, pair_failed));
    assert_int_equal(pair.server.opened, 0);
    pair_end(&pair);
}

/* --- raw sockets --- */

static int connect_raw(const struct channel_pair *pair) {
    const char *port = strrchr(channel_server_address(pair->listener), ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

static void garbage_is_refused(void **state) {
    (void)state;
    static const struct slice garbage[] = {
        {(const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18},
        {(const uint8_t *)"<34>Oct 11 22:14:15 host su: plain syslog\n", 42},
        {(const uint8_t *)"\x16\x03\x01\xff\xff", 5},
        {(const uint8_t *)"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10},
        {(const uint8_t
              *)"\x17\x03\x03\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
         21},
        {(const uint8_t *)"\0\0\0\0\0\0\0\0\0\0\0\0", 12},
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct channel_pair pair;
        pair_start(&pair, NULL);
        int peer = connect_raw(&pair);
        assert_int_equal(write(peer, garbage[i].data, garbage[i].size), garbage[i].size);
        assert_true(pair_run(&pair, pair_failed));
        assert_int_equal(pair.server.opened, 0);
        assert_true(pair.failure.code == FAULT_FORMAT || pair.failure.code == FAULT_AUTH);
        assert_int_equal(strncmp(pair.failure.place, "127.0.0.1:", 10), 0);
        assert_int_equal(channel_server_counts(pair.listener).handshaking, 0);
        close(peer);
        pair_end(&pair);
    }
}

static void half_a_handshake_is_given_up_after_its_time(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, &(struct channel_server_settings){.limits = {.handshake_timeout_us = 50000}});
    int silent = connect_raw(&pair);
    assert_true(pair_run(&pair, pair_failed));
    assert_int_equal(pair.failure.code, FAULT_BUSY);
    assert_non_null(strstr(pair.failure.text, "handshake took too long"));
    close(silent);
    pair_end(&pair);
}

static void a_peer_that_leaves_in_the_handshake_is_told(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    close(connect_raw(&pair));
    assert_true(pair_run(&pair, pair_failed));
    assert_int_equal(pair.failure.code, FAULT_IO);
    pair_end(&pair);
}

static bool three_shaking(const struct channel_pair *pair) {
    return channel_server_counts(pair->listener).handshaking == 3;
}

static void slow_handshakes_do_not_keep_others_out(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, &(struct channel_server_settings){.handshakes_most = 3});
    int silent[5];
    for (int i = 0; i < 5; i++)
        silent[i] = connect_raw(&pair);
    assert_true(pair_run(&pair, three_shaking));
    assert_int_equal(pair.failed, 0);
    pair_connect(&pair, NULL); /* behind five that say nothing */
    assert_true(pair_run(&pair, pair_both_open));
    assert_int_equal(pair.failed, 3);
    assert_non_null(strstr(pair.failure.text, "made room"));
    for (int i = 0; i < 5; i++)
        close(silent[i]);
    pair_end(&pair);
}

static void one_connection_too_many_is_refused(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, &(struct channel_server_settings){.connections_most = 1});
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, pair_both_open));
    int second = connect_raw(&pair);
    assert_true(pair_run(&pair, pair_failed));
    assert_int_equal(pair.failure.code, FAULT_LIMIT);
    assert_int_equal(channel_server_counts(pair.listener).refused, 1);
    assert_int_equal(channel_server_counts(pair.listener).open, 1);
    close(second);
    pair_end(&pair);
}

/* --- OpenSSL's own client, as others would use it --- */

/* Runs `openssl s_client` with these options while the loop turns; returns its output's file. */
static const char *run_client(struct channel_pair *pair, const char *options,
                              bool (*done)(const struct channel_pair *)) {
    const char *output = scratch_path("s_client");
    char command[1024];
    snprintf(command, sizeof command, "exec openssl s_client -connect %s %s >%s 2>&1 </dev/null",
             channel_server_address(pair->listener), options, output);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    bool good = pair_run(pair, done);
    pair->failed += !good;
    channel_close(pair->server.channel);
    pair->server.channel = NULL;
    for (int i = 0; i < 1000 && waitpid(child, NULL, WNOHANG) == 0; i++) {
        loop_turn(pair->loop, false);
        usleep(10000);
    }
    assert_true(good);
    return output;
}

static void a_client_of_tls_1_2_is_refused(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    run_client(&pair, "-tls1_2", pair_failed);
    assert_int_equal(pair.failure.code, FAULT_AUTH);
    assert_non_null(strstr(pair.failure.text, "TLS 1.3"));
    pair_end(&pair);
}

static void a_client_without_certificate_is_refused(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    run_client(&pair, "-tls1_3", pair_failed);
    assert_int_equal(pair.failure.code, FAULT_AUTH);
    assert_non_null(strstr(pair.failure.text, "no certificate"));
    assert_int_equal(pair.server.opened, 0);
    pair_end(&pair);
}

static bool server_opened(const struct channel_pair *pair) {
    return pair->server.opened;
}

static void any_certificate_with_a_key_of_our_kind_is_taken_and_its_key_told(void **state) {
    (void)state;
    struct channel_pair pair;
    char options[512];
    pair_start(&pair, NULL);
    snprintf(options, sizeof options, "-tls1_3 -cert %s -key %s", scratch_path("client/tls.crt"),
             scratch_path("client/tls.key"));
    run_client(&pair, options, server_opened);
    assert_int_equal(pair.failed, 0);
    pair_end(&pair);
}

static void a_client_with_an_rsa_key_is_refused(void **state) {
    (void)state;
    struct channel_pair pair;
    char command[512], options[512];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -keyout %s -out %s -subj /CN=x -days 2 2>/dev/null",
             scratch_path("rsa.key"), scratch_path("rsa.crt"));
    assert_int_equal(system(command), 0);
    pair_start(&pair, NULL);
    snprintf(options, sizeof options, "-tls1_3 -cert %s -key %s", scratch_path("rsa.crt"),
             scratch_path("rsa.key"));
    run_client(&pair, options, pair_failed);
    assert_int_equal(pair.failure.code, FAULT_AUTH);
    pair_end(&pair);
}

static bool server_got_and_lost(const struct channel_pair *pair) {
    return pair->server.closed;
}

/* A peer that dies: the kernel closes its socket, and TLS has not said that it is the end. */
static void a_peer_that_breaks_off_is_told_from_one_that_ends(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/bash", "bash", "-c",
              "openssl s_client -quiet -connect $0 -tls1_3 -cert $1 -key $2 < <(echo whole line; sleep 1) "
              ">/dev/null 2>&1 & "
              "sleep 0.4; kill -9 $!; wait",
              channel_server_address(pair.listener), scratch_path("client/tls.crt"),
              scratch_path("client/tls.key"), NULL);
        _exit(127);
    }
    assert_true(pair_run(&pair, server_got_and_lost));
    waitpid(child, NULL, 0);
    assert_string_equal(buffer_string(&pair.server.got), "whole line\n");
    assert_int_equal(pair.server.fault.code, FAULT_IO);
    assert_non_null(strstr(pair.server.fault.text, "broke off"));
    pair_end(&pair);
}

/* --- addresses --- */

static void an_address_that_is_none_is_named(void **state) {
    (void)state;
    static const char *const addresses[] = {"",      "host",    "host:", "host:x",  "host:65536", "::1:80",
                                            "unix:", "[::1:80", "[::1]", "host:-1", ":80"};
    struct channel_pair pair;
    pair_start(&pair, NULL);
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct fault fault = {0};
        const struct channel_settings settings = {.address = addresses[i],
                                                  .identity = pair.client_identity,
                                                  .server_key = tls_identity_key_hash(pair.server_identity)};
        assert_null(channel_connect(pair.loop, &settings, &end_handlers, &pair.client, &fault));
        assert_int_equal(fault.code, FAULT_USAGE);
        if (*addresses[i])
            assert_true(strstr(fault.place, addresses[i]) || strstr(fault.text, addresses[i]));
    }
    char path[300];
    struct fault fault = {0};
    memset(path, 'p', sizeof path - 1);
    memcpy(path, "unix:/", 6);
    path[sizeof path - 1] = '\0';
    assert_null(channel_connect(pair.loop, &(struct channel_settings){.address = path}, &end_handlers,
                                &pair.client, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    pair_end(&pair);
}

static void tls_without_a_pin_is_refused(void **state) {
    (void)state;
    struct fault fault = {0};
    struct channel_pair pair;
    pair_start(&pair, NULL);
    const struct channel_settings settings = {.address = "127.0.0.1:1", .identity = pair.client_identity};
    assert_null(channel_connect(pair.loop, &settings, &end_handlers, &pair.client, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    pair_end(&pair);
}

static void nobody_at_the_address_comes_as_closed(void **state) {
    (void)state;
    static const char *const addresses[] = {"127.0.0.1:1", "localhost:1", "[::1]:1", "no-such-host.invalid:1",
                                            "unix:/nowhere/socket"};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct channel_pair pair;
        struct fault fault;
        pair_start(&pair, NULL);
        bool plain = strncmp(addresses[i], "unix:", 5) == 0;
        const struct channel_settings settings = {.address = addresses[i],
                                                  .identity = plain ? NULL : pair.client_identity,
                                                  .server_key = tls_identity_key_hash(pair.server_identity)};
        pair.client.channel = channel_connect(pair.loop, &settings, &end_handlers, &pair.client, &fault);
        assert_non_null(pair.client.channel);
        assert_true(pair_run(&pair, pair_client_closed));
        assert_int_equal(pair.client.opened, 0);
        assert_int_not_equal(pair.client.fault.code, FAULT_NONE);
        assert_non_null(strstr(pair.client.fault.place, addresses[i]));
        pair_end(&pair);
    }
}

static void a_look_up_that_is_not_waited_for_leaves_nothing_behind(void **state) {
    (void)state;
    struct channel_pair pair;
    struct fault fault;
    pair_start(&pair, NULL);
    const struct channel_settings settings = {.address = "no-such-host.invalid:1",
                                              .identity = pair.client_identity,
                                              .server_key = tls_identity_key_hash(pair.server_identity)};
    pair.client.channel = channel_connect(pair.loop, &settings, &end_handlers, &pair.client, &fault);
    loop_turn(pair.loop, false);
    channel_close(pair.client.channel);
    pair.client.channel = NULL;
    pair_end(&pair);
    assert_int_equal(pair.client.closed, 0);
}

static void without_tls_only_this_host_is_spoken_to(void **state) {
    (void)state;
    struct fault fault = {0};
    struct channel_pair pair;
    static const struct channel_server_handlers handlers = {.open = NULL};
    pair_start(&pair, NULL);
    assert_null(channel_listen(pair.loop, &(struct channel_server_settings){.address = "0.0.0.0:0"},
                               &handlers, NULL, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_null(channel_listen(pair.loop, &(struct channel_server_settings){.address = ":0"}, &handlers, NULL,
                               &fault));
    pair.client.channel = channel_connect(pair.loop, &(struct channel_settings){.address = "192.0.2.1:80"},
                                          &end_handlers, &pair.client, &fault);
    assert_true(pair_run(&pair, pair_client_closed));
    assert_int_equal(pair.client.fault.code, FAULT_USAGE);
    pair_end(&pair);
}

static void a_taken_port_or_socket_is_busy_and_a_stale_one_is_replaced(void **state) {
    (void)state;
    struct fault fault = {0};
    struct channel_pair pair;
    static const struct channel_server_handlers handlers = {.open = NULL};
    char address[CHANNEL_ADDRESS_SIZE];
    pair_start(&pair, NULL);
    struct channel_server_settings settings = {.address = channel_server_address(pair.listener),
                                               .identity = pair.server_identity};
    assert_null(channel_listen(pair.loop, &settings, &handlers, NULL, &fault));
    assert_int_equal(fault.code, FAULT_BUSY);
    pair_end(&pair);

    pair_start_unix(&pair, scratch_path("taken"));
    snprintf(address, sizeof address, "unix:%s", scratch_path("taken"));
    settings = (struct channel_server_settings){.address = address};
    assert_null(channel_listen(pair.loop, &settings, &handlers, NULL, &fault));
    assert_int_equal(fault.code, FAULT_BUSY);
    assert_true(files_exists(scratch_path("taken")));
    pair_end(&pair);

    struct sockaddr_un stale = {.sun_family = AF_UNIX};
    strcpy(stale.sun_path, scratch_path("stale"));
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&stale, sizeof stale), 0);
    close(descriptor);
    pair_start_unix(&pair, scratch_path("stale"));
    pair_end(&pair);

    assert_true(files_write(scratch_path("file"), SLICE("precious"), 0600, &fault));
    struct loop *loop = loop_create(&fault);
    snprintf(address, sizeof address, "unix:%s", scratch_path("file"));
    assert_null(channel_listen(loop, &settings, &handlers, NULL, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_true(files_exists(scratch_path("file")));
    loop_destroy(loop);
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_key_than_the_pinned_one_is_refused_and_both_are_named),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(half_a_handshake_is_given_up_after_its_time),
        cmocka_unit_test(a_peer_that_leaves_in_the_handshake_is_told),
        cmocka_unit_test(slow_handshakes_do_not_keep_others_out),
        cmocka_unit_test(one_connection_too_many_is_refused),
        cmocka_unit_test(a_client_of_tls_1_2_is_refused),
        cmocka_unit_test(a_client_without_certificate_is_refused),
        cmocka_unit_test(any_certificate_with_a_key_of_our_kind_is_taken_and_its_key_told),
        cmocka_unit_test(a_client_with_an_rsa_key_is_refused),
        cmocka_unit_test(a_peer_that_breaks_off_is_told_from_one_that_ends),
        cmocka_unit_test(an_address_that_is_none_is_named),
        cmocka_unit_test(tls_without_a_pin_is_refused),
        cmocka_unit_test(nobody_at_the_address_comes_as_closed),
        cmocka_unit_test(a_look_up_that_is_not_waited_for_leaves_nothing_behind),
        cmocka_unit_test(without_tls_only_this_host_is_spoken_to),
        cmocka_unit_test(a_taken_port_or_socket_is_busy_and_a_stale_one_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
