#include "entry_block_inside.h"

#include "bytes.h"
#include "merkle.h"

#define CUM_AT 120u

const struct entry_given_place entry_given_places[ENTRY_GIVEN] = {
    [GIVEN_BOOT_ID] = {104, BOOT_ID_SIZE},
    [GIVEN_EVENT_ROOT] = {248, HASH_SIZE},
    [GIVEN_PREV] = {280, HASH_SIZE},
    [GIVEN_SEEN_ROOT] = {320, HASH_SIZE},
};

static const struct {
    uint16_t at;
    uint8_t size;
} places[ENTRY_NUMBERS] = {
    [ENTRY_EPOCH] = {48, 4}, [ENTRY_SEQ] = {56, 8},   [ENTRY_FIRST] = {64, 8}, [ENTRY_COUNT] = {72, 4},
    [ENTRY_KIND] = {52, 4},  [ENTRY_KEY] = {76, 4},   [ENTRY_OPEN] = {80, 8},  [ENTRY_CLOSE] = {88, 8},
    [ENTRY_BOOT] = {96, 8},  [ENTRY_SEEN] = {312, 8},
};

uint64_t entry_number_get(const uint8_t *entry, enum entry_number number) {
    const uint8_t *at = entry + places[number].at;
    return places[number].size == 8 ? bytes_get_u64(at) : bytes_get_u32(at);
}

void entry_number_put(uint8_t *entry, enum entry_number number, uint64_t value) {
    uint8_t *at = entry + places[number].at;
    if (places[number].size == 8)
        bytes_put_u64(at, value);
    else
        bytes_put_u32(at, (uint32_t)value);
}

uint64_t entry_number_expected(const struct entry_place *place, enum entry_number number) {
    const uint8_t *before = place->previous, *entry = place->entry;
    uint64_t last = entry_number_get(before, number);
    switch (number) {
    case ENTRY_EPOCH:
    case ENTRY_KEY:
        return last;
    case ENTRY_SEQ:
        return last + 1;
    case ENTRY_FIRST:
        return last + entry_number_get(before, ENTRY_COUNT);
    case ENTRY_COUNT:
        return class_list_events(place->list);
    case ENTRY_KIND:
        return entry_number_get(entry, ENTRY_COUNT) ? BATCH_DATA : BATCH_HEARTBEAT;
    case ENTRY_OPEN:
        return entry_number_get(before, ENTRY_CLOSE);
    case ENTRY_CLOSE:
        return entry_number_get(entry, ENTRY_OPEN) + last - entry_number_get(before, ENTRY_OPEN);
    case ENTRY_BOOT:
        return last + entry_number_get(entry, ENTRY_CLOSE) - entry_number_get(before, ENTRY_CLOSE);
    case ENTRY_SEEN:
        return place->previous_index + 1; /* what came back to the agent: its last one is in the log */
    }
    return 0;
}

uint64_t entry_number_difference(enum entry_number number, uint64_t value, uint64_t expected) {
    uint64_t difference = value - expected;
    return places[number].size == 8 ? difference : (uint64_t)(int32_t)(uint32_t)difference;
}

uint64_t entry_cum_expected(const struct entry_place *place, unsigned class) {
    uint64_t cum = bytes_get_u64(place->previous + CUM_AT + 8 * class);
    for (size_t i = 0; i < place->list->count; i++)
        cum += place->list->items[i].class == class ? place->list->items[i].count : 0;
    return cum;
}

static void take(uint8_t *ret_bytes, struct hash hash) {
    memcpy(ret_bytes, hash.bytes, HASH_SIZE);
}

bool entry_given_expected(const struct entry_place *place, enum entry_given given,
                          const struct entry_block_roots *roots, uint8_t ret_bytes[HASH_SIZE]) {
    struct hash root;
    uint64_t seen;
    switch (given) {
    case GIVEN_BOOT_ID:
        memcpy(ret_bytes, place->previous + entry_given_places[given].at, BOOT_ID_SIZE);
        return true;
    case GIVEN_EVENT_ROOT:
        take(ret_bytes, class_list_event_root(place->list_bytes));
        return true;
    case GIVEN_PREV:
        if (place->has_previous)
            take(ret_bytes, sha256_of(slice_make(place->previous, BATCH_ENTRY_SIZE)));
        else
            memset(ret_bytes, 0, HASH_SIZE);
        return true;
    case GIVEN_SEEN_ROOT:
        seen = entry_number_get(place->entry, ENTRY_SEEN);
        if (seen == 0)
            root = merkle_empty();
        else if (!roots->root || !roots->root(roots->context, seen, &root))
            return false;
        take(ret_bytes, root);
        return true;
    }
    return false;
}

bool entry_is_batch(struct slice entry) {
    return entry.size == BATCH_ENTRY_SIZE && slice_starts(entry, SLICE("tocsin/batch/v1\0"));
}

void entry_block_group(const uint32_t *streams, size_t count, size_t stream_count, uint32_t *ret_starts,
                       uint32_t *ret_order) {
    memset(ret_starts, 0, (stream_count + 1) * sizeof *ret_starts);
    for (size_t i = 0; i < count; i++)
        ret_starts[streams[i] + 1]++;
    for (size_t s = 0; s < stream_count; s++)
        ret_starts[s + 1] += ret_starts[s];
    for (size_t i = 0; i < count; i++)
        ret_order[ret_starts[streams[i]]++] = (uint32_t)i;
    for (size_t s = stream_count; s > 0; s--)
        ret_starts[s] = ret_starts[s - 1];
    ret_starts[0] = 0;
}
