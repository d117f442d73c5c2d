/* One log as an agent watches it: the newest checkpoint that was verified, and whether the next one follows (log-format:
 * agents are witnesses).
 *
 * A checkpoint follows when the log signed it, it is no smaller than the one before it, and the path between them holds. It
 * is verified when it has the quorum of the policy as well. One that follows without the quorum is remembered until the
 * next: it counts for the path and for nothing else, and what was found included in it is included in every later one.
 *
 * What is kept of a note is what counts: its text, the log's signature, one of each witness of the policy. A value of
 * about 14 KB, without ownership. Time: a verification for each signature of a known key. */
#ifndef TOCSIN_LOG_WATCH_H
#define TOCSIN_LOG_WATCH_H

#include "batch_entry.h"
#include "checkpoint.h"
#include "merkle_proof.h"

#define LOG_WATCH_NOTE_MOST 8192u /* bytes of a note that is kept: a text and 17 lines */

enum log_news {
    LOG_NEWS_VERIFIED,    /* it follows and has its quorum: the newest from now on (or the newest again) */
    LOG_NEWS_UNWITNESSED, /* it follows; the quorum is not there */
    LOG_NEWS_MALFORMED, /* no checkpoint, or a path that begins elsewhere; from here on the fault says why */
    LOG_NEWS_FORGED,    /* a signature that is not the log's or the witness's, or another log's name */
    LOG_NEWS_ROLLBACK,  /* signed by the log, and smaller than what it showed before */
    LOG_NEWS_FORK,      /* signed by the log, and no continuation of what it showed before */
};
/* Those after which nothing of this log can be believed until a person has looked. */
static inline bool log_news_alarming(enum log_news news) {
    return news >= LOG_NEWS_FORGED;
}
const char *log_news_word(enum log_news news); /* "rollback" */

struct log_point {
    uint64_t size;
    struct hash root;
};

struct log_watch {
    struct note_key log;
    struct witness_policy policy;
    struct log_point verified; /* size 0: none yet */
    struct log_point follows;  /* at least that, and all that is known to continue it */
    size_t note_size;          /* of the verified one */
    uint8_t note[LOG_WATCH_NOTE_MOST];
};

/* `policy` may be NULL: none is needed. */
void log_watch_begin(struct log_watch *watch, const struct note_key *log,
                     const struct witness_policy *policy);
/* Goes on from a note that was kept. False, and nothing is changed, when it is no checkpoint of this log. */
bool log_watch_restore(struct log_watch *watch, struct slice note, struct fault *fault);
/* What is known without a quorum is forgotten: a new session tells it again. */
void log_watch_session(struct log_watch *watch);

/* `from_size` and `path` lead from the last one that followed. Unchanged but for the first two answers. */
enum log_news log_watch_take(struct log_watch *watch, struct slice note, uint64_t from_size,
                             struct slice path, uint64_t now_us, struct fault *fault);
/* Whether that leaf stands at that index of the newest one that follows. */
bool log_watch_includes(const struct log_watch *watch, const struct hash *leaf, uint64_t log_index,
                        struct slice path);

/* What entries say in seen_*: of the verified one. */
struct seen_checkpoint log_watch_seen(const struct log_watch *watch);
static inline struct slice log_watch_note(const struct log_watch *watch) {
    return slice_make(watch->note, watch->note_size);
}

#endif
