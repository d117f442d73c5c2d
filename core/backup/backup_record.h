/* What stands in a backup's chunks: records, one behind the other, whole in their chunk (FORMATS.md, Backups).
 *
 *     record = u8 kind ‖ u8 family ‖ u32 size ‖ key ‖ u32 size ‖ value
 *
 * Puts, deletions and ranges are what was committed to a store, in order; `family` is its number there. In a follow file a
 * commit's changes stand in front of its commit record, and count only with it. Reading borrows. */
#ifndef TOCSIN_BACKUP_RECORD_H
#define TOCSIN_BACKUP_RECORD_H

#include "buffer.h"
#include "fault.h"

#define BACKUP_RECORD_HEAD 10u
#define BACKUP_NAME_MOST 1024u
#define BACKUP_FILE_MOST (4u * 1024 * 1024)

enum backup_record_kind {
    BACKUP_PUT = 1,
    BACKUP_DELETE = 2,
    BACKUP_DELETE_RANGE = 3, /* key: from; value: up to, without it */
    BACKUP_FILE = 4,   /* family: enum backup_folder; key: its name in there; value: u32 mode ‖ content */
    BACKUP_COMMIT = 5, /* key: backup_commit */
    BACKUP_ABOUT = 6,  /* last of a base; key: the origin; value: backup_about */
};

enum backup_folder {
    BACKUP_SITE = 0, /* settings */
    BACKUP_DATA = 1, /* the collector's keys and what it knows outside of its store */
};

struct backup_record {
    enum backup_record_kind kind;
    uint8_t family;
    struct slice key, value;
};

/* key of BACKUP_COMMIT: u64 before ‖ u64 after ‖ u64 time_us. The store's sequence before and after the commit: one that is
 * missing between two shows. */
struct backup_commit {
    uint64_t before, after, time_us;
};
#define BACKUP_COMMIT_SIZE 24u

/* value of BACKUP_ABOUT: u64 log size ‖ u64 bodies_from ‖ u64 sequence */
struct backup_about {
    uint64_t log_size;    /* of the log at its moment: so far the log's files must reach */
    uint64_t bodies_from; /* entries below it have no bodies in it, or in what follows it */
    uint64_t sequence;    /* the store's at its moment: what was followed goes on from there */
};
#define BACKUP_ABOUT_SIZE 24u

bool backup_record_write(struct buffer *to, const struct backup_record *record);
/* The same with a value in parts. */
bool backup_record_write_parts(struct buffer *to, const struct backup_record *record,
                               const struct slice *parts, size_t count);
bool backup_commit_write(struct buffer *to, const struct backup_commit *commit);
bool backup_about_write(struct buffer *to, struct slice origin, const struct backup_about *about);

/* Takes the next record off `rest`. False at its end, and with a fault for bytes that are no record. */
bool backup_record_next(struct slice *rest, struct backup_record *ret_record, struct fault *fault);
bool backup_commit_read(const struct backup_record *record, struct backup_commit *ret_commit,
                        struct fault *fault);
bool backup_about_read(const struct backup_record *record, struct backup_about *ret_about,
                       struct fault *fault);
/* A name below its folder: no leading slash, no "." or ".." on the way, letters, digits, ".", "-", "_" and "/". */
bool backup_file_read(const struct backup_record *record, char ret_name[BACKUP_NAME_MOST], uint32_t *ret_mode,
                      struct slice *ret_content, struct fault *fault);

#endif
