#include "origin_move.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "key_file.h"
#include "memory.h"
#include "site.h"

#define NEW_FOLDER "new-origin"
#define KEY_FILE_MOST 65536u
#define WALK_FILES 16 /* descriptors for a walk through folders */

/* Who the collector is on the wire, what signs its log, who enrols agents, what its backups are encrypted under. Its stream's
 * key is another one: under the old one batches were signed that the new log does not hold. */
static const struct {
    const char *name;
    bool wanted;
} kept[] = {
    {"tls.key", true}, {"tls.crt", true}, {"log.key", true}, {"registrar.key", true}, {"backup.key", false}};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static bool copy_one(const char *from_folder, const char *to_folder, const char *name, bool wanted,
                     struct fault *fault) {
    char from[FILES_PATH_MOST], to[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer bytes = BUFFER(KEY_FILE_MOST);
    if (!files_path(from, from_folder, name) || !files_path(to, to_folder, name))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (!wanted && !files_exists(from))
        return true;
    bool good = files_read(from, &bytes, fault) && files_write_new(to, buffer_slice(&bytes), 0600, fault);
    memory_wipe(bytes.data, bytes.size);
    return good;
}

static bool write_new(const char *folder, const char *data, struct slice origin, struct slice genesis,
                      struct fault *fault) {
    char path[FILES_PATH_MOST], line[300];
    int size = snprintf(line, sizeof line, "%.*s\n", SLICE_ARG(origin));
    if (size < 0 || (size_t)size >= sizeof line)
        return fault_set(fault, FAULT_LIMIT, "the log's name is too long");
    if (!site_path(path, data, SITE_COLLECTOR_ORIGIN) ||
        !files_write_new(path, slice_make(line, (size_t)size), 0644, fault) ||
        !site_path(path, data, SITE_COLLECTOR_GENESIS) || !files_write_new(path, genesis, 0600, fault) ||
        !site_path(path, data, SITE_COLLECTOR_STREAM_KEY))
        return false;
    struct signing_key *key = key_file_open(path, true, fault);
    bool made = key != NULL;
    signing_key_destroy(key);
    return made && files_sync_folder(folder, fault);
}

static bool make_new(const char *data, const char *from, struct slice origin, struct slice genesis,
                     struct fault *fault) {
    char beside[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    if (!files_path(beside, data, NEW_FOLDER) || !site_path(folder, beside, SITE_COLLECTOR_FOLDER))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (files_exists(beside) && nftw(beside, remove_one, WALK_FILES, FTW_DEPTH | FTW_PHYS) != 0)
        return fault_set_system(fault, "%s, left by another try, cannot be removed", beside);
    if (!files_make_folder(beside, 0711, fault) || !files_make_folder(folder, 0700, fault))
        return false;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (!copy_one(from, folder, kept[i].name, kept[i].wanted, fault))
            return false;
    return write_new(folder, beside, origin, genesis, fault);
}

static bool place_for(const char *data, char ret_before[FILES_PATH_MOST], struct fault *fault) {
    for (unsigned number = 1; number <= ORIGINS_MOST; number++) {
        char name[32];
        snprintf(name, sizeof name, "before-%u", number);
        if (!files_path(ret_before, data, name))
            return fault_set(fault, FAULT_LIMIT, "the path is too long");
        if (!files_exists(ret_before))
            return files_make_folder(ret_before, 0711, fault);
    }
    return fault_set(fault, FAULT_LIMIT, "%u logs before this one stand in %s", ORIGINS_MOST, data);
}

static bool put_in_place(const char *data, const char *folder, struct fault *fault) {
    char beside[FILES_PATH_MOST], made[FILES_PATH_MOST];
    return files_path(beside, data, NEW_FOLDER) && site_path(made, beside, SITE_COLLECTOR_FOLDER) &&
           files_rename(made, folder, fault) &&
           (rmdir(beside) == 0 || fault_set_system(fault, "%s cannot be removed", beside));
}

bool origin_move(const char *data, struct slice origin, struct slice genesis,
                 char ret_before[FILES_PATH_MOST], struct fault *fault) {
    char folder[FILES_PATH_MOST], lock_path[FILES_PATH_MOST], to[FILES_PATH_MOST];
    int lock = -1;
    if (!site_path(folder, data, SITE_COLLECTOR_FOLDER) || !site_path(lock_path, data, SITE_COLLECTOR_LOCK))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (!files_lock(lock_path, &lock, fault))
        return fault_place(fault, "stop the collector first");
    bool good = make_new(data, folder, origin, genesis, fault) && place_for(data, ret_before, fault) &&
                site_path(to, ret_before, SITE_COLLECTOR_FOLDER) && files_rename(folder, to, fault) &&
                put_in_place(data, folder, fault);
    files_unlock(lock);
    return good;
}

bool origin_move_mend(const char *data, bool *ret_mended, struct fault *fault) {
    char folder[FILES_PATH_MOST], beside[FILES_PATH_MOST], made[FILES_PATH_MOST];
    *ret_mended = false;
    if (!site_path(folder, data, SITE_COLLECTOR_FOLDER) || !files_path(beside, data, NEW_FOLDER) ||
        !site_path(made, beside, SITE_COLLECTOR_FOLDER) || files_exists(folder) || !files_exists(made))
        return true;
    *ret_mended = put_in_place(data, folder, fault);
    return *ret_mended;
}
