/* Decisions about alerts, folded: in the order of the log, each with who signed it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "decision_ledger.h"
#include "statement_type.h"

static struct control_people *people;
static struct signer_key keys[2]; /* of the one person; of nobody */
static struct hash person;

static void key_of(uint8_t number, struct signer_key *ret_key) {
    const uint8_t seed[ED25519_SEED_SIZE] = {number};
    struct signing_key *key = signing_key_create(seed);
    *ret_key = signer_key_ed25519(signing_key_public(key));
    signing_key_destroy(key);
}

static int set_up(void **state) {
    struct signer_key log, registrar;
    struct genesis genesis = {.origin = SLICE("log.example/test"), .person_count = 1};
    (void)state;
    key_of(1, &keys[0]);
    key_of(2, &keys[1]);
    key_of(3, &log);
    key_of(4, &registrar);
    person = sha256_of(SLICE("vera"));
    memcpy(genesis.log_key.bytes, log.bytes, sizeof genesis.log_key.bytes);
    memcpy(genesis.registrar.bytes, registrar.bytes, sizeof genesis.registrar.bytes);
    genesis.people[0] = (struct person){person, ROLE_ADMINISTRATOR, 1, {keys[0]}};
    people = control_people_create(&genesis, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    people = control_people_destroy(people);
    return 0;
}

static void add(struct decision_ledger *ledger, uint64_t ctl_seq, uint32_t type, const struct decision *decision,
                unsigned key) {
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    struct control_entry entry = {.ctl_seq = ctl_seq, .time_us = 1000 + ctl_seq};
    assert_true(decision_write(&payload, decision));
    entry.statement.statement.type = type;
    entry.statement.statement.payload = buffer_slice(&payload);
    entry.statement.signature_count = 1;
    entry.statement.signatures[0].key = signer_key_hash(&keys[key]);
    decision_ledger_add(ledger, &entry, people);
}

static void decisions_about_an_alert_are_kept_in_the_order_of_the_log(void **state) {
    (void)state;
    struct decision_ledger *ledger = decision_ledger_create();
    struct decision decision = {.kind = DECISION_RESOLVE, .subject = SLICE("a1"), .reason = sha256_of(SLICE("why"))};
    size_t count = 7;
    add(ledger, 4, STATEMENT_DECISION, &decision, 0);
    decision = (struct decision){.kind = DECISION_RECLASSIFY, .subject = SLICE("a1"), .value = SLICE("2b")};
    add(ledger, 5, STATEMENT_DECISION, &decision, 0);
    decision = (struct decision){.kind = DECISION_ACKNOWLEDGE, .subject = SLICE("a2")};
    add(ledger, 6, STATEMENT_DECISION, &decision, 1);
    const struct past_decision *past = decision_ledger_of(ledger, SLICE("a1"), &count);
    assert_int_equal(count, 2);
    assert_int_equal(past[0].kind, DECISION_RESOLVE);
    assert_int_equal(past[0].ctl_seq, 4);
    assert_int_equal(past[1].time_us, 1005);
    assert_string_equal(past[1].value, "2b");
    assert_true(hash_equal(&past[0].person, &person));
    past = decision_ledger_of(ledger, SLICE("a2"), &count);
    assert_int_equal(count, 1);
    assert_false(hash_equal(&past[0].person, &person));
    assert_null(decision_ledger_of(ledger, SLICE("a"), &count));
    assert_int_equal(count, 0);
    assert_null(decision_ledger_destroy(ledger));
}

static void what_is_about_no_alert_is_left_out(void **state) {
    (void)state;
    struct decision_ledger *ledger = decision_ledger_create();
    struct decision week = {.kind = DECISION_SIGN_OFF, .subject = SLICE("2026-W47")},
                    silence = {.kind = DECISION_SILENCE, .subject = SLICE("a1"), .until_us = 5},
                    good = {.kind = DECISION_RESOLVE, .subject = SLICE("a1")};
    size_t count;
    add(ledger, 1, STATEMENT_DECISION, &week, 0);
    add(ledger, 2, STATEMENT_DECISION, &silence, 0);
    add(ledger, 3, STATEMENT_NOTE, &good, 0);
    assert_null(decision_ledger_of(ledger, SLICE("2026-W47"), &count));
    assert_null(decision_ledger_of(ledger, SLICE("a1"), &count));
    decision_ledger_destroy(ledger);
}

static void thousands_are_told_apart(void **state) {
    (void)state;
    struct decision_ledger *ledger = decision_ledger_create();
    char id[16];
    size_t count;
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(id, sizeof id, "alert-%u", i % 2500);
        struct decision decision = {.kind = DECISION_ACKNOWLEDGE, .subject = slice_string(id)};
        add(ledger, i, STATEMENT_DECISION, &decision, 0);
    }
    for (unsigned i = 0; i < 2500; i++) {
        snprintf(id, sizeof id, "alert-%u", i);
        const struct past_decision *past = decision_ledger_of(ledger, slice_string(id), &count);
        assert_int_equal(count, 2);
        assert_int_equal(past[0].ctl_seq, i);
        assert_int_equal(past[1].ctl_seq, i + 2500);
    }
    decision_ledger_destroy(ledger);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_about_an_alert_are_kept_in_the_order_of_the_log),
        cmocka_unit_test(what_is_about_no_alert_is_left_out),
        cmocka_unit_test(thousands_are_told_apart),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
