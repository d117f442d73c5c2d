#include "settings_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "files.h"

static bool read_one(const struct settings_table *table, const char *path, void *target,
                     struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(SETTINGS_TEXT_MOST);
    return files_read(path, &text, fault) && settings_read(table, buffer_slice(&text), path, target, fault);
}

static int is_settings(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return entry->d_name[0] != '.' && size > 5 && strcmp(entry->d_name + size - 5, ".yaml") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool read_folder(const struct settings_table *table, const char *folder, void *target,
                        struct fault *fault) {
    struct dirent **names;
    int count = scandir(folder, &names, is_settings, by_name);
    if (count < 0)
        return errno == ENOENT || fault_set_system(fault, "%s", folder);
    bool good = true;
    for (int i = 0; i < count; i++) {
        char path[FILES_PATH_MOST];
        good = good && files_path(path, folder, names[i]->d_name) && read_one(table, path, target, fault);
        free(names[i]);
    }
    free(names);
    return good;
}

bool settings_file_read(const struct settings_table *table, const char *site, const char *name, void *target,
                        struct fault *fault) {
    char path[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    settings_start(table, target);
    bool good = snprintf(path, sizeof path, "%s/%s.yaml", site, name) < (int)sizeof path &&
                snprintf(folder, sizeof folder, "%s/%s.d", site, name) < (int)sizeof folder;
    if (!good)
        fault_set(fault, FAULT_LIMIT, "the site's path is too long");
    good = good && read_one(table, path, target, fault) && read_folder(table, folder, target, fault);
    if (good) {
        settings_resolve(table, site, target);
        good = settings_finish(table, path, target, fault);
    }
    if (!good && fault && fault->code == FAULT_MISSING)
        fault_set(fault, FAULT_USAGE,
                  "%s is not there: name the site with --site DIR, or make one with `tocsin init DIR`", path);
    if (!good)
        settings_release(table, target);
    return good;
}
