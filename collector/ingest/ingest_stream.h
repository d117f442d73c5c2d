/* One agent's stream on its way in: frames are checked on a worker thread, one worker at a time for a stream, and what is
 * good goes to the committer; the loop's thread learns of commits and refusals.
 *
 *     session → ingest_stream_put → worker: decompress, hash, verify → committer → committed → session acknowledges
 *
 * A refusal drops what is queued behind it. What was checked before stays and is committed. The checker is loaded from
 * the store when an agent greets, and stays: about 600 bytes. */
#ifndef TOCSIN_INGEST_STREAM_H
#define TOCSIN_INGEST_STREAM_H

#include "committer.h"
#include "frame.h"
#include "log_seen.h"
#include "stream_checker.h"

#define INGEST_STREAM_QUEUE_MOST (8u * 1024 * 1024) /* bytes not committed yet; the credit keeps it below */

struct ingest_stream;
struct openers;
struct recent_texts;

struct ingest_stream_handlers {
    void *context; /* the session's agent */
    /* Something was committed, or a repeat was seen: acknowledge. */
    void (*committed)(void *context, enum lane lane);
    void (*refused)(void *context, enum lane lane, enum check check, const struct fault *fault);
    /* Nothing is queued, being checked or waiting for its commit. */
    void (*quiet)(void *context, enum lane lane);
};

struct ingest_stream *ingest_stream_create(enum lane lane, const struct hash *id, const char *host);
/* Only when quiet. */
struct ingest_stream *ingest_stream_destroy(struct ingest_stream *stream);

/* Makes the stream ready: loads the checker and the open batch's events from the store the first time. `first_key` is
 * that of epoch 0. */
bool ingest_stream_open(struct ingest_stream *stream, struct store *store, struct openers *openers,
                        const struct verify_key *first_key, struct fault *fault);

/* The next key of the agent, once the registry has it for good: when the stream's present epoch has had its last batch,
 * the worker goes on under this key. In its turn among what was put, so that nothing overtakes it; false as for
 * ingest_stream_put. */
struct ingest_next_key {
    uint32_t epoch;
    struct verify_key key;
};
bool ingest_stream_announce(struct ingest_stream *stream, struct loop *loop, struct committer *committer,
                            const struct ingest_next_key *next);
/* The same while the stream is quiet. */
void ingest_stream_set_next_key(struct ingest_stream *stream, const struct ingest_next_key *next);
/* Entries must name checkpoints that were published. Borrowed; NULL: nobody asks. While the stream is quiet. */
void ingest_stream_set_seen(struct ingest_stream *stream, const struct log_seen *seen);
void ingest_stream_set_handlers(struct ingest_stream *stream, const struct ingest_stream_handlers *handlers);

/* Takes a copy of an EVENTS message, or of a PART's or CLOSE's content. False: more than INGEST_STREAM_QUEUE_MOST. */
bool ingest_stream_put(struct ingest_stream *stream, struct loop *loop, struct committer *committer,
                       enum frame_type type, struct slice message, struct slice class_list);
bool ingest_stream_is_quiet(const struct ingest_stream *stream);
size_t ingest_stream_queued_bytes(const struct ingest_stream *stream);

/* The checker may be looked at while the stream is quiet; NULL before the first open. */
const struct stream_checker *ingest_stream_checker(const struct ingest_stream *stream);
const struct hash *ingest_stream_id(const struct ingest_stream *stream);

/* Both messages of a refusal as CHECK_FORK where the agent has signed both (parts, entries): while the refusal is being told.
 * False where there are none. */
bool ingest_stream_conflict(const struct ingest_stream *stream, struct slice ret_messages[2]);

/* As committed. */
struct ingest_marks {
    uint64_t stored, attested, closed;
    uint32_t epoch;
};
struct ingest_marks ingest_stream_marks(const struct ingest_stream *stream);

/* Decompression contexts, shared by the workers. The texts of what they accepted go to `recent` (borrowed; may be NULL). */
struct openers *openers_create(struct recent_texts *recent);
struct openers *openers_destroy(struct openers *openers);

#endif
