#include <stdio.h>

#include "store_internal.h"

#define BALLAST_RETRY 1024u /* commits */

static bool room_of(const struct store *store, struct store_room *room, struct fault *fault) {
    struct files_space space;
    if (!files_space(store->path, &space, fault))
        return false;
    *room = (struct store_room){
        .total_bytes = space.total_bytes,
        .free_bytes = space.free_bytes,
        .floor_bytes = store->floor_bytes,
        .free_inodes = space.free_inodes,
        .enough = space.free_bytes >= store->floor_bytes && space.free_inodes >= STORE_INODES_FLOOR,
    };
    return true;
}

bool store_room(const struct store *store, struct store_room *ret_room, struct fault *fault) {
    return room_of(store, ret_room, fault);
}

bool store_room_for(struct store *store, uint64_t bytes, bool deletions, struct fault *fault) {
    struct store_room room;
    if (!room_of(store, &room, fault))
        return false;
    /* Once in the log, once in a file. Deletions go below the floor: they are what makes room. */
    uint64_t need = (deletions ? room.floor_bytes / 4 : room.floor_bytes) + 2 * bytes;
    bool inodes = room.free_inodes >= (deletions ? STORE_INODES_FLOOR / 4 : STORE_INODES_FLOOR);
    if (room.free_bytes >= need && inodes) {
        store_ballast_care(store, room.free_bytes);
        return true;
    }
    if (!inodes)
        fault_set(fault, FAULT_SPACE,
                  "the disk has only %llu inodes left: nothing is taken until there are %u",
                  (unsigned long long)room.free_inodes, STORE_INODES_FLOOR);
    else
        fault_set(fault, FAULT_SPACE,
                  "the disk has only %llu MiB left: nothing is taken until there are %llu MiB",
                  (unsigned long long)(room.free_bytes >> 20), (unsigned long long)(need >> 20) + 1);
    return fault_place(fault, "%s", store->path);
}

/* --- The ballast --- */

bool store_ballast_start(struct store *store, struct fault *fault) {
    bool there = files_exists(store->ballast);
    atomic_store_explicit(&store->ballast_made, there, memory_order_relaxed);
    struct store_room room;
    if (!room_of(store, &room, fault))
        return false;
    if (room.enough || !there)
        return true;
    atomic_store_explicit(&store->ballast_made, false, memory_order_relaxed);
    return files_ballast_release(store->ballast, fault);
}

void store_ballast_care(struct store *store, uint64_t free_bytes) {
    if (atomic_load_explicit(&store->ballast_made, memory_order_relaxed) || store->ballast_bytes == 0)
        return;
    if (store->ballast_wait) {
        store->ballast_wait--;
        return;
    }
    /* Only out of plenty: made at the floor it would itself put an end to writing. */
    if (free_bytes < store->floor_bytes + 3 * store->ballast_bytes)
        return;
    bool made = files_ballast_make(store->ballast, store->ballast_bytes, NULL);
    atomic_store_explicit(&store->ballast_made, made, memory_order_relaxed);
    store->ballast_wait = made ? 0 : BALLAST_RETRY;
}
