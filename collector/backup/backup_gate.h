/* Between a checkpoint's persisting and its publication: it is offered on only when the backup holds what it covers.
 *
 * So every note that a witness or an agent has seen is of a log that a restore brings back whole, and no restored collector
 * has to begin a new origin because it came back shorter. A backup that does not follow, or not within BACKUP_GATE_US, holds
 * nothing up. The loop's thread alone uses it. */
#ifndef TOCSIN_BACKUP_GATE_H
#define TOCSIN_BACKUP_GATE_H

#include "backup_follower.h"
#include "checkpoint_maker.h"
#include "loop.h"

#define BACKUP_GATE_US 2000000u

struct backup_gate;

/* `next` as given to checkpoint_maker_start otherwise; without an offer the maker publishes at once. */
struct backup_gate *backup_gate_create(struct loop *loop, struct backup_follower *follower,
                                       const struct checkpoint_publisher *next);
struct backup_gate *
backup_gate_destroy(struct backup_gate *gate); /* before the follower's stop; returns NULL */

/* The publisher to be given to checkpoint_maker_start; then the maker is told. */
struct checkpoint_publisher backup_gate_publisher(struct backup_gate *gate);
void backup_gate_maker(struct backup_gate *gate, struct checkpoint_maker *maker);

uint64_t backup_gate_late(const struct backup_gate *gate); /* checkpoints that went on without the backup */

#endif
