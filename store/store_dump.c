#include "store_dump.h"

#include "rotation_row.h"
#include "row.h"

struct dump {
    const struct store *store;
    const struct store_snapshot *snapshot;
    store_dump_take *take;
    void *context;
    uint64_t rows;
    bool ended;
};

static bool give(struct dump *dump, enum store_family family, struct slice key, struct slice value) {
    dump->rows++;
    dump->ended = !dump->take(dump->context, family, key, value);
    return !dump->ended;
}

/* What the close refers to goes first. A missing one is left for the verifier to find. */
static bool give_close(struct dump *dump, struct slice log_index) {
    static const enum store_family families[] = {STORE_ENTRY, STORE_CLASS_LIST};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP_STORE_VALUE struct store_value value = {0};
        if (store_get(dump->store, families[i], log_index, &value, NULL) &&
            !give(dump, families[i], log_index, value.slice))
            return false;
    }
    return true;
}

static bool give_row(struct dump *dump, enum store_family family, struct slice key, struct slice value) {
    struct row row;
    if (family == STORE_HOT && row_read(value, &row, NULL) && row.kind == ROW_CLOSE && !give_close(dump, row.payload))
        return false;
    return give(dump, family, key, value);
}

static bool give_family(struct dump *dump, enum store_family family, struct slice prefix, struct fault *fault) {
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
    } parts[] = {{STORE_REGISTRY, {(const uint8_t *)ROTATION_ROW_PREFIX, 1}},
                 {STORE_STREAM, {NULL, 0}},
                 {STORE_PART, {NULL, 0}},
                 {STORE_HOT, {NULL, 0}},
                 {STORE_MARK, {NULL, 0}}};
    struct store_snapshot *snapshot = store_snapshot_create(store);
    struct dump dump = {store, snapshot, take, context, 0, false};
    bool good = true;
    for (size_t i = 0; good && !dump.ended && i < sizeof parts / sizeof *parts; i++)
        good = give_family(&dump, parts[i].family, parts[i].prefix, fault);
    store_snapshot_destroy(snapshot);
    *ret_rows = dump.rows;
    return good;
}
