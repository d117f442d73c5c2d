/* Exported proofs: an event that stands alone, down from a checkpoint of its log; whatever is changed in it is caught. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "encoding.h"
#include "event_proof.h"
#include "log_proof.h"
#include "merkle_proof.h"

static json_t *vectors;

static struct slice vector(const char *name) {
    return slice_string(json_string_value(json_object_get(vectors, name)));
}

struct world {
    struct note_key log;
    struct witness_policy policy;
    struct buffer text, extra, again;
    struct log_proof proof;
    struct event_proof event;
};

static int world_make(void **state) {
    static struct world w;
    struct fault fault = {0};
    w = (struct world){.policy = {.needed = 1, .count = 1},
                       .text = BUFFER(LOG_PROOF_MOST),
                       .extra = BUFFER(LOG_PROOF_EXTRA_MOST),
                       .again = BUFFER(LOG_PROOF_MOST)};
    assert_true(note_key_read(vector("log_vkey"), &w.log, NULL));
    assert_true(note_key_read(vector("witness_vkey"), &w.policy.witnesses[0], NULL));
    buffer_append_slice(&w.text, vector("proof"));
    if (!log_proof_read(buffer_slice(&w.text), &w.extra, &w.proof, &fault))
        fail_msg("%s", fault.text);
    if (!event_proof_read(w.proof.extra, &w.event, &fault))
        fail_msg("%s", fault.text);
    *state = &w;
    return 0;
}

static int world_drop(void **state) {
    struct world *w = *state;
    buffer_free(&w->text);
    buffer_free(&w->extra);
    buffer_free(&w->again);
    return 0;
}

/* All that an exported proof says. */
static bool holds(const struct world *w, const struct log_proof *proof, struct fault *fault) {
    struct event_proof event;
    struct signed_checkpoint checkpoint;
    struct verify_key agent;
    assert_true(encoding_unhex(vector("agent_public_key"), agent.bytes, sizeof agent.bytes));
    if (!event_proof_read(proof->extra, &event, fault) || !event_proof_check(&event, fault) ||
        !batch_entry_signed_by(event.entry_bytes, &agent))
        return false;
    struct hash leaf = merkle_leaf(event.entry_bytes);
    return log_proof_check(proof, &leaf, &w->log, &w->policy, &checkpoint, fault) &&
           checkpoint_quorum(&checkpoint, &w->policy, UINT64_MAX).met;
}

static void the_vector_holds_and_is_written_again(void **state) {
    struct world *w = *state;
    struct fault fault = {0};
    if (!holds(w, &w->proof, &fault))
        fail_msg("%s", fault.text);
    assert_int_equal(w->proof.index, 3);
    assert_true(slice_equal(w->event.event.body, SLICE("another request")));
    assert_int_equal(w->event.event.seq, 12);
    assert_int_equal(w->event.position, 1);
    assert_true(log_proof_write(&w->again, &w->proof));
    assert_true(slice_equal(buffer_slice(&w->again), buffer_slice(&w->text)));
    buffer_clear(&w->again);
    assert_true(event_proof_write(&w->again, &w->event));
    assert_true(slice_equal(buffer_slice(&w->again), w->proof.extra));
}

static void no_bit_of_a_proof_may_change(void **state) {
    struct world *w = *state;
    size_t start_of_notes = (size_t)(w->proof.checkpoint.data - w->text.data), read = 0;
    CLEANUP_BUFFER struct buffer extra = BUFFER(LOG_PROOF_EXTRA_MOST);
    for (size_t bit = 0; bit < start_of_notes * 8; bit++) {
        struct log_proof proof;
        w->text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (log_proof_read(buffer_slice(&w->text), &extra, &proof, NULL)) {
            read++;
            /* A sixth of them: each costs three verifications. */
            if (read % 6 == 0 && holds(w, &proof, NULL))
                fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
        }
        w->text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(read > 1000);
}

static void a_changed_event_is_not_the_batchs(void **state) {
    struct world *w = *state;
    struct event_proof changed = w->event;
    struct fault fault = {0};
    assert_true(event_proof_check(&changed, NULL));
    changed.event.body = SLICE("another reques!");
    assert_false(event_proof_check(&changed, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    changed = w->event, changed.event.time_us++;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.event.seq++;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.event.class = CLASS_ACCESS;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.event.class = CLASS_JOURNAL;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.position = 0;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.position = 3;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.salt[31] ^= 1;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.path_count--;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.path[changed.path_count++] = (struct hash){{0}};
    assert_false(event_proof_check(&changed, NULL));
    /* Another batch's class list, and an entry that says otherwise. */
    changed = w->event, changed.class_list = SLICE("\0");
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.entry.event_count++;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.entry.first_event_seq += 3;
    assert_false(event_proof_check(&changed, NULL));
    changed = w->event, changed.entry.close_us = changed.entry.open_us;
    assert_false(event_proof_check(&changed, NULL));
}

/* Cases 10 and 11 of what a verifier must catch. */
static void paths_must_be_exactly_right(void **state) {
    struct world *w = *state;
    struct signed_checkpoint checkpoint;
    struct hash leaf = merkle_leaf(w->event.entry_bytes);
    struct log_proof changed = w->proof;
    struct fault fault = {0};
    assert_true(log_proof_check(&changed, &leaf, &w->log, &w->policy, &checkpoint, NULL));
    struct hash root = checkpoint.checkpoint.root;
    changed.path_count--; /* too short */
    assert_false(log_proof_check(&changed, &leaf, &w->log, &w->policy, &checkpoint, &fault));
    assert_int_equal(fault.code, FAULT_AUTH);
    changed = w->proof, changed.path[changed.path_count++] = root; /* too long */
    assert_false(log_proof_check(&changed, &leaf, &w->log, &w->policy, &checkpoint, NULL));
    changed = w->proof, changed.path_count++; /* the root prepended */
    memmove(changed.path + 1, w->proof.path, w->proof.path_count * sizeof *changed.path);
    changed.path[0] = root;
    assert_false(log_proof_check(&changed, &leaf, &w->log, &w->policy, &checkpoint, NULL));
    static const uint64_t other[] = {0, 2, 4, 5, 7, 1ull << 62, INT64_MAX};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        changed = w->proof, changed.index = other[i];
        assert_false(log_proof_check(&changed, &leaf, &w->log, &w->policy, &checkpoint, NULL));
    }
    /* The node above it passed off as a leaf, with the rest of its path. */
    struct hash node = merkle_node(&w->proof.path[0], &leaf);
    changed = w->proof, changed.index = 1, changed.path_count--;
    memmove(changed.path, w->proof.path + 1, changed.path_count * sizeof *changed.path);
    assert_false(log_proof_check(&changed, &node, &w->log, &w->policy, &checkpoint, NULL));
    /* The two hashes below a node, as the data of a leaf. */
    uint8_t both[2 * HASH_SIZE];
    memcpy(both, w->proof.path[0].bytes, HASH_SIZE);
    memcpy(both + HASH_SIZE, leaf.bytes, HASH_SIZE);
    struct hash passed_off = merkle_leaf(slice_make(both, sizeof both));
    assert_false(hash_equal(&passed_off, &node));
    assert_false(log_proof_check(&changed, &passed_off, &w->log, &w->policy, &checkpoint, NULL));
    /* Equal sizes, and a proof all the same. */
    assert_false(merkle_proof_consistent(5, &root, 5, &root, &root, 1));
    assert_true(merkle_proof_consistent(5, &root, 5, &root, NULL, 0));
}

static void malformed_proofs_are_refused(void **state) {
    struct world *w = *state;
#define HASH "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="
#define HEAD "c2sp.org/tlog-proof@v1\n"
    static const char *const bad[] = {
        "",
        "\n",
        HEAD,
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
        "c2sp.org/tlog-proof@v1 \nindex 0\n\nx\n",
        "c2sp.org/tlog-proof@v1\r\nindex 0\n\nx\n",
        HEAD "index 0",
        HEAD "index 0\n",
        HEAD "index 0\n\n",
        HEAD "index \n\nx\n",
        HEAD "index 01\n\nx\n",
        HEAD "index +1\n\nx\n",
        HEAD "index -0\n\nx\n",
        HEAD "index  1\n\nx\n",
        HEAD "index 1 \n\nx\n",
        HEAD "index notanumber\n\nx\n",
        HEAD "index 9223372036854775808\n\nx\n",
        HEAD "index 18446744073709551616\n\nx\n",
        HEAD "Index 1\n\nx\n",
        HEAD "\nindex 1\n\nx\n",
        HEAD "extra \nindex 1\n\nx\n",
        HEAD "extra\nindex 1\n\nx\n",
        HEAD "extra YQ=\nindex 1\n\nx\n",
        HEAD "extra YR==\nindex 1\n\nx\n",
        HEAD "extra Y-==\nindex 1\n\nx\n",
        HEAD "extra !!notbase64!!\nindex 0\n\nx\n",
        HEAD "index 1\nextra YQ==\n\nx\n",
        HEAD "extra YQ==\n",
        HEAD "extra YQ==\nextra YQ==\nindex 1\n\nx\n",
        HEAD "index 1\n" HASH,
        HEAD "index 1\n" HASH "\n",
        HEAD "index 1\n" HASH " \n\nx\n",
        HEAD "index 1\n " HASH "\n\nx\n",
        HEAD "index 1\nYQ==\n\nx\n",
        HEAD "index 1\n" HASH "\n" HASH "A\n\nx\n",
        HEAD "index 1\nindex 2\n\nx\n",
    };
    struct log_proof proof;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fault fault = {0};
        if (log_proof_read(slice_string(bad[i]), &w->extra, &proof, &fault))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
    /* The cases that transparency-dev's reader is tested with: what stands where the checkpoint does is not read yet. */
    assert_true(log_proof_read(SLICE(HEAD "index 0\n\ncheckpoint\n"), &w->extra, &proof, NULL));
    assert_int_equal(proof.extra.size, 0);
    assert_true(slice_equal(proof.checkpoint, SLICE("checkpoint\n")));
    assert_true(log_proof_read(SLICE(HEAD "extra ZXh0cmE=\nindex 10\n" HASH "\n" HASH "\n\nx\n"), &w->extra,
                               &proof, NULL));
    assert_true(slice_equal(proof.extra, SLICE("extra")));
    assert_int_equal(proof.path_count, 2);
    assert_int_equal(proof.index, 10);
}

static void a_proof_has_its_limits(void **state) {
    struct world *w = *state;
    struct log_proof proof;
    struct fault fault = {0};
    buffer_clear(&w->text);
    buffer_append_string(&w->text, HEAD "index 1\n");
    for (unsigned i = 0; i < LOG_PROOF_PATH_MOST; i++)
        buffer_append_string(&w->text, HASH "\n");
    size_t size = w->text.size;
    buffer_append_string(&w->text, "\nx\n");
    assert_true(log_proof_read(buffer_slice(&w->text), &w->extra, &proof, NULL));
    w->text.size = size;
    buffer_append_string(&w->text, HASH "\n\nx\n");
    assert_false(log_proof_read(buffer_slice(&w->text), &w->extra, &proof, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    CLEANUP_BUFFER struct buffer long_text = BUFFER(4u << 20);
    buffer_append_string(&long_text, HEAD "extra ");
    while (long_text.size < LOG_PROOF_EXTRA_MOST / 3 * 4 + 200)
        buffer_append_string(&long_text, "AAAA");
    buffer_append_string(&long_text, "\nindex 1\n\nx\n");
    assert_false(log_proof_read(buffer_slice(&long_text), &w->extra, &proof, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    while (long_text.size <= LOG_PROOF_MOST)
        buffer_append_string(&long_text, "AAAAAAAAAAAAAAAA");
    assert_false(log_proof_read(buffer_slice(&long_text), &w->extra, &proof, &fault));
    proof = w->proof;
    proof.path_count = LOG_PROOF_PATH_MOST + 1;
    assert_false(log_proof_write(&w->again, &proof));
}

static void an_event_of_every_other_length_is_refused(void **state) {
    struct world *w = *state;
    struct event_proof event;
    for (size_t size = 0; size < w->proof.extra.size; size++)
        assert_false(event_proof_read(slice_head(w->proof.extra, size), &event, NULL));
    buffer_append(&w->extra, "", 1);
    assert_false(event_proof_read(buffer_slice(&w->extra), &event, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_drop)

int main(void) {
    json_error_t error;
    vectors = json_load_file("tests/transcript/control-chain.json", 0, &error);
    if (!vectors) {
        fprintf(stderr, "tests/transcript/control-chain.json:%d: %s\n", error.line, error.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(the_vector_holds_and_is_written_again),
        TEST(no_bit_of_a_proof_may_change),
        TEST(a_changed_event_is_not_the_batchs),
        TEST(paths_must_be_exactly_right),
        TEST(malformed_proofs_are_refused),
        TEST(a_proof_has_its_limits),
        TEST(an_event_of_every_other_length_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
