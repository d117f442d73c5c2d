/* A log in a real store whose entries go into columns: whoever reads them sees no difference. */
#include "store_fixture.h"

#include <stdlib.h>

#include "batch_entry.h"
#include "bytes.h"
#include "checkpoint.h"
#include "class_list.h"
#include "entry_block.h"
#include "entry_packing.h"
#include "log_cursor.h"
#include "log_reader.h"
#include "memory.h"
#include "merkle_tile_builder.h"
#include "note_key.h"
#include "store_dump.h"

#define STREAMS 3
#define ENTRIES 1100u

struct site {
    struct store *store;
    struct store_batch *batch;
    struct merkle_tile_builder *tree;
    struct signing_key *key;
    struct note_key log;
    uint8_t last[STREAMS][BATCH_ENTRY_SIZE];
    uint64_t seen_size;
    struct hash seen_root;
    struct entry_block *block;
};

static struct slice number_key(uint64_t number, uint8_t at[8]) {
    bytes_put_u64(at, number);
    return slice_make(at, 8);
}

static void commit(struct site *site) {
    struct fault fault = {0};
    if (!store_commit(site->store, site->batch, true, &fault))
        fail_msg("%s", fault.text);
    store_batch_clear(site->batch);
}

static void append(struct site *site, struct slice entry) {
    uint8_t key[9];
    struct hash leaf = merkle_leaf(entry);
    uint64_t index = merkle_tile_builder_size(site->tree);
    unsigned filled = merkle_tile_builder_add(site->tree, &leaf);
    store_batch_put(site->batch, STORE_ENTRY, number_key(index, key), entry);
    for (unsigned level = 0; level < filled; level++) {
        struct merkle_tile tile;
        const struct hash *hashes = merkle_tile_builder_tile(site->tree, level, &tile);
        key[0] = (uint8_t)level;
        bytes_put_u64(key + 1, tile.index);
        store_batch_put(site->batch, STORE_TILE, slice_make(key, 9),
                        slice_make(hashes, tile.width * sizeof *hashes));
    }
}

static void append_batch(struct site *site, unsigned stream, unsigned events) {
    uint8_t key[8], bytes[BATCH_ENTRY_SIZE], list_bytes[CLASS_LIST_MOST], *last = site->last[stream];
    struct class_list list = {.count = events ? 1 : 0,
                              .items = {{CLASS_ACCESS, events, {{(uint8_t)events}}}}};
    size_t size = class_list_write(&list, list_bytes);
    struct batch_entry entry = {
        .kind = BATCH_BREAK, .open_us = 1000000, .close_us = 1000000, .seen = seen_none()};
    memset(entry.stream_id.bytes, (int)stream + 1, HASH_SIZE);
    if (last[0]) {
        assert_true(batch_entry_read(slice_make(last, sizeof bytes), &entry, NULL));
        entry.batch_seq++;
        entry.first_event_seq += entry.event_count;
        entry.kind = events ? BATCH_DATA : BATCH_HEARTBEAT;
        entry.open_us = entry.close_us;
        entry.close_us += 60000000;
        entry.boottime_us += 60000000;
        entry.prev = batch_entry_hash(slice_make(last, sizeof bytes));
    }
    entry.event_count = events;
    entry.cum[CLASS_ACCESS] += events;
    entry.event_root = class_list_event_root(slice_make(list_bytes, size));
    if (site->seen_size) {
        memcpy(entry.seen.key_id, "log!", 4);
        entry.seen.size = site->seen_size;
        entry.seen.root = site->seen_root;
    }
    batch_entry_sign(&entry, site->key, bytes);
    memcpy(last, bytes, sizeof bytes);
    store_batch_put(site->batch, STORE_CLASS_LIST, number_key(merkle_tile_builder_size(site->tree), key),
                    slice_make(list_bytes, size));
    append(site, slice_make(bytes, sizeof bytes));
}

static void append_checkpoint(struct site *site) {
    uint8_t key[8];
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    site->seen_size = merkle_tile_builder_size(site->tree);
    site->seen_root = merkle_tile_builder_root(site->tree);
    struct checkpoint checkpoint = {SLICE("example.org/log"), site->seen_size, site->seen_root};
    assert_true(checkpoint_sign(&note, &checkpoint, &site->log, site->key));
    store_batch_put(site->batch, STORE_CHECKPOINT, number_key(site->seen_size, key), buffer_slice(&note));
}

static void open_site(void **state, struct site *site) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {3};
    struct store_options options = {.create = true, .floor_bytes = 1, .ballast_bytes = 1};
    struct fault fault = {0};
    uint8_t mark[8];
    *site = (struct site){.tree = merkle_tile_builder_create(), .key = signing_key_create(seed)};
    assert_true(note_key_make(NOTE_KEY_LOG, SLICE("example.org/log"), signing_key_public(site->key),
                              &site->log, NULL));
    site->store = store_open(fixture_path(state, "store"), &options, &fault);
    assert_non_null(site->store);
    site->batch = store_batch_create(site->store);
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (i % 50 == 0)
            append(site, SLICE("tocsin/ctrl/v1\0 and whatever a statement says"));
        else
            append_batch(site, i % 7 % STREAMS, i % 5 == 0 ? i : 0);
        if (i % 10 == 9)
            append_checkpoint(site);
    }
    store_batch_put(site->batch, STORE_MARK, SLICE(LOG_SIZE_MARK), number_key(ENTRIES, mark));
    commit(site);
}

static void close_site(struct site *site) {
    store_batch_destroy(site->batch);
    merkle_tile_builder_destroy(site->tree);
    entry_block_close(site->block);
    signing_key_destroy(site->key);
    store_close(site->store);
}

/* Everything that a cursor over the family gives. */
static void gather(struct site *site, enum store_family family, uint64_t from, struct buffer *to) {
    uint8_t key[8];
    struct fault fault = {0};
    struct log_cursor *cursor = log_cursor_create(site->store, family, NULL);
    log_cursor_share(cursor, &site->block);
    buffer_clear(to);
    for (bool on = log_cursor_at_or_after(cursor, from ? number_key(from, key) : SLICE("")); on;
         on = log_cursor_next(cursor)) {
        bytes_write_block(to, log_cursor_key(cursor));
        bytes_write_block(to, log_cursor_value(cursor));
    }
    if (!log_cursor_good(cursor, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    log_cursor_destroy(cursor);
}

static bool take_dumped(void *context, enum store_family family, struct slice key, struct slice value) {
    bytes_write_u8(context, (uint8_t)family);
    bytes_write_block(context, key);
    return bytes_write_block(context, value);
}

static struct entry_packed pack(struct site *site, uint64_t end) {
    struct entry_packed packed;
    struct fault fault = {0};
    struct change *change = change_create();
    struct change_step step;
    if (!entry_packing_step(site->store, end, change, &packed, &fault))
        fail_msg("%s: %s", fault.place, fault.text);
    for (size_t place = 0; change_next(change, &place, &step);)
        if (step.kind == CHANGE_PUT)
            store_batch_put(site->batch, step.family, step.key, step.value);
        else
            store_batch_delete_range(site->batch, step.family, step.key, step.value);
    change_destroy(change);
    commit(site);
    return packed;
}

static size_t rows_of(const struct site *site, enum store_family family) {
    size_t rows = 0;
    struct store_cursor *cursor = store_cursor_create(site->store, family, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_first(cursor); on; on = store_cursor_next(cursor))
        rows++;
    store_cursor_destroy(cursor);
    return rows;
}

static void whoever_reads_sees_no_difference(void **state) {
    struct site site;
    static const enum store_family families[] = {STORE_ENTRY, STORE_CLASS_LIST};
    static const uint64_t starts[] = {0, 1, 255, 256, 500, 511, 512, 1023, 1024, 1099, 1100, UINT64_MAX};
    enum { CASES = 2 * sizeof starts / sizeof *starts };
    struct buffer before[CASES], dumped = BUFFER(1 << 24), now = BUFFER(1 << 24);
    uint64_t rows;
    open_site(state, &site);
    for (size_t i = 0; i < CASES; i++) {
        before[i] = BUFFER(1 << 24);
        gather(&site, families[i % 2], starts[i / 2], &before[i]);
    }
    assert_true(store_dump(site.store, take_dumped, &dumped, &rows, NULL));
    static const uint64_t ends[] = {255, 600, 600, ENTRIES, ENTRIES};
    static const uint64_t packed_to[] = {0, 512, 512, 1024, 1024};
    for (size_t round = 0; round < sizeof ends / sizeof *ends; round++) {
        struct entry_packed packed = pack(&site, ends[round]);
        uint64_t was = round ? packed_to[round - 1] : 0;
        assert_int_equal(packed.end - packed.first, packed_to[round] - was);
        assert_int_equal(rows_of(&site, STORE_ENTRY), ENTRIES - packed_to[round]);
        for (size_t i = 0; i < CASES; i++) {
            gather(&site, families[i % 2], starts[i / 2], &now);
            assert_true(slice_equal(buffer_slice(&now), buffer_slice(&before[i])));
        }
        buffer_clear(&now);
        assert_true(store_dump(site.store, take_dumped, &now, &rows, NULL));
        assert_true(slice_equal(buffer_slice(&now), buffer_slice(&dumped)));
    }
    assert_int_equal(rows_of(&site, STORE_ENTRY_BLOCK), 2);
    for (uint64_t i = 0; i < ENTRIES; i += 97) {
        struct fault fault = {0};
        CLEANUP_BUFFER struct buffer entry = BUFFER(1 << 16), list = BUFFER(1 << 16);
        assert_true(log_entry_get(site.store, i, &entry, &fault));
        assert_int_equal(log_class_list_get(site.store, i, &list, &fault), i % 50 != 0);
        assert_true(i % 50 != 0 || fault.code == FAULT_MISSING);
    }
    struct log_reader *reader = log_reader_open(site.store, NULL);
    struct hash root, expected = merkle_tile_builder_root(site.tree);
    assert_true(log_reader_root(reader, ENTRIES, &root, NULL));
    assert_true(hash_equal(&root, &expected));
    log_reader_destroy(reader);
    for (size_t i = 0; i < CASES; i++)
        buffer_free(&before[i]);
    buffer_free(&dumped);
    buffer_free(&now);
    close_site(&site);
}

/* As after a restore: rows again, and a block that was made since. */
static void rows_before_a_block_are_packed_up_to_it(void **state) {
    struct site site;
    uint8_t key[8];
    CLEANUP_BUFFER struct buffer before = BUFFER(1 << 24), now = BUFFER(1 << 24);
    open_site(state, &site);
    gather(&site, STORE_ENTRY, 0, &before);
    CLEANUP_BUFFER struct buffer first = BUFFER(1 << 16);
    for (uint64_t i = 0; i < 256; i++)
        store_batch_delete(site.batch, STORE_ENTRY, number_key(i, key));
    commit(&site);
    assert_int_equal(pack(&site, ENTRIES).first, 256);
    struct bytes_reader rows = bytes_read(buffer_slice(&before));
    for (uint64_t i = 0; i < 256; i++) {
        struct slice at = bytes_read_block(&rows), entry = bytes_read_block(&rows);
        store_batch_put(site.batch, STORE_ENTRY, at, entry);
    }
    commit(&site);
    struct entry_packed packed = pack(&site, ENTRIES);
    assert_int_equal(packed.first, 0);
    assert_int_equal(packed.end, 256);
    gather(&site, STORE_ENTRY, 0, &now);
    assert_true(slice_equal(buffer_slice(&now), buffer_slice(&before)));
    close_site(&site);
}

static void a_row_that_is_not_its_leaf_stays_a_row(void **state) {
    struct site site;
    uint8_t key[8];
    struct fault fault = {0};
    struct entry_packed packed;
    open_site(state, &site);
    CLEANUP_BUFFER struct buffer entry = BUFFER(1 << 16);
    assert_true(log_entry_get(site.store, 300, &entry, NULL));
    entry.data[entry.size - 1] ^= 1;
    store_batch_put(site.batch, STORE_ENTRY, number_key(300, key), buffer_slice(&entry));
    commit(&site);
    struct change *change = change_create();
    assert_false(entry_packing_step(site.store, ENTRIES, change, &packed, &fault));
    assert_int_equal(fault.code, FAULT_FORMAT);
    assert_string_equal(fault.place, "log entry 300");
    assert_true(change_is_empty(change));
    change_destroy(change);
    close_site(&site);
}

static void a_block_that_was_changed_is_told_and_the_rest_is_given(void **state) {
    struct site site;
    uint8_t key[8];
    struct fault fault = {0};
    uint64_t index;
    open_site(state, &site);
    pack(&site, 300);
    pack(&site, ENTRIES);
    CLEANUP_BUFFER struct buffer block = BUFFER(ENTRY_BLOCK_MOST), entry = BUFFER(1 << 16);
    assert_true(store_get_copy(site.store, STORE_ENTRY_BLOCK, number_key(0, key), &block, NULL));
    for (size_t at = 0; at < block.size; at += block.size / 40) {
        block.data[at] ^= 0x10;
        store_batch_put(site.batch, STORE_ENTRY_BLOCK, number_key(0, key), buffer_slice(&block));
        commit(&site);
        struct log_cursor *cursor = log_cursor_create(site.store, STORE_ENTRY, NULL);
        size_t given = 0;
        for (bool on = log_cursor_at_or_after(cursor, SLICE("")); on; on = log_cursor_next(cursor))
            given++;
        assert_in_range(given, ENTRIES - 256, ENTRIES - 1);
        assert_false(log_cursor_good(cursor, &fault));
        assert_non_null(log_cursor_damage(cursor, &index));
        assert_in_range(index, 0, 255);
        log_cursor_destroy(cursor);
        fault = (struct fault){0};
        buffer_clear(&entry);
        assert_false(log_entry_get(site.store, index, &entry, &fault));
        assert_int_not_equal(fault.code, 0);
        assert_true(log_entry_get(site.store, 256, &entry, NULL));
        block.data[at] ^= 0x10;
    }
    /* A checkpoint that is gone takes those with it that have seen it, and no others. */
    store_batch_put(site.batch, STORE_ENTRY_BLOCK, number_key(0, key), buffer_slice(&block));
    store_batch_delete(site.batch, STORE_CHECKPOINT, number_key(100, key));
    commit(&site);
    buffer_clear(&entry);
    assert_true(log_entry_get(site.store, 50, &entry, &fault));
    assert_true(log_entry_get(site.store, 300, &entry, &fault));
    close_site(&site);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whoever_reads_sees_no_difference, fixture_folder_make,
                                        fixture_folder_remove),
        cmocka_unit_test_setup_teardown(rows_before_a_block_are_packed_up_to_it, fixture_folder_make,
                                        fixture_folder_remove),
        cmocka_unit_test_setup_teardown(a_row_that_is_not_its_leaf_stays_a_row, fixture_folder_make,
                                        fixture_folder_remove),
        cmocka_unit_test_setup_teardown(a_block_that_was_changed_is_told_and_the_rest_is_given,
                                        fixture_folder_make, fixture_folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
