#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "channel_pair.h"
#include "files.h"
#include "scratch.h"

static void end_open(void *context, struct channel *channel) {
    struct channel_end *end = context;
    end->channel = channel;
    end->opened++;
}

static void end_bytes(void *context, struct channel *channel, struct slice bytes) {
    struct channel_end *end = context;
    if (end->on_bytes)
        end->on_bytes(end, bytes);
    else if (end->echo)
        assert_true(channel_write(channel, bytes));
    else
        assert_true(buffer_append_slice(&end->got, bytes));
}

static void end_drain(void *context, struct channel *channel) {
    (void)channel;
    struct channel_end *end = context;
    end->drains++;
}

static void end_closed(void *context, struct channel *channel, const struct fault *fault) {
    struct channel_end *end = context;
    assert_non_null(channel_peer_address(channel));
    end->closed++;
    end->channel = NULL;
    end->fault = fault ? *fault : (struct fault){0};
}

const struct channel_handlers end_handlers = {end_open, end_bytes, end_drain, end_closed};

void end_attach(struct channel_end *end, struct channel *channel) {
    channel_set_handlers(channel, &end_handlers, end);
    end_open(end, channel);
}

static void pair_opened(void *context, struct channel *channel) {
    struct channel_pair *pair = context;
    end_attach(&pair->server, channel);
}

static void pair_refused(void *context, const char *address, const struct fault *fault) {
    struct channel_pair *pair = context;
    assert_non_null(address);
    pair->failed++;
    pair->failure = *fault;
}

static void pair_alarm(void *context) {
    struct channel_pair *pair = context;
    pair->late = true;
}

static struct tls_identity *pair_identity(const char *name) {
    struct fault fault;
    const char *folder = scratch_path(name);
    assert_true(files_make_folder(folder, 0700, &fault));
    struct tls_identity *identity = tls_identity_open(folder, name, 1763751600000000u, &fault);
    assert_non_null(identity);
    return identity;
}

static void pair_listen(struct channel_pair *pair, const struct channel_server_settings *settings) {
    static const struct channel_server_handlers handlers = {pair_opened, pair_refused};
    struct fault fault = {0};
    pair->loop = loop_create(&fault);
    pair->server.got = pair->client.got = BUFFER(PAIR_BYTES_MOST);
    pair->alarm = loop_timer_create(pair->loop, pair_alarm, pair);
    pair->listener = channel_listen(pair->loop, settings, &handlers, pair, &fault);
    if (!pair->listener)
        fail_msg("%s: %s", fault.place, fault.text);
}

void pair_start(struct channel_pair *pair, struct channel_server_settings *settings) {
    struct channel_server_settings defaults = {0};
    if (!settings)
        settings = &defaults;
    *pair = (struct channel_pair){0};
    pair->server_identity = pair_identity("server");
    pair->client_identity = pair_identity("client");
    settings->address = "127.0.0.1:0";
    settings->identity = pair->server_identity;
    pair_listen(pair, settings);
}

void pair_start_unix(struct channel_pair *pair, const char *path) {
    char address[CHANNEL_ADDRESS_SIZE];
    snprintf(address, sizeof address, "unix:%s", path);
    *pair = (struct channel_pair){0};
    pair_listen(pair, &(struct channel_server_settings){.address = address});
}

static void pair_connect_with(struct channel_pair *pair, const uint8_t *key,
                              const struct channel_limits *limits) {
    struct fault fault = {0};
    struct channel_settings settings = {.address = channel_server_address(pair->listener),
                                        .identity = pair->client_identity,
                                        .server_key = key};
    if (limits)
        settings.limits = *limits;
    pair->client.channel = channel_connect(pair->loop, &settings, &end_handlers, &pair->client, &fault);
    if (!pair->client.channel)
        fail_msg("%s: %s", fault.place, fault.text);
    assert_int_equal(pair->client.opened + pair->client.closed, 0); /* nothing from inside */
}

void pair_connect(struct channel_pair *pair, const struct channel_limits *limits) {
    pair_connect_with(pair, pair->server_identity ? tls_identity_key_hash(pair->server_identity) : NULL,
                      limits);
}

void pair_connect_pinned(struct channel_pair *pair, const uint8_t *server_key) {
    pair_connect_with(pair, server_key, NULL);
}

bool pair_run(struct channel_pair *pair, bool (*done)(const struct channel_pair *pair)) {
    pair->late = false;
    loop_timer_after(pair->alarm, 10000000);
    while (!done(pair) && !pair->late)
        loop_turn(pair->loop, true);
    loop_timer_stop(pair->alarm);
    return !pair->late;
}

void pair_end(struct channel_pair *pair) {
    channel_close(pair->client.channel);
    channel_close(pair->server.channel);
    channel_server_destroy(pair->listener);
    loop_timer_destroy(pair->alarm);
    loop_destroy(pair->loop);
    tls_identity_destroy(pair->server_identity);
    tls_identity_destroy(pair->client_identity);
    buffer_free(&pair->server.got);
    buffer_free(&pair->client.got);
}

bool pair_both_open(const struct channel_pair *pair) {
    return pair->server.opened && pair->client.opened;
}
bool pair_both_closed(const struct channel_pair *pair) {
    return pair->server.closed && pair->client.closed;
}
bool pair_client_closed(const struct channel_pair *pair) {
    return pair->client.closed;
}
bool pair_server_closed(const struct channel_pair *pair) {
    return pair->server.closed;
}
bool pair_failed(const struct channel_pair *pair) {
    return pair->failed;
}
