/* A file of a backup on the disk (backup_crypt.h): records put into it, and read out of it again.
 *
 * Owner: whoever created it; one thread at a time. Everything blocks. Faults' place is the path. FAULT_SPACE when the disk
 * of the backup is full: the file is then good up to its last sync, and takes no more. */
#ifndef TOCSIN_BACKUP_FILE_H
#define TOCSIN_BACKUP_FILE_H

#include "backup_crypt.h"
#include "backup_record.h"
#include "files.h"

struct backup_writer;

/* A new file (one of that name is FAULT_CONFLICT); the header's salt is drawn here. */
struct backup_writer *backup_writer_create(const char *path, const uint8_t key[BACKUP_KEY_SIZE],
                                           struct backup_header *header, struct fault *fault);
struct backup_writer *backup_writer_destroy(struct backup_writer *writer); /* as it stands; returns NULL */

bool backup_writer_put(struct backup_writer *writer, const struct backup_record *record, struct fault *fault);
/* Records already written, whole. */
bool backup_writer_put_all(struct backup_writer *writer, struct slice records, struct fault *fault);
/* What was put is on the disk when this returns true. */
bool backup_writer_sync(struct backup_writer *writer, struct fault *fault);
/* The same, with the mark of the end. */
bool backup_writer_end(struct backup_writer *writer, struct fault *fault);

struct backup_sums {
    uint64_t records, bytes; /* bytes: of the file */
    struct hash hash;        /* of the records */
};
struct backup_sums backup_writer_sums(const struct backup_writer *writer);

struct backup_reader;

struct backup_reader *backup_reader_open(const char *path, const uint8_t key[BACKUP_KEY_SIZE],
                                         struct backup_header *ret_header, struct fault *fault);
struct backup_reader *backup_reader_close(struct backup_reader *reader); /* returns NULL */

/* The next record; borrowed until the next call. False at the marked end, and with a fault for damage. */
bool backup_reader_next(struct backup_reader *reader, struct backup_record *ret_record, struct fault *fault);
/* After a fault: nothing but the file's last, unfinished chunk is lost. A file that is still written to, or was when the
 * machine stopped, ends so. */
bool backup_reader_cut(const struct backup_reader *reader);
struct backup_sums backup_reader_sums(const struct backup_reader *reader);

#endif
