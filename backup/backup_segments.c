#include "backup_segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define STEP (1u << 20)
#define FOLDER_MODE 0700
#define FILE_MODE 0600

static int open_segment(const char *path, struct fault *fault) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) {
        int error = errno;
        fault_set_system(fault, "the segment cannot be opened");
        if (fault && error == ENOENT)
            fault->code = FAULT_MISSING;
    }
    return file;
}

static bool write_all(int file, const uint8_t *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t put = write(file, bytes + done, size - done);
        if (put < 0 && errno != EINTR)
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* Reads `from` to its end, hashes it, and writes it to `to` unless that is -1. */
static bool pump(int from, int to, struct hash *ret_hash, struct fault *fault) {
    uint8_t *step = memory_new(STEP);
    struct sha256 running;
    bool good = true;
    sha256_begin(&running);
    for (ssize_t got = 1; good && got != 0;) {
        got = read(from, step, STEP);
        if (got < 0 && errno != EINTR)
            good = fault_set_system(fault, "the segment cannot be read");
        if (got <= 0)
            continue;
        sha256_add(&running, step, (size_t)got);
        if (to >= 0 && !write_all(to, step, (size_t)got))
            good = fault_set_system(fault, "the segment cannot be copied");
    }
    free(step);
    *ret_hash = sha256_end(&running);
    return good;
}

static bool is_it(const struct hash *hash, const struct segment_row *row, struct fault *fault) {
    return hash_equal(hash, &row->file) ||
           fault_set(fault, FAULT_FORMAT, "this segment's bytes are not those that were sealed");
}

bool backup_segment_check(const char *folder, const struct segment_row *row, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct hash hash;
    if (!segment_files_path(path, folder, row))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    int file = open_segment(path, fault);
    bool good = file >= 0 && pump(file, -1, &hash, fault) && is_it(&hash, row, fault);
    if (file >= 0)
        close(file);
    return good || fault_place(fault, "%s", path);
}

static bool is_there(const char *path, const struct segment_row *row) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == row->bytes;
}

static bool copy(const char *from, const char *beside, const char *to, const struct segment_row *row,
                 struct fault *fault) {
    struct hash hash;
    int source = open_segment(from, fault);
    if (source < 0)
        return fault_place(fault, "%s", from);
    int target = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    bool good = target >= 0 || fault_set_system(fault, "the segment's copy cannot be made");
    good = good && pump(source, target, &hash, fault);
    good =
        good && (fdatasync(target) == 0 || fault_set_system(fault, "the segment's copy is not on the disk"));
    if (!good)
        fault_place(fault, "%s", to);
    else if (!is_it(&hash, row, fault))
        good = fault_place(fault, "%s", from);
    if (target >= 0)
        close(target);
    close(source);
    if (good)
        return files_rename(beside, to, fault);
    unlink(beside);
    return false;
}

bool backup_segment_copy(const char *from, const char *to, const struct segment_row *row,
                         struct fault *fault) {
    char source[FILES_PATH_MOST], target[FILES_PATH_MOST], beside[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    if (!segment_files_path(source, from, row) || !segment_files_path(target, to, row) ||
        snprintf(beside, sizeof beside, "%s.copy", target) >= (int)sizeof beside)
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (is_there(target, row))
        return true;
    memcpy(folder, target, sizeof folder);
    *strrchr(folder, '/') = '\0';
    return files_make_folder(folder, FOLDER_MODE, fault) && copy(source, beside, target, row, fault);
}
