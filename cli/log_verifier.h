/* The log of a store, checked as store_dump gives it and with nothing else: entries against tiles, tiles and entries against
 * checkpoints, checkpoints under the log's key, the chain of control entries from its genesis.
 *
 * What is wrong goes to a callback with its place, and once: what only follows from it is not told again. Memory: two tiles
 * a level, 64 bytes a control entry. */
#ifndef TOCSIN_LOG_VERIFIER_H
#define TOCSIN_LOG_VERIFIER_H

#include "agent_registry.h"
#include "checkpoint.h"
#include "control_chain.h"

struct log_verifier;

typedef void log_finding(void *context, const char *place, const char *text);

struct log_verified {
    uint64_t size, checkpoints, control_entries;
    uint64_t covered;    /* entries under the newest checkpoint */
    bool single_control; /* some decision rests on one person */
    /* Of a log that takes another's place: what of that one was restored, and of what a checkpoint is known. 0: of none */
    uint64_t restored, known;
    bool
        witnessed; /* the newest checkpoint has the cosignatures that the policy in force asks for, and it asks for some */
};

struct log_verifier *log_verifier_create(log_finding *finding, void *context);
struct log_verifier *log_verifier_destroy(struct log_verifier *verifier); /* returns NULL */

/* Whose checkpoints they must be; without it their signatures are not looked at. */
void log_verifier_set_key(struct log_verifier *verifier, const struct note_key *key);

/* What the verifier brought along: the genesis that the chain must begin with, and the witnesses that must have cosigned the
 * newest checkpoint. Before any row; copied. */
void log_verifier_set_trust(struct log_verifier *verifier, const struct control_trust *trust,
                            const struct witness_policy *witnesses, uint64_t now_us);

/* Told each control entry that the chain has taken. */
typedef void log_control(void *context, uint64_t index, const struct control_entry *entry,
                         const struct control_verdict *verdict);
void log_verifier_set_control(struct log_verifier *verifier, log_control *control, void *context);

/* Rows, in the order of store_dump. */
void log_verifier_entry(struct log_verifier *verifier, struct slice key, struct slice entry);
void log_verifier_tile(struct log_verifier *verifier, struct slice key, struct slice value);
void log_verifier_checkpoint(struct log_verifier *verifier, struct slice key, struct slice note);
void log_verifier_control(struct log_verifier *verifier, struct slice key, struct slice value);
void log_verifier_size(struct log_verifier *verifier, struct slice mark); /* LOG_SIZE_MARK */
void log_verifier_old_tree(struct log_verifier *verifier,
                           struct slice mark); /* of a store from before there were tiles */

struct log_verified log_verifier_finish(struct log_verifier *verifier);

/* What the control chain says so far, for streams. */
bool log_verifier_begun(const struct log_verifier *verifier);
const struct agent_registry *log_verifier_agents(const struct log_verifier *verifier);
const struct hash *log_verifier_log(const struct log_verifier *verifier); /* only of one that has begun */

/* After that: a control entry that came since. One that does not follow is passed over. */
void log_verifier_later(struct log_verifier *verifier, uint64_t index, struct slice bytes);

#endif
