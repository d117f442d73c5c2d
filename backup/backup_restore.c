#include "backup_restore_inside.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backup_file.h"
#include "backup_files.h"
#include "backup_key.h"
#include "backup_log.h"
#include "backup_segments.h"
#include "bytes.h"
#include "checkpoint.h"
#include "key_file.h"
#include "log_reader.h"
#include "memory.h"
#include "merkle.h"
#include "merkle_tile_builder.h"
#include "note_key.h"
#include "site.h"
#include "statement.h"

#define STEP_BYTES (4u * 1024 * 1024)
#define BATCH_LABEL "tocsin/batch/v1"
#define CONTROL_LABEL "tocsin/ctrl/v1\0"
#define STREAM_AT 16u
#define SEQ_AT 56u
#define CTL_SEQ_AT 16u
#define FOLDER_MODE 0700
#define WALK_FILES 16 /* descriptors for a walk through folders */
#define KEYS_MOST (64u * 1024 * 1024)

bool restore_commit_step(struct restore *restore, bool last, struct fault *fault) {
    if (!last && store_batch_size(restore->batch) < STEP_BYTES)
        return true;
    bool good = store_commit(restore->store, restore->batch, last, fault);
    store_batch_clear(restore->batch);
    return good;
}

bool restore_apply(struct restore *restore, const struct backup_record *record, struct fault *fault) {
    if (record->family >= STORE_FAMILIES)
        return fault_set(fault, FAULT_FORMAT,
                         "the backup was made by a newer Tocsin: it has rows of a family (%u) that "
                         "this one does not know",
                         record->family);
    enum store_family family = (enum store_family)record->family;
    if (record->kind == BACKUP_PUT)
        store_batch_put(restore->batch, family, record->key, record->value);
    else if (record->kind == BACKUP_DELETE)
        store_batch_delete(restore->batch, family, record->key);
    else
        store_batch_delete_range(restore->batch, family, record->key, record->value);
    return true;
}

/* The header must be of what stands in this place. */
struct backup_reader *restore_open_part(const struct restore *restore, const char *path, enum backup_kind kind,
                                       uint64_t set, uint64_t number, struct backup_header *ret_header,
                                       struct fault *fault) {
    struct backup_reader *reader = backup_reader_open(path, restore->settings->key, ret_header, fault);
    if (!reader)
        return NULL;
    bool good = ret_header->kind == kind && hash_equal(&ret_header->log, &restore->done.site.log) &&
                (kind == BACKUP_BASE || (ret_header->set == set && ret_header->number == number));
    if (good)
        return reader;
    fault_set(fault, FAULT_FORMAT, "this file belongs elsewhere: it is of another log, set or place");
    fault_place(fault, "%s", path);
    return backup_reader_close(reader);
}

/* ---- the base */

void restore_say_missing(const struct restore *restore, const char *what) {
    if (restore->settings->missing)
        restore->settings->missing(restore->settings->context, what);
}

/* Settings that are there stay as they are, and that is said; keys must be the same. */
static bool restore_file(const struct restore *restore, const struct backup_record *record,
                         struct fault *fault) {
    char text[BACKUP_NAME_MOST + 64];
    if (backup_files_restore(record, restore->settings->site, restore->settings->data, fault))
        return true;
    if (fault->code != FAULT_CONFLICT || record->family != BACKUP_SITE)
        return false;
    *fault = (struct fault){0};
    snprintf(text, sizeof text, "%.*s: another one is there already, and stays as it is",
             SLICE_ARG(record->key));
    restore_say_missing(restore, text);
    return true;
}

static bool restore_base(struct restore *restore, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct backup_header header;
    struct backup_record record;
    struct fault local = {0};
    const struct backup_restore_settings *settings = restore->settings;
    bool has_about = false;
    if (!backup_set_path(path, settings->folder, restore->done.set, "base"))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    struct backup_reader *reader = restore_open_part(restore, path, BACKUP_BASE, 0, 0, &header, fault);
    if (!reader)
        return false;
    restore->set_us = restore->done.made_us = restore->done.until_us = header.made_us;
    bool good = true;
    while (good && backup_reader_next(reader, &record, &local)) {
        if (record.kind == BACKUP_FILE) {
            good = restore_file(restore, &record, &local);
            restore->done.files++;
        } else if (record.kind == BACKUP_ABOUT) {
            good = backup_about_read(&record, &restore->about, &local);
            restore->sequence = restore->about.sequence;
            has_about = true;
        } else if (record.kind == BACKUP_PUT) {
            good = restore_apply(restore, &record, &local) && restore_commit_step(restore, false, &local);
            restore->done.rows++;
        } else
            good = fault_set(&local, FAULT_FORMAT, "%s holds what no base does", path);
    }
    backup_reader_close(reader);
    if (!local.code && !has_about)
        fault_set(&local, FAULT_FORMAT, "%s does not say what it is of", path);
    if (local.code && fault)
        *fault = local;
    return local.code == FAULT_NONE;
}

/* ---- the log */

static void add_tiles(struct restore *restore, struct slice entry) {
    struct hash leaf = merkle_leaf(entry);
    unsigned filled = merkle_tile_builder_add(restore->tree, &leaf);
    for (unsigned level = 0; level < filled; level++) {
        struct merkle_tile tile;
        uint8_t key[9];
        const struct hash *hashes = merkle_tile_builder_tile(restore->tree, level, &tile);
        key[0] = (uint8_t)level;
        bytes_put_u64(key + 1, tile.index);
        store_batch_put(restore->batch, STORE_TILE, slice_make(key, sizeof key),
                        slice_make(hashes, tile.width * sizeof *hashes));
    }
}

/* What the store keeps of an entry besides itself. */
static bool add_entry(struct restore *restore, struct slice key, struct slice entry, struct fault *fault) {
    uint64_t index = merkle_tile_builder_size(restore->tree);
    if (key.size != 8 || bytes_get_u64(key.data) != index || entry.size < 64)
        return fault_set(fault, FAULT_FORMAT, "log entry %" PRIu64 " is missing in the backup", index);
    add_tiles(restore, entry);
    if (memcmp(entry.data, BATCH_LABEL, sizeof BATCH_LABEL) == 0) {
        uint8_t place[40];
        memcpy(place, entry.data + STREAM_AT, 32);
        memcpy(place + 32, entry.data + SEQ_AT, 8);
        store_batch_put(restore->batch, STORE_BATCH, slice_make(place, sizeof place), key);
    } else if (memcmp(entry.data, CONTROL_LABEL, 16) == 0)
        store_batch_put(restore->batch, STORE_CONTROL, slice_make(entry.data + CTL_SEQ_AT, 8), key);
    else
        return fault_set(fault, FAULT_FORMAT, "log entry %" PRIu64 " is of no kind", index);
    return true;
}

/* A file may reach further than this set, when that is not the newest. */
static bool is_later(const struct restore *restore, const struct backup_record *record) {
    uint64_t number = record->key.size == 8 ? bytes_get_u64(record->key.data) : 0;
    return record->family == STORE_CHECKPOINT ? number > restore->about.log_size
                                              : number >= restore->about.log_size;
}

static bool restore_run(struct restore *restore, const struct backup_run *run, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct backup_header header;
    struct backup_record record;
    struct fault local = {0};
    if (!backup_log_path(path, restore->settings->folder, run))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    struct backup_reader *reader = restore_open_part(restore, path, BACKUP_LOG, run->first, run->end, &header, fault);
    if (!reader)
        return false;
    bool good = true;
    while (good && backup_reader_next(reader, &record, &local)) {
        good =
            record.kind == BACKUP_PUT || fault_set(&local, FAULT_FORMAT, "%s holds what no log does", path);
        if (good && is_later(restore, &record))
            continue;
        if (good && record.family == STORE_ENTRY)
            good = add_entry(restore, record.key, record.value, &local);
        good = good && restore_apply(restore, &record, &local) && restore_commit_step(restore, false, &local);
        restore->done.rows++;
    }
    backup_reader_close(reader);
    uint64_t end = run->end < restore->about.log_size ? run->end : restore->about.log_size;
    if (!local.code && merkle_tile_builder_size(restore->tree) != end)
        fault_set(&local, FAULT_FORMAT, "%s ends before its last entry", path);
    if (local.code && fault)
        *fault = local;
    return local.code == FAULT_NONE;
}

static bool restore_log(struct restore *restore, struct fault *fault) {
    struct backup_run *runs;
    size_t count;
    if (!backup_log_runs(restore->settings->folder, &runs, &count, fault))
        return false;
    bool good = true;
    for (size_t i = 0; good && i < count && runs[i].first < restore->about.log_size; i++)
        good = restore_run(restore, &runs[i], fault);
    free(runs);
    uint64_t size = merkle_tile_builder_size(restore->tree);
    return good && (size == restore->about.log_size ||
                    fault_set(fault, FAULT_FORMAT,
                              "the backup's log ends at entry %" PRIu64 ", its set needs %" PRIu64
                              ": a file is missing in %s/log",
                              size, restore->about.log_size, restore->settings->folder));
}

/* ---- segments and day keys */

static bool restore_segment(void *context, const struct segment_row *row) {
    struct restore *restore = context;
    const struct backup_restore_settings *settings = restore->settings;
    char line[FAULT_LINE_SIZE];
    struct fault fault = {0};
    restore->done.segments++;
    if (backup_segment_copy(settings->folder, restore->path, row, &fault) ||
        (settings->missing_from && backup_segment_copy(settings->missing_from, restore->path, row, NULL)))
        return true;
    restore->done.segments_missing++;
    restore_say_missing(restore, fault_line(&fault, line));
    return true;
}

/* So that the site's own backups go on under it. */
static bool restore_key(const struct restore *restore, struct fault *fault) {
    char folder[FILES_PATH_MOST], path[FILES_PATH_MOST];
    site_path(folder, restore->settings->data, SITE_COLLECTOR_FOLDER);
    return files_path(path, folder, "backup.key") &&
           (files_exists(path) || backup_key_write(path, restore->settings->key, fault));
}

static bool restore_day_keys(struct restore *restore, struct fault *fault) {
    char from[FILES_PATH_MOST], folder[FILES_PATH_MOST], to[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer keys = BUFFER(KEYS_MOST);
    struct fault local = {0};
    if (!restore->settings->day_keys) {
        if (restore->done.segments)
            restore_say_missing(restore,
                        "the day keys: what is sealed does not open without them (--day-keys FOLDER)");
        return true;
    }
    if (!files_path(from, restore->settings->day_keys, "day.keys") ||
        !site_path(folder, restore->settings->data, SITE_COLLECTOR_FOLDER) ||
        !files_path(to, folder, "day.keys"))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (!files_read(from, &keys, &local)) {
        if (local.code == FAULT_MISSING && restore->done.segments == 0)
            return true; /* none was ever needed */
        if (fault)
            *fault = local;
        return false;
    }
    restore->done.day_keys = files_write(to, buffer_slice(&keys), 0600, fault);
    return restore->done.day_keys;
}

/* ---- the log again, as it stands now */

static bool log_key_of(const struct restore *restore, struct note_key *ret_key, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct slice origin = slice_string(restore->done.site.origin);
    site_path(path, restore->settings->data, SITE_COLLECTOR_LOG_KEY);
    struct signing_key *key = key_file_open(path, false, fault);
    if (!key)
        return false;
    struct hash log = statement_log(origin, signing_key_public(key));
    bool good = hash_equal(&log, &restore->done.site.log)
                    ? note_key_make(NOTE_KEY_LOG, origin, signing_key_public(key), ret_key, fault)
                    : fault_set(fault, FAULT_CONFLICT, "the log's key in the backup is not this log's");
    signing_key_destroy(key);
    return good;
}

static bool check_log(struct restore *restore, struct fault *fault) {
    struct note_key key;
    struct signed_checkpoint checkpoint;
    struct hash root;
    struct fault local = {0};
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    if (!log_key_of(restore, &key, fault))
        return false;
    struct log_reader *log = log_reader_open(restore->store, fault);
    if (!log)
        return false;
    restore->done.log_size = log_reader_size(log);
    bool good = log_checkpoint_newest(restore->store, &restore->done.checkpoint_size, &note, &local);
    if (good) {
        good = checkpoint_read(buffer_slice(&note), &key, NULL, &checkpoint, &local) &&
               (checkpoint.checkpoint.size <= restore->done.log_size ||
                fault_set(&local, FAULT_CONFLICT,
                          "the log is shorter (%" PRIu64 ") than its checkpoint (%" PRIu64 ")",
                          restore->done.log_size, checkpoint.checkpoint.size)) &&
               log_reader_root(log, checkpoint.checkpoint.size, &root, &local) &&
               (hash_equal(&root, &checkpoint.checkpoint.root) ||
                fault_set(&local, FAULT_CONFLICT, "the log is not the one that its newest checkpoint signs"));
    }
    log_reader_destroy(log);
    if (!good && local.code == FAULT_MISSING)
        return true; /* a log before its first checkpoint */
    if (!good && fault)
        *fault = local;
    return good;
}

/* ---- all of it */

static bool choose(struct restore *restore, struct fault *fault) {
    const struct backup_restore_settings *settings = restore->settings;
    char(*sets)[BACKUP_SET_NAME] = memory_new_array(BACKUP_SETS_MOST, sizeof *sets);
    size_t count = 0, chosen = 0;
    bool good = backup_folder_site(settings->folder, &restore->done.site, fault) &&
                backup_folder_sets(settings->folder, sets, BACKUP_SETS_MOST, &count, fault);
    struct hash key_id = backup_key_id(settings->key);
    if (good && !hash_equal(&key_id, &restore->done.site.key_id))
        good = fault_set(fault, FAULT_AUTH, "the backups in %s are encrypted under another key",
                         settings->folder);
    if (good && count == 0)
        good = fault_set(fault, FAULT_MISSING, "%s holds no backup that is whole", settings->folder);
    if (good && settings->set) {
        while (chosen < count && strcmp(sets[chosen], settings->set) != 0)
            chosen++;
        if (chosen == count)
            good = fault_set(fault, FAULT_MISSING, "there is no backup %s; the newest is %s", settings->set,
                             sets[count - 1]);
    } else if (good)
        chosen = count - 1;
    if (good)
        memcpy(restore->done.set, sets[chosen], BACKUP_SET_NAME);
    free(sets);
    return good;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static bool open_store(struct restore *restore, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    struct store_options options = {.create = true};
    if (!site_path(restore->store_path, restore->settings->data, SITE_COLLECTOR_STORE) ||
        !site_path(folder, restore->settings->data, SITE_COLLECTOR_FOLDER) ||
        snprintf(restore->path, sizeof restore->path, "%s.restoring", restore->store_path) >=
            (int)sizeof restore->path)
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (files_exists(restore->store_path))
        return fault_set(fault, FAULT_CONFLICT, "%s is there already: restore to a site that has no store",
                         restore->store_path);
    if (files_exists(restore->path) && nftw(restore->path, remove_one, WALK_FILES, FTW_DEPTH | FTW_PHYS) != 0)
        return fault_set_system(fault, "%s, left by another try, cannot be removed", restore->path);
    if (!files_make_folder(restore->settings->site, 0755, fault) ||
        !files_make_folder(folder, FOLDER_MODE, fault))
        return false;
    restore->store = store_open(restore->path, &options, fault);
    restore->batch = restore->store ? store_batch_create(restore->store) : NULL;
    return restore->store != NULL;
}

/* A store counts once all of it is there. */
static bool close_store(struct restore *restore, bool good, struct fault *fault) {
    if (restore->batch)
        store_batch_destroy(restore->batch);
    bool opened = restore->store != NULL;
    restore->store = store_close(restore->store);
    if (good)
        return files_rename(restore->path, restore->store_path, fault);
    if (opened)
        nftw(restore->path, remove_one, WALK_FILES, FTW_DEPTH | FTW_PHYS);
    return false;
}

bool backup_restore(const struct backup_restore_settings *settings, struct backup_restored *ret_restored,
                    struct fault *fault) {
    struct restore restore = {.settings = settings, .tree = merkle_tile_builder_create()};
    bool good = choose(&restore, fault) && open_store(&restore, fault) && restore_base(&restore, fault) &&
                restore_log(&restore, fault) && restore_followed(&restore, fault) && restore_missing(&restore, fault) &&
                segment_rows_each(restore.store, NULL, -1, UINT64_MAX, restore_segment, &restore, fault) &&
                restore_day_keys(&restore, fault) && restore_key(&restore, fault) &&
                check_log(&restore, fault);
    good = close_store(&restore, good, fault);
    merkle_tile_builder_destroy(restore.tree);
    if (good)
        *ret_restored = restore.done;
    return good;
}
