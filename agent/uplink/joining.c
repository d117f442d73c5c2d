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
    const struct joining_request *request;
    struct frame_reader reader;
    struct joining_result result;
    struct buffer *policy;
    struct fault *fault;
    bool done;
};

static void on_open(void *context, struct channel *channel) {
    struct joining *joining = context;
    const struct joining_request *request = joining->request;
    uint8_t binding[32], proof[80] = "tocsin/join/v1", signature[64], secret[TOKEN_SECRET_SIZE];
    struct verify_key public_key = *signing_key_public(request->key), first_key;
    channel_export_key(channel, EXPORTER_LABEL, binding);
    memcpy(proof + 16, binding, 32);
    memcpy(proof + 48, public_key.bytes, 32);
    signing_key_sign(request->key, slice_make(proof, sizeof proof), signature);
    memcpy(secret, request->token->secret, sizeof secret);
    char name[256];
    snprintf(name, sizeof name, "%s", request->name);
    Tocsin__Join join;
    Tocsin__StreamBegin streams[LANES];
    Tocsin__StreamBegin *pointers[LANES];
    tocsin__join__init(&join);
    join.version = VERSION;
    join.secret = (ProtobufCBinaryData){sizeof secret, secret};
    join.public_key = (ProtobufCBinaryData){sizeof public_key.bytes, public_key.bytes};
    join.proof = (ProtobufCBinaryData){sizeof signature, signature};
    join.host = name;
    for (unsigned lane = 0; request->streams && lane < LANES; lane++) {
        tocsin__stream_begin__init(&streams[lane]);
        streams[lane].lane = lane;
        streams[lane].batch_seq = request->streams->begin[lane].batch_seq;
        streams[lane].event_seq = request->streams->begin[lane].event_seq;
        pointers[lane] = &streams[lane];
    }
    if (request->streams) {
        memcpy(first_key.bytes, request->streams->first_key, sizeof first_key.bytes);
        join.first_key = (ProtobufCBinaryData){sizeof first_key.bytes, first_key.bytes};
        join.epoch = request->streams->epoch;
        join.streams = pointers;
        join.n_streams = LANES;
    }
    uint8_t message[1024];
    size_t size = tocsin__join__pack(&join, message + FRAME_HEAD);
    frame_head(message, FRAME_JOIN, size);
    channel_write(channel, slice_make(message, FRAME_HEAD + size));
}

static bool readable(const Tocsin__Joined *joined, const struct joining_result *result) {
    bool good = joined->log_key.len == 32 && strlen(joined->host) < sizeof result->host &&
                strlen(joined->origin) < sizeof result->collector.origin &&
                (joined->n_streams == 0 || joined->n_streams == LANES);
    for (size_t i = 0; good && i < joined->n_streams; i++)
        good = joined->streams[i]->lane == i;
    return good;
}

static bool take_joined(struct joining *joining, struct slice message) {
    Tocsin__Joined *joined = tocsin__joined__unpack(NULL, message.size, message.data);
    struct joining_result *result = &joining->result;
    if (!joined || !readable(joined, result)) {
        if (joined)
            tocsin__joined__free_unpacked(joined, NULL);
        return fault_set(joining->fault, FAULT_FORMAT, "the collector's answer cannot be read");
    }
    snprintf(result->host, sizeof result->host, "%s", joined->host);
    snprintf(result->collector.origin, sizeof result->collector.origin, "%s", joined->origin);
    memcpy(result->collector.log_key, joined->log_key.data, 32);
    result->collector.heartbeat_s = joined->heartbeat_s ? joined->heartbeat_s : 600;
    for (size_t i = 0; i < joined->n_streams; i++)
        result->begin[i] = (struct lanes_begin){joined->streams[i]->batch_seq, joined->streams[i]->event_seq};
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

bool joining_run(const struct joining_request *request, struct joining_result *ret_result,
                 struct buffer *policy, struct fault *fault) {
    struct fault local = {0};
    struct joining joining = {.request = request, .policy = policy, .fault = &local};
    joining.loop = loop_create(fault);
    if (!joining.loop)
        return false;
    frame_reader_open(&joining.reader, FRAME_HELLO, FRAME_ROTATED);
    static const struct channel_handlers handlers = {.open = on_open, .bytes = on_bytes, .closed = on_closed};
    struct channel_settings settings = {
        .address = request->address, .identity = request->identity, .server_key = request->token->pin};
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
        struct membership_collector *collector = &joining.result.collector;
        memcpy(collector->pin, request->token->pin, sizeof collector->pin);
        snprintf(collector->address, sizeof collector->address, "%s", request->address);
        *ret_result = joining.result;
        return true;
    }
    if (fault)
        *fault = local;
    return fault_place(fault, "joining %s", request->address);
}
