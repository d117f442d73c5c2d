/* Which events an excerpt is to have: those that a query finds, or those that a hold keeps. Live or at rest. */
#ifndef TOCSIN_EXCERPT_WANTED_H
#define TOCSIN_EXCERPT_WANTED_H

#include "command.h"
#include "query.pb-c.h"
#include "sha256.h"

#define EXCERPT_WANTED_MOST 100000u

struct wanted_event {
    struct hash stream;
    uint64_t seq;
    uint8_t class;
};

/* Owned; by stream, then by number. */
struct wanted_events {
    size_t count, room;
    struct wanted_event *events;
};

/* FAULT_MISSING where nothing matches. Free `events` in any case. */
bool excerpt_wanted_find(const struct command_context *context, const Tocsin__EventQuery *query,
                         struct wanted_events *wanted, struct fault *fault);

/* What a hold keeps of what was erased: each event comes with its proof, the extra data of event_proof.h. */
struct held_event {
    uint64_t log_index;
    struct slice extra; /* owned */
};

struct held_events {
    size_t count, room;
    uint64_t highest; /* of the log indexes */
    struct held_event *events;
};

bool excerpt_wanted_held(const struct command_context *context, uint64_t hold, struct held_events *held,
                         struct fault *fault);
void excerpt_wanted_release(struct held_events *held);

#endif
