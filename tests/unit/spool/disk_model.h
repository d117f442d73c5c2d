/* A disk in memory that does what real ones do to a spool: it is cut off between any two operations or in
 * the middle of a write, loses what was not synced (sector by sector, names apart from contents), gets
 * full, runs out of inodes, and fails to sync once and calls it synced the second time.
 *
 * One folder; names are the last part of a path. Seeded: the same seed does the same. */
#ifndef TOCSIN_DISK_MODEL_H
#define TOCSIN_DISK_MODEL_H

#include "spool_files.h"

#include <stdbool.h>

struct disk_model {
    uint64_t seed;
    /* Faults. */
    uint64_t bytes_most; /* of all files; UINT64_MAX: no limit */
    size_t files_most;   /* SIZE_MAX: no limit */
    unsigned fail_sync;  /* so many of the next syncs of a file fail */
    bool lied; /* one has failed since the power was cut last */
    bool fail_truncate;
    uint64_t operations;       /* done so far, points included */
    uint64_t dies_at;          /* at this operation; 0: never */
    bool dead;                 /* everything fails and nothing changes any more */
    const char *dies_at_point; /* at the next point of that name */
    /* What is on it. */
    struct disk_inode *inodes[4096];
    size_t inode_count;
    struct disk_name *names, *names_synced;
    size_t name_count, name_synced_count;
    int open[64]; /* descriptor: inode + 1; 1,000,000: the folder */
};

struct disk_model *disk_model_create(uint64_t seed);
struct disk_model *disk_model_destroy(struct disk_model *disk); /* returns NULL */
struct spool_files disk_model_files(struct disk_model *disk);

/* The power comes back: what was not synced is there, torn or gone. */
void disk_model_power_cut(struct disk_model *disk);
/* Only the process died: everything written is there. */
void disk_model_restart(struct disk_model *disk);

uint64_t disk_model_random(struct disk_model *disk, uint64_t below);
/* For damage: the names present, and a file's bytes. */
size_t disk_model_names(const struct disk_model *disk);
const char *disk_model_name(const struct disk_model *disk, size_t place);
uint8_t *disk_model_bytes(struct disk_model *disk, const char *name, size_t *ret_size);
void disk_model_remove(struct disk_model *disk, const char *name);
void disk_model_cut(struct disk_model *disk, const char *name, size_t size);
uint64_t disk_model_used(const struct disk_model *disk);

#endif
