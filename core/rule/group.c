#include "group.h"

#include <stdlib.h>

#include "memory.h"

static uint64_t hash_of(uint32_t rule, struct slice key) {
    uint64_t value = 14695981039346656037ull ^ rule * 0x9e3779b97f4a7c15ull;
    for (size_t i = 0; i < key.size; i++)
        value = (value ^ key.data[i]) * 1099511628211ull;
    return value ^ value >> 32;
}

void group_table_make(struct group_table *table, uint32_t rule_count) {
    *table = (struct group_table){.slot_count = 1024, .rule_count = rule_count};
    table->slots = memory_new_array(table->slot_count, sizeof *table->slots);
    table->oldest = memory_new_array((size_t)rule_count + 1, sizeof *table->oldest);
    table->newest = memory_new_array((size_t)rule_count + 1, sizeof *table->newest);
}

static void group_free(struct group *group) {
    for (uint32_t i = 0; i < GROUP_IDS_MOST; i++)
        free(group->ids[i].text);
    free(group->entries);
    free(group->key);
    free(group);
}

void group_table_free(struct group_table *table) {
    for (size_t i = 0; i < table->slot_count; i++) {
        for (struct group *group = table->slots[i], *next; group; group = next) {
            next = group->next;
            group_free(group);
        }
    }
    free(table->slots);
    free(table->oldest);
    free(table->newest);
    *table = (struct group_table){0};
}

struct group *group_find(const struct group_table *table, uint32_t rule, struct slice key) {
    uint64_t hash = hash_of(rule, key);
    for (struct group *group = table->slots[hash & (table->slot_count - 1)]; group; group = group->next)
        if (group->hash == hash && group->rule == rule &&
            slice_equal(slice_make(group->key, group->key_size), key))
            return group;
    return NULL;
}

static void grow(struct group_table *table) {
    struct group **old = table->slots;
    size_t old_count = table->slot_count;
    table->slot_count *= 2;
    table->slots = memory_new_array(table->slot_count, sizeof *table->slots);
    for (size_t i = 0; i < old_count; i++) {
        for (struct group *group = old[i], *next; group; group = next) {
            struct group **slot = &table->slots[group->hash & (table->slot_count - 1)];
            next = group->next;
            group->next = *slot;
            *slot = group;
        }
    }
    free(old);
}

static void link_newest(struct group_table *table, struct group *group) {
    group->older = table->newest[group->rule];
    group->newer = NULL;
    if (group->older)
        group->older->newer = group;
    else
        table->oldest[group->rule] = group;
    table->newest[group->rule] = group;
}

static void unlink_order(struct group_table *table, struct group *group) {
    *(group->older ? &group->older->newer : &table->oldest[group->rule]) = group->newer;
    *(group->newer ? &group->newer->older : &table->newest[group->rule]) = group->older;
}

struct group *group_add(struct group_table *table, uint32_t rule, struct slice key) {
    if (table->count >= table->slot_count)
        grow(table);
    struct group *group = memory_new(sizeof *group);
    group->rule = rule;
    group->hash = hash_of(rule, key);
    group->key = memory_copy(key.data, key.size);
    group->key_size = (uint32_t)key.size;
    group->touched = ++table->clock;
    struct group **slot = &table->slots[group->hash & (table->slot_count - 1)];
    group->next = *slot;
    *slot = group;
    link_newest(table, group);
    table->count++;
    return group;
}

void group_touch(struct group_table *table, struct group *group) {
    group->touched = ++table->clock;
    if (table->newest[group->rule] == group)
        return;
    unlink_order(table, group);
    link_newest(table, group);
}

void group_remove(struct group_table *table, struct group *group) {
    struct group **slot = &table->slots[group->hash & (table->slot_count - 1)];
    while (*slot != group)
        slot = &(*slot)->next;
    *slot = group->next;
    unlink_order(table, group);
    table->count--;
    group_free(group);
}

struct group *group_oldest(const struct group_table *table) {
    struct group *oldest = NULL;
    for (uint32_t i = 0; i < table->rule_count; i++) {
        struct group *group = table->oldest[i];
        while (group && group->pinned)
            group = group->newer;
        if (group && (!oldest || group->touched < oldest->touched))
            oldest = group;
    }
    return oldest;
}

uint32_t group_lower(const struct group *group, uint64_t time_us) {
    uint32_t from = 0, to = group->entry_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (group->entries[middle].time_us < time_us)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void make_room(struct group *group, uint32_t keep) {
    if (group->entry_count >= keep) {
        uint32_t gone = keep / 4 ? keep / 4 : 1;
        memmove(group->entries, group->entries + gone, (group->entry_count - gone) * sizeof *group->entries);
        group->entry_count -= gone;
    }
    if (group->entry_count == group->entry_room) {
        group->entry_room = group->entry_room ? 2 * group->entry_room : 4;
        group->entries = memory_resize(group->entries, group->entry_room, sizeof *group->entries);
    }
}

uint32_t group_insert(struct group *group, const struct group_entry *entry, uint32_t keep) {
    make_room(group, keep);
    uint32_t at = group->entry_count;
    while (at > 0 && group->entries[at - 1].time_us > entry->time_us)
        at--;
    memmove(group->entries + at + 1, group->entries + at, (group->entry_count - at) * sizeof *group->entries);
    group->entries[at] = *entry;
    group->entry_count++;
    return at;
}

void group_append(struct group *group, const struct group_entry *entry) {
    make_room(group, UINT32_MAX);
    group->entries[group->entry_count++] = *entry;
}

void group_remove_entry(struct group *group, uint32_t at) {
    group->entry_count--;
    memmove(group->entries + at, group->entries + at + 1, (group->entry_count - at) * sizeof *group->entries);
}

void group_remember(struct group *group, struct slice id, uint64_t time_us) {
    for (uint32_t i = group->id_count; i-- > 0;)
        if (slice_equal(slice_make(group->ids[i].text, group->ids[i].size), id))
            return;
    struct group_id slot = group->ids[0];
    if (group->id_count == GROUP_IDS_MOST) {
        if (time_us < slot.time_us)
            return;
        memmove(group->ids, group->ids + 1, (GROUP_IDS_MOST - 1) * sizeof *group->ids);
        group->id_count--;
    } else {
        slot = group->ids[group->id_count];
    }
    if (slot.room < id.size) {
        slot.room = (uint32_t)id.size + 8;
        slot.text = memory_resize(slot.text, slot.room, 1);
    }
    if (id.size)
        memcpy(slot.text, id.data, id.size);
    slot.size = (uint32_t)id.size;
    slot.time_us = time_us;
    uint32_t at = group->id_count++;
    for (; at > 0 && group->ids[at - 1].time_us > time_us; at--)
        group->ids[at] = group->ids[at - 1];
    group->ids[at] = slot;
}
