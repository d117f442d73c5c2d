/* One range of the log into segments: what is found, written, read back, and put into one change. Private to seal.
 *
 * A range lies within one day. It takes in batch after batch (seal_range_add) with the rows that hold them; batches whose
 * bodies are not all here stay hot. */
#ifndef TOCSIN_SEAL_RANGE_H
#define TOCSIN_SEAL_RANGE_H

#include "change.h"
#include "day_keys.h"
#include "sealed.h"

#define SEAL_ROWS_MOST 50000u /* of a range: its deletions are one change */
#define SEAL_BATCHES_MOST 50000u
#define SEAL_MARK "seal.next" /* STORE_MARK: u64 next log index ‖ u64 its day */

struct seal_range;

struct seal_range *seal_range_create(const struct store *store, uint64_t day, uint64_t first_index);
struct seal_range *seal_range_destroy(struct seal_range *range); /* wipes; returns NULL */

enum seal_found {
    SEAL_FOUND,  /* taken in, or nothing to be taken */
    SEAL_BEHIND, /* a row that detection has not passed: the range ends before this batch */
    SEAL_BROKEN, /* the store cannot be read: the fault says why */
};

/* The batch whose entry stands at log_index; `passed`: rows below it were read by detection. */
enum seal_found seal_range_add(struct seal_range *range, uint64_t log_index, struct slice bytes,
                               uint64_t passed, struct fault *fault);

uint64_t seal_range_text(const struct seal_range *range);
size_t seal_range_rows(const struct seal_range *range);
bool seal_range_full(const struct seal_range *range, uint64_t text_most);
uint64_t seal_range_arrival(const struct seal_range *range); /* of its last row, once it is written */
uint64_t
seal_range_ingested_us(const struct seal_range *range); /* of its first row; UINT64_MAX: it has none */

struct seal_written {
    uint64_t segments, events, bytes, text;
};

/* Writes and reads back the files, and fills the change: the segments' rows, the mark, the deletions. `next_index` is behind
 * the range's last entry; next_day is that one's day. */
bool seal_range_write(struct seal_range *range, uint64_t next_index, uint64_t next_day, struct day_keys *keys,
                      const char *folder, struct change *change, struct seal_written *ret_written,
                      struct fault *fault);

#endif
