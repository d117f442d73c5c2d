/* A log made up by hand, without signatures: control entries and batches at log indexes of the test's choice, and witnesses
 * that cosign a second after each entry, the slowest of them two seconds later. */
#ifndef TOCSIN_RETENTION_FIXTURE_H
#define TOCSIN_RETENTION_FIXTURE_H

#include "retention_unit.h"

#define SECOND 1000000ull
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define START 1735689600000000ull /* 2025-01-01T00:00:00Z */
#define WORLD_LOG 256u
#define WORLD_BATCHES 32u

struct world {
    struct retention_ledger *ledger;
    struct agent_registry *registry;
    struct signing_key *log, *registrar, *alice, *bob;
    struct buffer payload;
    struct retention_policy policy;
    uint64_t ctl_seq, size; /* the next ones */
    uint64_t times[WORLD_LOG];
    uint64_t seen; /* the log index up to which witnesses have cosigned; without it */
    size_t batch_count;
    struct retention_batch batches[WORLD_BATCHES];
    uint8_t classes[WORLD_BATCHES];
    struct retention_clock clock;
    struct fault fault;
};

/* A genesis at index 0 with the shipped policy. */
void world_make(struct world *w, unsigned witnesses);
void world_drop(struct world *w);

/* Each takes the next log index at `time_us`, and says whether the ledger took it. What was refused stands in w->fault. */
bool world_add(struct world *w, uint32_t type, uint64_t time_us, unsigned people);
bool world_mark(struct world *w, uint64_t time_us);
bool world_policy(struct world *w, uint64_t time_us);
bool world_hold(struct world *w, uint64_t time_us, const struct hold *hold);
bool world_matched(struct world *w, uint64_t time_us, const struct hold_matched *matched);
bool world_release(struct world *w, uint64_t time_us, uint64_t hold);
bool world_intent(struct world *w, uint64_t time_us, uint8_t class, uint64_t first, uint64_t last);
bool world_early(struct world *w, uint64_t time_us, uint8_t class, uint64_t first, uint64_t last);
bool world_veto(struct world *w, uint64_t time_us, uint64_t grounds);
bool world_begin(struct world *w, uint64_t time_us, uint8_t class, uint64_t first, uint64_t last,
                 uint64_t grounds);
bool world_done(struct world *w, uint64_t time_us, uint64_t begun);
bool world_decommission(struct world *w, uint64_t time_us, const char *host);
void world_enrol(struct world *w, uint64_t time_us, const char *host);

struct hash world_stream(const char *host, enum lane lane);
/* A batch of one hour. */
void world_batch(struct world *w, uint64_t close_us, const char *host, uint8_t class, uint32_t count);

/* The unit of that range with all of its batches. */
struct retention_unit *world_unit(struct world *w, uint8_t class, uint64_t first, uint64_t last);
struct retention_now world_now(const struct world *w, uint64_t now_us);

/* ctl_seq of the entry added last. */
static inline uint64_t world_last(const struct world *w) {
    return w->ctl_seq - 1;
}
uint64_t at(const char *time); /* "2025-01-02T00:00:00Z" */

#endif
