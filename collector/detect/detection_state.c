#include "detection_state.h"

#include <string.h>

#include "bytes.h"
#include "sha256.h"

#define KEY(text) slice_make(text, sizeof(text) - 1)
#define PART_PREFIX "detection/"
#define PART_KEY (sizeof PART_PREFIX - 1 + 5)
#define HEAD_SIZE (8u + 1 + 8 + 8 + 8 + HASH_SIZE)

static struct slice part_key(uint8_t key[PART_KEY], uint8_t generation, uint32_t number) {
    memcpy(key, PART_PREFIX, sizeof PART_PREFIX - 1);
    key[PART_KEY - 5] = generation;
    bytes_put_u32(key + PART_KEY - 4, number);
    return slice_make(key, PART_KEY);
}

static struct hash hash_of(const struct detection_state *state) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, state->detector.data, state->detector.size);
    sha256_add(&running, state->dedup.data, state->dedup.size);
    sha256_add(&running, state->probes.data, state->probes.size);
    return sha256_end(&running);
}

static void put_parts(const struct detection_state *state, struct slice bytes, uint32_t *number,
                      detection_state_room *room, void *context) {
    uint8_t key[PART_KEY];
    for (; bytes.size; (*number)++) {
        struct slice part = slice_head(bytes, DETECTION_PART_MOST);
        change_put(room(context, part.size), STORE_DETECTOR, part_key(key, state->generation, *number), part);
        bytes = slice_from(bytes, part.size);
    }
}

void detection_state_put(const struct detection_state *state, detection_state_room *room, void *context) {
    uint8_t from[PART_KEY], to[PART_KEY], head[HEAD_SIZE];
    struct hash hash = hash_of(state);
    uint32_t number = 0;
    put_parts(state, state->detector, &number, room, context);
    put_parts(state, state->dedup, &number, room, context);
    put_parts(state, state->probes, &number, room, context);
    bytes_put_u64(head, state->next_row);
    head[8] = state->generation;
    bytes_put_u64(head + 9, state->detector.size);
    bytes_put_u64(head + 17, state->dedup.size);
    bytes_put_u64(head + 25, state->probes.size);
    memcpy(head + HEAD_SIZE - HASH_SIZE, hash.bytes, HASH_SIZE);
    struct change *change = room(context, sizeof head);
    change_put(change, STORE_DETECTOR, KEY(DETECTION_STATE_KEY), slice_make(head, sizeof head));
    /* What a crash left of this generation, past its end, goes with it. */
    uint8_t before = (uint8_t)(state->generation - 1);
    change_delete_range(change, STORE_DETECTOR, part_key(from, before, 0), part_key(to, before, UINT32_MAX));
}

static bool get_parts(const struct store *store, uint8_t generation, size_t size, struct buffer *to,
                      struct fault *fault) {
    uint8_t key[PART_KEY];
    for (uint32_t number = 0; to->size < size; number++) {
        CLEANUP_STORE_VALUE struct store_value value = {0};
        if (!store_get(store, STORE_DETECTOR, part_key(key, generation, number), &value, fault))
            return fault_set(fault, FAULT_FORMAT, "part %u of it is not there", number);
        if (value.slice.size == 0 || !buffer_append_slice(to, value.slice))
            return fault_set(fault, FAULT_FORMAT, "part %u of it has %zu bytes", number, value.slice.size);
    }
    return to->size == size ||
           fault_set(fault, FAULT_FORMAT, "its parts have %zu bytes, and it has %zu", to->size, size);
}

bool detection_state_get(const struct store *store, struct buffer *to, struct detection_state *ret_state,
                         struct fault *fault) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    if (!store_get(store, STORE_DETECTOR, KEY(DETECTION_STATE_KEY), &value, fault))
        return false;
    struct bytes_reader reader = bytes_read(value.slice);
    struct hash hash;
    *ret_state = (struct detection_state){.next_row = bytes_read_u64(&reader)};
    ret_state->generation = bytes_read_u8(&reader);
    uint64_t detector = bytes_read_u64(&reader), dedup = bytes_read_u64(&reader),
             probes = bytes_read_u64(&reader);
    bytes_read_into(&reader, hash.bytes, HASH_SIZE);
    if (!bytes_read_done(&reader) || detector > to->limit || dedup > to->limit - detector ||
        probes > to->limit - detector - dedup)
        return fault_set(fault, FAULT_FORMAT, "%zu bytes that are no state", value.slice.size);
    buffer_clear(to);
    if (!get_parts(store, ret_state->generation, (size_t)(detector + dedup + probes), to, fault))
        return false;
    ret_state->detector = slice_make(to->data, (size_t)detector);
    ret_state->dedup = slice_make(to->data + detector, (size_t)dedup);
    ret_state->probes = slice_make(to->data + detector + dedup, (size_t)probes);
    struct hash found = hash_of(ret_state);
    return hash_equal(&found, &hash) ||
           fault_set(fault, FAULT_FORMAT, "its bytes are not those that were saved");
}
