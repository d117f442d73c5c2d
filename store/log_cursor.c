#include "log_cursor.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bytes.h"
#include "checkpoint.h"
#include "memory.h"
#include "merkle.h"
#include "merkle_tile.h"

#define NOWHERE UINT64_MAX
#define COUNT_AT 24u /* in a block */

struct log_cursor {
    const struct store *store;
    enum store_family family;
    struct store_cursor *rows, *blocks; /* no blocks: a family without */
    bool row_there, checked;
    uint64_t row_at;

    struct entry_block *block, **shared;
    uint64_t block_at; /* the next index that a block gives; NOWHERE: none does */
    struct entry_block_item item;

    uint64_t seen_size; /* what was asked last */
    struct hash seen_root;
    struct log_leaves leaves;

    bool from_block;
    uint8_t key[8];
    struct fault damage;
    uint64_t damage_at;
};

bool log_cursor_root(const struct store *store, uint64_t size, struct hash *ret_root) {
    uint8_t key[8];
    struct note note;
    struct checkpoint checkpoint;
    CLEANUP_STORE_VALUE struct store_value value = {0};
    bytes_put_u64(key, size);
    if (!store_get(store, STORE_CHECKPOINT, slice_make(key, sizeof key), &value, NULL) ||
        !note_read(value.slice, &note, NULL) || !checkpoint_text_read(note.text, &checkpoint, NULL) ||
        checkpoint.size != size)
        return false;
    *ret_root = checkpoint.root;
    return true;
}

/* ---- leaves */

static bool know_tile(struct log_leaves *leaves, const struct store *store, uint64_t index,
                      struct fault *fault) {
    uint8_t key[9] = {0};
    if (leaves->index == index)
        return true;
    log_leaves_release(leaves);
    bytes_put_u64(key + 1, index);
    if (!store_get(store, STORE_TILE, slice_make(key, sizeof key), &leaves->tile, fault))
        return fault_place(fault, "the log's tile 0/%" PRIu64, index);
    leaves->index = index;
    return true;
}

bool log_leaves_check(struct log_leaves *leaves, const struct store *store, uint64_t index,
                      struct slice entry, struct fault *fault) {
    if (!know_tile(leaves, store, index / MERKLE_TILE_WIDTH, fault))
        return false;
    struct hash leaf = merkle_leaf(entry);
    struct slice known = slice_from(leaves->tile.slice, index % MERKLE_TILE_WIDTH * HASH_SIZE);
    if (slice_equal(hash_slice(&leaf), slice_head(known, HASH_SIZE)))
        return true;
    fault_set(fault, FAULT_FORMAT, "it is not what the log's tile has there");
    return fault_place(fault, "log entry %" PRIu64, index);
}

void log_leaves_release(struct log_leaves *leaves) {
    store_value_release(&leaves->tile);
    *leaves = LOG_LEAVES;
}

/* ---- blocks */

static void damage(struct log_cursor *cursor, uint64_t index, const struct fault *fault) {
    if (cursor->damage.code)
        return;
    cursor->damage = *fault;
    cursor->damage_at = index;
}

static bool root_of(void *context, uint64_t size, struct hash *ret_root) {
    struct log_cursor *cursor = context;
    if (cursor->seen_size != size && !log_cursor_root(cursor->store, size, &cursor->seen_root)) {
        cursor->seen_size = 0;
        return false;
    }
    cursor->seen_size = size;
    *ret_root = cursor->seen_root;
    return true;
}

/* Behind the block that the blocks' cursor stands on, as far as its head tells. */
static uint64_t end_of_block(const struct log_cursor *cursor) {
    struct slice key = store_cursor_key(cursor->blocks), value = store_cursor_value(cursor->blocks);
    uint64_t first = key.size == 8 ? bytes_get_u64(key.data) : 0,
             count = value.size >= COUNT_AT + 4 ? bytes_get_u32(value.data + COUNT_AT) : 0;
    return first + (count <= ENTRY_BLOCK_COUNT_MOST ? count : 0);
}

static void open_block(struct log_cursor *cursor, uint64_t first) {
    struct fault fault = {0};
    struct entry_block *block = entry_block_open(store_cursor_value(cursor->blocks), &fault);
    if (block && entry_block_first(block) != first) {
        block = entry_block_close(block);
        fault_set(&fault, FAULT_FORMAT, "it begins elsewhere");
    }
    entry_block_close(cursor->block);
    cursor->block = block;
    if (!block) {
        fault_place(&fault, "the block of log entries from %" PRIu64, first);
        damage(cursor, first, &fault);
    }
}

static bool has(const struct entry_block *block, uint64_t index) {
    return block && index >= entry_block_first(block) && index < entry_block_end(block);
}

/* To the block that has the index, or the first one behind it; *index becomes the first one there that may be given. */
static bool seek_block(struct log_cursor *cursor, uint64_t *index) {
    uint8_t key[8];
    bytes_put_u64(key, *index);
    struct slice at = slice_make(key, sizeof key);
    bool on = store_cursor_at_or_before(cursor->blocks, at) && end_of_block(cursor) > *index;
    if (!on)
        on = store_cursor_at_or_after(cursor->blocks, at);
    if (!on || store_cursor_key(cursor->blocks).size != sizeof key)
        return false;
    uint64_t first = bytes_get_u64(store_cursor_key(cursor->blocks).data);
    open_block(cursor, first);
    if (*index < first)
        *index = first;
    return true;
}

static bool item_good(struct log_cursor *cursor, uint64_t index) {
    struct fault fault = {0};
    const struct entry_block_roots roots = {cursor, root_of};
    if (entry_block_get(cursor->block, index, roots, &cursor->item, &fault) &&
        (!cursor->checked ||
         log_leaves_check(&cursor->leaves, cursor->store, index, cursor->item.entry, &fault)))
        return true;
    damage(cursor, index, &fault);
    return false;
}

/* The first index from `index` on that a block gives. */
static uint64_t find_in_blocks(struct log_cursor *cursor, uint64_t index) {
    while (has(cursor->block, index) || seek_block(cursor, &index)) {
        if (!cursor->block) { /* it cannot be read */
            uint64_t end = end_of_block(cursor);
            index = end > index ? end : index + 1;
        }
        for (; has(cursor->block, index); index++)
            if (item_good(cursor, index) && (cursor->family == STORE_ENTRY || cursor->item.listed))
                return index;
    }
    return NOWHERE;
}

/* ---- both */

static bool has_blocks(enum store_family family) {
    return family == STORE_ENTRY || family == STORE_CLASS_LIST;
}

struct log_cursor *log_cursor_create(const struct store *store, enum store_family family,
                                     const struct store_snapshot *snapshot) {
    struct log_cursor *cursor = memory_new(sizeof *cursor);
    const struct slice all = {NULL, 0};
    *cursor = (struct log_cursor){.store = store, .family = family, .checked = true, .leaves = LOG_LEAVES};
    /* Rows first: what leaves them in between is then in both. */
    cursor->rows = store_cursor_create(store, family, snapshot, all);
    if (has_blocks(family))
        cursor->blocks = store_cursor_create(store, STORE_ENTRY_BLOCK, snapshot, all);
    return cursor;
}

struct log_cursor *log_cursor_destroy(struct log_cursor *cursor) {
    if (cursor) {
        store_cursor_destroy(cursor->rows);
        store_cursor_destroy(cursor->blocks);
        if (cursor->shared)
            *cursor->shared = cursor->block;
        else
            entry_block_close(cursor->block);
        log_leaves_release(&cursor->leaves);
        free(cursor);
    }
    return NULL;
}

void log_cursor_unchecked(struct log_cursor *cursor) {
    cursor->checked = false;
}

void log_cursor_share(struct log_cursor *cursor, struct entry_block **block) {
    cursor->shared = block;
    cursor->block = *block;
    *block = NULL;
}

/* The rows' cursor has moved: what comes first. */
static bool settle(struct log_cursor *cursor, bool row_there, uint64_t from) {
    cursor->row_there = row_there;
    if (!cursor->blocks)
        return row_there;
    struct slice key = row_there ? store_cursor_key(cursor->rows) : SLICE("");
    cursor->row_at = key.size == 8 ? bytes_get_u64(key.data) : NOWHERE; /* no good key goes last */
    if (cursor->block_at < from)
        cursor->block_at = find_in_blocks(cursor, from);
    cursor->from_block = cursor->block_at < cursor->row_at;
    bytes_put_u64(cursor->key, cursor->block_at);
    return row_there || cursor->from_block;
}

bool log_cursor_at_or_after(struct log_cursor *cursor, struct slice key) {
    uint8_t from[8] = {0};
    if (key.size)
        memcpy(from, key.data, key.size < sizeof from ? key.size : sizeof from);
    bool there = key.size ? store_cursor_at_or_after(cursor->rows, key) : store_cursor_first(cursor->rows);
    if (cursor->blocks)
        cursor->block_at = find_in_blocks(cursor, bytes_get_u64(from));
    return settle(cursor, there, 0);
}

bool log_cursor_next(struct log_cursor *cursor) {
    if (cursor->from_block)
        return settle(cursor, cursor->row_there, cursor->block_at + 1);
    uint64_t at = cursor->row_at;
    return cursor->row_there && settle(cursor, store_cursor_next(cursor->rows), at < NOWHERE ? at + 1 : at);
}

struct slice log_cursor_key(const struct log_cursor *cursor) {
    return cursor->from_block ? slice_make(cursor->key, sizeof cursor->key) : store_cursor_key(cursor->rows);
}

struct slice log_cursor_value(const struct log_cursor *cursor) {
    if (!cursor->from_block)
        return store_cursor_value(cursor->rows);
    return cursor->family == STORE_ENTRY ? cursor->item.entry : cursor->item.class_list;
}

bool log_cursor_good(const struct log_cursor *cursor, struct fault *fault) {
    if (!store_cursor_good(cursor->rows, fault) ||
        (cursor->blocks && !store_cursor_good(cursor->blocks, fault)))
        return false;
    if (cursor->damage.code && fault)
        *fault = cursor->damage;
    return !cursor->damage.code;
}

const struct fault *log_cursor_damage(const struct log_cursor *cursor, uint64_t *ret_index) {
    *ret_index = cursor->damage_at;
    return cursor->damage.code ? &cursor->damage : NULL;
}
