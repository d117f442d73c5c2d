/* Backups: where they go, their key, the copy of the day keys, and the checkpoints that wait for them. */
#include <stdio.h>

#include "clock.h"
#include "collector.h"
#include "log.h"
#include "site.h"
#include "statement.h"

#define KEY_NAME "backup.key"
#define DAY_KEYS_NAME "day.keys"
#define DAY_KEYS_LEAST 56u /* bytes of a file without any key (day_keys.h) */

bool collector_has_backup(const struct collector *collector) {
    return collector->settings->backup.folder != NULL;
}

bool collector_start_backup(struct collector *collector, struct fault *fault) {
    char key[FILES_PATH_MOST], own[FILES_PATH_MOST];
    if (!collector_has_backup(collector))
        return true;
    struct backup_service_settings settings = {.store = collector->store,
                                               .folder = collector->settings->backup.folder,
                                               .key = key,
                                               .site_folder = collector->site,
                                               .data_folder = collector->data,
                                               .every_us = collector->settings->backup.every_us};
    site_path(own, collector->data, SITE_COLLECTOR_FOLDER);
    if (!(collector->settings->backup.key ? site_below(key, collector->site, collector->settings->backup.key)
                                          : files_path(key, own, KEY_NAME)) ||
        !site_below(settings.site.day_keys, collector->site, collector->settings->backup.keys))
        return fault_set(fault, FAULT_LIMIT, "the paths of the backup are too long");
    snprintf(settings.site.origin, sizeof settings.site.origin, "%s", collector->origin);
    settings.site.log =
        statement_log(slice_string(collector->origin), signing_key_public(collector->log_key));
    if (!files_exists(key))
        log_notice("backups are encrypted under a key made now, %s: keep a copy of it elsewhere", key);
    collector->backup = backup_service_start(&settings, fault);
    return collector->backup != NULL;
}

/* Sealing waits while the copy cannot be written. But a copy with keys in it is never replaced by an empty one: a site that
 * was restored without its day keys would lose them for good. */
bool collector_mirror_day_keys(struct collector *collector, struct fault *fault) {
    const char *folder = collector->settings->backup.keys;
    char own[FILES_PATH_MOST], theirs[FILES_PATH_MOST], data[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer copy = BUFFER(64u * 1024 * 1024);
    struct fault failed = {0};
    if (!collector_has_backup(collector))
        return true;
    site_path(data, collector->data, SITE_COLLECTOR_FOLDER);
    if (!files_path(own, data, DAY_KEYS_NAME) || !files_path(theirs, folder, DAY_KEYS_NAME))
        return fault_set(fault, FAULT_LIMIT, "%s: the path is too long", folder);
    if (!files_exists(own) && files_read(theirs, &copy, NULL) && copy.size >= DAY_KEYS_LEAST)
        return fault_set(
            fault, FAULT_CONFLICT,
            "%s holds day keys and this site has none: bring them back (copy it to %s), or name another "
            "folder as backup.keys",
            theirs, own);
    if (!files_make_folder(folder, 0700, &failed) || !day_keys_mirror(collector->day_keys, folder, &failed))
        log_fault(LOG_LEVEL_WARNING, &failed,
                  "the copy of the day keys; nothing is sealed until it can be written");
    return true;
}

void collector_gate_checkpoints(struct collector *collector, struct checkpoint_publisher *publisher) {
    if (!collector->backup)
        return;
    collector->backup_gate =
        backup_gate_create(collector->loop, backup_service_follower(collector->backup), publisher);
    *publisher = backup_gate_publisher(collector->backup_gate);
}

bool collector_run_backup(struct collector *collector, struct fault *fault) {
    if (!collector->backup)
        return true;
    backup_gate_maker(collector->backup_gate, collector->checkpoints);
    return backup_service_run(collector->backup, collector->committer, fault);
}

void collector_stop_backup(struct collector *collector) {
    collector->backup_gate = backup_gate_destroy(collector->backup_gate);
    collector->backup = backup_service_stop(collector->backup);
}

bool collector_backup_now(void *context, struct fault *fault) {
    struct collector *collector = context;
    return collector->backup
               ? backup_service_now(collector->backup, fault)
               : fault_set(fault, FAULT_USAGE,
                           "no folder of backups is set: `tocsin backup DIR`, or backup.folder and "
                           "backup.keys in collector.yaml");
}
