/* Within collector/witness alone: what witnessing.c (threads and rounds), witnessing_report.c (events and status) and
 * witnessing_settings.c share. */
#ifndef TOCSIN_WITNESSING_INSIDE_H
#define TOCSIN_WITNESSING_INSIDE_H

#include <pthread.h>

#include "witness_link.h"
#include "witnessing.h"

enum witness_state { WITNESS_NEW, WITNESS_GOOD, WITNESS_FAILING, WITNESS_LYING };

/* One of the list. Its thread alone uses the link; the rest is under the lock. */
struct asked_witness {
    struct witnessing *all;
    struct asked_witness *next_retired;
    bool retired; /* by a reload: its thread ends after the request under way */
    struct note_key key;
    char *url;
    struct witness_link *link;
    pthread_t thread;
    bool running;
    bool compare; /* before it is asked */

    enum witness_state state;
    uint64_t failing_since_us; /* by the clock that never steps, as all times here but cosigned_s */
    bool told_failing;
    uint64_t told_down_us; /* 0: not told */
    char error[FAULT_TEXT_SIZE];
    uint64_t size, cosigned_s; /* newest cosignature */

    uint64_t done;     /* the round that was answered, or given up for good */
    uint64_t tried;    /* the round that was tried last */
    uint64_t retry_us; /* not before */
    uint64_t delay_us;
    struct buffer lines; /* for the present round; empty: none */
    struct buffer known; /* its newest note at the start, of this log */
};

struct witnessing_round {
    uint64_t number; /* 0: none yet */
    struct log_head head;
    struct buffer note;
    uint64_t begun_us;
    uint64_t met_us; /* 0: the quorum is missing */
    bool published;
};

struct witnessing {
    struct log_state *log;
    const struct store *store; /* what was told */
    struct committer *committer;
    struct checkpoint_maker *maker;
    struct buffer refused; /* the note over which a start was refused */
    pthread_t thread;
    bool running;

    pthread_mutex_t mutex; /* of what follows, and of the witnesses' states */
    pthread_cond_t changed;
    struct witness_policy policy; /* of the settings; in the order of `witnesses` */
    uint64_t patience_us;
    unsigned count;
    struct asked_witness *witnesses[WITNESSES_MOST];
    struct asked_witness *retired; /* joined at the stop */
    bool stopping, forked, told_unwitnessed;
    uint64_t told_unwitnessed_us;
    struct witnessing_round round;
    bool waiting; /* there is a newer one */
    struct log_head next_head;
    struct buffer next_note;
    uint64_t unmet_since_us; /* 0: the newest that was offered is published */
    uint64_t cosignatures, published_size, published_us;
    bool met;
    unsigned needed; /* by the settings or by the log's own policy, whichever wants more */
};

/* What a reload, or the start, asks from then on. */
struct witnessing_set {
    struct witness_policy policy;
    uint64_t patience_us;
    unsigned count;
    struct asked_witness *witnesses[WITNESSES_MOST];
};

/* The policy and the places that the settings name. */
bool witnessing_read_settings(const struct collector_settings *settings, struct witness_policy *ret_policy,
                              struct fault *fault);

/* Once for each difference between settings and log. */
void witnessing_tell_apart(struct witnessing *witnessing);

/* Whether a witness's failing, or for NULL the quorum's, was told and its end was not; of an earlier run, too. */
bool witnessing_was_told(const struct witnessing *witnessing, const struct asked_witness *asked);
/* The lock is held for these. */
void witnessing_tell(struct witnessing *witnessing, const struct asked_witness *asked, const char *event,
                     const char *sentence);
void witnessing_tell_fork(struct witnessing *witnessing, const struct asked_witness *asked,
                          const struct witness_answer *answer, const char *sentence);

#endif
