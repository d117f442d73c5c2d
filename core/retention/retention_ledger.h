/* What a log's control chain says about keeping and erasing: days, policies, holds, intents, vetoes, erasures,
 * decommissionings (log-format: Retention; FORMATS.md, Retention).
 *
 * A fold over the control entries as control_chain took them, in their order. The collector asks it before a statement is
 * logged (retention_ledger_judge); a verifier folds all of them and learns which made no sense (retention_ledger_add). What is
 * kept says at which log index it happened, so that every question can be asked as of any later time.
 *
 * A day is the range of log indexes from its opening mark, included, to the next mark; the genesis opens the first. It is
 * named by its opening mark's ctl_seq. An erasure is of one class in one day or a part of it.
 *
 * Owner: whoever created it; one thread, or whoever holds it still. Memory: about 100 bytes an entry of these types. */
#ifndef TOCSIN_RETENTION_LEDGER_H
#define TOCSIN_RETENTION_LEDGER_H

#include "control_chain.h"
#include "erasure.h"
#include "hold.h"

#define RETENTION_INDEX_NEVER UINT64_MAX

struct retention_place {
    uint64_t ctl_seq;
    uint64_t index;   /* in the log */
    uint64_t time_us; /* the collector's clock: worth what the collector is worth */
};

struct retention_day {
    struct retention_place opened;
    struct retention_place closed; /* the next mark; index RETENTION_INDEX_NEVER while the day goes on */
    uint64_t settled; /* ctl_seq of a person's decision that its length is known (retention_days.h); 0 */
};

struct retention_change {
    struct retention_place place;
    struct retention_policy policy;
    bool single_control;
};

struct retention_hold {
    struct retention_place place;
    uint64_t released; /* log index; RETENTION_INDEX_NEVER while it holds */
    struct hold hold;  /* its host points into the ledger */
};

struct retention_match {
    struct retention_place place;
    struct hold_matched matched;
};

enum erasure_grounds { GROUNDS_INTENT, GROUNDS_EARLY };

/* What an erasure may rest on: an intent under the policy, or a statement of people. */
struct retention_grounds {
    struct retention_place place;
    enum erasure_grounds kind;
    struct erase_range range;
    uint64_t policy;  /* of an intent */
    uint64_t vetoed;  /* log index; RETENTION_INDEX_NEVER */
    uint64_t made_us; /* when people signed an early erasure */
    unsigned people;
    bool single_control;
};

struct retention_erasure {
    struct retention_place begun;
    struct erase_range range;
    uint64_t grounds; /* ctl_seq, as it was written */
    uint64_t done;    /* log index; RETENTION_INDEX_NEVER */
};

struct retention_farewell {
    struct retention_place place;
    uint64_t made_us;  /* when people signed it */
    struct slice host; /* points into the ledger */
};

struct retention_ledger;

struct retention_ledger *retention_ledger_create(void);
struct retention_ledger *retention_ledger_destroy(struct retention_ledger *ledger); /* returns NULL */

/* Whether it makes sense to log the statement now: a release of a hold that holds, a veto of what is not gone, a
 * beginning on grounds that cover it and were not vetoed. True for types that are not of this ledger. Whether the time has
 * come is not asked here. */
bool retention_ledger_judge(const struct retention_ledger *ledger, const struct statement *statement,
                            struct fault *fault);
/* Takes the next control entry and its log index. False, with the fault, for one that makes no sense: it changes nothing, but
 * a beginning of an erasure is kept all the same, so that it can be judged. */
bool retention_ledger_add(struct retention_ledger *ledger, uint64_t index, const struct control_entry *entry,
                          const struct control_verdict *verdict, struct fault *fault);

/* All in the order of the log; borrowed until the next entry. */
size_t retention_ledger_days(const struct retention_ledger *ledger, const struct retention_day **ret_days);
size_t retention_ledger_changes(const struct retention_ledger *ledger,
                                const struct retention_change **ret_changes);
size_t retention_ledger_holds(const struct retention_ledger *ledger, const struct retention_hold **ret_holds);
size_t retention_ledger_matches(const struct retention_ledger *ledger,
                                const struct retention_match **ret_matches);
size_t retention_ledger_grounds(const struct retention_ledger *ledger,
                                const struct retention_grounds **ret_grounds);
size_t retention_ledger_erasures(const struct retention_ledger *ledger,
                                 const struct retention_erasure **ret_erasures);
size_t retention_ledger_farewells(const struct retention_ledger *ledger,
                                  const struct retention_farewell **ret_farewells);

/* NULL where there is none. */
const struct retention_hold *retention_ledger_hold(const struct retention_ledger *ledger, uint64_t ctl_seq);
const struct retention_grounds *retention_ledger_ground(const struct retention_ledger *ledger,
                                                        uint64_t ctl_seq);
const struct retention_erasure *retention_ledger_erasure(const struct retention_ledger *ledger,
                                                         uint64_t ctl_seq);
/* The day in which a log index lies. */
const struct retention_day *retention_ledger_day(const struct retention_ledger *ledger, uint64_t index);
/* The policy in force for what stands at that log index. */
const struct retention_change *retention_ledger_policy(const struct retention_ledger *ledger, uint64_t index);
/* The witness policy in force there; NULL before the genesis. And how many witnesses it needs. */
const struct witness_policy *retention_ledger_witness_policy(const struct retention_ledger *ledger,
                                                             uint64_t index);
unsigned retention_ledger_witnesses(const struct retention_ledger *ledger, uint64_t index);
/* When the host's life ended that it had at log index `index`: its first decommissioning behind it and before `below`. NULL
 * while it lives. */
const struct retention_farewell *retention_ledger_farewell(const struct retention_ledger *ledger,
                                                           struct slice host, uint64_t index, uint64_t below);
/* Whether a hold-matched entry before log index `below` says what this hold took of all of the class in the range. */
bool retention_ledger_matched(const struct retention_ledger *ledger, uint64_t hold, uint8_t class,
                              uint64_t first, uint64_t last, uint64_t below);

#endif
