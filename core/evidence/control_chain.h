/* The chain of a log's control entries, entry by entry: who may sign from which entry on, and which policies are in force.
 *
 * The collector and every verifier fold the same entries with this code. Nothing that is not exactly due is taken: ctl_seq
 * and prev, this log's statements alone, none after it expired, none twice, every signature by a live key that may sign this
 * type, two people where two are due and not two keys of one (log-format: Statements). A refusal changes nothing. Not here:
 * what is live of an agent, and whether a hold or an erasure makes sense (core/retention); of these form and signatures are
 * checked.
 *
 * Owner: whoever created it; one thread. Memory: 64 bytes an entry. Time: its signatures' verifications. */
#ifndef TOCSIN_CONTROL_CHAIN_H
#define TOCSIN_CONTROL_CHAIN_H

#include "control_entry.h"
#include "control_people.h"

struct control_chain;
struct new_origin;

/* How an entry came to be. */
struct control_verdict {
    bool
        single_control; /* it rests on fewer than two independent people where two are due, or on a single-control key */
    bool confirmed;  /* an agent's enrolment that a person signed too */
    unsigned people; /* distinct persons that signed */
};

/* `trust` may be NULL; it is copied. */
struct control_chain *control_chain_create(const struct control_trust *trust);
struct control_chain *control_chain_destroy(struct control_chain *chain); /* returns NULL */

/* Takes the next entry as it is written in the log. ret_entry, which borrows from the bytes, and ret_verdict may be NULL. */
bool control_chain_add(struct control_chain *chain, struct slice bytes, struct control_entry *ret_entry,
                       struct control_verdict *ret_verdict, struct fault *fault);

/* Whether a statement would be taken at `time_us`, for whoever is about to log it. */
bool control_chain_judge(const struct control_chain *chain, const struct signed_statement *statement,
                         uint64_t time_us, struct control_verdict *ret_verdict, struct fault *fault);
/* Appends the entry that would log it: next ctl_seq, prev. It counts once it was added. */
bool control_chain_write_next(const struct control_chain *chain, const struct signed_statement *statement,
                              uint64_t time_us, struct buffer *to);

uint64_t control_chain_count(const struct control_chain *chain);   /* entries; the next ctl_seq */
struct hash control_chain_head(const struct control_chain *chain); /* H(last entry), zeros for none */

/* What is in force after the last entry; only where count > 0. Borrowed until the next entry. */
const struct genesis *control_chain_genesis(const struct control_chain *chain); /* as it was written */
/* NULL for a log that takes no other's place. Its genesis is the one above. */
const struct new_origin *control_chain_new_origin(const struct control_chain *chain);
const struct hash *control_chain_log(const struct control_chain *chain);        /* statement_log */
const struct control_people *control_chain_people(const struct control_chain *chain);
const struct retention_policy *control_chain_retention(const struct control_chain *chain,
                                                       uint64_t *ret_ctl_seq);
const struct witness_policy *control_chain_witnesses(const struct control_chain *chain,
                                                     uint64_t *ret_ctl_seq);

#endif
