#include <stdlib.h>

#include "backup_record.h"
#include "memory.h"
#include "store_internal.h"

#define RECORDS_MOST (4u * STORE_BATCH_MOST) /* bytes of a batch as records: small keys take more room so */

struct store_batch {
    struct store *store;
    rocksdb_writebatch_t *changes;
    size_t bytes; /* of keys and values */
    bool puts;    /* something in it takes room */
    struct buffer records; /* the same once more, where somebody listens */
    bool failed;
    struct fault fault;
};

struct store_batch *store_batch_create(struct store *store) {
    struct store_batch *batch = memory_new(sizeof *batch);
    batch->store = store;
    batch->changes = rocksdb_writebatch_create();
    batch->records = BUFFER(RECORDS_MOST);
    return batch;
}

struct store_batch *store_batch_destroy(struct store_batch *batch) {
    if (batch) {
        rocksdb_writebatch_destroy(batch->changes);
        buffer_free(&batch->records);
    }
    free(batch);
    return NULL;
}

void store_batch_clear(struct store_batch *batch) {
    rocksdb_writebatch_clear(batch->changes);
    batch->bytes = 0;
    batch->puts = false;
    batch->failed = false;
    buffer_clear(&batch->records);
}

/* The change once more for the listener. */
static void tell(struct store_batch *batch, enum backup_record_kind kind, enum store_family family, struct slice key,
                 const struct slice *parts, size_t count) {
    if (batch->store->listener.committed)
        backup_record_write_parts(
            &batch->records, &(struct backup_record){.kind = kind, .family = (uint8_t)family, .key = key}, parts, count);
}

/* Counts a change and holds it against the limits; the first one over them is kept for the commit. */
static bool batch_takes(struct store_batch *batch, enum store_family family, size_t key, size_t value) {
    if (batch->failed)
        return false;
    const char *name = store_family_row(family)->name;
    if (key > STORE_KEY_MOST)
        batch->failed = !fault_set(&batch->fault, FAULT_LIMIT, "a key of %zu bytes is too long (%u)", key,
                                   STORE_KEY_MOST);
    else if (value > STORE_VALUE_MOST)
        batch->failed = !fault_set(&batch->fault, FAULT_LIMIT, "a value of %zu bytes is too large (%u)",
                                   value, STORE_VALUE_MOST);
    else if (batch->bytes + key + value > STORE_BATCH_MOST)
        batch->failed =
            !fault_set(&batch->fault, FAULT_LIMIT, "the batch is larger than %u bytes", STORE_BATCH_MOST);
    else
        batch->bytes += key + value;
    if (batch->failed)
        fault_place(&batch->fault, "store family %s", name);
    return !batch->failed;
}

void store_batch_put(struct store_batch *batch, enum store_family family, struct slice key,
                     struct slice value) {
    if (!batch_takes(batch, family, key.size, value.size))
        return;
    batch->puts = true;
    rocksdb_writebatch_put_cf(batch->changes, batch->store->families[family], store_bytes(key), key.size,
                              store_bytes(value), value.size);
    tell(batch, BACKUP_PUT, family, key, &value, 1);
}

void store_batch_put_parts(struct store_batch *batch, enum store_family family, struct slice key,
                           const struct slice *parts, size_t count) {
    const char *starts[STORE_PARTS_MOST];
    size_t sizes[STORE_PARTS_MOST];
    size_t total = 0;
    if (count > STORE_PARTS_MOST && !batch->failed) {
        batch->failed =
            !fault_set(&batch->fault, FAULT_LIMIT, "a value in more than %u parts", STORE_PARTS_MOST);
        return;
    }
    for (size_t i = 0; i < count && i < STORE_PARTS_MOST; i++) {
        starts[i] = store_bytes(parts[i]);
        sizes[i] = parts[i].size;
        total = parts[i].size > STORE_VALUE_MOST ? SIZE_MAX / 2 : total + parts[i].size;
    }
    if (!batch_takes(batch, family, key.size, total))
        return;
    const char *key_start = store_bytes(key);
    batch->puts = true;
    rocksdb_writebatch_putv_cf(batch->changes, batch->store->families[family], 1, &key_start, &key.size,
                               (int)count, starts, sizes);
    tell(batch, BACKUP_PUT, family, key, parts, count);
}

void store_batch_delete(struct store_batch *batch, enum store_family family, struct slice key) {
    if (!batch_takes(batch, family, key.size, 0))
        return;
    rocksdb_writebatch_delete_cf(batch->changes, batch->store->families[family], store_bytes(key), key.size);
    tell(batch, BACKUP_DELETE, family, key, NULL, 0);
}

void store_batch_delete_range(struct store_batch *batch, enum store_family family, struct slice from,
                              struct slice to) {
    if (!batch_takes(batch, family, from.size > to.size ? from.size : to.size, 0))
        return;
    rocksdb_writebatch_delete_range_cf(batch->changes, batch->store->families[family], store_bytes(from),
                                       from.size, store_bytes(to), to.size);
    tell(batch, BACKUP_DELETE_RANGE, family, from, &to, 1);
}

size_t store_batch_size(const struct store_batch *batch) {
    size_t size = 0;
    rocksdb_writebatch_data(batch->changes, &size);
    return size;
}

size_t store_batch_count(const struct store_batch *batch) {
    return (size_t)rocksdb_writebatch_count(batch->changes);
}

/* --- Listening --- */

void store_listen(struct store *store, const struct store_listener *listener) {
    store->listener = *listener;
}

uint64_t store_sequence(const struct store *store) {
    return rocksdb_get_latest_sequence_number(store->db);
}

static void tell_commit(const struct store *store, const struct store_batch *batch) {
    const struct store_listener *listener = &store->listener;
    if (!listener->committed || store_batch_count(batch) == 0)
        return;
    struct slice records = batch->records.overflow ? slice_make(NULL, 0) : buffer_slice(&batch->records);
    listener->committed(listener->context, records, store_sequence(store));
}

/* --- Committing --- */

/* What store_error says until a later write succeeds. */
static bool remember(struct store *store, bool good, const struct fault *failure) {
    /* Only the committing thread writes `failed`, so it may look without the lock. */
    if (good && !store->failed)
        return true;
    pthread_mutex_lock(&store->failure_lock);
    store->failed = !good;
    if (!good)
        store->failure = *failure;
    pthread_mutex_unlock(&store->failure_lock);
    return good;
}

static bool write_changes(struct store *store, const struct store_batch *batch, size_t size, bool sync,
                          struct fault *fault) {
    char *error = NULL;
    bool empty = store_batch_count(batch) == 0;
    if (empty && sync && store->unsynced)
        rocksdb_flush_wal(store->db, 1, &error);
    else if (!empty)
        rocksdb_write(store->db, sync ? store->writing_synced : store->writing, batch->changes, &error);
    struct fault failure = {0};
    if (!remember(store, store_rocks(store, error, "the store takes no writes", &failure), &failure)) {
        if (fault)
            *fault = failure;
        return false;
    }
    store->unsynced = !sync && (store->unsynced || !empty);
    atomic_fetch_add_explicit(&store->counts.commits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->counts.syncs, sync ? 1 : 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->counts.committed_bytes, empty ? 0 : size, memory_order_relaxed);
    return true;
}

static bool commit_checked(struct store *store, const struct store_batch *batch, bool sync,
                           struct fault *fault) {
    if (store->read_only)
        return fault_set(fault, FAULT_USAGE, "the store is open for reading alone");
    if (batch->failed) {
        if (fault)
            *fault = batch->fault;
        return false;
    }
    size_t size = store_batch_size(batch);
    if (store_batch_count(batch) && !store_room_for(store, size, !batch->puts, fault)) {
        atomic_fetch_add_explicit(&store->counts.refusals, 1, memory_order_relaxed);
        return false;
    }
    if (!write_changes(store, batch, size, sync, fault))
        return false;
    tell_commit(store, batch);
    return true;
}

bool store_commit(struct store *store, const struct store_batch *batch, bool sync, struct fault *fault) {
    if (atomic_flag_test_and_set_explicit(&store->committing, memory_order_acquire))
        return fault_set(fault, FAULT_INTERNAL, "two threads commit to the store at once");
    bool good = commit_checked(store, batch, sync, fault);
    atomic_flag_clear_explicit(&store->committing, memory_order_release);
    return good;
}

/* --- Dropping ranges --- */

/* The largest limit for DeleteFilesInRange that leaves `to` alone: its limit is inclusive, ours is not, and it drops
 * whole files without asking what else is in them. */
static void limit_below(struct slice to, struct buffer *limit) {
    buffer_append(limit, to.data, to.size - 1);
    uint8_t last = to.data[to.size - 1];
    if (last == 0)
        return; /* the key right before `to` is `to` without its last byte */
    uint8_t tail[33];
    memset(tail, 0xff, sizeof tail);
    tail[0] = (uint8_t)(last - 1);
    buffer_append(limit, tail, sizeof tail);
}

static bool drop_files(struct store *store, enum store_family family, struct slice from, struct slice to,
                       struct fault *fault) {
    CLEANUP_BUFFER struct buffer limit = BUFFER(STORE_KEY_MOST + 64);
    limit_below(to, &limit);
    char *error = NULL;
    rocksdb_delete_file_in_range_cf(store->db, store->families[family], store_bytes(from), from.size,
                                    store_bytes(buffer_slice(&limit)), limit.size, &error);
    return store_rocks(store, error, "a range cannot be dropped", fault);
}

static bool flush_family(struct store *store, rocksdb_column_family_handle_t *family, struct fault *fault) {
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    char *error = NULL;
    rocksdb_flush_cf(store->db, options, family, &error);
    rocksdb_flushoptions_destroy(options);
    return store_rocks(store, error, "memory cannot be written out", fault);
}

static bool compact(struct store *store, enum store_family family, struct slice from, struct slice to,
                    struct fault *fault) {
    enum { FORCE = 2 }; /* also the lowest level: otherwise it may keep what the deletion covers */
    if (!flush_family(store, store->families[family], fault))
        return false;
    rocksdb_compactoptions_t *options = rocksdb_compactoptions_create();
    rocksdb_compactoptions_set_bottommost_level_compaction(options, FORCE);
    rocksdb_compact_range_cf_opt(store->db, store->families[family], options, store_bytes(from), from.size,
                                 store_bytes(to), to.size);
    rocksdb_compactoptions_destroy(options);
    return store_error(store, fault);
}

bool store_compact(struct store *store, enum store_family family, struct slice from, struct slice to,
                   struct fault *fault) {
    return store->read_only ? fault_set(fault, FAULT_USAGE, "the store is only read")
                            : compact(store, family, from, to, fault);
}

bool store_drop_range(struct store *store, enum store_family family, struct slice from, struct slice to,
                      bool exact, struct fault *fault) {
    if (store->read_only || to.size == 0 || from.size > STORE_KEY_MOST || to.size > STORE_KEY_MOST)
        return fault_set(fault, FAULT_USAGE, "this range cannot be dropped");
    if (!drop_files(store, family, from, to, fault))
        return false;
    struct store_batch *batch = store_batch_create(store);
    store_batch_delete_range(batch, family, from, to);
    bool good = store_commit(store, batch, true, fault);
    store_batch_destroy(batch);
    return good && (!exact || compact(store, family, from, to, fault));
}

bool store_flush(struct store *store, struct fault *fault) {
    if (store->read_only)
        return fault_set(fault, FAULT_USAGE, "the store is open for reading alone");
    for (unsigned i = 0; i < STORE_FAMILIES; i++)
        if (!flush_family(store, store->families[i], fault))
            return false;
    /* The format's number: as long as it is in memory alone, no log of before it goes. */
    return flush_family(store, store->standard, fault);
}
