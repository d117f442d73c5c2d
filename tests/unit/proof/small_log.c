#include "small_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory.h"

#define HOUR_US HOURS

/* ---- made-up chance */

static bool counting_fill(void *context, void *ret_bytes, size_t size, struct fault *fault) {
    static uint64_t count;
    (void)context;
    (void)fault;
    count++;
    struct hash bytes = sha256_of(slice_make(&count, sizeof count));
    memcpy(ret_bytes, bytes.bytes, size);
    return true;
}

struct signing_key *small_key(const char *name) {
    struct hash seed = sha256_of(slice_string(name));
    return signing_key_create(seed.bytes);
}

/* ---- the log itself */

static void entry_free(struct small_entry *entry) {
    buffer_free(&entry->bytes);
    buffer_free(&entry->class_list);
    buffer_free(&entry->block);
}

static struct small_entry entry_new(void) {
    return (struct small_entry){.bytes = BUFFER(CONTROL_ENTRY_MOST),
                                .class_list = BUFFER(CLASS_LIST_MOST),
                                .block = BUFFER(EVENT_BLOCK_MOST)};
}

uint64_t small_log_append(struct small_log *log, struct slice bytes, struct slice class_list) {
    if (log->entry_count == log->entry_room) {
        log->entry_room = log->entry_room ? 2 * log->entry_room : 64;
        log->entries = memory_resize(log->entries, log->entry_room, sizeof *log->entries);
        log->leaves = memory_resize(log->leaves, log->entry_room, sizeof *log->leaves);
    }
    struct small_entry *entry = &log->entries[log->entry_count];
    *entry = entry_new();
    assert_true(buffer_append_slice(&entry->bytes, bytes) &&
                buffer_append_slice(&entry->class_list, class_list));
    log->leaves[log->entry_count] = merkle_leaf(bytes);
    return log->entry_count++;
}

static void sign_all(struct signed_statement *statement, size_t count, struct signing_key *const *signers,
                     uint8_t signatures[][ED25519_SIGNATURE_SIZE]) {
    statement->signature_count = count;
    for (size_t i = 0; i < count; i++) {
        struct signer_key key = signer_key_ed25519(signing_key_public(signers[i]));
        signing_key_sign(signers[i], statement->bytes, signatures[i]);
        statement->signatures[i] = (struct statement_signature){
            signer_key_hash(&key), STATEMENT_ED25519, slice_make(signatures[i], ED25519_SIGNATURE_SIZE)};
    }
}

static bool log_signed(struct small_log *log, const struct signed_statement *statement, struct fault *fault) {
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    assert_true(control_chain_write_next(log->chain, statement, log->now_us, &entry));
    if (!control_chain_add(log->chain, buffer_slice(&entry), NULL, NULL, fault))
        return false;
    log->controls[log->control_count++] = small_log_append(log, buffer_slice(&entry), SLICE(""));
    return true;
}

bool small_log_try(struct small_log *log, uint32_t type, struct slice payload, size_t signer_count,
                   struct signing_key *const *signers, struct fault *fault) {
    uint8_t signatures[STATEMENT_SIGNATURES_MOST][ED25519_SIGNATURE_SIZE];
    CLEANUP_BUFFER struct buffer text = BUFFER(CONTROL_ENTRY_MOST);
    struct statement statement = {.log = statement_log(log->origin, signing_key_public(log->log_key)),
                                  .type = type,
                                  .made_us = log->now_us,
                                  .expires_us = log->now_us + HOUR_US,
                                  .payload = payload};
    struct hash nonce = sha256_of(slice_make(&log->control_count, sizeof log->control_count));
    memcpy(statement.nonce, nonce.bytes, sizeof statement.nonce);
    assert_true(statement_write(&text, &statement));
    struct signed_statement whole = {.bytes = buffer_slice(&text)};
    sign_all(&whole, signer_count, signers, signatures);
    return log_signed(log, &whole, fault);
}

void small_log_statement(struct small_log *log, uint32_t type, struct slice payload, size_t signer_count,
                         struct signing_key *const *signers) {
    struct fault fault = {0};
    if (!small_log_try(log, type, payload, signer_count, signers, &fault))
        fail_msg("statement of type %u: %s", type, fault.text);
}

void small_log_by_log(struct small_log *log, uint32_t type, struct slice payload) {
    small_log_statement(log, type, payload, 1, &log->log_key);
}

void small_log_mark(struct small_log *log) {
    small_log_by_log(log, STATEMENT_MARK, SLICE(""));
}

/* ---- checkpoints */

static const char *const witness_names[] = {"board.example/w1", "auditor.example/w2", "partner.example/w3"};

void small_log_checkpoint_of(struct small_log *log, uint64_t size, const struct hash *root, unsigned cosigned,
                             uint64_t time_s, struct buffer *to) {
    CLEANUP_BUFFER struct buffer text = BUFFER(CHECKPOINT_TEXT_MOST);
    struct checkpoint checkpoint = {.origin = log->origin, .size = size, .root = *root};
    assert_true(checkpoint_text_write(&text, &checkpoint));
    assert_true(checkpoint_sign(to, &checkpoint, &log->trust.log, log->log_key));
    for (unsigned i = 0; i < cosigned; i++)
        assert_true(note_cosign(to, buffer_slice(&text), &log->trust.witnesses.witnesses[i],
                                log->witnesses[i], time_s));
}

void small_log_checkpoint(struct small_log *log) {
    struct hash root = merkle_root(log->leaves, log->entry_count);
    struct small_checkpoint *newest = &log->checkpoints[log->checkpoint_count++];
    assert_true(log->checkpoint_count <= SMALL_LOG_BATCHES_MOST);
    *newest = (struct small_checkpoint){log->entry_count, log->now_us / SECONDS, BUFFER(NOTE_MOST)};
    small_log_checkpoint_of(log, log->entry_count, &root, log->witness_count, log->now_us / SECONDS,
                            &newest->note);
}

struct small_checkpoint *small_log_newest(struct small_log *log) {
    return &log->checkpoints[log->checkpoint_count - 1];
}

/* ---- beginning */

static struct person person_of(const char *name, enum role role, const struct signing_key *key) {
    const uint8_t salt[32] = {0};
    return (struct person){.id = person_id(salt, slice_string(name)),
                           .role = role,
                           .key_count = 1,
                           .keys = {signer_key_ed25519(signing_key_public(key))}};
}

static void begin(struct small_log *log, unsigned needed, bool asks) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(GENESIS_MOST);
    struct genesis genesis = {.origin = log->origin,
                              .log_key = *signing_key_public(log->log_key),
                              .registrar = *signing_key_public(log->registrar),
                              .person_count = 3,
                              .people = {person_of("Alice", ROLE_ADMINISTRATOR, log->admin),
                                         person_of("Bob", ROLE_BOARD, log->board),
                                         person_of("Carol", ROLE_MONITOR, log->monitor)}};
    struct witness_policy *policy = &log->trust.witnesses;
    policy->needed = (uint8_t)needed;
    policy->count = (uint8_t)log->witness_count;
    for (unsigned i = 0; i < log->witness_count; i++)
        assert_true(note_key_make(NOTE_KEY_WITNESS, slice_string(witness_names[i]),
                                  signing_key_public(log->witnesses[i]), &policy->witnesses[i], NULL));
    if (asks)
        genesis.witnesses = *policy;
    assert_true(genesis_write(&payload, &genesis));
    struct signing_key *signers[] = {log->log_key, log->admin, log->board, log->monitor};
    small_log_statement(log, STATEMENT_GENESIS, buffer_slice(&payload), 4, signers);
    log->trust.genesis_leaf = log->leaves[0];
}

static bool source_entry(void *context, uint64_t index, struct buffer *to, struct fault *fault) {
    const struct small_log *log = context;
    return (index < log->entry_count && buffer_append_slice(to, buffer_slice(&log->entries[index].bytes))) ||
           fault_set(fault, FAULT_MISSING, "no entry");
}

static bool source_class_list(void *context, uint64_t index, struct buffer *to, struct fault *fault) {
    const struct small_log *log = context;
    return (index < log->entry_count &&
            buffer_append_slice(to, buffer_slice(&log->entries[index].class_list))) ||
           fault_set(fault, FAULT_MISSING, "no entry");
}

static bool source_control(void *context, uint64_t ctl_seq, uint64_t *ret_index, struct buffer *to,
                           struct fault *fault) {
    const struct small_log *log = context;
    if (ctl_seq >= log->control_count)
        return fault_set(fault, FAULT_MISSING, "no control entry");
    *ret_index = log->controls[ctl_seq];
    return source_entry(context, *ret_index, to, fault);
}

static bool source_batch_index(void *context, const struct hash *stream_id, uint64_t batch_seq,
                               uint64_t *ret_index, struct fault *fault) {
    const struct small_log *log = context;
    for (size_t i = 0; i < log->entry_count; i++) {
        struct batch_entry entry;
        if (batch_entry_read(buffer_slice(&log->entries[i].bytes), &entry, NULL) &&
            hash_equal(&entry.stream_id, stream_id) && entry.batch_seq == batch_seq) {
            *ret_index = i;
            return true;
        }
    }
    return fault_set(fault, FAULT_MISSING, "no such batch");
}

static bool source_inclusion(void *context, uint64_t index, uint64_t size, struct merkle_path *ret_path,
                             struct fault *fault) {
    const struct small_log *log = context;
    if (index >= size || size > log->entry_count)
        return fault_set(fault, FAULT_USAGE, "no such tree");
    merkle_proof_inclusion(log->leaves, size, index, ret_path);
    return true;
}

static bool source_consistency(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                               struct fault *fault) {
    const struct small_log *log = context;
    if (old_size == 0 || old_size > size || size > log->entry_count)
        return fault_set(fault, FAULT_USAGE, "no such tree");
    merkle_proof_consistency(log->leaves, size, old_size, ret_path);
    return true;
}

static bool source_checkpoint(void *context, uint64_t size, uint64_t *ret_size, struct buffer *to,
                              struct fault *fault) {
    const struct small_log *log = context;
    for (size_t i = 0; i < log->checkpoint_count; i++)
        if (log->checkpoints[i].size >= size) {
            *ret_size = log->checkpoints[i].size;
            return buffer_append_slice(to, buffer_slice(&log->checkpoints[i].note));
        }
    return fault_set(fault, FAULT_MISSING, "no such checkpoint");
}

static struct small_log *create(unsigned witnesses, unsigned needed, bool asks) {
    struct small_log *log = memory_new(sizeof *log);
    log->origin = SLICE("ca.example/tocsin/small");
    log->log_key = small_key("small log");
    log->registrar = small_key("small registrar");
    log->admin = small_key("small alice");
    log->board = small_key("small bob");
    log->monitor = small_key("small carol");
    log->witness_count = witnesses;
    assert_true(witnesses <= sizeof witness_names / sizeof *witness_names);
    for (unsigned i = 0; i < witnesses; i++)
        log->witnesses[i] = small_key(witness_names[i]);
    log->now_us = SMALL_LOG_START_US;
    log->chain = control_chain_create(NULL);
    assert_true(
        note_key_make(NOTE_KEY_LOG, log->origin, signing_key_public(log->log_key), &log->trust.log, NULL));
    log->source = (struct proof_source){log,
                                        source_entry,
                                        source_class_list,
                                        source_control,
                                        source_batch_index,
                                        source_inclusion,
                                        source_consistency,
                                        source_checkpoint};
    begin(log, needed, asks);
    return log;
}

struct small_log *small_log_create(unsigned witnesses, unsigned needed) {
    return create(witnesses, needed, true);
}

struct small_log *small_log_create_asking_nobody(unsigned witnesses, unsigned needed) {
    return create(witnesses, needed, false);
}

static void agent_free(struct small_agent *agent) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        stream_writer_destroy(agent->writers[lane]);
        entry_free(&agent->open[lane]);
    }
    signing_key_destroy(agent->key);
    signing_key_destroy(agent->old_key);
    free(agent);
}

struct small_log *small_log_destroy(struct small_log *log) {
    struct signing_key *keys[] = {log->log_key, log->registrar, log->admin, log->board, log->monitor};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        signing_key_destroy(keys[i]);
    for (unsigned i = 0; i < log->witness_count; i++)
        signing_key_destroy(log->witnesses[i]);
    for (size_t i = 0; i < log->entry_count; i++)
        entry_free(&log->entries[i]);
    for (size_t i = 0; i < log->checkpoint_count; i++)
        buffer_free(&log->checkpoints[i].note);
    for (size_t i = 0; i < log->agent_count; i++)
        agent_free(log->agents[i]);
    control_chain_destroy(log->chain);
    free(log->entries);
    free(log->leaves);
    free(log);
    return NULL;
}

void small_log_pass(struct small_log *log, uint64_t time_us) {
    log->now_us += time_us;
    for (size_t i = 0; i < log->agent_count; i++) {
        log->agents[i]->clock.now_us += time_us;
        log->agents[i]->clock.boottime_us += time_us;
    }
}

/* ---- agents */

static struct signing_key *next_key(struct small_agent *agent) {
    char name[128];
    snprintf(name, sizeof name, "small agent %s %u", agent->host, agent->key_number++);
    return small_key(name);
}

static void write_break(struct small_agent *agent, enum lane lane) {
    assert_true(stream_writer_break(agent->writers[lane], &agent->clock, NULL));
    small_agent_close(agent, lane);
}

static void start_lane(struct small_agent *agent, enum lane lane) {
    struct stream_writer_settings settings = {.lane = lane,
                                              .stream_id = agent->streams[lane],
                                              .key = agent->key,
                                              .random = {NULL, counting_fill},
                                              .batch_us = STREAM_BATCH_US,
                                              .heartbeat_us = agent->heartbeat_s * SECONDS};
    agent->writers[lane] = stream_writer_create(&settings);
    write_break(agent, lane);
}

struct small_agent *small_log_enrol(struct small_log *log, const char *host, uint32_t heartbeat_s,
                                    struct signing_key *person) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    struct small_agent *agent = memory_new(sizeof *agent);
    assert_true(log->agent_count < SMALL_LOG_AGENTS_MOST);
    agent->log = log;
    snprintf(agent->host, sizeof agent->host, "%s", host);
    agent->key_number = (unsigned)(log->agent_count * 100);
    agent->key = next_key(agent);
    agent->first_key = *signing_key_public(agent->key);
    agent->heartbeat_s = heartbeat_s;
    agent->clock = (struct stream_clock){log->now_us, 5 * SECONDS, {(uint8_t)(log->agent_count + 1)}};
    agent->seen = seen_none();
    for (unsigned lane = 0; lane < LANES; lane++)
        agent->open[lane] = entry_new();
    struct agent_enrolment enrolment = {
        .name = slice_string(agent->host), .key = agent->first_key, .heartbeat_s = heartbeat_s};
    assert_true(stream_ids_make(enrolment.name, &agent->first_key, enrolment.streams));
    memcpy(agent->streams, enrolment.streams, sizeof agent->streams);
    assert_true(agent_enrolment_write(&payload, &enrolment));
    struct signing_key *signers[] = {log->registrar, person};
    small_log_statement(log, STATEMENT_AGENT_ENROL, buffer_slice(&payload), person ? 2 : 1, signers);
    log->agents[log->agent_count++] = agent;
    for (unsigned lane = 0; lane < LANES; lane++)
        start_lane(agent, (enum lane)lane);
    return agent;
}

void small_agent_event(struct small_agent *agent, enum event_class class, const char *text) {
    enum lane lane = class_lane(class);
    struct small_entry *open = &agent->open[lane];
    struct stream_writer_event event;
    struct fault fault = {0};
    if (!stream_writer_event(agent->writers[lane], class, agent->clock.now_us, slice_string(text), &event,
                             &fault))
        fail_msg("event: %s", fault.text);
    if (event.new_key) {
        struct class_key *key = &open->keys[open->key_count++];
        key->class = (uint8_t) class;
        memcpy(key->key, event.new_key, CLASS_KEY_SIZE);
    }
    open->event_count++;
    assert_true(event_block_append(&open->block, event.time_us, (uint8_t) class, slice_string(text)));
}

static uint64_t log_close(struct small_agent *agent, enum lane lane, const struct stream_close *close) {
    struct small_log *log = agent->log;
    uint64_t index = small_log_append(log, slice_make(close->entry, BATCH_ENTRY_SIZE),
                                      slice_make(close->class_list, close->class_list_size));
    struct small_entry *entry = &log->entries[index], *open = &agent->open[lane];
    struct buffer bytes = entry->bytes, list = entry->class_list;
    buffer_free(&entry->block);
    *entry = *open;
    entry->bytes = bytes;
    entry->class_list = list;
    buffer_free(&open->bytes);
    buffer_free(&open->class_list);
    *open = entry_new();
    struct batch_entry read;
    assert_true(batch_entry_read(buffer_slice(&entry->bytes), &read, NULL));
    assert_true(read.batch_seq < SMALL_LOG_BATCHES_MOST);
    agent->batches[lane][read.batch_seq] = index;
    return index;
}

uint64_t small_agent_close(struct small_agent *agent, enum lane lane) {
    struct stream_close close;
    struct fault fault = {0};
    if (!stream_writer_close(agent->writers[lane], &agent->clock, &agent->seen, &close, &fault))
        fail_msg("close: %s", fault.text);
    return log_close(agent, lane, &close);
}

void small_agent_restart(struct small_agent *agent) {
    agent->clock.boot_id[1]++;
    agent->clock.boottime_us = 5 * SECONDS;
    for (unsigned lane = 0; lane < LANES; lane++)
        write_break(agent, (enum lane)lane);
}

void small_agent_sees(struct small_agent *agent) {
    struct small_log *log = agent->log;
    const struct small_checkpoint *newest = small_log_newest(log);
    agent->seen.size = newest->size;
    agent->seen.root = merkle_root(log->leaves, newest->size);
    memcpy(agent->seen.key_id, log->trust.log.id, sizeof agent->seen.key_id);
}

void small_agent_rotate(struct small_agent *agent) {
    struct small_log *log = agent->log;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ROTATION_MOST);
    struct signed_statement statement;
    struct hash id = statement_log(log->origin, signing_key_public(log->log_key));
    struct hash nonce = sha256_of(slice_make(&log->control_count, sizeof log->control_count));
    struct signing_key *next = next_key(agent);
    struct rotation_place place = {.log = &id,
                                   .name = slice_string(agent->host),
                                   .first_key = &agent->first_key,
                                   .key = signing_key_public(agent->key),
                                   .epoch = agent->epoch};
    assert_true(rotation_sign(&place, agent->key, next, nonce.bytes, log->now_us, &bytes));
    assert_true(signed_statement_read(buffer_slice(&bytes), &statement, NULL));
    assert_true(log_signed(log, &statement, NULL));
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct stream_close close;
        assert_true(stream_writer_rotate(agent->writers[lane], &agent->clock, &agent->seen, &close, NULL));
        log_close(agent, (enum lane)lane, &close);
        assert_true(stream_writer_epoch(agent->writers[lane], next, NULL));
    }
    signing_key_destroy(agent->old_key);
    agent->old_key = agent->key;
    agent->key = next;
    agent->epoch++;
}

void small_agent_revoke(struct small_agent *agent, uint32_t epoch) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    struct agent_revocation revocation = {slice_string(agent->host), agent->streams[LANE_SECURITY], epoch};
    assert_true(agent_revocation_write(&payload, &revocation));
    small_log_statement(agent->log, STATEMENT_AGENT_REVOKE, buffer_slice(&payload), 1, &agent->log->admin);
}

uint64_t small_agent_last_seq(const struct small_agent *agent, enum lane lane) {
    return stream_writer_batch_seq(agent->writers[lane]) - 1;
}

void small_log_run(struct small_log *log, unsigned minutes) {
    for (unsigned i = 0; i < minutes; i++) {
        small_log_pass(log, MINUTES);
        for (size_t a = 0; a < log->agent_count; a++)
            small_agent_close(log->agents[a], LANE_SECURITY);
        small_log_checkpoint(log);
        for (size_t a = 0; a < log->agent_count; a++)
            small_agent_sees(log->agents[a]);
    }
}

/* ---- forging */

static struct small_agent *agent_of(struct small_log *log, const struct hash *stream_id) {
    for (size_t i = 0; i < log->agent_count; i++)
        for (unsigned lane = 0; lane < LANES; lane++)
            if (hash_equal(&log->agents[i]->streams[lane], stream_id))
                return log->agents[i];
    fail_msg("a stream of nobody");
    return NULL;
}

static const struct small_entry *entry_before(const struct small_log *log, size_t index,
                                              const struct hash *stream_id) {
    while (index-- > 0) {
        struct batch_entry entry;
        if (batch_entry_read(buffer_slice(&log->entries[index].bytes), &entry, NULL) &&
            hash_equal(&entry.stream_id, stream_id))
            return &log->entries[index];
    }
    return NULL;
}

static void sign_again(struct small_log *log, size_t index, small_log_modify *modify) {
    struct small_entry *at = &log->entries[index];
    struct batch_entry entry;
    if (!batch_entry_read(buffer_slice(&at->bytes), &entry, NULL))
        return;
    const struct small_agent *agent = agent_of(log, &entry.stream_id);
    const struct small_entry *before = entry_before(log, index, &entry.stream_id);
    if (before)
        entry.prev = batch_entry_hash(buffer_slice(&before->bytes));
    if (entry.seen.size > 0)
        entry.seen.root = merkle_root(log->leaves, entry.seen.size);
    if (modify)
        modify(&entry);
    batch_entry_sign(&entry, entry.epoch == agent->epoch ? agent->key : agent->old_key, at->bytes.data);
    log->leaves[index] = merkle_leaf(buffer_slice(&at->bytes));
}

void small_log_forge(struct small_log *log, uint64_t index, small_log_modify *modify) {
    sign_again(log, index, modify);
    for (size_t i = index + 1; i < log->entry_count; i++)
        sign_again(log, i, NULL);
    for (size_t i = 0; i < log->checkpoint_count; i++) {
        struct small_checkpoint *checkpoint = &log->checkpoints[i];
        struct hash root = merkle_root(log->leaves, checkpoint->size);
        buffer_clear(&checkpoint->note);
        small_log_checkpoint_of(log, checkpoint->size, &root, log->witness_count, checkpoint->time_s,
                                &checkpoint->note);
    }
}

/* ---- proofs */

void small_log_excerpt(struct small_log *log, uint64_t index, size_t count, const uint32_t *places,
                       struct buffer *to) {
    const struct small_entry *entry = &log->entries[index];
    const struct small_checkpoint *newest = small_log_newest(log);
    struct slice note = buffer_slice(&newest->note);
    struct fault fault = {0};
    struct batch_proofs *proofs =
        batch_proofs_create(buffer_slice(&entry->bytes), buffer_slice(&entry->class_list), &fault);
    assert_non_null(proofs);
    struct batch_entry read;
    assert_true(batch_entry_read(buffer_slice(&entry->bytes), &read, NULL));
    struct batch_events run = {.batch_seq = read.batch_seq,
                               .first_event_seq = read.first_event_seq,
                               .count = entry->event_count,
                               .keys = entry->keys,
                               .key_count = entry->key_count,
                               .block = buffer_slice(&entry->block)};
    if (!batch_proofs_add(proofs, &run, &fault) ||
        !excerpt_begin(&log->source, index + 1, note, newest->size, count, to, &fault))
        fail_msg("excerpt: %s: %s", fault.place, fault.text);
    for (size_t i = 0; i < count; i++) {
        struct event_proof proof;
        if (!batch_proofs_make(proofs, read.first_event_seq + places[i], &proof, &fault) ||
            !excerpt_add(&log->source, note, newest->size, index, &proof, to, &fault))
            fail_msg("excerpt: %s: %s", fault.place, fault.text);
    }
    batch_proofs_destroy(proofs);
}

void small_log_absence(struct small_log *log, struct small_agent *agent, uint8_t class, uint64_t from_us,
                       uint64_t to_us, struct buffer *to) {
    const struct small_checkpoint *newest = small_log_newest(log);
    struct absence_claim claim = {slice_string(agent->host), class, from_us, to_us};
    const struct hash *stream = &agent->streams[LANE_SECURITY];
    struct fault fault = {0};
    uint64_t first, last;
    if (!absence_range(&log->source, &claim, stream, 0, small_agent_last_seq(agent, LANE_SECURITY), &first,
                       &last, &fault) ||
        !absence_make(&log->source, &claim, stream, first, last, buffer_slice(&newest->note), newest->size,
                      to, &fault))
        fail_msg("absence: %s: %s", fault.place, fault.text);
}
