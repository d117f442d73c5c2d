#include "backup_walk.h"

#include "bytes.h"
#include "log_cursor.h"
#include "log_reader.h"

struct walk {
    const struct store *store;
    const struct store_snapshot *snapshot;
    backup_walk_take *take;
    void *context;
};

bool backup_walk_derived(enum store_family family) {
    return family == STORE_TILE || family == STORE_BATCH || family == STORE_CONTROL || family == STORE_ENTRY_BLOCK;
}

static bool is_log(enum store_family family) {
    return family == STORE_ENTRY || family == STORE_CLASS_LIST || family == STORE_CHECKPOINT;
}

/* From `from` (empty: the first) on; `back` rows before it, too. */
static bool walk_family(const struct walk *walk, enum store_family family, struct slice from, unsigned back,
                        struct fault *fault) {
    struct store_cursor *cursor =
        store_cursor_create(walk->store, family, walk->snapshot, (struct slice){NULL, 0});
    bool on = from.size ? store_cursor_at_or_after(cursor, from) : store_cursor_first(cursor);
    if (!on && back)
        on = store_cursor_last(cursor);
    for (unsigned i = 0; on && i < back; i++)
        if (!store_cursor_previous(cursor)) {
            on = store_cursor_first(cursor);
            break;
        }
    bool good = true;
    for (; good && on; on = store_cursor_next(cursor))
        good = walk->take(walk->context, family, store_cursor_key(cursor), store_cursor_value(cursor), fault);
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

/* Entries or class lists, each as a row of its own, whether or not it stands in columns here. */
static bool walk_log(const struct walk *walk, enum store_family family, struct slice from, struct fault *fault) {
    struct log_cursor *cursor = log_cursor_create(walk->store, family, walk->snapshot);
    bool good = true;
    for (bool on = log_cursor_at_or_after(cursor, from); good && on; on = log_cursor_next(cursor))
        good = walk->take(walk->context, family, log_cursor_key(cursor), log_cursor_value(cursor), fault);
    good = good && log_cursor_good(cursor, fault);
    log_cursor_destroy(cursor);
    return good;
}

static bool log_size(const struct walk *walk, struct fault *fault) {
    struct store_cursor *cursor =
        store_cursor_create(walk->store, STORE_MARK, walk->snapshot, SLICE(LOG_SIZE_MARK));
    bool good = store_cursor_first(cursor) ? walk->take(walk->context, STORE_MARK, store_cursor_key(cursor),
                                                        store_cursor_value(cursor), fault)
                                           : store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

bool backup_walk(const struct store *store, const struct store_snapshot *snapshot, uint64_t log_first,
                 backup_walk_take *take, void *context, struct fault *fault) {
    struct walk walk = {store, snapshot, take, context};
    uint8_t first[8];
    bytes_put_u64(first, log_first);
    struct slice from = slice_make(first, sizeof first);
    bool good = log_size(&walk, fault) && walk_log(&walk, STORE_ENTRY, from, fault) &&
                walk_log(&walk, STORE_CLASS_LIST, from, fault) &&
                walk_family(&walk, STORE_CHECKPOINT, from, BACKUP_CHECKPOINTS_AGAIN, fault);
    for (unsigned family = 0; good && family < STORE_FAMILIES; family++)
        if (!is_log(family) && !backup_walk_derived(family))
            good = walk_family(&walk, family, SLICE(""), 0, fault);
    return good;
}
