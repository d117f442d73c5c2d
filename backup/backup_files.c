#include "backup_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "backup_folder.h"
#include "bytes.h"
#include "memory.h"

#define DEPTH_MOST 6u
#define FOLDER_MODE 0700
#define COLLECTOR "collector"

struct gather {
    struct backup_writer *writer;
    enum backup_folder folder;
    const char *top;
    bool has_data; /* the data folder, which may stand in the site's */
    dev_t data_device;
    ino_t data_inode;
    unsigned files;
    struct fault *fault;
};

static bool ends(const char *name, const char *end) {
    size_t size = strlen(name), tail = strlen(end);
    return size >= tail && strcmp(name + size - tail, end) == 0;
}

static bool is_left_out(const struct gather *gather, const char *name) {
    static const char *const secret[] = {"day.keys", "backup.key"}; /* what a crash left beside them, too */
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr(".-_", *c)))
            return true;
    if (name[0] == '.' || ends(name, ".log") || ends(name, ".lock") || ends(name, ".copy"))
        return true;
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (strncmp(name, secret[i], strlen(secret[i])) == 0)
            return true;
    return gather->folder == BACKUP_DATA && (strncmp(name, "store", 5) == 0 || strcmp(name, "lock") == 0);
}

/* The data folder is its own; a folder of backups is none of its own parts. */
static bool is_another(const struct gather *gather, const char *path, const struct stat *status) {
    char mark[FILES_PATH_MOST];
    bool data = gather->folder == BACKUP_SITE && gather->has_data && status->st_dev == gather->data_device &&
                status->st_ino == gather->data_inode;
    return data || !files_path(mark, path, BACKUP_FOLDER_MARK) || files_exists(mark);
}

static bool put_file(struct gather *gather, const char *path, const char *name, const struct stat *status) {
    CLEANUP_BUFFER struct buffer content = BUFFER(BACKUP_FILE_MOST);
    CLEANUP_BUFFER struct buffer value = BUFFER(BACKUP_FILE_MOST + 4);
    struct fault local = {0};
    if (!files_read(path, &content, &local)) {
        if (local.code == FAULT_MISSING)
            return true; /* gone in between */
        if (gather->fault)
            *gather->fault = local;
        return false;
    }
    bytes_write_u32(&value, status->st_mode & 0777);
    buffer_append_slice(&value, buffer_slice(&content));
    struct backup_record record = {.kind = BACKUP_FILE,
                                   .family = (uint8_t)gather->folder,
                                   .key = slice_string(name),
                                   .value = buffer_slice(&value)};
    bool good = backup_writer_put(gather->writer, &record, gather->fault);
    memory_wipe(content.data, content.size);
    memory_wipe(value.data, value.size);
    return good;
}

/* `below` is the way from the top, empty for itself. */
static bool put_folder(struct gather *gather, const char *below, unsigned depth) {
    char path[FILES_PATH_MOST], name[BACKUP_NAME_MOST], file[FILES_PATH_MOST];
    snprintf(path, sizeof path, "%s%s%s", gather->top, *below ? "/" : "", below);
    DIR *entries = opendir(path);
    if (!entries)
        return errno == ENOENT || (fault_set_system(gather->fault, "%s cannot be read", path), false);
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(entries));) {
        struct stat status;
        if (is_left_out(gather, entry->d_name) || !files_path(file, path, entry->d_name) ||
            snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", entry->d_name) >=
                (int)sizeof name ||
            lstat(file, &status) != 0 || (S_ISDIR(status.st_mode) && is_another(gather, file, &status)))
            continue;
        if (S_ISDIR(status.st_mode) && depth < DEPTH_MOST)
            good = put_folder(gather, name, depth + 1);
        else if (S_ISREG(status.st_mode) && status.st_size < (off_t)BACKUP_FILE_MOST - 4 &&
                 gather->files < BACKUP_FILES_MOST) {
            gather->files++;
            good = put_file(gather, file, name, &status);
        }
    }
    closedir(entries);
    return good;
}

bool backup_files_put(struct backup_writer *writer, const char *site, const char *data, struct fault *fault) {
    struct gather of_site = {.writer = writer, .folder = BACKUP_SITE, .top = site, .fault = fault};
    struct gather of_data = {.writer = writer, .folder = BACKUP_DATA, .top = data, .fault = fault};
    struct stat status;
    of_site.has_data = data && stat(data, &status) == 0;
    if (of_site.has_data) {
        of_site.data_device = status.st_dev;
        of_site.data_inode = status.st_ino;
    }
    return (!site || put_folder(&of_site, "", 0)) && (!data || put_folder(&of_data, COLLECTOR, 0));
}

static bool is_same(const char *path, struct slice content) {
    CLEANUP_BUFFER struct buffer there = BUFFER(BACKUP_FILE_MOST);
    bool same = files_read(path, &there, NULL) && slice_equal(buffer_slice(&there), content);
    if (there.data)
        memory_wipe(there.data, there.capacity);
    return same;
}

bool backup_files_restore(const struct backup_record *record, const char *site, const char *data,
                          struct fault *fault) {
    char name[BACKUP_NAME_MOST], path[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    uint32_t mode;
    struct slice content;
    if (!backup_file_read(record, name, &mode, &content, fault))
        return false;
    if (!files_path(path, record->family == BACKUP_SITE ? site : data, name))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    memcpy(folder, path, sizeof folder);
    *strrchr(folder, '/') = '\0';
    if (is_same(path, content))
        return true; /* of a try that did not come to its end */
    return files_make_folder(folder, FOLDER_MODE, fault) && files_write_new(path, content, mode, fault);
}
