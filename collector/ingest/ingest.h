/* The collector's door: agents connect, join, greet, and send; what is good is committed and acknowledged.
 *
 * Knows every enrolled agent, connected or not, and reports the one that has fallen silent, and its return. */
#ifndef TOCSIN_INGEST_H
#define TOCSIN_INGEST_H

#include "agents.h"
#include "channel.h"
#include "committer.h"
#include "store.h"

struct ingest;
struct log_state;
struct recent_texts;

struct ingest_settings {
    struct loop *loop;
    struct store *store;
    struct committer *committer;
    struct recent_texts *recent;   /* for detection; may be NULL */
    const struct tls_identity *identity;
    const char *address;           /* to listen on */
    const char *tokens;            /* the folder of join tokens */
    const char *origin;            /* the log's name, told to those who join */
    const uint8_t *log_key;        /* 32 bytes, likewise */
    uint64_t silent_after_us;
    uint64_t pace_minimum_us;
    uint32_t heartbeat_s;          /* for those who join */
    struct log_state *log;         /* NULL: agents get no checkpoints, and nothing is asked of what they have seen */
    struct log_signer *signer;     /* enrols in the log; NULL: nobody is */
};

/* Settings are borrowed for the ingest's life. */
struct ingest *ingest_start(const struct ingest_settings *settings, struct fault *fault);
/* Ends all connections and takes no more; what has come in is still being committed until ingest_is_quiet. */
void ingest_close(struct ingest *ingest);
bool ingest_is_quiet(const struct ingest *ingest);
/* Only when quiet and without a committer: nothing may call back any more. */
struct ingest *ingest_stop(struct ingest *ingest);

/* Asks the stream's agent to close its open batch now; false where it is not connected. The loop's thread. */
bool ingest_close_now(struct ingest *ingest, const struct hash *stream_id);

/* The agent cannot be asked, and was not heard for 10 s: what it has open goes into the log as an orphan. False where there is
 * nothing to log, or not now. The loop's thread. */
bool ingest_orphan(struct ingest *ingest, const struct hash *stream_id);

const char *ingest_address(const struct ingest *ingest);

struct ingest_counts {
    uint64_t agents, connected, silent, joined, refused, frames, bytes, checkpoints;
};
struct ingest_counts ingest_counts(const struct ingest *ingest);
/* Why nothing is acknowledged, a sentence that says what to do; NULL while all is well. */
const char *ingest_halted(const struct ingest *ingest);
/* One JSON object for each agent, in an array: name, state, marks. The loop's thread. */
bool ingest_describe(const struct ingest *ingest, struct buffer *to);

#endif
