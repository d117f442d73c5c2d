/* The keys of sealed segments: 32 random bytes for each (class, day), wrapped by the site key, in a file outside RocksDB
 * (FORMATS.md, Day keys). A day is named by the ctl_seq of the mark that opens it.
 *
 * The file is written whole, synced, renamed; what it replaces is overwritten with zeros first to last. Destroying a key is
 * what erases the bodies that were sealed under it: it stands in no ordinary backup, so no file left somewhere opens again.
 *
 * Owner: whoever opened it; one opener a file that writes. Any thread may call everything. Keys that are given out are the
 * caller's to wipe. */
#ifndef TOCSIN_DAY_KEYS_H
#define TOCSIN_DAY_KEYS_H

#include "class.h"
#include "fault.h"
#include "sha256.h"

#define DAY_KEY_SIZE 32u
#define DAY_KEYS_MOST 200000u /* in a file: 16 classes over 34 years */

struct day_keys;

/* `folder` is the collector's (SITE_COLLECTOR_FOLDER); files day.keys and site.key in it. With `make` the site key is made
 * where neither is there. A file of keys without its site key, or one that was altered, is refused. */
struct day_keys *day_keys_open(const char *folder, bool make, struct fault *fault);
struct day_keys *day_keys_close(struct day_keys *keys); /* wipes; returns NULL */

/* H("tocsin/daykey/v1" ‖ u8 class ‖ u64 day ‖ key): names a key without telling it. */
struct hash day_key_id(uint8_t class, uint64_t day, const uint8_t key[DAY_KEY_SIZE]);

/* FAULT_MISSING where there is none: never made, or destroyed. ret_id may be NULL. */
bool day_keys_get(struct day_keys *keys, uint8_t class, uint64_t day, uint8_t ret_key[DAY_KEY_SIZE],
                  struct hash *ret_id, struct fault *fault);
/* The same, but makes it where there is none: on the disk before this returns. */
bool day_keys_need(struct day_keys *keys, uint8_t class, uint64_t day, uint8_t ret_key[DAY_KEY_SIZE],
                   struct hash *ret_id, struct fault *fault);
/* Gone from memory and file when this returns true; one that is not there is fine. */
bool day_keys_destroy(struct day_keys *keys, uint8_t class, uint64_t day, struct fault *fault);

/* From now on each write of day.keys writes the very same file to `folder` first, whole and synced, the one before
 * overwritten: a key is in its backup before anything is sealed under it, and not destroyed before it is gone there too.
 * Writes it at once. NULL: no longer. */
bool day_keys_mirror(struct day_keys *keys, const char *folder, struct fault *fault);

/* Every (class, day) that has a key, in order. False from `take` ends it. */
typedef bool day_keys_take(void *context, uint8_t class, uint64_t day, const struct hash *id);
void day_keys_each(struct day_keys *keys, day_keys_take *take, void *context);

#endif
