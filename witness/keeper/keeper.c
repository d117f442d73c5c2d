#include "keeper.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "encoding.h"
#include "files.h"
#include "keepsake.h"
#include "log.h"
#include "memory.h"
#include "statement.h"

#define SHELVES 2u

struct place {
    char name[2 * HASH_SIZE + 1];
    char folder[FILES_PATH_MOST];
    struct hash log; /* statement_log */
    struct keepsake *shelves[SHELVES];
};

struct keeper {
    pthread_mutex_t mutex;
    struct note_key witness;
    const struct signing_key *signing;
    size_t count;
    struct witness_log *logs; /* in one order with places */
    struct place *places;
};

static const char *const shelf_names[SHELVES] = {
    [KEEPER_FORKS] = "forks", [KEEPER_STATEMENTS] = "statements"};

/* ---- start */

static bool note_path(const struct place *place, char ret_path[FILES_PATH_MOST]) {
    return files_path(ret_path, place->folder, "checkpoint");
}

/* What was cosigned last, as only this witness can have written it. */
static bool read_newest(const struct keeper *keeper, const char *path, const struct note_key *log,
                        struct witness_memory *ret_newest, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(NOTE_MOST);
    struct witness_policy policy = {.needed = 1, .count = 1, .witnesses = {keeper->witness}};
    struct signed_checkpoint read;
    if (!files_read(path, &bytes, fault) ||
        !checkpoint_read(buffer_slice(&bytes), log, &policy, &read, fault))
        return false;
    if (!read.cosignatures[0].there)
        return fault_set(
            fault, FAULT_AUTH,
            "this is not cosigned by %.*s: has the witness's name or key changed? A witness keeps both",
            SLICE_ARG(note_key_name(&keeper->witness)));
    *ret_newest =
        (struct witness_memory){read.checkpoint.size, read.checkpoint.root, read.cosignatures[0].latest_s};
    return true;
}

static bool open_place(struct keeper *keeper, size_t i, const char *folder, struct fault *fault) {
    struct place *place = &keeper->places[i];
    struct witness_log *log = &keeper->logs[i];
    char path[FILES_PATH_MOST];
    struct slice origin = note_key_name(&log->key);
    struct hash hash = sha256_of(origin);
    encoding_hex(hash.bytes, sizeof hash.bytes, place->name);
    place->log = statement_log(origin, &log->key.key);
    if (!files_path(place->folder, folder, place->name) || !note_path(place, path))
        return fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
    if (!files_make_folder(place->folder, 0700, fault))
        return false;
    for (size_t shelf = 0; shelf < SHELVES; shelf++) {
        char shelf_path[FILES_PATH_MOST];
        if (!files_path(shelf_path, place->folder, shelf_names[shelf]))
            return fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
        place->shelves[shelf] = keepsake_open(shelf_path, fault);
        if (!place->shelves[shelf])
            return false;
    }
    log->newest = witness_memory_empty();
    return !files_exists(path) || read_newest(keeper, path, &log->key, &log->newest, fault) ||
           fault_place(fault, "%s", path);
}

static bool check_logs(const struct keeper_settings *settings, struct fault *fault) {
    for (size_t i = 0; i < settings->log_count; i++) {
        const struct note_key *key = &settings->logs[i];
        if (memcmp(key->key.bytes, settings->witness->key.bytes, sizeof key->key.bytes) == 0)
            return fault_set(fault, FAULT_USAGE, "the key of %.*s is this witness's own",
                             SLICE_ARG(note_key_name(key)));
        for (size_t j = 0; j < i; j++)
            if (slice_equal(note_key_name(key), note_key_name(&settings->logs[j])))
                return fault_set(fault, FAULT_USAGE, "the log %.*s stands twice among the logs",
                                 SLICE_ARG(note_key_name(key)));
    }
    return settings->log_count <= WITNESS_LOGS_MOST ||
           fault_set(fault, FAULT_LIMIT, "more than %u logs", WITNESS_LOGS_MOST);
}

struct keeper *keeper_open(const struct keeper_settings *settings, struct fault *fault) {
    if (!check_logs(settings, fault))
        return NULL;
    struct keeper *keeper = memory_new(sizeof *keeper);
    pthread_mutex_init(&keeper->mutex, NULL);
    keeper->witness = *settings->witness;
    keeper->signing = settings->signing;
    keeper->count = settings->log_count;
    keeper->logs = memory_new_array(settings->log_count, sizeof *keeper->logs);
    keeper->places = memory_new_array(settings->log_count, sizeof *keeper->places);
    for (size_t i = 0; i < settings->log_count; i++) {
        keeper->logs[i].key = settings->logs[i];
        if (!open_place(keeper, i, settings->folder, fault))
            return keeper_close(keeper);
    }
    return keeper;
}

struct keeper *keeper_close(struct keeper *keeper) {
    if (!keeper)
        return NULL;
    for (size_t i = 0; i < keeper->count; i++)
        for (size_t shelf = 0; shelf < SHELVES; shelf++)
            keepsake_close(keeper->places[i].shelves[shelf]);
    free(keeper->logs);
    free(keeper->places);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
    return NULL;
}

/* ---- cosigning */

/* The text, the log's own signatures, and ours: nobody else's. */
static bool write_note(const struct note_key *log, struct slice text, struct slice note,
                       struct slice cosignature, struct buffer *to) {
    struct note read;
    if (!note_read(note, &read, NULL))
        return false;
    buffer_append_slice(to, text);
    buffer_append_string(to, "\n");
    for (size_t i = 0; i < read.signature_count; i++) {
        if (!note_signature_names(&read.signatures[i], log))
            continue;
        buffer_append_string(to, "\xe2\x80\x94 ");
        buffer_append_slice(to, read.signatures[i].name);
        buffer_append_string(to, " ");
        buffer_append_slice(to, read.signatures[i].base64);
        buffer_append_string(to, "\n");
        break; /* the same key's again says the same */
    }
    return buffer_append_slice(to, cosignature) && !to->overflow;
}

/* On the disk, then in memory, then out. */
static bool cosign(struct keeper *keeper, const struct witness_verdict *verdict, struct slice note,
                   struct buffer *answer, struct fault *fault) {
    CLEANUP_BUFFER struct buffer line = BUFFER(1024), bytes = BUFFER(NOTE_MOST);
    struct witness_log *log = &keeper->logs[verdict->log];
    char path[FILES_PATH_MOST];
    if (!note_cosign(&line, verdict->text, &keeper->witness, keeper->signing, verdict->time_s) ||
        !write_note(&log->key, verdict->text, note, buffer_slice(&line), &bytes) ||
        !note_path(&keeper->places[verdict->log], path))
        return fault_set(fault, FAULT_INTERNAL, "the cosignature cannot be written");
    if (!files_write(path, buffer_slice(&bytes), 0600, fault))
        return false;
    log->newest =
        (struct witness_memory){verdict->checkpoint.size, verdict->checkpoint.root, verdict->time_s};
    return buffer_append_slice(answer, buffer_slice(&line));
}

static void keep(struct keepsake *shelf, struct slice note) {
    struct hash hash;
    struct fault fault = {0};
    if (!keepsake_add(shelf, note, &hash, &fault))
        log_fault(LOG_LEVEL_ERROR, &fault, "a note that proves a fork is not kept");
}

/* Both notes: the newest one here will be replaced. */
static void keep_fork(struct keeper *keeper, const struct witness_verdict *verdict, struct slice note) {
    CLEANUP_BUFFER struct buffer ours = BUFFER(NOTE_MOST);
    const struct place *place = &keeper->places[verdict->log];
    char path[FILES_PATH_MOST];
    log_error("%.*s has signed two trees of size %" PRIu64 ": its log is forked; both notes are kept",
              SLICE_ARG(note_key_name(&keeper->logs[verdict->log].key)), verdict->checkpoint.size);
    keep(place->shelves[KEEPER_FORKS], note);
    if (note_path(place, path) && files_read(path, &ours, NULL))
        keep(place->shelves[KEEPER_FORKS], buffer_slice(&ours));
}

static enum witness_status add_locked(struct keeper *keeper, const struct witness_request *request,
                                      uint64_t now_s, struct buffer *answer, bool *ret_fork,
                                      struct fault *fault) {
    struct witness_verdict verdict;
    bool good = witness_judge(keeper->logs, keeper->count, request, now_s, &verdict, fault);
    *ret_fork = verdict.fork;
    if (verdict.fork)
        keep_fork(keeper, &verdict, request->note);
    if (good && !cosign(keeper, &verdict, request->note, answer, fault)) {
        log_fault(LOG_LEVEL_ERROR, fault, "a checkpoint is not cosigned");
        verdict.status = WITNESS_LATER;
    }
    if (verdict.status == WITNESS_CONFLICT)
        buffer_printf(answer, "%" PRIu64 "\n", keeper->logs[verdict.log].newest.size);
    return verdict.status;
}

enum witness_status keeper_add_checkpoint(struct keeper *keeper, struct slice request, uint64_t now_s,
                                          struct buffer *answer, bool *ret_fork) {
    struct fault fault = {0};
    struct witness_request read;
    enum witness_status status = WITNESS_MALFORMED;
    *ret_fork = false;
    if (witness_request_read(request, &read, &fault)) {
        pthread_mutex_lock(&keeper->mutex);
        status = add_locked(keeper, &read, now_s, answer, ret_fork, &fault);
        pthread_mutex_unlock(&keeper->mutex);
    }
    if (status != WITNESS_COSIGNED && status != WITNESS_CONFLICT)
        buffer_printf(answer, "%s\n", fault.text);
    return status;
}

/* ---- what is asked for */

static struct place *find_place(const struct keeper *keeper, struct slice name, struct fault *fault) {
    for (size_t i = 0; i < keeper->count; i++)
        if (slice_equal(slice_string(keeper->places[i].name), name))
            return &keeper->places[i];
    fault_set(fault, FAULT_MISSING, "this witness does not know the log");
    return NULL;
}

bool keeper_newest(struct keeper *keeper, struct slice log, struct buffer *note, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct place *place = find_place(keeper, log, fault);
    if (!place)
        return false;
    pthread_mutex_lock(&keeper->mutex);
    bool there = keeper->logs[place - keeper->places].newest.time_s > 0;
    pthread_mutex_unlock(&keeper->mutex);
    if (!there)
        return fault_set(fault, FAULT_MISSING, "nothing was cosigned for the log yet");
    /* Renamed into its place, so it is whole without the lock. */
    return note_path(place, path) && files_read(path, note, fault);
}

bool keeper_list(struct keeper *keeper, struct slice log, enum keeper_shelf shelf, struct buffer *to,
                 struct fault *fault) {
    struct place *place = find_place(keeper, log, fault);
    if (!place)
        return false;
    pthread_mutex_lock(&keeper->mutex);
    keepsake_list(place->shelves[shelf], to);
    pthread_mutex_unlock(&keeper->mutex);
    return true;
}

bool keeper_get(struct keeper *keeper, struct slice log, enum keeper_shelf shelf, struct slice name,
                struct buffer *to, struct fault *fault) {
    struct place *place = find_place(keeper, log, fault);
    if (!place)
        return false;
    pthread_mutex_lock(&keeper->mutex);
    bool good = keepsake_get(place->shelves[shelf], name, to, fault);
    pthread_mutex_unlock(&keeper->mutex);
    return good;
}

bool keeper_add_statement(struct keeper *keeper, struct slice log, struct slice statement,
                          struct hash *ret_hash, struct fault *fault) {
    struct signed_statement read;
    struct place *place = find_place(keeper, log, fault);
    if (!place)
        return false;
    if (statement.size > KEEPER_STATEMENT_MOST)
        return fault_set(fault, FAULT_LIMIT, "a statement of %zu bytes; %u is the most", statement.size,
                         KEEPER_STATEMENT_MOST);
    if (!signed_statement_read(statement, &read, fault))
        return false;
    if (read.signature_count == 0 || !hash_equal(&read.statement.log, &place->log))
        return fault_set(fault, FAULT_FORMAT, "this is not a signed statement for that log");
    pthread_mutex_lock(&keeper->mutex);
    bool good = keepsake_add(place->shelves[KEEPER_STATEMENTS], statement, ret_hash, fault);
    pthread_mutex_unlock(&keeper->mutex);
    return good;
}

size_t keeper_log_count(const struct keeper *keeper) {
    return keeper->count;
}

struct keeper_log keeper_log(struct keeper *keeper, size_t place) {
    pthread_mutex_lock(&keeper->mutex);
    struct keeper_log log = {.key = keeper->logs[place].key, .newest = keeper->logs[place].newest};
    memcpy(log.name, keeper->places[place].name, sizeof log.name);
    log.forks = keepsake_count(keeper->places[place].shelves[KEEPER_FORKS]);
    log.statements = keepsake_count(keeper->places[place].shelves[KEEPER_STATEMENTS]);
    pthread_mutex_unlock(&keeper->mutex);
    return log;
}
