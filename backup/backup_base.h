/* Making a set: the store at one moment (from a snapshot, or as a collector sends it), keys and settings, the log's new
 * entries, segments that have no copy yet; then all of it is read back, and only then has the set its name.
 *
 *     backup_making_begin → backup_walk(…, backup_making_log_first, backup_making_take, …) → backup_making_finish
 *
 * Whoever also follows opens follow-0 (backup_making_follow) before the snapshot is taken: what is committed in between stands
 * in both, and applying it again changes nothing. */
#ifndef TOCSIN_BACKUP_BASE_H
#define TOCSIN_BACKUP_BASE_H

#include "backup_file.h"
#include "backup_folder.h"
#include "backup_walk.h"

struct backup_making;

struct backup_making_settings {
    const char *folder; /* of the backups; made where it is not there */
    const uint8_t *key; /* BACKUP_KEY_SIZE bytes */
    const struct backup_site *site;
    const char *site_folder, *data_folder; /* whose files go with it */
    uint64_t now_us;
};

/* Texts are copied. Unfinished sets that a crash left are removed: one maker at a time (the folder is locked). */
struct backup_making *backup_making_begin(const struct backup_making_settings *settings, struct fault *fault);
/* One that was not finished is removed. Returns NULL. */
struct backup_making *backup_making_destroy(struct backup_making *making);

/* The first entry of the log that is not in the folder yet. */
uint64_t backup_making_log_first(const struct backup_making *making);
const char *backup_making_set(const struct backup_making *making); /* its name, once it has one */
/* The store's sequence at the snapshot's moment, before the end: what was followed goes on from there. */
void backup_making_at(struct backup_making *making, uint64_t sequence);
/* Opens the set's first follow file. */
struct backup_writer *backup_making_follow(struct backup_making *making, struct fault *fault);
backup_walk_take backup_making_take; /* context: the making */

struct backup_made {
    char set[BACKUP_SET_NAME];
    uint64_t log_size, rows, bytes; /* bytes: of the new files, segments not counted */
    uint64_t bodies_from;           /* entries below it have no bodies in this set, or in what follows it */
    uint64_t segments, copied;      /* segments that the store has; of them copied now */
    uint64_t checked;               /* older files of the log and segments drawn by lot and read whole */
};

/* `store_folder` holds segments/. FAULT_FORMAT when what is read back is not what was written. An older file of the log or a
 * segment's copy that is damaged is put aside, so that the next backup makes it again, and is a fault, too. */
bool backup_making_finish(struct backup_making *making, const char *store_folder,
                          struct backup_made *ret_made, struct fault *fault);
/* After it, where somebody follows: the set gets its name. */
bool backup_making_name(struct backup_making *making, struct fault *fault);

#endif
