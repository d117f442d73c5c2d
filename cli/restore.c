/* tocsin restore: a site again from a folder of backups. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup_key.h"
#include "backup_restore.h"
#include "calendar.h"
#include "command.h"
#include "memory.h"
#include "record_json.h"
#include "site.h"

#define DATA_DEFAULT "data"
#define KEY_NAME "backup.key"

struct restore_options {
    const char *folder, *key, *day_keys, *set, *missing_from;
    bool list;
};

static bool parse(int argc, char **argv, struct restore_options *ret_options) {
    struct restore_options options = {0};
    for (int i = 1; i < argc; i++) {
        const char **to = strcmp(argv[i], "--key") == 0        ? &options.key
                          : strcmp(argv[i], "--day-keys") == 0 ? &options.day_keys
                          : strcmp(argv[i], "--set") == 0      ? &options.set
                          : strcmp(argv[i], "--missing-from") == 0 ? &options.missing_from
                                                               : NULL;
        if (strcmp(argv[i], "--list") == 0)
            options.list = true;
        else if (to && ++i < argc)
            *to = argv[i];
        else if (!to && argv[i][0] != '-' && !options.folder)
            options.folder = argv[i];
        else
            return false;
    }
    *ret_options = options;
    return options.folder != NULL;
}

static int list(const struct command_context *context, const char *folder) {
    struct backup_site site;
    struct fault fault = {0};
    size_t count = 0;
    char(*sets)[BACKUP_SET_NAME] = memory_new_array(BACKUP_SETS_MOST, sizeof *sets);
    bool good = backup_folder_site(folder, &site, &fault) &&
                backup_folder_sets(folder, sets, BACKUP_SETS_MOST, &count, &fault);
    if (good && !context->json)
        printf("Backups of %s, the newest last:\n", site.origin);
    for (size_t i = 0; good && i < count; i++)
        printf(context->json ? "{\"set\":\"%s\"}\n" : "  %s\n", sets[i]);
    free(sets);
    return good ? EXIT_GOOD : command_fail("restore", &fault);
}

static void say_missing(void *context, const char *what) {
    const struct command_context *command = context;
    CLEANUP_BUFFER struct buffer line = BUFFER(8192);
    if (command->json) {
        buffer_append_string(&line, "{\"kind\":\"missing\",\"what\":");
        record_json_string(&line, slice_string(what));
        buffer_append_string(&line, "}");
    } else
        buffer_printf(&line, "MISSING  %s", what);
    puts(buffer_string(&line));
}

static void print_restored(const struct command_context *context, const char *data,
                           const struct backup_restored *restored) {
    char until[CALENDAR_TEXT_SIZE];
    calendar_text(restored->until_us, until);
    if (context->json) {
        CLEANUP_BUFFER struct buffer line = BUFFER(8192);
        buffer_printf(&line,
                      "{\"kind\":\"restored\",\"set\":\"%s\",\"until\":\"%s\",\"rows\":%" PRIu64
                      ",\"commits\":%" PRIu64 ",\"log_size\":%" PRIu64 ",\"checkpoint\":%" PRIu64
                      ",\"segments\":%" PRIu64 ",\"segments_missing\":%" PRIu64 ",\"cut\":",
                      restored->set, until, restored->rows, restored->commits, restored->log_size,
                      restored->checkpoint_size, restored->segments, restored->segments_missing);
        record_json_string(&line, slice_string(restored->cut));
        buffer_append_string(&line, "}");
        puts(buffer_string(&line));
        return;
    }
    printf("Good: %s is restored as it was at %s: %" PRIu64
           " log entries, the newest checkpoint over %" PRIu64 ", %" PRIu64 " of %" PRIu64 " segments\n",
           restored->site.origin, until, restored->log_size, restored->checkpoint_size,
           restored->segments - restored->segments_missing, restored->segments);
    if (*restored->cut)
        printf("What was followed ends in the middle, as it does when a machine stops: %s\n", restored->cut);
    printf("Next: see that %s belongs to the collector's user, then start it. It compares its log with what "
           "its\n"
           "witnesses and agents have seen, and says so if something newer is missing; agents send again "
           "what they hold.\n",
           data);
}

/* Settings that were restored may name a folder of the old machine. */
static void tell_of_data(const struct command_context *context, const char *data) {
    char named[FILES_PATH_MOST];
    struct fault fault = {0};
    if (!command_data(context, named, &fault) || strcmp(named, data) == 0)
        return;
    fprintf(stderr,
            "tocsin restore: the restored settings have their data in %s, not in %s: change `data` in "
            "collector.yaml, or use --data\n",
            named, data);
}

/* --key, else the one that the site has already, else the one that was used, where it still is. */
static bool find_key(const struct restore_options *options, const char *data, const struct backup_site *site,
                     uint8_t ret_key[BACKUP_KEY_SIZE], struct fault *fault) {
    char folder[FILES_PATH_MOST], own[FILES_PATH_MOST];
    if (options->key)
        return backup_key_open(options->key, false, ret_key, fault);
    if (site_path(folder, data, SITE_COLLECTOR_FOLDER) && files_path(own, folder, KEY_NAME) &&
        files_exists(own))
        return backup_key_open(own, false, ret_key, fault);
    if (*site->key_path && files_exists(site->key_path))
        return backup_key_open(site->key_path, false, ret_key, fault);
    return fault_set(fault, FAULT_MISSING, "the key of these backups is needed: --key FILE%s%s%s",
                     *site->key_path ? " (it was " : "", site->key_path, *site->key_path ? ")" : "");
}

/* --day-keys, else the copy that is kept, where it still is. */
static const char *find_day_keys(const struct restore_options *options, const struct backup_site *site) {
    char path[FILES_PATH_MOST];
    bool there = *site->day_keys && files_path(path, site->day_keys, "day.keys") && files_exists(path);
    return options->day_keys ? options->day_keys : there ? site->day_keys : NULL;
}

int command_restore(const struct command_context *context, int argc, char **argv) {
    struct restore_options options;
    struct fault fault = {0};
    char data[FILES_PATH_MOST];
    uint8_t key[BACKUP_KEY_SIZE];
    struct backup_restored restored;
    struct backup_site site;
    if (!parse(argc, argv, &options))
        return command_usage("restore", "a folder of backups is needed");
    if (options.list)
        return list(context, options.folder);
    bool good = context->data ? snprintf(data, sizeof data, "%s", context->data) < (int)sizeof data
                              : files_path(data, context->site, DATA_DEFAULT);
    if (!good)
        return command_usage("restore", "the path is too long");
    if (!backup_folder_site(options.folder, &site, &fault) || !find_key(&options, data, &site, key, &fault))
        return command_fail("restore", &fault);
    struct backup_restore_settings settings = {.folder = options.folder,
                                               .key = key,
                                               .set = options.set,
                                               .missing_from = options.missing_from,
                                               .day_keys = find_day_keys(&options, &site),
                                               .site = context->site,
                                               .data = data,
                                               .context = (void *)(uintptr_t)context,
                                               .missing = say_missing};
    good = backup_restore(&settings, &restored, &fault);
    memory_wipe(key, sizeof key);
    if (!good && fault.code == FAULT_FORMAT)
        fault.code = FAULT_IO; /* the backup's mistake, not the caller's */
    if (!good)
        return command_fail("restore", &fault);
    print_restored(context, data, &restored);
    tell_of_data(context, data);
    return restored.segments_missing ? EXIT_FINDING : EXIT_GOOD;
}
