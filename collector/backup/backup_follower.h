/* Whatever is committed, once more in the folder of backups within a second: a thread between the store's commits and one or
 * two files (backup_file.h), two while a new set is made and the old one goes on.
 *
 * It hears every commit (store_listen), gathers them, and writes and syncs what gathered. A commit that puts a sealed
 * segment's row is written after the segment's copy is in place; one that deletes such a row takes the copy with it.
 *
 * A disk that is full, slow or gone stops nobody but the follower: past FOLLOWER_QUEUE_MOST bytes it gives up (it then says
 * so), and goes on with the next set. Owner: whoever created it. Any thread may call everything. */
#ifndef TOCSIN_BACKUP_FOLLOWER_H
#define TOCSIN_BACKUP_FOLLOWER_H

#include "backup_file.h"
#include "backup_folder.h"
#include "store.h"

#define FOLLOWER_QUEUE_MOST (96u * 1024 * 1024) /* bytes that wait for the backup's disk */
#define FOLLOWER_EVERY_US 1000000u              /* between two syncs, while nobody waits */

struct backup_follower;

struct backup_follower_settings {
    struct store *store;
    const char *folder;       /* of the backups; borrowed */
    const char *store_folder; /* holds segments/; borrowed */
};

/* Listens to the store from now on: before the first batch is filled. */
struct backup_follower *backup_follower_start(const struct backup_follower_settings *settings,
                                              struct fault *fault);
/* Writes what is queued, marks the end, and leaves a note in the set so that the next start goes on with it. After the last
 * commit, before store_close. Returns NULL. */
struct backup_follower *backup_follower_stop(struct backup_follower *follower);

/* Goes on with the newest set, if the last stop left it exactly where the store stands. Right after the start; false where a
 * new set is due (with a fault, if something is wrong with it). */
bool backup_follower_resume(struct backup_follower *follower, const uint8_t key[BACKUP_KEY_SIZE],
                            const struct hash *log, struct fault *fault);

/* A writer to be filled besides (give): everything committed from now on goes to it, too. Only one at a time; false for a
 * second one, which the caller keeps. */
bool backup_follower_add(struct backup_follower *follower, struct backup_writer *writer, const char *set);
/* A moment of the store, and its sequence: every commit is in one of the two, the snapshot or what is followed from here. */
struct store_snapshot *backup_follower_snapshot(struct backup_follower *follower, uint64_t *ret_sequence);
/* The added one is good up to the newest commit, and is the only one from now on: the old one is ended. False with a fault
 * when it failed. Waits for the disk. */
bool backup_follower_switch(struct backup_follower *follower, struct fault *fault);
/* The added one is given up. */
void backup_follower_drop(struct backup_follower *follower);

/* Notices a set that is not there any more, though its file can still be written to: removed, or its disk unmounted. */
void backup_follower_look(struct backup_follower *follower);

/* Removes copies of segments that no row names any more (segment_files_sweep); never one that is just being made. */
bool backup_follower_sweep(struct backup_follower *follower, struct fault *fault);

/* The newest commit's sequence; the one up to which everything is synced in the backup (0 while nothing is followed). */
uint64_t backup_follower_heard(struct backup_follower *follower);
uint64_t backup_follower_synced(struct backup_follower *follower);
/* Syncs soon. `synced` is called in the follower's thread after each sync and each failure: it queues, it does not do. */
void backup_follower_hurry(struct backup_follower *follower);
void backup_follower_listen(struct backup_follower *follower, void (*synced)(void *context), void *context);

struct backup_following {
    bool following;     /* what is committed is in the backup within a second or so */
    bool renew;         /* bodies were erased that an older set holds: a new one is due, the others must go */
    uint64_t synced_us; /* clock of the last sync */
    uint64_t queued_bytes, written_bytes;
    struct fault fault; /* why it does not follow */
};
struct backup_following backup_follower_state(struct backup_follower *follower);
/* Entries below it have no bodies in any set; to know when `renew` is due. Clears it. */
void backup_follower_bodies_from(struct backup_follower *follower, uint64_t index);

#endif
