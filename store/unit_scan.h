/* Units of retention as a store has them: which batches lie in one, and what its checkpoints say about time
 * (core/retention/retention_unit.h). For the collector, its verifier, and a store at rest. */
#ifndef TOCSIN_UNIT_SCAN_H
#define TOCSIN_UNIT_SCAN_H

#include "checkpoint.h"
#include "retention_unit.h"
#include "store.h"

/* How many events of each class the batches of a range of the log hold (first and last included). */
bool unit_scan_counts(const struct store *store, uint64_t first, uint64_t last,
                      uint64_t ret_counts[CLASS_NUMBERS], struct fault *fault);
/* Adds all of the unit's batches in the range. */
bool unit_scan_fill(const struct store *store, struct retention_unit *unit, uint8_t class, uint64_t first,
                    uint64_t last, struct fault *fault);

/* The clock of a store. It remembers what it found; one thread. Store and ledger are borrowed. */
struct unit_clock;
struct unit_clock *unit_clock_create(const struct store *store, const struct retention_ledger *ledger,
                                     const struct note_key *log, uint64_t now_us);
struct unit_clock *unit_clock_destroy(struct unit_clock *clock); /* returns NULL */
/* Lives as long as `clock`. */
const struct retention_clock *unit_clock_for(const struct unit_clock *clock);

/* The earliest cosignature of the newest checkpoint that met its policy, which needed one; 0 for none. */
uint64_t unit_clock_witnessed_now(struct unit_clock *clock);

#endif
