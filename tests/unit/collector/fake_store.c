#include "fake_store.h"

#include <pthread.h>
#include <stdlib.h>

#include "memory.h"

struct cell {
    uint8_t *key, *value;
    size_t key_size, value_size;
};

struct family {
    struct cell *cells; /* in the order of their keys */
    size_t count, capacity;
    uint64_t puts;
    size_t breaks_after;
};

struct store {
    pthread_mutex_t mutex;
    pthread_cond_t released;
    struct family families[STORE_FAMILIES];
    bool full, hold;
    uint64_t commits, refusals;
    fake_store_committed *committed;
    void *context;
};

/* ---- cells */

static struct slice key_of(const struct cell *cell) { return slice_make(cell->key, cell->key_size); }

static int compare(struct slice a, struct slice b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* The position of the first cell that is not before the key. */
static size_t position_of(const struct family *family, struct slice key) {
    size_t low = 0, high = family->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(key_of(&family->cells[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct cell *find(const struct family *family, struct slice key) {
    size_t at = position_of(family, key);
    return at < family->count && slice_equal(key_of(&family->cells[at]), key) ? &family->cells[at] : NULL;
}

static void cell_free(struct cell *cell) {
    free(cell->key);
    free(cell->value);
}

static void put(struct family *family, struct slice key, struct slice value) {
    struct cell *cell = find(family, key);
    family->puts++;
    if (cell) {
        free(cell->value);
        cell->value = memory_copy(value.data, value.size);
        cell->value_size = value.size;
        return;
    }
    if (family->count == family->capacity) {
        family->capacity = family->capacity ? family->capacity * 2 : 16;
        family->cells = memory_resize(family->cells, family->capacity, sizeof *family->cells);
    }
    size_t at = position_of(family, key);
    memmove(&family->cells[at + 1], &family->cells[at], (family->count - at) * sizeof *family->cells);
    family->cells[at] = (struct cell){memory_copy(key.data, key.size), memory_copy(value.data, value.size), key.size,
                                      value.size};
    family->count++;
}

static void drop(struct family *family, struct slice key) {
    struct cell *cell = find(family, key);
    if (!cell)
        return;
    size_t at = (size_t)(cell - family->cells);
    cell_free(cell);
    family->count--;
    memmove(cell, cell + 1, (family->count - at) * sizeof *cell);
}

static void family_copy(struct family *to, const struct family *from) {
    for (size_t i = 0; i < from->count; i++)
        put(to, key_of(&from->cells[i]), slice_make(from->cells[i].value, from->cells[i].value_size));
    to->puts = from->puts;
    to->breaks_after = from->breaks_after;
}

static void family_free(struct family *family) {
    for (size_t i = 0; i < family->count; i++)
        cell_free(&family->cells[i]);
    free(family->cells);
}

/* ---- the store itself. A const store is still one with a lock. */

static void lock(const struct store *store) { pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&store->mutex); }
static void unlock(const struct store *store) { pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&store->mutex); }

struct store *fake_store_create(void) {
    struct store *store = memory_new(sizeof *store);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->released, NULL);
    for (size_t i = 0; i < STORE_FAMILIES; i++)
        store->families[i].breaks_after = SIZE_MAX;
    return store;
}

struct store *fake_store_copy(const struct store *store) {
    struct store *copy = fake_store_create();
    lock(store);
    for (size_t i = 0; i < STORE_FAMILIES; i++)
        family_copy(&copy->families[i], &store->families[i]);
    copy->commits = store->commits;
    unlock(store);
    return copy;
}

struct store *fake_store_destroy(struct store *store) {
    if (store) {
        for (size_t i = 0; i < STORE_FAMILIES; i++)
            family_free(&store->families[i]);
        pthread_mutex_destroy(&store->mutex);
        pthread_cond_destroy(&store->released);
        free(store);
    }
    return NULL;
}

void fake_store_set_full(struct store *store, bool full) {
    lock(store);
    store->full = full;
    unlock(store);
}

void fake_store_hold(struct store *store, bool hold) {
    lock(store);
    store->hold = hold;
    pthread_cond_broadcast(&store->released);
    unlock(store);
}

void fake_store_break(struct store *store, enum store_family family, size_t rows) {
    lock(store);
    store->families[family].breaks_after = rows;
    unlock(store);
}

void fake_store_on_commit(struct store *store, fake_store_committed *committed, void *context) {
    lock(store);
    store->committed = committed;
    store->context = context;
    unlock(store);
}

uint64_t fake_store_commits(const struct store *store) {
    lock(store);
    uint64_t commits = store->commits;
    unlock(store);
    return commits;
}

uint64_t fake_store_refusals(const struct store *store) {
    lock(store);
    uint64_t refusals = store->refusals;
    unlock(store);
    return refusals;
}

uint64_t fake_store_puts(const struct store *store, enum store_family family) {
    lock(store);
    uint64_t puts = store->families[family].puts;
    unlock(store);
    return puts;
}

size_t fake_store_count(const struct store *store, enum store_family family) {
    lock(store);
    size_t count = store->families[family].count;
    unlock(store);
    return count;
}

void fake_store_put(struct store *store, enum store_family family, struct slice key, struct slice value) {
    lock(store);
    put(&store->families[family], key, value);
    unlock(store);
}

void fake_store_delete(struct store *store, enum store_family family, struct slice key) {
    lock(store);
    drop(&store->families[family], key);
    unlock(store);
}

/* ---- batches */

struct change_of_cell {
    enum store_family family;
    bool is_put;
    struct cell cell;
};

struct store_batch {
    struct store *store;
    struct change_of_cell *changes;
    size_t count, capacity, bytes;
};

struct store_batch *store_batch_create(struct store *store) {
    struct store_batch *batch = memory_new(sizeof *batch);
    batch->store = store;
    return batch;
}

void store_batch_clear(struct store_batch *batch) {
    while (batch->count)
        cell_free(&batch->changes[--batch->count].cell);
    batch->bytes = 0;
}

struct store_batch *store_batch_destroy(struct store_batch *batch) {
    if (batch) {
        store_batch_clear(batch);
        free(batch->changes);
        free(batch);
    }
    return NULL;
}

static void note(struct store_batch *batch, enum store_family family, bool is_put, struct slice key,
                 struct slice value) {
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? batch->capacity * 2 : 16;
        batch->changes = memory_resize(batch->changes, batch->capacity, sizeof *batch->changes);
    }
    batch->changes[batch->count++] = (struct change_of_cell){
        family, is_put, {memory_copy(key.data, key.size), memory_copy(value.data, value.size), key.size, value.size}};
    batch->bytes += key.size + value.size;
}

void store_batch_put(struct store_batch *batch, enum store_family family, struct slice key, struct slice value) {
    note(batch, family, true, key, value);
}

void store_batch_put_parts(struct store_batch *batch, enum store_family family, struct slice key,
                           const struct slice *parts, size_t count) {
    CLEANUP_BUFFER struct buffer value = BUFFER(STORE_VALUE_MOST);
    for (size_t i = 0; i < count; i++)
        buffer_append_slice(&value, parts[i]);
    note(batch, family, true, key, buffer_slice(&value));
}

void store_batch_delete(struct store_batch *batch, enum store_family family, struct slice key) {
    note(batch, family, false, key, SLICE(""));
}

/* What of the range is committed now. */
void store_batch_delete_range(struct store_batch *batch, enum store_family family, struct slice from, struct slice to) {
    lock(batch->store);
    const struct family *rows = &batch->store->families[family];
    for (size_t i = position_of(rows, from); i < position_of(rows, to); i++)
        store_batch_delete(batch, family, key_of(&rows->cells[i]));
    unlock(batch->store);
}

size_t store_batch_size(const struct store_batch *batch) { return batch->bytes; }
size_t store_batch_count(const struct store_batch *batch) { return batch->count; }

bool store_commit(struct store *store, const struct store_batch *batch, bool sync, struct fault *fault) {
    (void)sync;
    lock(store);
    while (store->hold)
        pthread_cond_wait(&store->released, &store->mutex);
    bool full = store->full;
    store->refusals += full;
    store->commits += !full;
    for (size_t i = 0; !full && i < batch->count; i++) {
        const struct change_of_cell *change = &batch->changes[i];
        struct family *family = &store->families[change->family];
        if (change->is_put)
            put(family, key_of(&change->cell), slice_make(change->cell.value, change->cell.value_size));
        else
            drop(family, key_of(&change->cell));
    }
    fake_store_committed *committed = full ? NULL : store->committed;
    void *context = store->context;
    unlock(store);
    if (committed)
        committed(context, store);
    return !full || fault_set(fault, FAULT_SPACE, "the test's disk is full");
}

/* ---- reading */

bool store_get(const struct store *store, enum store_family family, struct slice key, struct store_value *ret_value,
               struct fault *fault) {
    lock(store);
    const struct cell *cell = find(&store->families[family], key);
    if (cell) {
        ret_value->pin = memory_copy(cell->value, cell->value_size);
        ret_value->slice = slice_make(ret_value->pin, cell->value_size);
    }
    unlock(store);
    return cell || fault_set(fault, FAULT_MISSING, "there is no such key");
}

void store_value_release(struct store_value *value) {
    free(value->pin);
    *value = (struct store_value){0};
}

bool store_get_copy(const struct store *store, enum store_family family, struct slice key, struct buffer *to,
                    struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    return store_get(store, family, key, &value, fault) && buffer_append_slice(to, value.slice);
}

bool store_get_fixed(const struct store *store, enum store_family family, struct slice key, void *ret_value,
                     size_t size, struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    if (!store_get(store, family, key, &value, fault))
        return false;
    if (value.slice.size != size)
        return fault_set(fault, FAULT_FORMAT, "a value of another size");
    if (size)
        memcpy(ret_value, value.slice.data, size);
    return true;
}

/* A snapshot is a copy, and so is what a cursor walks. */
struct store_snapshot {
    struct store *copy;
};

struct store_snapshot *store_snapshot_create(const struct store *store) {
    struct store_snapshot *snapshot = memory_new(sizeof *snapshot);
    snapshot->copy = fake_store_copy(store);
    return snapshot;
}

struct store_snapshot *store_snapshot_destroy(struct store_snapshot *snapshot) {
    if (snapshot)
        fake_store_destroy(snapshot->copy);
    free(snapshot);
    return NULL;
}

struct store_cursor {
    struct family family;
    struct slice prefix;
    size_t at; /* family.count: nowhere */
    size_t given;
    bool broken;
};

struct store_cursor *store_cursor_create(const struct store *store, enum store_family family,
                                         const struct store_snapshot *snapshot, struct slice prefix) {
    struct store_cursor *cursor = memory_new(sizeof *cursor);
    const struct store *from = snapshot ? snapshot->copy : store;
    lock(from);
    family_copy(&cursor->family, &from->families[family]);
    unlock(from);
    cursor->prefix = slice_make(memory_copy(prefix.data, prefix.size), prefix.size);
    cursor->at = cursor->family.count;
    return cursor;
}

struct store_cursor *store_cursor_destroy(struct store_cursor *cursor) {
    if (cursor) {
        family_free(&cursor->family);
        free((void *)(uintptr_t)cursor->prefix.data);
        free(cursor);
    }
    return NULL;
}

static bool stand(struct store_cursor *cursor, size_t at) {
    cursor->broken |= cursor->given >= cursor->family.breaks_after;
    cursor->at = cursor->broken ? cursor->family.count : at;
    if (cursor->at >= cursor->family.count || !slice_starts(key_of(&cursor->family.cells[cursor->at]), cursor->prefix))
        cursor->at = cursor->family.count;
    cursor->given += cursor->at < cursor->family.count;
    return cursor->at < cursor->family.count;
}

bool store_cursor_at_or_after(struct store_cursor *cursor, struct slice key) {
    return stand(cursor, position_of(&cursor->family, key));
}

bool store_cursor_first(struct store_cursor *cursor) { return store_cursor_at_or_after(cursor, cursor->prefix); }

/* The last one of the prefix; SIZE_MAX, which is nowhere, where there is none. */
bool store_cursor_last(struct store_cursor *cursor) {
    size_t at = position_of(&cursor->family, cursor->prefix);
    while (at < cursor->family.count && slice_starts(key_of(&cursor->family.cells[at]), cursor->prefix))
        at++;
    return stand(cursor, at - 1);
}

bool store_cursor_at_or_before(struct store_cursor *cursor, struct slice key) {
    size_t at = position_of(&cursor->family, key);
    bool exact = at < cursor->family.count && slice_equal(key_of(&cursor->family.cells[at]), key);
    return stand(cursor, exact ? at : at - 1);
}

bool store_cursor_next(struct store_cursor *cursor) {
    return cursor->at < cursor->family.count && stand(cursor, cursor->at + 1);
}

bool store_cursor_previous(struct store_cursor *cursor) {
    return cursor->at < cursor->family.count && stand(cursor, cursor->at - 1);
}

struct slice store_cursor_key(const struct store_cursor *cursor) { return key_of(&cursor->family.cells[cursor->at]); }

struct slice store_cursor_value(const struct store_cursor *cursor) {
    const struct cell *cell = &cursor->family.cells[cursor->at];
    return slice_make(cell->value, cell->value_size);
}

bool store_cursor_good(const struct store_cursor *cursor, struct fault *fault) {
    return !cursor->broken || fault_set(fault, FAULT_FORMAT, "a damaged file");
}
