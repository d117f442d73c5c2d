/* A witness's judgement (C2SP tlog-witness, add-checkpoint): what it knows of its logs, a request and the time in; the answer
 * and what to remember out. It signs and stores nothing: whoever does holds a lock from here until the checkpoint is on disk,
 * so that no two requests are judged by the same memory.
 *
 * Statuses are those of the specification, in its order: 400 what is none, 404, 403, 400 for an old size over the
 * checkpoint's, 409, 422. Time: one verification, and a proof of 63 hashes. */
#ifndef TOCSIN_WITNESS_JUDGE_H
#define TOCSIN_WITNESS_JUDGE_H

#include "witness_request.h"

#define WITNESS_LOGS_MOST 1000u
/* A clock may stand this far behind the last cosignature, which is then dated again; further, and nothing is signed: a later
 * cosignature says that there was no larger tree. */
#define WITNESS_CLOCK_BACK_S 5u

/* The newest checkpoint that was cosigned for a log; size 0 and the empty root, time 0, before the first. */
struct witness_memory {
    uint64_t size;
    struct hash root;
    uint64_t time_s; /* of the cosignature */
};

struct witness_log {
    struct note_key key; /* of type NOTE_KEY_LOG; its name is the origin */
    struct witness_memory newest;
};

struct witness_memory witness_memory_empty(void);

struct witness_verdict {
    enum witness_status status;
    bool
        fork; /* signed by the log, and of the size that was cosigned with another root: proof that the log lies */
    size_t log; /* its place among `logs`; at 400 and 404 it may be `log_count`: none */
    /* At 200, to be stored and cosigned; of a fork, to be kept. Text and origin borrow from the request. */
    struct slice text;
    struct checkpoint checkpoint;
    uint64_t time_s; /* what the cosignature is dated */
};

/* `fault` says why it is not 200, for people. False where it is not. */
bool witness_judge(const struct witness_log *logs, size_t log_count, const struct witness_request *request,
                   uint64_t now_s, struct witness_verdict *ret_verdict, struct fault *fault);

/* The log of this origin; `log_count` for none. */
size_t witness_log_find(const struct witness_log *logs, size_t log_count, struct slice origin);

#endif
