#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel_pair.h"
#include "files.h"
#include "memory.h"
#include "scratch.h"

static size_t expected;

static bool client_has_expected(const struct channel_pair *pair) {
    return pair->client.got.size >= expected;
}
static bool server_has_expected(const struct channel_pair *pair) {
    return pair->server.got.size >= expected;
}

static void both_sides_know_each_others_key_and_export_the_same_secret(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pair_connect(&pair, NULL);
    assert_null(channel_peer_key(pair.client.channel));
    assert_true(pair_run(&pair, pair_both_open));
    assert_memory_equal(channel_peer_key(pair.server.channel), tls_identity_key_hash(pair.client_identity),
                        TLS_KEY_HASH_SIZE);
    assert_memory_equal(channel_peer_key(pair.client.channel), tls_identity_key_hash(pair.server_identity),
                        TLS_KEY_HASH_SIZE);
    assert_int_equal(channel_peer_expiry_us(pair.server.channel),
                     tls_identity_expiry_us(pair.client_identity));
    uint8_t one[32], two[32], other[32];
    assert_true(channel_export_key(pair.server.channel, "EXPORTER-tocsin", one));
    assert_true(channel_export_key(pair.client.channel, "EXPORTER-tocsin", two));
    assert_true(channel_export_key(pair.client.channel, "EXPORTER-other", other));
    assert_memory_equal(one, two, 32);
    assert_memory_not_equal(one, other, 32);
    assert_int_equal(strncmp(channel_peer_address(pair.server.channel), "127.0.0.1:", 10), 0);
    assert_int_equal(channel_server_counts(pair.listener).open, 1);
    assert_int_equal(channel_server_counts(pair.listener).handshaking, 0);
    uint32_t user;
    assert_false(channel_peer_user(pair.server.channel, &user));
    pair_end(&pair);
}

static void what_is_written_before_it_is_open_arrives(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pair.server.echo = true;
    pair_connect(&pair, NULL);
    assert_true(channel_write(pair.client.channel, SLICE("hello ")));
    assert_true(channel_write(pair.client.channel, SLICE("there")));
    assert_int_equal(channel_pending_bytes(pair.client.channel), 11);
    expected = 11;
    assert_true(pair_run(&pair, client_has_expected));
    assert_string_equal(buffer_string(&pair.client.got), "hello there");
    assert_int_equal(channel_pending_bytes(pair.client.channel), 0);
    pair_end(&pair);
}

/* --- a big transfer --- */

static uint8_t pattern_at(size_t offset) {
    return (uint8_t)((offset * 2654435761u) >> 13);
}

static struct {
    size_t written, read;
    bool wrong;
} flow;

static void check_pattern(struct channel_end *end, struct slice bytes) {
    (void)end;
    assert_true(bytes.size <= CHANNEL_READ_MOST);
    for (size_t i = 0; i < bytes.size; i++)
        flow.wrong |= bytes.data[i] != pattern_at(flow.read + i);
    flow.read += bytes.size;
}

#define FLOW_SIZE (20u << 20)

static void write_more(const struct channel_pair *pair) {
    static uint8_t block[100003];
    while (flow.written < FLOW_SIZE) {
        size_t size = 1 + flow.written * 31 % sizeof block;
        if (size > FLOW_SIZE - flow.written)
            size = FLOW_SIZE - flow.written;
        for (size_t i = 0; i < size; i++)
            block[i] = pattern_at(flow.written + i);
        if (!channel_write(pair->client.channel, slice_make(block, size)))
            return;
        flow.written += size;
    }
}

static bool flow_is_through(const struct channel_pair *pair) {
    if (pair->client.channel)
        write_more(pair);
    return flow.read >= FLOW_SIZE;
}

static void a_big_transfer_arrives_whole_and_within_the_queues_limit(void **state) {
    (void)state;
    struct channel_pair pair;
    memset(&flow, 0, sizeof flow);
    pair_start(&pair, NULL);
    pair.server.on_bytes = check_pattern;
    pair_connect(&pair, &(struct channel_limits){.output_most = 256 * 1024});
    assert_true(pair_run(&pair, flow_is_through));
    assert_int_equal(flow.read, FLOW_SIZE);
    assert_false(flow.wrong);
    assert_true(pair.client.drains > 0);
    pair_end(&pair);
}

static void pause_now_and_then(struct channel_end *end, struct slice bytes) {
    check_pattern(end, bytes);
    channel_pause(end->channel);
}

static bool flow_with_pauses_is_through(const struct channel_pair *pair) {
    bool through = flow_is_through(pair);
    if (pair->server.channel && !through)
        channel_resume(pair->server.channel);
    return through;
}

static void a_transfer_that_pauses_after_every_read_loses_nothing(void **state) {
    (void)state;
    struct channel_pair pair;
    memset(&flow, 0, sizeof flow);
    pair_start(&pair, NULL);
    pair.server.on_bytes = pause_now_and_then;
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, flow_with_pauses_is_through));
    assert_int_equal(flow.read, FLOW_SIZE);
    assert_false(flow.wrong);
    pair_end(&pair);
}

/* --- the queue's limit --- */

/* Writes until the queue and the kernel's buffers are full and stay so. */
static void fill(struct channel_pair *pair) {
    static uint8_t block[65536];
    unsigned full = 0;
    for (unsigned i = 0; i < 100000 && full < 100; i++) {
        full = channel_write(pair->client.channel, slice_make(block, sizeof block)) ? 0 : full + 1;
        loop_turn(pair->loop, false);
    }
    assert_int_equal(full, 100);
}

static bool client_has_drained(const struct channel_pair *pair) {
    return pair->client.drains;
}

static void a_full_queue_takes_nothing_and_tells_when_it_has_room(void **state) {
    (void)state;
    const size_t most = 200000;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pair_connect(&pair, &(struct channel_limits){.output_most = most});
    assert_true(pair_run(&pair, pair_both_open));
    channel_pause(pair.server.channel);
    fill(&pair);
    size_t pending = channel_pending_bytes(pair.client.channel);
    assert_true(pending <= most && pending > most - 65536);
    assert_int_equal(pair.server.got.size, 0);
    assert_false(channel_write(pair.client.channel, slice_make(pair.server_identity, SIZE_MAX)));
    assert_int_equal(channel_pending_bytes(pair.client.channel), pending);
    pair.client.drains = 0;
    channel_resume(pair.server.channel);
    assert_true(pair_run(&pair, client_has_drained));
    assert_true(channel_pending_bytes(pair.client.channel) < most / 4);
    pair_end(&pair);
}

static void a_peer_that_takes_nothing_is_given_up(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pair_connect(&pair, &(struct channel_limits){.stall_timeout_us = 1000000});
    assert_true(pair_run(&pair, pair_both_open));
    channel_pause(pair.server.channel);
    fill(&pair);
    assert_true(pair_run(&pair, pair_client_closed));
    assert_int_equal(pair.client.fault.code, FAULT_BUSY);
    assert_non_null(strstr(pair.client.fault.place, "127.0.0.1:"));
    pair_end(&pair);
}

/* --- ends --- */

static void closing_tells_the_peer_an_end_in_order(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, pair_both_open));
    channel_close(pair.client.channel);
    pair.client.channel = NULL;
    assert_true(pair_run(&pair, pair_server_closed));
    assert_int_equal(pair.server.fault.code, FAULT_NONE);
    assert_int_equal(pair.client.closed, 0); /* who closes needs no telling */
    assert_int_equal(channel_server_counts(pair.listener).open, 0);
    pair_end(&pair);
}

static void finishing_sends_what_waits_first(void **state) {
    (void)state;
    struct channel_pair pair;
    static uint8_t large[3u << 20];
    pair_start(&pair, NULL);
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, pair_both_open));
    memset(large, 'x', sizeof large);
    assert_true(channel_write(pair.client.channel, slice_make(large, sizeof large)));
    assert_true(channel_write(pair.server.channel, SLICE("too late")));
    channel_finish(pair.client.channel);
    pair.client.channel = NULL;
    assert_true(pair_run(&pair, pair_server_closed));
    assert_int_equal(pair.server.fault.code, FAULT_NONE);
    assert_int_equal(pair.server.got.size, sizeof large);
    pair_end(&pair);
}

static void close_in_bytes(struct channel_end *end, struct slice bytes) {
    (void)bytes;
    channel_close(end->channel);
    end->channel = NULL;
    end->closed++;
}

static void a_channel_may_be_closed_in_its_own_callback(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pair.server.on_bytes = close_in_bytes;
    pair_connect(&pair, NULL);
    channel_write(pair.client.channel, SLICE("bye"));
    assert_true(pair_run(&pair, pair_both_closed));
    assert_int_equal(pair.client.fault.code, FAULT_NONE);
    pair_end(&pair);
}

static void closing_at_every_stage_leaves_nothing_behind(void **state) {
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        struct channel_pair pair;
        pair_start(&pair, NULL);
        pair_connect(&pair, NULL);
        for (int i = 0; i < turns; i++)
            loop_turn(pair.loop, false);
        channel_write(pair.client.channel, SLICE("x"));
        if (turns % 2)
            channel_finish(pair.client.channel);
        else
            channel_close(pair.client.channel);
        pair.client.channel = NULL;
        pair_end(&pair);
    }
}

static void an_idle_channel_is_ended(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, &(struct channel_server_settings){.limits = {.idle_timeout_us = 80000}});
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, pair_both_open));
    assert_true(pair_run(&pair, pair_server_closed));
    assert_int_equal(pair.server.fault.code, FAULT_BUSY);
    assert_non_null(strstr(pair.server.fault.text, "nothing came in"));
    pair_end(&pair);
}

/* --- plain --- */

static void a_unix_socket_carries_bytes_and_names_its_user(void **state) {
    (void)state;
    struct channel_pair pair;
    struct stat status;
    pair_start_unix(&pair, scratch_path("socket"));
    assert_int_equal(stat(scratch_path("socket"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    pair.server.echo = true;
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, pair_both_open));
    uint32_t user = 12345;
    assert_true(channel_peer_user(pair.server.channel, &user));
    assert_int_equal(user, geteuid());
    assert_null(channel_peer_key(pair.server.channel));
    uint8_t key[32];
    assert_false(channel_export_key(pair.server.channel, "EXPORTER-tocsin", key));
    channel_write(pair.client.channel, SLICE("query"));
    expected = 5;
    assert_true(pair_run(&pair, client_has_expected));
    channel_finish(pair.client.channel);
    pair.client.channel = NULL;
    assert_true(pair_run(&pair, pair_server_closed));
    assert_int_equal(pair.server.fault.code, FAULT_NONE);
    pair_end(&pair);
    assert_false(files_exists(scratch_path("socket")));
}

static void a_big_plain_transfer_with_pauses_arrives_whole(void **state) {
    (void)state;
    struct channel_pair pair;
    memset(&flow, 0, sizeof flow);
    pair_start_unix(&pair, scratch_path("socket"));
    pair.server.on_bytes = pause_now_and_then;
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, flow_with_pauses_is_through));
    assert_false(flow.wrong);
    pair_end(&pair);
}

static void a_new_identity_serves_new_connections_and_old_ones_go_on(void **state) {
    (void)state;
    struct channel_pair pair;
    pair_start(&pair, NULL);
    pair_connect(&pair, NULL);
    assert_true(pair_run(&pair, pair_both_open));
    struct channel *old_server = pair.server.channel, *old_client = pair.client.channel;
    channel_server_set_identity(pair.listener, pair.client_identity);
    struct channel_end first_server = {.got = BUFFER(100), .opened = 1}, first_client = {.got = BUFFER(100)};
    channel_set_handlers(old_server, &end_handlers, &first_server);
    channel_set_handlers(old_client, &end_handlers, &first_client);
    memset(&pair.server, 0, sizeof pair.server);
    memset(&pair.client, 0, sizeof pair.client);
    pair.server.got = pair.client.got = BUFFER(100);
    pair_connect_pinned(&pair, tls_identity_key_hash(pair.client_identity));
    assert_true(pair_run(&pair, pair_both_open));
    channel_write(pair.client.channel, SLICE("new"));
    channel_write(old_client, SLICE("old"));
    expected = 3;
    assert_true(pair_run(&pair, server_has_expected));
    assert_string_equal(buffer_string(&first_server.got), "old");
    channel_close(old_server);
    channel_close(old_client);
    buffer_free(&first_server.got);
    pair_end(&pair);
}

/* --- many at once --- */

#define CROWD 20

static bool crowd_is_open(const struct channel_pair *pair) {
    return channel_server_counts(pair->listener).open == CROWD;
}

static void a_crowd_that_comes_at_once_is_let_in_one_after_the_other(void **state) {
    (void)state;
    struct channel_pair pair;
    struct channel_end ends[CROWD] = {0};
    struct fault fault;
    pair_start(&pair, &(struct channel_server_settings){.handshakes_most = 1});
    const struct channel_settings settings = {.address = channel_server_address(pair.listener),
                                              .identity = pair.client_identity,
                                              .server_key = tls_identity_key_hash(pair.server_identity)};
    for (int i = 0; i < CROWD; i++)
        ends[i].channel = channel_connect(pair.loop, &settings, &end_handlers, &ends[i], &fault);
    assert_true(pair_run(&pair, crowd_is_open));
    assert_int_equal(pair.failed, 0);
    struct channel_server_counts counts = channel_server_counts(pair.listener);
    assert_int_equal(counts.accepted, CROWD);
    assert_int_equal(counts.handshaking, 0);
    pair.listener = channel_server_destroy(pair.listener); /* those who came go on without it */
    for (int i = 0; i < CROWD; i++)
        channel_close(ends[i].channel);
    pair.server.channel = NULL;
    while (pair.server.closed < CROWD && loop_turn(pair.loop, true))
        ;
    assert_int_equal(pair.server.closed, CROWD);
    pair_end(&pair);
}

static int group_teardown(void **state) {
    (void)state;
    scratch_remove();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sides_know_each_others_key_and_export_the_same_secret),
        cmocka_unit_test(what_is_written_before_it_is_open_arrives),
        cmocka_unit_test(a_big_transfer_arrives_whole_and_within_the_queues_limit),
        cmocka_unit_test(a_transfer_that_pauses_after_every_read_loses_nothing),
        cmocka_unit_test(a_full_queue_takes_nothing_and_tells_when_it_has_room),
        cmocka_unit_test(a_peer_that_takes_nothing_is_given_up),
        cmocka_unit_test(closing_tells_the_peer_an_end_in_order),
        cmocka_unit_test(finishing_sends_what_waits_first),
        cmocka_unit_test(a_channel_may_be_closed_in_its_own_callback),
        cmocka_unit_test(closing_at_every_stage_leaves_nothing_behind),
        cmocka_unit_test(an_idle_channel_is_ended),
        cmocka_unit_test(a_unix_socket_carries_bytes_and_names_its_user),
        cmocka_unit_test(a_big_plain_transfer_with_pauses_arrives_whole),
        cmocka_unit_test(a_crowd_that_comes_at_once_is_let_in_one_after_the_other),
        cmocka_unit_test(a_new_identity_serves_new_connections_and_old_ones_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, group_teardown);
}
