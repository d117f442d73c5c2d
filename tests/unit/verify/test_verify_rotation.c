/* A store in which a host's key was rotated, and what its verifier must find: statements that are missing, forged, for
 * another log, or that leave an epoch out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bytes.h"
#include "merkle_frontier.h"
#include "rotation.h"
#include "rotation_row.h"
#include "row.h"
#include "store_verifier.h"
#include "stream_id.h"
#include "stream_row.h"
#include "stream_writer.h"

#define HOST "h1.example"
#define KEYS 4u /* the first three are used in turn */

struct world {
    struct signing_key *keys[KEYS];
    struct hash log, other_log;
    struct store_verifier *verifier;
    struct stream_writer *writer;
    struct stream_clock clock;
    struct hash tree_hashes[MERKLE_LEVELS_MOST];
    struct merkle_frontier tree;
    uint64_t arrival;
    unsigned findings;
    char text[4][FAULT_LINE_SIZE]; /* of the first ones */
};

static void note(void *context, const char *place, const char *text) {
    struct world *w = context;
    if (w->findings < 4)
        snprintf(w->text[w->findings], sizeof w->text[0], "%s: %s", place, text);
    w->findings++;
}

static struct hash stream_of(const struct world *w, enum lane lane) {
    char name[STREAM_NAME_SIZE];
    assert_true(stream_name_make(SLICE(HOST), lane, name));
    return stream_id_make(slice_string(name), signing_key_public(w->keys[0]));
}

static int world_make(void **state) {
    static struct world w;
    w = (struct world){.clock = {.now_us = 1000000000, .boottime_us = 1000000, .boot_id = {1}}};
    for (uint8_t i = 0; i < KEYS; i++) {
        const uint8_t seed[ED25519_SEED_SIZE] = {7, i};
        w.keys[i] = signing_key_create(seed);
    }
    w.log = statement_log(SLICE("log.example"), signing_key_public(w.keys[3]));
    w.other_log = statement_log(SLICE("other.example"), signing_key_public(w.keys[3]));
    w.verifier = store_verifier_create(note, &w);
    store_verifier_set_log(w.verifier, &w.log);
    w.tree = merkle_frontier_make(w.tree_hashes, MERKLE_LEVELS_MOST);
    const struct stream_writer_settings settings = {.lane = LANE_SECURITY,
                                                    .stream_id = stream_of(&w, LANE_SECURITY),
                                                    .key = w.keys[0],
                                                    .random = random_source_system(),
                                                    .batch_us = STREAM_BATCH_US,
                                                    .heartbeat_us = STREAM_BATCH_US};
    w.writer = stream_writer_create(&settings);
    *state = &w;
    return 0;
}

static int world_drop(void **state) {
    struct world *w = *state;
    for (unsigned i = 0; i < KEYS; i++)
        signing_key_destroy(w->keys[i]);
    store_verifier_destroy(w->verifier);
    stream_writer_destroy(w->writer);
    return 0;
}

static void give(struct world *w, enum store_family family, struct slice key, struct slice value) {
    store_verifier_row(w->verifier, family, key, value);
}

/* The registry's row for a rotation of old → next that opens `epoch`, under the key of `row_epoch`. */
struct statement_choice {
    unsigned old, next;
    uint32_t epoch, row_epoch;
    const struct hash *log;
    size_t flip; /* a byte from the end; 0: none */
};

static void give_statement(struct world *w, const struct statement_choice *choice) {
    CLEANUP_BUFFER struct buffer value = BUFFER(ROTATION_MOST), key = BUFFER(ROTATION_ROW_KEY_MOST);
    const uint8_t nonce[STATEMENT_NONCE_SIZE] = {(uint8_t)choice->epoch};
    const struct rotation_place place = {choice->log, SLICE(HOST), signing_key_public(w->keys[0]),
                                         signing_key_public(w->keys[choice->old]), choice->epoch - 1};
    assert_true(rotation_sign(&place, w->keys[choice->old], w->keys[choice->next], nonce, 5, &value));
    if (choice->flip)
        value.data[value.size - choice->flip] ^= 1;
    struct hash id = stream_of(w, LANE_SECURITY);
    rotation_row_key(&key, SLICE(HOST), id.bytes, choice->row_epoch);
    give(w, STORE_REGISTRY, buffer_slice(&key), buffer_slice(&value));
}

static void give_good_statements(struct world *w) {
    give_statement(w, &(struct statement_choice){0, 1, 1, 1, &w->log, 0});
    give_statement(w, &(struct statement_choice){1, 2, 2, 2, &w->log, 0});
}

static void give_stream(struct world *w) {
    CLEANUP_BUFFER struct buffer row = BUFFER(STREAM_ROW_MOST);
    struct hash id = stream_of(w, LANE_SECURITY);
    const struct stream_row content = {
        LANE_SECURITY, SLICE(HOST), signing_key_public(w->keys[0])->bytes, {NULL, 0}};
    stream_row_write(&row, &content);
    give(w, STORE_STREAM, hash_slice(&id), buffer_slice(&row));
}

static void give_close(struct world *w, const struct stream_close *close) {
    uint8_t index[8], arrival[8], row[ROW_HEAD + 8];
    struct hash id = stream_of(w, LANE_SECURITY),
                leaf = merkle_leaf(slice_make(close->entry, sizeof close->entry));
    bytes_put_u64(index, w->tree.count);
    bytes_put_u64(arrival, w->arrival++);
    merkle_frontier_add(&w->tree, &leaf);
    give(w, STORE_ENTRY, slice_make(index, 8), slice_make(close->entry, sizeof close->entry));
    give(w, STORE_CLASS_LIST, slice_make(index, 8), slice_make(close->class_list, close->class_list_size));
    row_head(row, ROW_CLOSE, w->clock.now_us, id.bytes);
    memcpy(row + ROW_HEAD, index, 8);
    give(w, STORE_HOT, slice_make(arrival, 8), slice_make(row, sizeof row));
}

static void pass(struct world *w) {
    w->clock.now_us += 1000000;
    w->clock.boottime_us += 1000000;
}

static void heartbeat(struct world *w) {
    struct stream_close close;
    pass(w);
    assert_true(stream_writer_close(w->writer, &w->clock, NULL, &close, NULL));
    give_close(w, &close);
}

static void rotate(struct world *w, unsigned next) {
    struct stream_close close;
    pass(w);
    assert_true(stream_writer_rotate(w->writer, &w->clock, NULL, &close, NULL));
    give_close(w, &close);
    assert_true(stream_writer_epoch(w->writer, w->keys[next], NULL));
    heartbeat(w);
}

/* The stream: three epochs, each with a heartbeat. */
static struct store_verified give_rows(struct world *w) {
    struct stream_close close;
    give_stream(w);
    assert_true(stream_writer_break(w->writer, &w->clock, NULL));
    assert_true(stream_writer_close(w->writer, &w->clock, NULL, &close, NULL));
    give_close(w, &close);
    heartbeat(w);
    rotate(w, 1);
    rotate(w, 2);
    CLEANUP_BUFFER struct buffer tree = BUFFER(8 + sizeof w->tree_hashes);
    bytes_write_u64(&tree, w->tree.count);
    for (unsigned level = 0; level < MERKLE_LEVELS_MOST; level++)
        if (w->tree.count >> level & 1)
            buffer_append_slice(&tree, hash_slice(&w->tree.hashes[level]));
    uint8_t arrival[8];
    bytes_put_u64(arrival, w->arrival);
    give(w, STORE_MARK, SLICE("arrival"), slice_make(arrival, sizeof arrival));
    give(w, STORE_MARK, SLICE("log.tree"), buffer_slice(&tree));
    return store_verifier_finish(w->verifier);
}

static void expect(const struct world *w, unsigned findings, const char *first) {
    if (w->findings != findings || (findings && !strstr(w->text[0], first)))
        fail_msg("%u findings, the first: %s", w->findings, w->text[0]);
}

static void two_rotations_with_their_statements_are_good(void **state) {
    struct world *w = *state;
    give_good_statements(w);
    struct store_verified summary = give_rows(w);
    expect(w, 0, "");
    assert_int_equal(summary.batches, 6);
}

static void a_missing_statement_is_found(void **state) {
    struct world *w = *state;
    give_statement(w, &(struct statement_choice){0, 1, 1, 1, &w->log, 0});
    give_rows(w);
    expect(w, 1, "key epoch 1 has ended and no statement names the next key");
}

static void an_epoch_that_is_left_out_is_found(void **state) {
    struct world *w = *state;
    give_statement(w, &(struct statement_choice){1, 2, 2, 2, &w->log, 0});
    give_rows(w);
    expect(w, 1, "an epoch is left out");
}

static void a_forged_statement_is_found_and_not_used(void **state) {
    struct world *w = *state;
    give_statement(w, &(struct statement_choice){0, 1, 1, 1, &w->log, 1});
    give_rows(w);
    expect(w, 2, "not signed by the new key");
    assert_non_null(strstr(w->text[0], HOST ", rotation to epoch 1"));
    assert_non_null(strstr(w->text[1], "no statement names the next key"));
}

static void a_statement_by_another_old_key_is_found(void **state) {
    struct world *w = *state;
    give_statement(w, &(struct statement_choice){3, 1, 1, 1, &w->log, 0});
    give_rows(w);
    expect(w, 1, "old key is not the one in force");
}

static void a_statement_for_another_key_than_the_one_used_is_found(void **state) {
    struct world *w = *state;
    give_statement(w, &(struct statement_choice){0, 3, 1, 1, &w->log, 0});
    give_rows(w);
    expect(w, 1, "signature");
}

static void a_statement_of_another_log_is_found(void **state) {
    struct world *w = *state;
    give_statement(w, &(struct statement_choice){0, 1, 1, 1, &w->other_log, 0});
    give_rows(w);
    expect(w, 1, "another log");
}

static void a_statement_under_another_epochs_row_is_found(void **state) {
    struct world *w = *state;
    give_good_statements(w);
    give_statement(w, &(struct statement_choice){1, 2, 2, 3, &w->log, 0});
    give_rows(w);
    expect(w, 1, "another host, stream or epoch");
}

static void a_row_of_rubbish_is_found(void **state) {
    struct world *w = *state;
    give_good_statements(w);
    give(w, STORE_REGISTRY, SLICE("r"), SLICE("x"));
    give_rows(w);
    expect(w, 1, "?, rotation to epoch 0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(two_rotations_with_their_statements_are_good),
        TEST(a_missing_statement_is_found),
        TEST(an_epoch_that_is_left_out_is_found),
        TEST(a_forged_statement_is_found_and_not_used),
        TEST(a_statement_by_another_old_key_is_found),
        TEST(a_statement_for_another_key_than_the_one_used_is_found),
        TEST(a_statement_of_another_log_is_found),
        TEST(a_statement_under_another_epochs_row_is_found),
        TEST(a_row_of_rubbish_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
