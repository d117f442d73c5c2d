#include "log_reader.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "bytes.h"
#include "log_cursor.h"
#include "memory.h"
#include "merkle_tile_proof.h"

#define ENTRY_MOST 65535u

struct log_reader {
    const struct store *store;
    pthread_mutex_t mutex;
    struct merkle_tile_builder *edge; /* under the mutex */
};

/* ---- tiles */

static bool stored_tile(const struct store *store, unsigned level, uint64_t index, unsigned width,
                        struct hash *ret_hashes, struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    uint8_t key[9];
    struct fault local = {0};
    key[0] = (uint8_t)level;
    bytes_put_u64(key + 1, index);
    bool good = store_get(store, STORE_TILE, slice_make(key, sizeof key), &value, &local);
    if (good && value.slice.size == MERKLE_TILE_WIDTH * HASH_SIZE) {
        memcpy(ret_hashes, value.slice.data, width * sizeof *ret_hashes);
        return true;
    }
    if (good)
        fault_set(&local, FAULT_FORMAT, "it has %zu bytes", value.slice.size);
    if (fault)
        *fault = local;
    return fault_place(fault, "the log's tile %u/%" PRIu64, level, index);
}

static bool read_stored(void *context, unsigned level, uint64_t index, unsigned width,
                        struct hash *ret_hashes, struct fault *fault) {
    return stored_tile(context, level, index, width, ret_hashes, fault);
}

/* What stands on the edge is there; what the edge has left behind is in the store. */
static bool edge_tile(struct log_reader *reader, unsigned level, uint64_t index, unsigned width,
                      struct hash *ret_hashes) {
    struct merkle_tile tile;
    pthread_mutex_lock(&reader->mutex);
    const struct hash *hashes = merkle_tile_builder_tile(reader->edge, level, &tile);
    bool there = tile.index == index && tile.width >= width;
    if (there)
        memcpy(ret_hashes, hashes, width * sizeof *hashes);
    pthread_mutex_unlock(&reader->mutex);
    return there;
}

static bool read_tile(void *context, unsigned level, uint64_t index, unsigned width, struct hash *ret_hashes,
                      struct fault *fault) {
    struct log_reader *reader = context;
    return edge_tile(reader, level, index, width, ret_hashes) ||
           stored_tile(reader->store, level, index, width, ret_hashes, fault);
}

/* ---- open */

static bool read_size(const struct store *store, uint64_t *ret_size, struct fault *fault) {
    uint8_t number[8];
    struct fault local = {0};
    if (store_get_fixed(store, STORE_MARK, SLICE(LOG_SIZE_MARK), number, sizeof number, &local)) {
        *ret_size = bytes_get_u64(number);
        return true;
    }
    if (local.code != FAULT_MISSING) {
        *fault = local;
        return false;
    }
    struct store_cursor *cursor = store_cursor_create(store, STORE_ENTRY, NULL, (struct slice){NULL, 0});
    uint64_t size = 0;
    if (store_cursor_last(cursor) && store_cursor_key(cursor).size == 8)
        size = bytes_get_u64(store_cursor_key(cursor).data) + 1;
    bool good = store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    if (good)
        *ret_size = size;
    return good;
}

/* The leaves behind the last full tile of level 0. */
static bool read_leaves(const struct store *store, uint64_t size, struct hash *ret_leaves,
                        struct fault *fault) {
    uint64_t first = size - size % MERKLE_TILE_WIDTH;
    CLEANUP_BUFFER struct buffer entry = BUFFER(ENTRY_MOST);
    for (uint64_t index = first; index < size; index++) {
        buffer_clear(&entry);
        if (!log_entry_get(store, index, &entry, fault))
            return false;
        ret_leaves[index - first] = merkle_leaf(buffer_slice(&entry));
    }
    return true;
}

struct log_reader *log_reader_open(const struct store *store, struct fault *fault) {
    uint64_t size;
    struct hash leaves[MERKLE_TILE_WIDTH];
    if (!read_size(store, &size, fault) || !read_leaves(store, size, leaves, fault))
        return NULL;
    struct log_reader *reader = memory_new(sizeof *reader);
    reader->store = store;
    pthread_mutex_init(&reader->mutex, NULL);
    reader->edge = merkle_tile_builder_create();
    const struct merkle_tile_reader tiles = {(void *)(uintptr_t)store, read_stored};
    if (!merkle_tile_builder_restore(reader->edge, size, &tiles, leaves, fault))
        return log_reader_destroy(reader);
    return reader;
}

struct log_reader *log_reader_destroy(struct log_reader *reader) {
    if (reader) {
        merkle_tile_builder_destroy(reader->edge);
        pthread_mutex_destroy(&reader->mutex);
        free(reader);
    }
    return NULL;
}

void log_reader_follow(struct log_reader *reader, const struct merkle_tile_builder *builder) {
    pthread_mutex_lock(&reader->mutex);
    merkle_tile_builder_copy(reader->edge, builder);
    pthread_mutex_unlock(&reader->mutex);
}

void log_reader_builder(struct log_reader *reader, struct merkle_tile_builder *to) {
    pthread_mutex_lock(&reader->mutex);
    merkle_tile_builder_copy(to, reader->edge);
    pthread_mutex_unlock(&reader->mutex);
}

/* ---- proofs */

uint64_t log_reader_size(struct log_reader *reader) {
    pthread_mutex_lock(&reader->mutex);
    uint64_t size = merkle_tile_builder_size(reader->edge);
    pthread_mutex_unlock(&reader->mutex);
    return size;
}

static struct merkle_tile_tree *tree_of(struct log_reader *reader, uint64_t size, struct fault *fault) {
    uint64_t most = log_reader_size(reader);
    if (size <= most)
        return merkle_tile_tree_create(size, (struct merkle_tile_reader){reader, read_tile});
    fault_set(fault, FAULT_USAGE, "the log has %" PRIu64 " entries, not %" PRIu64, most, size);
    return NULL;
}

bool log_reader_root(struct log_reader *reader, uint64_t size, struct hash *ret_root, struct fault *fault) {
    struct merkle_tile_tree *tree = tree_of(reader, size, fault);
    bool good = tree && merkle_tile_tree_root(tree, ret_root, fault);
    merkle_tile_tree_destroy(tree);
    return good;
}

bool log_reader_inclusion(struct log_reader *reader, uint64_t index, uint64_t size,
                          struct merkle_path *ret_path, struct fault *fault) {
    struct merkle_tile_tree *tree = tree_of(reader, size, fault);
    bool good = tree && merkle_tile_tree_inclusion(tree, index, ret_path, fault);
    merkle_tile_tree_destroy(tree);
    return good;
}

bool log_reader_consistency(struct log_reader *reader, uint64_t old_size, uint64_t size,
                            struct merkle_path *ret_path, struct fault *fault) {
    struct merkle_tile_tree *tree = tree_of(reader, size, fault);
    bool good = tree && merkle_tile_tree_consistency(tree, old_size, ret_path, fault);
    merkle_tile_tree_destroy(tree);
    return good;
}

bool log_reader_tile(struct log_reader *reader, unsigned level, uint64_t index, unsigned width,
                     struct hash *ret_hashes, struct fault *fault) {
    unsigned there =
        level < MERKLE_TILE_LEVELS ? merkle_tile_width(log_reader_size(reader), level, index) : 0;
    if (width == 0 || width > there)
        return fault_set(fault, FAULT_USAGE, "the log's tile %u/%" PRIu64 " has %u hashes, not %u", level,
                         index, there, width);
    return read_tile(reader, level, index, width, ret_hashes, fault);
}

/* ---- rows */

/* As a row or, of a closed day, out of its columns. */
static bool get_row(const struct store *store, enum store_family family, uint64_t index, struct buffer *to,
                    struct fault *fault) {
    uint8_t key[8];
    struct fault local = {0};
    bytes_put_u64(key, index);
    struct slice wanted = slice_make(key, sizeof key);
    if (store_get_copy(store, family, wanted, to, &local))
        return true;
    if (local.code == FAULT_MISSING) {
        struct log_cursor *cursor = log_cursor_create(store, family, NULL);
        bool found = log_cursor_at_or_after(cursor, wanted) && slice_equal(log_cursor_key(cursor), wanted);
        if (found && !buffer_append_slice(to, log_cursor_value(cursor)))
            found = fault_set(&local, FAULT_LIMIT, "a row of %zu bytes", log_cursor_value(cursor).size);
        else if (!found)
            log_cursor_good(cursor, &local);
        log_cursor_destroy(cursor);
        if (found)
            return true;
    }
    if (fault)
        *fault = local;
    return false;
}

bool log_entry_get(const struct store *store, uint64_t index, struct buffer *to, struct fault *fault) {
    return get_row(store, STORE_ENTRY, index, to, fault) || fault_place(fault, "log entry %" PRIu64, index);
}

bool log_class_list_get(const struct store *store, uint64_t index, struct buffer *to, struct fault *fault) {
    return get_row(store, STORE_CLASS_LIST, index, to, fault) ||
           fault_place(fault, "class list of log entry %" PRIu64, index);
}

static bool get_number(const struct store *store, enum store_family family, struct slice key,
                       uint64_t *ret_number, struct fault *fault) {
    uint8_t number[8];
    if (!store_get_fixed(store, family, key, number, sizeof number, fault))
        return false;
    *ret_number = bytes_get_u64(number);
    return true;
}

bool log_batch_index(const struct store *store, const uint8_t stream_id[32], uint64_t batch_seq,
                     uint64_t *ret_index, struct fault *fault) {
    uint8_t key[40];
    memcpy(key, stream_id, 32);
    bytes_put_u64(key + 32, batch_seq);
    return get_number(store, STORE_BATCH, slice_make(key, sizeof key), ret_index, fault) ||
           fault_place(fault, "batch %" PRIu64, batch_seq);
}

bool log_control_index(const struct store *store, uint64_t ctl_seq, uint64_t *ret_index,
                       struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, ctl_seq);
    return get_number(store, STORE_CONTROL, slice_make(key, sizeof key), ret_index, fault) ||
           fault_place(fault, "control entry %" PRIu64, ctl_seq);
}

/* ---- checkpoints */

enum which { WHICH_LAST, WHICH_AT_OR_AFTER, WHICH_AT_OR_BEFORE };

static bool find_checkpoint(const struct store *store, enum which which, uint64_t size, uint64_t *ret_size,
                            struct buffer *note, struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, size);
    struct store_cursor *cursor = store_cursor_create(store, STORE_CHECKPOINT, NULL, (struct slice){NULL, 0});
    bool there = which == WHICH_LAST          ? store_cursor_last(cursor)
                 : which == WHICH_AT_OR_AFTER ? store_cursor_at_or_after(cursor, slice_make(key, sizeof key))
                                              : store_cursor_at_or_before(cursor, slice_make(key, sizeof key));
    bool good = there && store_cursor_key(cursor).size == 8;
    if (good) {
        *ret_size = bytes_get_u64(store_cursor_key(cursor).data);
        if (note) {
            buffer_clear(note);
            good =
                buffer_append_slice(note, store_cursor_value(cursor)) ||
                fault_set(fault, FAULT_LIMIT, "a checkpoint of %zu bytes", store_cursor_value(cursor).size);
        }
    } else if (there)
        fault_set(fault, FAULT_FORMAT, "a checkpoint under a key that is no size");
    else if (store_cursor_good(cursor, fault))
        fault_set(fault, FAULT_MISSING, "there is no such checkpoint");
    store_cursor_destroy(cursor);
    return good;
}

bool log_checkpoint_newest(const struct store *store, uint64_t *ret_size, struct buffer *note,
                           struct fault *fault) {
    return find_checkpoint(store, WHICH_LAST, 0, ret_size, note, fault);
}

bool log_checkpoint_covering(const struct store *store, uint64_t size, uint64_t *ret_size,
                             struct buffer *note, struct fault *fault) {
    return find_checkpoint(store, WHICH_AT_OR_AFTER, size, ret_size, note, fault);
}

bool log_checkpoint_below(const struct store *store, uint64_t size, uint64_t *ret_size, struct buffer *note,
                          struct fault *fault) {
    return find_checkpoint(store, WHICH_AT_OR_BEFORE, size ? size - 1 : 0, ret_size, note, fault);
}

bool log_checkpoint_get(const struct store *store, uint64_t size, struct buffer *note, struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, size);
    buffer_clear(note);
    return store_get_copy(store, STORE_CHECKPOINT, slice_make(key, sizeof key), note, fault) ||
           fault_place(fault, "the checkpoint of size %" PRIu64, size);
}

/* ---- the control chain */

bool log_control_walk(const struct store *store, uint64_t first_ctl_seq, log_control_take *take,
                      void *context, struct fault *fault) {
    uint8_t first[8];
    bytes_put_u64(first, first_ctl_seq);
    CLEANUP_BUFFER struct buffer entry = BUFFER(ENTRY_MOST);
    struct store_cursor *cursor = store_cursor_create(store, STORE_CONTROL, NULL, (struct slice){NULL, 0});
    bool good = true;
    for (bool on = store_cursor_at_or_after(cursor, slice_make(first, sizeof first)); good && on;
         on = store_cursor_next(cursor)) {
        struct slice value = store_cursor_value(cursor);
        good = value.size == 8 ||
               fault_set(fault, FAULT_FORMAT, "a control entry's place in the log has %zu bytes", value.size);
        uint64_t log_index = good ? bytes_get_u64(value.data) : 0;
        buffer_clear(&entry);
        good = good && log_entry_get(store, log_index, &entry, fault) &&
               take(context, log_index, buffer_slice(&entry), fault);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}
