#include "log_history.h"

#include <stdlib.h>

#include "memory.h"
#include "statement_type.h"

struct policy_from {
    uint64_t index; /* the entry that put it in force; a tree that holds it needs it */
    struct witness_policy policy;
};

struct log_history {
    struct control_chain *chain;
    struct agent_registry *agents;
    size_t policy_count, orphan_count;
    struct policy_from *policies;
    struct buffer *orphans; /* payloads */
    bool has_place, newest_is_mark;
    uint64_t last_place;
};

bool log_history_placed(uint32_t type) {
    static const enum statement_type without[] = {
        STATEMENT_DAY_MARK,  STATEMENT_MARK,     STATEMENT_PERSON_ENROL, STATEMENT_PERSON_REVOKE,
        STATEMENT_REGISTRAR, STATEMENT_DECISION, STATEMENT_NOTE};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (type == (uint32_t)without[i])
            return false;
    return true;
}

static void add_policy(struct log_history *history, uint64_t index) {
    uint64_t ctl_seq;
    history->policies =
        memory_resize(history->policies, history->policy_count + 1, sizeof *history->policies);
    history->policies[history->policy_count++] =
        (struct policy_from){index, *control_chain_witnesses(history->chain, &ctl_seq)};
}

static void add_orphan(struct log_history *history, const struct statement *statement) {
    struct orphan orphan;
    if (!orphan_read(statement->payload, &orphan, NULL))
        return;
    history->orphans = memory_resize(history->orphans, history->orphan_count + 1, sizeof *history->orphans);
    history->orphans[history->orphan_count] = BUFFER(STATEMENT_PAYLOAD_MOST);
    buffer_append_slice(&history->orphans[history->orphan_count++], statement->payload);
}

static bool check_place(const struct log_history *history, struct slice bytes, uint64_t index,
                        struct fault *fault) {
    struct control_entry entry;
    if (!control_entry_read(bytes, &entry, fault))
        return false;
    if (index == LOG_HISTORY_NO_PLACE)
        return !log_history_placed(entry.statement.statement.type) ||
               fault_set(fault, FAULT_MISSING,
                         "control entry %llu, of type %u, comes without its place in the log",
                         (unsigned long long)entry.ctl_seq, entry.statement.statement.type);
    if (history->has_place ? index <= history->last_place : index != 0)
        return fault_set(fault, FAULT_CONFLICT, "control entry %llu stands at index %llu, %s",
                         (unsigned long long)entry.ctl_seq, (unsigned long long)index,
                         history->has_place ? "not behind the one before it" : "and a genesis stands at 0");
    return true;
}

bool log_history_add(struct log_history *history, struct slice bytes, uint64_t index,
                     struct control_entry *ret_entry, struct fault *fault) {
    struct control_entry entry;
    struct control_verdict verdict;
    if (!check_place(history, bytes, index, fault) ||
        !control_chain_add(history->chain, bytes, &entry, &verdict, fault))
        return false;
    uint32_t type = entry.statement.statement.type;
    if (index != LOG_HISTORY_NO_PLACE) {
        history->has_place = true;
        history->last_place = index;
        /* What the registry refuses makes nothing live, and ends nothing that was never there. */
        agent_registry_take(history->agents, &entry, &verdict, index, NULL);
    }
    if (type == STATEMENT_GENESIS || type == STATEMENT_NEW_ORIGIN || type == STATEMENT_WITNESS_POLICY)
        add_policy(history, index);
    if (type == STATEMENT_ORPHAN)
        add_orphan(history, &entry.statement.statement);
    history->newest_is_mark =
        index != LOG_HISTORY_NO_PLACE && (type == STATEMENT_DAY_MARK || type == STATEMENT_MARK);
    if (ret_entry)
        *ret_entry = entry;
    return true;
}

const struct control_chain *log_history_chain(const struct log_history *history) {
    return history->chain;
}

const struct agent_registry *log_history_agents(const struct log_history *history) {
    return history->agents;
}

const struct witness_policy *log_history_witnesses(const struct log_history *history, uint64_t size) {
    const struct witness_policy *in_force = NULL;
    for (size_t i = 0; i < history->policy_count && history->policies[i].index < size; i++)
        in_force = &history->policies[i].policy;
    return in_force;
}

bool log_history_whole_to(const struct log_history *history, uint64_t *ret_index) {
    if (!history->newest_is_mark)
        return false;
    *ret_index = history->last_place;
    return true;
}

bool log_history_orphan(const struct log_history *history, const struct hash *stream_id, uint64_t batch_seq,
                        struct orphan *ret_orphan) {
    for (size_t i = history->orphan_count; i-- > 0;) {
        struct orphan orphan;
        if (orphan_read(buffer_slice(&history->orphans[i]), &orphan, NULL) &&
            orphan.part.batch_seq == batch_seq && hash_equal(&orphan.part.stream_id, stream_id)) {
            *ret_orphan = orphan;
            return true;
        }
    }
    return false;
}

/* ---- */

struct log_history *log_history_create(const struct control_trust *trust) {
    struct log_history *history = memory_new(sizeof *history);
    history->chain = control_chain_create(trust);
    history->agents = agent_registry_create();
    return history;
}

struct log_history *log_history_destroy(struct log_history *history) {
    if (history) {
        control_chain_destroy(history->chain);
        agent_registry_destroy(history->agents);
        free(history->policies);
        for (size_t i = 0; i < history->orphan_count; i++)
            buffer_free(&history->orphans[i]);
        free(history->orphans);
    }
    free(history);
    return NULL;
}
