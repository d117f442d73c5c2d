/* What the files of the store share. Within store/ alone. */
#ifndef TOCSIN_STORE_INTERNAL_H
#define TOCSIN_STORE_INTERNAL_H

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>

#include "files.h"
#include "store.h"

struct store_counts {
    _Atomic uint64_t commits, syncs, refusals, committed_bytes;
};

struct store {
    char path[FILES_PATH_MOST];
    char database[FILES_PATH_MOST]; /* path/rocksdb */
    char ballast[FILES_PATH_MOST];
    int owner; /* descriptor of the lock; -1 when read only */
    bool read_only;
    uint64_t floor_bytes, ballast_bytes;

    rocksdb_t *db;
    rocksdb_column_family_handle_t *families[STORE_FAMILIES];
    rocksdb_column_family_handle_t *standard; /* RocksDB's "default": the format's number alone */
    rocksdb_readoptions_t *reading;
    rocksdb_writeoptions_t *writing, *writing_synced;
    rocksdb_cache_t *cache;

    /* Of the committing thread alone. */
    bool unsynced;         /* something is in the log that no sync covers */
    unsigned ballast_wait; /* commits until the ballast is tried again */

    struct store_listener listener; /* `committed` is NULL where nobody listens */

    struct store_counts counts;
    _Atomic bool ballast_made;
    atomic_flag committing;
    pthread_mutex_t failure_lock;
    bool failed; /* the last write was refused by RocksDB, with `failure` */
    struct fault failure;
};

/* Turns RocksDB's error into a fault, frees it, and returns false. Without an error it returns true. `what` begins the
 * sentence ("cannot be opened"). RocksDB leaves the pointer alone on success: it must be NULL before each call. */
bool store_rocks(const struct store *store, char *error, const char *what, struct fault *fault);

/* Free bytes and inodes against what a write of `bytes` needs; `deletions`: nothing but deletions, which may go deeper. */
bool store_room_for(struct store *store, uint64_t bytes, bool deletions, struct fault *fault);

/* At the start, with the lock held: gives the ballast up if there is too little room to recover in. */
bool store_ballast_start(struct store *store, struct fault *fault);
/* Makes the ballast again once there is plenty; never a failure. */
void store_ballast_care(struct store *store, uint64_t free_bytes);

/* RocksDB takes no NULL, not even for nothing. */
static inline const char *store_bytes(struct slice slice) {
    return slice.size ? (const char *)slice.data : "";
}

#endif
