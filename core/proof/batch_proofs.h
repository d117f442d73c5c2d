/* The proofs of single events out of one batch whose bodies are here: from its entry, its class list and its runs of events.
 *
 * The runs are given in order and borrowed until the end. Each event's salt and path are made from all events of its class,
 * and held against the class list: a body that was altered in the store is refused here already. */
#ifndef TOCSIN_BATCH_PROOFS_H
#define TOCSIN_BATCH_PROOFS_H

#include "batch_events.h"
#include "event_proof.h"

struct batch_proofs;

/* Borrows both. NULL and a fault where they are none. */
struct batch_proofs *batch_proofs_create(struct slice entry, struct slice class_list, struct fault *fault);
/* Of an orphan: what its part covers. Borrows the control entry. */
struct batch_proofs *batch_proofs_create_orphan(struct slice control_entry, struct fault *fault);
struct batch_proofs *batch_proofs_destroy(struct batch_proofs *proofs); /* returns NULL */

bool batch_proofs_add(struct batch_proofs *proofs, const struct batch_events *run, struct fault *fault);
/* The same for one class alone, whose events come from elsewhere: its key, then its events in order, bodies borrowed. */
bool batch_proofs_set_key(struct batch_proofs *proofs, uint8_t class, const uint8_t key[CLASS_KEY_SIZE],
                          struct fault *fault);
bool batch_proofs_add_event(struct batch_proofs *proofs, const struct event *event, struct fault *fault);
/* How many events of the class are here. */
size_t batch_proofs_count(const struct batch_proofs *proofs, uint8_t class);
/* After the last run. What it gives borrows from the runs and the entry. FAULT_MISSING: not an event of this batch, or its
 * class is not whole here. */
bool batch_proofs_make(const struct batch_proofs *proofs, uint64_t event_seq, struct event_proof *ret_proof,
                       struct fault *fault);

#endif
