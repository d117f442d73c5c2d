/* Sealed segments on the disk: a file each, in a folder beside RocksDB, and a row in STORE_SEGMENT that says it counts.
 *
 *     key   = u8 class ‖ u64 day ‖ u64 first log index ‖ u64 last log index
 *     value = u64 bytes ‖ u64 events ‖ u64 text ‖ u64 first arrival ‖ u64 last arrival ‖ u64 first time_us ‖ u64 last time_us
 *             ‖ key id[32] ‖ H(the file)
 *     file  = segments/<class name>/<day>/<first>-<last>.segment     (decimal)
 *
 * A row is written in the one commit that deletes the hot rows it replaces, after its file was synced and read back. So a
 * file without a row is left over from a crash and counts for nothing (segment_files_sweep removes it), and an event is in
 * a hot row or in a segment that has a row, never in both.
 *
 * Erasing (class, day): the key is destroyed (day_keys.h), the rows are deleted in a commit, then segment_files_drop removes
 * the files; a crash between leaves files that the next sweep removes. */
#ifndef TOCSIN_SEGMENT_FILES_H
#define TOCSIN_SEGMENT_FILES_H

#include "files.h"
#include "sha256.h"
#include "store.h"

#define SEGMENT_ROW_KEY 25u
#define SEGMENT_ROW_SIZE 120u

struct segment_row {
    uint8_t class;
    uint64_t day;                         /* ctl_seq of the mark that opens it */
    uint64_t first_index, last_index;     /* of the log; batches without events of the class are not in it */
    uint64_t bytes, events, text;         /* of the file; text: bytes of bodies */
    uint64_t first_arrival, last_arrival; /* of the rows that its events came in */
    uint64_t first_time_us, last_time_us; /* of events, the agents' clocks */
    struct hash key_id;
    struct hash file; /* H(the file) */
};

void segment_row_key(uint8_t to[SEGMENT_ROW_KEY], const struct segment_row *row);
void segment_row_value(uint8_t to[SEGMENT_ROW_SIZE], const struct segment_row *row);
bool segment_row_read(struct slice key, struct slice value, struct segment_row *ret_row, struct fault *fault);

/* Rows in the order class, day, log index. class -1: every class; day UINT64_MAX: every day. `snapshot` may be NULL. False
 * from `take` ends it (true is returned then, too). */
typedef bool segment_row_take(void *context, const struct segment_row *row);
bool segment_rows_each(const struct store *store, const struct store_snapshot *snapshot, int class,
                       uint64_t day, segment_row_take *take, void *context, struct fault *fault);

/* `folder` is the store's path: segments/ stands in it. */
bool segment_files_path(char ret_path[FILES_PATH_MOST], const char *folder, const struct segment_row *row);
/* Writes the file, synced, in place of one of that name. */
bool segment_files_write(const char *folder, const struct segment_row *row, struct slice content,
                         struct fault *fault);
/* Removes the file (one that is not there is fine) and the folder of its day if it is empty. After the row is gone. */
bool segment_files_drop(const char *folder, const struct segment_row *row, struct fault *fault);
/* Removes every file that no row names; at the start, before anything is sealed. */
bool segment_files_sweep(const struct store *store, const char *folder, uint64_t *ret_removed,
                         struct fault *fault);

#endif
