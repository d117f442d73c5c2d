#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "agent_enrolment.h"
#include "join.h"
#include "log.h"
#include "memory.h"
#include "orphans.h"
#include "report.h"
#include "rotate.h"
#include "session_inside.h"
#include "stream_id.h"
#include "stream_row.h"

struct join_wait {
    struct ingest_common *common;
    struct agent_record record;
    struct join_begin begin; /* where this log has, or wants, its streams */
};

static struct session *session_of_key(struct ingest_common *common, const uint8_t key[32],
                                      enum session_state state) {
    for (struct session *session = common->sessions; session; session = session->next)
        if (session->state == state && memcmp(channel_peer_key(session->channel), key, 32) == 0)
            return session;
    return NULL;
}

void session_policy(const struct ingest_common *common, struct buffer *to) {
    struct witness_policy policy;
    struct fault fault = {0};
    if (!common->settings->log)
        return;
    if (!log_state_witnesses(common->settings->log, &policy, &fault))
        log_fault(LOG_LEVEL_ERROR, &fault, "the witness policy cannot be read");
    else if (policy.needed)
        witness_policy_write(to, &policy);
}

static void tell_joined(struct session *session, const struct agent_record *record,
                        const struct join_begin *begin) {
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
    CLEANUP_BUFFER struct buffer policy = BUFFER(SESSION_POLICY_MOST);
    session_policy(session->common, &policy);
    joined.witness_policy = (ProtobufCBinaryData){policy.size, policy.data};
    Tocsin__StreamBegin streams[LANES];
    Tocsin__StreamBegin *pointers[LANES];
    for (unsigned lane = 0; lane < LANES; lane++) {
        tocsin__stream_begin__init(&streams[lane]);
        streams[lane].lane = lane;
        streams[lane].batch_seq = begin->batch_seq[lane];
        streams[lane].event_seq = begin->event_seq[lane];
        pointers[lane] = &streams[lane];
    }
    joined.n_streams = begin->given ? LANES : 0;
    joined.streams = pointers;
    session_write(session, FRAME_JOINED, &joined.base);
    channel_finish(session->channel);
    session_end(session);
}

/* ---- the enrolment in the log */

#define ENROLMENT_MOST 1024u

static bool write_enrolment(const struct agent_record *record, const struct join_begin *begin, struct buffer *to) {
    struct agent_enrolment enrolment = {
        .name = slice_string(record->name), .epoch = record->epoch, .heartbeat_s = record->heartbeat_s};
    memcpy(enrolment.key.bytes, record->public_key, sizeof enrolment.key.bytes);
    memcpy(enrolment.first_key.bytes, record->first_key, sizeof enrolment.first_key.bytes);
    memcpy(enrolment.tls.bytes, record->tls_key, sizeof enrolment.tls.bytes);
    memcpy(enrolment.first_batch_seq, begin->batch_seq, sizeof enrolment.first_batch_seq);
    return stream_ids_make(enrolment.name, &enrolment.first_key, enrolment.streams) &&
           agent_enrolment_write(to, &enrolment);
}

/* Streams whose beginning is in another log: that is what their checkers know. */
static void put_begun(struct change *change, const struct agent_record *record, const struct join_begin *begin) {
    struct verify_key first_key, key;
    struct hash ids[LANES];
    memcpy(first_key.bytes, record->first_key, sizeof first_key.bytes);
    memcpy(key.bytes, record->public_key, sizeof key.bytes);
    if (!begin->given || !stream_ids_make(slice_string(record->name), &first_key, ids))
        return;
    for (unsigned lane = 0; lane < LANES; lane++) {
        CLEANUP_BUFFER struct buffer state = BUFFER(STREAM_CHECKER_STATE_MOST);
        CLEANUP_BUFFER struct buffer row = BUFFER(STREAM_ROW_MOST);
        struct stream_checker *checker = stream_checker_create((enum lane)lane, &ids[lane], record->epoch, &key);
        stream_checker_begin_at(checker, begin->batch_seq[lane], begin->event_seq[lane]);
        stream_checker_save(checker, &state);
        stream_checker_destroy(checker);
        const struct stream_row content = {(enum lane)lane, slice_string(record->name), record->first_key,
                                           buffer_slice(&state)};
        stream_row_write(&row, &content);
        change_put(change, STORE_STREAM, hash_slice(&ids[lane]), buffer_slice(&row));
    }
}

/* Who joins again under the same key is enrolled already. */
static bool is_enrolled(const struct agent *known, const struct agent_record *record) {
    return known && known->record.epoch == record->epoch &&
           memcmp(known->record.first_key, record->first_key, sizeof record->first_key) == 0 &&
           memcmp(known->record.public_key, record->public_key, sizeof record->public_key) == 0;
}

/* Where its streams stand here. */
static bool find_begin(struct ingest_common *common, struct agent *known, struct join_begin *begin,
                       struct fault *fault) {
    struct verify_key first_key;
    memcpy(first_key.bytes, known->record.first_key, sizeof first_key.bytes);
    for (unsigned lane = 0; begin->given && lane < LANES; lane++) {
        struct ingest_stream *stream = known->streams[lane];
        if (!ingest_stream_is_quiet(stream))
            return fault_set(fault, FAULT_BUSY, "what this host has sent is still being stored: try again");
        if (!ingest_stream_open(stream, common->settings->store, common->openers, &first_key, fault))
            return false;
        const struct stream_checker *checker = ingest_stream_checker(stream);
        begin->batch_seq[lane] = stream_checker_batch_seq(checker);
        begin->event_seq[lane] = stream_checker_next_seq(checker);
    }
    return true;
}

static bool enrol(struct ingest_common *common, struct agent *known, const struct agent_record *record,
                  struct join_begin *begin, struct change *change, struct fault *fault) {
    const struct ingest_settings *settings = common->settings;
    if (is_enrolled(known, record))
        return find_begin(common, known, begin, fault);
    if (known && memcmp(known->record.first_key, record->first_key, sizeof record->first_key) == 0)
        return fault_set(fault, FAULT_CONFLICT,
                         "this log has the streams of %s under another key: join with new ones (--anew)", record->name);
    put_begun(change, record, begin);
    if (!settings->signer || !settings->log || !log_state_begun(settings->log))
        return true;
    if (known) /* its streams end here: what it left open goes into the log before */
        orphans_log_all(common, known);
    CLEANUP_BUFFER struct buffer payload = BUFFER(ENROLMENT_MOST);
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    if (!write_enrolment(record, begin, &payload))
        return fault_set(fault, FAULT_INTERNAL, "the enrolment of %s cannot be written", record->name);
    if (!log_signer_statement(settings->signer, STATEMENT_AGENT_ENROL, buffer_slice(&payload), record->enrolled_us,
                              &statement, fault))
        return false;
    change_statement(change, buffer_slice(&statement));
    return true;
}

/* The log did not take it: nothing of the join is committed. */
static void join_refused(struct join_wait *wait, const struct fault *fault) {
    struct ingest_common *common = wait->common;
    struct agent *agent = agents_by_name(common->agents, slice_string(wait->record.name));
    struct session *session = session_of_key(common, wait->record.tls_key, SESSION_JOINING);
    char line[FAULT_LINE_SIZE];
    if (agent)
        agent->joining = false;
    if (session)
        session_refuse_and_report(session, TOCSIN__REFUSAL__SIGNATURE, "join_refused", 0, "log",
                                  fault_line(fault, line));
    free(wait);
}

/* The enrolment is on the disk: now it holds, and the agent is told. */
static void join_committed(void *context, struct change *change) {
    struct join_wait *wait = context;
    struct ingest_common *common = wait->common;
    if (change_has_statement(change) && !change_outcome(change)->taken) {
        join_refused(wait, &change_outcome(change)->fault);
        return;
    }
    struct agent *agent = agents_by_name(common->agents, slice_string(wait->record.name));
    if (agent && agent->session)
        session_refuse(agent->session, TOCSIN__REFUSAL__REPLACED, 0, "this host has joined anew");
    agents_put(common->agents, &wait->record, clock_monotonic_us());
    common->counts.joined++;
    struct session *session = session_of_key(common, wait->record.tls_key, SESSION_JOINING);
    if (session)
        tell_joined(session, &wait->record, &wait->begin);
    free(wait);
}

bool session_take_join(struct session *session, struct slice message) {
    const struct ingest_settings *settings = session->common->settings;
    uint8_t binding[32];
    struct fault fault = {0};
    struct agent_record record = {.heartbeat_s = settings->heartbeat_s, .enrolled_us = clock_wall_us()};
    memcpy(record.tls_key, channel_peer_key(session->channel), 32);
    struct join_answer answer = {TOCSIN__REFUSAL__UNSPECIFIED, "malformed"};
    struct join_begin begin;
    if (session->common->halted) {
        session_refuse(session, TOCSIN__REFUSAL__LOG, 0, session->common->halted_why);
        return false;
    }
    if (!channel_export_key(session->channel, JOIN_EXPORTER_LABEL, binding) ||
        !join_check(settings->tokens, message, binding, record.enrolled_us, &record, &begin, &answer,
                    &fault)) {
        char line[FAULT_LINE_SIZE];
        session_refuse_and_report(session, (Tocsin__Refusal)answer.refusal, "join_refused", 0, answer.reason,
                                  fault_line(&fault, line));
        return false;
    }
    struct agent *known = agents_by_name(session->common->agents, slice_string(record.name));
    struct change *change = change_create();
    if (!enrol(session->common, known, &record, &begin, change, &fault)) {
        change_destroy(change);
        session_refuse_and_report(session, TOCSIN__REFUSAL__BUSY, "join_refused", 0, "log", fault.text);
        return false;
    }
    if (known)
        known->joining = true;
    /* Only a new key begins a new story. */
    record.forked =
        known && known->record.forked && memcmp(known->record.public_key, record.public_key, 32) == 0;
    agent_put_record(change, &record);
    const struct report_field fields[] = {
        {"host.name", record.name}, {"source.address", channel_peer_address(session->channel)}, {NULL, NULL}};
    report_state(change, known ? "agent_rejoined" : "agent_joined", fields, "%s has %s, from %s", record.name,
                 known ? "joined anew, with a new key" : "joined", channel_peer_address(session->channel));
    log_notice("%s has joined", record.name);
    struct join_wait *wait = memory_new(sizeof *wait);
    *wait = (struct join_wait){session->common, record, begin};
    change_on_committed(change, join_committed, wait);
    session->state = SESSION_JOINING;
    committer_submit(settings->committer, change);
    return true;
}

bool session_take_renew(struct session *session, struct slice message) {
    Tocsin__Renew *renew = tocsin__renew__unpack(NULL, message.size, message.data);
    bool good = renew && renew->spki_hash.len == 32 && session->agent;
    if (good) {
        memcpy(session->agent->record.next_tls_key, renew->spki_hash.data, 32);
        session_commit_record(session->common, session->agent);
        Tocsin__Renewed renewed;
        tocsin__renewed__init(&renewed);
        renewed.spki_hash = renew->spki_hash;
        session_write(session, FRAME_RENEWED, &renewed.base);
    }
    if (renew)
        tocsin__renew__free_unpacked(renew, NULL);
    if (!good)
        session_refuse(session, TOCSIN__REFUSAL__MALFORMED, 0, "a RENEW that cannot be read");
    return good;
}

/* ---- rotating */

void session_tell_rotated(struct session *session, uint32_t epoch, bool good) {
    if (session->state != SESSION_READY)
        return; /* it asks again once it is greeted */
    if (!good) {
        session_refuse(session, TOCSIN__REFUSAL__BUSY, 0, "too much is under way for a new key");
        return;
    }
    Tocsin__Rotated rotated;
    tocsin__rotated__init(&rotated);
    rotated.epoch = epoch;
    session_write(session, FRAME_ROTATED, &rotated.base);
}

bool session_take_rotate(struct session *session, struct slice message) {
    struct agent *agent = session->agent;
    struct rotate_answer answer;
    struct fault fault = {0};
    if (agent->joining) {
        session_refuse(session, TOCSIN__REFUSAL__BUSY, 0, "this host is joining anew");
        return false;
    }
    if (!rotate_take(session->common, agent, message, &answer, &fault)) {
        session_refuse_and_report(session, TOCSIN__REFUSAL__ROTATION, "agent_rotation_refused", 0,
                                  answer.reason, fault.text);
        return false;
    }
    if (answer.known)
        session_tell_rotated(session, agent->record.epoch + 1, true);
    return true;
}
