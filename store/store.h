/* What the collector keeps on its disk: one RocksDB with fixed families of keys, used nowhere else.
 *
 * Layout below the path: rocksdb/ (RocksDB's own files), ballast (see below), owner (the process that has it
 * open).
 *
 * Threads: one thread commits; any number of threads read, with snapshots, cursors and values of their own.
 * What a commit returned true for is what every read started afterwards sees, and, with `sync`, what every
 * later open finds.
 *
 * Ownership: keys and values that go in are copied. A struct store_value and a cursor's key and value are
 * borrowed from the store: release values and destroy cursors and snapshots before store_close.
 *
 * A full disk: RocksDB aborts the process when the disk fills under its write-ahead log, so store_commit
 * looks at the free bytes and inodes first and refuses with FAULT_SPACE, writing nothing, while what would be
 * left is under the floor. Nothing else is needed to go on: the first commit after there is room again
 * succeeds (after up to 5 s where RocksDB's own files, which go below the floor, had met the end of the
 * disk). A batch of deletions alone is taken down to a quarter of the floor: it is what makes room. If the
 * process died all the same, store_open releases the ballast, a file kept for nothing else, so that recovery
 * has room to write; it is made again by a later commit that finds plenty.
 *
 * Errors: FAULT_SPACE (above), FAULT_FORMAT (damage: the place names the file), FAULT_BUSY (another process
 * has it), FAULT_MISSING (no such key, no such store), FAULT_LIMIT (a key, value or batch too large),
 * FAULT_IO (anything else the system said; if store_error says so too, writing has stopped until the process
 * starts again). */
#ifndef TOCSIN_STORE_H
#define TOCSIN_STORE_H

#include "buffer.h"
#include "fault.h"
#include "store_family.h"

#define STORE_KEY_MOST 1024u                 /* bytes */
#define STORE_VALUE_MOST (16u * 1024 * 1024) /* bytes */
#define STORE_BATCH_MOST (64u * 1024 * 1024) /* bytes of keys and values in one commit */
#define STORE_PARTS_MOST 8u                  /* pieces of one value */

/* Where nothing else is wanted: a sixteenth and a sixty-fourth of the file system, within these. */
#define STORE_FLOOR_LEAST (16ull * 1024 * 1024)
#define STORE_FLOOR_DEFAULT (512ull * 1024 * 1024)
#define STORE_BALLAST_LEAST (12ull * 1024 * 1024)
#define STORE_BALLAST_DEFAULT (64ull * 1024 * 1024)
#define STORE_CACHE_DEFAULT (16ull * 1024 * 1024)
#define STORE_INODES_FLOOR 64u

struct store_options {
    bool create;    /* make it if it is not there; otherwise FAULT_MISSING */
    bool read_only; /* what was committed before the open; no file is touched; refused while another process
                       writes */
    /* Takes what can be read of a damaged write-ahead log and drops the rest. What is dropped was
     * acknowledged: for a person's decision only, after the open without it named the damage. */
    bool salvage;
    uint64_t floor_bytes;   /* free bytes under which nothing is taken; 0: the default */
    uint64_t ballast_bytes; /* 0: the default */
    uint64_t cache_bytes;   /* of blocks read; 0: the default */
};

struct store;

/* NULL options are all zero. NULL and a fault on failure. */
struct store *store_open(const char *path, const struct store_options *options, struct fault *fault);
struct store *store_close(struct store *store); /* flushes nothing it need not; NULL is fine; returns NULL */

/* --- Writing
 * ------------------------------------------------------------------------------------------------------- A
 * batch is atomic. Its errors are sticky (too large, too many parts) and come up at the commit. It belongs to
 * the store it was created for, is reused after store_batch_clear, and is left as it was by store_commit. */
struct store_batch;

struct store_batch *store_batch_create(struct store *store);
struct store_batch *store_batch_destroy(struct store_batch *batch); /* returns NULL */
void store_batch_clear(struct store_batch *batch);

void store_batch_put(struct store_batch *batch, enum store_family family, struct slice key,
                     struct slice value);
/* The value is the pieces one behind the other. */
void store_batch_put_parts(struct store_batch *batch, enum store_family family, struct slice key,
                           const struct slice *parts, size_t count);
void store_batch_delete(struct store_batch *batch, enum store_family family, struct slice key);
/* Every key from `from` up to, without, `to`. */
void store_batch_delete_range(struct store_batch *batch, enum store_family family, struct slice from,
                              struct slice to);

size_t store_batch_size(const struct store_batch *batch);  /* bytes it will add to the log */
size_t store_batch_count(const struct store_batch *batch); /* changes in it */

/* With `sync` it is on the disk when this returns true. An empty batch is committed as well (and synced: what
 * earlier commits without `sync` wrote is then on the disk too). One thread at a time. */
bool store_commit(struct store *store, const struct store_batch *batch, bool sync, struct fault *fault);

/* --- Listening
 * Every commit as it was made, for whoever keeps a copy beside it: its changes as records one behind the other
 * (backup_record.h), and the store's sequence behind it. Called in the committing thread once the commit has succeeded: it
 * queues, it does not do. */
struct store_listener {
    void *context;
    /* `records` has no data where they were too many to be told of: the copy has a hole. */
    void (*committed)(void *context, struct slice records, uint64_t sequence);
};

/* Before the first batch is filled; copied. */
void store_listen(struct store *store, const struct store_listener *listener);
/* Goes up with every change, over restarts too: two moments with the same one have the same content. */
uint64_t store_sequence(const struct store *store);

/* --- Reading one key
 * ------------------------------------------------------------------------------------------------ A key that
 * is not there is FAULT_MISSING. */
struct store_value {
    struct slice slice;
    void *pin; /* the store's own */
};

bool store_get(const struct store *store, enum store_family family, struct slice key,
               struct store_value *ret_value, struct fault *fault);
void store_value_release(struct store_value *value); /* leaves it empty; an empty one is fine */
#define CLEANUP_STORE_VALUE __attribute__((cleanup(store_value_release)))

/* Appends the value to `to`, for those who keep it. */
bool store_get_copy(const struct store *store, enum store_family family, struct slice key, struct buffer *to,
                    struct fault *fault);
/* Copies a value of exactly `size` bytes; another size is FAULT_FORMAT. */
bool store_get_fixed(const struct store *store, enum store_family family, struct slice key, void *ret_value,
                     size_t size, struct fault *fault);

/* --- Reading many
 * --------------------------------------------------------------------------------------------------- A
 * snapshot is one moment over all families. A cursor without one has the moment of its creation. Both hold
 * old data back from being freed: keep them for a query, not for a day. */
struct store_snapshot;

struct store_snapshot *store_snapshot_create(const struct store *store);
struct store_snapshot *store_snapshot_destroy(struct store_snapshot *snapshot); /* returns NULL */

/* A cursor stands on a key of its family that begins with its prefix, or on none. Moves return whether it
 * stands on one; moving off either end, or on from nowhere, gives false. After the loop store_cursor_good
 * tells an end from an error:
 *
 *     for (bool on = store_cursor_first(c); on; on = store_cursor_next(c))
 *         …
 *     if (!store_cursor_good(c, fault)) …
 */
struct store_cursor;

struct store_cursor *store_cursor_create(const struct store *store, enum store_family family,
                                         const struct store_snapshot *snapshot, struct slice prefix);
struct store_cursor *store_cursor_destroy(struct store_cursor *cursor); /* returns NULL */

bool store_cursor_first(struct store_cursor *cursor);
bool store_cursor_last(struct store_cursor *cursor);
bool store_cursor_at_or_after(struct store_cursor *cursor, struct slice key);
bool store_cursor_at_or_before(struct store_cursor *cursor, struct slice key);
bool store_cursor_next(struct store_cursor *cursor);
bool store_cursor_previous(struct store_cursor *cursor);

struct slice
store_cursor_key(const struct store_cursor *cursor); /* whole, with the prefix; until the next move */
struct slice store_cursor_value(const struct store_cursor *cursor); /* until the next move */
bool store_cursor_good(const struct store_cursor *cursor, struct fault *fault);

/* --- Care
 * -----------------------------------------------------------------------------------------------------------*/

struct store_room {
    uint64_t total_bytes;
    uint64_t free_bytes;  /* for this process, the ballast not counted */
    uint64_t floor_bytes; /* as it stands for this file system */
    uint64_t free_inodes; /* UINT64_MAX where the file system does not count them */
    bool enough;          /* a small commit would be taken */
};

bool store_room(const struct store *store, struct store_room *ret_room, struct fault *fault);

/* Forgets every key from `from` up to, without, `to`, whole files first, which costs nothing and frees them
 * as soon as no flush or compaction under way holds them (on a full disk: seconds); snapshots and cursors that look into the range lose it too. Bytes of keys that share a file with
 * others go at the next compaction of that file; `exact` compacts the range now. The committing thread's. */
bool store_drop_range(struct store *store, enum store_family family, struct slice from, struct slice to,
                      bool exact, struct fault *fault);

/* Writes the files of the range anew, without what was deleted: gives its room back now. Any thread; may take a while. */
bool store_compact(struct store *store, enum store_family family, struct slice from, struct slice to,
                   struct fault *fault);

/* Writes what is in memory out to files. */
bool store_flush(struct store *store, struct fault *fault);

/* Damage found by a scrub: somewhere in `after` … `until` (either may be empty: from the start, to the end of
 * it). */
struct store_damage {
    enum store_family family;
    struct slice after; /* the last key that was read well */
    struct slice until; /* the largest key that the damaged file holds */
    const char *text;   /* the file, the offset and what is wrong with it */
};

struct store_scrub_report {
    void *context;
    void (*damage)(void *context, const struct store_damage *damage);
    /* Called every STORE_SCRUB_STEP bytes or so; may wait, to pace it; false stops the scrub. May be NULL. */
    bool (*step)(void *context, enum store_family family, uint64_t bytes_so_far);
};
#define STORE_SCRUB_STEP (4u * 1024 * 1024)

/* Reads everything on the disk and checks it against its checksums, leaving the cache as it is (a block that
 * stands in it is not read again). The write-ahead log is checked by every open. Returns true when it came to the
 * end, damage or none; the count tells. Any thread. */
bool store_scrub(const struct store *store, const struct store_scrub_report *report, uint64_t *ret_damages,
                 struct fault *fault);

/* False, with the fault, once a write in the background failed and RocksDB takes no more commits. A full disk
 * passes by itself; for anything else the process must start again. */
bool store_error(const struct store *store, struct fault *fault);

struct store_statistics {
    struct store_room room;
    uint64_t ballast_bytes;                             /* as it stands: 0 while it is released */
    uint64_t commits, syncs, refusals, committed_bytes; /* since the open; any thread may look */
    uint64_t file_bytes, memory_bytes, cache_bytes;
    uint64_t pending_compaction_bytes, running_compactions, running_flushes, background_errors;
    bool stopped; /* writes wait for compactions */
    struct {
        uint64_t keys; /* an estimate */
        uint64_t file_bytes;
    } families[STORE_FAMILIES];
};

void store_statistics(const struct store *store, struct store_statistics *ret_statistics);

#endif
