/* Which key of which host is live at which place of the log: the enrolments, rotations, revocations and forks of agents, in
 * the order of the log (log-format: Statements, types 5, 6, 7 and 21; Agents).
 *
 * A host has one line of epochs for each enrolment that began new streams. Of a name there is one live line: a later
 * enrolment ends the one before it. A rotation adds the next epoch to the live line and leaves the old one live: its last
 * batches come behind the statement. A revocation ends its epoch and all that came from it by rotation, from its own log
 * index on; a fork ends its line. What does not fit is refused and changes nothing: so no key is live that should not be.
 *
 * Owner: whoever created it; one thread. Signatures are control_chain's. Memory: about 300 bytes an epoch. Time: a scan of
 * the epochs. */
#ifndef TOCSIN_AGENT_REGISTRY_H
#define TOCSIN_AGENT_REGISTRY_H

#include "class.h"
#include "control_chain.h"

#define AGENT_INDEX_NEVER UINT64_MAX

/* One key's time. It signs for batches whose log index lies between `from` and `until`, both outside. */
struct agent_epoch {
    uint32_t epoch;
    struct verify_key key;
    uint64_t from;  /* log index of the statement that opened it */
    uint64_t until; /* of the one that ended it; AGENT_INDEX_NEVER */
    bool rotated;   /* opened by a rotation: it descends from the epoch before */
    bool confirmed; /* false: the name existed and no person signed: UNCONFIRMED */
    bool single_control;
    uint32_t heartbeat_s;
    uint64_t first_batch_seq[LANES]; /* of enrolments; 0 of rotations */
    struct hash tls;                 /* H(SubjectPublicKeyInfo) at the enrolment */
};

struct agent_line {
    struct slice name; /* the host's */
    struct hash streams[LANES];
    struct verify_key first_key;
    size_t epoch_count;
    struct agent_epoch *epochs; /* ascending */
};

struct agent_registry;

struct agent_registry *agent_registry_create(void);
struct agent_registry *agent_registry_destroy(struct agent_registry *registry); /* returns NULL */

/* Takes a statement that control_chain has taken, and its log index, above all earlier ones. True for types that are no
 * agents' matter. */
bool agent_registry_take(struct agent_registry *registry, const struct control_entry *entry,
                         const struct control_verdict *verdict, uint64_t index, struct fault *fault);
/* The same question before it is logged; nothing changes. */
bool agent_registry_judge(const struct agent_registry *registry, const struct statement *statement,
                          struct fault *fault);

/* The same for a rotation, whose signatures name its keys; true for every other type. */
bool agent_registry_judge_rotation(const struct agent_registry *registry, const struct signed_statement *statement,
                                   struct fault *fault);

/* Borrowed until the next change. NULL for none. */
const struct agent_line *agent_registry_by_stream(const struct agent_registry *registry,
                                                  const struct hash *stream_id, enum lane *ret_lane);
/* The line that is live for the name at that log index. */
const struct agent_line *agent_registry_by_name(const struct agent_registry *registry, struct slice name,
                                                uint64_t index);
size_t agent_registry_count(const struct agent_registry *registry);
const struct agent_line *agent_registry_at(const struct agent_registry *registry, size_t number);

const struct agent_epoch *agent_line_epoch(const struct agent_line *line, uint32_t epoch); /* NULL for none */
/* The newest epoch that has not ended; NULL for none. */
const struct agent_epoch *agent_line_open(const struct agent_line *line);
static inline bool agent_epoch_live(const struct agent_epoch *epoch, uint64_t index) {
    return index > epoch->from && index < epoch->until;
}

#endif
