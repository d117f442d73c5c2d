/* Whether the checkpoint that an entry names in seen_* was published by this log (log-format: Checkpoint, Rollback). Any
 * thread. Costs a look into the store where an entry names one, and nothing otherwise. After a restore checkpoints that were
 * published may be missing here: there the true root of the tree of that size is enough (known_note.h). */
#ifndef TOCSIN_LOG_SEEN_H
#define TOCSIN_LOG_SEEN_H

#include "fault.h"
#include "slice.h"
#include "log_state.h"

struct log_seen {
    struct log_state *log; /* borrowed */
    uint8_t key_id[4];     /* of the log's own key */
};

/* True for an entry that names none, or another log's, or that cannot be read: that is for others to refuse. FAULT_CONFLICT:
 * never published, or of another tree. Any other fault: it could not be looked up. */
bool log_seen_check(const struct log_seen *seen, struct slice entry, struct fault *fault);

#endif
