/* Sealed segments opened for reading: files found by their rows, unlocked with their day keys, kept open for a while.
 *
 * What was erased is not readable from here on: sealed_forget drops what is kept of a class and day, and a key that is gone
 * opens nothing.
 *
 * What nobody uses is closed, least lately used first, where it is more than the two ceilings; what is in use may pass them.
 *
 * Threads: any. A handle may be used by several threads, each with a block of its own (segment_reader.h). */
#ifndef TOCSIN_SEALED_H
#define TOCSIN_SEALED_H

#include "day_keys.h"
#include "query_lexicon.h"
#include "segment_files.h"
#include "segment_reader.h"

#define SEALED_OPEN_MOST 512u                   /* files kept open */
#define SEALED_MEMORY_MOST (256u * 1024 * 1024) /* bytes of what is kept of them: indexes, lexicons */

struct sealed;
struct sealed_handle;

/* `folder` is the store's path; `keys` is borrowed, and may be NULL: then nothing can be unlocked. */
struct sealed *sealed_create(const char *folder, struct day_keys *keys);
struct sealed *sealed_destroy(struct sealed *sealed); /* after every handle was given back; returns NULL */

/* NULL and a fault: FAULT_MISSING for a file or key that is gone, FAULT_AUTH and FAULT_FORMAT for one that was altered. */
struct sealed_handle *sealed_take(struct sealed *sealed, const struct segment_row *row, struct fault *fault);
void sealed_give(struct sealed *sealed, struct sealed_handle *handle); /* NULL is fine */
const struct segment_reader *sealed_reader(const struct sealed_handle *handle);
/* Of its index, for searches: made when it is first asked for. */
const struct query_lexicon *sealed_lexicon(struct sealed *sealed, struct sealed_handle *handle);

/* After the key of (class, day) was destroyed. */
void sealed_forget(struct sealed *sealed, uint8_t class, uint64_t day);

/* A file by its path, in memory no larger than its sections: for one that stands alone. The descriptor lives in the source. */
struct sealed_file {
    int descriptor;
};
bool sealed_file_open(const char *path, struct sealed_file *ret_file, struct fault *fault);
void sealed_file_close(struct sealed_file *file);
/* `file` is borrowed for the reader's life. */
struct segment_source sealed_file_source(struct sealed_file *file);

#endif
