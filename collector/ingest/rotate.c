#include "rotate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "encoding.h"
#include "log.h"
#include "log_state.h"
#include "memory.h"
#include "report.h"
#include "rotation.h"
#include "rotation_row.h"
#include "wire.pb-c.h"

static bool announced(const struct agent *agent) {
    static const uint8_t none[32];
    return memcmp(agent->record.next_public_key, none, sizeof none) != 0;
}

struct ingest_next_key rotate_next_key(const struct agent *agent) {
    struct ingest_next_key next = {0};
    if (!announced(agent) || agent->announcing)
        return next;
    next.epoch = agent->record.epoch + 1;
    memcpy(next.key.bytes, agent->record.next_public_key, sizeof next.key.bytes);
    return next;
}

/* ---- checking */

static bool refuse(struct rotate_answer *answer, const char *reason) {
    answer->reason = reason;
    return false;
}

static bool check(const struct ingest_common *common, const struct agent *agent, const Tocsin__Rotate *rotate,
                  struct rotation *rotation, struct rotate_answer *answer, struct fault *fault) {
    const struct agent_record *record = &agent->record;
    struct verify_key first_key, key, log_key;
    if (!rotation_read(slice_make(rotate->statement.data, rotate->statement.len), rotation, fault))
        return refuse(answer, "malformed");
    if (rotate->epoch != rotation->epoch ||
        !slice_equal(slice_make(rotate->public_key.data, rotate->public_key.len),
                     slice_make(rotation->new_key.bytes, sizeof rotation->new_key.bytes))) {
        fault_set(fault, FAULT_FORMAT, "the ROTATE says something else than its statement");
        return refuse(answer, "malformed");
    }
    memcpy(first_key.bytes, record->first_key, sizeof first_key.bytes);
    memcpy(key.bytes, record->public_key, sizeof key.bytes);
    memcpy(log_key.bytes, common->settings->log_key, sizeof log_key.bytes);
    const struct hash log = statement_log(slice_string(common->settings->origin), &log_key);
    const struct rotation_place place = {&log, slice_string(record->name), &first_key, &key, record->epoch};
    enum check checked = rotation_check(rotation, &place, fault);
    return check_good(checked) || refuse(answer, check_word(checked));
}

/* ---- committing */

struct rotate_wait {
    struct ingest_common *common;
    char name[AGENT_NAME_SIZE];
    uint8_t first_key[32];
    uint8_t key[32];
};

/* What the events say of a key: enough to tell two apart. */
#define FINGERPRINT_BYTES 8u

static void report_key(struct change *change, const struct agent *agent, const char *event,
                       const uint8_t key[32], uint32_t epoch, const char *what) {
    char number[16], fingerprint[2 * FINGERPRINT_BYTES + 1];
    struct hash hash = sha256_of(slice_make(key, 32));
    encoding_hex(hash.bytes, FINGERPRINT_BYTES, fingerprint);
    snprintf(number, sizeof number, "%" PRIu32, epoch);
    const struct report_field fields[] = {{"host.name", agent->record.name},
                                          {"key.epoch", number},
                                          {"key.fingerprint", fingerprint},
                                          {NULL, NULL}};
    report_state(change, event, fields, "%s %s: epoch %s, key %s", agent->record.name, what, number,
                 fingerprint);
    log_notice("%s %s: epoch %s, key %s", agent->record.name, what, number, fingerprint);
}

/* Where a queue is full the agent gets no answer: it asks again, over a connection that begins with the key. */
static void announce(struct ingest_common *common, struct agent *agent) {
    const struct ingest_next_key next = rotate_next_key(agent);
    bool good = true;
    for (unsigned lane = 0; lane < LANES; lane++)
        good &= ingest_stream_announce(agent->streams[lane], common->settings->loop,
                                       common->settings->committer, &next);
    session_tell_rotated(agent->session, next.epoch, good);
}

/* The log did not take it: the key in force stays, as before the agent asked. */
static void rotate_refused(struct rotate_wait *wait, struct agent *agent, const struct fault *fault) {
    log_fault(LOG_LEVEL_ERROR, fault, "%s asks for another key and the log does not take it", wait->name);
    if (agent && agent->announcing && memcmp(agent->record.next_public_key, wait->key, 32) == 0) {
        memset(agent->record.next_public_key, 0, sizeof agent->record.next_public_key);
        agent->announcing = false;
        if (agent->session)
            session_tell_rotated(agent->session, agent->record.epoch + 1, false);
    }
    free(wait);
}

/* The statement is on the disk: from here on both streams may go on under the next key. One that is not connected gets
 * it with its next HELLO; nothing may be put to work when the collector stops. */
static void rotate_committed(void *context, struct change *change) {
    struct rotate_wait *wait = context;
    struct ingest_common *common = wait->common;
    struct agent *agent = agents_by_name(common->agents, slice_string(wait->name));
    if (change_has_statement(change) && !change_outcome(change)->taken) {
        rotate_refused(wait, agent, &change_outcome(change)->fault);
        return;
    }
    /* One that joined anew in the meantime has another story. */
    if (agent && agent->announcing && memcmp(agent->record.first_key, wait->first_key, 32) == 0 &&
        memcmp(agent->record.next_public_key, wait->key, 32) == 0) {
        agent->announcing = false;
        if (agent->session)
            announce(common, agent);
    }
    free(wait);
}

static void commit(struct ingest_common *common, struct agent *agent, const struct rotation *rotation,
                   struct slice statement) {
    struct agent_record *record = &agent->record;
    struct rotate_wait *wait = memory_new(sizeof *wait);
    CLEANUP_BUFFER struct buffer key = BUFFER(ROTATION_ROW_KEY_MOST);
    memcpy(record->next_public_key, rotation->new_key.bytes, sizeof record->next_public_key);
    agent->announcing = true;
    wait->common = common;
    snprintf(wait->name, sizeof wait->name, "%s", record->name);
    memcpy(wait->first_key, record->first_key, sizeof wait->first_key);
    memcpy(wait->key, record->next_public_key, sizeof wait->key);
    struct change *change = change_create();
    if (common->settings->log && common->settings->signer && log_state_begun(common->settings->log))
        change_statement(change, statement);
    rotation_row_key(&key, rotation->name, rotation->streams[LANE_SECURITY].bytes, rotation->epoch);
    change_put(change, STORE_REGISTRY, buffer_slice(&key), statement);
    agent_put_record(change, record);
    report_key(change, agent, "agent_key_rotating", record->next_public_key, rotation->epoch,
               "will sign with another key");
    change_on_committed(change, rotate_committed, wait);
    committer_submit(common->settings->committer, change);
}

static bool take(struct ingest_common *common, struct agent *agent, const Tocsin__Rotate *rotate,
                 struct rotate_answer *answer, struct fault *fault) {
    struct rotation rotation;
    if (!check(common, agent, rotate, &rotation, answer, fault))
        return false;
    if (!announced(agent)) {
        commit(common, agent, &rotation, slice_make(rotate->statement.data, rotate->statement.len));
        return true;
    }
    if (memcmp(agent->record.next_public_key, rotation.new_key.bytes, sizeof rotation.new_key.bytes) != 0) {
        fault_set(fault, FAULT_CONFLICT, "another key was announced for key epoch %" PRIu32 " before",
                  rotation.epoch);
        return refuse(answer, "conflict");
    }
    answer->known = !agent->announcing;
    return true;
}

bool rotate_take(struct ingest_common *common, struct agent *agent, struct slice message,
                 struct rotate_answer *ret_answer, struct fault *fault) {
    *ret_answer = (struct rotate_answer){.reason = "malformed"};
    Tocsin__Rotate *rotate = tocsin__rotate__unpack(NULL, message.size, message.data);
    if (!rotate)
        return fault_set(fault, FAULT_FORMAT, "a ROTATE that cannot be read");
    bool good = take(common, agent, rotate, ret_answer, fault);
    tocsin__rotate__free_unpacked(rotate, NULL);
    return good;
}

void rotate_finish(struct ingest_common *common, struct agent *agent) {
    struct agent_record *record = &agent->record;
    if (!announced(agent) || agent->announcing || agent->joining)
        return;
    for (unsigned lane = 0; lane < LANES; lane++)
        if (ingest_stream_marks(agent->streams[lane]).epoch != record->epoch + 1)
            return;
    memcpy(record->public_key, record->next_public_key, sizeof record->public_key);
    memset(record->next_public_key, 0, sizeof record->next_public_key);
    record->epoch++;
    struct change *change = change_create();
    agent_put_record(change, record);
    report_key(change, agent, "agent_key_rotated", record->public_key, record->epoch,
               "signs with another key");
    committer_submit(common->settings->committer, change);
}
