#include "file_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static uint64_t nanoseconds(struct statx_timestamp time) {
    return time.tv_sec < 0 ? 0 : (uint64_t)time.tv_sec * 1000000000u + time.tv_nsec;
}

static enum file_found look(int folder, const char *name, int flags, struct file_look *ret_look) {
    struct statx status;
    if (statx(folder, name, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;
        return absent            ? FILE_ABSENT
               : errno == ELOOP  ? FILE_REFUSED
               : errno == EACCES ? FILE_DENIED
                                 : FILE_LATER;
    }
    if (!S_ISREG(status.stx_mode))
        return FILE_REFUSED;
    *ret_look = (struct file_look){
        .identity = {.device = makedev(status.stx_dev_major, status.stx_dev_minor),
                     .inode = status.stx_ino,
                     .birth_ns = status.stx_mask & STATX_BTIME ? nanoseconds(status.stx_btime) : 0},
        .size = status.stx_size,
        .modified_ns = nanoseconds(status.stx_mtime),
        .links = status.stx_nlink,
    };
    return FILE_FOUND;
}

enum file_found file_look_name(const char *name, bool follow, struct file_look *ret_look) {
    return look(AT_FDCWD, name, follow ? 0 : AT_SYMLINK_NOFOLLOW, ret_look);
}

bool file_look_descriptor(int file, struct file_look *ret_look) {
    return look(file, "", AT_EMPTY_PATH, ret_look) == FILE_FOUND;
}

uint64_t file_look_folder(const char *name) {
    struct statx status;
    bool seen = statx(AT_FDCWD, name, AT_NO_AUTOMOUNT, STATX_CTIME, &status) == 0;
    return seen ? nanoseconds(status.stx_ctime) : 0;
}

enum file_found file_look_open(const char *name, bool follow, int *ret_file, struct file_look *ret_look) {
    struct file_look before;
    enum file_found found = file_look_name(name, follow, &before);
    if (found != FILE_FOUND)
        return found;
    int file = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    if (file < 0) {
        bool denied = errno == EACCES || errno == EPERM;
        return denied            ? FILE_DENIED
               : errno == ENOENT ? FILE_ABSENT
               : errno == ELOOP  ? FILE_REFUSED
                                 : FILE_LATER;
    }
    /* What was opened counts, should it have been swapped in between. */
    if (!file_look_descriptor(file, ret_look)) {
        close(file);
        return FILE_REFUSED;
    }
    int generation = 0;
    if (ioctl(file, FS_IOC_GETVERSION, &generation) == 0)
        ret_look->identity.inode_generation = (uint32_t)generation;
    *ret_file = file;
    return FILE_FOUND;
}

bool file_print_take(int file, uint64_t offset, size_t size, struct file_print *ret_print) {
    uint8_t bytes[FILE_TAIL_MOST];
    if (size > sizeof bytes || (size && pread(file, bytes, size, (off_t)offset) != (ssize_t)size))
        return false;
    *ret_print = (struct file_print){(uint16_t)size, sha256_of(slice_make(bytes, size))};
    return true;
}

static bool print_same(int file, uint64_t offset, const struct file_print *print) {
    struct file_print found;
    return print->size == 0 ||
           (file_print_take(file, offset, print->size, &found) && hash_equal(&found.hash, &print->hash));
}

bool file_head_same(int file, const struct file_position *position) {
    return print_same(file, 0, &position->head);
}

bool file_content_same(int file, uint64_t size, const struct file_position *position) {
    return position->offset > 0 && size >= position->offset && file_head_same(file, position) &&
           print_same(file, position->offset - position->tail.size, &position->tail);
}
