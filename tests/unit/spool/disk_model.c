#include "disk_model.h"

#include "buffer.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define SECTOR 512u
#define FOLDER 1000000
#define FILE_MOST (64u * 1024 * 1024)

struct disk_inode {
    struct buffer now, synced;
    bool lying; /* a sync failed: later ones say yes and do nothing for what was written before */
};

struct disk_name {
    char name[64];
    size_t inode;
};

uint64_t disk_model_random(struct disk_model *disk, uint64_t below) {
    disk->seed ^= disk->seed << 13;
    disk->seed ^= disk->seed >> 7;
    disk->seed ^= disk->seed << 17;
    return below ? disk->seed % below : 0;
}

struct disk_model *disk_model_create(uint64_t seed) {
    struct disk_model *disk = memory_new(sizeof *disk);
    disk->seed = seed * 0x9e3779b97f4a7c15u + 1;
    disk->bytes_most = UINT64_MAX;
    disk->files_most = SIZE_MAX;
    disk->names = memory_new_array(4096, sizeof *disk->names);
    disk->names_synced = memory_new_array(4096, sizeof *disk->names_synced);
    return disk;
}

struct disk_model *disk_model_destroy(struct disk_model *disk) {
    for (size_t i = 0; i < disk->inode_count; i++) {
        buffer_free(&disk->inodes[i]->now);
        buffer_free(&disk->inodes[i]->synced);
        free(disk->inodes[i]);
    }
    free(disk->names);
    free(disk->names_synced);
    free(disk);
    return NULL;
}

/* One operation more; false when it is the one at which everything ends. */
static bool alive(struct disk_model *disk) {
    disk->operations++;
    if (disk->dies_at && disk->operations >= disk->dies_at)
        disk->dead = true;
    if (disk->dead)
        errno = EIO;
    return !disk->dead;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static struct disk_name *find_name(const struct disk_model *disk, const char *path) {
    for (size_t i = 0; i < disk->name_count; i++)
        if (strcmp(disk->names[i].name, last_part(path)) == 0)
            return &disk->names[i];
    return NULL;
}

static void add_name(struct disk_model *disk, const char *path, size_t inode) {
    struct disk_name *name = find_name(disk, path);
    if (!name)
        name = &disk->names[disk->name_count++];
    memcpy(name->name, last_part(path), strlen(last_part(path)) + 1);
    name->inode = inode;
}

static void remove_name(struct disk_model *disk, struct disk_name *name) {
    *name = disk->names[--disk->name_count];
}

uint64_t disk_model_used(const struct disk_model *disk) {
    uint64_t used = 0;
    for (size_t i = 0; i < disk->name_count; i++)
        used += disk->inodes[disk->names[i].inode]->now.size;
    return used;
}

static int new_descriptor(struct disk_model *disk, int value) {
    for (int i = 0; i < 64; i++)
        if (!disk->open[i]) {
            disk->open[i] = value;
            return i;
        }
    abort(); /* a leak of descriptors */
}

static int model_open(void *context, const char *path, int flags, mode_t mode) {
    (void)mode;
    struct disk_model *disk = context;
    if (flags & O_DIRECTORY)
        return new_descriptor(disk, FOLDER);
    struct disk_name *name = find_name(disk, path);
    if (!(flags & O_CREAT) && name && !disk->dead)
        return new_descriptor(disk, (int)name->inode + 1);
    if (!alive(disk))
        return -1;
    errno = name ? EEXIST : ENOENT;
    if ((name && (flags & O_EXCL)) || (!name && !(flags & O_CREAT)))
        return -1;
    errno = ENOSPC;
    if (!name && disk->name_count >= disk->files_most)
        return -1;
    if (!name) {
        struct disk_inode *inode = memory_new(sizeof *inode);
        inode->now = BUFFER(FILE_MOST);
        inode->synced = BUFFER(FILE_MOST);
        disk->inodes[disk->inode_count] = inode;
        add_name(disk, path, disk->inode_count++);
    }
    name = find_name(disk, path);
    if (flags & O_TRUNC)
        disk->inodes[name->inode]->now.size = 0;
    return new_descriptor(disk, (int)name->inode + 1);
}

static void put_bytes(struct disk_inode *inode, const void *data, size_t size, size_t offset) {
    if (offset + size > inode->now.size) {
        size_t more = offset + size - inode->now.size;
        buffer_reserve(&inode->now, more);
        memset(inode->now.data + inode->now.size, 0, more);
        inode->now.size += more;
    }
    if (size)
        memcpy(inode->now.data + offset, data, size);
}

static ssize_t model_pwrite(void *context, int file, const void *data, size_t size, off_t offset) {
    struct disk_model *disk = context;
    struct disk_inode *inode = disk->inodes[disk->open[file] - 1];
    if (disk->dead)
        return alive(disk), -1;
    if (!alive(disk)) { /* in the middle of this write */
        put_bytes(inode, data, (size_t)disk_model_random(disk, size + 1), (size_t)offset);
        errno = EIO;
        return -1;
    }
    uint64_t used = disk_model_used(disk);
    if (used + size > disk->bytes_most) { /* as much as there is room for, then no more */
        size = used < disk->bytes_most ? (size_t)(disk->bytes_most - used) : 0;
        errno = ENOSPC;
        if (size == 0)
            return -1;
    }
    put_bytes(inode, data, size, (size_t)offset);
    return (ssize_t)size;
}

static ssize_t model_pread(void *context, int file, void *data, size_t size, off_t offset) {
    struct disk_model *disk = context;
    const struct disk_inode *inode = disk->inodes[disk->open[file] - 1];
    struct slice rest = slice_head(slice_from(buffer_slice(&inode->now), (size_t)offset), size);
    if (rest.size)
        memcpy(data, rest.data, rest.size);
    return (ssize_t)rest.size;
}

static int model_sync(void *context, int file) {
    struct disk_model *disk = context;
    if (!alive(disk))
        return -1;
    if (disk->open[file] == FOLDER) {
        memcpy(disk->names_synced, disk->names, disk->name_count * sizeof *disk->names);
        disk->name_synced_count = disk->name_count;
        return 0;
    }
    struct disk_inode *inode = disk->inodes[disk->open[file] - 1];
    if (disk->fail_sync) {
        disk->fail_sync--;
        inode->lying = disk->lied = true;
        errno = EIO;
        return -1;
    }
    if (inode->lying)
        return 0;
    buffer_clear(&inode->synced);
    buffer_append_slice(&inode->synced, buffer_slice(&inode->now));
    return 0;
}

static int model_truncate(void *context, int file, off_t size) {
    struct disk_model *disk = context;
    if (!alive(disk))
        return -1;
    errno = EIO;
    if (disk->fail_truncate)
        return -1;
    struct disk_inode *inode = disk->inodes[disk->open[file] - 1];
    if ((size_t)size < inode->now.size)
        inode->now.size = (size_t)size;
    return 0;
}

static off_t model_size(void *context, int file) {
    struct disk_model *disk = context;
    return (off_t)disk->inodes[disk->open[file] - 1]->now.size;
}

static int model_close(void *context, int file) {
    ((struct disk_model *)context)->open[file] = 0;
    return 0;
}

static int model_rename(void *context, const char *from, const char *to) {
    struct disk_model *disk = context;
    if (!alive(disk))
        return -1;
    struct disk_name *old = find_name(disk, from);
    size_t inode = old->inode;
    remove_name(disk, old);
    add_name(disk, to, inode);
    return 0;
}

static int model_unlink(void *context, const char *path) {
    struct disk_model *disk = context;
    struct disk_name *name = find_name(disk, path);
    errno = ENOENT;
    if (!name || !alive(disk))
        return -1;
    remove_name(disk, name);
    return 0;
}

static int model_mkdir(void *context, const char *path, mode_t mode) {
    (void)context;
    (void)path;
    (void)mode;
    return 0;
}

static int model_list(void *context, const char *folder, void (*each)(void *each_context, const char *name),
                      void *each_context) {
    (void)folder;
    struct disk_model *disk = context;
    struct disk_name *copy = memory_new_array(disk->name_count + 1, sizeof *copy);
    size_t count = disk->name_count;
    memcpy(copy, disk->names, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        each(each_context, copy[i].name);
    free(copy);
    return 0;
}

static void model_point(void *context, const char *name) {
    struct disk_model *disk = context;
    if (disk->dies_at_point && strcmp(name, disk->dies_at_point) == 0)
        disk->dead = true;
    alive(disk);
}

struct spool_files disk_model_files(struct disk_model *disk) {
    return (struct spool_files){
        .context = disk,
        .open = model_open,
        .pwrite = model_pwrite,
        .pread = model_pread,
        .fdatasync = model_sync,
        .ftruncate = model_truncate,
        .size = model_size,
        .close = model_close,
        .rename = model_rename,
        .unlink = model_unlink,
        .mkdir = model_mkdir,
        .list = model_list,
        .point = model_point,
    };
}

/* A file after the cut: its size and each sector either as synced or as written, whatever the disk had got
 * to. */
static void tear(struct disk_model *disk, struct disk_inode *inode) {
    size_t small = inode->synced.size < inode->now.size ? inode->synced.size : inode->now.size;
    size_t large = inode->synced.size < inode->now.size ? inode->now.size : inode->synced.size;
    size_t size = small + (size_t)disk_model_random(disk, large - small + 1);
    struct buffer after = BUFFER(FILE_MOST);
    buffer_reserve(&after, size + 1);
    memset(after.data, 0, size + 1);
    after.size = size;
    for (size_t at = 0; at < size; at += SECTOR) {
        struct slice from = buffer_slice(disk_model_random(disk, 2) ? &inode->now : &inode->synced);
        struct slice sector = slice_head(slice_from(from, at), size - at < SECTOR ? size - at : SECTOR);
        if (sector.size)
            memcpy(after.data + at, sector.data, sector.size);
    }
    buffer_free(&inode->now);
    inode->now = after;
    buffer_clear(&inode->synced);
    buffer_append_slice(&inode->synced, buffer_slice(&after));
}

static void come_back(struct disk_model *disk) {
    memset(disk->open, 0, sizeof disk->open);
    disk->dead = false;
    disk->dies_at = 0;
    disk->dies_at_point = NULL;
}

void disk_model_restart(struct disk_model *disk) {
    come_back(disk);
}

void disk_model_power_cut(struct disk_model *disk) {
    come_back(disk);
    disk->lied = false;
    /* Names: all changes since the folder's last sync, or none. */
    if (disk_model_random(disk, 2)) {
        memcpy(disk->names, disk->names_synced, disk->name_synced_count * sizeof *disk->names);
        disk->name_count = disk->name_synced_count;
    }
    memcpy(disk->names_synced, disk->names, disk->name_count * sizeof *disk->names);
    disk->name_synced_count = disk->name_count;
    for (size_t i = 0; i < disk->inode_count; i++) {
        tear(disk, disk->inodes[i]);
        disk->inodes[i]->lying = false;
    }
}

size_t disk_model_names(const struct disk_model *disk) {
    return disk->name_count;
}
const char *disk_model_name(const struct disk_model *disk, size_t place) {
    return disk->names[place].name;
}

uint8_t *disk_model_bytes(struct disk_model *disk, const char *name, size_t *ret_size) {
    struct disk_inode *inode = disk->inodes[find_name(disk, name)->inode];
    *ret_size = inode->now.size;
    return inode->now.data;
}

void disk_model_remove(struct disk_model *disk, const char *name) {
    remove_name(disk, find_name(disk, name));
}

void disk_model_cut(struct disk_model *disk, const char *name, size_t size) {
    disk->inodes[find_name(disk, name)->inode]->now.size = size;
}
