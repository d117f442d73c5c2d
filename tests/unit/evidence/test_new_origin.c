/* A log that takes another's place: what its first entry says, and who must have signed it. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control_successor.h"
#include "encoding.h"
#include "merkle.h"
#include "statement_type.h"

static json_t *before_vectors, *vectors;

#define MADE 1739145600000000ull
#define DAY 86400000000ull

static struct buffer unhexed(json_t *value) {
    struct slice text = slice_string(json_string_value(value));
    struct buffer bytes = BUFFER(1u << 20);
    assert_true(text.size > 0 && buffer_reserve(&bytes, text.size / 2));
    assert_true(encoding_unhex(text, bytes.data, text.size / 2));
    bytes.size = text.size / 2;
    return bytes;
}

static struct buffer vector(const char *name) {
    return unhexed(json_object_get(vectors, name));
}

/* The chain of the log before. */
static struct control_chain *chain_before(void) {
    struct control_chain *chain = control_chain_create(NULL);
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(before_vectors, "entries"), i, row) {
        CLEANUP_BUFFER struct buffer bytes = unhexed(row);
        assert_true(control_chain_add(chain, buffer_slice(&bytes), NULL, NULL, NULL));
    }
    return chain;
}

/* ---- statements of the test's own */

struct signed_bytes {
    struct buffer plain, bytes;
    struct signed_statement statement;
};

static void release(struct signed_bytes *made) {
    buffer_free(&made->plain);
    buffer_free(&made->bytes);
}

static struct signed_bytes signed_by(struct slice payload, const struct hash *log, uint32_t type,
                                     const char *const *names) {
    struct signed_bytes made = {.plain = BUFFER(1u << 17), .bytes = BUFFER(1u << 17)};
    struct statement statement = {
        .log = *log, .type = type, .made_us = MADE, .expires_us = MADE + DAY, .payload = payload};
    struct signed_statement row = {.signature_count = 0};
    uint8_t signatures[STATEMENT_SIGNATURES_MOST][ED25519_SIGNATURE_SIZE];
    statement.nonce[0] = (uint8_t)type;
    assert_true(statement_write(&made.plain, &statement));
    row.bytes = buffer_slice(&made.plain);
    for (; *names; names++) {
        struct hash seed = sha256_of(slice_string(*names));
        struct signing_key *key = signing_key_create(seed.bytes);
        uint8_t *signature = signatures[row.signature_count];
        signing_key_sign(key, row.bytes, signature);
        row.signatures[row.signature_count++] =
            (struct statement_signature){sha256_of(slice_make(signing_key_public(key)->bytes, 32)),
                                         STATEMENT_ED25519, slice_make(signature, ED25519_SIGNATURE_SIZE)};
        signing_key_destroy(key);
    }
    assert_true(signed_statement_write(&made.bytes, &row));
    assert_true(signed_statement_read(buffer_slice(&made.bytes), &made.statement, NULL));
    return made;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool follows(struct slice payload, const char *const *names, struct control_verdict *ret_verdict) {
    struct new_origin said;
    struct control_verdict verdict;
    struct fault fault = {0};
    assert_true(new_origin_read(payload, &said, NULL));
    struct hash log = statement_log(said.genesis.origin, &said.genesis.log_key);
    struct signed_bytes made = signed_by(payload, &log, STATEMENT_NEW_ORIGIN, names);
    struct control_chain *before = chain_before();
    bool good =
        control_successor_check(before, &made.statement, ret_verdict ? ret_verdict : &verdict, &fault);
    assert_int_equal(good, fault.code == FAULT_NONE);
    control_chain_destroy(before);
    release(&made);
    return good;
}

/* ---- */

static void the_vectors_new_origin_goes_on_from_the_log_before_it(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes = vector("entry"), payload = vector("payload"),
                                 again = BUFFER(1u << 16);
    struct control_entry entry;
    struct control_verdict verdict;
    struct control_chain *before = chain_before(), *chain = control_chain_create(NULL);
    assert_true(control_entry_read(buffer_slice(&bytes), &entry, NULL));
    assert_true(control_successor_check(before, &entry.statement, &verdict, NULL));
    assert_false(verdict.single_control);
    assert_true(control_chain_add(chain, buffer_slice(&bytes), &entry, &verdict, NULL));
    assert_false(verdict.single_control);
    assert_int_equal(verdict.people, 2);
    const struct new_origin *origin = control_chain_new_origin(chain);
    assert_int_equal(origin->size, json_integer_value(json_object_get(vectors, "restored")));
    assert_int_equal(origin->known_size, json_integer_value(json_object_get(vectors, "known")));
    assert_true(slice_equal(origin->before, control_chain_genesis(before)->origin));
    assert_true(new_origin_write(&again, origin));
    assert_true(slice_equal(buffer_slice(&again), buffer_slice(&payload)));
    /* People and policies are those that were in force. */
    uint64_t seq;
    assert_int_equal(control_people_roles(control_chain_people(chain)),
                     control_people_roles(control_chain_people(before)));
    assert_int_equal(control_chain_retention(chain, &seq)->veto_days, 14);
    assert_false(hash_equal(control_chain_log(chain), control_chain_log(before)));
    assert_null(control_chain_new_origin(before));
    struct hash leaf = merkle_leaf(buffer_slice(&bytes)), due;
    assert_true(
        encoding_unhex(slice_string(json_string_value(json_object_get(vectors, "leaf"))), due.bytes, 32));
    assert_true(hash_equal(&leaf, &due));
    control_chain_destroy(before);
    control_chain_destroy(chain);
}

static void what_the_chain_says_is_what_the_vector_says(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = vector("payload"), made = BUFFER(1u << 16);
    struct control_chain *before = chain_before();
    struct new_origin said, due;
    assert_true(new_origin_read(buffer_slice(&payload), &said, NULL));
    assert_true(control_successor_of(before, &due, NULL));
    due.size = said.size, due.root = said.root, due.note = said.note, due.lost = said.lost;
    due.genesis.origin = said.genesis.origin, due.genesis.log_key = said.genesis.log_key;
    assert_true(new_origin_write(&made, &due));
    assert_true(slice_equal(buffer_slice(&made), buffer_slice(&payload)));
    control_chain_destroy(before);
}

static void payloads_that_are_none_are_refused(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = vector("payload"), without = vector("payload_without_note");
    struct new_origin read;
    const char *name;
    json_t *row;
    size_t tried = 0;
    json_object_foreach(json_object_get(vectors, "malformed"), name, row) {
        CLEANUP_BUFFER struct buffer bytes = unhexed(row);
        struct fault fault = {0};
        if (new_origin_read(buffer_slice(&bytes), &read, &fault) || !fault.code)
            fail_msg("taken: %s", name);
        tried++;
    }
    assert_int_equal(tried, 13);
    for (size_t size = 0; size < payload.size; size++)
        assert_false(new_origin_read(slice_make(payload.data, size), &read, NULL));
    assert_true(new_origin_read(buffer_slice(&without), &read, NULL));
    assert_int_equal(read.known_size, 0);
}

static void it_is_signed_by_the_log_and_two_people_whom_the_log_before_names(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer bytes = vector("payload");
    struct slice payload = buffer_slice(&bytes);
    struct control_verdict verdict;
    assert_true(follows(payload, NAMES("control log", "control alice", "control dora"), &verdict));
    assert_false(verdict.single_control);
    assert_false(follows(payload, NAMES("control log", "control alice"), NULL));
    assert_false(follows(payload, NAMES("control log"), NULL));
    assert_false(follows(payload, NAMES("control alice", "control dora"), NULL));
    assert_false(follows(payload, NAMES("control log", "control alice", "control alice"), NULL));
    assert_false(
        follows(payload, NAMES("control log", "control alice", "control bob"), NULL)); /* revoked before */
    assert_false(follows(payload, NAMES("control log", "control alice", "control stranger"), NULL));
    assert_false(
        follows(payload, NAMES("control log", "control alice", "control dora", "control registrar 2"), NULL));
    assert_false(follows(payload, NAMES("control stranger", "control alice", "control dora"), NULL));
}

/* Good signatures of two people that the chain names are not enough. */
static void a_forged_account_of_the_log_before_is_refused(void **state) {
    (void)state;
    const char *name;
    json_t *row;
    size_t tried = 0;
    struct control_chain *before = chain_before();
    json_object_foreach(json_object_get(vectors, "other"), name, row) {
        CLEANUP_BUFFER struct buffer bytes = unhexed(row);
        struct control_entry entry;
        struct control_verdict verdict;
        struct fault fault = {0};
        assert_true(control_entry_read(buffer_slice(&bytes), &entry, NULL));
        if (control_successor_check(before, &entry.statement, &verdict, &fault) ||
            fault.code != FAULT_CONFLICT)
            fail_msg("taken: %s", name);
        tried++;
    }
    assert_int_equal(tried, 7);
    control_chain_destroy(before);
}

static void it_stands_at_the_beginning_and_is_no_genesis_of_another_log(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = vector("payload"), entry = vector("entry");
    struct control_chain *before = chain_before(), *empty = control_chain_create(NULL);
    struct control_verdict verdict;
    struct signed_bytes made =
        signed_by(buffer_slice(&payload), control_chain_log(before), STATEMENT_NEW_ORIGIN,
                  NAMES("control log", "control alice", "control dora"));
    assert_false(
        control_chain_judge(before, &made.statement, MADE, &verdict, NULL)); /* in the midst of a log */
    assert_false(control_chain_judge(empty, &made.statement, MADE, &verdict, NULL)); /* for another log */
    release(&made);
    /* What is trusted is its leaf. */
    struct hash other = {{1}};
    struct control_chain *pinned = control_chain_create(&(struct control_trust){.genesis_leaf = &other});
    assert_false(control_chain_add(pinned, buffer_slice(&entry), NULL, NULL, NULL));
    control_chain_destroy(pinned);
    control_chain_destroy(before);
    control_chain_destroy(empty);
}

/* ---- what rests on one person stays so */

static struct signer_key key_of(const char *name) {
    struct hash seed = sha256_of(slice_string(name));
    struct signing_key *key = signing_key_create(seed.bytes);
    struct signer_key public = signer_key_ed25519(signing_key_public(key));
    signing_key_destroy(key);
    return public;
}

static void log_statement(struct control_chain *chain, struct slice payload, const struct hash *log,
                          uint32_t type, const char *const *names) {
    CLEANUP_BUFFER struct buffer entry = BUFFER(1u << 17);
    struct signed_bytes made = signed_by(payload, log, type, names);
    assert_true(control_chain_write_next(chain, &made.statement, MADE, &entry));
    assert_true(control_chain_add(chain, buffer_slice(&entry), NULL, NULL, NULL));
    release(&made);
}

/* Alice alone, who enrols Bob. */
static struct control_chain *small_chain(void) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(1u << 16);
    struct control_chain *chain = control_chain_create(NULL);
    struct signer_key log = key_of("control log"), registrar = key_of("control registrar");
    struct genesis genesis = {
        .origin = SLICE("small.example/log"), .page = {.origin = SLICE("")}, .person_count = 1};
    memcpy(genesis.log_key.bytes, log.bytes, 32);
    memcpy(genesis.registrar.bytes, registrar.bytes, 32);
    genesis.people[0] = (struct person){
        .id = {{1}}, .role = ROLE_ADMINISTRATOR, .key_count = 1, .keys = {key_of("control alice")}};
    assert_true(genesis_write(&payload, &genesis));
    struct hash of = statement_log(genesis.origin, &genesis.log_key);
    log_statement(chain, buffer_slice(&payload), &of, STATEMENT_GENESIS,
                  NAMES("control log", "control alice"));
    struct person bob = {.id = {{2}}, .role = ROLE_BOARD, .key_count = 1, .keys = {key_of("control bob")}};
    buffer_clear(&payload);
    assert_true(person_write(&payload, &bob));
    log_statement(chain, buffer_slice(&payload), &of, STATEMENT_PERSON_ENROL, NAMES("control alice"));
    return chain;
}

static void what_one_person_alone_enrolled_stays_single_control(void **state) {
    (void)state;
    CLEANUP_BUFFER struct buffer payload = BUFFER(1u << 16);
    struct control_chain *before = small_chain();
    struct new_origin origin;
    struct control_verdict verdict;
    struct signer_key bob = key_of("control bob");
    struct hash bobs = signer_key_hash(&bob);
    assert_true(control_successor_of(before, &origin, NULL));
    assert_int_equal(origin.single_count, 1);
    assert_true(hash_equal(&origin.singles[0], &bobs));
    origin.size = 9;
    origin.genesis.origin = SLICE("small.example/log2");
    origin.genesis.log_key = origin.before_key;
    assert_true(new_origin_write(&payload, &origin));
    struct hash of = statement_log(origin.genesis.origin, &origin.genesis.log_key);
    struct signed_bytes made = signed_by(buffer_slice(&payload), &of, STATEMENT_NEW_ORIGIN,
                                         NAMES("control log", "control alice", "control bob"));
    assert_true(control_successor_check(before, &made.statement, &verdict, NULL));
    assert_true(verdict.single_control);
    /* Unless the verifier knows Bob's key on another way. */
    struct control_chain *trusting =
        control_chain_create(&(struct control_trust){.keys = &bobs, .key_count = 1});
    assert_true(control_chain_judge(trusting, &made.statement, MADE, &verdict, NULL));
    assert_false(verdict.single_control);
    control_chain_destroy(trusting);
    release(&made);
    control_chain_destroy(before);
}

int main(void) {
    before_vectors = json_load_file("tests/transcript/control-chain.json", 0, NULL);
    vectors = json_load_file("tests/transcript/new-origin.json", 0, NULL);
    if (!before_vectors || !vectors)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_new_origin_goes_on_from_the_log_before_it),
        cmocka_unit_test(what_the_chain_says_is_what_the_vector_says),
        cmocka_unit_test(payloads_that_are_none_are_refused),
        cmocka_unit_test(it_is_signed_by_the_log_and_two_people_whom_the_log_before_names),
        cmocka_unit_test(a_forged_account_of_the_log_before_is_refused),
        cmocka_unit_test(it_stands_at_the_beginning_and_is_no_genesis_of_another_log),
        cmocka_unit_test(what_one_person_alone_enrolled_stays_single_control),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(before_vectors);
    json_decref(vectors);
    return failed;
}
