/* The log: how it begins, checkpoints and when they are published, proofs, statements, days, restarts; what a verifier
 * finds in a store that somebody changed. */
#include "log_site.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "clock.h"
#include "control_log.h"
#include "decision.h"
#include "memory.h"
#include "merkle_frontier.h"
#include "merkle_proof.h"
#include "salted_text.h"

#define DAY_US (86400u * UINT64_C(1000000))

static struct slice number(uint64_t value, uint8_t room[8]) {
    bytes_put_u64(room, value);
    return slice_make(room, 8);
}

static uint64_t stored_number(const struct store *store, enum store_family family, uint64_t key) {
    uint8_t room[8], value[8];
    assert_true(store_get_fixed(store, family, number(key, room), value, sizeof value, NULL));
    return bytes_get_u64(value);
}

static struct hash leaf_of(const struct store *store, uint64_t index) {
    CLEANUP_BUFFER struct buffer entry = BUFFER(65535);
    assert_true(log_entry_get(store, index, &entry, NULL));
    return merkle_leaf(buffer_slice(&entry));
}

/* ---- how it begins */

static void a_log_begins_with_the_genesis_that_was_printed_then_the_day_and_the_own_stream(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head;
    struct fault fault = {0};
    log_site_start(&site, store, NULL);
    log_site_settle(&site, &head, NULL);
    struct hash first = leaf_of(store, 0);
    assert_true(hash_equal(&first, &site.genesis));
    const struct control_fold *control = log_state_control(site.log, &fault);
    assert_non_null(control);
    assert_int_equal(control_chain_count(control->chain), 3);
    assert_int_equal(agent_registry_count(control->agents), 1);
    log_state_control_release(site.log);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(stored_number(store, STORE_CONTROL, i), i);
    log_site_stop(&site);
    struct log_site_findings findings = log_site_verify(store);
    assert_string_equal(findings.first, "");
    assert_int_equal(findings.log.control_entries, 3);
    assert_int_equal(findings.log.covered, findings.log.size); /* a store at rest is covered whole */
    fake_store_destroy(store);
}

static void a_day_mark_comes_with_every_other_date_in_either_direction(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head;
    struct fault fault = {0};
    struct change_outcome outcome;
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    log_site_start(&site, store, NULL);
    log_site_settle(&site, &head, NULL);
    uint64_t now_us = clock_wall_us();
    struct control_log *control = control_log_open(store, site.signer, &fault);
    assert_non_null(control);
    assert_true(control_log_begun(control));
    assert_false(control_log_day_due(control, now_us));
    assert_false(control_log_day_due(control, now_us / DAY_US *
                                                  DAY_US)); /* the first and the last moment of the day */
    assert_false(control_log_day_due(control, now_us / DAY_US * DAY_US + DAY_US - 1));
    const uint64_t times[] = {now_us + DAY_US, now_us + 700 * DAY_US, now_us - 3 * DAY_US};
    for (size_t i = 0; i < 3; i++) {
        assert_true(control_log_day_due(control, times[i]));
        assert_true(control_log_mark_day(control, head.size + i, times[i], &entry, &outcome));
        assert_int_equal(outcome.type, STATEMENT_DAY_MARK);
        assert_int_equal(outcome.ctl_seq, 3 + i);
        assert_false(control_log_day_due(control, times[i]));
    }
    control_log_destroy(control);
    log_site_stop(&site);
    fake_store_destroy(store);
}

/* ---- statements */

static void write_note(struct buffer *payload) {
    uint8_t salt[TEXT_SALT_SIZE] = {1};
    struct person_note note = {.kind = NOTE_VISIT, .text = salted_text(salt, SLICE("was here"))};
    buffer_clear(payload);
    assert_true(person_note_write(payload, &note));
}

static void
a_statement_is_judged_placed_and_answered_and_a_refused_one_takes_its_change_with_it(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head;
    CLEANUP_BUFFER struct buffer payload = BUFFER(1024);
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    log_site_start(&site, store, NULL);
    log_site_settle(&site, &head, NULL);
    write_note(&payload);
    log_site_sign(&site, STATEMENT_NOTE, buffer_slice(&payload), STATEMENT_EXPIRES_NEVER, &statement);
    struct change_outcome outcome = log_site_submit(&site, buffer_slice(&statement), "kept");
    if (!outcome.taken)
        fail_msg("%s", outcome.fault.text);
    assert_int_equal(outcome.ctl_seq, 3);
    assert_true(outcome.log_index >= head.size);
    assert_int_equal(stored_number(store, STORE_CONTROL, 3), outcome.log_index);
    struct hash leaf = leaf_of(store, outcome.log_index);
    assert_true(hash_equal(&leaf, &outcome.leaf));
    assert_int_equal(fake_store_count(store, STORE_REGISTRY), 1);
    /* The same again, one that has expired, one that was changed, none at all. */
    outcome = log_site_submit(&site, buffer_slice(&statement), "not kept");
    assert_false(outcome.taken);
    assert_non_null(strstr(outcome.fault.text, "logged before"));
    log_site_sign(&site, STATEMENT_NOTE, buffer_slice(&payload), 2, &statement);
    assert_non_null(
        strstr(log_site_submit(&site, buffer_slice(&statement), "not kept").fault.text, "expired"));
    log_site_sign(&site, STATEMENT_NOTE, buffer_slice(&payload), STATEMENT_EXPIRES_NEVER, &statement);
    statement.data[60] ^= 1;
    assert_false(log_site_submit(&site, buffer_slice(&statement), "not kept").taken);
    assert_false(log_site_submit(&site, SLICE("nonsense"), "not kept").taken);
    log_site_sign(&site, STATEMENT_ERASE_VETO, buffer_slice(&payload), STATEMENT_EXPIRES_NEVER, &statement);
    assert_false(
        log_site_submit(&site, buffer_slice(&statement), "not kept").taken); /* an administrator may not */
    assert_int_equal(fake_store_count(store, STORE_REGISTRY), 1);
    assert_int_equal(committer_counts(site.committer).refused, 5);
    log_site_stop(&site);
    assert_string_equal(log_site_verify(store).first, "");
    fake_store_destroy(store);
}

static void a_log_without_genesis_takes_no_statement(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct pipeline p;
    pipeline_start(&p, store);
    pipeline_report(&p, "e", "h");
    pipeline_settle(&p);
    pipeline_stop(&p);
    struct signing_key *key = signing_key_create((uint8_t[32]){6});
    struct fault fault = {0};
    struct log_signer *signer = log_signer_create(SLICE(LOG_SITE_ORIGIN), key, NULL, &fault);
    struct control_log *control = control_log_open(store, signer, &fault);
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    struct change_outcome outcome;
    assert_false(control_log_begun(control));
    assert_false(control_log_day_due(control, clock_wall_us()));
    assert_true(log_signer_statement(signer, STATEMENT_MARK, (struct slice){NULL, 0}, 1, &statement, &fault));
    assert_false(control_log_take(control, buffer_slice(&statement), 5, 1, &entry, &outcome));
    assert_non_null(strstr(outcome.fault.text, "without a genesis"));
    assert_false(
        log_signer_statement(signer, STATEMENT_AGENT_ENROL, (struct slice){NULL, 0}, 1, &statement, &fault));
    control_log_destroy(control);
    log_signer_destroy(signer);
    signing_key_destroy(key);
    fake_store_destroy(store);
}

/* ---- checkpoints */

static void count_call(void *context) {
    __atomic_add_fetch((unsigned *)context, 1, __ATOMIC_SEQ_CST);
}

static void a_checkpoint_is_persisted_signed_published_and_told_and_never_twice_for_a_size(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head, before = {0};
    unsigned calls = 0;
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    CLEANUP_BUFFER struct buffer stored = BUFFER(NOTE_MOST);
    struct fault fault = {0};
    log_site_start(&site, store, NULL);
    log_state_listen(site.log, count_call, &calls);
    for (unsigned round = 0; round < 4; round++) {
        log_site_close(&site);
        log_site_settle(&site, &head, &note);
        assert_true(head.size > before.size);
        struct signed_checkpoint checkpoint;
        if (!checkpoint_read(buffer_slice(&note), log_state_key(site.log), NULL, &checkpoint, &fault))
            fail_msg("%s", fault.text);
        assert_int_equal(checkpoint.checkpoint.size, head.size);
        assert_true(hash_equal(&checkpoint.checkpoint.root, &head.root));
        assert_true(log_checkpoint_get(store, head.size, &stored, &fault));
        assert_true(slice_equal(buffer_slice(&stored), buffer_slice(&note)));
        if (before.size) {
            struct merkle_path path;
            assert_true(
                log_reader_consistency(log_state_reader(site.log), before.size, head.size, &path, &fault));
            assert_true(merkle_proof_consistent(before.size, &before.root, head.size, &head.root, path.hashes,
                                                path.count));
        }
        before = head;
    }
    assert_true(__atomic_load_n(&calls, __ATOMIC_SEQ_CST) > 0);
    assert_int_equal(fake_store_puts(store, STORE_CHECKPOINT), fake_store_count(store, STORE_CHECKPOINT));
    log_site_stop(&site);
    assert_int_equal(fake_store_puts(store, STORE_CHECKPOINT), fake_store_count(store, STORE_CHECKPOINT));
    assert_string_equal(log_site_verify(store).first, "");
    fake_store_destroy(store);
}

struct held {
    struct log_head head;
    struct buffer note;
    unsigned offers;
};

static void hold_back(void *context, const struct log_head *head, struct slice note) {
    struct held *held = context;
    held->head = *head;
    held->offers++;
    buffer_clear(&held->note);
    buffer_append_slice(&held->note, note);
}

static void what_a_publisher_holds_back_is_published_with_what_it_gathered(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head = {0};
    struct held held = {.note = BUFFER(NOTE_MOST)};
    struct fault fault = {0};
    const struct checkpoint_publisher publisher = {&held, hold_back};
    CLEANUP_BUFFER struct buffer stored = BUFFER(NOTE_MOST);
    CLEANUP_BUFFER struct buffer published = BUFFER(NOTE_MOST);
    log_site_start(&site, store, &publisher);
    uint64_t until_us = clock_monotonic_us() + 30000000;
    while (held.offers == 0 && clock_monotonic_us() < until_us)
        loop_turn(site.loop, false);
    assert_true(held.offers > 0);
    assert_false(log_state_newest(site.log, &head, NULL)); /* on the disk, and nobody's yet */
    assert_true(log_checkpoint_get(store, held.head.size, &stored, &fault));
    /* A witness's line is added. */
    struct signing_key *witness = signing_key_create((uint8_t[32]){77});
    struct note_key witness_key;
    struct note read;
    assert_true(note_key_make(NOTE_KEY_WITNESS, SLICE("witness.example"), signing_key_public(witness),
                              &witness_key, &fault));
    CLEANUP_BUFFER struct buffer cosigned = BUFFER(NOTE_MOST);
    buffer_append_slice(&cosigned, buffer_slice(&held.note));
    assert_true(note_read(buffer_slice(&held.note), &read, &fault));
    assert_true(note_cosign(&cosigned, read.text, &witness_key, witness, 1700000000));
    checkpoint_maker_publish(site.maker, SLICE("no note"));
    checkpoint_maker_publish(site.maker, buffer_slice(&cosigned));
    while (!log_state_newest(site.log, &head, &published) && clock_monotonic_us() < until_us)
        loop_turn(site.loop, false);
    assert_int_equal(head.size, held.head.size);
    assert_true(slice_equal(buffer_slice(&published), buffer_slice(&cosigned)));
    assert_true(log_checkpoint_get(store, head.size, &stored, &fault));
    assert_true(slice_equal(buffer_slice(&stored), buffer_slice(&cosigned)));
    uint64_t published_size = head.size;
    log_site_drop(&site);
    /* After a kill what is on the disk is offered again. */
    unsigned offers = held.offers;
    log_site_start(&site, store, &publisher);
    assert_true(held.offers > offers);
    assert_true(held.head.size >= published_size);
    log_site_stop(&site);
    assert_string_equal(log_site_verify(store).first, "");
    signing_key_destroy(witness);
    buffer_free(&held.note);
    fake_store_destroy(store);
}

struct waiting {
    struct log_site *site;
    uint64_t size;
    bool good;
    bool ended;
};

static void *wait_for_it(void *context) {
    struct waiting *waiting = context;
    struct log_head head;
    waiting->good = log_state_wait(waiting->site->log, waiting->size, 20000000, &head, NULL) &&
                    head.size >= waiting->size;
    __atomic_store_n(&waiting->ended, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void whoever_waits_gets_it_soon_or_is_let_go_at_a_stop(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head;
    pthread_t thread;
    log_site_start(&site, store, NULL);
    log_site_settle(&site, &head, NULL);
    struct waiting waiting = {&site, head.size + 1, false, false};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiting), 0);
    log_site_close(&site);
    uint64_t until_us = clock_monotonic_us() + 20000000;
    while (!__atomic_load_n(&waiting.ended, __ATOMIC_SEQ_CST) && clock_monotonic_us() < until_us)
        loop_turn(site.loop, false);
    pthread_join(thread, NULL);
    assert_true(waiting.good);
    assert_false(log_state_wait(site.log, 1000, 1000, &head, NULL));
    waiting = (struct waiting){&site, 1000, true, false};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &waiting), 0);
    log_state_wake(site.log);
    pthread_join(thread, NULL);
    assert_false(waiting.good);
    log_site_stop(&site);
    fake_store_destroy(store);
}

static void a_log_that_contradicts_itself_signs_nothing_more(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head, later;
    log_site_start(&site, store, NULL);
    log_site_settle(&site, &head, NULL);
    size_t checkpoints = fake_store_count(store, STORE_CHECKPOINT);
    log_state_halt(site.log);
    log_site_close(&site);
    assert_false(log_state_wait(site.log, head.size + 1, 300000, &later, NULL));
    log_site_stop(&site);
    assert_int_equal(fake_store_count(store, STORE_CHECKPOINT), checkpoints);
    fake_store_destroy(store);
}

/* ---- a larger log: tiles, proofs, tampering */

#define CLOSES 530u /* two full tiles, and some */

static struct store *large;

static int make_large(void **state) {
    (void)state;
    struct log_site site;
    struct log_head head;
    large = fake_store_create();
    log_site_start(&site, large, NULL);
    for (unsigned i = 0; i < CLOSES; i++)
        log_site_close(&site);
    log_site_settle(&site, &head, NULL);
    log_site_stop(&site);
    return 0;
}

static int drop_large(void **state) {
    (void)state;
    fake_store_destroy(large);
    return 0;
}

static void proofs_of_every_size_verify_from_tiles_and_edge(void **state) {
    (void)state;
    struct fault fault = {0};
    struct log_reader *reader = log_reader_open(large, &fault);
    assert_non_null(reader);
    uint64_t size = log_reader_size(reader);
    assert_true(size > CLOSES);
    assert_int_equal(fake_store_count(large, STORE_TILE), size / 256);
    struct hash *leaves = memory_new_array(size, sizeof *leaves);
    for (uint64_t i = 0; i < size; i++)
        leaves[i] = leaf_of(large, i);
    const uint64_t sizes[] = {1, 2, 255, 256, 257, 300, 511, 512, 513, size - 1, size};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hash root, expected = merkle_root(leaves, sizes[i]);
        struct merkle_path path;
        assert_true(log_reader_root(reader, sizes[i], &root, &fault));
        assert_true(hash_equal(&root, &expected));
        for (uint64_t index = 0; index < sizes[i]; index += 61) {
            assert_true(log_reader_inclusion(reader, index, sizes[i], &path, &fault));
            assert_true(
                merkle_proof_included(&leaves[index], index, sizes[i], path.hashes, path.count, &root));
        }
        for (size_t old = 0; old < i; old++) {
            struct hash old_root = merkle_root(leaves, sizes[old]);
            assert_true(log_reader_consistency(reader, sizes[old], sizes[i], &path, &fault));
            assert_true(
                merkle_proof_consistent(sizes[old], &old_root, sizes[i], &root, path.hashes, path.count));
        }
    }
    struct merkle_path path;
    struct hash hashes[256];
    assert_false(log_reader_inclusion(reader, size, size, &path, &fault));
    assert_false(log_reader_inclusion(reader, 0, size + 1, &path, &fault));
    assert_false(log_reader_consistency(reader, 5, 4, &path, &fault));
    assert_true(log_reader_tile(reader, 0, size / 256, (unsigned)(size % 256), hashes, &fault));
    assert_false(log_reader_tile(reader, 0, size / 256, (unsigned)(size % 256) + 1, hashes, &fault));
    assert_false(log_reader_tile(reader, 9, 0, 1, hashes, &fault));
    free(leaves);
    log_reader_destroy(reader);
}

static void batches_are_found_by_stream_and_number(void **state) {
    (void)state;
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer entry = BUFFER(65535);
    uint64_t index, size;
    assert_true(log_entry_get(large, 300, &entry, &fault));
    assert_true(log_batch_index(large, entry.data + BATCH_ENTRY_STREAM_AT,
                                bytes_get_u64(entry.data + BATCH_ENTRY_SEQ_AT), &index, &fault));
    assert_int_equal(index, 300);
    assert_false(log_batch_index(large, entry.data + BATCH_ENTRY_STREAM_AT, 100000, &index, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_true(log_checkpoint_covering(large, 3, &size, NULL, &fault));
    assert_true(size >= 3);
    assert_false(log_checkpoint_covering(large, 100000, &size, NULL, &fault));
}

static void expect(const struct store *store, const char *wanted) {
    struct log_site_findings findings = log_site_verify(store);
    if (!strstr(findings.first, wanted))
        fail_msg("'%s' was expected first of %u findings, and it is '%s'", wanted, findings.count,
                 findings.first);
}

static void flip(struct store *store, enum store_family family, struct slice key, size_t at) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    assert_true(store_get(store, family, key, &value, NULL));
    uint8_t *bytes = memory_copy(value.slice.data, value.slice.size);
    bytes[at] ^= 0x10;
    fake_store_put(store, family, key, slice_make(bytes, value.slice.size));
    free(bytes);
}

static void what_was_changed_in_the_log_is_found_at_its_place(void **state) {
    (void)state;
    static const uint8_t tile_0[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0}, tile_1[9] = {0, 0, 0, 0, 0, 0, 0, 0, 1},
                         tile_7[9] = {0, 0, 0, 0, 0, 0, 0, 0, 7};
    uint8_t key[8];
    uint64_t size;
    assert_string_equal(log_site_verify(large).first, "");
    struct store *store = fake_store_copy(large); /* a byte of a tile */
    flip(store, STORE_TILE, slice_make(tile_1, 9), 37 * 32 + 5);
    expect(store, "the log's tile 0/1: its hash 37 is not the leaf of log entry 293");
    assert_int_equal(log_site_verify(store).count, 1);
    fake_store_destroy(store);
    store = fake_store_copy(large); /* a tile that is gone: the first, another, all */
    fake_store_delete(store, STORE_TILE, slice_make(tile_0, 9));
    expect(store, "the log's tiles: the first 1 are missing");
    fake_store_delete(store, STORE_TILE, slice_make(tile_1, 9));
    expect(store, "the log's tiles: the first 2 are missing");
    fake_store_destroy(store);
    store = fake_store_copy(large);
    fake_store_delete(store, STORE_TILE, slice_make(tile_1, 9));
    expect(store, "the log's tile 0/1: it is missing");
    fake_store_destroy(store);
    store = fake_store_copy(large); /* one too many */
    fake_store_put(store, STORE_TILE, slice_make(tile_7, 9), SLICE("x"));
    expect(store, "the log's tile 0/7: the log's entries do not fill it");
    fake_store_destroy(store);
    store = fake_store_copy(large); /* an entry dropped, in the middle and at the end */
    fake_store_delete(store, STORE_ENTRY, number(100, key));
    expect(store, "log entry 100 is missing");
    fake_store_destroy(store);
    assert_true(log_checkpoint_newest(large, &size, NULL, NULL));
    store = fake_store_copy(large);
    fake_store_delete(store, STORE_ENTRY, number(size - 1, key));
    assert_true(log_site_verify(store).count > 0);
    fake_store_destroy(store);
    store = fake_store_copy(large); /* an entry changed: also where only the log looks, in the signature */
    flip(store, STORE_ENTRY, number(100, key), 400);
    assert_true(log_site_verify(store).count > 1);
    fake_store_destroy(store);
}

static void what_was_changed_in_checkpoints_and_control_entries_is_found_at_its_place(void **state) {
    (void)state;
    uint8_t key[8], other[8];
    uint64_t size;
    char wanted[100];
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    assert_true(log_checkpoint_newest(large, &size, &note, NULL));
    struct store *store = fake_store_copy(large);
    flip(store, STORE_CHECKPOINT, number(size, key), note.size - 20);
    snprintf(wanted, sizeof wanted, "the checkpoint of size %llu: ", (unsigned long long)size);
    expect(store, wanted);
    fake_store_destroy(store);
    store = fake_store_copy(large); /* an old one as the newest */
    uint64_t first;
    assert_true(log_checkpoint_covering(large, 1, &first, &note, NULL));
    fake_store_put(store, STORE_CHECKPOINT, number(size, key), buffer_slice(&note));
    expect(store, "it says another size");
    fake_store_destroy(store);
    store = fake_store_copy(large); /* a checkpoint over entries that are gone */
    fake_store_put(store, STORE_CHECKPOINT, number(size + 5, key), buffer_slice(&note));
    assert_true(log_site_verify(store).count > 0);
    fake_store_destroy(store);
    store = fake_store_copy(large);
    flip(store, STORE_ENTRY, number(1, key), 100);
    expect(store, "control entry 1, log entry 1: ");
    fake_store_destroy(store);
    store = fake_store_copy(large); /* places */
    fake_store_put(store, STORE_CONTROL, number(2, key), number(9, other));
    expect(store, "control entry 2: it stands at log entry 2, and the store says another place");
    fake_store_delete(store, STORE_CONTROL, number(2, key));
    expect(store, "the control chain: 3 control entries are in the log and 2 have a place");
    fake_store_destroy(store);
    store = fake_store_copy(large);
    fake_store_put(store, STORE_MARK, SLICE(LOG_SIZE_MARK), number(7, key));
    expect(store, "the log's size: 7 entries were committed");
    fake_store_destroy(store);
}

static void a_key_that_nobody_enrolled_is_found(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head;
    log_site_start_unenrolled(&site, store);
    log_site_close(&site);
    log_site_settle(&site, &head, NULL);
    log_site_stop(&site);
    expect(store, "collector.example: log entry 2 is signed by a key that the log had not enrolled then");
    assert_int_equal(log_site_verify(store).count, 1);
    fake_store_destroy(store);
}

/* ---- starts over what is there */

static void a_start_over_a_log_that_is_not_what_was_signed_is_refused(void **state) {
    (void)state;
    uint8_t key[8];
    struct store *store = fake_store_copy(large);
    uint64_t size;
    assert_true(log_checkpoint_newest(large, &size, NULL, NULL));
    assert_string_equal(log_site_refused(store), "");
    fake_store_put(store, STORE_MARK, SLICE(LOG_SIZE_MARK), number(size - 3, key)); /* rolled back */
    assert_non_null(strstr(log_site_refused(store), "entries are lost"));
    fake_store_destroy(store);
    store = fake_store_copy(large);
    flip(store, STORE_ENTRY, number(size - 1, key), 60);
    assert_non_null(strstr(log_site_refused(store), "is not the one whose checkpoint"));
    fake_store_destroy(store);
    store = fake_store_copy(large);
    flip(store, STORE_CHECKPOINT, number(size, key), 3);
    assert_true(strlen(log_site_refused(store)) > 0);
    fake_store_destroy(store);
}

/* The tree's right edge as it was kept before there were tiles. */
static void make_old(struct store *store, bool wrong) {
    struct hash hashes[MERKLE_LEVELS_MOST];
    struct merkle_frontier frontier = merkle_frontier_make(hashes, MERKLE_LEVELS_MOST);
    CLEANUP_BUFFER struct buffer mark = BUFFER(4096);
    uint8_t room[8], value[8];
    assert_true(store_get_fixed(store, STORE_MARK, SLICE(LOG_SIZE_MARK), value, sizeof value, NULL));
    uint64_t size = bytes_get_u64(value);
    for (uint64_t i = 0; i < size; i++) {
        struct hash leaf = leaf_of(store, wrong && i == 7 ? 8 : i);
        merkle_frontier_add(&frontier, &leaf);
        if (i % 256 == 255) {
            uint8_t key[9] = {0};
            bytes_put_u64(key + 1, i / 256);
            fake_store_delete(store, STORE_TILE, slice_make(key, 9));
        }
        CLEANUP_BUFFER struct buffer entry = BUFFER(65535);
        assert_true(log_entry_get(store, i, &entry, NULL));
        if (entry.size == BATCH_ENTRY_SIZE) {
            uint8_t batch[40];
            memcpy(batch, entry.data + BATCH_ENTRY_STREAM_AT, 32);
            memcpy(batch + 32, entry.data + BATCH_ENTRY_SEQ_AT, 8);
            fake_store_delete(store, STORE_BATCH, slice_make(batch, 40));
        }
        (void)room;
    }
    bytes_write_u64(&mark, size);
    for (unsigned level = 0; level < MERKLE_LEVELS_MOST; level++)
        if (size >> level & 1)
            buffer_append_slice(&mark, hash_slice(&hashes[level]));
    fake_store_put(store, STORE_MARK, SLICE("log.tree"), buffer_slice(&mark));
    fake_store_delete(store, STORE_MARK, SLICE(LOG_SIZE_MARK));
    assert_int_equal(fake_store_count(store, STORE_TILE), 0);
    assert_int_equal(fake_store_count(store, STORE_BATCH), 0);
}

static void a_store_from_before_there_were_tiles_gets_them_once(void **state) {
    (void)state;
    struct store *store = fake_store_copy(large);
    make_old(store, false);
    assert_string_equal(log_site_verify(store).first, ""); /* it is good as it is */
    assert_string_equal(log_site_refused(store), "");
    assert_int_equal(fake_store_count(store, STORE_TILE), fake_store_count(large, STORE_TILE));
    assert_int_equal(fake_store_count(store, STORE_BATCH), fake_store_count(large, STORE_BATCH));
    assert_string_equal(log_site_verify(store).first, "");
    uint64_t commits = fake_store_commits(store);
    assert_string_equal(log_site_refused(store), "");
    assert_int_equal(fake_store_commits(store), commits);
    fake_store_destroy(store);
    store = fake_store_copy(large);
    make_old(store, true);
    assert_non_null(strstr(log_site_refused(store), "not those that its tree was made from"));
    fake_store_destroy(store);
}

static void a_log_goes_on_after_any_commit_that_was_the_last(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_head head;
    for (unsigned round = 0; round < 6; round++) {
        struct log_site site;
        log_site_start(&site, store, NULL);
        for (unsigned i = 0; i < round; i++)
            log_site_close(&site);
        if (round % 2)
            log_site_settle(&site, &head, NULL);
        struct store *killed = fake_store_copy(store);
        log_site_stop(&site);
        assert_string_equal(log_site_verify(store).first, "");
        fake_store_destroy(store);
        store = killed;
        assert_string_equal(log_site_verify(store).first, "");
    }
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_begins_with_the_genesis_that_was_printed_then_the_day_and_the_own_stream),
        cmocka_unit_test(a_day_mark_comes_with_every_other_date_in_either_direction),
        cmocka_unit_test(
            a_statement_is_judged_placed_and_answered_and_a_refused_one_takes_its_change_with_it),
        cmocka_unit_test(a_log_without_genesis_takes_no_statement),
        cmocka_unit_test(a_checkpoint_is_persisted_signed_published_and_told_and_never_twice_for_a_size),
        cmocka_unit_test(what_a_publisher_holds_back_is_published_with_what_it_gathered),
        cmocka_unit_test(whoever_waits_gets_it_soon_or_is_let_go_at_a_stop),
        cmocka_unit_test(a_log_that_contradicts_itself_signs_nothing_more),
        cmocka_unit_test(proofs_of_every_size_verify_from_tiles_and_edge),
        cmocka_unit_test(batches_are_found_by_stream_and_number),
        cmocka_unit_test(what_was_changed_in_the_log_is_found_at_its_place),
        cmocka_unit_test(what_was_changed_in_checkpoints_and_control_entries_is_found_at_its_place),
        cmocka_unit_test(a_key_that_nobody_enrolled_is_found),
        cmocka_unit_test(a_start_over_a_log_that_is_not_what_was_signed_is_refused),
        cmocka_unit_test(a_store_from_before_there_were_tiles_gets_them_once),
        cmocka_unit_test(a_log_goes_on_after_any_commit_that_was_the_last),
    };
    return cmocka_run_group_tests_name("log", tests, make_large, drop_large);
}
