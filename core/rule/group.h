/* Groups: what correlations remember about each entity, found by rule and key, forgotten in the order of their use. */
#ifndef TOCSIN_GROUP_H
#define TOCSIN_GROUP_H

#include "slice.h"

#define GROUP_IDS_MOST 10u
#define GROUP_ABSENT 0xffffu   /* in place of a value's length in a key */
#define GROUP_VALUE_MOST 1024u /* bytes of a value that count */

struct group_entry {
    uint64_t time_us;
    uint64_t value;  /* value_count: hash of the value; sums and ranks: the number (measure.h); temporal: which rule */
    uint32_t weight; /* events behind it */
    bool reported;   /* an earlier match has counted it */
};

struct group_id {
    uint64_t time_us;
    char *text;
    uint32_t size, room;
};

struct group {
    struct group *next;          /* in its slot */
    struct group *older, *newer; /* of the same correlation */
    uint64_t hash;
    uint64_t touched;
    uint32_t rule;
    uint32_t key_size;
    uint8_t *key; /* for each group-by field u16 length and value */
    uint64_t newest_us;
    uint64_t open_us;            /* at_close: when its window began */
    uint64_t total;              /* at_close: events in it */
    struct group_entry *entries; /* by time */
    uint32_t entry_count, entry_room;
    struct group_id ids[GROUP_IDS_MOST]; /* by time */
    uint32_t id_count;
    bool pinned; /* in use: it may not go */
};

struct group_table {
    struct group **slots; /* a power of two */
    size_t slot_count, count;
    struct group **oldest, **newest; /* [rule] */
    uint32_t rule_count;
    uint64_t clock; /* counts uses */
};

void group_table_make(struct group_table *table, uint32_t rule_count);
void group_table_free(struct group_table *table);

struct group *group_find(const struct group_table *table, uint32_t rule, struct slice key);
/* A new one; the caller has made sure that there is none and that there is room. */
struct group *group_add(struct group_table *table, uint32_t rule, struct slice key);
/* Makes it the newest of its correlation. */
void group_touch(struct group_table *table, struct group *group);
void group_remove(struct group_table *table, struct group *group);
/* The one that was not used for longest and is not pinned; NULL when there is none. */
struct group *group_oldest(const struct group_table *table);

/* Puts an entry where its time belongs and returns its place; past `keep` the oldest quarter goes first. */
uint32_t group_insert(struct group *group, const struct group_entry *entry, uint32_t keep);
/* Puts it behind all others, whatever its time. */
void group_append(struct group *group, const struct group_entry *entry);
void group_remove_entry(struct group *group, uint32_t at);
/* The first entry that is not before this time. */
uint32_t group_lower(const struct group *group, uint64_t time_us);
/* Remembers an event's id; the oldest of too many goes. One that is known is passed over. */
void group_remember(struct group *group, struct slice id, uint64_t time_us);

#endif
