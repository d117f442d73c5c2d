#include "dedup.h"

#include <stdlib.h>

#include "bytes.h"
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
    if (dedup->settings.acknowledged_us == 0)
        dedup->settings.acknowledged_us = DEDUP_ACKNOWLEDGED_DEFAULT_US;
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

struct dedup_slot *dedup_slot_of(const struct dedup *dedup, const struct hash *key) {
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
    const char *what = match->rule->trouble ? match->rule->trouble : match->rule->id;
    sha256_begin(&running);
    sha256_add(&running, match->rule->trouble ? "t" : "r", 1);
    sha256_add(&running, what, strlen(what) + 1);
    for (size_t i = 0; i < match->entity_count; i++) {
        uint64_t sizes[2] = {match->entity[i].name.size, match->entity[i].value.size};
        sha256_add(&running, sizes, sizeof sizes);
        sha256_add(&running, match->entity[i].name.data, match->entity[i].name.size);
        sha256_add(&running, match->entity[i].value.data, match->entity[i].value.size);
    }
    return sha256_end(&running);
}

uint64_t dedup_rule_number(const struct rule *rule) {
    struct hash hash = sha256_of(slice_string(rule->id));
    return bytes_get_u64(hash.bytes);
}

/* In the place of `before`, where there is one. */
static enum dedup_verdict open_alert(struct dedup *dedup, const struct hash *key, struct dedup_slot *before,
                                     const struct detector_match *match, struct dedup_entry *ret_entry) {
    struct dedup_entry entry = {.count = match->count,
                                .first_us = match->first_us,
                                .last_us = match->last_us,
                                .notified_us = match->time_us,
                                .rule = dedup_rule_number(match->rule)};
    if (before && match->rule->trouble)
        memcpy(entry.replaced, before->entry.alert_id, sizeof entry.replaced);
    if (before)
        remove_slot(dedup, before);
    alert_id_make(slice_string(match->rule->id), match->entity, match->entity_count, match->event_id,
                  entry.alert_id);
    struct dedup_slot *slot = dedup_add(dedup, key);
    *ret_entry = slot->entry = entry;
    slot->entry.replaced[0] = '\0';
    return DEDUP_NEW;
}

/* Late matches belong to the alert as well, as long as they lie close enough before it. */
static bool belongs(const struct dedup *dedup, const struct dedup_slot *slot,
                    const struct detector_match *match) {
    uint64_t window = dedup->settings.window_us;
    const struct dedup_entry *entry = &slot->entry;
    if (match->rule->trouble)
        return entry->rule == dedup_rule_number(match->rule);
    if (match->first_us > entry->last_us)
        return match->first_us - entry->last_us <= window;
    return match->last_us >= entry->first_us || entry->first_us - match->last_us <= window;
}

static bool is_due(const struct dedup *dedup, const struct dedup_entry *entry,
                   const struct detector_match *match, uint64_t acknowledged_us) {
    uint64_t after = acknowledged_us          ? dedup->settings.acknowledged_us
                     : match->rule->repeat_us ? match->rule->repeat_us
                                              : dedup->settings.repeat_us;
    uint64_t from = acknowledged_us > entry->notified_us ? acknowledged_us : entry->notified_us;
    return match->time_us > from && match->time_us - from >= after;
}

struct dedup_entry *dedup_find(struct dedup *dedup, const struct detector_match *match) {
    struct hash key = key_of(match);
    struct dedup_slot *slot = dedup_slot_of(dedup, &key);
    return slot ? &slot->entry : NULL;
}

enum dedup_verdict dedup_offer(struct dedup *dedup, const struct detector_match *match,
                               uint64_t acknowledged_us, struct dedup_entry *ret_entry) {
    struct hash key = key_of(match);
    struct dedup_slot *slot = dedup_slot_of(dedup, &key);
    if (!slot || !belongs(dedup, slot, match))
        return open_alert(dedup, &key, slot, match, ret_entry);
    struct dedup_entry *entry = &slot->entry;
    unlink_order(dedup, slot);
    link_newest(dedup, slot);
    entry->count += match->fresh;
    entry->first_us = match->first_us < entry->first_us ? match->first_us : entry->first_us;
    entry->last_us = match->last_us > entry->last_us ? match->last_us : entry->last_us;
    bool again = is_due(dedup, entry, match, acknowledged_us);
    if (again)
        entry->notified_us = match->time_us;
    *ret_entry = *entry;
    return again ? DEDUP_REPEAT : DEDUP_COUNTED;
}

bool dedup_close(struct dedup *dedup, const struct detector_match *match, struct dedup_entry *ret_entry) {
    struct hash key = key_of(match);
    struct dedup_slot *slot = dedup_slot_of(dedup, &key);
    if (!slot)
        return false;
    *ret_entry = slot->entry;
    remove_slot(dedup, slot);
    return true;
}

size_t dedup_count(const struct dedup *dedup) {
    return dedup->count;
}
uint64_t dedup_evictions(const struct dedup *dedup) {
    return dedup->evictions;
}
