#include <stdlib.h>

#include "memory.h"
#include "store_internal.h"

struct store_snapshot {
    const struct store *store;
    const rocksdb_snapshot_t *moment;
};

struct store_cursor {
    const struct store *store;
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *iterator;
    uint8_t prefix[STORE_KEY_MOST], end[STORE_KEY_MOST]; /* RocksDB keeps pointers to its bounds */
};

static bool missing(enum store_family family, struct fault *fault) {
    return fault_set(fault, FAULT_MISSING, "there is no such key in the store's family %s",
                     store_family_row(family)->name);
}

bool store_get(const struct store *store, enum store_family family, struct slice key,
               struct store_value *ret_value, struct fault *fault) {
    char *error = NULL;
    rocksdb_pinnableslice_t *pin = rocksdb_get_pinned_cf(store->db, store->reading, store->families[family],
                                                         store_bytes(key), key.size, &error);
    if (!store_rocks(store, error, "a value cannot be read", fault))
        return false;
    if (!pin)
        return missing(family, fault);
    size_t size = 0;
    const char *value = rocksdb_pinnableslice_value(pin, &size);
    *ret_value = (struct store_value){slice_make(value, size), pin};
    return true;
}

void store_value_release(struct store_value *value) {
    if (value->pin)
        rocksdb_pinnableslice_destroy(value->pin);
    *value = (struct store_value){0};
}

bool store_get_copy(const struct store *store, enum store_family family, struct slice key, struct buffer *to,
                    struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    if (!store_get(store, family, key, &value, fault))
        return false;
    return buffer_append_slice(to, value.slice) ||
           fault_set(fault, FAULT_LIMIT,
                     "a value of %zu bytes in the store's family %s is larger than was reckoned with",
                     value.slice.size, store_family_row(family)->name);
}

bool store_get_fixed(const struct store *store, enum store_family family, struct slice key, void *ret_value,
                     size_t size, struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    if (!store_get(store, family, key, &value, fault))
        return false;
    if (value.slice.size != size)
        return fault_set(fault, FAULT_FORMAT, "a value in the store's family %s has %zu bytes instead of %zu",
                         store_family_row(family)->name, value.slice.size, size);
    if (size)
        memcpy(ret_value, value.slice.data, size);
    return true;
}

struct store_snapshot *store_snapshot_create(const struct store *store) {
    struct store_snapshot *snapshot = memory_new(sizeof *snapshot);
    snapshot->store = store;
    snapshot->moment = rocksdb_create_snapshot(store->db);
    return snapshot;
}

struct store_snapshot *store_snapshot_destroy(struct store_snapshot *snapshot) {
    if (snapshot)
        rocksdb_release_snapshot(snapshot->store->db, snapshot->moment);
    free(snapshot);
    return NULL;
}

/* --- Cursors --- */

/* The first key behind all that begin with `prefix`; its size, 0 where there is none. */
static size_t prefix_end(struct slice prefix, uint8_t *end) {
    size_t size = prefix.size;
    while (size && prefix.data[size - 1] == 0xff)
        size--;
    if (size) {
        memcpy(end, prefix.data, size);
        end[size - 1]++;
    }
    return size;
}

static void bound(struct store_cursor *cursor, struct slice prefix) {
    /* A longer prefix than any key: bounds that hold nothing. */
    prefix = slice_head(prefix, STORE_KEY_MOST);
    if (prefix.size)
        memcpy(cursor->prefix, prefix.data, prefix.size);
    size_t end = prefix_end(prefix, cursor->end);
    if (prefix.size)
        rocksdb_readoptions_set_iterate_lower_bound(cursor->options, (const char *)cursor->prefix,
                                                    prefix.size);
    if (end)
        rocksdb_readoptions_set_iterate_upper_bound(cursor->options, (const char *)cursor->end, end);
}

struct store_cursor *store_cursor_create(const struct store *store, enum store_family family,
                                         const struct store_snapshot *snapshot, struct slice prefix) {
    struct store_cursor *cursor = memory_new(sizeof *cursor);
    cursor->store = store;
    cursor->options = rocksdb_readoptions_create();
    bound(cursor, prefix);
    if (snapshot)
        rocksdb_readoptions_set_snapshot(cursor->options, snapshot->moment);
    cursor->iterator = rocksdb_create_iterator_cf(store->db, cursor->options, store->families[family]);
    return cursor;
}

struct store_cursor *store_cursor_destroy(struct store_cursor *cursor) {
    if (cursor) {
        rocksdb_iter_destroy(cursor->iterator);
        rocksdb_readoptions_destroy(cursor->options);
    }
    free(cursor);
    return NULL;
}

static bool on(const struct store_cursor *cursor) {
    return rocksdb_iter_valid(cursor->iterator) != 0;
}

bool store_cursor_first(struct store_cursor *cursor) {
    rocksdb_iter_seek_to_first(cursor->iterator);
    return on(cursor);
}

bool store_cursor_last(struct store_cursor *cursor) {
    rocksdb_iter_seek_to_last(cursor->iterator);
    return on(cursor);
}

bool store_cursor_at_or_after(struct store_cursor *cursor, struct slice key) {
    rocksdb_iter_seek(cursor->iterator, store_bytes(key), key.size);
    return on(cursor);
}

bool store_cursor_at_or_before(struct store_cursor *cursor, struct slice key) {
    rocksdb_iter_seek_for_prev(cursor->iterator, store_bytes(key), key.size);
    return on(cursor);
}

/* RocksDB aborts when it is moved on from nowhere. */
bool store_cursor_next(struct store_cursor *cursor) {
    if (on(cursor))
        rocksdb_iter_next(cursor->iterator);
    return on(cursor);
}

bool store_cursor_previous(struct store_cursor *cursor) {
    if (on(cursor))
        rocksdb_iter_prev(cursor->iterator);
    return on(cursor);
}

struct slice store_cursor_key(const struct store_cursor *cursor) {
    size_t size = 0;
    const char *key = on(cursor) ? rocksdb_iter_key(cursor->iterator, &size) : NULL;
    return slice_make(key, size);
}

struct slice store_cursor_value(const struct store_cursor *cursor) {
    size_t size = 0;
    const char *value = on(cursor) ? rocksdb_iter_value(cursor->iterator, &size) : NULL;
    return slice_make(value, size);
}

bool store_cursor_good(const struct store_cursor *cursor, struct fault *fault) {
    char *error = NULL;
    rocksdb_iter_get_error(cursor->iterator, &error);
    return store_rocks(cursor->store, error, "the store cannot be read on", fault);
}
