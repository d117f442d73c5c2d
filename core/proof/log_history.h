/* A log's control chain by the places of its entries: which agent's key was live at which log index, and which witnesses a
 * checkpoint of which size needs.
 *
 * The chain alone says in which order statements were taken; to judge a batch its keeper must also know where they stand in
 * the log. Whoever holds the whole log places every entry. A proof places those that matter (log_history_placed), and the
 * genesis, which stands at 0. Places ascend. That they are true is for whoever gives them: by an inclusion proof, or from
 * the log itself.
 *
 * Owner: whoever created it; one thread. Bytes given are copied where they are kept. */
#ifndef TOCSIN_LOG_HISTORY_H
#define TOCSIN_LOG_HISTORY_H

#include "agent_registry.h"
#include "signed_conflict.h"

#define LOG_HISTORY_NO_PLACE UINT64_MAX

struct log_history;

/* `trust` as control_chain takes it. */
struct log_history *log_history_create(const struct control_trust *trust);
struct log_history *log_history_destroy(struct log_history *history); /* returns NULL */

/* Whether an entry of that type must come with its place: agents, witnesses, orphans, forks, erasures and holds. */
bool log_history_placed(uint32_t type);

/* Takes the next control entry; `index` may be LOG_HISTORY_NO_PLACE where log_history_placed says so. An agent's statement
 * that its registry refuses is in the chain all the same and makes no key live; ret_entry may be NULL. */
bool log_history_add(struct log_history *history, struct slice entry, uint64_t index,
                     struct control_entry *ret_entry, struct fault *fault);

const struct control_chain *log_history_chain(const struct log_history *history);
const struct agent_registry *log_history_agents(const struct log_history *history);
/* In force for a tree of `size` entries. NULL before the genesis. */
const struct witness_policy *log_history_witnesses(const struct log_history *history, uint64_t size);
/* The newest entry's place where that is a mark (types 2, 23): the chain is whole up to there. False where it is none. */
bool log_history_whole_to(const struct log_history *history, uint64_t *ret_index);
/* The orphan of that batch, as its payload; false for none. Borrowed. */
bool log_history_orphan(const struct log_history *history, const struct hash *stream_id, uint64_t batch_seq,
                        struct orphan *ret_orphan);

#endif
