/* The small files of a site that a backup holds: settings, rules and whatever else stands in the site's folder, the
 * collector's keys and what it keeps outside of its store.
 *
 * Left out: the data folder in the site's, folders of backups, logs (*.log), files over BACKUP_FILE_MOST, what is no file or
 * has another name than letters, digits, ".", "-" and "_"; wherever they stand, day keys (they are backed up apart, so that
 * erasing reaches them) and keys of backups; of the collector's folder the store, sockets and locks. People's keys are theirs,
 * and in no backup. */
#ifndef TOCSIN_BACKUP_FILES_H
#define TOCSIN_BACKUP_FILES_H

#include "backup_file.h"

#define BACKUP_FILES_MOST 20000u

/* Either folder may be NULL: then there is none of its kind. */
bool backup_files_put(struct backup_writer *writer, const char *site, const char *data, struct fault *fault);
/* One that was read: below `site` or `data`; FAULT_CONFLICT where there is another file already. */
bool backup_files_restore(const struct backup_record *record, const char *site, const char *data,
                          struct fault *fault);

#endif
