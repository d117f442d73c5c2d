/* A folder of segments: the spool on disk.
 *
 * A segment's file is "<number>-<nonce>.spool", both in 16 hexadecimal digits. A new one is written whole
 * with its first group under "<number>-<nonce>.new", synced, renamed, and its folder synced: a segment
 * that is there begins with a snapshot. Every start and every full segment begins a new one; old ones are
 * never written to again.
 *
 * Writing: one write and one sync a record. A write that fails is taken back (the file is cut to its last
 * good end) and the caller keeps its record and tries again. A sync that fails gives the segment up: pages
 * may be lost that a second sync would call written, so the same record goes into a new segment.
 *
 * Memory: an index entry of about 200 bytes a segment, the folded state, and a cache of the newest
 * records, so that sending what was just written reads no file.
 *
 * Nothing here knows time, keys or what an event is. Not thread-safe. */
#ifndef TOCSIN_SPOOL_FOLDER_H
#define TOCSIN_SPOOL_FOLDER_H

#include "fault.h"
#include "random.h"
#include "spool_files.h"
#include "spool_state.h"

#define SPOOL_SEGMENT_BYTES (8u * 1024 * 1024)
#define SPOOL_CACHE_BYTES (2u * 1024 * 1024)
#define SPOOL_FOLDER_PATH_MOST 3072u
#define SPOOL_SEGMENTS_MOST 65536u

struct spool_folder_settings {
    const char *path;       /* copied; its parent must exist */
    uint32_t segment_bytes; /* a new segment once this would be passed */
    uint32_t cache_bytes;
    struct random_source random; /* for nonces */
};

/* What a segment holds of a lane. */
struct spool_span {
    bool any; /* EVENTS, PART or CLOSE */
    uint64_t first_batch, last_batch;
    uint64_t next_seq;           /* after the last event; 0 where there is none */
    uint64_t first_events_batch; /* of EVENTS items alone; where there are any */
    uint64_t events_bytes;       /* of EVENTS items */
};

struct spool_segment {
    struct spool_segment_id id;
    uint64_t previous, previous_end; /* the segment before it, and what it held */
    bool rewritten;
    uint64_t size;       /* where its last good record ends */
    uint32_t generation; /* counts up when it is rewritten: offsets into it are void */
    struct spool_span lanes[LANES];
};

struct spool_damage {
    uint64_t ranges, bytes;    /* inside segments */
    uint64_t missing_segments; /* named by their successors and not there */
    uint64_t torn_bytes;       /* behind the last record of a segment: an interrupted write, no damage */
};

/* Called while a folder is opened. `text` names file and range. */
typedef void spool_folder_finding(void *context, const char *text);

struct spool_folder;
/* Creates the folder if it is not there. Reads every segment, folds the state, and syncs what was found,
 * so that what the caller sees is what a power cut leaves. */
struct spool_folder *spool_folder_open(const struct spool_folder_settings *settings,
                                       const struct spool_files *files, spool_folder_finding *finding,
                                       void *context, struct fault *fault);
struct spool_folder *spool_folder_destroy(struct spool_folder *folder); /* returns NULL */

const struct spool_state *spool_folder_state(const struct spool_folder *folder);
struct spool_damage spool_folder_damage(const struct spool_folder *folder);
/* At the start: segments were released, and the marks that were found are from before. */
bool spool_folder_stale_marks(const struct spool_folder *folder);
uint64_t spool_folder_bytes(const struct spool_folder *folder);
uint64_t spool_folder_syncs(const struct spool_folder *folder);
uint64_t spool_folder_given_up(const struct spool_folder *folder); /* segments, after a failed sync */

/* The next record begins a new segment. */
void spool_folder_roll(struct spool_folder *folder);
/* Writes and syncs the record that begins at the buffer's front (spool_record_begin, items; the folder
 * seals it). On success it is folded, indexed and cached. On failure nothing has changed but, after a
 * failed sync, the segment. */
bool spool_folder_append(struct spool_folder *folder, struct buffer *record, struct fault *fault);

/* Each collector's marks and its log's newest verified checkpoint (seen; false where its note is too long) are kept in
 * memory and written with the next record, or before a segment goes. left: nothing is kept for that collector any more. */
void spool_folder_mark(struct spool_folder *folder, unsigned collector, enum lane lane, struct spool_marks marks);
bool spool_folder_seen(struct spool_folder *folder, unsigned collector, struct slice note);
void spool_folder_left(struct spool_folder *folder, unsigned collector);
/* What must be on the disk soon, a checkpoint or a collector that came or went, is not there yet. */
bool spool_folder_news(const struct spool_folder *folder);
/* Removes the oldest segments as long as all batches in them are proved at every collector. Returns how many went. */
size_t spool_folder_release(struct spool_folder *folder);

size_t spool_folder_count(const struct spool_folder *folder);
/* By place, 0 is the oldest. The last one is being written to, unless spool_folder_current is false.
 * Borrowed until the next append, release or rewrite. */
const struct spool_segment *spool_folder_segment(const struct spool_folder *folder, size_t place);
/* Place of the segment with that number, or of the first one above it; count for none. */
size_t spool_folder_find(const struct spool_folder *folder, uint64_t number);
bool spool_folder_current(const struct spool_folder *folder, size_t place);

/* Writes an old segment anew without the EVENTS items that `drop` names. */
bool spool_folder_rewrite(struct spool_folder *folder, size_t place,
                          bool (*drop)(void *context, const struct spool_item *item), void *context,
                          struct fault *fault);

/* Reads records, in order or from the cache. One for each cursor; zeroed with file -1 (spool_reader_open). */
struct spool_reader {
    struct spool_folder *folder;
    int file;
    uint64_t number;
    uint32_t generation;
    struct buffer bytes; /* of the file, from `offset` on */
    uint64_t offset;
};
void spool_reader_open(struct spool_reader *reader, struct spool_folder *folder);
void spool_reader_close(struct spool_reader *reader);
/* Gives back the buffer and the file, when there is nothing more to read for now. */
void spool_reader_rest(struct spool_reader *reader);
/* The record at *offset of that segment, or the next good one behind it: *offset becomes where it stands.
 * Items are borrowed until the next call on the reader or the folder. ret_size 0: there is none. */
bool spool_reader_record(struct spool_reader *reader, const struct spool_segment *segment, uint64_t *offset,
                         struct slice *ret_items, size_t *ret_size, struct fault *fault);

#endif
