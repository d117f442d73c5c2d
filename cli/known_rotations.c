#include "known_rotations.h"

#include <inttypes.h>
#include <stdlib.h>

#include "memory.h"
#include "rotation_row.h"

struct kept {
    void *bytes;
    struct rotation rotation; /* borrows from them */
};

struct known_rotations {
    struct kept *all;
    size_t count;
};

struct known_rotations *known_rotations_create(void) {
    return memory_new(sizeof(struct known_rotations));
}

struct known_rotations *known_rotations_destroy(struct known_rotations *known) {
    if (known) {
        for (size_t i = 0; i < known->count; i++)
            free(known->all[i].bytes);
        free(known->all);
        free(known);
    }
    return NULL;
}

static bool stands_under_its_key(const struct rotation *rotation, struct slice key) {
    CLEANUP_BUFFER struct buffer own = BUFFER(ROTATION_ROW_KEY_MOST);
    return rotation_row_key(&own, rotation->name, rotation->streams[LANE_SECURITY].bytes, rotation->epoch) &&
           slice_equal(buffer_slice(&own), key);
}

static bool check(const struct rotation *rotation, struct slice key, struct fault *fault) {
    if (!stands_under_its_key(rotation, key))
        return fault_set(fault, FAULT_CONFLICT, "the statement is for another host, stream or epoch");
    return check_good(rotation_check_signed(rotation, fault));
}

bool known_rotations_take(struct known_rotations *known, struct slice key, struct slice value,
                          struct fault *fault) {
    struct kept kept = {.bytes = memory_copy(value.data, value.size)};
    if (!rotation_read(slice_make(kept.bytes, value.size), &kept.rotation, fault) ||
        !check(&kept.rotation, key, fault)) {
        free(kept.bytes);
        return false;
    }
    known->all = memory_resize(known->all, known->count + 1, sizeof *known->all);
    known->all[known->count++] = kept;
    return true;
}

bool known_rotations_follow(const struct known_rotations *known, const struct rotation_place *place,
                            enum lane lane, const struct hash *stream_id, struct verify_key *ret_key,
                            struct fault *fault) {
    const struct rotation *later = NULL;
    for (size_t i = 0; i < known->count; i++) {
        const struct rotation *rotation = &known->all[i].rotation;
        if (!hash_equal(&rotation->streams[lane], stream_id) || rotation->epoch <= place->epoch)
            continue;
        if (rotation->epoch == place->epoch + 1) {
            if (!check_good(rotation_check(rotation, place, fault)))
                return false;
            *ret_key = rotation->new_key;
            return true;
        }
        if (!later || rotation->epoch < later->epoch)
            later = rotation;
    }
    return later ? fault_set(fault, FAULT_CONFLICT,
                             "key epoch %" PRIu32 " has ended and the next statement is for epoch %" PRIu32
                             ": an epoch is left out",
                             place->epoch, later->epoch)
                 : fault_set(fault, FAULT_MISSING,
                             "key epoch %" PRIu32 " has ended and no statement names the next key",
                             place->epoch);
}
