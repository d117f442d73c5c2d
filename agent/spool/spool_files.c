#include "spool_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_open(void *context, const char *path, int flags, mode_t mode) {
    (void)context;
    return open(path, flags | O_CLOEXEC, mode);
}

static ssize_t file_pwrite(void *context, int file, const void *data, size_t size, off_t offset) {
    (void)context;
    return pwrite(file, data, size, offset);
}

static ssize_t file_pread(void *context, int file, void *data, size_t size, off_t offset) {
    (void)context;
    return pread(file, data, size, offset);
}

static int file_sync(void *context, int file) {
    (void)context;
    return fdatasync(file);
}

static int file_truncate(void *context, int file, off_t size) {
    (void)context;
    return ftruncate(file, size);
}

static off_t file_size(void *context, int file) {
    (void)context;
    struct stat status;
    return fstat(file, &status) == 0 ? status.st_size : -1;
}

static int file_close(void *context, int file) {
    (void)context;
    return close(file);
}

static int file_rename(void *context, const char *from, const char *to) {
    (void)context;
    return rename(from, to);
}

static int file_unlink(void *context, const char *path) {
    (void)context;
    return unlink(path);
}

static int folder_make(void *context, const char *path, mode_t mode) {
    (void)context;
    return mkdir(path, mode);
}

static int folder_list(void *context, const char *path, void (*each)(void *each_context, const char *name),
                       void *each_context) {
    (void)context;
    DIR *folder = opendir(path);
    if (!folder)
        return -1;
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(folder)); errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(each_context, entry->d_name);
    int error = errno;
    closedir(folder);
    errno = error;
    return error ? -1 : 0;
}

const struct spool_files spool_files_system = {
    .open = file_open,
    .pwrite = file_pwrite,
    .pread = file_pread,
    .fdatasync = file_sync,
    .ftruncate = file_truncate,
    .size = file_size,
    .close = file_close,
    .rename = file_rename,
    .unlink = file_unlink,
    .mkdir = folder_make,
    .list = folder_list,
};
