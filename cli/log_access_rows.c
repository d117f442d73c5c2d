/* Rows of the log's families, and bodies, live or at rest. */
#include "bytes.h"
#include "log_access_inside.h"
#include "log_cursor.h"
#include "search_bodies.h"

struct taking {
    log_access_take *take;
    void *context;
    bool ended;
};

static void take_live(void *context, const Tocsin__StoreRow *row) {
    struct taking *taking = context;
    taking->ended = taking->ended || !taking->take(taking->context, slice_make(row->key.data, row->key.len),
                                                   slice_make(row->value.data, row->value.len));
}

bool log_access_ask(struct log_access *access, Tocsin__Request *request, log_access_take *take, void *context,
                    struct fault *fault) {
    struct taking taking = {take, context, false};
    return reader_ask(access->reader, request, fault) && reader_rows(access->reader, take_live, &taking, fault);
}

static bool rows_live(struct log_access *access, enum store_family family, struct slice from, struct slice to,
                      uint64_t limit, log_access_take *take, void *context, struct fault *fault) {
    Tocsin__RowsQuery query = TOCSIN__ROWS_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.family = family;
    query.from = (ProtobufCBinaryData){from.size, (uint8_t *)(uintptr_t)from.data};
    query.to = (ProtobufCBinaryData){to.size, (uint8_t *)(uintptr_t)to.data};
    query.limit = limit;
    request.of_case = TOCSIN__REQUEST__OF_ROWS;
    request.rows = &query;
    return log_access_ask(access, &request, take, context, fault);
}

static bool bodies_live(struct log_access *access, uint64_t log_index, uint8_t class, log_access_take *take,
                        void *context, struct fault *fault) {
    Tocsin__BodiesQuery query = TOCSIN__BODIES_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.log_index = log_index;
    query.class_ = class;
    request.of_case = TOCSIN__REQUEST__OF_BODIES;
    request.bodies = &query;
    return log_access_ask(access, &request, take, context, fault);
}

bool log_access_bodies(struct log_access *access, uint64_t log_index, uint8_t class, log_access_take *take,
                       void *context, struct fault *fault) {
    const struct site_store *rest = &access->store;
    uint64_t count;
    return access->reader ? bodies_live(access, log_index, class, take, context, fault)
                          : search_bodies(rest->store, rest->sealed.sealed, log_index, class, take, context,
                                          &count, fault) ||
                                !fault->code;
}

static bool before(struct slice key, struct slice to) {
    size_t shared = key.size < to.size ? key.size : to.size;
    int order = memcmp(key.data, to.data, shared);
    return order < 0 || (order == 0 && key.size < to.size);
}

static bool rows_at_rest(struct log_access *access, enum store_family family, struct slice from,
                         struct slice to, uint64_t limit, log_access_take *take, void *context,
                         struct fault *fault) {
    struct log_cursor *cursor = log_cursor_create(access->store.store, family, NULL);
    log_cursor_share(cursor, &access->block);
    uint64_t rows = 0;
    bool on = log_cursor_at_or_after(cursor, from);
    for (; on && !(limit && rows >= limit); on = log_cursor_next(cursor), rows++)
        if ((to.size && !before(log_cursor_key(cursor), to)) ||
            !take(context, log_cursor_key(cursor), log_cursor_value(cursor)))
            break;
    bool good = log_cursor_good(cursor, fault);
    log_cursor_destroy(cursor);
    return good;
}

bool log_access_rows(struct log_access *access, enum store_family family, struct slice from, struct slice to,
                     uint64_t limit, log_access_take *take, void *context, struct fault *fault) {
    return access->reader ? rows_live(access, family, from, to, limit, take, context, fault)
                          : rows_at_rest(access, family, from, to, limit, take, context, fault);
}

struct wanted_row {
    uint64_t number;
    bool found;
    struct buffer *to;
};

static bool take_row(void *context, struct slice key, struct slice value) {
    struct wanted_row *wanted = context;
    if (key.size == 8 && bytes_get_u64(key.data) == wanted->number)
        wanted->found = buffer_append_slice(wanted->to, value);
    return false;
}

bool log_access_numbered(struct log_access *access, enum store_family family, uint64_t number, struct buffer *to,
                     struct fault *fault) {
    uint8_t key[8];
    bytes_put_u64(key, number);
    struct wanted_row wanted = {number, false, to};
    if (!log_access_rows(access, family, slice_make(key, sizeof key), (struct slice){NULL, 0}, 1, take_row,
                         &wanted, fault))
        return false;
    return wanted.found || fault_set(fault, FAULT_MISSING, "there is no %s %llu here",
                                     store_family_row(family)->name, (unsigned long long)number);
}
