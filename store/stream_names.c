#include "stream_names.h"

#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "encoding.h"
#include "memory.h"
#include "stream_row.h"

struct stream_names {
    const struct store *store;
    struct stream_name **slots; /* open addressing over the id, which is a hash already */
    size_t slot_count, count;
};

struct stream_names *stream_names_create(const struct store *store) {
    struct stream_names *names = memory_new(sizeof *names);
    names->store = store;
    names->slot_count = 64;
    names->slots = memory_new_array(names->slot_count, sizeof *names->slots);
    return names;
}

struct stream_names *stream_names_destroy(struct stream_names *names) {
    if (names) {
        for (size_t i = 0; i < names->slot_count; i++)
            free(names->slots[i]);
        free(names->slots);
        free(names);
    }
    return NULL;
}

static struct stream_name **slot_of(const struct stream_names *names, const uint8_t id[32]) {
    size_t mask = names->slot_count - 1;
    size_t slot = (size_t)bytes_get_u64(id) & mask;
    while (names->slots[slot] && memcmp(names->slots[slot]->id, id, 32) != 0)
        slot = (slot + 1) & mask;
    return &names->slots[slot];
}

static void grow(struct stream_names *names) {
    struct stream_name **old = names->slots;
    size_t old_count = names->slot_count;
    names->slot_count *= 2;
    names->slots = memory_new_array(names->slot_count, sizeof *names->slots);
    for (size_t i = 0; i < old_count; i++)
        if (old[i])
            *slot_of(names, old[i]->id) = old[i];
    free(old);
}

static struct stream_name *look_up(const struct stream_names *names, const uint8_t id[32]) {
    struct stream_name *name = memory_new(sizeof *name);
    memcpy(name->id, id, 32);
    CLEANUP_STORE_VALUE struct store_value value = {0};
    struct stream_row row;
    snprintf(name->host, sizeof name->host, "unknown");
    if (store_get(names->store, STORE_STREAM, slice_make(id, 32), &value, NULL) &&
        stream_row_read(value.slice, &row, NULL)) {
        snprintf(name->host, sizeof name->host, "%.*s", SLICE_ARG(row.host));
        stream_name_make(row.host, row.lane, name->stream);
    } else
        snprintf(name->stream, sizeof name->stream, "unknown");
    char digits[9];
    encoding_hex(id, 4, digits);
    name->label_size = (size_t)snprintf(name->label, sizeof name->label, "%s~%s/", name->stream, digits);
    return name;
}

const struct stream_name *stream_names_get(struct stream_names *names, const uint8_t stream_id[32]) {
    struct stream_name **slot = slot_of(names, stream_id);
    if (*slot)
        return *slot;
    if (names->count++ * 2 > names->slot_count) {
        grow(names);
        slot = slot_of(names, stream_id);
    }
    return *slot = look_up(names, stream_id);
}
