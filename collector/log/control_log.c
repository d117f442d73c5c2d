#include "control_log.h"

#include <stdlib.h>

#include "control_fold.h"
#include "log.h"
#include "memory.h"
#include "merkle.h"

#define DAY_US (86400u * UINT64_C(1000000))
#define DAY_NONE UINT64_MAX

struct control_log {
    struct log_signer *signer;
    struct control_fold fold;
    uint64_t day; /* of the last mark, in days since 1970 */
};

/* The ledger knows the days; the genesis opens the first one without a mark. */
static uint64_t last_day(const struct control_fold *fold) {
    const struct retention_day *days;
    size_t count = retention_ledger_days(fold->ledger, &days);
    return count > 0 && days[count - 1].opened.ctl_seq > 0 ? days[count - 1].opened.time_us / DAY_US
                                                           : DAY_NONE;
}

struct control_log *control_log_open(const struct store *store, struct log_signer *signer,
                                     struct fault *fault) {
    struct control_log *control = memory_new(sizeof *control);
    control->signer = signer;
    control->fold = control_fold_make();
    if (!control_fold_catch_up(&control->fold, store, fault))
        return control_log_destroy(control);
    control->day = last_day(&control->fold);
    return control;
}

struct control_log *control_log_destroy(struct control_log *control) {
    if (control) {
        control_fold_release(&control->fold);
        free(control);
    }
    return NULL;
}

bool control_log_begun(const struct control_log *control) {
    return control_chain_count(control->fold.chain) > 0;
}

/* ---- taking */

static bool judge(const struct control_log *control, const struct signed_statement *statement,
                  uint64_t log_index, uint64_t now_us, struct fault *fault) {
    if (!control_log_begun(control) && log_index > 0)
        return fault_set(fault, FAULT_USAGE,
                         "this log was begun without a genesis, so it can hold no statements: make a new "
                         "site with `tocsin "
                         "init` and let the agents join it");
    return control_fold_judge(&control->fold, statement, now_us, fault);
}

static bool take(struct control_log *control, struct slice signed_statement, uint64_t log_index,
                 uint64_t now_us, struct buffer *to, struct change_outcome *outcome, struct fault *fault) {
    struct signed_statement statement;
    struct control_entry entry;
    struct control_verdict verdict;
    uint64_t ctl_seq = control_chain_count(control->fold.chain);
    buffer_clear(to);
    if (!signed_statement_read(signed_statement, &statement, fault) ||
        !judge(control, &statement, log_index, now_us, fault))
        return false;
    /* The leaf of a genesis is printed before the collector ever runs: its time is the statement's own. */
    if (statement.statement.type == STATEMENT_GENESIS || statement.statement.type == STATEMENT_NEW_ORIGIN)
        now_us = statement.statement.made_us;
    if (!control_chain_write_next(control->fold.chain, &statement, now_us, to))
        return fault_set(fault, FAULT_LIMIT, "a control entry has at most %u bytes", CONTROL_ENTRY_MOST);
    if (!control_fold_add(&control->fold, log_index, buffer_slice(to), &entry, &verdict, fault)) {
        /* It was judged, so this cannot be. What was folded in part must not go on; a start folds what is committed. */
        log_fault(LOG_LEVEL_ERROR, fault, "a control entry that was judged good is not taken");
        abort();
    }
    if (entry.statement.statement.type == STATEMENT_DAY_MARK)
        control->day = now_us / DAY_US;
    *outcome = (struct change_outcome){.taken = true,
                                       .type = entry.statement.statement.type,
                                       .ctl_seq = ctl_seq,
                                       .log_index = log_index,
                                       .leaf = merkle_leaf(buffer_slice(to)),
                                       .verdict = verdict};
    return true;
}

bool control_log_take(struct control_log *control, struct slice signed_statement, uint64_t log_index,
                      uint64_t now_us, struct buffer *to, struct change_outcome *ret_outcome) {
    *ret_outcome = (struct change_outcome){.taken = false};
    return take(control, signed_statement, log_index, now_us, to, ret_outcome, &ret_outcome->fault);
}

/* ---- days */

bool control_log_day_due(const struct control_log *control, uint64_t now_us) {
    return control_log_begun(control) && control->day != now_us / DAY_US;
}

bool control_log_mark_day(struct control_log *control, uint64_t log_index, uint64_t now_us, struct buffer *to,
                          struct change_outcome *ret_outcome) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(LOG_STATEMENT_MOST);
    *ret_outcome = (struct change_outcome){.taken = false};
    return log_signer_statement(control->signer, STATEMENT_DAY_MARK, (struct slice){NULL, 0}, now_us,
                                &statement, &ret_outcome->fault) &&
           control_log_take(control, buffer_slice(&statement), log_index, now_us, to, ret_outcome);
}
