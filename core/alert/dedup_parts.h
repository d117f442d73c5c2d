/* What a dedup is made of; for the files of this folder alone. */
#ifndef TOCSIN_DEDUP_PARTS_H
#define TOCSIN_DEDUP_PARTS_H

#include "dedup.h"
#include "sha256.h"

#define DEDUP_NONE UINT32_MAX

/* An open alert. Slots are reused; they are chained by key, and by use. */
struct dedup_slot {
    struct hash key; /* of trouble or rule, and entity */
    struct dedup_entry entry;
    uint32_t next; /* in its chain, or of the free ones */
    uint32_t older, newer;
    bool used;
};

struct dedup {
    struct dedup_settings settings;
    struct dedup_slot *slots; /* [room], grown up to settings.most */
    uint32_t room, count, free;
    uint32_t *chains; /* a power of two */
    uint32_t chain_count;
    uint32_t oldest, newest;
    uint64_t evictions;
};

/* A slot for a key that is not there; the oldest goes where there is no room. */
struct dedup_slot *dedup_add(struct dedup *dedup, const struct hash *key);
struct dedup_slot *dedup_slot_of(const struct dedup *dedup, const struct hash *key);
void dedup_clear(struct dedup *dedup);

#endif
