/* What stands where in a folder of backups:
 *
 *     FOLDER/tocsin-backup                whose they are, for people and against mistakes: six lines of text
 *     FOLDER/sets/TIME/base               the store at one moment, keys and settings (BACKUP_BASE)
 *     FOLDER/sets/TIME/follow-N           what was committed since, in files that follow each other from 0 (BACKUP_FOLLOW)
 *     FOLDER/log/FIRST-END                entries of the log, written once (BACKUP_LOG); sets share them
 *     FOLDER/segments/CLASS/DAY/…         sealed segments, as they are (segment_files.h); sets share them
 *
 * TIME is 20261121T221852.123456Z, UTC. A set whose name ends in ".making" is not whole and counts for nothing. */
#ifndef TOCSIN_BACKUP_FOLDER_H
#define TOCSIN_BACKUP_FOLDER_H

#include "backup_crypt.h"
#include "files.h"

#define BACKUP_FOLDER_MARK "tocsin-backup" /* the file that makes a folder one of backups */
#define BACKUP_SETS_MOST 1000u
#define BACKUP_SET_NAME 40u /* bytes, with the NUL */

struct backup_site {
    char origin[256];
    struct hash log;    /* statement_log */
    struct hash key_id; /* of the key that all in the folder is encrypted under */
    char key_path
        [FILES_PATH_MOST]; /* where that key's file was, and the copy of the day keys: for a restore on the same */
    char day_keys[FILES_PATH_MOST]; /* machine that names neither. Empty where it is not known */
};

/* Makes the folder what it must be, or finds that it is: FAULT_CONFLICT for another site's, and for one
 * under another key. */
bool backup_folder_take(const char *folder, const struct backup_site *site, struct fault *fault);
/* Whose it is, read without any key. */
bool backup_folder_site(const char *folder, struct backup_site *ret_site, struct fault *fault);

/* Whoever writes into it has it alone: FAULT_BUSY, naming the process. files_unlock gives it back. */
bool backup_folder_lock(const char *folder, int *ret_lock, struct fault *fault);

/* Names of the sets that are whole, oldest first. */
bool backup_folder_sets(const char *folder, char ret_names[][BACKUP_SET_NAME], size_t most, size_t *ret_count,
                        struct fault *fault);
/* A time for a new set: now, or right behind the newest one where a clock has gone back. Names stay in the order of making. */
bool backup_folder_next(const char *folder, uint64_t now_us, uint64_t *ret_made_us, struct fault *fault);
uint64_t backup_set_time(const char *name); /* 0 for a name that has none */
void backup_set_name(uint64_t made_us, char ret_name[BACKUP_SET_NAME]);
bool backup_set_path(char ret_path[FILES_PATH_MOST], const char *folder, const char *set, const char *file);
bool backup_follow_path(char ret_path[FILES_PATH_MOST], const char *folder, const char *set, uint64_t number);

/* Removes a set, whole or not. */
bool backup_set_remove(const char *folder, const char *set, struct fault *fault);
/* Removes sets that a crash left unfinished. */
bool backup_folder_sweep(const char *folder, struct fault *fault);

#endif
