/* Proves a segment's events with nothing but the segment and its key: every body's leaf, the tree of each batch against its
 * class list, that against the entry, and the entry's signature under the key that the stream's id names.
 *
 * An entry of a later epoch is signed by a key that the segment cannot know: such batches are counted apart. Whether the
 * entries stand in the log is asked of the log. */
#ifndef TOCSIN_SEGMENT_VERIFY_H
#define TOCSIN_SEGMENT_VERIFY_H

#include "segment_reader.h"

struct segment_verified {
    uint64_t events, batches;
    uint64_t later_epochs; /* batches whose signature was not looked at */
    uint64_t findings;
};

/* `place` names stream, batch and event or block. */
typedef void segment_finding(void *context, const char *place, const char *text);
/* Called after each block; false ends it. May be NULL. */
typedef bool segment_verify_step(void *context, uint64_t events);

/* Each event that could be read, with its batch's number in the index. May be NULL. */
typedef void segment_verify_event(void *context, uint32_t batch, struct slice body);

struct segment_verify {
    void *context;
    segment_finding *finding;
    segment_verify_step *step;
    segment_verify_event *event;
};

/* The reader is unlocked. */
struct segment_verified segment_verify(const struct segment_reader *reader,
                                       const struct segment_verify *verify);

#endif
