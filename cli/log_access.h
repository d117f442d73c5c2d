/* The log of a site, for whoever makes proofs of it: over the running collector's socket, or from its store at rest.
 *
 * As a proof_source (proof_source.h), with what a proof needs around it. Rows and paths are asked for in ranges where that
 * saves a question, and kept: it is meant for one proof, then closed. One thread. */
#ifndef TOCSIN_LOG_ACCESS_H
#define TOCSIN_LOG_ACCESS_H

#include "command.h"
#include "proof_source.h"
#include "store_family.h"
#include "trust_file.h"

struct log_access;

/* FAULT_MISSING where neither a collector answers nor a store is there. */
struct log_access *log_access_open(const struct command_context *context, struct fault *fault);
struct log_access *log_access_close(struct log_access *access); /* returns NULL */

bool log_access_live(const struct log_access *access); /* a collector answers */

/* Rows of a family from `from` up to, without, `to` (empty: to the end), at most `limit` (0: all). False from `take` ends
 * it. */
typedef bool log_access_take(void *context, struct slice key, struct slice value);
bool log_access_rows(struct log_access *access, enum store_family family, struct slice from, struct slice to,
                     uint64_t limit, log_access_take *take, void *context, struct fault *fault);

/* The events of one class of a sealed batch: first the class key (key "key"), then each event (key u64 seq, value u64 time_us
 * ‖ body). Nothing where it is in no segment. */
bool log_access_bodies(struct log_access *access, uint64_t log_index, uint8_t class, log_access_take *take,
                       void *context, struct fault *fault);

const struct proof_source *log_access_source(struct log_access *access);

/* What this site itself holds for true: its log key, the log's genesis, the witness policy in force. Everything in the
 * control chain is checked on the way. */
bool log_access_trust(struct log_access *access, struct trust *ret_trust, struct fault *fault);

/* Has the open batches of these streams closed and a mark written behind them, and waits for the published checkpoint that
 * covers it. At rest: the newest checkpoint that its witnesses have cosigned. Replaces the note's content. */
bool log_access_finish(struct log_access *access, const struct hash *streams, size_t stream_count,
                       uint64_t wait_us, uint64_t *ret_size, struct buffer *note, struct fault *fault);

/* A stream by its name (HOST or HOST/bulk) and where its batches are: the newest stream of that name, unless the name ends
 * in "~" and the first 8 hexadecimal digits of its id. */
bool log_access_stream(struct log_access *access, struct slice name, struct hash *ret_stream,
                       struct fault *fault);
/* How many batches of the stream are closed from the first one here on: batch_seq *ret_first to *ret_last. */
bool log_access_batches(struct log_access *access, const struct hash *stream_id, uint64_t *ret_first,
                        uint64_t *ret_last, struct fault *fault);
/* The orphan that holds that event: its control entry (borrowed) and where it stands. FAULT_MISSING: there is none. */
bool log_access_orphan(struct log_access *access, const struct hash *stream_id, uint64_t event_seq,
                       uint64_t *ret_index, struct slice *ret_entry, struct fault *fault);
/* Paths of batches that will be asked for next. */
bool log_access_prefetch(struct log_access *access, const struct hash *stream_id, uint64_t first,
                         uint64_t last, uint64_t size, struct fault *fault);

#endif
