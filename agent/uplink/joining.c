#include "joining.h"

#include <stdio.h>

#include "channel.h"
#include "frame.h"
#include "wire.pb-c.h"

#define VERSION 1u
#define EXPORTER_LABEL "EXPORTER-tocsin-join"

struct joining {
    struct loop *loop;
    struct channel *channel; /* NULL once it is closed */
    const struct token *token;
    const char *name;
    const struct signing_key *key;
    struct frame_reader reader;
    struct membership *membership;
    struct buffer *policy;
    struct fault *fault;
    bool done;
};

static void on_open(void *context, struct channel *channel) {
    struct joining *joining = context;
    uint8_t binding[32], proof[80] = "tocsin/join/v1", signature[64], secret[TOKEN_SECRET_SIZE];
    struct verify_key public_key = *signing_key_public(joining->key);
    channel_export_key(channel, EXPORTER_LABEL, binding);
    memcpy(proof + 16, binding, 32);
    memcpy(proof + 48, public_key.bytes, 32);
    signing_key_sign(joining->key, slice_make(proof, sizeof proof), signature);
    memcpy(secret, joining->token->secret, sizeof secret);
    char name[256];
    snprintf(name, sizeof name, "%s", joining->name);
    Tocsin__Join join;
    tocsin__join__init(&join);
    join.version = VERSION;
    join.secret = (ProtobufCBinaryData){sizeof secret, secret};
    join.public_key = (ProtobufCBinaryData){sizeof public_key.bytes, public_key.bytes};
    join.proof = (ProtobufCBinaryData){sizeof signature, signature};
    join.host = name;
    uint8_t message[1024];
    size_t size = tocsin__join__pack(&join, message + FRAME_HEAD);
    frame_head(message, FRAME_JOIN, size);
    channel_write(channel, slice_make(message, FRAME_HEAD + size));
}

static bool take_joined(struct joining *joining, struct slice message) {
    Tocsin__Joined *joined = tocsin__joined__unpack(NULL, message.size, message.data);
    if (!joined || joined->log_key.len != 32 || strlen(joined->host) >= sizeof joining->membership->host ||
        strlen(joined->origin) >= sizeof joining->membership->origin) {
        if (joined)
            tocsin__joined__free_unpacked(joined, NULL);
        return fault_set(joining->fault, FAULT_FORMAT, "the collector's answer cannot be read");
    }
    struct membership *membership = joining->membership;
    snprintf(membership->host, sizeof membership->host, "%s", joined->host);
    snprintf(membership->origin, sizeof membership->origin, "%s", joined->origin);
    memcpy(membership->log_key, joined->log_key.data, 32);
    membership->heartbeat_s = joined->heartbeat_s ? joined->heartbeat_s : 600;
    buffer_clear(joining->policy);
    bool fits = buffer_append(joining->policy, joined->witness_policy.data, joined->witness_policy.len);
    tocsin__joined__free_unpacked(joined, NULL);
    if (!fits)
        return fault_set(joining->fault, FAULT_LIMIT, "the collector's witness policy is too long");
    joining->done = true;
    return true;
}

static void on_bytes(void *context, struct channel *channel, struct slice bytes) {
    struct joining *joining = context;
    (void)channel;
    struct frame frame;
    frame_reader_feed(&joining->reader, bytes);
    while (frame_reader_next(&joining->reader, &frame, joining->fault)) {
        if (frame.type == FRAME_JOINED)
            take_joined(joining, frame.message);
        else if (frame.type == FRAME_NACK) {
            Tocsin__Nack *nack = tocsin__nack__unpack(NULL, frame.message.size, frame.message.data);
            fault_set(joining->fault, FAULT_AUTH, "the collector refuses: %s",
                      nack ? nack->text : "(unreadable)");
            if (nack)
                tocsin__nack__free_unpacked(nack, NULL);
        }
    }
    if (joining->done || joining->fault->code)
        loop_stop(joining->loop);
}

static void on_closed(void *context, struct channel *channel, const struct fault *fault) {
    struct joining *joining = context;
    (void)channel;
    joining->channel = NULL;
    if (!joining->done && !joining->fault->code) {
        if (fault)
            *joining->fault = *fault;
        else
            fault_set(joining->fault, FAULT_IO, "the collector ended the connection before it answered");
    }
    loop_stop(joining->loop);
}

static void on_timeout(void *context) {
    struct joining *joining = context;
    fault_set(joining->fault, FAULT_IO, "no answer within %u s", JOINING_TIMEOUT_US / 1000000u);
    loop_stop(joining->loop);
}

bool joining_run(const char *address, const struct token *token, const char *name,
                 const struct tls_identity *identity, const struct signing_key *key,
                 struct membership *ret_membership, struct buffer *policy, struct fault *fault) {
    struct membership membership = {0};
    struct fault local = {0};
    struct joining joining = {
        .token = token, .name = name, .key = key, .membership = &membership, .policy = policy, .fault = &local};
    joining.loop = loop_create(fault);
    if (!joining.loop)
        return false;
    frame_reader_open(&joining.reader, FRAME_HELLO, FRAME_ROTATED);
    static const struct channel_handlers handlers = {.open = on_open, .bytes = on_bytes, .closed = on_closed};
    struct channel_settings settings = {.address = address, .identity = identity, .server_key = token->pin};
    struct loop_timer *timeout = loop_timer_create(joining.loop, on_timeout, &joining);
    loop_timer_after(timeout, JOINING_TIMEOUT_US);
    joining.channel = channel_connect(joining.loop, &settings, &handlers, &joining, &local);
    if (joining.channel)
        loop_run(joining.loop);
    channel_close(joining.channel);
    loop_timer_destroy(timeout);
    frame_reader_close(&joining.reader);
    loop_destroy(joining.loop);
    if (joining.done) {
        memcpy(membership.pin, token->pin, sizeof membership.pin);
        snprintf(membership.address, sizeof membership.address, "%s", address);
        *ret_membership = membership;
        return true;
    }
    if (fault)
        *fault = local;
    return fault_place(fault, "joining %s", address);
}
