#include "backup_log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

#define FOLDER "log"

bool backup_log_path(char ret_path[FILES_PATH_MOST], const char *folder, const struct backup_run *run) {
    int size = snprintf(ret_path, FILES_PATH_MOST, "%s/" FOLDER "/%020" PRIu64 "-%020" PRIu64, folder,
                        run->first, run->end);
    return size > 0 && (size_t)size < FILES_PATH_MOST;
}

static bool read_name(const char *name, struct backup_run *ret_run) {
    struct slice text = slice_string(name);
    return text.size == 41 && text.data[20] == '-' && slice_decimal(slice_head(text, 20), &ret_run->first) &&
           slice_decimal(slice_from(text, 21), &ret_run->end) && ret_run->first < ret_run->end;
}

static int by_place(const void *a, const void *b) {
    const struct backup_run *x = a, *y = b;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first)
                                : (x->end < y->end) - (x->end > y->end);
}

static bool list(const char *folder, struct backup_run **ret_runs, size_t *ret_count, struct fault *fault) {
    char path[FILES_PATH_MOST];
    size_t count = 0, room = 64;
    if (!files_path(path, folder, FOLDER))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    DIR *files = opendir(path);
    if (!files && errno != ENOENT) {
        fault_set_system(fault, "the backup's log cannot be listed");
        return fault_place(fault, "%s", path);
    }
    struct backup_run *runs = memory_new_array(room, sizeof *runs);
    for (struct dirent *entry; files && count < BACKUP_RUNS_MOST && (entry = readdir(files));) {
        if (count == room)
            runs = memory_resize(runs, room *= 2, sizeof *runs);
        count += read_name(entry->d_name, &runs[count]);
    }
    if (files)
        closedir(files);
    qsort(runs, count, sizeof *runs, by_place);
    *ret_runs = runs;
    *ret_count = count;
    return true;
}

/* Whether the run goes on at `end`: the longest of those that begin there comes first. */
static bool counts(const struct backup_run *run, uint64_t *end) {
    if (run->first != *end)
        return false;
    *end = run->end;
    return true;
}

bool backup_log_runs(const char *folder, struct backup_run **ret_runs, size_t *ret_count,
                     struct fault *fault) {
    struct backup_run *runs;
    size_t count, good = 0;
    uint64_t end = 0;
    if (!list(folder, &runs, &count, fault))
        return false;
    for (size_t i = 0; i < count; i++)
        if (counts(&runs[i], &end))
            runs[good++] = runs[i];
    *ret_runs = runs;
    *ret_count = good;
    return true;
}

bool backup_log_sweep(const char *folder, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct backup_run *runs = NULL;
    size_t count = 0;
    uint64_t end = 0;
    bool good = list(folder, &runs, &count, fault);
    for (size_t i = 0; good && i < count; i++)
        if (!counts(&runs[i], &end))
            good = backup_log_path(path, folder, &runs[i]) && files_remove(path, fault);
    free(runs);
    return good;
}

bool backup_log_reject(const char *folder, const struct backup_run *run, struct fault *fault) {
    char path[FILES_PATH_MOST], bad[FILES_PATH_MOST];
    if (!backup_log_path(path, folder, run) || snprintf(bad, sizeof bad, "%s.bad", path) >= (int)sizeof bad)
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    return files_rename(path, bad, fault);
}
