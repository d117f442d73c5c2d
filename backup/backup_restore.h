/* A site again from a folder of backups: settings and keys, the store up to the last commit that was followed, segments, day
 * keys. What is missing is named.
 *
 * The site must not have a store yet. What a set says is believed only as far as it opens; then the log is read again: its
 * tree must be the one that its newest checkpoint signs. Whether it is also as long as the newest checkpoint that a witness or
 * an agent has seen is found out by the collector at its start. */
#ifndef TOCSIN_BACKUP_RESTORE_H
#define TOCSIN_BACKUP_RESTORE_H

#include "backup_folder.h"

struct backup_restore_settings {
    const char *folder;
    const uint8_t *key;      /* BACKUP_KEY_SIZE bytes */
    const char *set;         /* NULL: the newest */
    const char *missing_from; /* another folder of the same log's backups, or this one: what any set in it was followed
                                 by beyond the chosen one; NULL: none */
    const char *day_keys;    /* the folder with the copy of the day keys; NULL: they are not restored */
    const char *site, *data; /* folders to restore to; made */
    void *context;
    void (*missing)(void *context, const char *what); /* a sentence for each thing that is not there */
};

struct backup_restored {
    struct backup_site site;
    char set[BACKUP_SET_NAME];
    uint64_t rows, files, commits; /* rows of base and log; commits that were followed */
    uint64_t log_size, checkpoint_size;
    uint64_t made_us,
        until_us; /* when the set was made, and up to when it was followed (made_us: not at all) */
    uint64_t segments, segments_missing;
    bool day_keys;
    char cut[256]; /* why the following ends where it does, if not at a marked end; else empty */
};

bool backup_restore(const struct backup_restore_settings *settings, struct backup_restored *ret_restored,
                    struct fault *fault);

#endif
