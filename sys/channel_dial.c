/* Reaching a server: look-up, then its addresses one after the other. */
#include <stdio.h>
#include <stdlib.h>

#include "channel_private.h"
#include "memory.h"

/* An address that does not answer must not use up the time of those behind it. */
#define CHANNEL_ATTEMPT_MS 2000u

struct channel_dial {
    struct channel *channel; /* NULL: it died while the look-up was under way */
    struct channel_address address;
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    struct addrinfo *found, *next;
    uint64_t attempt_ms;
    SSL_CTX *context;
    struct fault fault; /* of the last attempt */
    bool looking, started;
    uint8_t server_key[TLS_KEY_HASH_SIZE];
};

static void channel_dial_free(struct channel_dial *dial) {
    uv_freeaddrinfo(dial->found);
    SSL_CTX_free(dial->context);
    free(dial);
}

void channel_dial_forget(struct channel *channel) {
    struct channel_dial *dial = channel->dial;
    channel->dial = NULL;
    if (!dial)
        return;
    if (dial->looking) { /* its callback frees it */
        dial->channel = NULL;
        uv_cancel((uv_req_t *)&dial->lookup);
    } else if (channel->stream_made) { /* libuv may still hold the request until the stream is closed */
        dial->channel = NULL;
        channel->abandoned = dial;
    } else {
        channel_dial_free(dial);
    }
}

void channel_dial_abandoned_free(struct channel *channel) {
    if (channel->abandoned)
        channel_dial_free(channel->abandoned);
    channel->abandoned = NULL;
}

static void channel_dial_failed(struct channel_dial *dial) {
    struct fault fault = dial->fault;
    fault_place(&fault, "%s", dial->channel->peer_address);
    channel_fail(dial->channel, &fault);
}

static void channel_dial_next(struct channel_dial *dial);

static void channel_dial_connected(uv_connect_t *request, int status) {
    struct channel_dial *dial = request->data;
    struct channel *channel = dial->channel;
    if (!channel || uv_is_closing(&channel->uv.handle))
        return; /* the stream's close callback goes on */
    if (status < 0) {
        loop_fault(&dial->fault, status, "cannot connect");
        uv_close(&channel->uv.handle, channel_stream_closed);
        return;
    }
    SSL_CTX *context = dial->context;
    uint8_t server_key[TLS_KEY_HASH_SIZE];
    memcpy(server_key, dial->server_key, sizeof server_key);
    channel->dial = NULL;
    dial->context = NULL;
    channel_dial_free(dial);
    channel_begin(channel, context, false, context ? server_key : NULL);
    SSL_CTX_free(context);
}

static bool channel_dial_tcp(struct channel_dial *dial, const struct sockaddr *address) {
    struct channel *channel = dial->channel;
    if (!dial->context && !channel_address_is_loopback(address))
        return fault_set(&dial->fault, FAULT_USAGE, "without TLS only this host can be spoken to");
    int error = uv_tcp_init(&channel->loop->uv, &channel->uv.tcp);
    if (error)
        return loop_fault(&dial->fault, error, "no socket can be made");
    channel->stream_made = true;
    channel->uv.handle.data = channel;
    uv_tcp_nodelay(&channel->uv.tcp, 1);
    uv_tcp_keepalive(&channel->uv.tcp, 1, CHANNEL_KEEPALIVE_SECONDS);
    error = uv_tcp_connect(&dial->connect, &channel->uv.tcp, address, channel_dial_connected);
    if (!error)
        return true;
    loop_fault(&dial->fault, error, "cannot connect");
    uv_close(&channel->uv.handle, channel_stream_closed);
    return true;
}

/* The next address, or the end. */
static void channel_dial_next(struct channel_dial *dial) {
    struct channel *channel = dial->channel;
    while (dial->next) {
        const struct addrinfo *candidate = dial->next;
        dial->next = candidate->ai_next;
        dial->attempt_ms = channel_now_ms(channel);
        if (channel_dial_tcp(dial, candidate->ai_addr)) {
            channel_timer_set(channel);
            return;
        }
    }
    channel_dial_failed(dial);
}

void channel_dial_again(struct channel *channel) {
    channel_dial_next(channel->dial);
}

static void channel_dial_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct channel_dial *dial = request->data;
    dial->looking = false;
    dial->found = dial->next = found;
    if (!dial->channel) {
        channel_dial_free(dial);
        return;
    }
    if (status < 0) {
        loop_fault(&dial->fault, status, "the name cannot be looked up");
        channel_dial_failed(dial);
        return;
    }
    channel_dial_next(dial);
}

static void channel_dial_lookup(struct channel_dial *dial) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    dial->lookup.data = dial;
    int error = uv_getaddrinfo(&dial->channel->loop->uv, &dial->lookup, channel_dial_found,
                               dial->address.host, dial->address.port, &hints);
    if (error) {
        loop_fault(&dial->fault, error, "the name cannot be looked up");
        channel_dial_failed(dial);
        return;
    }
    dial->looking = true;
}

static void channel_dial_unix(struct channel_dial *dial) {
    struct channel *channel = dial->channel;
    channel->is_unix = true;
    uv_pipe_init(&channel->loop->uv, &channel->uv.pipe, 0);
    channel->stream_made = true;
    channel->uv.handle.data = channel;
    uv_pipe_connect(&dial->connect, &channel->uv.pipe, dial->address.path.sun_path, channel_dial_connected);
}

/* A literal address needs no worker thread. */
static bool channel_dial_literal(struct channel_dial *dial) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    return getaddrinfo(dial->address.host, dial->address.port, &hints, &dial->found) == 0;
}

void channel_dial_start(struct channel *channel) {
    struct channel_dial *dial = channel->dial;
    if (dial->started)
        return;
    dial->started = true;
    dial->connect.data = dial;
    channel_timer_set(channel);
    if (dial->address.is_unix) {
        channel_dial_unix(dial);
    } else if (channel_dial_literal(dial)) {
        dial->next = dial->found;
        channel_dial_next(dial);
    } else {
        channel_dial_lookup(dial);
    }
}

uint64_t channel_dial_deadline_ms(const struct channel *channel) {
    const struct channel_dial *dial = channel->dial;
    return dial && dial->next && channel->stream_made ? dial->attempt_ms + CHANNEL_ATTEMPT_MS : UINT64_MAX;
}

void channel_dial_late(struct channel *channel) {
    fault_set(&channel->dial->fault, FAULT_BUSY, "the address does not answer");
    if (!uv_is_closing(&channel->uv.handle))
        uv_close(&channel->uv.handle, channel_stream_closed);
    channel->dial->attempt_ms = channel_now_ms(channel);
}

struct channel *channel_connect(struct loop *loop, const struct channel_settings *settings,
                                const struct channel_handlers *handlers, void *context, struct fault *fault) {
    struct channel_address address;
    if (!channel_address_parse(settings->address, &address, fault))
        return NULL;
    if (settings->identity && !settings->server_key) {
        fault_set(fault, FAULT_USAGE,
                  "the server's key is not known, so nobody can be sure whom this reaches");
        return NULL;
    }
    if (!address.is_unix && !*address.host) {
        fault_set(fault, FAULT_USAGE, "\"%.100s\": the host's name is missing", settings->address);
        return NULL;
    }
    struct channel *channel = channel_new(loop, &settings->limits);
    struct channel_dial *dial = memory_new(sizeof *dial);
    dial->channel = channel;
    dial->address = address;
    if (settings->identity) {
        dial->context = tls_identity_context(settings->identity, false);
        SSL_CTX_up_ref(dial->context);
        memcpy(dial->server_key, settings->server_key, TLS_KEY_HASH_SIZE);
    }
    channel->dial = dial;
    channel->peer_address = memory_copy_string(settings->address);
    channel_set_handlers(channel, handlers, context);
    loop_later_schedule(&channel->later); /* so that no callback comes from in here */
    return channel;
}
