/* The file operations that the spool uses, as a table, so that a test can put a disk under it that is full,
 * that lies or that loses what was not synced. Each is the system call of that name: -1 and errno on failure.
 *
 * `point` is called by name between the steps of a write ("append.written", "segment.renamed", …); a test
 * kills the process there. NULL in production. */
#ifndef TOCSIN_SPOOL_FILES_H
#define TOCSIN_SPOOL_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spool_files {
    void *context;
    int (*open)(void *context, const char *path, int flags, mode_t mode);
    ssize_t (*pwrite)(void *context, int file, const void *data, size_t size, off_t offset);
    ssize_t (*pread)(void *context, int file, void *data, size_t size, off_t offset);
    int (*fdatasync)(void *context, int file); /* of a folder too */
    int (*ftruncate)(void *context, int file, off_t size);
    off_t (*size)(void *context, int file);
    int (*close)(void *context, int file);
    int (*rename)(void *context, const char *from, const char *to);
    int (*unlink)(void *context, const char *path);
    int (*mkdir)(void *context, const char *path, mode_t mode);
    /* Calls `each` with every name in the folder but "." and "..". */
    int (*list)(void *context, const char *folder, void (*each)(void *each_context, const char *name),
                void *each_context);
    void (*point)(void *context, const char *name);
};

extern const struct spool_files spool_files_system;

#endif
