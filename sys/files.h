/* Files: whole reads with a ceiling, atomic writes, folders, locks, free space, ballast.
 *
 * Everything blocks; the faults' place is the path. Files and folders are opened with O_CLOEXEC. */
#ifndef TOCSIN_FILES_H
#define TOCSIN_FILES_H

#include "buffer.h"
#include "fault.h"

#include <sys/types.h>

#define FILES_PATH_MOST 4096u

/* Replaces the buffer's content. Only regular files; larger than the buffer's limit is FAULT_LIMIT, not there
 * FAULT_MISSING. */
bool files_read(const char *path, struct buffer *to, struct fault *fault);
/* The first line of a small file, without its end: for passwords and tokens. Wipe the buffer after use. */
bool files_read_secret(const char *path, struct buffer *to, struct fault *fault);

/* All or nothing, also after a power cut: a temporary file in the same folder, fsync, rename, fsync of the
 * folder. The mode is exactly `mode`, whatever the umask. */
bool files_write(const char *path, struct slice content, mode_t mode, struct fault *fault);
/* The same, for secrets: afterwards the bytes of the file that it replaces are overwritten with zeros, where the file system
 * writes in place. */
bool files_write_secret(const char *path, struct slice content, struct fault *fault);
/* Removes files "path.XXXXXX" that a crash left beside `path`, overwritten first. */
bool files_sweep_secret(const char *path, struct fault *fault);
/* As files_write, but an existing file is FAULT_CONFLICT and stays as it is. */
bool files_write_new(const char *path, struct slice content, mode_t mode, struct fault *fault);

/* The folder and those above it; one that is there already is fine. New ones get `mode`. */
bool files_make_folder(const char *path, mode_t mode, struct fault *fault);
bool files_sync_folder(const char *path, struct fault *fault);
bool files_exists(const char *path);
/* Not there is fine; the folder is synced. */
bool files_remove(const char *path, struct fault *fault);
/* "folder/name"; false where it doesn't fit. */
/* In place of what has that name, all or nothing; both in one folder, which is synced. */
bool files_rename(const char *from, const char *to, struct fault *fault);
bool files_path(char ret_path[FILES_PATH_MOST], const char *folder, const char *name);

/* A lock that lives as long as the descriptor (flock); the file holds the owner's pid for people and stays
 * behind. Held by another: FAULT_BUSY, naming that pid. */
bool files_lock(const char *path, int *ret_descriptor, struct fault *fault);
void files_unlock(int descriptor);
/* Who holds the lock; false for nobody. Does not come between a process that is starting and its lock. */
bool files_lock_owner(const char *path, pid_t *ret_owner);

struct files_space {
    uint64_t free_bytes; /* for an unprivileged process */
    uint64_t total_bytes;
    uint64_t free_inodes; /* UINT64_MAX where the file system does not count them */
};
bool files_space(const char *path, struct files_space *ret_space, struct fault *fault);

/* A file of `size` bytes that really occupy the disk, to be given up when it is full. One of the right size
 * that is there is left alone. */
bool files_ballast_make(const char *path, uint64_t size, struct fault *fault);
bool files_ballast_release(const char *path, struct fault *fault);

#endif
