/* Many events in one file that stands alone: each a c2sp.org/tlog-proof@v1 of its own, all on one checkpoint, with the
 * log's control chain beside them (FORMATS.md, Excerpts).
 *
 *     tocsin-excerpt@v1
 *     ground <base64 of the ground>
 *     events <n>
 *     proof <bytes>          n times: a proof (log_proof.h, event_proof.h) of exactly so many bytes
 *
 * Checking needs a trust file. The ground is verified first: where it does not hold, nothing does. Then each event gets its
 * verdict; one that was altered does not hide the others. */
#ifndef TOCSIN_EXCERPT_H
#define TOCSIN_EXCERPT_H

#include "event_proof.h"
#include "proof_ground.h"
#include "verdict.h"

#define EXCERPT_HEADER "tocsin-excerpt@v1"
#define EXCERPT_EVENTS_MOST 1000000u

struct excerpt_event {
    size_t number, of; /* its place in the file, from 1, of so many */
    enum verdict verdict;
    struct fault fault; /* of what was altered */
    /* The rest is known of those that are OPENED alone; borrowed until the callback returns. */
    uint64_t log_index;
    struct slice host;
    enum lane lane;
    struct event_proof proof;
    bool orphaned;       /* its batch was never closed: the agent's newest part signs it */
    bool unwitnessed;    /* the trust names no witness that must have cosigned */
    bool unattested;     /* signed by a key that was not live any more: nothing says when */
    bool unconfirmed;    /* the agent's epoch was enrolled over a known name by the registrar alone */
    bool single_control; /* its enrolment rests on one person */
};

struct excerpt_summary {
    size_t events, altered;
    uint64_t size;      /* of the checkpoint's tree */
    uint64_t latest_us; /* its latest cosignature of the quorum, 0 for none */
    bool unwitnessed;
};

typedef void excerpt_each(void *context, const struct excerpt_event *event);

/* False: the file is none, or its ground does not hold. `each` may have been called before. */
bool excerpt_verify(struct slice file, const struct trust *trust, uint64_t now_us, excerpt_each *each,
                    void *context, struct excerpt_summary *ret_summary, struct fault *fault);

/* Writing: the head, then exactly `count` events, on the checkpoint `note` of `size`. `behind`: an index above all of the
 * events'. */
bool excerpt_begin(const struct proof_source *source, uint64_t behind, struct slice note, uint64_t size,
                   size_t count, struct buffer *to, struct fault *fault);
bool excerpt_add(const struct proof_source *source, struct slice note, uint64_t size, uint64_t index,
                 const struct event_proof *event, struct buffer *to, struct fault *fault);

#endif
