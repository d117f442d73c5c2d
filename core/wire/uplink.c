#include "uplink.h"

#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "memory.h"
#include "wire.pb-c.h"

#define CREDIT_AT_START 0u /* nothing is sent before the WELCOME says how much */
#define PACE_DEFAULT_US 1000000u
#define RETRY_FOR_GOOD_US 60000000u

#define PART_SIZE 224u
#define ENTRY_SIZE 416u
#define PROOF_FIRST_SEQ 64u
#define PROOF_COUNT 72u

struct flight {
    enum lane lane;
    uint64_t end_event_seq;
    uint32_t size;
};

struct uplink {
    struct uplink_supply supply;
    struct frame_reader reader;
    bool ready;
    bool refused_for_good;
    enum uplink_rotation rotation;
    uint32_t next_epoch; /* that was asked for */
    uint64_t retry_us;
    uint64_t pace_us;
    uint64_t credit;
    uint64_t heard_us;
    uint64_t pinged_us;
    uint64_t lag_bytes, spool_bytes;
    char host[STREAM_NAME_SIZE];
    struct uplink_item pending[LANES]; /* taken from the supply, waiting for credit */
    bool has_pending[LANES];
    struct flight flights[UPLINK_FLIGHT_MOST]; /* a ring, in the order of sending */
    size_t flight_first, flight_count;
    uint64_t flight_bytes;
};

struct uplink *uplink_create(const struct uplink_supply *supply) {
    struct uplink *uplink = memory_new(sizeof *uplink);
    uplink->supply = *supply;
    uplink->pace_us = PACE_DEFAULT_US;
    return uplink;
}

struct uplink *uplink_destroy(struct uplink *uplink) {
    if (uplink) {
        frame_reader_close(&uplink->reader);
        free(uplink);
    }
    return NULL;
}

/* Messages of the control kind are small: packed on the stack's side of the buffer. */
static void write_message(struct buffer *out, enum frame_type type, const ProtobufCMessage *message) {
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > frame_limit(type) || !buffer_reserve(out, FRAME_HEAD + size)) {
        out->overflow = true;
        return;
    }
    frame_head(out->data + out->size, type, size);
    protobuf_c_message_pack(message, out->data + out->size + FRAME_HEAD);
    out->size += FRAME_HEAD + size;
}

static bool zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

void uplink_open(struct uplink *uplink, const struct uplink_stream streams[LANES], const uint8_t boot_id[16],
                 struct slice newest_note, uint64_t now_us, struct buffer *out) {
    frame_reader_close(&uplink->reader);
    frame_reader_open(&uplink->reader, FRAME_HELLO, FRAME_ROTATED);
    uplink->ready = false;
    uplink->refused_for_good = false;
    uplink->rotation = UPLINK_ROTATION_NONE;
    uplink->retry_us = 0;
    uplink->credit = CREDIT_AT_START;
    uplink->heard_us = uplink->pinged_us = now_us;
    uplink->flight_count = 0;
    uplink->flight_bytes = 0;
    uplink->has_pending[LANE_SECURITY] = uplink->has_pending[LANE_BULK] = false;

    uint8_t ids[LANES][32], hashes[LANES][32], parts[LANES][224], boot[16];
    memcpy(boot, boot_id, sizeof boot);
    Tocsin__StreamHello hellos[LANES];
    Tocsin__StreamHello *pointers[LANES];
    for (unsigned lane = 0; lane < LANES; lane++) {
        const struct uplink_stream *stream = &streams[lane];
        memcpy(ids[lane], stream->stream_id, 32);
        memcpy(hashes[lane], stream->last_entry_hash, 32);
        memcpy(parts[lane], stream->newest_part, 224);
        tocsin__stream_hello__init(&hellos[lane]);
        hellos[lane].lane = lane;
        hellos[lane].stream_id = (ProtobufCBinaryData){32, ids[lane]};
        hellos[lane].epoch = stream->epoch;
        hellos[lane].batch_seq = stream->batch_seq;
        hellos[lane].next_event_seq = stream->next_event_seq;
        hellos[lane].last_entry_hash = (ProtobufCBinaryData){zero(hashes[lane], 32) ? 0 : 32, hashes[lane]};
        hellos[lane].newest_part = (ProtobufCBinaryData){stream->has_part ? 224 : 0, parts[lane]};
        hellos[lane].proved = stream->proved;
        pointers[lane] = &hellos[lane];
    }
    char software[] = "tocsin-agent " TOCSIN_VERSION;
    Tocsin__Hello hello;
    tocsin__hello__init(&hello);
    hello.version = UPLINK_VERSION;
    hello.software = software;
    hello.n_streams = LANES;
    hello.streams = pointers;
    hello.boot_id = (ProtobufCBinaryData){sizeof boot, boot};
    hello.newest_note = (ProtobufCBinaryData){newest_note.size, (uint8_t *)(uintptr_t)newest_note.data};
    write_message(out, FRAME_HELLO, &hello.base);
}

static void acknowledge(struct uplink *uplink, enum lane lane, uint64_t stored) {
    /* Lanes are acknowledged apart, but frames are sent in turn: take out this lane's, keep the order of the rest. */
    size_t kept = 0;
    for (size_t i = 0; i < uplink->flight_count; i++) {
        struct flight flight = uplink->flights[(uplink->flight_first + i) % UPLINK_FLIGHT_MOST];
        if (flight.lane == lane && flight.end_event_seq <= stored)
            uplink->flight_bytes -= flight.size;
        else
            uplink->flights[(uplink->flight_first + kept++) % UPLINK_FLIGHT_MOST] = flight;
    }
    uplink->flight_count = kept;
}

/* Up to where the last entry or the newest part that the collector has covers a stream. Both hold first_event_seq and
 * their count at the same place (proto/FORMATS.md). */
static uint64_t welcome_attested(const Tocsin__StreamWelcome *stream) {
    const ProtobufCBinaryData *proof =
        stream->newest_part.len == PART_SIZE ? &stream->newest_part : &stream->last_entry;
    if (proof->len != PART_SIZE && proof->len != ENTRY_SIZE)
        return 0;
    uint64_t attested =
        bytes_get_u64(proof->data + PROOF_FIRST_SEQ) + bytes_get_u32(proof->data + PROOF_COUNT);
    return attested < stream->stored ? attested : stream->stored;
}

/* What the spool cannot serve it will not serve in a moment either. */
static bool seek(struct uplink *uplink, const Tocsin__StreamWelcome *stream, struct fault *fault) {
    if (uplink->supply.seek(uplink->supply.context, (enum lane)stream->lane, stream->batch_seq, stream->stored, fault))
        return true;
    uplink->refused_for_good = true;
    uplink->retry_us = RETRY_FOR_GOOD_US;
    return false;
}

static bool take_welcome(struct uplink *uplink, struct slice message, struct fault *fault) {
    Tocsin__Welcome *welcome = tocsin__welcome__unpack(NULL, message.size, message.data);
    if (!welcome)
        return fault_set(fault, FAULT_FORMAT, "a WELCOME that cannot be read");
    bool good = true;
    if (uplink->ready || welcome->version != UPLINK_VERSION || welcome->n_streams != LANES)
        good = fault_set(fault, FAULT_FORMAT,
                         "a WELCOME of version %u with %zu streams; %u with %d was expected",
                         welcome->version, welcome->n_streams, UPLINK_VERSION, LANES);
    for (unsigned i = 0; good && i < LANES; i++) {
        const Tocsin__StreamWelcome *stream = welcome->streams[i];
        if (stream->lane != i)
            good = fault_set(fault, FAULT_FORMAT, "a WELCOME whose stream %u is of lane %u", i, stream->lane);
        else
            good = seek(uplink, stream, fault);
        if (good)
            uplink->supply.acknowledge(uplink->supply.context, (enum lane)i, stream->stored,
                                       welcome_attested(stream), stream->batch_seq);
    }
    if (good) {
        uplink->ready = true;
        uplink->credit = welcome->credit;
        uplink->pace_us = welcome->pace_ms ? welcome->pace_ms * UINT64_C(1000) : PACE_DEFAULT_US;
        snprintf(uplink->host, sizeof uplink->host, "%s", welcome->host);
        if (welcome->witness_policy.len)
            uplink->supply.witnesses(uplink->supply.context,
                                     slice_make(welcome->witness_policy.data, welcome->witness_policy.len));
    }
    tocsin__welcome__free_unpacked(welcome, NULL);
    return good;
}

static bool take_ack(struct uplink *uplink, struct slice message, struct fault *fault) {
    Tocsin__Ack *ack = tocsin__ack__unpack(NULL, message.size, message.data);
    if (!ack)
        return fault_set(fault, FAULT_FORMAT, "an ACK that cannot be read");
    for (size_t i = 0; i < ack->n_streams; i++) {
        const Tocsin__StreamAck *stream = ack->streams[i];
        if (stream->lane >= LANES)
            continue;
        acknowledge(uplink, (enum lane)stream->lane, stream->stored);
        uplink->supply.acknowledge(uplink->supply.context, (enum lane)stream->lane, stream->stored,
                                   stream->attested, stream->closed);
    }
    if (ack->pace_ms)
        uplink->pace_us = ack->pace_ms * UINT64_C(1000);
    if (ack->credit)
        uplink->credit = ack->credit;
    tocsin__ack__free_unpacked(ack, NULL);
    return true;
}

static bool take_nack(struct uplink *uplink, struct slice message, struct fault *fault) {
    Tocsin__Nack *nack = tocsin__nack__unpack(NULL, message.size, message.data);
    if (!nack)
        return fault_set(fault, FAULT_FORMAT, "a NACK that cannot be read");
    static const struct {
        bool for_good;
        enum fault_code code;
    } refusals[] = {
        [TOCSIN__REFUSAL__UNSPECIFIED] = {false, FAULT_IO},
        [TOCSIN__REFUSAL__MALFORMED] = {false, FAULT_FORMAT},
        [TOCSIN__REFUSAL__VERSION] = {true, FAULT_USAGE},
        [TOCSIN__REFUSAL__UNKNOWN_AGENT] = {true, FAULT_AUTH},
        [TOCSIN__REFUSAL__TOKEN] = {true, FAULT_AUTH},
        [TOCSIN__REFUSAL__SIGNATURE] = {true, FAULT_AUTH},
        [TOCSIN__REFUSAL__SEQUENCE] = {false, FAULT_CONFLICT},
        [TOCSIN__REFUSAL__FORK] = {true, FAULT_CONFLICT},
        [TOCSIN__REFUSAL__LIMIT] = {false, FAULT_LIMIT},
        [TOCSIN__REFUSAL__STREAM] = {true, FAULT_AUTH},
        [TOCSIN__REFUSAL__FULL] = {false, FAULT_SPACE},
        [TOCSIN__REFUSAL__BUSY] = {false, FAULT_BUSY},
        [TOCSIN__REFUSAL__REPLACED] = {false, FAULT_BUSY},
        [TOCSIN__REFUSAL__ROTATION] = {false, FAULT_AUTH},
        [TOCSIN__REFUSAL__LOG] = {true, FAULT_CONFLICT},
    };
    size_t code = (size_t)nack->code < sizeof refusals / sizeof *refusals ? (size_t)nack->code : 0;
    uplink->refused_for_good = refusals[code].for_good;
    if (code == TOCSIN__REFUSAL__ROTATION)
        uplink->rotation = UPLINK_ROTATION_REFUSED;
    uplink->retry_us = nack->retry_after_ms * UINT64_C(1000);
    fault_set(fault, refusals[code].code, "the collector refuses: %s", nack->text);
    tocsin__nack__free_unpacked(nack, NULL);
    return false;
}

static bool take_rotated(struct uplink *uplink, struct slice message, struct fault *fault) {
    Tocsin__Rotated *rotated = tocsin__rotated__unpack(NULL, message.size, message.data);
    if (!rotated)
        return fault_set(fault, FAULT_FORMAT, "a ROTATED that cannot be read");
    uint32_t epoch = rotated->epoch;
    tocsin__rotated__free_unpacked(rotated, NULL);
    /* A second answer is none: nothing was asked any more. */
    if (uplink->rotation != UPLINK_ROTATION_ASKED)
        return true;
    if (epoch != uplink->next_epoch)
        return fault_set(fault, FAULT_FORMAT, "a ROTATED to key epoch %u; %u was asked for", epoch,
                         uplink->next_epoch);
    uplink->rotation = UPLINK_ROTATION_TAKEN;
    return true;
}

/* A log that contradicts itself is told so: its administrators should hear of it from every side. */
static bool take_checkpoint(struct uplink *uplink, struct slice bytes, struct buffer *out,
                            struct fault *fault) {
    struct checkpoint_message message;
    struct fault local = {0};
    if (checkpoint_message_read(bytes, &message, &local) &&
        uplink->supply.checkpoint(uplink->supply.context, &message, &local))
        return true;
    if (local.code == FAULT_CONFLICT || local.code == FAULT_AUTH) {
        Tocsin__Nack nack;
        tocsin__nack__init(&nack);
        nack.code = TOCSIN__REFUSAL__LOG;
        nack.text = local.text;
        write_message(out, FRAME_NACK, &nack.base);
    }
    return fault_set(fault, local.code, "%s", local.text);
}

static bool take_frame(struct uplink *uplink, const struct frame *frame, struct buffer *out,
                       struct fault *fault) {
    if (!uplink->ready && frame->type != FRAME_WELCOME && frame->type != FRAME_NACK)
        return fault_set(fault, FAULT_FORMAT, "a %s before the WELCOME", frame_name(frame->type));
    switch ((unsigned)frame->type) {
    case FRAME_WELCOME:
        return take_welcome(uplink, frame->message, fault);
    case FRAME_ACK:
        return take_ack(uplink, frame->message, fault);
    case FRAME_NACK:
        return take_nack(uplink, frame->message, fault);
    case FRAME_CREDIT: {
        Tocsin__Credit *credit = tocsin__credit__unpack(NULL, frame->message.size, frame->message.data);
        if (!credit)
            return fault_set(fault, FAULT_FORMAT, "a CREDIT that cannot be read");
        uplink->credit = credit->credit;
        tocsin__credit__free_unpacked(credit, NULL);
        return true;
    }
    case FRAME_CLOSE_NOW: {
        Tocsin__CloseNow *wanted = tocsin__close_now__unpack(NULL, frame->message.size, frame->message.data);
        if (!wanted)
            return fault_set(fault, FAULT_FORMAT, "a CLOSE_NOW that cannot be read");
        if (wanted->lane < LANES)
            uplink->supply.close_now(uplink->supply.context, (enum lane)wanted->lane);
        tocsin__close_now__free_unpacked(wanted, NULL);
        return true;
    }
    case FRAME_PING:
    case FRAME_RENEWED:
        return true;
    case FRAME_CHECKPOINT:
        return take_checkpoint(uplink, frame->message, out, fault);
    case FRAME_ROTATED:
        return take_rotated(uplink, frame->message, fault);
    default:
        return fault_set(fault, FAULT_FORMAT, "a %s, which a collector does not send",
                         frame_name(frame->type));
    }
}

bool uplink_receive(struct uplink *uplink, struct slice bytes, uint64_t now_us, struct buffer *out,
                    struct fault *fault) {
    uplink->heard_us = now_us;
    frame_reader_feed(&uplink->reader, bytes);
    struct fault local = {0};
    struct frame frame;
    while (frame_reader_next(&uplink->reader, &frame, &local))
        if (!take_frame(uplink, &frame, out, fault))
            return false;
    if (local.code && fault)
        *fault = local;
    return local.code == FAULT_NONE;
}

static void write_item(enum lane lane, const struct uplink_item *item, struct buffer *out) {
    if (item->kind == UPLINK_EVENTS) {
        frame_write(out, FRAME_EVENTS, item->message);
        return;
    }
    /* The library wants writable bytes; they are not written to. */
    ProtobufCBinaryData message = {item->message.size, (uint8_t *)(uintptr_t)item->message.data};
    if (item->kind == UPLINK_PART) {
        Tocsin__Part part;
        tocsin__part__init(&part);
        part.lane = lane;
        part.part = message;
        write_message(out, FRAME_PART, &part.base);
        return;
    }
    Tocsin__Close close;
    tocsin__close__init(&close);
    close.lane = lane;
    close.entry = message;
    close.class_list =
        (ProtobufCBinaryData){item->class_list.size, (uint8_t *)(uintptr_t)item->class_list.data};
    write_message(out, FRAME_CLOSE, &close.base);
}

/* Whether an item may go now; one frame may always be under way, whatever its size, so that a small credit never stalls.
 */
static bool may_send(const struct uplink *uplink, const struct uplink_item *item) {
    if (item->kind != UPLINK_EVENTS)
        return true;
    if (uplink->credit == 0 || uplink->flight_count == UPLINK_FLIGHT_MOST)
        return false;
    return uplink->flight_count == 0 || uplink->flight_bytes + item->message.size <= uplink->credit;
}

static bool send_one(struct uplink *uplink, enum lane lane, struct buffer *out) {
    struct uplink_item *item = &uplink->pending[lane];
    if (!uplink->has_pending[lane])
        uplink->has_pending[lane] = uplink->supply.next(uplink->supply.context, lane, item);
    if (!uplink->has_pending[lane] || !may_send(uplink, item))
        return false;
    write_item(lane, item, out);
    uplink->has_pending[lane] = false;
    if (item->kind == UPLINK_EVENTS) {
        size_t slot = (uplink->flight_first + uplink->flight_count++) % UPLINK_FLIGHT_MOST;
        uplink->flights[slot] = (struct flight){lane, item->end_event_seq, (uint32_t)item->message.size};
        uplink->flight_bytes += item->message.size;
    }
    return true;
}

bool uplink_pump(struct uplink *uplink, size_t room, struct buffer *out, struct fault *fault) {
    while (uplink->ready && out->size < room)
        if (!send_one(uplink, LANE_SECURITY, out) && !send_one(uplink, LANE_BULK, out))
            break;
    if (out->overflow)
        return fault_set(fault, FAULT_LIMIT, "a record of the spool that fits no frame");
    return true;
}

bool uplink_tick(struct uplink *uplink, uint64_t now_us, struct buffer *out, struct fault *fault) {
    if (now_us > uplink->heard_us + UPLINK_SILENCE_US)
        return fault_set(fault, FAULT_IO, "the collector has been silent for %u s",
                         UPLINK_SILENCE_US / 1000000u);
    if (uplink->ready && now_us >= uplink->pinged_us + UPLINK_PING_US) {
        Tocsin__Ping ping;
        tocsin__ping__init(&ping);
        ping.time_us = now_us;
        ping.lag_bytes = uplink->lag_bytes;
        ping.spool_bytes = uplink->spool_bytes;
        write_message(out, FRAME_PING, &ping.base);
        uplink->pinged_us = now_us;
    }
    return true;
}

void uplink_set_lag(struct uplink *uplink, uint64_t lag_bytes, uint64_t spool_bytes) {
    uplink->lag_bytes = lag_bytes;
    uplink->spool_bytes = spool_bytes;
}

void uplink_rotate(struct uplink *uplink, const struct uplink_next_key *next, struct buffer *out) {
    if (!uplink->ready || uplink->rotation == UPLINK_ROTATION_ASKED)
        return;
    uint8_t public_key[32];
    memcpy(public_key, next->public_key, sizeof public_key);
    Tocsin__Rotate rotate;
    tocsin__rotate__init(&rotate);
    rotate.epoch = uplink->next_epoch = next->epoch;
    rotate.public_key = (ProtobufCBinaryData){sizeof public_key, public_key};
    rotate.statement =
        (ProtobufCBinaryData){next->statement.size, (uint8_t *)(uintptr_t)next->statement.data};
    write_message(out, FRAME_ROTATE, &rotate.base);
    uplink->rotation = UPLINK_ROTATION_ASKED;
}

enum uplink_rotation uplink_rotation(const struct uplink *uplink) {
    return uplink->rotation;
}

bool uplink_ready(const struct uplink *uplink) {
    return uplink->ready;
}
uint64_t uplink_pace_us(const struct uplink *uplink) {
    return uplink->pace_us;
}
const char *uplink_host(const struct uplink *uplink) {
    return uplink->host;
}
uint64_t uplink_retry_us(const struct uplink *uplink) {
    return uplink->retry_us;
}
bool uplink_refused_for_good(const struct uplink *uplink) {
    return uplink->refused_for_good;
}
uint64_t uplink_flight_bytes(const struct uplink *uplink) {
    return uplink->flight_bytes;
}
