#include "sightings.h"

#include <stdlib.h>

#include "bytes.h"
#include "memory.h"

struct seen {
    struct sighting first;
    bool alike, forked; /* told already */
};

struct sightings {
    struct seen *all;
    size_t count, room;
    size_t *slots; /* place + 1; 0 is free */
    size_t slot_count;
    uint64_t alike;
};

struct sightings *sightings_create(void) {
    return memory_new(sizeof(struct sightings));
}

struct sightings *sightings_destroy(struct sightings *sightings) {
    if (sightings) {
        free(sightings->all);
        free(sightings->slots);
    }
    free(sightings);
    return NULL;
}

/* The id is a hash already. */
static size_t slot_of(const struct sightings *sightings, const struct sighting *sighting) {
    uint64_t number =
        bytes_get_u64(sighting->stream_id.bytes) + sighting->batch_seq * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(number ^ number >> 32) & (sightings->slot_count - 1);
}

static size_t find_slot(const struct sightings *sightings, const struct sighting *sighting) {
    size_t slot = slot_of(sightings, sighting);
    for (; sightings->slots[slot]; slot = (slot + 1) & (sightings->slot_count - 1)) {
        const struct sighting *known = &sightings->all[sightings->slots[slot] - 1].first;
        if (known->batch_seq == sighting->batch_seq && hash_equal(&known->stream_id, &sighting->stream_id))
            break;
    }
    return slot;
}

static void grow(struct sightings *sightings) {
    if (sightings->count == sightings->room) {
        sightings->room = sightings->room ? 2 * sightings->room : 64;
        sightings->all = memory_resize(sightings->all, sightings->room, sizeof *sightings->all);
    }
    if (2 * sightings->count < sightings->slot_count)
        return;
    free(sightings->slots);
    sightings->slot_count = 4 * sightings->room;
    sightings->slots = memory_new_array(sightings->slot_count, sizeof *sightings->slots);
    for (size_t i = 0; i < sightings->count; i++)
        sightings->slots[find_slot(sightings, &sightings->all[i].first)] = i + 1;
}

enum seen_again sightings_add(struct sightings *sightings, const struct sighting *sighting,
                              struct sighting *ret_other) {
    grow(sightings);
    size_t slot = find_slot(sightings, sighting);
    if (!sightings->slots[slot]) {
        if (sightings->count == SIGHTINGS_MOST)
            return SEEN_TOO_MANY;
        sightings->all[sightings->count++] = (struct seen){.first = *sighting};
        sightings->slots[slot] = sightings->count;
        return SEEN_FIRST;
    }
    struct seen *seen = &sightings->all[sightings->slots[slot] - 1];
    if (hash_equal(&seen->first.leaf, &sighting->leaf)) {
        if (!seen->alike && seen->first.log != sighting->log) {
            seen->alike = true;
            sightings->alike++;
        }
        return SEEN_SAME;
    }
    if (seen->forked)
        return SEEN_SAME;
    seen->forked = true;
    *ret_other = seen->first;
    return SEEN_FORKED;
}

uint64_t sightings_alike(const struct sightings *sightings) {
    return sightings->alike;
}
