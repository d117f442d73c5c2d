#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool files_fault(struct fault *fault, const char *path, const char *what) {
    fault_set_system(fault, "%s", what);
    return fault_place(fault, "%s", path);
}

/* fsync until it isn't interrupted. */
static bool files_sync(int descriptor) {
    int result;
    do
        result = fsync(descriptor);
    while (result && errno == EINTR);
    return result == 0;
}

static bool files_read_all(int descriptor, const char *path, struct buffer *to, struct fault *fault) {
    struct stat status;
    if (fstat(descriptor, &status))
        return files_fault(fault, path, "cannot be looked at");
    if (!S_ISREG(status.st_mode)) {
        fault_set(fault, FAULT_USAGE, "is not a regular file");
        return fault_place(fault, "%s", path);
    }
    buffer_clear(to);
    uint8_t block[16384]; /* not by st_size: files in /proc have none */
    for (;;) {
        ssize_t size = read(descriptor, block, sizeof block);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return files_fault(fault, path, "cannot be read");
        if (size == 0)
            return true;
        if (!buffer_append(to, block, (size_t)size)) {
            fault_set(fault, FAULT_LIMIT, "is larger than the %zu bytes allowed here", to->limit);
            return fault_place(fault, "%s", path);
        }
    }
}

bool files_read(const char *path, struct buffer *to, struct fault *fault) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (descriptor < 0)
        return files_fault(fault, path, "cannot be opened");
    bool good = files_read_all(descriptor, path, to, fault);
    close(descriptor);
    if (!good)
        buffer_clear(to);
    return good;
}

bool files_read_secret(const char *path, struct buffer *to, struct fault *fault) {
    if (!files_read(path, to, fault))
        return false;
    size_t end = slice_find_byte(buffer_slice(to), '\n');
    if (end != SIZE_MAX)
        to->size = end;
    if (to->size && to->data[to->size - 1] == '\r')
        to->size--;
    if (to->size)
        return true;
    fault_set(fault, FAULT_FORMAT, "its first line is empty");
    return fault_place(fault, "%s", path);
}

static bool files_write_all(int descriptor, struct slice content) {
    while (content.size) {
        ssize_t size = write(descriptor, content.data, content.size);
        if (size < 0 && errno != EINTR)
            return false;
        if (size > 0)
            content = slice_from(content, (size_t)size);
    }
    return true;
}

/* The folder that a path's last name is in. */
static void files_folder_of(const char *path, char folder[FILES_PATH_MOST]) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(folder, ".");
    else
        snprintf(folder, FILES_PATH_MOST, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static bool files_path_fits(const char *path, struct fault *fault) {
    if (strlen(path) + 16 < FILES_PATH_MOST)
        return true;
    fault_set(fault, FAULT_LIMIT, "the path is too long");
    return fault_place(fault, "%.64s...", path);
}

/* Content and mode in a temporary file beside `path`, synced; its name in `temporary`. */
static bool files_write_beside(const char *path, struct slice content, mode_t mode,
                               char temporary[FILES_PATH_MOST], struct fault *fault) {
    snprintf(temporary, FILES_PATH_MOST, "%s.XXXXXX", path);
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    if (descriptor < 0)
        return files_fault(fault, path, "no temporary file can be made beside it");
    bool good =
        files_write_all(descriptor, content) && fchmod(descriptor, mode) == 0 && files_sync(descriptor);
    if (!good)
        files_fault(fault, path, "cannot be written");
    close(descriptor);
    if (!good)
        unlink(temporary);
    return good;
}

bool files_write(const char *path, struct slice content, mode_t mode, struct fault *fault) {
    char temporary[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    if (!files_path_fits(path, fault) || !files_write_beside(path, content, mode, temporary, fault))
        return false;
    if (rename(temporary, path)) {
        files_fault(fault, path, "cannot be replaced");
        unlink(temporary);
        return false;
    }
    files_folder_of(path, folder);
    return files_sync_folder(folder, fault);
}

static bool files_wipe(int descriptor) {
    static const uint8_t zeros[65536];
    struct stat status;
    if (fstat(descriptor, &status))
        return false;
    for (off_t at = 0; at < status.st_size;) {
        size_t left = (size_t)(status.st_size - at);
        ssize_t put = pwrite(descriptor, zeros, left < sizeof zeros ? left : sizeof zeros, at);
        if (put <= 0 && errno != EINTR)
            return false;
        if (put > 0)
            at += put;
    }
    return files_sync(descriptor);
}

bool files_write_secret(const char *path, struct slice content, struct fault *fault) {
    int old = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (old < 0 && errno != ENOENT)
        return files_fault(fault, path, "cannot be opened");
    bool good = files_write(path, content, 0600, fault);
    if (good && old >= 0 && !files_wipe(old))
        good = files_fault(fault, path, "what it replaces cannot be overwritten");
    if (old >= 0)
        close(old);
    return good;
}

bool files_sweep_secret(const char *path, struct fault *fault) {
    char folder[FILES_PATH_MOST], left[FILES_PATH_MOST];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t size = strlen(name);
    files_folder_of(path, folder);
    DIR *entries = opendir(folder);
    if (!entries)
        return errno == ENOENT || files_fault(fault, folder, "cannot be read");
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(entries));) {
        if (strncmp(entry->d_name, name, size) != 0 || entry->d_name[size] != '.' || strlen(entry->d_name) != size + 7 ||
            !files_path(left, folder, entry->d_name))
            continue;
        int descriptor = open(left, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        good = descriptor >= 0 && files_wipe(descriptor);
        if (descriptor >= 0)
            close(descriptor);
        good = good ? files_remove(left, fault) : files_fault(fault, left, "cannot be overwritten");
    }
    closedir(entries);
    return good;
}

bool files_write_new(const char *path, struct slice content, mode_t mode, struct fault *fault) {
    char temporary[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    if (!files_path_fits(path, fault) || !files_write_beside(path, content, mode, temporary, fault))
        return false;
    /* link, unlike rename, never replaces */
    bool good = link(temporary, path) == 0;
    if (!good && errno == EEXIST) {
        fault_set(fault, FAULT_CONFLICT, "exists already and is left as it is");
        fault_place(fault, "%s", path);
    } else if (!good) {
        files_fault(fault, path, "cannot be made");
    }
    unlink(temporary);
    files_folder_of(path, folder);
    return good && files_sync_folder(folder, fault);
}

static bool files_make_one_folder(const char *path, mode_t mode, struct fault *fault) {
    char above[FILES_PATH_MOST];
    if (mkdir(path, mode) == 0) {
        files_folder_of(path, above);
        return files_sync_folder(above, fault);
    }
    int error = errno;
    struct stat status;
    if (error == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    errno = error == EEXIST ? ENOTDIR : error;
    return files_fault(fault, path, "the folder cannot be made");
}

bool files_make_folder(const char *path, mode_t mode, struct fault *fault) {
    if (!files_path_fits(path, fault))
        return false;
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    char part[FILES_PATH_MOST];
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    for (size_t i = 1; i <= size; i++) {
        if (i < size && (path[i] != '/' || path[i - 1] == '/'))
            continue;
        snprintf(part, sizeof part, "%.*s", (int)i, path);
        /* A folder above may be one that we could not make but need not, on a read-only file system. */
        if (stat(part, &status) == 0 && S_ISDIR(status.st_mode))
            continue;
        if (!files_make_one_folder(part, mode, fault))
            return false;
    }
    return true;
}

bool files_sync_folder(const char *path, struct fault *fault) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return files_fault(fault, path, "the folder cannot be opened");
    bool good = files_sync(descriptor);
    if (!good)
        files_fault(fault, path, "the folder cannot be synced");
    close(descriptor);
    return good;
}

bool files_exists(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0;
}

bool files_remove(const char *path, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    if (!files_path_fits(path, fault))
        return false;
    if (unlink(path))
        return errno == ENOENT || files_fault(fault, path, "cannot be removed");
    files_folder_of(path, folder);
    return files_sync_folder(folder, fault);
}

bool files_rename(const char *from, const char *to, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    if (!files_path_fits(to, fault))
        return false;
    if (rename(from, to))
        return files_fault(fault, from, "cannot be renamed");
    files_folder_of(to, folder);
    return files_sync_folder(folder, fault);
}

bool files_path(char ret_path[FILES_PATH_MOST], const char *folder, const char *name) {
    int size = snprintf(ret_path, FILES_PATH_MOST, "%s/%s", folder, name);
    return size >= 0 && (size_t)size < FILES_PATH_MOST;
}

static bool files_lock_names(int descriptor, uint64_t *ret_owner) {
    char text[32];
    ssize_t size = pread(descriptor, text, sizeof text - 1, 0);
    return size > 1 && slice_decimal(slice_make(text, (size_t)size - 1), ret_owner);
}

static bool files_lock_taken(int descriptor, const char *path, struct fault *fault) {
    uint64_t owner;
    if (files_lock_names(descriptor, &owner))
        fault_set(fault, FAULT_BUSY, "is locked by process %llu", (unsigned long long)owner);
    else
        fault_set(fault, FAULT_BUSY, "is locked by another process");
    return fault_place(fault, "%s", path);
}

bool files_lock(const char *path, int *ret_descriptor, struct fault *fault) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return files_fault(fault, path, "the lock cannot be opened");
    bool good = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if (!good && errno == EWOULDBLOCK)
        files_lock_taken(descriptor, path, fault);
    else if (!good)
        files_fault(fault, path, "cannot be locked");
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (good && (ftruncate(descriptor, 0) || pwrite(descriptor, text, (size_t)size, 0) != size))
        good = files_fault(fault, path, "cannot be written");
    if (good)
        *ret_descriptor = descriptor;
    else
        close(descriptor);
    return good;
}

void files_unlock(int descriptor) {
    if (descriptor >= 0)
        close(descriptor);
}

bool files_lock_owner(const char *path, pid_t *ret_owner) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return false;
    uint64_t owner;
    /* Only where that process lives is the lock tried: it is held then, and trying does not take it from anybody. */
    bool lives = files_lock_names(descriptor, &owner) && owner > 1 && owner <= INT32_MAX &&
                 (kill((pid_t)owner, 0) == 0 || errno == EPERM);
    bool held = lives && flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor);
    if (held)
        *ret_owner = (pid_t)owner;
    return held;
}

bool files_space(const char *path, struct files_space *ret_space, struct fault *fault) {
    struct statvfs status;
    if (statvfs(path, &status))
        return files_fault(fault, path, "its file system cannot be asked for free space");
    *ret_space = (struct files_space){
        .free_bytes = (uint64_t)status.f_bavail * status.f_frsize,
        .total_bytes = (uint64_t)status.f_blocks * status.f_frsize,
        .free_inodes = status.f_files ? status.f_favail : UINT64_MAX,
    };
    return true;
}

/* fallocate alone promises room on an overwriting file system; on a copying one it is the best there is. */
static bool files_ballast_fill(int descriptor, uint64_t size) {
    int error = posix_fallocate(descriptor, 0, (off_t)size);
    errno = error;
    return error == 0 && files_sync(descriptor);
}

bool files_ballast_make(const char *path, uint64_t size, struct fault *fault) {
    if (size == 0 || size > INT64_MAX)
        return fault_set(fault, FAULT_USAGE, "a ballast of %llu bytes makes no sense",
                         (unsigned long long)size);
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == size &&
        (uint64_t)status.st_blocks * 512u >= size)
        return true;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return files_fault(fault, path, "the ballast cannot be made");
    bool good = files_ballast_fill(descriptor, size);
    if (!good) {
        files_fault(fault, path, "the ballast cannot be given its room");
        unlink(path);
    }
    close(descriptor);
    return good;
}

bool files_ballast_release(const char *path, struct fault *fault) {
    return files_remove(path, fault);
}
