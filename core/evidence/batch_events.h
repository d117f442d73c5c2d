/* A run of events of one batch, as it stands in the spool, on the wire and in the store (wire.proto, Events),
 * with its data decompressed. All of it is borrowed. */
#ifndef TOCSIN_BATCH_EVENTS_H
#define TOCSIN_BATCH_EVENTS_H

#include "evidence_check.h"
#include "open_batch.h"

struct batch_events {
    uint64_t batch_seq;
    uint64_t first_event_seq;
    uint32_t count;
    const struct class_key *keys; /* of the classes that the batch sees for the first time in this run */
    size_t key_count;
    struct slice block; /* event blocks (event.h), `count` of them */
};

/* Whether a batch with so many events and bytes of text takes one more. */
bool batch_takes_more(uint64_t count, uint64_t text);

/* Whether a run can follow what is in the open batch (NULL: nothing): classes of this lane, a key for each and none too
 * many, times that never fall below `not_before_us`, room in the batch. Sequence numbers are the caller's. */
enum check batch_events_check(const struct batch_events *events, enum lane lane,
                              const struct open_batch *open, uint64_t not_before_us, struct fault *fault);

/* Adds a run that was checked to the open batch. `each` (may be NULL) is told every event and its leaf. */
typedef void batch_events_each(void *context, const struct event *event, const struct hash *leaf);
void batch_events_add(const struct batch_events *events, struct open_batch *open, batch_events_each *each,
                      void *context);

#endif
