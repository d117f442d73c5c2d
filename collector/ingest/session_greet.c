#include "clock.h"
#include "known_note.h"
#include "log.h"
#include "rotate.h"
#include "session_inside.h"
#include "signed_conflict.h"

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

/* Kept on the disk: a restart is no pardon. */
static void mark_fork(struct ingest_common *common, struct agent *agent) {
    agent->record.forked = true;
    session_commit_record(common, agent);
}

static void fork_told(void *context, struct change *change) {
    (void)context;
    if (!change_outcome(change)->taken)
        log_fault(LOG_LEVEL_ERROR, &change_outcome(change)->fault, "a fork that the log does not take");
}

/* Both signed messages, for everybody to see. The host's key signs nothing more from there on. */
static void log_fork(struct ingest_common *common, const struct ingest_stream *stream) {
    const struct ingest_settings *settings = common->settings;
    struct slice messages[2];
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer payload = BUFFER(2 * (2 + BATCH_ENTRY_SIZE));
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    if (!ingest_stream_conflict(stream, messages) || !settings->signer || !settings->log ||
        !log_state_begun(settings->log))
        return;
    if (!fork_statement_write(&payload, messages[0], messages[1]) ||
        !log_signer_statement(settings->signer, STATEMENT_FORK, buffer_slice(&payload), clock_wall_us(), &statement,
                              &fault)) {
        log_fault(LOG_LEVEL_ERROR, &fault, "a fork that cannot be stated");
        return;
    }
    struct change *change = change_create();
    change_statement(change, buffer_slice(&statement));
    change_on_committed(change, fork_told, NULL);
    committer_submit(settings->committer, change);
}

static bool check_stream(struct session *session, const Tocsin__StreamHello *hello, unsigned lane) {
    struct agent *agent = session->agent;
    struct ingest_stream *stream = agent->streams[lane];
    if (hello->lane != lane || !same_bytes(hello->stream_id, ingest_stream_id(stream)->bytes, HASH_SIZE)) {
        session_refuse_and_report(
            session, TOCSIN__REFUSAL__STREAM, "agent_refused", lane, "stream",
            "the stream is not this host's: the agent's signing key is not the enrolled one");
        return false;
    }
    struct verify_key first_key;
    memcpy(first_key.bytes, agent->record.first_key, 32);
    struct fault fault = {0};
    if (!ingest_stream_open(stream, session->common->settings->store, session->common->openers, &first_key,
                            &fault)) {
        char line[FAULT_LINE_SIZE];
        session_refuse_and_report(session, TOCSIN__REFUSAL__BUSY, "store_damaged", lane,
                                  fault_word(fault.code), fault_line(&fault, line));
        return false;
    }
    const struct stream_checker *checker = ingest_stream_checker(stream);
    const struct ingest_next_key next = rotate_next_key(agent);
    ingest_stream_set_seen(stream, session->common->settings->log ? &session->common->seen : NULL);
    ingest_stream_set_next_key(stream, &next);
    /* An agent that has rotated may not have sent its old epoch's last batches yet. */
    uint32_t epoch = stream_checker_epoch_number(checker);
    if (hello->epoch != epoch && !(hello->epoch == epoch + 1 && next.epoch == epoch + 1)) {
        session_refuse_and_report(session, TOCSIN__REFUSAL__SEQUENCE, "agent_refused", lane, "epoch",
                                  "the agent's key epoch is not the enrolled one");
        return false;
    }
    if (agent->record.forked) {
        session_refuse(session, TOCSIN__REFUSAL__FORK, lane,
                       "this host has told two different stories: see the alert, then join it again "
                       "(tocsin-agent --join)");
        return false;
    }
    const char *fork = fork_reason(hello, checker);
    if (fork) {
        mark_fork(session->common, agent);
        session_refuse_and_report(session, TOCSIN__REFUSAL__FORK, "fork", lane, "fork", fork);
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
    message.version = SESSION_VERSION;
    message.host = agent->record.name;
    message.n_streams = LANES;
    message.streams = pointers;
    message.credit = session_credit(session->common);
    message.pace_ms = session_pace_ms(session->common);
    CLEANUP_BUFFER struct buffer policy = BUFFER(SESSION_POLICY_MOST);
    session_policy(session->common, &policy);
    message.witness_policy = (ProtobufCBinaryData){policy.size, policy.data};
    session_write(session, FRAME_WELCOME, &message.base);
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
    if (check == CHECK_FORK) {
        log_fork(agent->session->common, agent->streams[lane]);
        mark_fork(agent->session->common, agent);
    }
    char line[FAULT_LINE_SIZE];
    session_refuse_and_report(agent->session, refusal_of(check),
                              check == CHECK_FORK   ? "fork"
                              : check == CHECK_SEEN ? "agent_seen_refused"
                                                    : "agent_refused",
                              lane, check_word(check),
                              fault_line(fault, line));
}

static bool all_quiet(const struct agent *agent) {
    for (unsigned lane = 0; lane < LANES; lane++)
        if (!ingest_stream_is_quiet(agent->streams[lane]))
            return false;
    return true;
}

static Tocsin__Hello *read_hello(struct session *session, struct slice message) {
    Tocsin__Hello *hello = tocsin__hello__unpack(NULL, message.size, message.data);
    if (hello && hello->version == SESSION_VERSION && hello->n_streams == LANES)
        return hello;
    if (hello && hello->version != SESSION_VERSION)
        session_refuse_and_report(
            session, TOCSIN__REFUSAL__VERSION, "agent_refused", 0, "version",
            "no version of the protocol in common: install the same release on both sides");
    else
        session_refuse_and_report(session, TOCSIN__REFUSAL__MALFORMED, "agent_refused", 0, "malformed",
                                  "a HELLO that cannot be read");
    if (hello)
        tocsin__hello__free_unpacked(hello, NULL);
    return NULL;
}

static void stream_quiet(void *context, enum lane lane);

static void note_kept(void *context, struct change *change) {
    (void)change;
    stream_quiet(context, LANE_SECURITY);
}

/* Its note is a checkpoint that this store has lost: it is put back first, since the agent's entries will name it. */
static bool wait_for_note(struct session *session, const Tocsin__Hello *hello) {
    const struct ingest_settings *settings = session->common->settings;
    struct slice note = slice_make(hello->newest_note.data, hello->newest_note.len);
    struct witness_policy policy = {.needed = 0};
    if (!settings->log || note.size == 0 || !log_state_witnesses(settings->log, &policy, NULL))
        return false;
    struct change *change = known_note_change(settings->log, &policy, note);
    if (!change)
        return false;
    change_on_committed(change, note_kept, session->agent);
    committer_submit(settings->committer, change);
    return true;
}

/* Answers the HELLO. Only once nothing of an earlier connection is under way any more: the marks are final then. */
static bool greet(struct session *session) {
    Tocsin__Hello *hello = read_hello(session, buffer_slice(&session->hello));
    if (!hello)
        return false;
    /* First of all: whatever else is wrong with an agent may come from an older copy of this store. */
    bool good = session_take_claim(session, hello);
    if (good && wait_for_note(session, hello)) {
        tocsin__hello__free_unpacked(hello, NULL);
        return true;
    }
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
        session_refuse(agent->session, TOCSIN__REFUSAL__REPLACED, 0,
                       "a newer connection of the same host took over");
    agent->session = session;
    session->common->counts.connected++;
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct ingest_stream_handlers handlers = {agent, stream_committed, stream_refused, stream_quiet};
        ingest_stream_set_handlers(agent->streams[lane], &handlers);
    }
}

bool session_take_hello(struct session *session, struct slice message) {
    if (!session->agent) {
        if (!session_take_strangers_claim(session, message))
            return false;
        session_refuse_and_report(
            session, TOCSIN__REFUSAL__UNKNOWN_AGENT, "agent_refused", 0, "unknown",
            "this agent is not enrolled here: run `tocsin join-token HOST` at the collector and join");
        return false;
    }
    take_over(session);
    session->state = SESSION_GREETING;
    buffer_append_slice(&session->hello, message);
    return !all_quiet(session->agent) || greet(session);
}

bool session_close_batch(struct session *session, enum lane lane) {
    if (session->state != SESSION_READY)
        return false;
    Tocsin__CloseNow wanted;
    tocsin__close_now__init(&wanted);
    wanted.lane = lane;
    session_write(session, FRAME_CLOSE_NOW, &wanted.base);
    return true;
}
