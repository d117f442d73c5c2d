#include "lasting.h"

#include <stdio.h>

#include "bytes.h"

#define KEY_MOST 512u

static struct slice key_of(char key[KEY_MOST], const char *kind, const char *name) {
    int size = snprintf(key, KEY_MOST, "lasting/%s/%s", kind, name);
    return slice_make(key, size < (int)KEY_MOST ? (size_t)size : KEY_MOST - 1);
}

void lasting_put(struct change *change, const char *kind, const char *name, uint64_t value) {
    char key[KEY_MOST];
    uint8_t bytes[8];
    bytes_put_u64(bytes, value);
    if (value)
        change_put(change, STORE_MARK, key_of(key, kind, name), slice_make(bytes, sizeof bytes));
    else
        change_delete(change, STORE_MARK, key_of(key, kind, name));
}

uint64_t lasting_get(const struct store *store, const char *kind, const char *name) {
    char key[KEY_MOST];
    uint8_t bytes[8];
    return store_get_fixed(store, STORE_MARK, key_of(key, kind, name), bytes, sizeof bytes, NULL) ? bytes_get_u64(bytes) : 0;
}
