/* Rows by log index, whether they stand as rows or, of closed days, in columns (entry_block.h): entries and class lists look
 * the same in both. Of other families it is a store_cursor.
 *
 * What comes out of columns is held against its leaf in the log's tile. What cannot be had, or is another entry, is passed
 * over, and makes log_cursor_good false.
 *
 * Owner: whoever created it; store and snapshot are borrowed. One thread. */
#ifndef TOCSIN_LOG_CURSOR_H
#define TOCSIN_LOG_CURSOR_H

#include "entry_block.h"
#include "store.h"

struct log_cursor;

/* Without a snapshot: the moment of its creation. */
struct log_cursor *log_cursor_create(const struct store *store, enum store_family family,
                                     const struct store_snapshot *snapshot);
struct log_cursor *log_cursor_destroy(struct log_cursor *cursor); /* returns NULL */
/* For whoever holds every leaf against its tile himself. */
void log_cursor_unchecked(struct log_cursor *cursor);

/* For whoever makes many: begins with the block that was opened last, and leaves its own there when it is destroyed. *block is
 * NULL at first, the caller's, and goes by entry_block_close. */
void log_cursor_share(struct log_cursor *cursor, struct entry_block **block);

/* As of a store_cursor. An empty key: the first. */
bool log_cursor_at_or_after(struct log_cursor *cursor, struct slice key);
bool log_cursor_next(struct log_cursor *cursor);
struct slice log_cursor_key(const struct log_cursor *cursor);   /* until the next move */
struct slice log_cursor_value(const struct log_cursor *cursor); /* the same */
bool log_cursor_good(const struct log_cursor *cursor, struct fault *fault);
/* What was passed over first; NULL where nothing was. */
const struct fault *log_cursor_damage(const struct log_cursor *cursor, uint64_t *ret_index);

/* Whether entries are what the log's full tiles have at their indexes; begins with LOG_LEAVES. FAULT_FORMAT: it is another. */
struct log_leaves {
    struct store_value tile; /* the last one that was asked */
    uint64_t index;
};
#define LOG_LEAVES ((struct log_leaves){.index = UINT64_MAX})
bool log_leaves_check(struct log_leaves *leaves, const struct store *store, uint64_t index,
                      struct slice entry, struct fault *fault);
void log_leaves_release(struct log_leaves *leaves);

/* Root of the tree of `size` by the checkpoint of that size; false where there is none that can be read. */
bool log_cursor_root(const struct store *store, uint64_t size, struct hash *ret_root);

#endif
