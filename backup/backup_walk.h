/* The rows of a store that belong into a backup, at one moment: all but what stands in FOLDER/log already and what can be
 * made again from it (tiles, places of batches and control entries).
 *
 * The first row is the mark LOG_SIZE_MARK; then entries and class lists from `log_first` on, checkpoints from a thousand
 * before it on (cosignatures come later than the note), then the rest. */
#ifndef TOCSIN_BACKUP_WALK_H
#define TOCSIN_BACKUP_WALK_H

#include "store.h"

#define BACKUP_CHECKPOINTS_AGAIN 1000u

/* False ends the walk, with the fault that it set. */
typedef bool backup_walk_take(void *context, enum store_family family, struct slice key, struct slice value,
                              struct fault *fault);

bool backup_walk(const struct store *store, const struct store_snapshot *snapshot, uint64_t log_first,
                 backup_walk_take *take, void *context, struct fault *fault);
/* Whether rows of the family are made again from the log's entries. */
bool backup_walk_derived(enum store_family family);

#endif
