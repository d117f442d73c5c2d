#include "file_siblings.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

static const char *const compressed_endings[] = {".gz", ".xz", ".zst", ".bz2", ".lz4", ".Z", ".zip"};

static bool ends_with(const char *name, size_t size, const char *ending) {
    size_t length = strlen(ending);
    return size > length && memcmp(name + size - length, ending, length) == 0;
}

static size_t size_uncompressed(const char *name) {
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof compressed_endings / sizeof compressed_endings[0]; i++)
        if (ends_with(name, size, compressed_endings[i]))
            return size - strlen(compressed_endings[i]);
    return size;
}

bool siblings_name_compressed(const char *name) {
    return size_uncompressed(name) != strlen(name);
}

/* What rotation puts behind a name: a dot, a hyphen or an underscore, then a number or a date. */
static bool is_rotation_mark(const char *text, size_t size) {
    bool digit = false;
    if (size < 2 || !strchr(".-_", text[0]))
        return false;
    for (size_t i = 1; i < size; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            digit = true;
        else if (!strchr(".-_:T", text[i]))
            return false;
    }
    return digit;
}

/* Most names of a folder are of other logs: they are told by their first letters, before anything is counted. */
static bool is_rotated_name(const char *base, const char *name) {
    const char *dot = strrchr(base, '.');
    size_t stem = dot ? (size_t)(dot - base) : 0;
    if (strncmp(name, base, stem ? stem : strlen(base)) != 0)
        return false;
    size_t base_size = strlen(base), size = size_uncompressed(name);
    if (size <= base_size)
        return false;
    if (memcmp(name, base, base_size) == 0 && is_rotation_mark(name + base_size, size - base_size))
        return true;
    return stem && ends_with(name, size, dot) && is_rotation_mark(name + stem, size - base_size);
}

/* gzip(1) writes the length of what it packed as the last four bytes (RFC 1952, ISIZE), little-endian. */
static bool gzip_length(const char *name, uint64_t *ret_length) {
    struct file_look seen;
    int file = -1;
    uint8_t end[4];
    if (!ends_with(name, strlen(name), ".gz") || file_look_open(name, false, &file, &seen) != FILE_FOUND)
        return false;
    bool good = seen.size >= 18 && pread(file, end, sizeof end, (off_t)seen.size - 4) == (ssize_t)sizeof end;
    close(file);
    if (good)
        *ret_length =
            (uint64_t)end[0] | (uint64_t)end[1] << 8 | (uint64_t)end[2] << 16 | (uint64_t)end[3] << 24;
    return good;
}

static const char *base_of(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

bool siblings_name_rotated(const char *name, const char *rotated) {
    return is_rotated_name(base_of(name), base_of(rotated));
}

/* The name's folder, without its base; "/" for the root. */
static char *folder_of(const char *name) {
    char *folder = memory_copy_string(name);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = 0;
    return folder;
}

static char *join(const char *folder, const char *base) {
    size_t size = strlen(folder) + strlen(base) + 2;
    char *name = memory_new(size);
    snprintf(name, size, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", base);
    return name;
}

static int compare_age(const void *left, const void *right) {
    const struct file_look *a = &((const struct sibling *)left)->look,
                           *b = &((const struct sibling *)right)->look;
    uint64_t first = a->identity.birth_ns, second = b->identity.birth_ns;
    if (!first || !second) {
        first = a->modified_ns;
        second = b->modified_ns;
    }
    return (first > second) - (first < second);
}

/* ---- reading a folder while somebody renames in it */

/* Whoever reads a folder may see a name that is renamed meanwhile twice, once, or not at all. So the folder is read again
 * when it changed during the reading, or so shortly before that its time would not tell (file systems count in ticks of the
 * kernel's clock). Not for ever: where a thousand logs are rotated at once, it changes all the time. */
#define READINGS_MOST 4u
#define TICK_NS 20000000u

struct reading {
    DIR *open;
    uint64_t begun_ns, changed_ns;
};

static uint64_t nanoseconds(struct timespec time) {
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t changed_of(DIR *open) {
    struct stat status;
    return fstat(dirfd(open), &status) == 0 ? nanoseconds(status.st_mtim) : 0;
}

static bool reading_begin(struct reading *reading, const char *folder) {
    struct timespec now; /* the clock that file systems go by, too */
    clock_gettime(CLOCK_REALTIME, &now);
    reading->begun_ns = nanoseconds(now);
    reading->open = opendir(folder);
    reading->changed_ns = reading->open ? changed_of(reading->open) : 0;
    return reading->open != NULL;
}

/* Whether what was read is how the folder stood at one time. */
static bool reading_end(struct reading *reading) {
    uint64_t changed_ns = changed_of(reading->open);
    closedir(reading->open);
    return changed_ns == reading->changed_ns && changed_ns + TICK_NS < reading->begun_ns;
}

static void add_sibling(struct siblings *to, const char *folder, const char *base) {
    struct sibling one = {.name = join(folder, base)};
    if (file_look_name(one.name, false, &one.look) != FILE_FOUND) {
        free(one.name);
        return;
    }
    one.compressed = siblings_name_compressed(one.name);
    one.known_length = one.compressed && gzip_length(one.name, &one.length);
    to->items = memory_resize(to->items, to->count + 1, sizeof *to->items);
    to->items[to->count++] = one;
}

/* Each file once, under the name that it had last. */
static void forget_earlier(struct siblings *list, size_t from) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        bool again = false;
        for (size_t later = i < from ? from : i + 1; later < list->count && !again; later++)
            again = file_identity_same(&list->items[i].look.identity, &list->items[later].look.identity);
        if (again)
            free(list->items[i].name);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static void list_folder(const char *name, struct siblings *to) {
    CLEANUP_FREE char *folder = folder_of(name);
    const char *base = base_of(name);
    struct reading reading;
    bool settled = false;
    for (unsigned i = 0; i < READINGS_MOST && !settled && reading_begin(&reading, folder); i++) {
        size_t before = to->count;
        for (struct dirent *entry; to->count < SIBLINGS_MOST && (entry = readdir(reading.open));)
            if (is_rotated_name(base, entry->d_name))
                add_sibling(to, folder, entry->d_name);
        settled = reading_end(&reading);
        forget_earlier(to, before);
    }
}

/* Where the name leads, if that is another folder; NULL otherwise. The caller's to free. */
static char *target_of(const char *name) {
    char *target = realpath(name, NULL);
    if (!target)
        return NULL;
    CLEANUP_FREE char *here = folder_of(name);
    CLEANUP_FREE char *there = folder_of(target);
    if (strcmp(here, there) == 0) {
        free(target);
        return NULL;
    }
    return target;
}

struct siblings siblings_list(const char *name) {
    struct siblings list = {0};
    list_folder(name, &list);
    CLEANUP_FREE char *target = target_of(name);
    if (target)
        list_folder(target, &list);
    if (list.count)
        qsort(list.items, list.count, sizeof *list.items, compare_age);
    return list;
}

void siblings_free(struct siblings *siblings) {
    for (size_t i = 0; siblings && i < siblings->count; i++)
        free(siblings->items[i].name);
    if (siblings) {
        free(siblings->items);
        *siblings = (struct siblings){0};
    }
}

/* Reads the folder to its end or to the file. `ret_slipped`: its name was seen, and was another's when it was opened. */
static enum file_found find_reading(DIR *open, const char *folder, const struct file_identity *identity,
                                    int *ret_file, char **ret_name, struct file_look *ret_look,
                                    bool *ret_slipped) {
    enum file_found found = FILE_ABSENT;
    for (struct dirent *entry; found == FILE_ABSENT && (entry = readdir(open));) {
        if (entry->d_ino != identity->inode || siblings_name_compressed(entry->d_name))
            continue;
        CLEANUP_FREE char *path = join(folder, entry->d_name);
        int file = -1;
        struct file_look seen;
        enum file_found opened = file_look_open(path, false, &file, &seen);
        if (opened == FILE_DENIED || opened == FILE_LATER)
            found = opened;
        *ret_slipped |= opened != FILE_FOUND;
        if (opened != FILE_FOUND)
            continue;
        if (!file_identity_same(&seen.identity, identity)) {
            close(file);
            *ret_slipped = true;
            continue;
        }
        found = FILE_FOUND;
        *ret_file = file;
        *ret_look = seen;
        *ret_name = memory_copy_string(path);
    }
    return found;
}

static enum file_found find_in_folder(const char *name, const struct file_identity *identity, int *ret_file,
                                      char **ret_name, struct file_look *ret_look) {
    CLEANUP_FREE char *folder = folder_of(name);
    struct reading reading;
    enum file_found found = FILE_LATER;
    for (unsigned i = 0; i < READINGS_MOST && reading_begin(&reading, folder); i++) {
        bool slipped = false;
        found = find_reading(reading.open, folder, identity, ret_file, ret_name, ret_look, &slipped);
        bool settled = reading_end(&reading);
        if (found != FILE_ABSENT || (settled && !slipped))
            break;
    }
    return found;
}

enum file_found siblings_find(const char *name, const struct file_identity *identity, int *ret_file,
                              char **ret_name, struct file_look *ret_look) {
    enum file_found found = find_in_folder(name, identity, ret_file, ret_name, ret_look);
    if (found != FILE_ABSENT)
        return found;
    CLEANUP_FREE char *target = target_of(name);
    return target ? find_in_folder(target, identity, ret_file, ret_name, ret_look) : FILE_ABSENT;
}
