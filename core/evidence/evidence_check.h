/* What came of holding something against what is already known of its stream: accepted, or exactly why not. */
#ifndef TOCSIN_EVIDENCE_CHECK_H
#define TOCSIN_EVIDENCE_CHECK_H

#include <stdbool.h>

enum check {
    CHECK_ACCEPTED, /* new, and it follows */
    CHECK_OWED,     /* an entry that follows; its events, or some of them, have not come */
    CHECK_REPEATED, /* already here, byte for byte: acknowledge again */
    CHECK_BELOW,    /* of a batch closed before the last: the owner compares it with what is stored */

    CHECK_MALFORMED, /* not what the format says; from here on the fault says why */
    CHECK_STREAM,    /* another stream's */
    CHECK_EPOCH,     /* another key epoch's */
    CHECK_SIGNATURE, /* does not verify under the epoch's key */
    CHECK_SEQUENCE,  /* a gap or an overlap in batches, events or parts; events that have not come yet */
    CHECK_FORK, /* other content under a number that is taken; signed, it contradicts what was signed before */
    CHECK_CHAIN, /* signed over another predecessor: a fork that began earlier */
    CHECK_KEY,   /* a class key that is missing or not due */
    CHECK_CLASS, /* a class of the other lane or of none */
    CHECK_TIME,  /* times fall, leave their batch, or leave the boot clock */
    CHECK_BOOT,  /* boot_id changed without a break */
    CHECK_COUNT, /* cum, event count and class list disagree */
    CHECK_ROOT,  /* not the root of these events */
    CHECK_SEEN,  /* the checkpoint seen fell, or is another one of the same size */
    CHECK_LIMIT, /* more than a batch holds */
    CHECK_ENDED, /* after the stream's last batch, or its epoch's */
};
#define CHECKS 20

static inline bool check_good(enum check check) {
    return check < CHECK_MALFORMED;
}

/* One word: "sequence", "fork"; for events and metrics. */
const char *check_word(enum check check);

#endif
