#include "backup_folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "calendar.h"
#include "encoding.h"
#include "memory.h"

#define SITE_NAME BACKUP_FOLDER_MARK
#define SITE_LINE                                                                                            \
    "Backups of Tocsin. The log's name, its hash, the key's id, where the key was, where the day keys are:"
#define LINES 6
#define TEXT_MOST (16u * 1024)
#define LOCK_NAME "lock"
#define SETS "sets"
#define MAKING ".making"
#define FOLDER_MODE 0700
#define FILE_MODE 0644

/* ---- whose */

static bool site_text(const struct backup_site *site, struct buffer *to) {
    char log[2 * HASH_SIZE + 1], key[2 * HASH_SIZE + 1];
    encoding_hex(site->log.bytes, HASH_SIZE, log);
    encoding_hex(site->key_id.bytes, HASH_SIZE, key);
    return buffer_printf(to, SITE_LINE "\n%s\n%s\n%s\n%s\n%s\n", site->origin, log, key, site->key_path,
                         site->day_keys);
}

bool backup_folder_site(const char *folder, struct backup_site *ret_site, struct fault *fault) {
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer text = BUFFER(TEXT_MOST);
    struct backup_site site = {0};
    if (!files_path(path, folder, SITE_NAME))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (!files_read(path, &text, fault))
        return false;
    struct slice rest = buffer_slice(&text), lines[LINES];
    for (size_t i = 0; i < LINES; i++) {
        size_t end = slice_find_byte(rest, '\n');
        if (end == SIZE_MAX)
            return fault_set(fault, FAULT_FORMAT, "%s does not say whose backups these are", path);
        lines[i] = slice_head(rest, end);
        rest = slice_from(rest, end + 1);
    }
    if (!slice_equal(lines[0], SLICE(SITE_LINE)) || lines[1].size >= sizeof site.origin ||
        lines[4].size >= sizeof site.key_path || lines[5].size >= sizeof site.day_keys ||
        !encoding_unhex(lines[2], site.log.bytes, HASH_SIZE) ||
        !encoding_unhex(lines[3], site.key_id.bytes, HASH_SIZE))
        return fault_set(fault, FAULT_FORMAT, "%s does not say whose backups these are", path);
    memcpy(site.origin, lines[1].data, lines[1].size);
    memcpy(site.key_path, lines[4].data, lines[4].size);
    memcpy(site.day_keys, lines[5].data, lines[5].size);
    *ret_site = site;
    return true;
}

bool backup_folder_take(const char *folder, const struct backup_site *site, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct backup_site found;
    struct fault local = {0};
    CLEANUP_BUFFER struct buffer text = BUFFER(TEXT_MOST);
    if (!files_make_folder(folder, FOLDER_MODE, fault))
        return false;
    if (backup_folder_site(folder, &found, &local)) {
        if (!hash_equal(&found.log, &site->log))
            return fault_set(fault, FAULT_CONFLICT,
                             "%s holds the backups of another log (%s): take another folder", folder,
                             found.origin);
        return hash_equal(&found.key_id, &site->key_id) ||
               fault_set(fault, FAULT_CONFLICT,
                         "the backups in %s are encrypted under another key: bring that key back, or take "
                         "another folder",
                         folder);
    }
    if (local.code != FAULT_MISSING) {
        if (fault)
            *fault = local;
        return false;
    }
    return files_path(path, folder, SITE_NAME) && site_text(site, &text) &&
           files_write(path, buffer_slice(&text), FILE_MODE, fault);
}

bool backup_folder_lock(const char *folder, int *ret_lock, struct fault *fault) {
    char path[FILES_PATH_MOST];
    return files_path(path, folder, LOCK_NAME) ? files_lock(path, ret_lock, fault)
                                               : fault_set(fault, FAULT_LIMIT, "the path is too long");
}

/* ---- sets */

void backup_set_name(uint64_t made_us, char ret_name[BACKUP_SET_NAME]) {
    struct tm parts;
    time_t seconds = (time_t)(made_us / 1000000);
    char text[24] = "";
    if (gmtime_r(&seconds, &parts))
        strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
    snprintf(ret_name, BACKUP_SET_NAME, "%s.%06uZ", text, (unsigned)(made_us % 1000000));
}

uint64_t backup_set_time(const char *name) {
    char text[CALENDAR_TEXT_SIZE];
    uint64_t time_us = 0;
    int size =
        snprintf(text, sizeof text, "%.4s-%.2s-%.5s:%.2s:%s", name, name + 4, name + 6, name + 11, name + 13);
    return size > 0 && (size_t)size < sizeof text && calendar_parse(slice_string(text), &time_us) ? time_us
                                                                                                  : 0;
}

bool backup_folder_next(const char *folder, uint64_t now_us, uint64_t *ret_made_us, struct fault *fault) {
    char(*sets)[BACKUP_SET_NAME] = memory_new_array(BACKUP_SETS_MOST, sizeof *sets);
    size_t count = 0;
    bool good = backup_folder_sets(folder, sets, BACKUP_SETS_MOST, &count, fault);
    uint64_t newest = good && count ? backup_set_time(sets[count - 1]) : 0;
    free(sets);
    *ret_made_us = newest >= now_us ? newest + 1 : now_us;
    return good;
}

bool backup_set_path(char ret_path[FILES_PATH_MOST], const char *folder, const char *set, const char *file) {
    int size = snprintf(ret_path, FILES_PATH_MOST, "%s/" SETS "/%s%s%s", folder, set, file ? "/" : "",
                        file ? file : "");
    return size > 0 && (size_t)size < FILES_PATH_MOST;
}

bool backup_follow_path(char ret_path[FILES_PATH_MOST], const char *folder, const char *set,
                        uint64_t number) {
    char name[40];
    snprintf(name, sizeof name, "follow-%06" PRIu64, number);
    return backup_set_path(ret_path, folder, set, name);
}

/* "20261121T221852.123456Z", whatever the digits. */
static bool is_set(const char *name) {
    static const char form[] = "99999999T999999.999999Z";
    size_t size = strlen(name);
    if (size != sizeof form - 1)
        return false;
    for (size_t i = 0; i < size; i++)
        if (form[i] == '9' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
            return false;
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

static DIR *open_sets(const char *folder, char path[FILES_PATH_MOST], bool *ret_none, struct fault *fault) {
    *ret_none = false;
    if (!files_path(path, folder, SETS)) {
        fault_set(fault, FAULT_LIMIT, "the path is too long");
        return NULL;
    }
    DIR *sets = opendir(path);
    *ret_none = !sets && errno == ENOENT;
    if (!sets && !*ret_none) {
        fault_set_system(fault, "the backups cannot be listed");
        fault_place(fault, "%s", path);
    }
    return sets;
}

bool backup_folder_sets(const char *folder, char ret_names[][BACKUP_SET_NAME], size_t most, size_t *ret_count,
                        struct fault *fault) {
    char path[FILES_PATH_MOST];
    bool none;
    DIR *sets = open_sets(folder, path, &none, fault);
    *ret_count = 0;
    if (!sets)
        return none;
    for (struct dirent *entry; *ret_count < most && (entry = readdir(sets));)
        if (is_set(entry->d_name))
            memcpy(ret_names[(*ret_count)++], entry->d_name, strlen(entry->d_name) + 1);
    closedir(sets);
    qsort(ret_names, *ret_count, BACKUP_SET_NAME, by_name);
    return true;
}

bool backup_set_remove(const char *folder, const char *set, struct fault *fault) {
    char path[FILES_PATH_MOST], file[FILES_PATH_MOST];
    if (!backup_set_path(path, folder, set, NULL))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    DIR *files = opendir(path);
    if (!files)
        return errno == ENOENT || (fault_set_system(fault, "%s cannot be removed", path), false);
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(files));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            good = files_path(file, path, entry->d_name) && files_remove(file, fault);
    closedir(files);
    return good && (rmdir(path) == 0 || (fault_set_system(fault, "%s cannot be removed", path), false));
}

bool backup_folder_sweep(const char *folder, struct fault *fault) {
    char path[FILES_PATH_MOST];
    bool none;
    DIR *sets = open_sets(folder, path, &none, fault);
    if (!sets)
        return none;
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(sets));) {
        size_t size = strlen(entry->d_name), tail = sizeof MAKING - 1;
        if (size > tail && strcmp(entry->d_name + size - tail, MAKING) == 0)
            good = backup_set_remove(folder, entry->d_name, fault);
    }
    closedir(sets);
    return good;
}
