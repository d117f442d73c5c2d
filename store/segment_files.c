#include "segment_files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "bytes.h"
#include "class.h"

#define FOLDER "segments"
#define FOLDER_MODE 0700
#define FILE_MODE 0600

void segment_row_key(uint8_t to[SEGMENT_ROW_KEY], const struct segment_row *row) {
    to[0] = row->class;
    bytes_put_u64(to + 1, row->day);
    bytes_put_u64(to + 9, row->first_index);
    bytes_put_u64(to + 17, row->last_index);
}

void segment_row_value(uint8_t to[SEGMENT_ROW_SIZE], const struct segment_row *row) {
    const uint64_t numbers[] = {row->bytes,        row->events,        row->text,        row->first_arrival,
                                row->last_arrival, row->first_time_us, row->last_time_us};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        bytes_put_u64(to + 8 * i, numbers[i]);
    memcpy(to + 56, row->key_id.bytes, HASH_SIZE);
    memcpy(to + 88, row->file.bytes, HASH_SIZE);
}

bool segment_row_read(struct slice key, struct slice value, struct segment_row *ret_row,
                      struct fault *fault) {
    if (key.size != SEGMENT_ROW_KEY || value.size != SEGMENT_ROW_SIZE || key.data[0] >= CLASSES)
        return fault_set(fault, FAULT_FORMAT, "a segment's row that is none");
    *ret_row = (struct segment_row){
        .class = key.data[0],
        .day = bytes_get_u64(key.data + 1),
        .first_index = bytes_get_u64(key.data + 9),
        .last_index = bytes_get_u64(key.data + 17),
        .bytes = bytes_get_u64(value.data),
        .events = bytes_get_u64(value.data + 8),
        .text = bytes_get_u64(value.data + 16),
        .first_arrival = bytes_get_u64(value.data + 24),
        .last_arrival = bytes_get_u64(value.data + 32),
        .first_time_us = bytes_get_u64(value.data + 40),
        .last_time_us = bytes_get_u64(value.data + 48),
        .key_id = hash_from(value.data + 56),
        .file = hash_from(value.data + 88),
    };
    return true;
}

bool segment_rows_each(const struct store *store, const struct store_snapshot *snapshot, int class,
                       uint64_t day, segment_row_take *take, void *context, struct fault *fault) {
    uint8_t prefix[9];
    size_t size = class < 0 ? 0 : day == UINT64_MAX ? 1 : 9;
    prefix[0] = (uint8_t) class;
    bytes_put_u64(prefix + 1, day);
    struct store_cursor *cursor =
        store_cursor_create(store, STORE_SEGMENT, snapshot, slice_make(prefix, size));
    bool good = true, go_on = true;
    for (bool on = store_cursor_first(cursor); good && go_on && on; on = store_cursor_next(cursor)) {
        struct segment_row row;
        good = segment_row_read(store_cursor_key(cursor), store_cursor_value(cursor), &row, fault);
        if (good && (class >= 0 || day == UINT64_MAX || row.day == day))
            go_on = take(context, &row);
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

/* ---- files */

static bool too_long(struct fault *fault) {
    return fault_set(fault, FAULT_LIMIT, "the path is too long");
}

static bool day_folder(char ret_path[FILES_PATH_MOST], const char *folder, const struct segment_row *row) {
    char name[96];
    snprintf(name, sizeof name, FOLDER "/%s/%" PRIu64, class_name(row->class), row->day);
    return class_name(row->class) && files_path(ret_path, folder, name);
}

static void file_name(char name[64], const struct segment_row *row) {
    snprintf(name, 64, "%" PRIu64 "-%" PRIu64 ".segment", row->first_index, row->last_index);
}

bool segment_files_path(char ret_path[FILES_PATH_MOST], const char *folder, const struct segment_row *row) {
    char day[FILES_PATH_MOST], name[64];
    file_name(name, row);
    return day_folder(day, folder, row) && files_path(ret_path, day, name);
}

bool segment_files_write(const char *folder, const struct segment_row *row, struct slice content,
                         struct fault *fault) {
    char day[FILES_PATH_MOST], path[FILES_PATH_MOST];
    if (!day_folder(day, folder, row) || !segment_files_path(path, folder, row))
        return too_long(fault);
    return files_make_folder(day, FOLDER_MODE, fault) && files_write(path, content, FILE_MODE, fault);
}

bool segment_files_drop(const char *folder, const struct segment_row *row, struct fault *fault) {
    char day[FILES_PATH_MOST], path[FILES_PATH_MOST];
    if (!day_folder(day, folder, row) || !segment_files_path(path, folder, row))
        return too_long(fault);
    if (!files_remove(path, fault))
        return false;
    rmdir(day); /* the last one takes it along */
    return true;
}

/* ---- what a crash left */

struct sweep {
    const struct store *store;
    const char *folder;
    uint64_t removed;
    struct fault *fault;
};

/* Whether a row names the file, and its bytes are as many. */
static bool is_named(const struct sweep *sweep, uint8_t class, uint64_t day, const char *name) {
    struct segment_row row = {.class = class, .day = day};
    uint8_t key[SEGMENT_ROW_KEY];
    char again[64];
    CLEANUP_STORE_VALUE struct store_value value = {0};
    struct slice text = slice_string(name);
    size_t dash = slice_find_byte(text, '-'), dot = slice_find_byte(text, '.');
    if (dot == SIZE_MAX || dash > dot || !slice_decimal(slice_head(text, dash), &row.first_index) ||
        !slice_decimal(slice_make(text.data + dash + 1, dot - dash - 1), &row.last_index))
        return false;
    file_name(again, &row);
    segment_row_key(key, &row);
    return slice_equal(slice_string(again), text) &&
           store_get(sweep->store, STORE_SEGMENT, slice_make(key, sizeof key), &value, NULL);
}

static bool sweep_day(struct sweep *sweep, uint8_t class, uint64_t day, const char *path) {
    DIR *files = opendir(path);
    bool good = files != NULL;
    for (struct dirent *file; good && (file = readdir(files));) {
        char at[FILES_PATH_MOST];
        if (file->d_name[0] == '.' || is_named(sweep, class, day, file->d_name))
            continue;
        good = files_path(at, path, file->d_name) && files_remove(at, sweep->fault);
        sweep->removed++;
    }
    if (files)
        closedir(files);
    if (good)
        rmdir(path); /* an empty one is of a day that is erased */
    return good || sweep->fault->code || fault_set_system(sweep->fault, "%s", path);
}

static bool sweep_class(struct sweep *sweep, uint8_t class) {
    char path[FILES_PATH_MOST], name[64];
    snprintf(name, sizeof name, FOLDER "/%s", class_name(class));
    if (!files_path(path, sweep->folder, name))
        return too_long(sweep->fault);
    DIR *days = opendir(path);
    if (!days)
        return errno == ENOENT || fault_set_system(sweep->fault, "%s", path);
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(days));) {
        char folder[FILES_PATH_MOST];
        uint64_t day;
        if (slice_decimal(slice_string(entry->d_name), &day) && files_path(folder, path, entry->d_name))
            good = sweep_day(sweep, class, day, folder);
    }
    closedir(days);
    return good;
}

bool segment_files_sweep(const struct store *store, const char *folder, uint64_t *ret_removed,
                         struct fault *fault) {
    struct fault local = {0};
    struct sweep sweep = {store, folder, 0, fault ? fault : &local};
    for (uint8_t class = 0; class < CLASSES; class ++)
        if (!sweep_class(&sweep, class))
            return false;
    *ret_removed = sweep.removed;
    return true;
}
