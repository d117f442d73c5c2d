/* Statements, control entries and the chain of them: vectors that were made independently, and what a verifier must catch. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "agent_enrolment.h"
#include "control_chain.h"
#include "decision.h"
#include "encoding.h"
#include "erasure.h"
#include "hold.h"
#include "merkle.h"
#include "rotation.h"
#include "statement_type.h"
#include "stream_id.h"

static json_t *vectors, *log_format;

#define START 1735689600000000ull
#define DAY 86400000000ull

/* ---- vectors */

static struct buffer unhexed(json_t *value) {
    struct slice text = slice_string(json_string_value(value));
    struct buffer bytes = BUFFER(1u << 20);
    assert_true(text.size > 0 && buffer_reserve(&bytes, text.size / 2));
    assert_true(encoding_unhex(text, bytes.data, text.size / 2));
    bytes.size = text.size / 2;
    return bytes;
}

static struct hash hash_in(json_t *value) {
    struct hash hash;
    assert_true(encoding_unhex(slice_string(json_string_value(value)), hash.bytes, HASH_SIZE));
    return hash;
}

static struct buffer entry_at(size_t index) {
    return unhexed(json_array_get(json_object_get(vectors, "entries"), index));
}

static size_t entry_count(void) {
    return json_array_size(json_object_get(vectors, "entries"));
}

static bool add(struct control_chain *chain, const struct buffer *bytes, struct control_verdict *verdict,
                struct fault *fault) {
    return control_chain_add(chain, buffer_slice(bytes), NULL, verdict, fault);
}

/* The vectors' chain up to, not including, entry `count`. */
static struct control_chain *chain_of(size_t count, const struct control_trust *trust) {
    struct control_chain *chain = control_chain_create(trust);
    for (size_t i = 0; i < count; i++) {
        CLEANUP_BUFFER struct buffer bytes = entry_at(i);
        struct fault fault = {0};
        if (!add(chain, &bytes, NULL, &fault))
            fail_msg("entry %zu: %s", i, fault.text);
    }
    return chain;
}

/* ---- keys and statements of the tests' own */

static struct signing_key *key_of(const char *name) {
    struct hash seed = sha256_of(slice_string(name));
    return signing_key_create(seed.bytes);
}

struct world {
    struct control_chain *chain;
    struct signing_key *log, *registrar, *registrar2, *alice, *bob, *dora, *stranger;
    struct buffer payload, text, bytes; /* of the statement that was made last: its own bytes, and signed */
    struct buffer plain;                /* a payload that says nothing special (plain_payload) */
    struct signed_statement statement;
    uint8_t signatures[STATEMENT_SIGNATURES_MOST][ED25519_SIGNATURE_SIZE];
    uint8_t nonce;
};

static int world_make(void **state) {
    static struct world w;
    w = (struct world){.log = key_of("control log"),
                       .registrar = key_of("control registrar"),
                       .registrar2 = key_of("control registrar 2"),
                       .alice = key_of("control alice"),
                       .bob = key_of("control bob"),
                       .dora = key_of("control dora"),
                       .stranger = key_of("control stranger"),
                       .payload = BUFFER(1u << 20),
                       .text = BUFFER(1u << 20),
                       .bytes = BUFFER(1u << 20),
                       .plain = BUFFER(1u << 10)};
    w.chain = chain_of(1, NULL);
    *state = &w;
    return 0;
}

static int world_drop(void **state) {
    struct world *w = *state;
    control_chain_destroy(w->chain);
    struct signing_key *keys[] = {w->log, w->registrar, w->registrar2, w->alice,
                                  w->bob, w->dora,      w->stranger};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        signing_key_destroy(keys[i]);
    buffer_free(&w->payload);
    buffer_free(&w->text);
    buffer_free(&w->bytes);
    buffer_free(&w->plain);
    return 0;
}

/* Something good for the types whose payload matters to nobody here; false for all others. */
static bool plain_payload(struct buffer *to, uint32_t type) {
    struct hold hold = {.classes = 1};
    struct hold_matched matched = {.last = 1};
    struct hold_release release = {.hold = 1};
    struct erase_intent intent = {.range = {.last = 1}};
    struct early_erasure early = {.range = {.last = 1}};
    struct erase_begun begun = {.range = {.last = 1}};
    struct decommission decommission = {.host = SLICE("signer1.example")};
    struct decision decision = {.kind = DECISION_ACKNOWLEDGE, .subject = SLICE("a1")};
    struct person_note note = {.text = sha256_of(SLICE("a note"))};
    buffer_clear(to);
    switch (type) {
    case STATEMENT_HOLD_PLACE:
        return hold_write(to, &hold);
    case STATEMENT_HOLD_MATCHED:
        return hold_matched_write(to, &matched);
    case STATEMENT_HOLD_RELEASE:
        return hold_release_write(to, &release);
    case STATEMENT_ERASE_INTENT:
        return erase_intent_write(to, &intent);
    case STATEMENT_EARLY_ERASURE:
        return early_erasure_write(to, &early);
    case STATEMENT_ERASE_BEGUN:
        return erase_begun_write(to, &begun);
    case STATEMENT_ERASE_VETO:
    case STATEMENT_ERASE_DONE:
        return erase_reference_write(to, 1);
    case STATEMENT_DECOMMISSION:
        return decommission_write(to, &decommission);
    case STATEMENT_DECISION:
        return decision_write(to, &decision);
    case STATEMENT_NOTE:
        return person_note_write(to, &note);
    default:
        return false;
    }
}

static struct statement made(struct world *w, uint32_t type) {
    bool plain = plain_payload(&w->plain, type);
    struct statement statement = {.log = *control_chain_log(w->chain),
                                  .nonce = {++w->nonce},
                                  .type = type,
                                  .made_us = START,
                                  .expires_us = START + DAY,
                                  .payload = buffer_slice(plain ? &w->plain : &w->payload)};
    return statement;
}

static void sign(struct world *w, const struct statement *statement, size_t count,
                 struct signing_key *const *keys) {
    buffer_clear(&w->text);
    buffer_clear(&w->bytes);
    assert_true(statement_write(&w->text, statement));
    w->statement = (struct signed_statement){.bytes = buffer_slice(&w->text), .signature_count = count};
    for (size_t i = 0; i < count; i++) {
        signing_key_sign(keys[i], buffer_slice(&w->text), w->signatures[i]);
        struct signer_key key = signer_key_ed25519(signing_key_public(keys[i]));
        w->statement.signatures[i] = (struct statement_signature){
            signer_key_hash(&key), STATEMENT_ED25519, slice_make(w->signatures[i], sizeof w->signatures[i])};
    }
    assert_true(signed_statement_write(&w->bytes, &w->statement));
}

static bool judge_now(struct world *w, uint64_t time_us, struct control_verdict *verdict,
                      struct fault *fault) {
    struct signed_statement read;
    assert_true(signed_statement_read(buffer_slice(&w->bytes), &read, NULL));
    return control_chain_judge(w->chain, &read, time_us, verdict, fault);
}

/* Logs what was signed last; the entry is left in `entry`. */
static bool log_it(struct world *w, uint64_t time_us, struct buffer *entry, struct control_verdict *verdict,
                   struct fault *fault) {
    struct signed_statement read;
    buffer_clear(entry);
    assert_true(signed_statement_read(buffer_slice(&w->bytes), &read, NULL));
    assert_true(control_chain_write_next(w->chain, &read, time_us, entry));
    return add(w->chain, entry, verdict, fault);
}

#define KEYS(...) ((struct signing_key *[]){__VA_ARGS__})
#define COUNT(...) (sizeof KEYS(__VA_ARGS__) / sizeof(struct signing_key *))

/* Whether a statement of that type, signed by those keys, would be taken. */
#define JUDGED(w, type, ...) judged(w, type, COUNT(__VA_ARGS__), KEYS(__VA_ARGS__), NULL)

static bool judged(struct world *w, uint32_t type, size_t count, struct signing_key *const *keys,
                   struct control_verdict *ret_verdict) {
    struct statement statement = made(w, type);
    struct control_verdict verdict;
    struct fault fault = {0};
    sign(w, &statement, count, keys);
    bool good = judge_now(w, START, ret_verdict ? ret_verdict : &verdict, &fault);
    assert_true(good == (fault.code == FAULT_NONE));
    return good;
}

static void payload_person(struct world *w, const char *id, enum role role, const struct signing_key *key) {
    struct person person = {.id = sha256_of(slice_string(id)), .role = role, .key_count = 1};
    person.keys[0] = signer_key_ed25519(signing_key_public(key));
    buffer_clear(&w->payload);
    assert_true(person_write(&w->payload, &person));
}

/* ---- the vectors of the log format */

static void control_entries_of_the_log_format_are_read_and_written_again(void **state) {
    (void)state;
    json_t *entries = json_object_get(log_format, "control_entries");
    struct hash prev = {{0}};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP_BUFFER struct buffer bytes = unhexed(json_array_get(entries, i)), again = BUFFER(1u << 16);
        struct control_entry entry;
        assert_true(control_entry_read(buffer_slice(&bytes), &entry, NULL));
        assert_int_equal(entry.ctl_seq, i);
        assert_true(hash_equal(&entry.prev, &prev));
        assert_int_equal(entry.statement.statement.type, i == 0 ? STATEMENT_GENESIS : STATEMENT_DAY_MARK);
        assert_true(control_entry_write(&again, &entry));
        assert_true(slice_equal(buffer_slice(&again), buffer_slice(&bytes)));
        prev = sha256_of(buffer_slice(&bytes));
        for (size_t size = 0; size < bytes.size; size++)
            assert_false(control_entry_read(slice_make(bytes.data, size), &entry, NULL));
    }
}

static void their_signatures_are_the_log_keys_and_the_peoples(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes =
        unhexed(json_array_get(json_object_get(log_format, "control_entries"), 0));
    CLEANUP_BUFFER struct buffer statement = unhexed(json_object_get(log_format, "statement_of_the_first"));
    struct control_entry entry;
    assert_true(control_entry_read(buffer_slice(&bytes), &entry, NULL));
    assert_true(slice_equal(entry.statement.bytes, buffer_slice(&statement)));
    assert_int_equal(entry.statement.signature_count, 3);
    struct note_key log_key;
    assert_true(note_key_read(slice_string(json_string_value(json_object_get(log_format, "log_vkey"))),
                              &log_key, NULL));
    struct hash log = statement_log(note_key_name(&log_key), &log_key.key);
    assert_true(hash_equal(&log, &entry.statement.statement.log));
    struct verify_key keys[3] = {log_key.key};
    for (size_t i = 0; i < 2; i++)
        assert_true(encoding_unhex(
            slice_string(json_string_value(json_array_get(json_object_get(log_format, "people"), i))),
            keys[i + 1].bytes, 32));
    for (size_t i = 0; i < 3; i++) {
        struct signer_key key = signer_key_ed25519(&keys[i]);
        assert_true(signed_statement_by(&entry.statement, i, &keys[i]));
        assert_true(
            signer_key_signed(&key, entry.statement.bytes, &entry.statement.signatures[i], NULL, NULL));
        assert_false(signer_key_signed(&key, entry.statement.bytes, &entry.statement.signatures[(i + 1) % 3],
                                       NULL, NULL));
    }
    /* Its payload is none that FORMATS.md has. */
    struct genesis genesis;
    assert_false(genesis_read(entry.statement.statement.payload, &genesis, NULL));
}

/* ---- the vectors of the control chain */

static void the_chain_of_the_vectors_is_followed(void **state) {
    (void)state;
    struct hash leaf = hash_in(json_object_get(vectors, "genesis_leaf"));
    struct control_trust trust = {.genesis_leaf = &leaf};
    struct control_chain *chain = control_chain_create(&trust);
    for (size_t i = 0; i < entry_count(); i++) {
        CLEANUP_BUFFER struct buffer bytes = entry_at(i);
        struct control_verdict verdict;
        struct fault fault = {0};
        if (!add(chain, &bytes, &verdict, &fault))
            fail_msg("entry %zu: %s", i, fault.text);
        assert_false(verdict.single_control);
        assert_int_equal(verdict.confirmed, i == 7);
    }
    struct hash head = control_chain_head(chain), expected = hash_in(json_object_get(vectors, "head"));
    assert_true(hash_equal(&head, &expected));
    assert_int_equal(control_chain_count(chain), entry_count());
    const struct genesis *genesis = control_chain_genesis(chain);
    assert_true(
        slice_equal(genesis->origin, slice_string(json_string_value(json_object_get(vectors, "origin")))));
    assert_int_equal(genesis->person_count, 2);
    assert_int_equal(genesis->people[0].key_count, 2);
    assert_int_equal(genesis->retention.veto_days, 7);
    assert_int_equal(genesis->retention.classes[CLASS_REPORT].minimum.kind, TERM_INDEFINITE);
    uint64_t seq;
    assert_int_equal(control_chain_retention(chain, &seq)->classes[CLASS_NETWORK].maximum.months, 18);
    assert_int_equal(seq, 3);
    assert_int_equal(control_chain_witnesses(chain, &seq)->count, 0);
    assert_int_equal(seq, 4);
    /* Bob is revoked, Dora is of the board in his place. */
    assert_int_equal(control_people_roles(control_chain_people(chain)),
                     1u << ROLE_ADMINISTRATOR | 1u << ROLE_MONITOR | 1u << ROLE_BOARD);
    control_chain_destroy(chain);
}

static void the_genesis_is_written_as_it_was_made(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = unhexed(json_object_get(vectors, "genesis_payload")),
                                 again = BUFFER(GENESIS_MOST);
    struct genesis genesis;
    assert_true(genesis_read(buffer_slice(&payload), &genesis, NULL));
    assert_true(genesis_write(&again, &genesis));
    assert_true(slice_equal(buffer_slice(&payload), buffer_slice(&again)));
    for (size_t size = 0; size < payload.size; size += 7)
        assert_false(genesis_read(slice_make(payload.data, size), &genesis, NULL));
    buffer_append(&payload, "", 1);
    assert_false(genesis_read(buffer_slice(&payload), &genesis, NULL));
}

static void another_genesis_than_the_trusted_one_is_refused(void **state) {
    (void)state;
    struct hash leaf = {{1}};
    struct control_trust trust = {.genesis_leaf = &leaf};
    struct control_chain *chain = control_chain_create(&trust);
    CLEANUP_BUFFER struct buffer bytes = entry_at(0);
    struct fault fault = {0};
    assert_false(add(chain, &bytes, NULL, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_int_equal(control_chain_count(chain), 0);
    control_chain_destroy(chain);
}

static void no_bit_of_an_entry_may_change(void **state) {
    (void)state;
    /* One of each kind: the genesis, the log's, two people's, the registrar's. Of a WebAuthn signature nothing is left open. */
    static const size_t which[] = {0, 1, 2, 6};
    for (size_t i = 0; i < sizeof which / sizeof *which; i++) {
        struct control_chain *chain = chain_of(which[i], NULL);
        CLEANUP_BUFFER struct buffer bytes = entry_at(which[i]);
        /* The genesis checks ten keys each time: one bit in 61 there, in 5 elsewhere. */
        for (size_t bit = 0; bit < bytes.size * 8; bit += which[i] == 0 ? 61 : 5) {
            bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            /* time_us is bound by the log's tree alone. */
            bool good = add(chain, &bytes, NULL, NULL);
            if (good && (bit / 8 < 24 || bit / 8 >= 32))
                fail_msg("entry %zu, bit %zu", which[i], bit);
            if (good) {
                control_chain_destroy(chain);
                chain = chain_of(which[i], NULL);
            }
            bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(add(chain, &bytes, NULL, NULL));
        control_chain_destroy(chain);
    }
}

static void an_entry_left_out_or_swapped_breaks_the_chain(void **state) {
    (void)state;
    struct control_chain *chain = chain_of(9, NULL);
    CLEANUP_BUFFER struct buffer revocation = entry_at(9), next = entry_at(10), earlier = entry_at(8),
                                 first = entry_at(0);
    struct fault fault = {0};
    assert_false(add(chain, &next, NULL, &fault)); /* the revocation left out */
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_false(add(chain, &earlier, NULL, NULL));
    assert_false(add(chain, &first, NULL, NULL));
    /* Renumbered, it does not follow by its prev. */
    next.data[23] = 9;
    assert_false(add(chain, &next, NULL, &fault));
    next.data[23] = 10;
    assert_true(add(chain, &revocation, NULL, NULL));
    assert_true(add(chain, &next, NULL, NULL));
    control_chain_destroy(chain);
}

/* ---- genesis */

static bool genesis_taken(struct world *w, struct genesis *genesis, size_t count,
                          struct signing_key *const *keys, struct fault *fault) {
    struct control_chain *chain = control_chain_create(NULL);
    buffer_clear(&w->payload);
    assert_true(genesis_write(&w->payload, genesis));
    struct statement statement = made(w, STATEMENT_GENESIS);
    sign(w, &statement, count, keys);
    struct control_verdict verdict;
    struct signed_statement read;
    assert_true(signed_statement_read(buffer_slice(&w->bytes), &read, NULL));
    bool good = control_chain_judge(chain, &read, START, &verdict, fault);
    control_chain_destroy(chain);
    return good;
}

static struct genesis small_genesis(struct world *w) {
    struct genesis genesis = {.origin = SLICE("ca.example/tocsin/log1"),
                              .log_key = *signing_key_public(w->log),
                              .registrar = *signing_key_public(w->registrar),
                              .page = {.origin = SLICE("")},
                              .person_count = 1};
    genesis.people[0] = (struct person){.id = {{1}}, .role = ROLE_ADMINISTRATOR, .key_count = 1};
    genesis.people[0].keys[0] = signer_key_ed25519(signing_key_public(w->alice));
    return genesis;
}

static void a_genesis_is_signed_by_its_log_and_everyone_named(void **state) {
    struct world *w = *state;
    struct genesis genesis = small_genesis(w);
    struct fault fault = {0};
    assert_true(genesis_taken(w, &genesis, 2, KEYS(w->log, w->alice), NULL));
    assert_false(genesis_taken(w, &genesis, 1, KEYS(w->log), &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    assert_false(genesis_taken(w, &genesis, 1, KEYS(w->alice), NULL));
    assert_false(genesis_taken(w, &genesis, 3, KEYS(w->log, w->alice, w->stranger), NULL));
    assert_false(genesis_taken(w, &genesis, 3, KEYS(w->log, w->alice, w->alice), NULL));
    assert_false(genesis_taken(w, &genesis, 3, KEYS(w->log, w->alice, w->registrar), NULL));
    /* Another origin or log key than the statement was signed for. */
    genesis.origin = SLICE("ca.example/tocsin/log2");
    assert_false(genesis_taken(w, &genesis, 2, KEYS(w->log, w->alice), NULL));
}

static void a_genesis_names_nobody_and_no_key_twice(void **state) {
    struct world *w = *state;
    struct genesis genesis = small_genesis(w);
    genesis.registrar = genesis.log_key;
    assert_false(genesis_taken(w, &genesis, 2, KEYS(w->log, w->alice), NULL));
    genesis = small_genesis(w);
    genesis.people[0].keys[0] = signer_key_ed25519(signing_key_public(w->registrar));
    assert_false(genesis_taken(w, &genesis, 2, KEYS(w->log, w->registrar), NULL));
    genesis = small_genesis(w);
    genesis.person_count = 2;
    genesis.people[1] = genesis.people[0]; /* the same person */
    genesis.people[1].keys[0] = signer_key_ed25519(signing_key_public(w->bob));
    assert_false(genesis_taken(w, &genesis, 3, KEYS(w->log, w->alice, w->bob), NULL));
    genesis.people[1].id.bytes[0] = 9;
    assert_true(genesis_taken(w, &genesis, 3, KEYS(w->log, w->alice, w->bob), NULL));
    genesis.people[1].keys[0] = genesis.people[0].keys[0]; /* the same key */
    assert_false(genesis_taken(w, &genesis, 2, KEYS(w->log, w->alice), NULL));
    genesis = small_genesis(w);
    genesis.person_count = 0;
    assert_false(genesis_taken(w, &genesis, 1, KEYS(w->log), NULL));
    genesis = small_genesis(w);
    memset(genesis.registrar.bytes, 0, 32);
    genesis.registrar.bytes[0] = 1; /* small order */
    assert_false(genesis_taken(w, &genesis, 2, KEYS(w->log, w->alice), NULL));
    genesis = small_genesis(w);
    genesis.witnesses =
        (struct witness_policy){.needed = 1, .count = 1}; /* the log's own key as its witness */
    assert_true(note_key_make(NOTE_KEY_WITNESS, SLICE("w.example"), &genesis.log_key,
                              &genesis.witnesses.witnesses[0], NULL));
    assert_false(genesis_taken(w, &genesis, 2, KEYS(w->log, w->alice), NULL));
}

static void there_is_one_genesis_and_it_comes_first(void **state) {
    struct world *w = *state;
    struct control_chain *empty = control_chain_create(NULL);
    struct control_verdict verdict;
    struct signed_statement read;
    assert_false(JUDGED(w, STATEMENT_GENESIS, w->log, w->alice, w->bob));
    assert_true(JUDGED(w, STATEMENT_DAY_MARK, w->log));
    assert_true(signed_statement_read(buffer_slice(&w->bytes), &read, NULL));
    assert_false(control_chain_judge(empty, &read, START, &verdict, NULL));
    control_chain_destroy(empty);
}

/* ---- who signs what */

static void the_table_has_every_type_that_there_is(void **state) {
    (void)state;
    assert_int_equal(statement_type_signers(0), SIGNERS_NONE);
    assert_int_equal(statement_type_signers(26), SIGNERS_NONE);
    assert_int_equal(statement_type_signers(UINT32_MAX), SIGNERS_NONE);
    assert_null(statement_type_name(0));
    assert_null(statement_type_name(26));
    static const char signers[] = "?GL22RBP22PL2LVL2LPPOLLL22"; /* by the table of the log format */
    for (uint32_t type = 1; type <= STATEMENT_TYPES; type++) {
        static const char letters[] = {
            [SIGNERS_NONE] = '?',       [SIGNERS_GENESIS] = 'G',   [SIGNERS_LOG] = 'L',
            [SIGNERS_TWO_PEOPLE] = '2', [SIGNERS_REGISTRAR] = 'R', [SIGNERS_BOTH_KEYS] = 'B',
            [SIGNERS_PERSON] = 'P',     [SIGNERS_VETO] = 'V',       [SIGNERS_ORIGIN] = 'O'};
        assert_int_equal(letters[statement_type_signers(type)], signers[type]);
        assert_non_null(statement_type_name(type));
    }
}

static void payload_enrolment(struct world *w, const struct signing_key *key) {
    struct agent_enrolment enrolment = {
        .name = SLICE("signer1.example"), .key = *signing_key_public(key), .heartbeat_s = 60};
    assert_true(stream_ids_make(enrolment.name, &enrolment.key, enrolment.streams));
    buffer_clear(&w->payload);
    assert_true(agent_enrolment_write(&w->payload, &enrolment));
}

static void payload_for(struct world *w, uint32_t type) {
    struct agent_revocation revocation = {.name = SLICE("signer1.example")};
    buffer_clear(&w->payload);
    if (type == STATEMENT_AGENT_ENROL)
        payload_enrolment(w, w->stranger);
    if (type == STATEMENT_AGENT_REVOKE)
        assert_true(agent_revocation_write(&w->payload, &revocation));
}

/* Types whose payload is opaque here, or good, so that the signers alone decide. */
static void each_type_takes_its_signers_and_no_others(void **state) {
    struct world *w = *state;
    for (uint32_t type = 1; type <= STATEMENT_TYPES; type++) {
        enum statement_signers signers = statement_type_signers(type);
        bool opaque = type != STATEMENT_PERSON_ENROL && type != STATEMENT_PERSON_REVOKE &&
                      type != STATEMENT_REGISTRAR && type != STATEMENT_RETENTION_POLICY &&
                      type != STATEMENT_WITNESS_POLICY;
        bool log = signers == SIGNERS_LOG, two = signers == SIGNERS_TWO_PEOPLE && opaque;
        bool person = signers == SIGNERS_PERSON, registrar = signers == SIGNERS_REGISTRAR;
        payload_for(w, type);
        assert_int_equal(JUDGED(w, type, w->log), log);
        assert_int_equal(JUDGED(w, type, w->registrar), registrar);
        assert_int_equal(JUDGED(w, type, w->alice), person);
        assert_int_equal(JUDGED(w, type, w->bob), person || signers == SIGNERS_VETO);
        assert_int_equal(JUDGED(w, type, w->alice, w->bob), two || person);
        assert_int_equal(JUDGED(w, type, w->registrar, w->alice), registrar);
        assert_false(JUDGED(w, type, w->stranger));
        assert_false(JUDGED(w, type, w->log, w->alice));
        assert_false(JUDGED(w, type, w->log, w->registrar));
        assert_false(JUDGED(w, type, w->alice, w->bob, w->stranger));
        assert_false(JUDGED(w, type, w->alice, w->bob, w->log));
        assert_false(JUDGED(w, type, w->alice, w->bob, w->bob));
        assert_false(judged(w, type, 0, NULL, NULL));
    }
}

static void a_payload_of_another_length_is_refused(void **state) {
    struct world *w = *state;
    for (uint32_t type = 1; type <= STATEMENT_TYPES; type++) {
        if (!plain_payload(&w->plain, type))
            continue;
        struct signing_key *keys[] = {statement_type_signers(type) == SIGNERS_LOG ? w->log : w->bob,
                                      w->alice};
        size_t count = statement_type_signers(type) == SIGNERS_TWO_PEOPLE ? 2 : 1;
        struct control_verdict verdict;
        struct statement statement = made(w, type);
        sign(w, &statement, count, keys);
        assert_true(judge_now(w, START, &verdict, NULL));
        statement.payload.size--;
        sign(w, &statement, count, keys);
        assert_false(judge_now(w, START, &verdict, NULL));
        bytes_write_u8(&w->plain, 0);
        statement.payload = buffer_slice(&w->plain);
        sign(w, &statement, count, keys);
        assert_false(judge_now(w, START, &verdict, NULL));
    }
}

static void two_keys_of_one_person_are_one_person(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16);
    struct control_verdict verdict;
    struct signing_key *second = key_of("alice's second");
    CLEANUP_BUFFER struct buffer genesis_bytes = unhexed(json_object_get(vectors, "genesis_payload"));
    struct genesis genesis;
    assert_true(genesis_read(buffer_slice(&genesis_bytes), &genesis, NULL));
    /* Alice gets one more key, by two people. */
    struct person alice = {.id = genesis.people[0].id, .role = ROLE_ADMINISTRATOR, .key_count = 1};
    alice.keys[0] = signer_key_ed25519(signing_key_public(second));
    buffer_clear(&w->payload);
    assert_true(person_write(&w->payload, &alice));
    struct statement statement = made(w, STATEMENT_PERSON_ENROL);
    sign(w, &statement, 2, KEYS(w->alice, w->bob));
    assert_true(log_it(w, START, &entry, &verdict, NULL));
    assert_int_equal(verdict.people, 2);
    buffer_clear(&w->payload);
    assert_false(JUDGED(w, STATEMENT_HOLD_RELEASE, w->alice, second));
    assert_true(JUDGED(w, STATEMENT_HOLD_RELEASE, second, w->bob));
    assert_true(judged(w, STATEMENT_NOTE, 2, KEYS(w->alice, second), &verdict));
    assert_int_equal(verdict.people, 1);
    signing_key_destroy(second);
}

static void two_people_of_one_role_are_not_enough(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16);
    payload_person(w, "Dora", ROLE_BOARD, w->dora);
    struct statement statement = made(w, STATEMENT_PERSON_ENROL);
    sign(w, &statement, 2, KEYS(w->alice, w->bob));
    assert_true(log_it(w, START, &entry, NULL, NULL));
    buffer_clear(&w->payload);
    assert_false(JUDGED(w, STATEMENT_HOLD_RELEASE, w->dora, w->bob));
    assert_true(JUDGED(w, STATEMENT_HOLD_RELEASE, w->dora, w->alice));
    assert_true(JUDGED(w, STATEMENT_HOLD_RELEASE, w->dora, w->alice, w->bob));
}

static void a_statement_is_logged_once_in_one_log_and_in_time(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16);
    struct control_verdict verdict;
    struct fault fault = {0};
    struct statement statement = made(w, STATEMENT_NOTE);
    sign(w, &statement, 1, KEYS(w->alice));
    assert_true(judge_now(w, statement.expires_us, &verdict, NULL));
    assert_false(judge_now(w, statement.expires_us + 1, &verdict, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_true(log_it(w, START, &entry, NULL, NULL));
    assert_false(judge_now(w, START, &verdict, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_false(log_it(w, START + 1, &entry, NULL, NULL));
    /* The same again with somebody else's signature is the same statement. */
    sign(w, &statement, 1, KEYS(w->bob));
    assert_false(judge_now(w, START, &verdict, NULL));
    /* Another log, by origin or by key. */
    statement = made(w, STATEMENT_NOTE);
    statement.log = statement_log(SLICE("ca.example/tocsin/log2"), signing_key_public(w->log));
    sign(w, &statement, 1, KEYS(w->alice));
    assert_false(judge_now(w, START, &verdict, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    statement.log = statement_log(SLICE("ca.example/tocsin/log1"), signing_key_public(w->stranger));
    sign(w, &statement, 1, KEYS(w->alice));
    assert_false(judge_now(w, START, &verdict, NULL));
    /* Expired before it was made. */
    statement = made(w, STATEMENT_NOTE);
    statement.expires_us = statement.made_us - 1;
    struct signed_statement read;
    sign(w, &statement, 1, KEYS(w->alice));
    assert_false(signed_statement_read(buffer_slice(&w->bytes), &read, NULL));
}

static void thousands_of_statements_are_remembered(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16), first = BUFFER(1u << 16);
    struct statement statement = made(w, STATEMENT_MARK);
    for (unsigned i = 0; i < 600; i++) {
        statement.made_us = START + i;
        sign(w, &statement, 1, KEYS(w->log));
        if (i == 77)
            buffer_append_slice(&first, buffer_slice(&w->bytes));
        assert_true(log_it(w, START, &entry, NULL, NULL));
    }
    struct signed_statement read;
    struct control_verdict verdict;
    assert_true(signed_statement_read(buffer_slice(&first), &read, NULL));
    assert_false(control_chain_judge(w->chain, &read, START, &verdict, NULL));
    assert_int_equal(control_chain_count(w->chain), 601);
}

static void a_revoked_key_signs_nothing_and_never_returns(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16),
                                 genesis_bytes = unhexed(json_object_get(vectors, "genesis_payload"));
    struct genesis genesis;
    assert_true(genesis_read(buffer_slice(&genesis_bytes), &genesis, NULL));
    struct person_revocation revocation = {.person = genesis.people[1].id};
    assert_true(person_revocation_write(&w->payload, &revocation));
    struct statement statement = made(w, STATEMENT_PERSON_REVOKE);
    sign(w, &statement, 2, KEYS(w->alice, w->bob));
    assert_true(JUDGED(w, STATEMENT_NOTE, w->bob));
    sign(w, &statement, 2, KEYS(w->alice, w->bob));
    assert_true(log_it(w, START, &entry, NULL, NULL));
    assert_false(JUDGED(w, STATEMENT_NOTE, w->bob));
    assert_false(JUDGED(w, STATEMENT_PERSON_REVOKE, w->alice)); /* nothing of Bob's is left */
    payload_person(w, "Bob again", ROLE_BOARD, w->bob);
    assert_false(JUDGED(w, STATEMENT_PERSON_ENROL, w->alice));
    payload_person(w, "Bob again", ROLE_BOARD, w->stranger);
    assert_true(JUDGED(w, STATEMENT_PERSON_ENROL, w->alice));
    /* The last one cannot go: nobody could sign any more. */
    revocation.person = genesis.people[0].id;
    buffer_clear(&w->payload);
    assert_true(person_revocation_write(&w->payload, &revocation));
    assert_false(JUDGED(w, STATEMENT_PERSON_REVOKE, w->alice));
}

static void no_key_is_enrolled_twice_as_anything(void **state) {
    struct world *w = *state;
    struct signing_key *taken[] = {w->log, w->registrar, w->alice, w->bob};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        payload_person(w, "Dora", ROLE_BOARD, taken[i]);
        assert_false(JUDGED(w, STATEMENT_PERSON_ENROL, w->alice, w->bob));
        buffer_clear(&w->payload);
        buffer_append(&w->payload, signing_key_public(taken[i])->bytes, 32);
        assert_false(JUDGED(w, STATEMENT_REGISTRAR, w->alice, w->bob));
    }
    buffer_clear(&w->payload);
    buffer_append(&w->payload, signing_key_public(w->registrar2)->bytes, 32);
    assert_true(JUDGED(w, STATEMENT_REGISTRAR, w->alice, w->bob));
    buffer_append(&w->payload, "", 1);
    assert_false(JUDGED(w, STATEMENT_REGISTRAR, w->alice, w->bob));
    /* Another role for a person who has one. */
    CLEANUP_BUFFER struct buffer genesis_bytes = unhexed(json_object_get(vectors, "genesis_payload"));
    struct genesis genesis;
    assert_true(genesis_read(buffer_slice(&genesis_bytes), &genesis, NULL));
    struct person alice = {.id = genesis.people[0].id, .role = ROLE_BOARD, .key_count = 1};
    alice.keys[0] = signer_key_ed25519(signing_key_public(w->dora));
    buffer_clear(&w->payload);
    assert_true(person_write(&w->payload, &alice));
    assert_false(JUDGED(w, STATEMENT_PERSON_ENROL, w->alice, w->bob));
    /* A key of small order. */
    alice.role = ROLE_ADMINISTRATOR;
    memset(alice.keys[0].bytes, 0, 32);
    alice.keys[0].bytes[0] = 1;
    buffer_clear(&w->payload);
    assert_true(person_write(&w->payload, &alice));
    assert_false(JUDGED(w, STATEMENT_PERSON_ENROL, w->alice, w->bob));
}

static void only_the_registrar_in_force_enrols_agents(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16);
    struct control_verdict verdict;
    payload_enrolment(w, w->stranger);
    assert_true(judged(w, STATEMENT_AGENT_ENROL, 1, KEYS(w->registrar), &verdict));
    assert_false(verdict.confirmed);
    assert_true(judged(w, STATEMENT_AGENT_ENROL, 2, KEYS(w->alice, w->registrar), &verdict));
    assert_true(verdict.confirmed);
    buffer_clear(&w->payload);
    buffer_append(&w->payload, signing_key_public(w->registrar2)->bytes, 32);
    struct statement statement = made(w, STATEMENT_REGISTRAR);
    sign(w, &statement, 2, KEYS(w->alice, w->bob));
    assert_true(log_it(w, START, &entry, NULL, NULL));
    payload_enrolment(w, w->stranger);
    assert_false(JUDGED(w, STATEMENT_AGENT_ENROL, w->registrar));
    assert_true(JUDGED(w, STATEMENT_AGENT_ENROL, w->registrar2));
    assert_false(JUDGED(w, STATEMENT_AGENT_ENROL, w->alice));
}

static bool enrolment_is_read(const struct buffer *bytes, size_t size) {
    struct agent_enrolment enrolment;
    return agent_enrolment_read(slice_make(bytes->data, size), &enrolment, NULL);
}

static void enrolments_of_agents_are_strict(void **state) {
    struct world *w = *state;
    payload_enrolment(w, w->stranger);
    struct agent_enrolment read;
    CLEANUP_BUFFER struct buffer again = BUFFER(1024);
    assert_true(agent_enrolment_read(buffer_slice(&w->payload), &read, NULL));
    assert_true(agent_enrolment_write(&again, &read));
    assert_true(slice_equal(buffer_slice(&again), buffer_slice(&w->payload)));
    for (size_t size = 0; size < again.size; size++)
        assert_false(enrolment_is_read(&again, size));
    /* Name, key and both streams belong together. */
    for (size_t byte = 0; byte < 1 + 15 + 3 * 32; byte++) {
        again.data[byte] ^= 1;
        assert_false(enrolment_is_read(&again, again.size));
        again.data[byte] ^= 1;
    }
    read.heartbeat_s = 0;
    buffer_clear(&again);
    assert_true(agent_enrolment_write(&again, &read));
    assert_false(enrolment_is_read(&again, again.size));
    read.name = SLICE("Not A Host");
    assert_false(agent_enrolment_write(&again, &read));
    /* Its registrar may sign what it likes: a bad one is not logged. */
    w->payload.data[1] ^= 1;
    assert_false(JUDGED(w, STATEMENT_AGENT_ENROL, w->registrar));
    struct agent_revocation revocation = {.name = SLICE("signer1.example"), .epoch = 3}, back;
    buffer_clear(&w->payload);
    assert_true(agent_revocation_write(&w->payload, &revocation));
    assert_true(agent_revocation_read(buffer_slice(&w->payload), &back, NULL));
    assert_int_equal(back.epoch, 3);
    w->payload.size--;
    assert_false(agent_revocation_read(buffer_slice(&w->payload), &back, NULL));
    assert_false(JUDGED(w, STATEMENT_AGENT_REVOKE, w->alice));
}

static void marks_have_no_payload(void **state) {
    struct world *w = *state;
    assert_true(JUDGED(w, STATEMENT_MARK, w->log));
    buffer_append(&w->payload, "", 1);
    assert_false(JUDGED(w, STATEMENT_MARK, w->log));
    assert_false(JUDGED(w, STATEMENT_DAY_MARK, w->log));
}

/* ---- few people */

static struct control_chain *chain_of_one(struct world *w, const struct control_trust *trust) {
    struct genesis genesis = small_genesis(w);
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16);
    struct signed_statement read;
    assert_true(genesis_taken(w, &genesis, 2, KEYS(w->log, w->alice), NULL));
    struct control_chain *chain = control_chain_create(trust);
    assert_true(signed_statement_read(buffer_slice(&w->bytes), &read, NULL));
    assert_true(control_chain_write_next(chain, &read, START, &entry));
    assert_true(add(chain, &entry, NULL, NULL));
    buffer_clear(&w->payload);
    return chain;
}

static void one_person_alone_signs_and_it_stays_single_control(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16);
    struct control_verdict verdict;
    struct control_chain *alone = chain_of_one(w, NULL);
    control_chain_destroy(w->chain);
    w->chain = alone;
    assert_true(judged(w, STATEMENT_HOLD_RELEASE, 1, KEYS(w->alice), &verdict));
    assert_true(verdict.single_control);
    assert_true(judged(w, STATEMENT_NOTE, 1, KEYS(w->alice), &verdict));
    assert_false(verdict.single_control);
    /* Alice alone enrols Bob of the board: from now on two sign, and it is still one person's work. */
    payload_person(w, "Bob", ROLE_BOARD, w->bob);
    struct statement statement = made(w, STATEMENT_PERSON_ENROL);
    sign(w, &statement, 1, KEYS(w->alice));
    assert_true(log_it(w, START, &entry, &verdict, NULL));
    assert_true(verdict.single_control);
    buffer_clear(&w->payload);
    assert_false(JUDGED(w, STATEMENT_HOLD_RELEASE, w->alice));
    assert_true(judged(w, STATEMENT_HOLD_RELEASE, 2, KEYS(w->alice, w->bob), &verdict));
    assert_true(verdict.single_control);
    assert_true(judged(w, STATEMENT_NOTE, 1, KEYS(w->bob), &verdict));
    assert_true(verdict.single_control);
    /* It is handed on to whom they enrol together. */
    payload_person(w, "Dora", ROLE_MONITOR, w->dora);
    statement = made(w, STATEMENT_PERSON_ENROL);
    sign(w, &statement, 2, KEYS(w->alice, w->bob));
    assert_true(log_it(w, START, &entry, &verdict, NULL));
    assert_true(verdict.single_control);
    buffer_clear(&w->payload);
    assert_true(judged(w, STATEMENT_HOLD_RELEASE, 3, KEYS(w->alice, w->bob, w->dora), &verdict));
    assert_true(verdict.single_control);
    /* A veto is not an administrator's, however few there are. */
    assert_false(JUDGED(w, STATEMENT_ERASE_VETO, w->alice));
}

static void a_key_that_the_verifier_trusts_ends_single_control(void **state) {
    struct world *w = *state;
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 16);
    struct control_verdict verdict;
    struct signer_key bob = signer_key_ed25519(signing_key_public(w->bob));
    struct hash name = signer_key_hash(&bob);
    struct control_trust trust = {.keys = &name, .key_count = 1};
    struct control_chain *alone = chain_of_one(w, &trust);
    control_chain_destroy(w->chain);
    w->chain = alone;
    payload_person(w, "Bob", ROLE_BOARD, w->bob);
    struct statement statement = made(w, STATEMENT_PERSON_ENROL);
    sign(w, &statement, 1, KEYS(w->alice));
    assert_true(log_it(w, START, &entry, &verdict, NULL));
    assert_true(verdict.single_control);
    buffer_clear(&w->payload);
    assert_true(judged(w, STATEMENT_HOLD_RELEASE, 2, KEYS(w->alice, w->bob), &verdict));
    assert_false(verdict.single_control);
}

/* ---- agents' own */

static void a_rotation_is_taken_for_both_its_keys(void **state) {
    struct world *w = *state;
    struct rotation_place place = {control_chain_log(w->chain), SLICE("signer1.example"),
                                   signing_key_public(w->stranger), signing_key_public(w->stranger), 0};
    uint8_t nonce[STATEMENT_NONCE_SIZE] = {1};
    struct control_verdict verdict;
    assert_true(rotation_sign(&place, w->stranger, w->dora, nonce, START, &w->bytes));
    assert_true(judge_now(w, UINT64_MAX, &verdict, NULL)); /* it never expires */
    w->bytes.data[w->bytes.size - 1] ^= 1;
    assert_false(judge_now(w, START, &verdict, NULL));
    struct hash other = statement_log(SLICE("other.example"), signing_key_public(w->log));
    place.log = &other;
    buffer_clear(&w->bytes);
    assert_true(rotation_sign(&place, w->stranger, w->dora, nonce, START, &w->bytes));
    assert_false(judge_now(w, START, &verdict, NULL));
}

/* ---- passkeys */

static void passkeys_sign_only_this_statement_on_this_page(void **state) {
    (void)state;
    json_t *of = json_object_get(vectors, "passkeys"), *key_of_vector, *value;
    struct webauthn_page page = {hash_in(json_object_get(of, "rp_id_hash")),
                                 slice_string(json_string_value(json_object_get(of, "origin")))};
    CLEANUP_BUFFER struct buffer statement = unhexed(json_object_get(of, "statement"));
    size_t index, tried = 0;
    const char *name;
    json_array_foreach(json_object_get(of, "keys"), index, key_of_vector) {
        CLEANUP_BUFFER struct buffer public = unhexed(json_object_get(key_of_vector, "key"));
        struct signer_key key = {.scheme = STATEMENT_WEBAUTHN, .size = (uint8_t) public.size};
        memcpy(key.bytes, public.data, public.size);
        struct statement_signature signature = {.key = signer_key_hash(&key), .scheme = STATEMENT_WEBAUTHN};
        struct fault fault = {0};
        json_object_foreach(json_object_get(key_of_vector, "right"), name, value) {
            CLEANUP_BUFFER struct buffer bytes = unhexed(value);
            signature.bytes = buffer_slice(&bytes);
            if (!signer_key_signed(&key, buffer_slice(&statement), &signature, &page, &fault))
                fail_msg("%s: %s", name, fault.text);
            struct webauthn_page none = {.origin = SLICE("")};
            assert_false(signer_key_signed(&key, buffer_slice(&statement), &signature, &none, NULL));
            for (size_t bit = 0; bit < bytes.size * 8; bit += 3) {
                bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
                if (signer_key_signed(&key, buffer_slice(&statement), &signature, &page, NULL))
                    fail_msg("%s: bit %zu", name, bit);
                bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            tried++;
        }
        json_object_foreach(json_object_get(key_of_vector, "wrong"), name, value) {
            CLEANUP_BUFFER struct buffer bytes = unhexed(value);
            signature.bytes = buffer_slice(&bytes);
            if (signer_key_signed(&key, buffer_slice(&statement), &signature, &page, &fault))
                fail_msg("taken: %s", name);
            assert_int_equal(fault.code, FAULT_AUTH);
            tried++;
        }
    }
    assert_int_equal(tried, 2 * (5 + 16));
}

static void points_off_the_curve_are_no_keys(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer public = unhexed(json_object_get(
        json_array_get(json_object_get(json_object_get(vectors, "passkeys"), "keys"), 0), "key"));
    uint8_t point[66];
    memcpy(point, public.data, 65);
    assert_true(webauthn_point_check(slice_make(point, 65), NULL));
    assert_false(webauthn_point_check(slice_make(point, 64), NULL));
    point[64] ^= 1;
    assert_false(webauthn_point_check(slice_make(point, 65), NULL));
    point[64] ^= 1;
    for (unsigned form = 0; form < 256; form++) {
        point[0] = (uint8_t)form;
        assert_int_equal(webauthn_point_check(slice_make(point, 65), NULL), form == 4);
    }
    memset(point, 0, sizeof point);
    assert_false(webauthn_point_check(slice_make(point, 65), NULL));
}

/* ---- policies and people */

static void retention_policies_are_in_order(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        bool good;
    } cases[] = {
        {"000700", true},
        {"0007020000000601000c0100000600000c", true},
        {"0007020100000600000c0000000601000c", false}, /* descending */
        {"0007020000000601000c0000000601000c", false}, /* twice */
        {"0007010a00000600000c", false},               /* no such class */
        {"0007010000000c000006", false},               /* maximum below minimum */
        {"0007010001000000ffff", false},               /* months after system life */
        {"00070100020000020000", true},
        {"00070100020000000006", false},
        {"00070100020001020001", false}, /* indefinite and a month */
        {"00070100030000030000", false}, /* no such term */
        {"0007010000000601000c00", false},
        {"0007010000000601000c", true},
        {"0007010000000601000", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[32];
        struct slice text = slice_string(cases[i].hex);
        assert_true(encoding_unhex(slice_head(text, text.size / 2 * 2), bytes, text.size / 2));
        struct bytes_reader reader = bytes_read(slice_make(bytes, text.size / 2));
        struct retention_policy policy;
        bool good = retention_policy_read(&reader, &policy, NULL) && bytes_read_done(&reader);
        if (good != cases[i].good)
            fail_msg("%s", cases[i].hex);
    }
}

static void roles_have_names(void **state) {
    (void)state;
    enum role role;
    for (unsigned number = 1; number <= ROLES; number++)
        assert_true(role_by_name(slice_string(role_name(number)), &role) && role == number);
    assert_null(role_name(0));
    assert_null(role_name(5));
    assert_false(role_by_name(SLICE("root"), &role));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_drop)

static json_t *load(const char *path) {
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
    return json;
}

int main(void) {
    vectors = load("tests/transcript/control-chain.json");
    log_format = load("tests/transcript/log-format.json");
    if (!vectors || !log_format)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_entries_of_the_log_format_are_read_and_written_again),
        cmocka_unit_test(their_signatures_are_the_log_keys_and_the_peoples),
        cmocka_unit_test(the_chain_of_the_vectors_is_followed),
        cmocka_unit_test(the_genesis_is_written_as_it_was_made),
        cmocka_unit_test(another_genesis_than_the_trusted_one_is_refused),
        cmocka_unit_test(no_bit_of_an_entry_may_change),
        cmocka_unit_test(an_entry_left_out_or_swapped_breaks_the_chain),
        TEST(a_genesis_is_signed_by_its_log_and_everyone_named),
        TEST(a_genesis_names_nobody_and_no_key_twice),
        TEST(there_is_one_genesis_and_it_comes_first),
        cmocka_unit_test(the_table_has_every_type_that_there_is),
        TEST(each_type_takes_its_signers_and_no_others),
        TEST(a_payload_of_another_length_is_refused),
        TEST(two_keys_of_one_person_are_one_person),
        TEST(two_people_of_one_role_are_not_enough),
        TEST(a_statement_is_logged_once_in_one_log_and_in_time),
        TEST(thousands_of_statements_are_remembered),
        TEST(a_revoked_key_signs_nothing_and_never_returns),
        TEST(no_key_is_enrolled_twice_as_anything),
        TEST(only_the_registrar_in_force_enrols_agents),
        TEST(enrolments_of_agents_are_strict),
        TEST(marks_have_no_payload),
        TEST(one_person_alone_signs_and_it_stays_single_control),
        TEST(a_key_that_the_verifier_trusts_ends_single_control),
        TEST(a_rotation_is_taken_for_both_its_keys),
        cmocka_unit_test(passkeys_sign_only_this_statement_on_this_page),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
        cmocka_unit_test(retention_policies_are_in_order),
        cmocka_unit_test(roles_have_names),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    json_decref(log_format);
    return failed;
}
