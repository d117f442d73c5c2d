/* Everything that is folded from the control entries, in one: the chain itself, whose key is live where, what is said of
 * keeping and erasing, what was decided about alerts. One thread at a time. */
#ifndef TOCSIN_CONTROL_FOLD_H
#define TOCSIN_CONTROL_FOLD_H

#include "agent_registry.h"
#include "control_chain.h"
#include "decision_ledger.h"
#include "retention_ledger.h"
#include "store.h"

struct control_fold {
    struct control_chain *chain;
    struct agent_registry *agents;
    struct retention_ledger *ledger;
    struct decision_ledger *decisions;
};

struct control_fold control_fold_make(void);
void control_fold_release(struct control_fold *fold); /* an empty one is fine */

/* Takes the next entry. What makes no sense to the ledger is taken all the same: it stands in the log. */
bool control_fold_add(struct control_fold *fold, uint64_t log_index, struct slice bytes,
                      struct control_entry *ret_entry, struct control_verdict *ret_verdict,
                      struct fault *fault);
/* Takes all entries of the store that it has not yet. */
bool control_fold_catch_up(struct control_fold *fold, const struct store *store, struct fault *fault);
/* Whether the statement would be taken now. */
bool control_fold_judge(const struct control_fold *fold, const struct signed_statement *statement,
                        uint64_t now_us, struct fault *fault);

#endif
