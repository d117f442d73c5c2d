#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "memory.h"
#include "store_internal.h"

/* The number of the layout: raised when an older program would misread what a newer one wrote. */
#define FORMAT_NUMBER 1u
#define FORMAT_KEY "format"

#define MIB (1024ull * 1024)
/* Below it memory and logs are kept smaller. What waits in memory has to fit on the disk under the floor, and what a log
 * holds into the ballast: twice SMALL_MEMORY is the least floor. */
#define SMALL_DISK (8 * 1024 * MIB)
#define MEMORY (32 * MIB)
#define SMALL_MEMORY (8 * MIB)
_Static_assert(STORE_FLOOR_LEAST >= 2 * SMALL_MEMORY && STORE_BALLAST_LEAST > SMALL_MEMORY,
               "a flush must fit");
_Static_assert(SMALL_DISK / 16 >= 2 * MEMORY && SMALL_DISK / 64 > MEMORY, "a flush must fit");

#define STANDARD_INDEX STORE_FAMILIES
#define HANDLES (STORE_FAMILIES + 1)

/* RocksDB's names for what to do with a damaged log (c.h has none). Anything but an unfinished end is an error: the
 * default, "point in time", would drop acknowledged records behind a flipped bit without a word. */
enum wal_recovery { RECOVER_TOLERATE_TAIL = 0, RECOVER_POINT_IN_TIME = 2 };

enum log_level { LOG_WARN = 2 };

struct opening {
    rocksdb_options_t *options[HANDLES];
    const char *names[HANDLES];
    rocksdb_column_family_handle_t *handles[HANDLES];
};

static rocksdb_options_t *family_options(const struct store *store, const struct store_family_row *row,
                                         bool small) {
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, store->cache);
    rocksdb_block_based_options_set_block_size(table, 16384);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    if (row && row->filter)
        rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);

    static const int packing[] = {
        [STORE_PACK_NONE] = rocksdb_no_compression,
        [STORE_PACK_FAST] = rocksdb_lz4_compression,
        [STORE_PACK_WELL] = rocksdb_zstd_compression,
    };
    rocksdb_options_set_compression(options, packing[row ? row->packing : STORE_PACK_NONE]);
    rocksdb_options_set_write_buffer_size(options, (row ? row->write_buffer_mb : 1) * MIB / (small ? 4 : 1));
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    return options;
}

/* Options that c.h has no function for, and then those of the whole; RocksDB takes these from the first argument of the
 * open. */
static bool database_options(const struct store *store, rocksdb_options_t *options,
                             const struct store_options *wanted, bool small, struct fault *fault) {
    rocksdb_options_t *base = rocksdb_options_create_copy(options);
    char *error = NULL;
    /* What the log holds goes back to memory, not into one small file a family: recovery needs hardly any room then, and
     * a process that is killed often leaves no heap of files. Salvage wants to be rid of the log. */
    const char *recovery =
        wanted->salvage ? "avoid_flush_during_recovery=false" : "avoid_flush_during_recovery=true";
    rocksdb_get_options_from_string(base, recovery, options, &error);
    rocksdb_options_destroy(base);
    if (!store_rocks(store, error, "RocksDB does not know an option", fault))
        return false;

    rocksdb_options_set_create_if_missing(options, wanted->create && !wanted->read_only);
    rocksdb_options_set_create_missing_column_families(options, !wanted->read_only);
    rocksdb_options_set_paranoid_checks(options, 1);
    rocksdb_options_set_wal_recovery_mode(options,
                                          wanted->salvage ? RECOVER_POINT_IN_TIME : RECOVER_TOLERATE_TAIL);
    rocksdb_options_set_max_open_files(options, 256);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_db_write_buffer_size(options, small ? SMALL_MEMORY : MEMORY);
    /* Families that little is written to would hold back the log for ever. */
    rocksdb_options_set_max_total_wal_size(options, small ? SMALL_MEMORY : 2 * MEMORY);
    /* A log that was read at the start goes with the next flush, and not up to six hours later: what was erased is in it. */
    rocksdb_options_set_delete_obsolete_files_period_micros(options, 0);
    rocksdb_options_set_max_manifest_file_size(options, 4 * MIB);
    rocksdb_options_set_bytes_per_sync(options, MIB);
    rocksdb_options_set_info_log_level(options, LOG_WARN);
    rocksdb_options_set_max_log_file_size(options, MIB);
    rocksdb_options_set_keep_log_file_num(options, 4);
    /* An idle collector sleeps. */
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    /* One thread commits: nobody to share a memtable with, nobody to spin for. */
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_options_set_enable_write_thread_adaptive_yield(options, 0);
    return true;
}

static void families_describe(const struct store *store, bool small, struct opening *opening) {
    for (unsigned i = 0; i < STORE_FAMILIES; i++) {
        opening->names[i] = store_family_row(i)->name;
        opening->options[i] = family_options(store, store_family_row(i), small);
    }
    opening->names[STANDARD_INDEX] = "default";
    opening->options[STANDARD_INDEX] = family_options(store, NULL, small);
}

/* Of its files RocksDB leaves one unnamed: a damaged write-ahead log. Its name stands in its own report, which a reader
 * does not have it write. */
static bool name_log(const struct store *store, struct fault *fault) {
    if (!fault || fault->code != FAULT_FORMAT || strcmp(fault->place, store->path) != 0)
        return false;
    CLEANUP_BUFFER struct buffer report = BUFFER(2 * MIB);
    char path[FILES_PATH_MOST], sentence[FAULT_TEXT_SIZE];
    struct slice file = SLICE("*.log");
    if (!store->read_only && files_path(path, store->database, "LOG") && files_read(path, &report, NULL)) {
        struct slice rest =
            slice_from(buffer_slice(&report), slice_find(buffer_slice(&report), SLICE(".log: dropping")));
        const uint8_t *end = rest.data;
        while (end && end > report.data && end[-1] != '/')
            end--;
        file = rest.size ? slice_make(end, (size_t)(rest.data - end) + 4) : file;
    }
    snprintf(sentence, sizeof sentence, "%s", fault->text);
    fault_set(fault, FAULT_FORMAT, "the write-ahead log is damaged: %.300s", sentence);
    return fault_place(fault, "%s/%.*s", store->database, SLICE_ARG(file));
}

static bool database_open(struct store *store, const struct store_options *wanted, bool small,
                          struct fault *fault) {
    struct opening opening = {0};
    families_describe(store, small, &opening);
    rocksdb_options_t *options = family_options(store, NULL, small);
    const rocksdb_options_t *const *list = (const rocksdb_options_t *const *)opening.options;
    char *error = NULL;
    bool good = database_options(store, options, wanted, small, fault);
    if (good && wanted->read_only)
        store->db = rocksdb_open_for_read_only_column_families(
            options, store->database, HANDLES, opening.names, list, opening.handles, 0, &error);
    else if (good)
        store->db = rocksdb_open_column_families(options, store->database, HANDLES, opening.names, list,
                                                 opening.handles, &error);
    rocksdb_options_destroy(options);
    for (unsigned i = 0; i < HANDLES; i++)
        rocksdb_options_destroy(opening.options[i]);
    if (!good)
        return false;
    if (!store_rocks(store, error, "the store cannot be opened", fault))
        return name_log(store, fault);
    memcpy(store->families, opening.handles, sizeof store->families);
    store->standard = opening.handles[STANDARD_INDEX];
    return true;
}

/* Writes the format's number into a new store; a store of another format is refused. */
static bool format_check(struct store *store, struct fault *fault) {
    char *error = NULL;
    size_t size = 0;
    char *value = rocksdb_get_cf(store->db, store->reading, store->standard, FORMAT_KEY, strlen(FORMAT_KEY),
                                 &size, &error);
    if (!store_rocks(store, error, "the format's number cannot be read", fault))
        return false;
    uint8_t number[4];
    bool known = value != NULL;
    bool same = known && size == sizeof number && bytes_get_u32((const uint8_t *)value) == FORMAT_NUMBER;
    free(value);
    if (known && !same) {
        fault_set(fault, FAULT_CONFLICT, "the store was written by a newer version of this program");
        return fault_place(fault, "%s", store->path);
    }
    if (known || store->read_only)
        return true;
    bytes_put_u32(number, FORMAT_NUMBER);
    rocksdb_put_cf(store->db, store->writing_synced, store->standard, FORMAT_KEY, strlen(FORMAT_KEY),
                   (const char *)number, sizeof number, &error);
    return store_rocks(store, error, "the format's number cannot be written", fault);
}

/* --- Who has it open --- */

static bool owned_by_another(const char *path, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(32);
    uint64_t process;
    struct slice digits = {NULL, 0};
    if (files_read(path, &text, NULL))
        digits = slice_head(buffer_slice(&text), slice_find_byte(buffer_slice(&text), '\n'));
    if (slice_decimal(digits, &process))
        fault_set(fault, FAULT_BUSY,
                  "the collector is running (process %llu): ask it through its socket, or stop it",
                  (unsigned long long)process);
    else
        fault_set(fault, FAULT_BUSY, "the collector is running: ask it through its socket, or stop it");
    return fault_place(fault, "%s", path);
}

/* A reader looks whether somebody writes, and touches nothing: it may be another user's. */
static bool owner_absent(const char *path, struct fault *fault) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return errno == ENOENT || fault_set_system(fault, "%s cannot be opened", path);
    bool taken = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor);
    return !taken || owned_by_another(path, fault);
}

static bool owner_become(struct store *store, const char *path, struct fault *fault) {
    struct fault first = {0};
    if (files_lock(path, &store->owner, &first))
        return true;
    if (first.code == FAULT_BUSY)
        return owned_by_another(path, fault);
    /* On a full disk there may not even be room for the process's number. */
    if (first.code == FAULT_SPACE && files_ballast_release(store->ballast, NULL))
        return files_lock(path, &store->owner, fault);
    if (fault)
        *fault = first;
    return false;
}

/* --- Open and close --- */

static bool place_make(struct store *store, const char *path, const struct store_options *wanted,
                       struct fault *fault) {
    char owner[FILES_PATH_MOST], current[FILES_PATH_MOST];
    if (strlen(path) > FILES_PATH_MOST - 64)
        return fault_set(fault, FAULT_LIMIT, "the path of the store is too long");
    snprintf(store->path, sizeof store->path, "%s", path);
    bool fits = files_path(store->database, path, "rocksdb") && files_path(store->ballast, path, "ballast") &&
                files_path(owner, path, "owner") && files_path(current, path, "rocksdb/CURRENT");
    if (!fits || (!wanted->create && !files_exists(current))) {
        fault_set(fault, FAULT_MISSING, "there is no store here");
        return fault_place(fault, "%s", path);
    }
    if (wanted->read_only)
        return owner_absent(owner, fault);
    return files_make_folder(store->database, 0700, fault) && owner_become(store, owner, fault) &&
           store_ballast_start(store, fault);
}

static uint64_t between(uint64_t value, uint64_t least, uint64_t most) {
    return value < least ? least : value < most ? value : most;
}

/* The floor and the ballast as they are for this disk. Returns whether it is a small one. */
static bool limits_choose(struct store *store, const struct store_options *wanted) {
    struct files_space space;
    if (!files_space(store->path, &space, NULL))
        space.total_bytes = UINT64_MAX;
    uint64_t floor = between(space.total_bytes / 16, STORE_FLOOR_LEAST, STORE_FLOOR_DEFAULT);
    uint64_t ballast = between(space.total_bytes / 64, STORE_BALLAST_LEAST, STORE_BALLAST_DEFAULT);
    store->floor_bytes = wanted->floor_bytes ? wanted->floor_bytes : floor;
    store->ballast_bytes = wanted->ballast_bytes ? wanted->ballast_bytes : ballast;
    return space.total_bytes < SMALL_DISK;
}

static bool open_all(struct store *store, const char *path, const struct store_options *wanted,
                     struct fault *fault) {
    /* The folder must be there before its file system can be asked. */
    if (wanted->create && !wanted->read_only && !files_make_folder(path, 0700, fault))
        return false;
    snprintf(store->path, sizeof store->path, "%s", path);
    bool small = limits_choose(store, wanted);
    return place_make(store, path, wanted, fault) && database_open(store, wanted, small, fault) &&
           format_check(store, fault);
}

struct store *store_open(const char *path, const struct store_options *options, struct fault *fault) {
    const struct store_options none = {0};
    const struct store_options *wanted = options ? options : &none;
    struct store *store = memory_new(sizeof *store);
    store->owner = -1;
    store->read_only = wanted->read_only;
    atomic_flag_clear(&store->committing);
    pthread_mutex_init(&store->failure_lock, NULL);
    store->reading = rocksdb_readoptions_create();
    store->writing = rocksdb_writeoptions_create();
    store->writing_synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->writing_synced, 1);
    store->cache = rocksdb_cache_create_lru(wanted->cache_bytes ? wanted->cache_bytes : STORE_CACHE_DEFAULT);
    if (!open_all(store, path, wanted, fault))
        return store_close(store);
    struct files_space space;
    if (!store->read_only && files_space(store->path, &space, NULL))
        store_ballast_care(store, space.free_bytes);
    return store;
}

static void database_close(struct store *store) {
    if (!store->read_only && store->unsynced) {
        char *error = NULL;
        rocksdb_flush_wal(store->db, 1, &error);
        free(error); /* nobody is left to tell, and nothing of it was promised */
    }
    rocksdb_cancel_all_background_work(store->db, 1);
    for (unsigned i = 0; i < STORE_FAMILIES; i++)
        rocksdb_column_family_handle_destroy(store->families[i]);
    rocksdb_column_family_handle_destroy(store->standard);
    rocksdb_close(store->db);
}

struct store *store_close(struct store *store) {
    if (!store)
        return NULL;
    if (store->db)
        database_close(store);
    rocksdb_readoptions_destroy(store->reading);
    rocksdb_writeoptions_destroy(store->writing);
    rocksdb_writeoptions_destroy(store->writing_synced);
    rocksdb_cache_destroy(store->cache);
    files_unlock(store->owner);
    pthread_mutex_destroy(&store->failure_lock);
    free(store);
    return NULL;
}
