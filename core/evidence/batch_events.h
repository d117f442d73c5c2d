/* A run of events of one batch, as it stands in the spool, on the wire and in the store (wire.proto, Events),
 * with its data decompressed. All of it is borrowed. */
#ifndef TOCSIN_BATCH_EVENTS_H
#define TOCSIN_BATCH_EVENTS_H

#include "open_batch.h"

struct batch_events {
    uint64_t batch_seq;
    uint64_t first_event_seq;
    uint32_t count;
    const struct class_key *keys; /* of the classes that the batch sees for the first time in this run */
    size_t key_count;
    struct slice block; /* event blocks (event.h), `count` of them */
};

#endif
