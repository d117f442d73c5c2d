#include "held_reader.h"

#include "bytes.h"
#include "memory.h"

#define VALUE_MOST (STORE_VALUE_MOST + 64u)

static bool take_row(struct slice plain, uint64_t hold, held_reader_take *take, void *context, bool *ret_more,
                     struct fault *fault) {
    uint64_t index;
    struct slice extra;
    bool bad = false;
    while (*ret_more && held_next(&plain, &index, &extra, &bad))
        *ret_more = take(context, index, extra);
    return !bad ||
           fault_set(fault, FAULT_FORMAT, "a row of hold %llu cannot be read", (unsigned long long)hold);
}

bool held_reader_each(const struct store *store, struct day_keys *keys, uint64_t hold, held_reader_take *take,
                      void *context, struct fault *fault) {
    uint8_t prefix[8], key[DAY_KEY_SIZE];
    CLEANUP_BUFFER struct buffer plain = BUFFER(VALUE_MOST);
    bytes_put_u64(prefix, hold);
    if (!day_keys_get(keys, HELD_KEY_CLASS, hold, key, NULL, NULL))
        return true;
    struct store_cursor *cursor = store_cursor_create(store, STORE_HELD, NULL, slice_make(prefix, sizeof prefix));
    bool good = true, more = true;
    for (bool on = store_cursor_first(cursor); good && more && on; on = store_cursor_next(cursor)) {
        struct held_row row;
        good = held_row_read(store_cursor_key(cursor), &row, fault) &&
               held_open(&plain, &row, key, store_cursor_value(cursor), fault) &&
               take_row(buffer_slice(&plain), hold, take, context, &more, fault);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    memory_wipe(key, sizeof key);
    return good && more;
}
