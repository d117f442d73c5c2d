#include "log_upgrade.h"

#include <inttypes.h>

#include "batch_entry.h"
#include "bytes.h"
#include "log.h"
#include "log_reader.h"
#include "log_tiles.h"
#include "merkle_frontier.h"

#define TREE_MARK "log.tree" /* u64 size ‖ one hash for each bit set in it, from the lowest */
#define STEP_BYTES (4u * 1024 * 1024)

struct upgrade {
    struct store *store;
    struct store_batch *batch;
    struct merkle_tile_builder *tree;
};

static bool old_root(struct slice mark, uint64_t *ret_size, struct hash *ret_root, struct fault *fault) {
    struct bytes_reader reader = bytes_read(mark);
    struct hash hashes[MERKLE_LEVELS_MOST];
    struct merkle_frontier frontier = merkle_frontier_make(hashes, MERKLE_LEVELS_MOST);
    frontier.count = bytes_read_u64(&reader);
    for (unsigned level = 0; level < MERKLE_LEVELS_MOST; level++)
        if (frontier.count >> level & 1)
            bytes_read_into(&reader, hashes[level].bytes, HASH_SIZE);
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "the log's tree in the store cannot be read");
    *ret_size = frontier.count;
    *ret_root = merkle_frontier_root(&frontier);
    return true;
}

static void add_entry(struct upgrade *upgrade, uint64_t index, struct slice entry) {
    uint8_t number[8], key[40];
    struct hash leaf = merkle_leaf(entry);
    log_tiles_add(upgrade->tree, &leaf, upgrade->batch);
    if (entry.size != BATCH_ENTRY_SIZE)
        return;
    bytes_put_u64(number, index);
    memcpy(key, entry.data + BATCH_ENTRY_STREAM_AT, 32);
    memcpy(key + 32, entry.data + BATCH_ENTRY_SEQ_AT, 8);
    store_batch_put(upgrade->batch, STORE_BATCH, slice_make(key, sizeof key),
                    slice_make(number, sizeof number));
}

static bool step(struct upgrade *upgrade, bool last, struct fault *fault) {
    if (!last && store_batch_size(upgrade->batch) < STEP_BYTES)
        return true;
    bool good = store_commit(upgrade->store, upgrade->batch, last, fault);
    store_batch_clear(upgrade->batch);
    return good;
}

static bool add_entries(struct upgrade *upgrade, uint64_t size, struct fault *fault) {
    struct store_cursor *cursor =
        store_cursor_create(upgrade->store, STORE_ENTRY, NULL, (struct slice){NULL, 0});
    uint64_t index = 0;
    bool good = true;
    for (bool on = store_cursor_first(cursor); good && on && index < size;
         on = store_cursor_next(cursor), index++) {
        struct slice key = store_cursor_key(cursor);
        if (key.size != 8 || bytes_get_u64(key.data) != index)
            break;
        add_entry(upgrade, index, store_cursor_value(cursor));
        good = step(upgrade, false, fault);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good &&
           (index == size || fault_set(fault, FAULT_FORMAT, "log entry %" PRIu64 " is missing", index));
}

static bool run(struct upgrade *upgrade, struct slice mark, struct fault *fault) {
    uint64_t size;
    uint8_t number[8];
    struct hash expected;
    if (!old_root(mark, &size, &expected, fault) || !add_entries(upgrade, size, fault))
        return false;
    struct hash root = merkle_tile_builder_root(upgrade->tree);
    if (!hash_equal(&root, &expected))
        return fault_set(fault, FAULT_CONFLICT,
                         "the log's entries are not those that its tree was made from: `tocsin "
                         "verify` says which");
    bytes_put_u64(number, size);
    store_batch_put(upgrade->batch, STORE_MARK, SLICE(LOG_SIZE_MARK), slice_make(number, sizeof number));
    store_batch_delete(upgrade->batch, STORE_MARK, SLICE(TREE_MARK));
    log_notice("the log's %" PRIu64 " entries have their tiles now", size);
    return step(upgrade, true, fault);
}

bool log_upgrade(struct store *store, struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value mark = {0};
    struct fault local = {0};
    if (!store_get(store, STORE_MARK, SLICE(TREE_MARK), &mark, &local)) {
        if (local.code == FAULT_MISSING)
            return true;
        *fault = local;
        return false;
    }
    struct upgrade upgrade = {store, store_batch_create(store), merkle_tile_builder_create()};
    bool good = run(&upgrade, mark.slice, fault);
    store_batch_destroy(upgrade.batch);
    merkle_tile_builder_destroy(upgrade.tree);
    return good;
}
