/* What spool_folder*.c share, and nobody else. */
#ifndef TOCSIN_SPOOL_FOLDER_INSIDE_H
#define TOCSIN_SPOOL_FOLDER_INSIDE_H

#include "spool_cache.h"
#include "spool_folder.h"

#define SPOOL_NAME_SIZE 48u /* "0123456789abcdef-0123456789abcdef.spool" */
#define SPOOL_PATH_SIZE (SPOOL_FOLDER_PATH_MOST + SPOOL_NAME_SIZE)

struct spool_folder {
    struct spool_files files;
    struct spool_folder_settings settings;
    char *path;
    int folder; /* open, for syncing names */
    int file;   /* of the last segment, while it takes records; -1: the next append begins a new one */
    struct spool_segment *segments;
    size_t count, room;
    uint64_t last_number; /* of any segment that was ever begun */
    uint64_t bytes;       /* of all segments */
    struct spool_state state;
    bool stale_marks; /* at the start: segments were released, and the marks on disk are from before */
    bool marks_dirty; /* marks or oldest have changed since they were last written */
    bool seen_dirty[SPOOL_COLLECTORS_MOST]; /* so has its checkpoint */
    bool known_dirty[SPOOL_COLLECTORS_MOST]; /* it came or went */
    struct spool_cache cache;
    struct buffer snapshot; /* a new segment's first record */
    struct buffer
        closes; /* CLOSE items of the newest segment: they stand again in the next one's first record */
    uint64_t closes_next[LANES]; /* the next batch that is not in there */
    struct spool_segment_id
        tombstone; /* of a released segment, until the marks are written; number 0 for none */
    struct spool_damage damage;
    uint64_t syncs, given_up;
};

void spool_folder_path(const struct spool_folder *folder, struct spool_segment_id id, const char *suffix,
                       char ret_path[SPOOL_PATH_SIZE]);
void spool_folder_remove(const struct spool_folder *folder, struct spool_segment_id id, const char *suffix);
void spool_folder_point(const struct spool_folder *folder, const char *name);
/* All of it, or errno. */
bool spool_folder_write(const struct spool_folder *folder, int file, struct slice bytes, uint64_t offset);
/* Reads up to `size` bytes; -1 and errno on failure, less than `size` at the file's end. */
ssize_t spool_folder_read(const struct spool_folder *folder, int file, void *to, size_t size,
                          uint64_t offset);
bool spool_folder_sync(struct spool_folder *folder, int file);
/* Remembers the closing entries of the newest segment: should it be lost, the chain goes on. */
void spool_folder_keep_closes(struct spool_folder *folder, struct slice items);
/* The oldest segments and their files go. */
void spool_folder_forget(struct spool_folder *folder, size_t count);
void spool_folder_remove_tombstone(struct spool_folder *folder);
/* Names what a record's items add to a segment. */
void spool_segment_index(struct spool_segment *segment, struct slice items);
bool spool_folder_recover(struct spool_folder *folder, spool_folder_finding *finding, void *context,
                          struct fault *fault);

/* A file's bytes in pages of their own, given back to the system at once (a heap would keep megabytes
 * resident). */
struct spool_pages {
    uint8_t *data;
    size_t size, mapped;
};
bool spool_pages_read(const struct spool_folder *folder, int file, struct spool_pages *ret_pages);
void spool_pages_free(struct spool_pages *pages);

#endif
