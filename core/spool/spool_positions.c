#include "spool_positions.h"

#include "memory.h"

struct spool_position {
    uint8_t *bytes; /* key, then value; NULL: an empty slot */
    uint32_t hash;
    uint16_t key_size, value_size;
    uint32_t room; /* bytes allocated, so that a position that moves on is written in place */
};

#define CAPACITY_LEAST 16u

/* FNV-1a: keys are our own paths, not an attacker's choice of thousands. */
static uint32_t hash_key(struct slice key) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * 16777619u;
    return hash;
}

static struct slice position_key(const struct spool_position *slot) {
    return slice_make(slot->bytes, slot->key_size);
}
static struct slice position_value(const struct spool_position *slot) {
    return slice_make(slot->bytes + slot->key_size, slot->value_size);
}

void spool_positions_free(struct spool_positions *positions) {
    for (size_t i = 0; i < positions->capacity; i++)
        memory_cleanup(&positions->slots[i].bytes);
    memory_cleanup(&positions->slots);
    *positions = (struct spool_positions){0};
}

/* The slot of that key, or the empty one where it belongs. There is always an empty one. */
static struct spool_position *find(const struct spool_positions *positions, struct slice key, uint32_t hash) {
    size_t mask = positions->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct spool_position *slot = &positions->slots[i];
        if (!slot->bytes || (slot->hash == hash && slice_equal(position_key(slot), key)))
            return slot;
    }
}

static void grow(struct spool_positions *positions) {
    struct spool_positions larger = {.capacity =
                                         positions->capacity ? 2 * positions->capacity : CAPACITY_LEAST};
    larger.slots = memory_new_array(larger.capacity, sizeof *larger.slots);
    larger.live = positions->live;
    larger.bytes = positions->bytes;
    for (size_t i = 0; i < positions->capacity; i++) {
        const struct spool_position *slot = &positions->slots[i];
        if (slot->bytes)
            *find(&larger, position_key(slot), slot->hash) = *slot;
    }
    memory_cleanup(&positions->slots);
    *positions = larger;
}

/* Closes the gap behind a slot that is emptied, so that no search stops short of its key. */
static void forget(struct spool_positions *positions, struct spool_position *slot) {
    positions->bytes -= (size_t)slot->key_size + slot->value_size;
    positions->live--;
    memory_cleanup(&slot->bytes);
    *slot = (struct spool_position){0};
    size_t mask = positions->capacity - 1;
    size_t hole = (size_t)(slot - positions->slots);
    for (size_t i = (hole + 1) & mask; positions->slots[i].bytes; i = (i + 1) & mask) {
        size_t home = positions->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        positions->slots[hole] = positions->slots[i];
        positions->slots[i] = (struct spool_position){0};
        hole = i;
    }
}

static void store(struct spool_position *slot, struct slice key, struct slice value) {
    size_t need = key.size + value.size;
    if (need > slot->room || !slot->bytes) {
        uint8_t *bytes = memory_new(need + 8);
        memcpy(bytes, key.data, key.size);
        memory_cleanup(&slot->bytes);
        slot->bytes = bytes;
        slot->room = (uint32_t)need + 8;
        slot->key_size = (uint16_t)key.size;
    }
    memcpy(slot->bytes + key.size, value.data, value.size);
    slot->value_size = (uint16_t)value.size;
}

bool spool_positions_set(struct spool_positions *positions, struct slice key, struct slice value) {
    if (key.size == 0 || key.size > SPOOL_POSITION_MOST || value.size > SPOOL_POSITION_MOST)
        return false;
    if (4 * (positions->live + 1) > 3 * positions->capacity)
        grow(positions);
    uint32_t hash = hash_key(key);
    struct spool_position *slot = find(positions, key, hash);
    if (value.size == 0) {
        if (slot->bytes)
            forget(positions, slot);
        return true;
    }
    if (!slot->bytes) {
        if (positions->live == SPOOL_POSITIONS_MOST ||
            positions->bytes + key.size + value.size > SPOOL_POSITIONS_BYTES)
            return false;
        positions->live++;
        positions->bytes += key.size;
        slot->hash = hash;
    } else if (positions->bytes - slot->value_size + value.size > SPOOL_POSITIONS_BYTES) {
        return false;
    } else {
        positions->bytes -= slot->value_size;
    }
    store(slot, key, value);
    positions->bytes += value.size;
    return true;
}

bool spool_positions_get(const struct spool_positions *positions, struct slice key, struct slice *ret_value) {
    if (!positions->capacity)
        return false;
    const struct spool_position *slot = find(positions, key, hash_key(key));
    if (!slot->bytes)
        return false;
    *ret_value = position_value(slot);
    return true;
}

void spool_positions_each(const struct spool_positions *positions, struct slice prefix,
                          void (*each)(void *context, struct slice key, struct slice value), void *context) {
    for (size_t i = 0; i < positions->capacity; i++) {
        const struct spool_position *slot = &positions->slots[i];
        if (slot->bytes && slice_starts(position_key(slot), prefix))
            each(context, position_key(slot), position_value(slot));
    }
}
