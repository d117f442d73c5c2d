/* The log's part of a folder of backups: files of entries, one behind the other, each written once. */
#ifndef TOCSIN_BACKUP_LOG_H
#define TOCSIN_BACKUP_LOG_H

#include "backup_folder.h"

#define BACKUP_RUNS_MOST 100000u

struct backup_run {
    uint64_t first, end; /* entries from first up to, without, end */
};

/* The files that cover the log from its beginning without a hole, in order; others count for nothing. Only names are looked
 * at. The array is the caller's to free. */
bool backup_log_runs(const char *folder, struct backup_run **ret_runs, size_t *ret_count,
                     struct fault *fault);
bool backup_log_path(char ret_path[FILES_PATH_MOST], const char *folder, const struct backup_run *run);
/* Removes what does not count. */
bool backup_log_sweep(const char *folder, struct fault *fault);
/* One that does not open as it should no longer counts: what it held is written again by the next backup. */
bool backup_log_reject(const char *folder, const struct backup_run *run, struct fault *fault);

#endif
