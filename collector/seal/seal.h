/* Seals in the background: rows of closed batches become segments, and then the rows go (log-format: Sealing).
 *
 * A thread of its own. It follows the log entry by entry, never into a batch that is open, never past a row that detection
 * has not put behind it, and never across a day mark: a range ends at the mark, when it is as large as `size`, or when its
 * oldest row is as old as `after_us`. Then: keys, files, each read back and compared with what went in, and one commit that
 * puts the segments' rows and takes the hot ones away. Whatever dies in between leaves files that count for nothing, and the
 * rows as they were: an event is in one or the other, never in both or in none.
 *
 * When it fails (no room, a store that cannot be read) the rows stay as they are, it says so once, and tries again. */
#ifndef TOCSIN_SEAL_H
#define TOCSIN_SEAL_H

#include "committer.h"
#include "day_keys.h"

struct seal;

struct seal_settings {
    struct store *store;
    struct committer *committer;
    struct day_keys *keys;
    const char *folder; /* the store's path */
    uint64_t size;      /* bytes of text in a range */
    uint64_t after_us;  /* age at which even little is sealed */
};

/* Removes what a crash left, and starts the thread. Settings are borrowed for its life. */
struct seal *seal_start(const struct seal_settings *settings, struct fault *fault);
void seal_stop(struct seal *seal);            /* ends the thread; NULL is fine */
struct seal *seal_destroy(struct seal *seal); /* after the committer has ended; returns NULL */

struct seal_counts {
    uint64_t
        next_index; /* of the log: everything before it is sealed, but for batches whose bodies are owed */
    uint64_t ranges, segments, events, bytes, text; /* since the start */
    uint64_t failures;
    bool failing; /* now */
};
struct seal_counts seal_counts(struct seal *seal);

#endif
