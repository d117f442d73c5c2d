/* The collector's own stream over days in seconds: every commit is a point to crash at. */
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "memory.h"
#include "merkle_frontier.h"
#include "part.h"
#include "pipeline.h"
#include "row.h"

#define SECOND UINT64_C(1000000)
#define CRASHES_MOST 400u

/* The committing thread without the thread: one commit a turn, and the clock is ours. */
struct world {
    struct store *store;
    struct store_batch *batch;
    struct signing_key *key;
    struct own_stream *own;
    struct stream_clock clock;
    struct hash tree_hashes[MERKLE_LEVELS_MOST];
    struct merkle_frontier tree;
    uint64_t arrival;
    unsigned given; /* events so far */
    struct store *crashes[CRASHES_MOST];
    unsigned events_at[CRASHES_MOST];
    size_t crash_count;
};

static void put_row(struct world *w, enum row_kind kind, const uint8_t *id, struct slice payload, uint8_t key[8]) {
    uint8_t head[ROW_HEAD];
    row_head(head, kind, w->clock.now_us, id);
    bytes_put_u64(key, w->arrival++);
    const struct slice parts[2] = {slice_make(head, sizeof head), payload};
    store_batch_put_parts(w->batch, STORE_HOT, slice_make(key, 8), parts, 2);
}

static void put_events(void *context, const uint8_t stream_id[32], uint64_t first_event_seq, struct slice message) {
    struct world *w = context;
    uint8_t key[8], index[40];
    put_row(w, ROW_EVENTS, stream_id, message, key);
    memcpy(index, stream_id, 32);
    bytes_put_u64(index + 32, first_event_seq);
    store_batch_put(w->batch, STORE_INDEX, slice_make(index, sizeof index), slice_make(key, 8));
}

static void put_close(void *context, const uint8_t stream_id[32], struct slice entry, struct slice class_list) {
    struct world *w = context;
    uint8_t log_index[8], key[8];
    bytes_put_u64(log_index, w->tree.count);
    struct hash leaf = merkle_leaf(entry);
    merkle_frontier_add(&w->tree, &leaf);
    store_batch_put(w->batch, STORE_ENTRY, slice_make(log_index, 8), entry);
    store_batch_put(w->batch, STORE_CLASS_LIST, slice_make(log_index, 8), class_list);
    store_batch_delete(w->batch, STORE_PART, slice_make(stream_id, 32));
    put_row(w, ROW_CLOSE, stream_id, slice_make(log_index, 8), key);
}

static void put_plain(void *context, enum store_family family, struct slice key, struct slice value) {
    store_batch_put(((struct world *)context)->batch, family, key, value);
}

static void put_tree(struct world *w) {
    CLEANUP_BUFFER struct buffer tree = BUFFER(8 + sizeof w->tree_hashes);
    bytes_write_u64(&tree, w->tree.count);
    for (unsigned level = 0; level < MERKLE_LEVELS_MOST; level++)
        if (w->tree.count >> level & 1)
            buffer_append_slice(&tree, hash_slice(&w->tree.hashes[level]));
    store_batch_put(w->batch, STORE_MARK, SLICE("log.tree"), buffer_slice(&tree));
    uint8_t arrival[8];
    bytes_put_u64(arrival, w->arrival);
    store_batch_put(w->batch, STORE_MARK, SLICE("arrival"), slice_make(arrival, 8));
}

static void read_tree(struct world *w) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    w->tree = merkle_frontier_make(w->tree_hashes, MERKLE_LEVELS_MOST);
    w->arrival = fake_store_count(w->store, STORE_HOT);
    if (!store_get(w->store, STORE_MARK, SLICE("log.tree"), &value, NULL))
        return;
    struct bytes_reader reader = bytes_read(value.slice);
    w->tree.count = bytes_read_u64(&reader);
    for (unsigned level = 0; level < MERKLE_LEVELS_MOST; level++)
        if (w->tree.count >> level & 1)
            bytes_read_into(&reader, w->tree_hashes[level].bytes, HASH_SIZE);
    assert_true(bytes_read_done(&reader));
}

static void world_open(struct world *w, struct store *store) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {9};
    struct fault fault = {0};
    w->store = store;
    w->batch = store_batch_create(store);
    w->key = signing_key_create(seed);
    struct own_stream_settings settings = {store, "collector.example", w->key};
    w->own = own_stream_open(&settings, &fault);
    if (!w->own)
        fail_msg("%s: %s", fault.place, fault.text);
    read_tree(w);
}

static void world_close(struct world *w) {
    own_stream_destroy(w->own);
    store_batch_destroy(w->batch);
    signing_key_destroy(w->key);
}

static void remember(struct world *w) {
    if (w->crash_count == CRASHES_MOST)
        return;
    w->events_at[w->crash_count] = w->given;
    w->crashes[w->crash_count++] = fake_store_copy(w->store);
}

static void commit(struct world *w) {
    struct fault fault = {0};
    if (store_batch_count(w->batch) == 0)
        return;
    put_tree(w);
    assert_true(store_commit(w->store, w->batch, true, &fault));
    remember(w);
}

static void turn(struct world *w, unsigned events, size_t size) {
    struct slice bodies[64];
    uint8_t classes[64] = {0};
    static uint8_t bytes[EVENT_BODY_MOST];
    struct fault fault = {0};
    struct own_stream_output output = {w, put_events, put_close, put_plain};
    assert_in_range(events, 0, 64);
    for (unsigned i = 0; i < events; i++)
        bodies[i] = slice_make(bytes, size);
    store_batch_clear(w->batch);
    if (!own_stream_turn(w->own, &w->clock, bodies, classes, events, &output, &fault))
        fail_msg("%s", fault.text);
    w->given += events;
    commit(w);
}

static void finish(struct world *w) {
    struct fault fault = {0};
    struct own_stream_output output = {w, put_events, put_close, put_plain};
    store_batch_clear(w->batch);
    assert_true(own_stream_finish(w->own, &w->clock, &output, &fault));
    commit(w);
}

static void pass(struct world *w, uint64_t time_us) {
    w->clock.now_us += time_us;
    w->clock.boottime_us += time_us;
}

static struct world *world_new(void) {
    struct world *w = memory_new(sizeof *w);
    w->clock = (struct stream_clock){1700000000 * SECOND, 1000 * SECOND, {1}};
    world_open(w, fake_store_create());
    return w;
}

static void world_free(struct world *w) {
    world_close(w);
    fake_store_destroy(w->store);
    for (size_t i = 0; i < w->crash_count; i++)
        fake_store_destroy(w->crashes[i]);
    free(w);
}

/* A life with all there is: quiet, busy, batches by time and by count, a step of the clock, a reboot. */
static void live(struct world *w) {
    turn(w, 1, 100);
    turn(w, 3, 2000);
    pass(w, 2 * SECOND);
    turn(w, 0, 0);
    for (unsigned i = 0; i < 20; i++) {
        pass(w, 7 * SECOND);
        turn(w, i % 4, 300);
    }
    turn(w, 30, 200000); /* several blocks */
    for (unsigned i = 0; i < 70; i++)
        turn(w, 64, 50); /* more than a batch holds */
    pass(w, 601 * SECOND);
    turn(w, 0, 0); /* a heartbeat */
    w->clock.now_us -= 3600 * SECOND; /* set back: the log's time stands still */
    turn(w, 2, 100);
    pass(w, 61 * SECOND);
    turn(w, 2, 100);
}

static void a_life_is_verified_whole(void **state) {
    (void)state;
    struct world *w = world_new();
    live(w);
    finish(w);
    struct pipeline_verified verified = pipeline_verify(w->store);
    assert_int_equal(verified.events, w->given);
    assert_int_equal(verified.streams, 1);
    assert_in_range(verified.batches, 5, 40);
    world_free(w);
}

/* The same clock, or another boot's. */
static void crash_and_go_on(const struct world *w, size_t at, bool reboot) {
    struct world *again = memory_new(sizeof *again);
    again->clock = w->clock;
    again->given = w->events_at[at];
    if (reboot) {
        again->clock.boot_id[0] = 2;
        again->clock.boottime_us = 10 * SECOND;
    }
    world_open(again, fake_store_copy(w->crashes[at]));
    turn(again, 2, 100);
    pass(again, SECOND);
    turn(again, 1, 100);
    finish(again);
    assert_int_equal(pipeline_verify(again->store).events, again->given);
    world_free(again);
}

static void after_a_crash_at_any_commit_it_goes_on_without_a_gap_or_a_fork(void **state) {
    (void)state;
    struct world *w = world_new();
    live(w);
    assert_in_range(w->crash_count, 50, CRASHES_MOST - 1);
    for (size_t i = 0; i < w->crash_count; i++)
        crash_and_go_on(w, i, i % 2);
    world_free(w);
}

static void a_stop_closes_what_is_open_and_a_start_goes_on(void **state) {
    (void)state;
    struct world *w = world_new();
    for (unsigned i = 0; i < 5; i++) {
        turn(w, 2, 100);
        finish(w);
        struct store *store = w->store;
        world_close(w);
        assert_int_equal(pipeline_verify(store).events, w->given);
        pass(w, SECOND);
        world_open(w, store);
    }
    finish(w);
    assert_int_equal(pipeline_verify(w->store).events, w->given);
    world_free(w);
}

static void a_part_stands_for_what_is_open_at_most_one_a_second(void **state) {
    (void)state;
    struct world *w = world_new();
    turn(w, 1, 100);
    pass(w, 2 * SECOND);
    turn(w, 1, 100);
    assert_int_equal(fake_store_count(w->store, STORE_PART), 1);
    uint64_t puts = fake_store_puts(w->store, STORE_PART);
    for (unsigned i = 0; i < 9; i++) {
        pass(w, SECOND / 10);
        turn(w, 1, 100);
    }
    assert_int_equal(fake_store_puts(w->store, STORE_PART), puts);
    /* It says when it wants to be turned for the next one. */
    uint64_t deadline = own_stream_deadline(w->own, &w->clock);
    assert_in_range(deadline, w->clock.now_us, w->clock.now_us + SECOND);
    pass(w, deadline - w->clock.now_us);
    turn(w, 0, 0);
    assert_int_equal(fake_store_puts(w->store, STORE_PART), puts + 1);
    world_free(w);
}

static void a_clock_set_back_keeps_no_part_from_being_signed(void **state) {
    (void)state;
    struct world *w = world_new();
    turn(w, 1, 100);
    pass(w, 2 * SECOND);
    turn(w, 1, 100);
    uint64_t puts = fake_store_puts(w->store, STORE_PART);
    w->clock.now_us -= 1000 * SECOND;
    turn(w, 1, 100);
    uint64_t deadline = own_stream_deadline(w->own, &w->clock);
    assert_in_range(deadline, w->clock.now_us, w->clock.now_us + 2 * SECOND);
    pass(w, 2 * SECOND);
    turn(w, 0, 0);
    assert_true(fake_store_puts(w->store, STORE_PART) > puts);
    world_free(w);
}

static void a_state_that_cannot_be_read_is_refused_with_its_place(void **state) {
    (void)state;
    struct world *w = world_new();
    turn(w, 3, 100);
    pass(w, 61 * SECOND);
    turn(w, 3, 100);
    struct store *damaged = fake_store_copy(w->store);
    CLEANUP_STORE_VALUE struct store_value value = {0};
    assert_true(store_get(damaged, STORE_MARK, SLICE(OWN_STREAM_MARK), &value, NULL));
    uint8_t bytes[STREAM_WRITER_STATE_MOST];
    memcpy(bytes, value.slice.data, value.slice.size);
    bytes[40] ^= 1;
    fake_store_put(damaged, STORE_MARK, SLICE(OWN_STREAM_MARK), slice_make(bytes, value.slice.size));
    struct own_stream_settings settings = {damaged, "collector.example", w->key};
    struct fault fault = {0};
    assert_null(own_stream_open(&settings, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    assert_non_null(strstr(fault.place, "own stream"));
    fake_store_destroy(damaged);
    world_free(w);
}

static void rows_of_the_open_batch_that_are_damaged_are_refused(void **state) {
    (void)state;
    struct world *w = world_new();
    turn(w, 0, 0);
    turn(w, 3, 100);
    struct store *damaged = fake_store_copy(w->store);
    uint8_t key[8];
    bytes_put_u64(key, w->arrival - 1);
    fake_store_put(damaged, STORE_HOT, slice_make(key, 8), SLICE("nonsense"));
    struct own_stream_settings settings = {damaged, "collector.example", w->key};
    struct fault fault = {0};
    assert_null(own_stream_open(&settings, &fault));
    assert_true(fault.code != FAULT_NONE);
    fake_store_delete(damaged, STORE_HOT, slice_make(key, 8));
    assert_null(own_stream_open(&settings, &fault));
    fake_store_destroy(damaged);
    world_free(w);
}

static void a_name_that_is_no_host_is_refused(void **state) {
    (void)state;
    struct world *w = world_new();
    struct own_stream_settings settings = {w->store, "No Host!", w->key};
    struct fault fault = {0};
    assert_null(own_stream_open(&settings, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_is_verified_whole),
        cmocka_unit_test(after_a_crash_at_any_commit_it_goes_on_without_a_gap_or_a_fork),
        cmocka_unit_test(a_stop_closes_what_is_open_and_a_start_goes_on),
        cmocka_unit_test(a_part_stands_for_what_is_open_at_most_one_a_second),
        cmocka_unit_test(a_clock_set_back_keeps_no_part_from_being_signed),
        cmocka_unit_test(a_state_that_cannot_be_read_is_refused_with_its_place),
        cmocka_unit_test(rows_of_the_open_batch_that_are_damaged_are_refused),
        cmocka_unit_test(a_name_that_is_no_host_is_refused),
    };
    return cmocka_run_group_tests_name("own_stream", tests, NULL, NULL);
}
