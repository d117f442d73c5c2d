/* The log's part of the wiring: its keys, its state, what it begins with, batches that are wanted closed. */
#include <stdio.h>
#include <stdlib.h>

#include "agent_enrolment.h"
#include "clock.h"
#include "collector.h"
#include "genesis_file.h"
#include "key_file.h"
#include "log.h"
#include "report.h"
#include "retention_standard.h"
#include "site.h"
#include "statement_type.h"
#include "stream_id.h"

#define PERSON_DEFAULT "admin"
#define ENROLMENT_MOST 512u

bool collector_open_log(struct collector *collector, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct slice origin = slice_string(collector->origin);
    struct log_state_settings log = {collector->store, origin, signing_key_public(collector->log_key)};
    site_path(path, collector->data, SITE_COLLECTOR_REGISTRAR_KEY);
    collector->registrar_key = key_file_open(path, true, fault);
    collector->signer = collector->registrar_key
                            ? log_signer_create(origin, collector->log_key, collector->registrar_key, fault)
                            : NULL;
    collector->log_state = collector->signer ? log_state_open(&log, fault) : NULL;
    return collector->log_state != NULL;
}

/* ---- the genesis */

/* A site from before there was one: what `tocsin init` would have made. */
static bool make_genesis(struct collector *collector, const char *path, struct fault *fault) {
    char folder[FILES_PATH_MOST], person[FILES_PATH_MOST];
    struct retention_policy retention = retention_policy_shipped();
    struct hash leaf;
    site_path(folder, collector->data, SITE_PEOPLE_FOLDER);
    site_person_key(person, collector->data, PERSON_DEFAULT);
    struct signing_key *key =
        files_make_folder(folder, 0700, fault) ? key_file_open(person, true, fault) : NULL;
    struct genesis_plan plan = {.origin = slice_string(collector->origin),
                                .log_key = collector->log_key,
                                .person_key = key,
                                .registrar = signing_key_public(collector->registrar_key),
                                .person = SLICE(PERSON_DEFAULT),
                                .retention = &retention,
                                .now_us = clock_wall_us()};
    bool good = key && genesis_file_make(path, &plan, &leaf, fault);
    if (good)
        log_notice("the log begins with a genesis made now; its person is " PERSON_DEFAULT
                   ", whose key is %s",
                   person);
    signing_key_destroy(key);
    return good;
}

static struct change *genesis_change(struct collector *collector, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct genesis_file file;
    site_path(path, collector->data, SITE_COLLECTOR_GENESIS);
    if ((!files_exists(path) && !make_genesis(collector, path, fault)) ||
        !genesis_file_read(path, &file, fault)) {
        fault_place(fault, "the log is empty and has nothing to begin with (a new site has: `tocsin init`)");
        return NULL;
    }
    struct change *change = change_create();
    change_statement(change, file.statement);
    for (size_t i = 0; i < file.text_count; i++)
        report_text(change, file.texts[i]);
    genesis_file_release(&file);
    return change;
}

/* ---- the collector's own stream */

static bool own_name(char ret_name[STREAM_NAME_SIZE]) {
    char host[AGENT_NAME_SIZE];
    site_host_name(host);
    return snprintf(ret_name, STREAM_NAME_SIZE, HOST_COLLECTOR_PREFIX "%s", host) < (int)STREAM_NAME_SIZE;
}

static bool is_enrolled(struct log_state *log, const struct hash *stream, bool *ret_enrolled,
                        struct fault *fault) {
    enum lane lane;
    const struct control_fold *control = log_state_control(log, fault);
    if (!control)
        return false;
    *ret_enrolled = agent_registry_by_stream(control->agents, stream, &lane) != NULL;
    log_state_control_release(log);
    return true;
}

/* Its key signs batches like an agent's, and must be known like one. NULL without a fault where it is. */
static struct change *own_change(struct collector *collector, struct fault *fault) {
    char name[STREAM_NAME_SIZE], stream[STREAM_NAME_SIZE];
    const struct verify_key *key = signing_key_public(collector->stream_key);
    CLEANUP_BUFFER struct buffer payload = BUFFER(ENROLMENT_MOST);
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    bool enrolled = false;
    if (!own_name(name))
        return NULL;
    struct agent_enrolment enrolment = {
        .name = slice_string(name), .key = *key, .heartbeat_s = COLLECTOR_HEARTBEAT_S};
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!stream_name_make(slice_string(name), (enum lane)lane, stream))
            return NULL;
        enrolment.streams[lane] = stream_id_make(slice_string(stream), key);
    }
    memcpy(enrolment.tls.bytes, tls_identity_key_hash(collector->identity), HASH_SIZE);
    if (!is_enrolled(collector->log_state, &enrolment.streams[LANE_SECURITY], &enrolled, fault) || enrolled)
        return NULL;
    if (!agent_enrolment_write(&payload, &enrolment) ||
        !log_signer_statement(collector->signer, STATEMENT_AGENT_ENROL, buffer_slice(&payload),
                              clock_wall_us(), &statement, fault))
        return NULL;
    struct change *change = change_create();
    change_statement(change, buffer_slice(&statement));
    return change;
}

/* ---- what goes before everything else */

static bool is_begun(struct log_state *log, bool *ret_begun, struct fault *fault) {
    const struct control_fold *control = log_state_control(log, fault);
    if (!control)
        return false;
    *ret_begun = control_chain_count(control->chain) > 0;
    log_state_control_release(log);
    return true;
}

static void tell_refused(void *context, struct change *change) {
    const struct change_outcome *outcome = change_outcome(change);
    if (!outcome->taken)
        log_fault(LOG_LEVEL_ERROR, &outcome->fault, "%s", (const char *)context);
}

bool collector_first_changes(struct collector *collector, struct change *ret_changes[COMMITTER_FIRST_MOST],
                             struct fault *fault) {
    bool begun = false;
    size_t count = 0;
    if (!is_begun(collector->log_state, &begun, fault))
        return false;
    if (!begun && log_state_size(collector->log_state) > 0) {
        log_warning("this log was begun without a genesis: it takes no statements of people, and its "
                    "verdicts rest on "
                    "its store alone. A new site (`tocsin init`), which the agents join, has one");
        return true;
    }
    if (!begun) {
        ret_changes[count] = genesis_change(collector, fault);
        if (!ret_changes[count])
            return false;
        change_on_committed(ret_changes[count++], tell_refused, (void *)(uintptr_t) "the log's genesis");
    }
    ret_changes[count] = own_change(collector, fault);
    if (ret_changes[count])
        change_on_committed(ret_changes[count], tell_refused,
                            (void *)(uintptr_t) "the enrolment of the collector's own stream");
    return fault->code == FAULT_NONE;
}

/* ---- what goes behind everything else */

static void say_closed(void *context, struct change *change) {
    struct collector *collector = context;
    (void)change;
    collector->own_closed = true;
}

/* Nothing behind the last mark can be proved: with one behind everything, a store at rest proves all that it holds. */
void collector_mark_end(struct collector *collector) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    uint64_t until_us = clock_monotonic_us() + QUIET_US;
    struct fault fault = {0};
    struct change *close = change_create(), *mark = change_create();
    change_close_own(close);
    change_on_committed(close, say_closed, collector);
    committer_submit(collector->committer, close);
    while (!collector->own_closed && clock_monotonic_us() < until_us)
        loop_turn(collector->loop, true);
    if (!log_signer_statement(collector->signer, STATEMENT_MARK, (struct slice){NULL, 0}, clock_wall_us(), &statement,
                              &fault)) {
        log_fault(LOG_LEVEL_WARNING, &fault, "the log's last mark");
        change_destroy(mark);
        return;
    }
    change_statement(mark, buffer_slice(&statement));
    committer_submit(collector->committer, mark);
}

/* ---- batches that somebody wants closed now */

bool collector_close_now(void *context, const struct hash *stream_id) {
    struct collector *collector = context;
    CLEANUP_STORE_VALUE struct store_value known = {0};
    if (!store_get(collector->store, STORE_STREAM, hash_slice(stream_id), &known, NULL))
        return false;
    pthread_mutex_lock(&collector->mutex);
    bool room = collector->closing_count < CLOSING_MOST;
    if (room)
        collector->closing[collector->closing_count++] = *stream_id;
    pthread_mutex_unlock(&collector->mutex);
    loop_wake_send(collector->closing_wanted);
    return room;
}

void collector_close_wanted(void *context) {
    struct collector *collector = context;
    struct hash closing[CLOSING_MOST];
    pthread_mutex_lock(&collector->mutex);
    size_t count = collector->closing_count;
    memcpy(closing, collector->closing, count * sizeof *closing);
    collector->closing_count = 0;
    pthread_mutex_unlock(&collector->mutex);
    for (size_t i = 0; i < count; i++) {
        if (!hash_equal(&closing[i], own_stream_id(collector->own))) {
            if (!ingest_close_now(collector->ingest, &closing[i]))
                ingest_orphan(collector->ingest, &closing[i]);
            continue;
        }
        struct change *change = change_create();
        change_close_own(change);
        committer_submit(collector->committer, change);
    }
}
