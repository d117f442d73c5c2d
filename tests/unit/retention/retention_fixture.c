#include "retention_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent_enrolment.h"
#include "calendar.h"
#include "retention_standard.h"
#include "statement_type.h"
#include "stream_id.h"

uint64_t at(const char *time) {
    uint64_t time_us = 0;
    assert_true(calendar_parse(slice_string(time), &time_us));
    return time_us;
}

static struct signing_key *key_of(const char *name) {
    struct hash seed = sha256_of(slice_string(name));
    return signing_key_create(seed.bytes);
}

/* ---- clocks */

static bool witnessed(void *context, uint64_t index, uint64_t *ret_earliest_us, uint64_t *ret_latest_us) {
    const struct world *w = context;
    if (index >= w->seen || index >= w->size)
        return false;
    *ret_earliest_us = w->times[index] + SECOND;
    *ret_latest_us = w->times[index] + 3 * SECOND;
    return true;
}

static bool newest_close(void *context, const struct hash *stream, uint64_t below, uint64_t *ret_close_us) {
    const struct world *w = context;
    bool found = false;
    for (size_t i = 0; i < w->batch_count; i++)
        if (w->batches[i].index < below && hash_equal(&w->batches[i].stream, stream)) {
            *ret_close_us = w->batches[i].close_us;
            found = true;
        }
    return found;
}

struct retention_now world_now(const struct world *w, uint64_t now_us) {
    return (struct retention_now){.clock_us = now_us, .witnessed_us = now_us, .log_size = w->size};
}

/* ---- entries */

static uint64_t take_place(struct world *w, uint64_t time_us) {
    assert_true(w->size < WORLD_LOG);
    w->times[w->size] = time_us;
    return w->size++;
}

bool world_add(struct world *w, uint32_t type, uint64_t time_us, unsigned people) {
    struct control_verdict verdict = {.people = people, .single_control = people == 1};
    struct control_entry entry = {.ctl_seq = w->ctl_seq++, .time_us = time_us};
    struct statement *statement = &entry.statement.statement;
    statement->type = type;
    statement->made_us = time_us;
    statement->payload = buffer_slice(&w->payload);
    uint64_t index = take_place(w, time_us);
    w->fault = (struct fault){0};
    assert_false(w->payload.overflow);
    bool judged = type == STATEMENT_GENESIS || retention_ledger_judge(w->ledger, statement, NULL);
    bool good = retention_ledger_add(w->ledger, index, &entry, &verdict, &w->fault);
    assert_true(judged == good && good == (w->fault.code == FAULT_NONE));
    assert_true(agent_registry_take(w->registry, &entry, &verdict, index, NULL));
    buffer_clear(&w->payload);
    return good;
}

void world_make(struct world *w, unsigned witnesses) {
    *w = (struct world){.ledger = retention_ledger_create(),
                        .registry = agent_registry_create(),
                        .log = key_of("log"),
                        .registrar = key_of("registrar"),
                        .alice = key_of("alice"),
                        .bob = key_of("bob"),
                        .payload = BUFFER(1u << 16),
                        .policy = retention_policy_shipped(),
                        .seen = UINT64_MAX};
    w->clock = (struct retention_clock){w, witnessed, newest_close};
    struct genesis genesis = {.origin = SLICE("ca.example/log"),
                              .log_key = *signing_key_public(w->log),
                              .registrar = *signing_key_public(w->registrar),
                              .person_count = 1,
                              .retention = w->policy};
    genesis.people[0] =
        (struct person){.id = sha256_of(SLICE("Alice")), .role = ROLE_ADMINISTRATOR, .key_count = 1};
    genesis.people[0].keys[0] = signer_key_ed25519(signing_key_public(w->alice));
    genesis.witnesses.needed = (uint8_t)witnesses;
    if (witnesses) {
        genesis.witnesses.count = 1;
        assert_true(note_key_make(NOTE_KEY_WITNESS, SLICE("witness.example"), signing_key_public(w->bob),
                                  &genesis.witnesses.witnesses[0], NULL));
    }
    assert_true(genesis_write(&w->payload, &genesis));
    assert_true(world_add(w, STATEMENT_GENESIS, START, 1));
}

void world_drop(struct world *w) {
    retention_ledger_destroy(w->ledger);
    agent_registry_destroy(w->registry);
    signing_key_destroy(w->log);
    signing_key_destroy(w->registrar);
    signing_key_destroy(w->alice);
    signing_key_destroy(w->bob);
    buffer_free(&w->payload);
}

bool world_mark(struct world *w, uint64_t time_us) {
    return world_add(w, STATEMENT_DAY_MARK, time_us, 0);
}

bool world_policy(struct world *w, uint64_t time_us) {
    retention_policy_write(&w->payload, &w->policy);
    return world_add(w, STATEMENT_RETENTION_POLICY, time_us, 2);
}

bool world_hold(struct world *w, uint64_t time_us, const struct hold *hold) {
    hold_write(&w->payload, hold);
    return world_add(w, STATEMENT_HOLD_PLACE, time_us, 1);
}

bool world_matched(struct world *w, uint64_t time_us, const struct hold_matched *matched) {
    hold_matched_write(&w->payload, matched);
    return world_add(w, STATEMENT_HOLD_MATCHED, time_us, 0);
}

bool world_release(struct world *w, uint64_t time_us, uint64_t hold) {
    hold_release_write(&w->payload, &(struct hold_release){.hold = hold});
    return world_add(w, STATEMENT_HOLD_RELEASE, time_us, 2);
}

bool world_intent(struct world *w, uint64_t time_us, uint8_t class, uint64_t first, uint64_t last) {
    struct erase_intent intent = {.range = {.class = class, .first = first, .last = last}};
    intent.policy = retention_ledger_policy(w->ledger, UINT64_MAX)->place.ctl_seq;
    erase_intent_write(&w->payload, &intent);
    return world_add(w, STATEMENT_ERASE_INTENT, time_us, 0);
}

bool world_early(struct world *w, uint64_t time_us, uint8_t class, uint64_t first, uint64_t last) {
    early_erasure_write(&w->payload,
                        &(struct early_erasure){.range = {.class = class, .first = first, .last = last}});
    return world_add(w, STATEMENT_EARLY_ERASURE, time_us, 2);
}

bool world_veto(struct world *w, uint64_t time_us, uint64_t grounds) {
    erase_reference_write(&w->payload, grounds);
    return world_add(w, STATEMENT_ERASE_VETO, time_us, 1);
}

bool world_begin(struct world *w, uint64_t time_us, uint8_t class, uint64_t first, uint64_t last,
                 uint64_t grounds) {
    struct erase_begun begun = {.range = {.class = class, .first = first, .last = last}, .grounds = grounds};
    erase_begun_write(&w->payload, &begun);
    return world_add(w, STATEMENT_ERASE_BEGUN, time_us, 0);
}

bool world_done(struct world *w, uint64_t time_us, uint64_t begun) {
    erase_reference_write(&w->payload, begun);
    return world_add(w, STATEMENT_ERASE_DONE, time_us, 0);
}

bool world_decommission(struct world *w, uint64_t time_us, const char *host) {
    assert_true(decommission_write(&w->payload, &(struct decommission){.host = slice_string(host)}));
    return world_add(w, STATEMENT_DECOMMISSION, time_us, 2);
}

/* ---- agents */

struct hash world_stream(const char *host, enum lane lane) {
    char name[STREAM_NAME_SIZE];
    struct signing_key *key = key_of(host);
    assert_true(stream_name_make(slice_string(host), lane, name));
    struct hash id = stream_id_make(slice_string(name), signing_key_public(key));
    signing_key_destroy(key);
    return id;
}

void world_enrol(struct world *w, uint64_t time_us, const char *host) {
    struct signing_key *key = key_of(host);
    struct agent_enrolment enrolment = {
        .name = slice_string(host), .key = *signing_key_public(key), .heartbeat_s = 60};
    for (unsigned lane = 0; lane < LANES; lane++)
        enrolment.streams[lane] = world_stream(host, (enum lane)lane);
    assert_true(agent_enrolment_write(&w->payload, &enrolment));
    assert_true(world_add(w, STATEMENT_AGENT_ENROL, time_us, 0));
    signing_key_destroy(key);
}

void world_batch(struct world *w, uint64_t close_us, const char *host, uint8_t class, uint32_t count) {
    assert_true(w->batch_count < WORLD_BATCHES);
    struct retention_batch batch = {.index = take_place(w, close_us),
                                    .stream = world_stream(host, class_lane((enum event_class) class)),
                                    .open_us = close_us - HOUR,
                                    .close_us = close_us,
                                    .count = count};
    w->classes[w->batch_count] = class;
    w->batches[w->batch_count++] = batch;
}

struct retention_unit *world_unit(struct world *w, uint8_t class, uint64_t first, uint64_t last) {
    struct retention_unit *unit = retention_unit_create(w->ledger, w->registry, class, first, last);
    for (size_t i = 0; i < w->batch_count; i++)
        if (w->classes[i] == class)
            retention_unit_add(unit, &w->batches[i]);
    return unit;
}
