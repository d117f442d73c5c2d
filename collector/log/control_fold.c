#include "control_fold.h"

#include "log_reader.h"

struct control_fold control_fold_make(void) {
    return (struct control_fold){control_chain_create(NULL), agent_registry_create(),
                                 retention_ledger_create(), decision_ledger_create()};
}

void control_fold_release(struct control_fold *fold) {
    fold->chain = control_chain_destroy(fold->chain);
    fold->agents = agent_registry_destroy(fold->agents);
    fold->ledger = retention_ledger_destroy(fold->ledger);
    fold->decisions = decision_ledger_destroy(fold->decisions);
}

bool control_fold_add(struct control_fold *fold, uint64_t log_index, struct slice bytes,
                      struct control_entry *ret_entry, struct control_verdict *ret_verdict,
                      struct fault *fault) {
    if (!control_chain_add(fold->chain, bytes, ret_entry, ret_verdict, fault) ||
        !agent_registry_take(fold->agents, ret_entry, ret_verdict, log_index, fault))
        return false;
    retention_ledger_add(fold->ledger, log_index, ret_entry, ret_verdict, NULL);
    decision_ledger_add(fold->decisions, ret_entry, control_chain_people(fold->chain));
    return true;
}

static bool take(void *context, uint64_t log_index, struct slice bytes, struct fault *fault) {
    struct control_entry entry;
    struct control_verdict verdict;
    return control_fold_add(context, log_index, bytes, &entry, &verdict, fault) ||
           fault_place(fault, "the control entry at log index %llu", (unsigned long long)log_index);
}

bool control_fold_catch_up(struct control_fold *fold, const struct store *store, struct fault *fault) {
    return log_control_walk(store, control_chain_count(fold->chain), take, fold, fault);
}

bool control_fold_judge(const struct control_fold *fold, const struct signed_statement *statement,
                        uint64_t now_us, struct fault *fault) {
    struct control_verdict verdict;
    return control_chain_judge(fold->chain, statement, now_us, &verdict, fault) &&
           agent_registry_judge(fold->agents, &statement->statement, fault) &&
           agent_registry_judge_rotation(fold->agents, statement, fault) &&
           retention_ledger_judge(fold->ledger, &statement->statement, fault);
}
