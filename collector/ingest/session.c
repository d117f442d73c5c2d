#include "session.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "events.h"
#include "join.h"
#include "log.h"
#include "memory.h"
#include "report.h"
#include "rotate.h"
#include "wire.pb-c.h"

#define VERSION 1u
#define CREDIT_ALL (256u * 1024 * 1024) /* bytes of events under way over all sessions */
#define CREDIT_MOST (4u * 1024 * 1024)
#define CREDIT_LEAST (64u * 1024)
#define VERIFICATIONS_A_SECOND 2500u /* half of what a core can do */
#define RETRY_MS 5000u
#define RETRY_FOR_GOOD_MS 60000u

enum session_state { SESSION_NEW, SESSION_GREETING, SESSION_READY, SESSION_JOINING };

struct session {
    struct session *previous, *next;
    struct ingest_common *common;
    struct channel *channel;
    struct frame_reader reader;
    struct agent *agent; /* NULL for one that is not enrolled */
    enum session_state state;
    struct buffer hello; /* a HELLO that waits for what came over an earlier connection to be committed */
    bool acknowledge;
};

static void write_message(struct session *session, enum frame_type type, const ProtobufCMessage *message) {
    uint8_t memory[4096];
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size + FRAME_HEAD > sizeof memory)
        return;
    frame_head(memory, type, size);
    protobuf_c_message_pack(message, memory + FRAME_HEAD);
    channel_write(session->channel, slice_make(memory, FRAME_HEAD + size));
}

static void end(struct session *session) {
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

/* Says why and hangs up. */
static void refuse(struct session *session, Tocsin__Refusal code, unsigned lane, const char *text) {
    bool for_good = code == TOCSIN__REFUSAL__VERSION || code == TOCSIN__REFUSAL__UNKNOWN_AGENT ||
                    code == TOCSIN__REFUSAL__TOKEN || code == TOCSIN__REFUSAL__FORK || code == TOCSIN__REFUSAL__STREAM;
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s", text);
    Tocsin__Nack nack;
    tocsin__nack__init(&nack);
    nack.code = code;
    nack.lane = lane;
    nack.text = sentence;
    nack.retry_after_ms = for_good ? RETRY_FOR_GOOD_MS : RETRY_MS;
    write_message(session, FRAME_NACK, &nack.base);
    channel_finish(session->channel);
    session->common->counts.refused++;
    end(session);
}

/* A refusal that the administrators should know of: an event, and with it an alert. */
static void refuse_and_report(struct session *session, Tocsin__Refusal code, const char *event, unsigned lane,
                              const char *reason, const char *text) {
    const char *host = session->agent ? session->agent->record.name : NULL;
    const char *peer = channel_peer_address(session->channel);
    log_warning("%s (%s) is refused: %s", host ? host : "an unknown agent", peer, text);
    struct change *change = change_create();
    const struct report_field fields[] = {{"host.name", host ? host : "unknown"}, {"source.address", peer},
                                          {"error.code", reason},                {"error.message", text},
                                          {NULL, NULL}};
    report_state(change, event, fields, "%s is refused: %s", host ? host : "an unknown agent", text);
    committer_submit(session->common->settings->committer, change);
    refuse(session, code, lane, text);
}

uint32_t session_pace_ms(const struct ingest_common *common) {
    uint64_t fair = common->counts.connected * LANES * 1000 / VERIFICATIONS_A_SECOND;
    uint64_t least = common->settings->pace_minimum_us / 1000;
    return (uint32_t)(fair > least ? fair : least);
}

static uint64_t credit(const struct ingest_common *common) {
    uint64_t share = CREDIT_ALL / (common->counts.connected ? common->counts.connected : 1);
    return share > CREDIT_MOST ? CREDIT_MOST : share < CREDIT_LEAST ? CREDIT_LEAST : share;
}

/* ---- greeting */

static bool same_bytes(ProtobufCBinaryData data, const void *bytes, size_t size) {
    return data.len == size && memcmp(data.data, bytes, size) == 0;
}

/* An agent that is behind what it sent before, or that names another past, is a machine rolled back or cloned. */
static const char *fork_reason(const Tocsin__StreamHello *hello, const struct stream_checker *checker) {
    if (hello->next_event_seq < stream_checker_next_seq(checker) ||
        hello->batch_seq < stream_checker_batch_seq(checker))
        return "the agent is behind what it has sent before: a machine rolled back or cloned";
    struct slice last = stream_checker_last_entry(checker);
    if (hello->batch_seq == stream_checker_batch_seq(checker) && last.size) {
        struct hash hash = batch_entry_hash(last);
        if (!same_bytes(hello->last_entry_hash, hash.bytes, HASH_SIZE))
            return "the agent names another last batch than the one stored: two machines share its key";
    }
    return NULL;
}

static void record_committed(void *context, struct change *change) {
    (void)change;
    agents_index(((struct ingest_common *)context)->agents);
}

/* Commits the record as it stands, unless a join that is under way will replace it. */
static void commit_record(struct ingest_common *common, const struct agent *agent) {
    struct change *change = change_create();
    if (!agent->joining)
        agent_put_record(change, &agent->record);
    change_on_committed(change, record_committed, common);
    committer_submit(common->settings->committer, change);
}

/* Kept on the disk: a restart is no pardon. */
static void mark_fork(struct ingest_common *common, struct agent *agent) {
    agent->record.forked = true;
    commit_record(common, agent);
}

static bool check_stream(struct session *session, const Tocsin__StreamHello *hello, unsigned lane) {
    struct agent *agent = session->agent;
    struct ingest_stream *stream = agent->streams[lane];
    if (hello->lane != lane || !same_bytes(hello->stream_id, ingest_stream_id(stream)->bytes, HASH_SIZE)) {
        refuse_and_report(session, TOCSIN__REFUSAL__STREAM, "agent_refused", lane, "stream",
                          "the stream is not this host's: the agent's signing key is not the enrolled one");
        return false;
    }
    struct verify_key first_key;
    memcpy(first_key.bytes, agent->record.first_key, 32);
    struct fault fault = {0};
    if (!ingest_stream_open(stream, session->common->settings->store, session->common->openers, &first_key, &fault)) {
        char line[FAULT_LINE_SIZE];
        refuse_and_report(session, TOCSIN__REFUSAL__BUSY, "store_damaged", lane, fault_word(fault.code),
                          fault_line(&fault, line));
        return false;
    }
    const struct stream_checker *checker = ingest_stream_checker(stream);
    const struct ingest_next_key next = rotate_next_key(agent);
    ingest_stream_set_next_key(stream, &next);
    /* An agent that has rotated may not have sent its old epoch's last batches yet. */
    uint32_t epoch = stream_checker_epoch_number(checker);
    if (hello->epoch != epoch && !(hello->epoch == epoch + 1 && next.epoch == epoch + 1)) {
        refuse_and_report(session, TOCSIN__REFUSAL__SEQUENCE, "agent_refused", lane, "epoch",
                          "the agent's key epoch is not the enrolled one");
        return false;
    }
    if (agent->record.forked) {
        refuse(session, TOCSIN__REFUSAL__FORK, lane,
               "this host has told two different stories: see the alert, then join it again (tocsin-agent --join)");
        return false;
    }
    const char *fork = fork_reason(hello, checker);
    if (fork) {
        mark_fork(session->common, agent);
        refuse_and_report(session, TOCSIN__REFUSAL__FORK, "fork", lane, "fork", fork);
        return false;
    }
    return true;
}

static void welcome(struct session *session) {
    struct agent *agent = session->agent;
    Tocsin__StreamWelcome streams[LANES];
    Tocsin__StreamWelcome *pointers[LANES];
    uint8_t entries[LANES][BATCH_ENTRY_SIZE], parts[LANES][PART_SIZE];
    for (unsigned lane = 0; lane < LANES; lane++) {
        const struct stream_checker *checker = ingest_stream_checker(agent->streams[lane]);
        struct slice last = stream_checker_last_entry(checker), part = stream_checker_newest_part(checker);
        if (last.size)
            memcpy(entries[lane], last.data, last.size);
        if (part.size)
            memcpy(parts[lane], part.data, part.size);
        tocsin__stream_welcome__init(&streams[lane]);
        streams[lane].lane = lane;
        streams[lane].batch_seq = stream_checker_batch_seq(checker);
        streams[lane].stored = stream_checker_next_seq(checker);
        streams[lane].last_entry = (ProtobufCBinaryData){last.size, entries[lane]};
        streams[lane].newest_part = (ProtobufCBinaryData){part.size, parts[lane]};
        streams[lane].epoch = stream_checker_epoch_number(checker);
        pointers[lane] = &streams[lane];
    }
    Tocsin__Welcome message;
    tocsin__welcome__init(&message);
    message.version = VERSION;
    message.host = agent->record.name;
    message.n_streams = LANES;
    message.streams = pointers;
    message.credit = credit(session->common);
    message.pace_ms = session_pace_ms(session->common);
    write_message(session, FRAME_WELCOME, &message.base);
    session->state = SESSION_READY;
}

static void stream_committed(void *context, enum lane lane) {
    (void)lane;
    struct agent *agent = context;
    struct session *session = agent->session;
    if (!session)
        return;
    rotate_finish(session->common, agent);
    if (session->state != SESSION_READY)
        return;
    session->acknowledge = true;
    loop_later_schedule(session->common->acknowledge);
}

static Tocsin__Refusal refusal_of(enum check check) {
    switch (check) {
    case CHECK_MALFORMED:
        return TOCSIN__REFUSAL__MALFORMED;
    case CHECK_STREAM:
        return TOCSIN__REFUSAL__STREAM;
    case CHECK_FORK:
        return TOCSIN__REFUSAL__FORK;
    case CHECK_SIGNATURE:
    case CHECK_EPOCH:
    case CHECK_KEY:
    case CHECK_ROOT:
        return TOCSIN__REFUSAL__SIGNATURE;
    case CHECK_LIMIT:
    case CHECK_CLASS:
        return TOCSIN__REFUSAL__LIMIT;
    case CHECK_ACCEPTED:
    case CHECK_OWED:
    case CHECK_REPEATED:
    case CHECK_BELOW:
    case CHECK_SEQUENCE:
    case CHECK_CHAIN:
    case CHECK_TIME:
    case CHECK_BOOT:
    case CHECK_COUNT:
    case CHECK_ENDED:
    case CHECK_SEEN:
        break;
    }
    return TOCSIN__REFUSAL__SEQUENCE;
}

static void stream_refused(void *context, enum lane lane, enum check check, const struct fault *fault) {
    struct agent *agent = context;
    if (!agent->session)
        return;
    if (check == CHECK_FORK)
        mark_fork(agent->session->common, agent);
    char line[FAULT_LINE_SIZE];
    refuse_and_report(agent->session, refusal_of(check), check == CHECK_FORK ? "fork" : "agent_refused", lane,
                      check_word(check), fault_line(fault, line));
}

static bool all_quiet(const struct agent *agent) {
    for (unsigned lane = 0; lane < LANES; lane++)
        if (!ingest_stream_is_quiet(agent->streams[lane]))
            return false;
    return true;
}

static Tocsin__Hello *read_hello(struct session *session, struct slice message) {
    Tocsin__Hello *hello = tocsin__hello__unpack(NULL, message.size, message.data);
    if (hello && hello->version == VERSION && hello->n_streams == LANES)
        return hello;
    if (hello && hello->version != VERSION)
        refuse_and_report(session, TOCSIN__REFUSAL__VERSION, "agent_refused", 0, "version",
                          "no version of the protocol in common: install the same release on both sides");
    else
        refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0, "malformed",
                          "a HELLO that cannot be read");
    if (hello)
        tocsin__hello__free_unpacked(hello, NULL);
    return NULL;
}

/* Answers the HELLO. Only once nothing of an earlier connection is under way any more: the marks are final then. */
static bool greet(struct session *session) {
    Tocsin__Hello *hello = read_hello(session, buffer_slice(&session->hello));
    if (!hello)
        return false;
    bool good = true;
    for (unsigned lane = 0; good && lane < LANES; lane++)
        good = check_stream(session, hello->streams[lane], lane);
    tocsin__hello__free_unpacked(hello, NULL);
    if (!good)
        return false;
    buffer_free(&session->hello);
    rotate_finish(session->common, session->agent);
    welcome(session);
    return true;
}

static void stream_quiet(void *context, enum lane lane) {
    (void)lane;
    struct agent *agent = context;
    if (agent->session && agent->session->state == SESSION_GREETING && all_quiet(agent))
        greet(agent->session);
}

static void take_over(struct session *session) {
    struct agent *agent = session->agent;
    if (agent->session)
        refuse(agent->session, TOCSIN__REFUSAL__REPLACED, 0, "a newer connection of the same host took over");
    agent->session = session;
    session->common->counts.connected++;
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct ingest_stream_handlers handlers = {agent, stream_committed, stream_refused, stream_quiet};
        ingest_stream_set_handlers(agent->streams[lane], &handlers);
    }
}

static bool take_hello(struct session *session, struct slice message) {
    if (!session->agent) {
        refuse_and_report(session, TOCSIN__REFUSAL__UNKNOWN_AGENT, "agent_refused", 0, "unknown",
                          "this agent is not enrolled here: run `tocsin join-token HOST` at the collector and join");
        return false;
    }
    take_over(session);
    session->state = SESSION_GREETING;
    buffer_append_slice(&session->hello, message);
    return !all_quiet(session->agent) || greet(session);
}

/* ---- joining and renewing */

struct join_wait {
    struct ingest_common *common;
    struct agent_record record;
};

static struct session *session_of_key(struct ingest_common *common, const uint8_t key[32], enum session_state state) {
    for (struct session *session = common->sessions; session; session = session->next)
        if (session->state == state && memcmp(channel_peer_key(session->channel), key, 32) == 0)
            return session;
    return NULL;
}

static void tell_joined(struct session *session, const struct agent_record *record) {
    const struct ingest_settings *settings = session->common->settings;
    char host[AGENT_NAME_SIZE], origin[256];
    uint8_t log_key[32];
    snprintf(host, sizeof host, "%s", record->name);
    snprintf(origin, sizeof origin, "%s", settings->origin);
    memcpy(log_key, settings->log_key, sizeof log_key);
    Tocsin__Joined joined;
    tocsin__joined__init(&joined);
    joined.host = host;
    joined.origin = origin;
    joined.log_key = (ProtobufCBinaryData){sizeof log_key, log_key};
    joined.heartbeat_s = record->heartbeat_s;
    write_message(session, FRAME_JOINED, &joined.base);
    channel_finish(session->channel);
    end(session);
}

/* The enrolment is on the disk: now it holds, and the agent is told. */
static void join_committed(void *context, struct change *change) {
    (void)change;
    struct join_wait *wait = context;
    struct ingest_common *common = wait->common;
    struct agent *agent = agents_by_name(common->agents, slice_string(wait->record.name));
    if (agent && agent->session)
        refuse(agent->session, TOCSIN__REFUSAL__REPLACED, 0, "this host has joined anew");
    agents_put(common->agents, &wait->record, clock_monotonic_us());
    common->counts.joined++;
    struct session *session = session_of_key(common, wait->record.tls_key, SESSION_JOINING);
    if (session)
        tell_joined(session, &wait->record);
    free(wait);
}

void agent_put_record(struct change *change, const struct agent_record *record) {
    char key[AGENT_NAME_SIZE + 1];
    snprintf(key, sizeof key, "a%s", record->name);
    CLEANUP_BUFFER struct buffer value = BUFFER(AGENT_RECORD_MOST);
    agent_record_write(&value, record);
    change_put(change, STORE_REGISTRY, slice_string(key), buffer_slice(&value));
}

static bool take_join(struct session *session, struct slice message) {
    const struct ingest_settings *settings = session->common->settings;
    uint8_t binding[32];
    struct fault fault = {0};
    struct agent_record record = {.heartbeat_s = settings->heartbeat_s, .enrolled_us = clock_wall_us()};
    memcpy(record.tls_key, channel_peer_key(session->channel), 32);
    struct join_answer answer = {TOCSIN__REFUSAL__UNSPECIFIED, "malformed"};
    if (!channel_export_key(session->channel, JOIN_EXPORTER_LABEL, binding) ||
        !join_check(settings->tokens, message, binding, record.enrolled_us, &record, &answer, &fault)) {
        char line[FAULT_LINE_SIZE];
        refuse_and_report(session, (Tocsin__Refusal)answer.refusal, "join_refused", 0, answer.reason,
                          fault_line(&fault, line));
        return false;
    }
    struct agent *known = agents_by_name(session->common->agents, slice_string(record.name));
    if (known)
        known->joining = true;
    struct change *change = change_create();
    /* Only a new key begins a new story. */
    record.forked = known && known->record.forked && memcmp(known->record.public_key, record.public_key, 32) == 0;
    agent_put_record(change, &record);
    const struct report_field fields[] = {
        {"host.name", record.name}, {"source.address", channel_peer_address(session->channel)}, {NULL, NULL}};
    report_state(change, known ? "agent_rejoined" : "agent_joined", fields, "%s has %s, from %s", record.name,
                 known ? "joined anew, with a new key" : "joined", channel_peer_address(session->channel));
    log_notice("%s has joined", record.name);
    struct join_wait *wait = memory_new(sizeof *wait);
    *wait = (struct join_wait){session->common, record};
    change_on_committed(change, join_committed, wait);
    session->state = SESSION_JOINING;
    committer_submit(settings->committer, change);
    return true;
}

static bool take_renew(struct session *session, struct slice message) {
    Tocsin__Renew *renew = tocsin__renew__unpack(NULL, message.size, message.data);
    bool good = renew && renew->spki_hash.len == 32 && session->agent;
    if (good) {
        memcpy(session->agent->record.next_tls_key, renew->spki_hash.data, 32);
        commit_record(session->common, session->agent);
        Tocsin__Renewed renewed;
        tocsin__renewed__init(&renewed);
        renewed.spki_hash = renew->spki_hash;
        write_message(session, FRAME_RENEWED, &renewed.base);
    }
    if (renew)
        tocsin__renew__free_unpacked(renew, NULL);
    if (!good)
        refuse(session, TOCSIN__REFUSAL__MALFORMED, 0, "a RENEW that cannot be read");
    return good;
}

/* ---- rotating */

void session_tell_rotated(struct session *session, uint32_t epoch, bool good) {
    if (session->state != SESSION_READY)
        return; /* it asks again once it is greeted */
    if (!good) {
        refuse(session, TOCSIN__REFUSAL__BUSY, 0, "too much is under way for a new key");
        return;
    }
    Tocsin__Rotated rotated;
    tocsin__rotated__init(&rotated);
    rotated.epoch = epoch;
    write_message(session, FRAME_ROTATED, &rotated.base);
}

static bool take_rotate(struct session *session, struct slice message) {
    struct agent *agent = session->agent;
    struct rotate_answer answer;
    struct fault fault = {0};
    if (agent->joining) {
        refuse(session, TOCSIN__REFUSAL__BUSY, 0, "this host is joining anew");
        return false;
    }
    if (!rotate_take(session->common, agent, message, &answer, &fault)) {
        refuse_and_report(session, TOCSIN__REFUSAL__ROTATION, "agent_rotation_refused", 0, answer.reason, fault.text);
        return false;
    }
    if (answer.known)
        session_tell_rotated(session, agent->record.epoch + 1, true);
    return true;
}

/* ---- what a greeted agent sends */

static bool put(struct session *session, unsigned lane, enum frame_type type, struct slice message,
                struct slice class_list) {
    if (lane >= LANES) {
        refuse(session, TOCSIN__REFUSAL__MALFORMED, lane, "a lane that does not exist");
        return false;
    }
    const struct ingest_settings *settings = session->common->settings;
    if (ingest_stream_put(session->agent->streams[lane], settings->loop, settings->committer, type, message,
                          class_list))
        return true;
    refuse_and_report(session, TOCSIN__REFUSAL__LIMIT, "agent_refused", lane, "credit",
                      "more is under way than the credit that was given");
    return false;
}

static bool take_part(struct session *session, struct slice message) {
    Tocsin__Part *part = tocsin__part__unpack(NULL, message.size, message.data);
    if (!part) {
        refuse(session, TOCSIN__REFUSAL__MALFORMED, 0, "a PART that cannot be read");
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
        refuse(session, TOCSIN__REFUSAL__MALFORMED, 0, "a CLOSE that cannot be read");
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
    refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0, "malformed", fault.text);
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
            return take_hello(session, frame->message);
        break;
    case FRAME_JOIN:
        if (first)
            return take_join(session, frame->message);
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
            return take_renew(session, frame->message);
        break;
    case FRAME_ROTATE:
        if (ready)
            return take_rotate(session, frame->message);
        break;
    case FRAME_PING:
        answer_ping(session, frame->message);
        return true;
    default:
        break;
    }
    char text[96];
    snprintf(text, sizeof text, "a %s at a time when none may come", frame_name(frame->type));
    refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0, "malformed", text);
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
        refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0, fault_word(fault.code), fault.text);
}

static void on_closed(void *context, struct channel *channel, const struct fault *fault) {
    (void)channel;
    struct session *session = context;
    if (fault)
        log_fault(LOG_LEVEL_INFO, fault, "%s: the connection ended",
                  session->agent ? session->agent->record.name : channel_peer_address(channel));
    end(session);
}

/* The first connection with the key that a RENEW announced: from here on the old one is of no use. */
static void use_announced_key(struct ingest_common *common, struct agent *agent, const uint8_t key[32]) {
    if (memcmp(agent->record.next_tls_key, key, 32) != 0)
        return;
    memcpy(agent->record.tls_key, key, 32);
    memset(agent->record.next_tls_key, 0, 32);
    commit_record(common, agent);
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
        end(session);
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
    ack.credit = credit(session->common);
    write_message(session, FRAME_ACK, &ack.base);
    session->acknowledge = false;
}

void session_acknowledge_all(struct ingest_common *common) {
    for (struct session *session = common->sessions; session; session = session->next)
        if (session->acknowledge)
            acknowledge(session);
}
