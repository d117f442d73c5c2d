/* The log as it stands in the store: entries, the tree from its tiles, paths, the chain of control entries, checkpoints.
 *
 * Full tiles are read from the store; the hashes behind the last full one of each level (the edge) are kept in memory, 64
 * KiB: read from the entries at the open, or told by whoever appends (log_reader_follow). So a proof reads at most 16 tiles
 * and no bodies, for every size up to log_reader_size. Used by the collector while it runs and by the command line over a
 * store at rest.
 *
 * Owner: whoever created it; the store is borrowed. Any thread may call everything, at the same time. Errors: FAULT_USAGE
 * for an index or size past the end, FAULT_MISSING and FAULT_FORMAT for what the store lost. What is read is not checked: a
 * path from altered tiles does not verify. */
#ifndef TOCSIN_LOG_READER_H
#define TOCSIN_LOG_READER_H

#include "merkle_proof.h"
#include "merkle_tile_builder.h"
#include "store.h"

#define LOG_SIZE_MARK "log.size" /* STORE_MARK: u64, the entries that were committed */

struct log_reader;

/* Over the entries that were committed (LOG_SIZE_MARK; without it, over those that are there). At most 255 tiles a level are
 * read. A store without tiles is FAULT_FORMAT: the collector makes them at its start. */
struct log_reader *log_reader_open(const struct store *store, struct fault *fault);
struct log_reader *log_reader_destroy(struct log_reader *reader); /* returns NULL */

/* Goes on to the builder's tree: after the commit of what it added, full tiles included. */
void log_reader_follow(struct log_reader *reader, const struct merkle_tile_builder *builder);
/* The tree as it stands, to append to. */
void log_reader_builder(struct log_reader *reader, struct merkle_tile_builder *to);

uint64_t log_reader_size(struct log_reader *reader);
bool log_reader_root(struct log_reader *reader, uint64_t size, struct hash *ret_root, struct fault *fault);
/* From entry `index` to the root of the tree of `size`. */
bool log_reader_inclusion(struct log_reader *reader, uint64_t index, uint64_t size,
                          struct merkle_path *ret_path, struct fault *fault);
/* From the tree of `old_size` to that of `size`. */
bool log_reader_consistency(struct log_reader *reader, uint64_t old_size, uint64_t size,
                            struct merkle_path *ret_path, struct fault *fault);
/* The first `width` hashes of a tile: what C2SP tlog-tiles serves. */
bool log_reader_tile(struct log_reader *reader, unsigned level, uint64_t index, unsigned width,
                     struct hash *ret_hashes, struct fault *fault);

/* ---- straight from the store; they need no reader */

/* Appends the bytes that leaf `index` covers. */
bool log_entry_get(const struct store *store, uint64_t index, struct buffer *to, struct fault *fault);
/* Appends the class list of the batch entry there. */
bool log_class_list_get(const struct store *store, uint64_t index, struct buffer *to, struct fault *fault);
/* Where a stream's closed batch stands in the log. */
bool log_batch_index(const struct store *store, const uint8_t stream_id[32], uint64_t batch_seq,
                     uint64_t *ret_index, struct fault *fault);
/* Where a control entry stands in the log. */
bool log_control_index(const struct store *store, uint64_t ctl_seq, uint64_t *ret_index, struct fault *fault);

/* Checkpoints that were persisted, cosignatures included; whether one was published says log_state.h. FAULT_MISSING where
 * there is none. `note` may be NULL. */
bool log_checkpoint_newest(const struct store *store, uint64_t *ret_size, struct buffer *note,
                           struct fault *fault);
/* The one of exactly that size, or the first of at least that size. */
bool log_checkpoint_get(const struct store *store, uint64_t size, struct buffer *note, struct fault *fault);
bool log_checkpoint_covering(const struct store *store, uint64_t size, uint64_t *ret_size,
                             struct buffer *note, struct fault *fault);
/* The largest one of fewer than `size` entries. */
bool log_checkpoint_below(const struct store *store, uint64_t size, uint64_t *ret_size, struct buffer *note,
                          struct fault *fault);

/* Gives control entries in order, from `first_ctl_seq` on. False from `take` ends it (and the fault is then take's). */
typedef bool log_control_take(void *context, uint64_t log_index, struct slice entry, struct fault *fault);
bool log_control_walk(const struct store *store, uint64_t first_ctl_seq, log_control_take *take,
                      void *context, struct fault *fault);

#endif
