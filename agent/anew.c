#include "anew.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "site.h"

static bool remove_folder(const char *path, struct fault *fault) {
    DIR *folder = opendir(path);
    if (!folder)
        return fault_set_system(fault, "%s", path);
    for (const struct dirent *entry; (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return rmdir(path) == 0 || fault_set_system(fault, "%s", path);
}

bool anew_prepare(const char *data, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    site_path(folder, data, SITE_AGENT_NEW_FOLDER);
    return (!files_exists(folder) || remove_folder(folder, fault)) && files_make_folder(folder, 0700, fault);
}

bool anew_begin(const char *data, struct fault *fault) {
    static const char *const keys[] = {"sign.key", "tls.key", "tls.crt"};
    char mark[FILES_PATH_MOST], next_key[FILES_PATH_MOST], folder[FILES_PATH_MOST],
        new_folder[FILES_PATH_MOST];
    site_path(mark, data, SITE_AGENT_ANEW);
    site_path(next_key, data, SITE_AGENT_NEXT_KEY);
    site_path(folder, data, SITE_AGENT_FOLDER);
    site_path(new_folder, data, SITE_AGENT_NEW_FOLDER);
    if (!files_write(mark, SLICE("the spool is of streams that are over\n"), 0600, fault) ||
        !files_remove(next_key, fault))
        return false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char from[FILES_PATH_MOST], to[FILES_PATH_MOST];
        if (!files_path(from, new_folder, keys[i]) || !files_path(to, folder, keys[i]))
            return fault_set(fault, FAULT_LIMIT, "a path that is too long: %s", folder);
        if (rename(from, to) != 0)
            return fault_set_system(fault, "%s", to);
    }
    return files_sync_folder(folder, fault) && remove_folder(new_folder, fault);
}

static bool path_of(char ret_path[FILES_PATH_MOST], const char *spool, unsigned number) {
    return snprintf(ret_path, FILES_PATH_MOST, "%s.before-%u", spool, number) < (int)FILES_PATH_MOST;
}

bool anew_set_aside(const char *data, const char *spool, struct fault *fault) {
    char mark[FILES_PATH_MOST], aside[FILES_PATH_MOST];
    site_path(mark, data, SITE_AGENT_ANEW);
    if (!files_exists(mark))
        return true;
    unsigned number = 1;
    while (number <= ANEW_SPOOLS_MOST && path_of(aside, spool, number) && files_exists(aside))
        number++;
    if (number > ANEW_SPOOLS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%u spools of streams that are over stand beside %s",
                         ANEW_SPOOLS_MOST, spool);
    if (files_exists(spool) && !files_rename(spool, aside, fault))
        return false;
    return files_remove(mark, fault);
}

bool anew_take_over(const char *spool, struct lanes *lanes, struct fault *fault) {
    for (unsigned number = 1; number <= ANEW_SPOOLS_MOST; number++) {
        char aside[FILES_PATH_MOST];
        if (!path_of(aside, spool, number) || !files_exists(aside))
            continue;
        if (!lanes_adopt(lanes, aside, &spool_files_system, fault) || !remove_folder(aside, fault))
            return false;
        log_notice("this host has joined anew: what its spool held goes on in the new streams");
    }
    return true;
}
