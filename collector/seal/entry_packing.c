#include "entry_packing.h"

#include <inttypes.h>

#include "bytes.h"
#include "control_entry.h"
#include "entry_block.h"
#include "log_cursor.h"
#include "log_reader.h"
#include "merkle_tile.h"
#include "statement_type.h"

/* ---- up to where */

bool entry_packing_end(const struct store *store, uint64_t *ret_end, struct fault *fault) {
    struct store_cursor *cursor = store_cursor_create(store, STORE_CONTROL, NULL, (struct slice){NULL, 0});
    CLEANUP_BUFFER struct buffer bytes = BUFFER(CONTROL_ENTRY_MOST);
    uint64_t end = 0;
    bool good = true;
    for (bool on = store_cursor_last(cursor); good && on && !end; on = store_cursor_previous(cursor)) {
        struct control_entry entry;
        struct slice value = store_cursor_value(cursor);
        buffer_clear(&bytes);
        good = value.size == 8 ||
               fault_set(fault, FAULT_FORMAT, "a control entry's place has %zu bytes", value.size);
        good = good && log_entry_get(store, bytes_get_u64(value.data), &bytes, fault);
        if (good && control_entry_read(buffer_slice(&bytes), &entry, NULL) &&
            entry.statement.statement.type == STATEMENT_DAY_MARK)
            end = bytes_get_u64(value.data);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    if (good)
        *ret_end = end;
    return good;
}

/* ---- what goes in */

struct packing {
    const struct store *store;
    struct entry_block_roots roots;
    struct entry_block_writer *writer;
    uint64_t first, end;
    struct log_leaves leaves;
};

static bool root_of(void *context, uint64_t size, struct hash *ret_root) {
    const struct packing *packing = context;
    return log_cursor_root(packing->store, size, ret_root);
}

static bool is_full(const struct entry_block_writer *writer) {
    size_t count = entry_block_writer_count(writer);
    return count >= ENTRY_PACKING_LEAST &&
           count >= ENTRY_PACKING_OF_STREAM * entry_block_writer_streams(writer);
}

static bool class_list_of(const struct packing *packing, struct slice key, struct store_value *ret_value,
                          struct entry_block_item *item, struct fault *fault) {
    struct fault local = {0};
    item->listed = store_get(packing->store, STORE_CLASS_LIST, key, ret_value, &local);
    item->class_list = ret_value->slice;
    if (item->listed || local.code == FAULT_MISSING)
        return true;
    *fault = local;
    return false;
}

/* False when there is no more, or with a fault. */
static bool add_row(struct packing *packing, const struct store_cursor *cursor, struct fault *fault) {
    struct slice key = store_cursor_key(cursor);
    CLEANUP_STORE_VALUE struct store_value class_list = {0};
    struct entry_block_item item = {.entry = store_cursor_value(cursor)};
    uint64_t index = key.size == 8 ? bytes_get_u64(key.data) : UINT64_MAX;
    if (!packing->writer) {
        packing->first = index;
        packing->writer = entry_block_writer_create(index, packing->roots);
    }
    if (index >= packing->end || index != packing->first + entry_block_writer_count(packing->writer) ||
        is_full(packing->writer))
        return false;
    return class_list_of(packing, key, &class_list, &item, fault) &&
           log_leaves_check(&packing->leaves, packing->store, index, item.entry, fault) &&
           entry_block_writer_add(packing->writer, &item);
}

static bool add_rows(struct packing *packing, struct fault *fault) {
    struct fault local = {0};
    struct store_cursor *cursor =
        store_cursor_create(packing->store, STORE_ENTRY, NULL, (struct slice){NULL, 0});
    for (bool on = store_cursor_first(cursor); on && add_row(packing, cursor, &local);
         on = store_cursor_next(cursor))
        ;
    if (!local.code)
        store_cursor_good(cursor, &local);
    store_cursor_destroy(cursor);
    if (local.code)
        *fault = local;
    return !local.code;
}

/* ---- what came of it */

static bool same_row(const struct packing *packing, enum store_family family, struct slice key, bool there,
                     struct slice value, struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value row = {0};
    struct fault local = {0};
    bool found = store_get(packing->store, family, key, &row, &local);
    return (found ? there && slice_equal(row.slice, value) : !there && local.code == FAULT_MISSING) ||
           fault_set(fault, FAULT_INTERNAL, "what is read back out of columns is another %s",
                     store_family_row(family)->name);
}

static bool read_back(struct packing *packing, struct slice bytes, struct fault *fault) {
    struct entry_block *block = entry_block_open(bytes, fault);
    bool good = block != NULL;
    for (uint64_t i = packing->first; good && i < entry_block_end(block); i++) {
        uint8_t number[8];
        struct entry_block_item item;
        bytes_put_u64(number, i);
        struct slice key = slice_make(number, sizeof number);
        good = entry_block_get(block, i, packing->roots, &item, fault) &&
               same_row(packing, STORE_ENTRY, key, true, item.entry, fault) &&
               same_row(packing, STORE_CLASS_LIST, key, item.listed, item.class_list, fault);
    }
    entry_block_close(block);
    return good;
}

static bool write_block(struct packing *packing, struct change *change, struct entry_packed *packed,
                        struct fault *fault) {
    uint8_t first[8], end[8];
    CLEANUP_BUFFER struct buffer bytes = BUFFER(ENTRY_BLOCK_MOST);
    *packed =
        (struct entry_packed){packing->first, packing->first + entry_block_writer_count(packing->writer), 0};
    if (!entry_block_writer_finish(packing->writer, &bytes, fault) ||
        !read_back(packing, buffer_slice(&bytes), fault))
        return false;
    bytes_put_u64(first, packed->first);
    bytes_put_u64(end, packed->end);
    packed->bytes = bytes.size;
    struct slice from = slice_make(first, sizeof first), to = slice_make(end, sizeof end);
    change_put(change, STORE_ENTRY_BLOCK, from, buffer_slice(&bytes));
    change_delete_range(change, STORE_ENTRY, from, to);
    change_delete_range(change, STORE_CLASS_LIST, from, to);
    return true;
}

bool entry_packing_step(const struct store *store, uint64_t end, struct change *change,
                        struct entry_packed *ret_packed, struct fault *fault) {
    struct packing packing = {.store = store, .leaves = LOG_LEAVES, .end = end - end % MERKLE_TILE_WIDTH};
    struct entry_packed packed = {0};
    packing.roots = (struct entry_block_roots){&packing, root_of};
    bool good =
        add_rows(&packing, fault) && (!packing.writer || entry_block_writer_count(packing.writer) == 0 ||
                                      write_block(&packing, change, &packed, fault));
    entry_block_writer_destroy(packing.writer);
    log_leaves_release(&packing.leaves);
    if (good)
        *ret_packed = packed;
    return good;
}
