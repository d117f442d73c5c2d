#include "store_dump.h"

#include "bytes.h"
#include "log_cursor.h"
#include "log_reader.h"
#include "merkle_tile.h"
#include "rotation_row.h"
#include "row.h"

struct dump {
    const struct store *store;
    const struct store_snapshot *snapshot;
    store_dump_take *take;
    void *context;
    uint64_t rows;
    bool ended;
    struct log_cursor *entries; /* these two are on what comes next */
    struct store_cursor *checkpoints;
    bool entry_there, checkpoint_there;
    uint64_t log_next; /* index behind the last entry that was given */
};

static bool give(struct dump *dump, enum store_family family, struct slice key, struct slice value) {
    dump->rows++;
    dump->ended = !dump->take(dump->context, family, key, value);
    return !dump->ended;
}

/* ---- the log */

static uint64_t number_of(struct slice key) {
    return key.size == 8 ? bytes_get_u64(key.data) : UINT64_MAX; /* no good key goes last */
}

/* Checkpoints over at most `size` entries. */
static bool give_checkpoints(struct dump *dump, uint64_t size) {
    while (dump->checkpoint_there && number_of(store_cursor_key(dump->checkpoints)) <= size) {
        if (!give(dump, STORE_CHECKPOINT, store_cursor_key(dump->checkpoints),
                  store_cursor_value(dump->checkpoints)))
            return false;
        dump->checkpoint_there = store_cursor_next(dump->checkpoints);
    }
    return true;
}

static bool give_tiles_from(struct dump *dump, unsigned level, uint64_t index, bool all) {
    uint8_t key[9];
    key[0] = (uint8_t)level;
    bytes_put_u64(key + 1, index);
    struct store_cursor *cursor = store_cursor_create(dump->store, STORE_TILE, dump->snapshot,
                                                      all ? slice_make(key, 1) : slice_make(key, sizeof key));
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key)); on && !dump->ended;
         on = store_cursor_next(cursor))
        give(dump, STORE_TILE, store_cursor_key(cursor), store_cursor_value(cursor));
    store_cursor_destroy(cursor);
    return !dump->ended;
}

/* The tiles that the log of `size` entries has just filled. */
static bool give_filled(struct dump *dump, uint64_t size) {
    for (unsigned level = 0; level < MERKLE_TILE_LEVELS && size > 0 && size % MERKLE_TILE_WIDTH == 0;
         level++) {
        size /= MERKLE_TILE_WIDTH;
        if (!give_tiles_from(dump, level, size - 1, false))
            return false;
    }
    return true;
}

/* Entries up to, and with, `index`. */
static bool give_entries(struct dump *dump, uint64_t index) {
    while (dump->entry_there && number_of(log_cursor_key(dump->entries)) <= index) {
        struct slice key = log_cursor_key(dump->entries);
        uint64_t at = number_of(key);
        if (!give_checkpoints(dump, at) || !give(dump, STORE_ENTRY, key, log_cursor_value(dump->entries)))
            return false;
        dump->log_next = at + 1;
        dump->entry_there = log_cursor_next(dump->entries);
        if (!give_filled(dump, at + 1))
            return false;
    }
    return true;
}

static bool give_one(struct dump *dump, enum store_family family, struct slice key) {
    CLEANUP_BUFFER struct buffer value = BUFFER(STORE_VALUE_MOST);
    bool found = family == STORE_ENTRY ? log_entry_get(dump->store, number_of(key), &value, NULL)
                                       : log_class_list_get(dump->store, number_of(key), &value, NULL);
    return !found || give(dump, family, key, buffer_slice(&value));
}

/* What the close refers to goes first. A missing one is left for the verifier to find. */
static bool give_close(struct dump *dump, struct slice log_index) {
    uint64_t index = number_of(log_index);
    bool again = index < dump->log_next;
    if (!again && !give_entries(dump, index))
        return false;
    if (again && !give_one(dump, STORE_ENTRY, log_index))
        return false;
    return give_one(dump, STORE_CLASS_LIST, log_index);
}

/* What of the log cannot be had out of its columns is the verifier's to tell. */
static bool entries_good(struct dump *dump, struct fault *fault) {
    uint64_t index;
    uint8_t key[8];
    char line[FAULT_LINE_SIZE];
    const struct fault *damage = log_cursor_damage(dump->entries, &index);
    if (!damage || dump->ended)
        return dump->ended || log_cursor_good(dump->entries, fault);
    bytes_put_u64(key, index);
    give(dump, STORE_ENTRY_BLOCK, slice_make(key, sizeof key), slice_string(fault_line(damage, line)));
    return true;
}

static bool give_rest(struct dump *dump, struct fault *fault) {
    uint64_t size;
    if (give_entries(dump, UINT64_MAX) && give_checkpoints(dump, UINT64_MAX)) {
        size = dump->log_next;
        for (unsigned level = 0; level < MERKLE_TILE_LEVELS && !dump->ended; level++) {
            size /= MERKLE_TILE_WIDTH;
            give_tiles_from(dump, level, size, true);
        }
    }
    return entries_good(dump, fault) && store_cursor_good(dump->checkpoints, fault);
}

static void open_log(struct dump *dump) {
    dump->entries = log_cursor_create(dump->store, STORE_ENTRY, dump->snapshot);
    log_cursor_unchecked(dump->entries); /* the verifier has every leaf */
    dump->checkpoints =
        store_cursor_create(dump->store, STORE_CHECKPOINT, dump->snapshot, (struct slice){NULL, 0});
    dump->entry_there = log_cursor_at_or_after(dump->entries, SLICE(""));
    dump->checkpoint_there = store_cursor_first(dump->checkpoints);
}

/* ---- families */

static bool give_row(struct dump *dump, enum store_family family, struct slice key, struct slice value) {
    struct row row;
    if (family == STORE_HOT && row_read(value, &row, NULL) && row.kind == ROW_CLOSE &&
        !give_close(dump, row.payload))
        return false;
    return give(dump, family, key, value);
}

static bool give_family(struct dump *dump, enum store_family family, struct slice prefix,
                        struct fault *fault) {
    struct store_cursor *cursor = store_cursor_create(dump->store, family, dump->snapshot, prefix);
    for (bool on = store_cursor_first(cursor); on && !dump->ended; on = store_cursor_next(cursor))
        give_row(dump, family, store_cursor_key(cursor), store_cursor_value(cursor));
    bool good = store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

bool store_dump(const struct store *store, store_dump_take *take, void *context, uint64_t *ret_rows,
                struct fault *fault) {
    static const struct {
        enum store_family family;
        struct slice prefix;
    } before[] = {{STORE_REGISTRY, {(const uint8_t *)ROTATION_ROW_PREFIX, 1}},
                  {STORE_STREAM, {NULL, 0}},
                  {STORE_PART, {NULL, 0}},
                  {STORE_SEGMENT, {NULL, 0}},
                  {STORE_HOT, {NULL, 0}}},
      behind[] = {{STORE_CONTROL, {NULL, 0}},
                  {STORE_MARK, {NULL, 0}},
                  {STORE_INDEX, {NULL, 0}},
                  {STORE_BATCH, {NULL, 0}},
                  {STORE_ALERT, {NULL, 0}},
                  {STORE_REGISTRY, {(const uint8_t *)"a", 1}},
                  {STORE_SEGMENT_FILTER, {NULL, 0}}};
    struct store_snapshot *snapshot = store_snapshot_create(store);
    struct dump dump = {.store = store, .snapshot = snapshot, .take = take, .context = context};
    bool good = true;
    open_log(&dump);
    for (size_t i = 0; good && !dump.ended && i < sizeof before / sizeof *before; i++)
        good = give_family(&dump, before[i].family, before[i].prefix, fault);
    good = good && (dump.ended || give_rest(&dump, fault));
    for (size_t i = 0; good && !dump.ended && i < sizeof behind / sizeof *behind; i++)
        good = give_family(&dump, behind[i].family, behind[i].prefix, fault);
    log_cursor_destroy(dump.entries);
    store_cursor_destroy(dump.checkpoints);
    store_snapshot_destroy(snapshot);
    *ret_rows = dump.rows;
    return good;
}
