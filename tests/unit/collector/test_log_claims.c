/* What agents say of the log, in HELLO and in their entries: what holds, what is a mere claim, what stops the collector. */
#include "bytes.h"
#include "known_note.h"
#include "log_claims.h"
#include "log_seen.h"
#include "log_site.h"

#include <stdio.h>
#include <stdlib.h>

#include "batch_entry.h"
#include "fake_store.h"

struct said {
    struct log_site site;
    struct store *store;
    struct log_head head; /* the newest that was published */
    struct buffer note;
};

static int set_up(void **state) {
    struct said *said = calloc(1, sizeof *said);
    said->store = fake_store_create();
    said->note = BUFFER(NOTE_MOST);
    log_site_start(&said->site, said->store, NULL);
    log_site_settle(&said->site, &said->head, &said->note);
    *state = said;
    return 0;
}

static int tear_down(void **state) {
    struct said *said = *state;
    log_site_stop(&said->site);
    fake_store_destroy(said->store);
    buffer_free(&said->note);
    free(said);
    return 0;
}

static enum log_claim claim(const struct said *said, struct slice note, uint64_t *ret_size) {
    struct fault sentence = {0};
    enum log_claim found = log_claim_check(said->site.log, note, "signer1", ret_size, &sentence);
    assert_int_equal(found == LOG_CLAIM_HOLDS, *ret_size != 0 || note.size == 0);
    if (found != LOG_CLAIM_HOLDS)
        assert_true(sentence.text[0] != 0);
    return found;
}

static enum log_claim claim_of(const struct said *said, const char *origin, uint64_t size,
                               const struct hash *root, const struct signing_key *signer) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    const struct checkpoint checkpoint = {slice_string(origin), size, *root};
    struct note_key key;
    uint64_t seen;
    assert_true(note_key_make(NOTE_KEY_LOG, slice_string(origin), signing_key_public(signer), &key, NULL));
    assert_true(checkpoint_sign(&note, &checkpoint, &key, signer));
    return claim(said, buffer_slice(&note), &seen);
}

static const struct hash other = {{7}};

static void what_the_log_has_signed_holds(void **state) {
    struct said *said = *state;
    struct hash root;
    uint64_t size = 1;
    assert_int_equal(claim(said, (struct slice){NULL, 0}, &size), LOG_CLAIM_HOLDS);
    assert_int_equal(size, 0);
    assert_int_equal(claim(said, buffer_slice(&said->note), &size), LOG_CLAIM_HOLDS);
    assert_int_equal(size, said->head.size);
    for (uint64_t at = 1; at <= said->head.size; at++) {
        assert_true(log_reader_root(log_state_reader(said->site.log), at, &root, NULL));
        assert_int_equal(claim_of(said, LOG_SITE_ORIGIN, at, &root, said->site.log_key), LOG_CLAIM_HOLDS);
    }
    log_site_close(&said->site); /* and it still holds when the log has grown */
    assert_int_equal(claim(said, buffer_slice(&said->note), &size), LOG_CLAIM_HOLDS);
}

static void a_note_that_is_ahead_is_a_rollback_and_another_tree_a_fork(void **state) {
    struct said *said = *state;
    const struct signing_key *log = said->site.log_key;
    uint64_t size = log_state_size(said->site.log);
    assert_int_equal(claim_of(said, LOG_SITE_ORIGIN, size + 1, &other, log), LOG_CLAIM_ROLLBACK);
    assert_int_equal(claim_of(said, LOG_SITE_ORIGIN, CHECKPOINT_SIZE_MOST, &other, log), LOG_CLAIM_ROLLBACK);
    for (uint64_t at = 1; at <= size; at++)
        assert_int_equal(claim_of(said, LOG_SITE_ORIGIN, at, &other, log), LOG_CLAIM_FORK);
}

static void without_the_logs_signature_it_is_a_claim(void **state) {
    struct said *said = *state;
    uint64_t size = log_state_size(said->site.log), seen;
    const struct signing_key *stranger = said->site.registrar;
    assert_int_equal(claim_of(said, LOG_SITE_ORIGIN, size + 1, &other, stranger), LOG_CLAIM_FORGED);
    assert_int_equal(claim_of(said, LOG_SITE_ORIGIN, size, &other, stranger), LOG_CLAIM_FORGED);
    assert_int_equal(claim_of(said, "other.example/log", size, &other, said->site.log_key), LOG_CLAIM_FORGED);
    assert_int_equal(claim(said, SLICE("no note"), &seen), LOG_CLAIM_FORGED);
    assert_int_equal(claim(said, slice_head(buffer_slice(&said->note), said->note.size - 1), &seen),
                     LOG_CLAIM_FORGED);
}

/* ---- what stands in entries */

static bool entry_holds(const struct said *said, const uint8_t key_id[4], uint64_t size,
                        const struct hash *root, struct fault *fault) {
    struct log_seen seen = {.log = said->site.log};
    struct batch_entry entry = {.kind = BATCH_BREAK, .open_us = 1, .close_us = 2, .seen = seen_none()};
    uint8_t bytes[BATCH_ENTRY_SIZE];
    const uint8_t none[1] = {0};
    memcpy(seen.key_id, log_state_key(said->site.log)->id, sizeof seen.key_id);
    entry.event_root = class_list_event_root(slice_make(none, 1));
    if (size)
        entry.seen.size = size;
    if (root)
        entry.seen.root = *root;
    memcpy(entry.seen.key_id, key_id, sizeof entry.seen.key_id);
    batch_entry_sign(&entry, said->site.person, bytes);
    *fault = (struct fault){0};
    return log_seen_check(&seen, slice_make(bytes, sizeof bytes), fault);
}

static void an_entry_names_a_checkpoint_that_was_published_or_none(void **state) {
    struct said *said = *state;
    const uint8_t none[4] = {0}, another[4] = {1, 2, 3, 4};
    const uint8_t *own = log_state_key(said->site.log)->id;
    struct fault fault;
    assert_true(entry_holds(said, none, 0, NULL, &fault));
    assert_true(entry_holds(said, own, 0, NULL, &fault));
    assert_true(entry_holds(said, own, said->head.size, &said->head.root, &fault));
    assert_true(entry_holds(said, another, 12345, &other, &fault)); /* another log's: nobody knows here */
    assert_false(entry_holds(said, own, said->head.size, &other, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    assert_false(entry_holds(said, own, said->head.size + 1000, &said->head.root, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
    struct log_seen seen = {.log = said->site.log};
    assert_true(log_seen_check(&seen, SLICE("no entry"), &fault));
}

static void a_tree_that_was_signed_over_but_never_published_was_seen_by_nobody(void **state) {
    struct said *said = *state;
    struct hash root;
    struct fault fault;
    const uint64_t size = 1; /* genesis alone: the first checkpoint holds more */
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    assert_false(log_checkpoint_get(said->store, size, &note, NULL));
    assert_true(log_reader_root(log_state_reader(said->site.log), size, &root, NULL));
    assert_false(entry_holds(said, log_state_key(said->site.log)->id, size, &root, &fault));
    assert_int_equal(fault.code, FAULT_CONFLICT);
}

/* ---- what is missing after a restore */

static void forget_checkpoint(const struct said *said, uint64_t size) {
    uint8_t key[8];
    bytes_put_u64(key, size);
    struct store_batch *batch = store_batch_create(said->store);
    store_batch_delete(batch, STORE_CHECKPOINT, slice_make(key, sizeof key));
    assert_true(store_commit(said->store, batch, true, NULL));
    store_batch_destroy(batch);
}

static void keep(const struct said *said, struct change *change) {
    struct change_step step;
    struct store_batch *batch = store_batch_create(said->store);
    assert_non_null(change);
    for (size_t place = 0; change_next(change, &place, &step);)
        store_batch_put(batch, step.family, step.key, step.value);
    assert_true(store_commit(said->store, batch, true, NULL));
    store_batch_destroy(batch);
    change_destroy(change);
}

static void a_checkpoint_that_was_lost_comes_back_and_the_trees_below_it_may_have_been_seen(void **state) {
    struct said *said = *state;
    const uint8_t *own = log_state_key(said->site.log)->id;
    struct hash root;
    struct fault fault;
    CLEANUP_BUFFER struct buffer stored = BUFFER(NOTE_MOST);
    assert_null(known_note_change(said->site.log, NULL, buffer_slice(&said->note))); /* it is here */
    forget_checkpoint(said, said->head.size);
    assert_false(entry_holds(said, own, said->head.size, &said->head.root, &fault));
    buffer_append_string(&said->note, "\xe2\x80\x94 stranger.example AAAAAAAA\n");
    keep(said, known_note_change(said->site.log, NULL, buffer_slice(&said->note)));
    assert_true(log_checkpoint_get(said->store, said->head.size, &stored, NULL));
    assert_true(slice_find(buffer_slice(&stored), SLICE("stranger")) == SIZE_MAX); /* nobody checked that line */
    assert_true(entry_holds(said, own, said->head.size, &said->head.root, &fault));
    for (uint64_t size = 1; size < said->head.size; size++) {
        assert_true(log_reader_root(log_state_reader(said->site.log), size, &root, NULL));
        assert_true(entry_holds(said, own, size, &root, &fault));
        assert_false(entry_holds(said, own, size, &other, &fault));
    }
    assert_false(entry_holds(said, own, said->head.size + 1, &said->head.root, &fault));
    assert_null(known_note_change(said->site.log, NULL, buffer_slice(&said->note)));
}

static void what_this_log_has_not_signed_over_this_tree_is_not_kept(void **state) {
    struct said *said = *state;
    struct fault fault = {0};
    forget_checkpoint(said, said->head.size);
    const struct {
        uint64_t size;
        const struct hash *root;
        const struct signing_key *signer;
    } cases[] = {{said->head.size, &said->head.root, said->site.registrar},
                 {said->head.size, &other, said->site.log_key},
                 {said->head.size + 1, &said->head.root, said->site.log_key}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
        struct note_key key;
        const struct checkpoint checkpoint = {SLICE(LOG_SITE_ORIGIN), cases[i].size, *cases[i].root};
        assert_true(note_key_make(NOTE_KEY_LOG, SLICE(LOG_SITE_ORIGIN), signing_key_public(cases[i].signer), &key,
                                  &fault));
        assert_true(checkpoint_sign(&note, &checkpoint, &key, cases[i].signer));
        assert_null(known_note_change(said->site.log, NULL, buffer_slice(&note)));
    }
    assert_null(known_note_change(said->site.log, NULL, SLICE("no note")));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_the_log_has_signed_holds),
        CASE(a_note_that_is_ahead_is_a_rollback_and_another_tree_a_fork),
        CASE(without_the_logs_signature_it_is_a_claim),
        CASE(an_entry_names_a_checkpoint_that_was_published_or_none),
        CASE(a_tree_that_was_signed_over_but_never_published_was_seen_by_nobody),
        CASE(a_checkpoint_that_was_lost_comes_back_and_the_trees_below_it_may_have_been_seen),
        CASE(what_this_log_has_not_signed_over_this_tree_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
