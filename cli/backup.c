/* tocsin backup: the collector's own now, or one into a folder, while it runs or at rest. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup_base.h"
#include "backup_key.h"
#include "bytes.h"
#include "clock.h"
#include "collector_settings.h"
#include "command.h"
#include "counted.h"
#include "ed25519.h"
#include "key_file.h"
#include "log_reader.h"
#include "memory.h"
#include "progress.h"
#include "reader.h"
#include "settings_file.h"
#include "site.h"
#include "site_store.h"
#include "statement.h"

#define KEY_NAME "backup.key"
#define KEYS_MOST (64u * 1024 * 1024)

struct backup_options {
    const char *folder, *key, *day_keys;
};

static bool parse(int argc, char **argv, struct backup_options *ret_options) {
    struct backup_options options = {0};
    for (int i = 1; i < argc; i++) {
        const char **to = strcmp(argv[i], "--key") == 0        ? &options.key
                          : strcmp(argv[i], "--day-keys") == 0 ? &options.day_keys
                                                               : NULL;
        if (to && ++i < argc)
            *to = argv[i];
        else if (!to && argv[i][0] != '-' && !options.folder)
            options.folder = argv[i];
        else
            return false;
    }
    *ret_options = options;
    return options.folder || (!options.key && !options.day_keys);
}

/* ---- the collector's own */

static bool ask_for_one(const struct command_context *context, struct fault *fault) {
    Tocsin__BackupQuery query = TOCSIN__BACKUP_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    struct frame frame;
    uint64_t count;
    request.of_case = TOCSIN__REQUEST__OF_BACKUP;
    request.backup = &query;
    struct reader *reader = reader_open(context, &request, fault);
    if (reader)
        reader_wait_for(reader, "the collector's backup", 0);
    while (reader && reader_next(reader, &frame, &count, fault))
        ;
    if (reader && fault->code)
        fault->code = FAULT_IO; /* the collector could not */
    reader_close(reader);
    return fault->code == FAULT_NONE;
}

/* ---- one into a folder */

struct taking {
    struct backup_making *making;
    struct progress progress;
    uint64_t rows;
    struct fault fault; /* of the first row that was not taken */
};

static bool take(void *context, enum store_family family, struct slice key, struct slice value, struct fault *fault) {
    struct taking *taking = context;
    progress_at(&taking->progress, ++taking->rows, 0);
    return backup_making_take(taking->making, family, key, value, fault);
}

static void take_row(void *context, const Tocsin__StoreRow *row) {
    struct taking *taking = context;
    if (taking->fault.code == FAULT_NONE && row->family >= STORE_FAMILIES)
        fault_set(&taking->fault, FAULT_IO, "the collector sent a row of no known family");
    if (taking->fault.code == FAULT_NONE)
        take(taking, (enum store_family)row->family, slice_make(row->key.data, row->key.len),
             slice_make(row->value.data, row->value.len), &taking->fault);
}

static bool read_live(const struct command_context *context, struct taking *taking, struct fault *fault) {
    Tocsin__BackupQuery query = TOCSIN__BACKUP_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.rows = true;
    query.log_first = backup_making_log_first(taking->making);
    request.of_case = TOCSIN__REQUEST__OF_BACKUP;
    request.backup = &query;
    struct reader *reader = reader_open(context, &request, fault);
    bool good = reader && reader_rows(reader, take_row, taking, fault);
    reader_close(reader);
    if (good && taking->fault.code)
        *fault = taking->fault;
    return good && !taking->fault.code;
}

static bool read_at_rest(const struct command_context *context, struct taking *taking, struct fault *fault) {
    struct site_store store = {.store = NULL};
    if (!site_store_open(context, &store, fault))
        return false;
    struct store_snapshot *snapshot = store_snapshot_create(store.store);
    bool good = backup_walk(store.store, snapshot, backup_making_log_first(taking->making), take, taking, fault);
    store_snapshot_destroy(snapshot);
    site_store_close(&store);
    return good;
}

static bool read_rows(const struct command_context *context, struct backup_making *making, struct fault *fault) {
    struct taking taking = {.making = making, .progress = progress_begin("rows copied")};
    bool good = read_live(context, &taking, fault);
    if (!good && fault->code == FAULT_MISSING) {
        *fault = (struct fault){0};
        good = read_at_rest(context, &taking, fault);
    }
    progress_end(&taking.progress);
    return good;
}

static bool whose(const char *data, struct backup_site *ret_site, struct fault *fault) {
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer origin = BUFFER(sizeof ret_site->origin - 1);
    if (!site_path(path, data, SITE_COLLECTOR_ORIGIN) || !files_read_secret(path, &origin, fault) ||
        !site_path(path, data, SITE_COLLECTOR_LOG_KEY))
        return false;
    struct signing_key *key = key_file_open(path, false, fault);
    if (!key)
        return false;
    snprintf(ret_site->origin, sizeof ret_site->origin, "%s", buffer_string(&origin));
    ret_site->log = statement_log(buffer_slice(&origin), signing_key_public(key));
    signing_key_destroy(key);
    return true;
}

/* --key, else the setting's, else the collector's own; made where there is none. */
static bool open_key(const struct command_context *context, const struct backup_options *options,
                     const char *data, char ret_path[FILES_PATH_MOST], uint8_t ret_key[BACKUP_KEY_SIZE],
                     struct fault *fault) {
    char folder[FILES_PATH_MOST], *path = ret_path;
    struct collector_settings settings;
    if (options->key) {
        snprintf(path, FILES_PATH_MOST, "%s", options->key);
        return backup_key_open(options->key, false, ret_key, fault);
    }
    if (!settings_file_read(collector_settings_table(), context->site, "collector", &settings, fault))
        return false;
    const char *named = settings.backup.key;
    site_path(folder, data, SITE_COLLECTOR_FOLDER);
    bool good = named ? site_below(path, context->site, named) : files_path(path, folder, KEY_NAME);
    settings_release(collector_settings_table(), &settings);
    bool fresh = good && !files_exists(path);
    good = good ? backup_key_open(path, true, ret_key, fault)
                : fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (good && fresh)
        fprintf(stderr,
                "tocsin backup: a key was made: %s. Keep a copy of it elsewhere: nothing opens without it.\n",
                path);
    return good;
}

static bool copy_day_keys(const char *data, const char *folder, struct fault *fault) {
    char from[FILES_PATH_MOST], to[FILES_PATH_MOST], own[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer keys = BUFFER(KEYS_MOST);
    struct fault local = {0};
    site_path(own, data, SITE_COLLECTOR_FOLDER);
    if (!files_path(from, own, "day.keys") || !files_path(to, folder, "day.keys"))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    if (!files_read(from, &keys, &local)) {
        if (local.code == FAULT_MISSING)
            return true; /* nothing was sealed yet */
        *fault = local;
        return false;
    }
    return files_make_folder(folder, 0700, fault) && files_write_secret(to, buffer_slice(&keys), fault);
}

static bool make(const struct command_context *context, const struct backup_options *options,
                 const char *data, struct backup_made *ret_made, struct fault *fault) {
    char store_folder[FILES_PATH_MOST], key_path[FILES_PATH_MOST];
    uint8_t key[BACKUP_KEY_SIZE];
    struct backup_site site = {0};
    struct backup_making_settings settings = {.folder = options->folder,
                                              .key = key,
                                              .site = &site,
                                              .site_folder = context->site,
                                              .data_folder = data,
                                              .now_us = clock_wall_us()};
    int lock = -1;
    site_path(store_folder, data, SITE_COLLECTOR_STORE);
    if (!whose(data, &site, fault) || !open_key(context, options, data, key_path, key, fault))
        return false;
    site.key_id = backup_key_id(key);
    if (!realpath(key_path, site.key_path))
        site.key_path[0] = '\0';
    if (options->day_keys &&
        (!files_make_folder(options->day_keys, 0700, fault) || !realpath(options->day_keys, site.day_keys)))
        return false;
    if (!backup_folder_take(options->folder, &site, fault) ||
        !backup_folder_lock(options->folder, &lock, fault))
        return false;
    /* Before the rows: what is sealed in them was sealed under keys that are in the copy. */
    struct backup_making *making = backup_making_begin(&settings, fault);
    bool good = making && read_rows(context, making, fault);
    good = good && (!options->day_keys || copy_day_keys(data, options->day_keys, fault)) &&
           backup_making_finish(making, store_folder, ret_made, fault) && backup_making_name(making, fault);
    backup_making_destroy(making);
    memory_wipe(key, sizeof key);
    files_unlock(lock);
    return good;
}

static void print_made(const struct command_context *context, const struct backup_options *options,
                       const struct backup_made *made) {
    if (context->json) {
        printf("{\"kind\":\"backup\",\"set\":\"%s\",\"rows\":%" PRIu64 ",\"bytes\":%" PRIu64
               ",\"log_size\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"copied\":%" PRIu64 "}\n",
               made->set, made->rows, made->bytes, made->log_size, made->segments, made->copied);
        return;
    }
    printf("Good: %s was made and read back: %s in %" PRIu64 " KiB, log up to entry %" PRIu64 ", %s (%" PRIu64
           " copied now)\n",
           made->set, COUNTED(made->rows, "row"), made->bytes >> 10, made->log_size, COUNTED(made->segments, "segment"),
           made->copied);
    if (made->segments && !options->day_keys)
        puts("The keys of sealed days are not in it: --day-keys DIR copies them, to a place of their own.");
}

int command_backup(const struct command_context *context, int argc, char **argv) {
    struct backup_options options;
    struct fault fault = {0};
    char data[FILES_PATH_MOST];
    struct backup_made made;
    if (!parse(argc, argv, &options))
        return command_usage("backup",
                             "a folder, and --key FILE or --day-keys DIR with it, are all it takes");
    if (!options.folder) {
        if (!ask_for_one(context, &fault))
            return command_fail("backup", &fault);
        puts(context->json ? "{\"kind\":\"backup\"}"
                           : "Good: a backup was made and read back; see `tocsin status`");
        return EXIT_GOOD;
    }
    if (!command_data(context, data, &fault) || !make(context, &options, data, &made, &fault))
        return command_fail("backup", &fault);
    print_made(context, &options, &made);
    return EXIT_GOOD;
}
