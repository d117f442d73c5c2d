/* One log as an agent watches it: what follows is taken, and everything else is told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "log_watch.h"

#define LEAVES 40u
#define ORIGIN "log.example/test"
#define NOW_US 1700000000000000u

static struct signing_key *log_signer, *other_signer, *witness_signers[2];
static struct note_key log_key, other_log, witness_keys[2];
static struct hash leaves[LEAVES], other_leaves[LEAVES];

static struct signing_key *signer(uint8_t number) {
    const uint8_t seed[ED25519_SEED_SIZE] = {number};
    return signing_key_create(seed);
}

static struct note_key key_of(enum note_key_type type, const char *name, const struct signing_key *of) {
    struct note_key key;
    assert_true(note_key_make(type, slice_string(name), signing_key_public(of), &key, NULL));
    return key;
}

static int set_up(void **state) {
    (void)state;
    log_signer = signer(1);
    other_signer = signer(2);
    log_key = key_of(NOTE_KEY_LOG, ORIGIN, log_signer);
    other_log = key_of(NOTE_KEY_LOG, ORIGIN, other_signer);
    for (uint8_t i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%u.example", i);
        witness_signers[i] = signer((uint8_t)(3 + i));
        witness_keys[i] = key_of(NOTE_KEY_WITNESS, name, witness_signers[i]);
    }
    for (uint8_t i = 0; i < LEAVES; i++) {
        leaves[i] = merkle_leaf(slice_make(&i, 1));
        other_leaves[i] = i < 10 ? leaves[i] : merkle_leaf(SLICE("other"));
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    signing_key_destroy(log_signer);
    signing_key_destroy(other_signer);
    for (unsigned i = 0; i < 2; i++)
        signing_key_destroy(witness_signers[i]);
    return 0;
}

/* ---- what the log shows */

struct shown {
    struct buffer note;
    struct merkle_path path;
    uint64_t from;
};

static struct shown show(const struct hash *of, uint64_t from, uint64_t size) {
    struct shown shown = {.note = BUFFER(NOTE_MOST), .from = from};
    const struct checkpoint checkpoint = {SLICE(ORIGIN), size, merkle_root(of, (size_t)size)};
    assert_true(checkpoint_sign(&shown.note, &checkpoint, &log_key, log_signer));
    if (from && from < size)
        merkle_proof_consistency(of, (size_t)size, (size_t)from, &shown.path);
    return shown;
}

static void cosign(struct shown *shown, unsigned witness, uint64_t time_s) {
    struct note note;
    CLEANUP_BUFFER struct buffer text = BUFFER(NOTE_MOST);
    assert_true(note_read(buffer_slice(&shown->note), &note, NULL));
    buffer_append_slice(&text, note.text);
    assert_true(note_cosign(&shown->note, buffer_slice(&text), &witness_keys[witness],
                            witness_signers[witness], time_s));
}

static enum log_news take(struct log_watch *watch, struct shown *shown) {
    struct fault fault = {0};
    enum log_news news =
        log_watch_take(watch, buffer_slice(&shown->note), shown->from,
                       slice_make(shown->path.hashes, shown->path.count * HASH_SIZE), NOW_US, &fault);
    assert_int_equal(news == LOG_NEWS_VERIFIED, fault.code == FAULT_NONE);
    buffer_free(&shown->note);
    return news;
}

static enum log_news take_from(struct log_watch *watch, const struct hash *of, uint64_t from, uint64_t size) {
    struct shown shown = show(of, from, size);
    return take(watch, &shown);
}

static struct log_watch watching(uint64_t size) {
    struct log_watch watch;
    log_watch_begin(&watch, &log_key, NULL);
    if (size)
        assert_int_equal(take_from(&watch, leaves, 0, size), LOG_NEWS_VERIFIED);
    return watch;
}

/* ---- what follows */

static void a_log_that_grows_is_followed(void **state) {
    (void)state;
    struct log_watch watch = watching(0);
    assert_int_equal(log_watch_seen(&watch).size, 0);
    for (uint64_t size = 1, from = 0; size <= LEAVES; from = size, size += 3)
        assert_int_equal(take_from(&watch, leaves, from, size), LOG_NEWS_VERIFIED);
    struct seen_checkpoint seen = log_watch_seen(&watch);
    struct hash root = merkle_root(leaves, LEAVES);
    assert_int_equal(seen.size, LEAVES);
    assert_true(hash_equal(&seen.root, &root));
    assert_memory_equal(seen.key_id, log_key.id, 4);
    assert_int_equal(take_from(&watch, leaves, LEAVES, LEAVES), LOG_NEWS_VERIFIED); /* the same again */
}

static void a_smaller_log_is_a_rollback_and_another_tree_a_fork(void **state) {
    (void)state;
    struct log_watch watch = watching(20);
    assert_int_equal(take_from(&watch, leaves, 20, 19), LOG_NEWS_ROLLBACK);
    assert_int_equal(take_from(&watch, other_leaves, 20, 19), LOG_NEWS_ROLLBACK);
    assert_int_equal(take_from(&watch, other_leaves, 20, 20), LOG_NEWS_FORK);
    assert_int_equal(take_from(&watch, other_leaves, 20, 30), LOG_NEWS_FORK);
    assert_int_equal(log_watch_seen(&watch).size, 20); /* unmoved by all of it */
    assert_int_equal(take_from(&watch, leaves, 20, 30), LOG_NEWS_VERIFIED);
}

static void a_path_that_is_not_the_right_one_does_not_hold(void **state) {
    (void)state;
    struct log_watch watch = watching(20);
    struct shown shown = show(leaves, 20, 30);
    shown.path.count--;
    assert_int_equal(take(&watch, &shown), LOG_NEWS_FORK);
    shown = show(leaves, 20, 30);
    shown.path.hashes[shown.path.count++] = leaves[0];
    assert_int_equal(take(&watch, &shown), LOG_NEWS_FORK);
    shown = show(leaves, 20, 20);
    shown.path.count = 1; /* none is due for the same size */
    shown.path.hashes[0] = leaves[0];
    assert_int_equal(take(&watch, &shown), LOG_NEWS_FORK);
    assert_int_equal(take_from(&watch, leaves, 19, 30), LOG_NEWS_MALFORMED);
    assert_int_equal(take_from(&watch, leaves, 0, 30), LOG_NEWS_MALFORMED);
}

static void a_signature_that_is_not_the_logs_is_forged(void **state) {
    (void)state;
    struct log_watch watch = watching(20);
    const struct checkpoint checkpoint = {SLICE(ORIGIN), 30, merkle_root(leaves, 30)};
    struct shown shown = show(leaves, 20, 30);
    buffer_clear(&shown.note);
    assert_true(checkpoint_sign(&shown.note, &checkpoint, &other_log, other_signer));
    assert_int_equal(take(&watch, &shown), LOG_NEWS_FORGED);
    shown = show(leaves, 20, 30);
    shown.note.data[sizeof ORIGIN] = '4'; /* 40 entries under the signature for 30 */
    assert_int_equal(take(&watch, &shown), LOG_NEWS_FORGED);
    shown = show(leaves, 20, 30);
    shown.note.size -= 3;
    assert_int_equal(take(&watch, &shown), LOG_NEWS_MALFORMED);
}

/* ---- the quorum */

static struct log_watch watching_both(void) {
    struct log_watch watch;
    const struct witness_policy policy = {2, 2, {witness_keys[0], witness_keys[1]}};
    log_watch_begin(&watch, &log_key, &policy);
    return watch;
}

static void without_its_quorum_a_checkpoint_counts_for_the_path_alone(void **state) {
    (void)state;
    struct log_watch watch = watching_both();
    struct shown shown = show(leaves, 0, 20);
    cosign(&shown, 0, NOW_US / 1000000);
    assert_int_equal(take(&watch, &shown), LOG_NEWS_UNWITNESSED);
    assert_int_equal(log_watch_seen(&watch).size, 0);
    assert_int_equal(log_watch_note(&watch).size, 0);
    /* The next one goes on from it, not from nothing. */
    shown = show(leaves, 20, 30);
    cosign(&shown, 0, NOW_US / 1000000);
    cosign(&shown, 1, NOW_US / 1000000);
    assert_int_equal(take(&watch, &shown), LOG_NEWS_VERIFIED);
    assert_int_equal(log_watch_seen(&watch).size, 30);
    /* A new session knows what was verified. */
    assert_int_equal(take_from(&watch, leaves, 30, 35), LOG_NEWS_UNWITNESSED);
    log_watch_session(&watch);
    assert_int_equal(take_from(&watch, leaves, 35, 36), LOG_NEWS_MALFORMED);
    assert_int_equal(take_from(&watch, other_leaves, 30, 36), LOG_NEWS_FORK);
}

static void a_cosignature_counts_once_and_not_from_the_future(void **state) {
    (void)state;
    struct log_watch watch = watching_both();
    struct shown shown = show(leaves, 0, 20);
    cosign(&shown, 0, NOW_US / 1000000);
    cosign(&shown, 0, NOW_US / 1000000 + 1);
    assert_int_equal(take(&watch, &shown), LOG_NEWS_UNWITNESSED);
    shown = show(leaves, 20, 20);
    cosign(&shown, 0, NOW_US / 1000000);
    cosign(&shown, 1, NOW_US / 1000000 + 60);
    assert_int_equal(take(&watch, &shown), LOG_NEWS_UNWITNESSED);
}

/* ---- what is kept */

static void the_kept_note_is_enough_to_go_on(void **state) {
    (void)state;
    struct log_watch watch = watching_both(), again;
    struct shown shown = show(leaves, 0, 20);
    cosign(&shown, 1, NOW_US / 1000000);
    cosign(&shown, 0, NOW_US / 1000000);
    buffer_append_string(&shown.note, "\xe2\x80\x94 stranger.example AAAAAAECAwQ=\n");
    assert_int_equal(take(&watch, &shown), LOG_NEWS_VERIFIED);
    struct slice note = log_watch_note(&watch);
    assert_true(slice_find(note, SLICE("stranger")) == SIZE_MAX);
    struct signed_checkpoint read;
    assert_true(checkpoint_read(note, &log_key, &watch.policy, &read, NULL));
    assert_true(checkpoint_quorum(&read, &watch.policy, NOW_US).met);
    log_watch_begin(&again, &log_key, &watch.policy);
    assert_true(log_watch_restore(&again, note, NULL));
    assert_int_equal(log_watch_seen(&again).size, 20);
    assert_int_equal(take_from(&again, leaves, 20, 19), LOG_NEWS_ROLLBACK);
    struct fault fault = {0};
    log_watch_begin(&again, &other_log, NULL);
    assert_false(log_watch_restore(&again, note, &fault));
    assert_int_equal(log_watch_seen(&again).size, 0);
}

static void a_leaf_is_included_at_its_place_and_nowhere_else(void **state) {
    (void)state;
    struct log_watch watch = watching(20);
    for (size_t i = 0; i < 20; i++) {
        struct merkle_path path;
        merkle_proof_inclusion(leaves, 20, i, &path);
        struct slice hashes = slice_make(path.hashes, path.count * HASH_SIZE);
        assert_true(log_watch_includes(&watch, &leaves[i], i, hashes));
        assert_false(log_watch_includes(&watch, &leaves[i], i + 1, hashes));
        assert_false(log_watch_includes(&watch, &leaves[i], 20, hashes));
        assert_false(log_watch_includes(&watch, &leaves[(i + 1) % 20], i, hashes));
        assert_false(log_watch_includes(&watch, &leaves[i], i, slice_head(hashes, hashes.size - HASH_SIZE)));
        assert_false(log_watch_includes(&watch, &leaves[i], i, slice_head(hashes, hashes.size - 1)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_grows_is_followed),
        cmocka_unit_test(a_smaller_log_is_a_rollback_and_another_tree_a_fork),
        cmocka_unit_test(a_path_that_is_not_the_right_one_does_not_hold),
        cmocka_unit_test(a_signature_that_is_not_the_logs_is_forged),
        cmocka_unit_test(without_its_quorum_a_checkpoint_counts_for_the_path_alone),
        cmocka_unit_test(a_cosignature_counts_once_and_not_from_the_future),
        cmocka_unit_test(the_kept_note_is_enough_to_go_on),
        cmocka_unit_test(a_leaf_is_included_at_its_place_and_nowhere_else),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
