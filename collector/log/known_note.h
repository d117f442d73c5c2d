/* Checkpoints of this log that others kept and this store does not have: after a restore the newest ones may be missing, while
 * every entry under them is here. They are put back, each with its window: trees between it and the newest one that is stored
 * below it may have been published as well, so an agent that says it has seen one of them, by its true root, is believed. */
#ifndef TOCSIN_KNOWN_NOTE_H
#define TOCSIN_KNOWN_NOTE_H

#include "change.h"
#include "log_state.h"

#define KNOWN_NOTE_MARK                                                                                      \
    "log.known" /* u64 smallest ‖ u64 largest size: between them published checkpoints may be missing */

/* The change that puts the note back: with the log's signature and those of the policy's witnesses, and nothing else. NULL
 * where it is here already, is none of this log, or not of this tree. Any thread. */
struct change *known_note_change(struct log_state *log, const struct witness_policy *policy,
                                 struct slice note);

/* Whether a checkpoint of that size may have been published and lost. */
bool known_note_may_miss(const struct store *store, uint64_t size);

#endif
