#include "session_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "events.h"
#include "log.h"
#include "memory.h"
#include "report.h"

#define CREDIT_ALL (256u * 1024 * 1024) /* bytes of events under way over all sessions */
#define CREDIT_MOST (4u * 1024 * 1024)
#define CREDIT_LEAST (64u * 1024)
#define VERIFICATIONS_A_SECOND 2500u /* half of what a core can do */
#define RETRY_MS 5000u
#define MESSAGE_MOST 16384u /* bytes of what is written here: a WELCOME with a witness policy */
#define STRANGERS_A_MINUTE 20u
#define RETRY_FOR_GOOD_MS 60000u

void session_write(struct session *session, enum frame_type type, const ProtobufCMessage *message) {
    uint8_t memory[MESSAGE_MOST];
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size + FRAME_HEAD > sizeof memory)
        return;
    frame_head(memory, type, size);
    protobuf_c_message_pack(message, memory + FRAME_HEAD);
    channel_write(session->channel, slice_make(memory, FRAME_HEAD + size));
}

void session_end(struct session *session) {
    struct ingest_common *common = session->common;
    if (session->agent && session->agent->session == session) {
        session->agent->session = NULL;
        common->counts.connected--;
    }
    if (session->previous)
        session->previous->next = session->next;
    else
        common->sessions = session->next;
    if (session->next)
        session->next->previous = session->previous;
    frame_reader_close(&session->reader);
    buffer_free(&session->hello);
    free(session);
}

void session_refuse(struct session *session, Tocsin__Refusal code, unsigned lane, const char *text) {
    bool for_good = code == TOCSIN__REFUSAL__VERSION || code == TOCSIN__REFUSAL__UNKNOWN_AGENT ||
                    code == TOCSIN__REFUSAL__TOKEN || code == TOCSIN__REFUSAL__FORK ||
                    code == TOCSIN__REFUSAL__STREAM || code == TOCSIN__REFUSAL__LOG;
    char sentence[1024];
    snprintf(sentence, sizeof sentence, "%s", text);
    Tocsin__Nack nack;
    tocsin__nack__init(&nack);
    nack.code = code;
    nack.lane = lane;
    nack.text = sentence;
    nack.retry_after_ms = for_good ? RETRY_FOR_GOOD_MS : RETRY_MS;
    session_write(session, FRAME_NACK, &nack.base);
    channel_finish(session->channel);
    session->common->counts.refused++;
    session_end(session);
}

void session_report(const struct session *session, const char *event, const char *reason, const char *text) {
    const char *host = session->agent ? session->agent->record.name : NULL;
    struct change *change = change_create();
    const struct report_field fields[] = {{"host.name", host ? host : "unknown"},
                                          {"source.address", channel_peer_address(session->channel)},
                                          {"error.code", reason},
                                          {"error.message", text},
                                          {NULL, NULL}};
    report_state(change, event, fields, "%s is refused: %s", host ? host : "an unknown agent", text);
    committer_submit(session->common->settings->committer, change);
}

void session_refuse_and_report(struct session *session, Tocsin__Refusal code, const char *event,
                               unsigned lane, const char *reason, const char *text) {
    const char *host = session->agent ? session->agent->record.name : NULL;
    if (!session->agent && session->common->strangers_told++ >= STRANGERS_A_MINUTE) {
        session->common->strangers_untold++;
        session_refuse(session, code, lane, text);
        return;
    }
    log_warning("%s (%s) is refused: %s", host ? host : "an unknown agent", channel_peer_address(session->channel),
                text);
    session_report(session, event, reason, text);
    session_refuse(session, code, lane, text);
}

void session_tell_strangers(struct ingest_common *common) {
    uint64_t untold = common->strangers_untold;
    common->strangers_told = 0;
    common->strangers_untold = 0;
    if (untold == 0)
        return;
    char count[24];
    snprintf(count, sizeof count, "%" PRIu64, untold);
    struct change *change = change_create();
    const struct report_field fields[] = {{"host.name", "unknown"}, {"refused.count", count}, {NULL, NULL}};
    report_state(change, "agents_refused", fields,
                 "%s more connections of unknown agents were refused in a minute", count);
    committer_submit(common->settings->committer, change);
}

uint32_t session_pace_ms(const struct ingest_common *common) {
    uint64_t fair = common->counts.connected * LANES * 1000 / VERIFICATIONS_A_SECOND;
    uint64_t least = common->settings->pace_minimum_us / 1000;
    return (uint32_t)(fair > least ? fair : least);
}

uint64_t session_credit(const struct ingest_common *common) {
    uint64_t share = CREDIT_ALL / (common->counts.connected ? common->counts.connected : 1);
    return share > CREDIT_MOST ? CREDIT_MOST : share < CREDIT_LEAST ? CREDIT_LEAST : share;
}

void agent_put_record(struct change *change, const struct agent_record *record) {
    char key[AGENT_NAME_SIZE + 1];
    snprintf(key, sizeof key, "a%s", record->name);
    CLEANUP_BUFFER struct buffer value = BUFFER(AGENT_RECORD_MOST);
    agent_record_write(&value, record);
    change_put(change, STORE_REGISTRY, slice_string(key), buffer_slice(&value));
}

static void record_committed(void *context, struct change *change) {
    (void)change;
    agents_index(((struct ingest_common *)context)->agents);
}

void session_commit_record(struct ingest_common *common, const struct agent *agent) {
    struct change *change = change_create();
    if (!agent->joining)
        agent_put_record(change, &agent->record);
    change_on_committed(change, record_committed, common);
    committer_submit(common->settings->committer, change);
}

/* ---- what a greeted agent sends */

static bool put(struct session *session, unsigned lane, enum frame_type type, struct slice message,
                struct slice class_list) {
    if (lane >= LANES) {
        session_refuse(session, TOCSIN__REFUSAL__MALFORMED, lane, "a lane that does not exist");
        return false;
    }
    const struct ingest_settings *settings = session->common->settings;
    if (ingest_stream_put(session->agent->streams[lane], settings->loop, settings->committer, type, message,
                          class_list))
        return true;
    session_refuse_and_report(session, TOCSIN__REFUSAL__LIMIT, "agent_refused", lane, "credit",
                              "more is under way than the credit that was given");
    return false;
}

static bool take_part(struct session *session, struct slice message) {
    Tocsin__Part *part = tocsin__part__unpack(NULL, message.size, message.data);
    if (!part) {
        session_refuse(session, TOCSIN__REFUSAL__MALFORMED, 0, "a PART that cannot be read");
        return false;
    }
    bool good = put(session, part->lane, FRAME_PART, slice_make(part->part.data, part->part.len),
                    (struct slice){NULL, 0});
    tocsin__part__free_unpacked(part, NULL);
    return good;
}

static bool take_close(struct session *session, struct slice message) {
    Tocsin__Close *close = tocsin__close__unpack(NULL, message.size, message.data);
    if (!close) {
        session_refuse(session, TOCSIN__REFUSAL__MALFORMED, 0, "a CLOSE that cannot be read");
        return false;
    }
    bool good = put(session, close->lane, FRAME_CLOSE, slice_make(close->entry.data, close->entry.len),
                    slice_make(close->class_list.data, close->class_list.len));
    tocsin__close__free_unpacked(close, NULL);
    return good;
}

static bool take_events(struct session *session, struct slice message) {
    struct events_message events;
    struct fault fault = {0};
    if (events_read(message, &events, &fault))
        return put(session, events.lane, FRAME_EVENTS, message, (struct slice){NULL, 0});
    session_refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0, "malformed",
                              fault.text);
    return false;
}

static void answer_ping(struct session *session, struct slice message) {
    uint8_t head[FRAME_HEAD];
    frame_head(head, FRAME_PING, message.size);
    channel_write(session->channel, slice_make(head, sizeof head));
    channel_write(session->channel, message);
    Tocsin__Ping *ping = session->agent ? tocsin__ping__unpack(NULL, message.size, message.data) : NULL;
    if (ping) {
        session->agent->lag_bytes = ping->lag_bytes;
        session->agent->spool_bytes = ping->spool_bytes;
        tocsin__ping__free_unpacked(ping, NULL);
    }
}

static bool take_frame(struct session *session, const struct frame *frame) {
    bool first = session->state == SESSION_NEW;
    bool ready = session->state == SESSION_READY;
    session->common->counts.frames++;
    switch ((unsigned)frame->type) {
    case FRAME_HELLO:
        if (first)
            return session_take_hello(session, frame->message);
        break;
    case FRAME_JOIN:
        if (first)
            return session_take_join(session, frame->message);
        break;
    case FRAME_EVENTS:
        if (ready)
            return take_events(session, frame->message);
        break;
    case FRAME_PART:
        if (ready)
            return take_part(session, frame->message);
        break;
    case FRAME_CLOSE:
        if (ready)
            return take_close(session, frame->message);
        break;
    case FRAME_RENEW:
        if (ready)
            return session_take_renew(session, frame->message);
        break;
    case FRAME_ROTATE:
        if (ready)
            return session_take_rotate(session, frame->message);
        break;
    case FRAME_NACK:
        if (ready)
            return session_take_nack(session, frame->message);
        break;
    case FRAME_PING:
        answer_ping(session, frame->message);
        return true;
    default:
        break;
    }
    char text[96];
    snprintf(text, sizeof text, "a %s at a time when none may come", frame_name(frame->type));
    session_refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0, "malformed", text);
    return false;
}

/* ---- the connection */

static void on_bytes(void *context, struct channel *channel, struct slice bytes) {
    (void)channel;
    struct session *session = context;
    struct ingest_common *common = session->common;
    common->counts.bytes += bytes.size;
    if (session->agent)
        session->agent->heard_us = clock_monotonic_us();
    frame_reader_feed(&session->reader, bytes);
    struct fault fault = {0};
    struct frame frame;
    while (frame_reader_next(&session->reader, &frame, &fault))
        if (!take_frame(session, &frame))
            return; /* the session is gone */
    if (fault.code)
        session_refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0,
                                  fault_word(fault.code), fault.text);
}

static void on_closed(void *context, struct channel *channel, const struct fault *fault) {
    (void)channel;
    struct session *session = context;
    if (fault)
        log_fault(LOG_LEVEL_INFO, fault, "%s: the connection ended",
                  session->agent ? session->agent->record.name : channel_peer_address(channel));
    session_end(session);
}

/* The first connection with the key that a RENEW announced: from here on the old one is of no use. */
static void use_announced_key(struct ingest_common *common, struct agent *agent, const uint8_t key[32]) {
    if (memcmp(agent->record.next_tls_key, key, 32) != 0)
        return;
    memcpy(agent->record.tls_key, key, 32);
    memset(agent->record.next_tls_key, 0, 32);
    session_commit_record(common, agent);
}

void session_start(struct ingest_common *common, struct channel *channel) {
    struct session *session = memory_new(sizeof *session);
    session->common = common;
    session->channel = channel;
    session->hello = BUFFER(FRAME_CONTROL_MOST);
    session->agent = agents_by_tls_key(common->agents, channel_peer_key(channel));
    if (session->agent)
        use_announced_key(common, session->agent, channel_peer_key(channel));
    frame_reader_open(&session->reader, FRAME_HELLO, FRAME_ROTATED);
    session->next = common->sessions;
    if (session->next)
        session->next->previous = session;
    common->sessions = session;
    static const struct channel_handlers handlers = {.bytes = on_bytes, .closed = on_closed};
    channel_set_handlers(channel, &handlers, session);
}

void session_close_all(struct ingest_common *common) {
    for (struct session *session = common->sessions, *next; session; session = next) {
        next = session->next;
        channel_close(session->channel);
        session_end(session);
    }
}

static void acknowledge(struct session *session) {
    Tocsin__StreamAck streams[LANES];
    Tocsin__StreamAck *pointers[LANES];
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct ingest_marks marks = ingest_stream_marks(session->agent->streams[lane]);
        tocsin__stream_ack__init(&streams[lane]);
        streams[lane].lane = lane;
        streams[lane].stored = marks.stored;
        streams[lane].attested = marks.attested;
        streams[lane].closed = marks.closed;
        pointers[lane] = &streams[lane];
    }
    Tocsin__Ack ack;
    tocsin__ack__init(&ack);
    ack.n_streams = LANES;
    ack.streams = pointers;
    ack.pace_ms = session_pace_ms(session->common);
    ack.credit = session_credit(session->common);
    session_write(session, FRAME_ACK, &ack.base);
    session->acknowledge = false;
}

void session_acknowledge_all(struct ingest_common *common) {
    for (struct session *session = common->sessions; session; session = session->next)
        if (session->acknowledge)
            acknowledge(session);
}
