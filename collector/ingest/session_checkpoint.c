/* Tells agents of published checkpoints, with the proofs that they hold their batches.
 *
 * Once a second each agent that has batches closed and not proved gets the newest checkpoint, if it holds one of them; an
 * agent with nothing to prove gets none. That is enough: every heartbeat is a batch, so nobody's seen checkpoint is older
 * than a heartbeat by much, and 5,000 idle agents at two heartbeats in 600 s cost 17 messages a second. Proofs are made for
 * a few sessions in a turn of the loop, so that acknowledgements wait for none. */
#include "checkpoint_message.h"
#include "log.h"
#include "log_claims.h"
#include "session_inside.h"

#define SESSIONS_A_TURN 16u
#define MESSAGES_A_SECOND 4u /* of one session: 256 batches, more than a host closes */
#define OUTPUT_MOST (1024u * 1024)

static bool has_to_prove(const struct session *session) {
    if (session->state != SESSION_READY)
        return false;
    for (unsigned lane = 0; lane < LANES; lane++)
        if (session->proved[lane] < ingest_stream_marks(session->agent->streams[lane]).closed)
            return true;
    return false;
}

void session_look_at_checkpoints(struct ingest_common *common) {
    bool any = false;
    if (!common->settings->log || common->halted)
        return;
    for (struct session *session = common->sessions; session; session = session->next)
        any |= session->prove = has_to_prove(session);
    if (!any || !log_state_newest(common->settings->log, &common->head, &common->note))
        return;
    loop_later_schedule(common->prove);
}

/* Where the first batch stands that is to be proved; false when the newest checkpoint does not hold it. */
static bool find_next(struct session *session, unsigned lane, uint64_t *ret_index) {
    struct ingest_stream *stream = session->agent->streams[lane];
    struct ingest_common *common = session->common;
    struct fault fault = {0};
    if (session->proved[lane] >= ingest_stream_marks(stream).closed)
        return false;
    if (session->next_index[lane] == SESSION_INDEX_UNKNOWN &&
        !log_batch_index(common->settings->store, ingest_stream_id(stream)->bytes, session->proved[lane],
                         &session->next_index[lane], &fault)) {
        log_fault(LOG_LEVEL_ERROR, &fault, "%s: batch %llu of lane %u cannot be proved",
                  session->agent->record.name, (unsigned long long)session->proved[lane], lane);
        session->proved[lane] = UINT64_MAX; /* said once a session */
        return false;
    }
    *ret_index = session->next_index[lane];
    return *ret_index < common->head.size;
}

static struct slice path_slice(const struct merkle_path *path) {
    return slice_make(path->hashes, path->count * HASH_SIZE);
}

static bool add_inclusions(struct session *session, unsigned *count, struct fault *fault) {
    struct ingest_common *common = session->common;
    struct log_reader *reader = log_state_reader(common->settings->log);
    for (unsigned lane = 0; lane < LANES; lane++) {
        uint64_t index;
        while (*count < CHECKPOINT_INCLUSIONS_MOST && find_next(session, lane, &index)) {
            struct merkle_path path;
            if (!log_reader_inclusion(reader, index, common->head.size, &path, fault))
                return false;
            const struct checkpoint_inclusion inclusion = {(enum lane)lane, session->proved[lane], index,
                                                           path_slice(&path)};
            if (!checkpoint_message_add(&common->message, &inclusion))
                return fault_set(fault, FAULT_LIMIT, "a CHECKPOINT that is too long");
            session->proved[lane]++;
            session->next_index[lane] = SESSION_INDEX_UNKNOWN;
            ++*count;
        }
    }
    return true;
}

static bool begin_message(struct session *session, struct fault *fault) {
    struct ingest_common *common = session->common;
    struct merkle_path path = {.count = 0};
    buffer_clear(&common->message);
    if (session->told_size && session->told_size < common->head.size &&
        !log_reader_consistency(log_state_reader(common->settings->log), session->told_size,
                                common->head.size, &path, fault))
        return false;
    return checkpoint_message_write(&common->message, buffer_slice(&common->note), session->told_size,
                                    path_slice(&path)) ||
           fault_set(fault, FAULT_LIMIT, "a note of %zu bytes", common->note.size);
}

/* False: that was the last one for now. */
static bool send_message(struct session *session, struct fault *fault) {
    struct ingest_common *common = session->common;
    uint8_t head[FRAME_HEAD];
    uint64_t index;
    unsigned count = 0;
    if (common->head.size < session->told_size || channel_pending_bytes(session->channel) > OUTPUT_MOST ||
        !(find_next(session, LANE_SECURITY, &index) || find_next(session, LANE_BULK, &index)))
        return false;
    if (!begin_message(session, fault) || !add_inclusions(session, &count, fault))
        return false;
    frame_head(head, FRAME_CHECKPOINT, common->message.size);
    channel_write(session->channel, slice_make(head, sizeof head));
    channel_write(session->channel, buffer_slice(&common->message));
    session->told_size = common->head.size;
    common->counts.checkpoints++;
    return count == CHECKPOINT_INCLUSIONS_MOST;
}

void session_prove_some(struct ingest_common *common) {
    unsigned done = 0;
    for (struct session *session = common->sessions; session; session = session->next) {
        struct fault fault = {0};
        if (!session->prove)
            continue;
        if (done++ == SESSIONS_A_TURN) {
            loop_later_schedule(common->prove);
            return;
        }
        session->prove = false;
        for (unsigned i = 0; i < MESSAGES_A_SECOND && send_message(session, &fault); i++)
            ;
        if (fault.code)
            log_fault(LOG_LEVEL_ERROR, &fault, "%s: no proof can be made", session->agent->record.name);
    }
    buffer_free(&common->message);
}

/* ---- HELLO, and what an agent says of the log */

static void halt(struct session *session, enum log_claim claim, const char *host, struct slice note,
                 const char *sentence) {
    struct ingest_common *common = session->common;
    log_claims_halt(common, claim, host, note, sentence);
    for (struct session *other = common->sessions, *next; other; other = next) {
        next = other->next;
        if (other != session)
            session_refuse(other, TOCSIN__REFUSAL__LOG, 0, common->halted_why);
    }
}

/* False: the session is gone, because the log contradicts itself. */
static bool take_note(struct session *session, const char *host, struct slice note,
                      struct fault *ret_forged) {
    struct ingest_common *common = session->common;
    struct fault sentence = {0};
    if (!common->settings->log)
        return true;
    enum log_claim claim = log_claim_check(common->settings->log, note, host, &session->told_size, &sentence);
    if (claim == LOG_CLAIM_ROLLBACK || claim == LOG_CLAIM_FORK)
        halt(session, claim, host, note, sentence.text);
    if (claim == LOG_CLAIM_FORGED)
        *ret_forged = sentence;
    if (!common->halted)
        return true;
    session_refuse(session, TOCSIN__REFUSAL__LOG, 0, common->halted_why);
    return false;
}

static struct slice note_of(const Tocsin__Hello *hello) {
    return slice_make(hello->newest_note.data, hello->newest_note.len);
}

bool session_take_claim(struct session *session, const Tocsin__Hello *hello) {
    struct fault forged = {0};
    for (unsigned lane = 0; lane < LANES; lane++) {
        session->proved[lane] = hello->streams[lane]->proved;
        session->next_index[lane] = SESSION_INDEX_UNKNOWN;
    }
    if (!take_note(session, session->agent->record.name, note_of(hello), &forged))
        return false;
    if (forged.code)
        session_report(session, "log_claim_forged", "forged", forged.text);
    return true;
}

bool session_take_strangers_claim(struct session *session, struct slice message) {
    struct fault forged = {0}; /* of a stranger that is nothing to tell */
    Tocsin__Hello *hello = tocsin__hello__unpack(NULL, message.size, message.data);
    if (!hello)
        return true;
    bool good = take_note(session, "a host that is not enrolled here", note_of(hello), &forged);
    tocsin__hello__free_unpacked(hello, NULL);
    return good;
}

/* The agent ends the session because of what the log showed it. Without a proof that is its word alone. */
bool session_take_nack(struct session *session, struct slice message) {
    Tocsin__Nack *nack = tocsin__nack__unpack(NULL, message.size, message.data);
    session_report(session, "log_disputed", "log",
                   nack && nack->text[0] ? nack->text : "it does not say why");
    if (nack)
        tocsin__nack__free_unpacked(nack, NULL);
    channel_close(session->channel);
    session_end(session);
    return false;
}
