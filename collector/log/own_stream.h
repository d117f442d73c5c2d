/* The collector's own stream: what it reports (joins, silences, refusals, alerts, decisions) as signed batches like an
 * agent's. It has no spool: its state, its events and whatever caused them go into one atomic commit.
 *
 * Used by the committer's thread alone. */
#ifndef TOCSIN_OWN_STREAM_H
#define TOCSIN_OWN_STREAM_H

#include "class_list.h"
#include "store.h"
#include "stream_writer.h"

struct own_stream;

struct own_stream_settings {
    struct store *store;           /* for what was open before a restart */
    const char *host;              /* the collector's name: streams are HOST */
    const struct signing_key *key; /* borrowed; not the log's key */
};

/* What one turn gives to be committed. */
struct own_stream_output {
    void *context;
    void (*events)(void *context, const uint8_t stream_id[32], uint64_t first_event_seq, struct slice message);
    void (*close)(void *context, const uint8_t stream_id[32], struct slice entry, struct slice class_list);
    void (*put)(void *context, enum store_family family, struct slice key, struct slice value);
};

struct own_stream *own_stream_open(const struct own_stream_settings *settings, struct fault *fault);
struct own_stream *own_stream_destroy(struct own_stream *own);

const struct hash *own_stream_id(const struct own_stream *own); /* it never changes: any thread */

/* One turn: closes and breaks that are due, then `count` events. What comes out must be committed whole before the next
 * turn; a part stands for what is open. */
bool own_stream_turn(struct own_stream *own, const struct stream_clock *clock, const struct slice *bodies,
                     const uint8_t *classes, size_t count, const struct own_stream_output *output,
                     struct fault *fault);
/* Closes what is open, for a stop or because somebody asks: a heartbeat where there is nothing. */
bool own_stream_finish(struct own_stream *own, const struct stream_clock *clock,
                       const struct own_stream_output *output, struct fault *fault);
/* When the next turn is due without an event (wall clock, microseconds). */
uint64_t own_stream_deadline(const struct own_stream *own, const struct stream_clock *clock);

/* Reads the class key of an event's batch where the restart needs it; exposed for the store's verifier. */
#define OWN_STREAM_MARK "own.stream"

#endif
