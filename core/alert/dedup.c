#include "dedup.h"

#include <stdlib.h>

#include "dedup_parts.h"
#include "memory.h"

#define CHAINS_FIRST 256u

struct dedup *dedup_create(const struct dedup_settings *settings) {
    struct dedup *dedup = memory_new(sizeof *dedup);
    if (settings)
        dedup->settings = *settings;
    if (dedup->settings.window_us == 0)
        dedup->settings.window_us = DEDUP_WINDOW_DEFAULT_US;
    if (dedup->settings.repeat_us == 0)
        dedup->settings.repeat_us = DEDUP_REPEAT_DEFAULT_US;
    if (dedup->settings.most == 0 || dedup->settings.most == DEDUP_NONE)
        dedup->settings.most = DEDUP_MOST_DEFAULT;
    dedup_clear(dedup);
    return dedup;
}

struct dedup *dedup_destroy(struct dedup *dedup) {
    if (dedup) {
        free(dedup->slots);
        free(dedup->chains);
        free(dedup);
    }
    return NULL;
}

void dedup_clear(struct dedup *dedup) {
    free(dedup->slots);
    free(dedup->chains);
    dedup->slots = NULL;
    dedup->room = dedup->count = 0;
    dedup->free = dedup->oldest = dedup->newest = DEDUP_NONE;
    dedup->chain_count = CHAINS_FIRST;
    dedup->chains = memory_new_array(dedup->chain_count, sizeof *dedup->chains);
    memset(dedup->chains, 0xff, dedup->chain_count * sizeof *dedup->chains);
}

static uint32_t *chain_of(const struct dedup *dedup, const struct hash *key) {
    uint32_t value;
    memcpy(&value, key->bytes, sizeof value);
    return &dedup->chains[value & (dedup->chain_count - 1)];
}

struct dedup_slot *dedup_find(const struct dedup *dedup, const struct hash *key) {
    for (uint32_t at = *chain_of(dedup, key); at != DEDUP_NONE; at = dedup->slots[at].next)
        if (hash_equal(&dedup->slots[at].key, key))
            return &dedup->slots[at];
    return NULL;
}

static void unlink_order(struct dedup *dedup, const struct dedup_slot *slot) {
    *(slot->older == DEDUP_NONE ? &dedup->oldest : &dedup->slots[slot->older].newer) = slot->newer;
    *(slot->newer == DEDUP_NONE ? &dedup->newest : &dedup->slots[slot->newer].older) = slot->older;
}

static void link_newest(struct dedup *dedup, struct dedup_slot *slot) {
    uint32_t at = (uint32_t)(slot - dedup->slots);
    slot->older = dedup->newest;
    slot->newer = DEDUP_NONE;
    *(dedup->newest == DEDUP_NONE ? &dedup->oldest : &dedup->slots[dedup->newest].newer) = at;
    dedup->newest = at;
}

static void remove_slot(struct dedup *dedup, struct dedup_slot *slot) {
    uint32_t at = (uint32_t)(slot - dedup->slots), *chain = chain_of(dedup, &slot->key);
    while (*chain != at)
        chain = &dedup->slots[*chain].next;
    *chain = slot->next;
    unlink_order(dedup, slot);
    slot->used = false;
    slot->next = dedup->free;
    dedup->free = at;
    dedup->count--;
}

/* Twice the slots and chains; what is linked is linked by number and stays right but for the chains. */
static void grow(struct dedup *dedup) {
    uint32_t room = dedup->room ? 2 * dedup->room : CHAINS_FIRST;
    room = room < dedup->settings.most ? room : dedup->settings.most;
    dedup->slots = memory_resize(dedup->slots, room, sizeof *dedup->slots);
    for (uint32_t i = dedup->room; i < room; i++) {
        dedup->slots[i] = (struct dedup_slot){.next = dedup->free};
        dedup->free = i;
    }
    dedup->room = room;
    if (room <= dedup->chain_count)
        return;
    while (dedup->chain_count < room)
        dedup->chain_count *= 2;
    dedup->chains = memory_resize(dedup->chains, dedup->chain_count, sizeof *dedup->chains);
    memset(dedup->chains, 0xff, dedup->chain_count * sizeof *dedup->chains);
    for (uint32_t at = dedup->oldest; at != DEDUP_NONE; at = dedup->slots[at].newer) {
        uint32_t *chain = chain_of(dedup, &dedup->slots[at].key);
        dedup->slots[at].next = *chain;
        *chain = at;
    }
}

struct dedup_slot *dedup_add(struct dedup *dedup, const struct hash *key) {
    if (dedup->count == dedup->settings.most) {
        remove_slot(dedup, &dedup->slots[dedup->oldest]);
        dedup->evictions++;
    } else if (dedup->free == DEDUP_NONE) {
        grow(dedup);
    }
    struct dedup_slot *slot = &dedup->slots[dedup->free];
    dedup->free = slot->next;
    *slot = (struct dedup_slot){.key = *key, .used = true};
    uint32_t *chain = chain_of(dedup, key);
    slot->next = *chain;
    *chain = (uint32_t)(slot - dedup->slots);
    link_newest(dedup, slot);
    dedup->count++;
    return slot;
}

static struct hash key_of(const struct detector_match *match) {
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, match->rule->id, strlen(match->rule->id) + 1);
    for (size_t i = 0; i < match->entity_count; i++) {
        uint64_t sizes[2] = {match->entity[i].name.size, match->entity[i].value.size};
        sha256_add(&running, sizes, sizeof sizes);
        sha256_add(&running, match->entity[i].name.data, match->entity[i].name.size);
        sha256_add(&running, match->entity[i].value.data, match->entity[i].value.size);
    }
    return sha256_end(&running);
}

static enum dedup_verdict open_alert(struct dedup *dedup, const struct hash *key,
                                     const struct detector_match *match, struct dedup_entry *ret_entry) {
    struct dedup_slot *slot = dedup_find(dedup, key);
    if (slot)
        remove_slot(dedup, slot);
    slot = dedup_add(dedup, key);
    slot->entry = (struct dedup_entry){.count = match->count,
                                       .first_us = match->first_us,
                                       .last_us = match->last_us,
                                       .notified_us = match->time_us};
    alert_id_make(slice_string(match->rule->id), match->entity, match->entity_count, match->event_id,
                  slot->entry.alert_id);
    *ret_entry = slot->entry;
    return DEDUP_NEW;
}

/* Late matches belong to the alert as well, as long as they lie close enough before it. */
static bool belongs(const struct dedup *dedup, const struct dedup_entry *entry,
                    const struct detector_match *match) {
    uint64_t window = dedup->settings.window_us;
    if (match->first_us > entry->last_us)
        return match->first_us - entry->last_us <= window;
    return match->last_us >= entry->first_us || entry->first_us - match->last_us <= window;
}

enum dedup_verdict dedup_offer(struct dedup *dedup, const struct detector_match *match,
                               struct dedup_entry *ret_entry) {
    struct hash key = key_of(match);
    struct dedup_slot *slot = dedup_find(dedup, &key);
    if (!slot || !belongs(dedup, &slot->entry, match))
        return open_alert(dedup, &key, match, ret_entry);
    struct dedup_entry *entry = &slot->entry;
    unlink_order(dedup, slot);
    link_newest(dedup, slot);
    entry->count += match->fresh;
    entry->first_us = match->first_us < entry->first_us ? match->first_us : entry->first_us;
    entry->last_us = match->last_us > entry->last_us ? match->last_us : entry->last_us;
    bool again = match->time_us > entry->notified_us &&
                 match->time_us - entry->notified_us >= dedup->settings.repeat_us;
    if (again)
        entry->notified_us = match->time_us;
    *ret_entry = *entry;
    return again ? DEDUP_REPEAT : DEDUP_COUNTED;
}

/* People close and acknowledge seldom: no index for it. */
static struct dedup_slot *find_alert(struct dedup *dedup, struct slice alert_id) {
    for (uint32_t at = dedup->oldest; at != DEDUP_NONE; at = dedup->slots[at].newer)
        if (slice_equal(slice_string(dedup->slots[at].entry.alert_id), alert_id))
            return &dedup->slots[at];
    return NULL;
}

bool dedup_close(struct dedup *dedup, struct slice alert_id) {
    struct dedup_slot *slot = find_alert(dedup, alert_id);
    if (slot)
        remove_slot(dedup, slot);
    return slot != NULL;
}

bool dedup_acknowledge(struct dedup *dedup, struct slice alert_id, uint64_t time_us) {
    struct dedup_slot *slot = find_alert(dedup, alert_id);
    if (slot)
        slot->entry.notified_us = time_us;
    return slot != NULL;
}

size_t dedup_count(const struct dedup *dedup) {
    return dedup->count;
}
uint64_t dedup_evictions(const struct dedup *dedup) {
    return dedup->evictions;
}
