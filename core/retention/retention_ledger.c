#include "retention_ledger.h"

#include <stdlib.h>

#include "decision.h"
#include "memory.h"
#include "new_origin.h"
#include "statement_type.h"

/* A growing array of one kind of record; the log is its ceiling. */
struct rows {
    void *rows;
    size_t count, room;
};

struct witness_change {
    struct retention_place place;
    struct witness_policy policy;
};

struct retention_ledger {
    struct rows days, changes, holds, matches, grounds, erasures, farewells, witnesses;
    uint64_t last; /* log index of the entry taken last */
};

static void *rows_add(struct rows *rows, size_t size) {
    if (rows->count == rows->room) {
        rows->room = rows->room ? 2 * rows->room : 8;
        rows->rows = memory_resize(rows->rows, rows->room, size);
    }
    void *row = (uint8_t *)rows->rows + rows->count++ * size;
    memset(row, 0, size);
    return row;
}
#define ADD(ledger, kind, type) ((struct type *)rows_add(&(ledger)->kind, sizeof(struct type)))

struct retention_ledger *retention_ledger_create(void) {
    return memory_new(sizeof(struct retention_ledger));
}

static void free_name(struct slice name) {
    free((void *)(uintptr_t)name.data);
}

static struct slice copy_name(struct slice name) {
    return name.size ? slice_make(memory_copy(name.data, name.size), name.size) : SLICE("");
}

struct retention_ledger *retention_ledger_destroy(struct retention_ledger *ledger) {
    if (!ledger)
        return NULL;
    struct retention_hold *holds = ledger->holds.rows;
    for (size_t i = 0; i < ledger->holds.count; i++)
        if (holds[i].hold.host.size)
            free_name(holds[i].hold.host);
    struct retention_farewell *farewells = ledger->farewells.rows;
    for (size_t i = 0; i < ledger->farewells.count; i++)
        free_name(farewells[i].host);
    struct rows *all[] = {&ledger->days,    &ledger->changes,  &ledger->holds,     &ledger->matches,
                          &ledger->grounds, &ledger->erasures, &ledger->farewells, &ledger->witnesses};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]->rows);
    free(ledger);
    return NULL;
}

/* ---- looking up. All lists ascend by ctl_seq and index. */

#define LIST(kind, type)                                                                                     \
    size_t retention_ledger_##kind(const struct retention_ledger *ledger, const struct type **ret_##kind) {  \
        *ret_##kind = ledger->kind.rows;                                                                     \
        return ledger->kind.count;                                                                           \
    }
LIST(days, retention_day)
LIST(changes, retention_change)
LIST(holds, retention_hold)
LIST(matches, retention_match)
LIST(grounds, retention_grounds)
LIST(erasures, retention_erasure)
LIST(farewells, retention_farewell)
#undef LIST

/* Every record begins with its place. How many records have a ctl_seq (or index) of at most that. */
static size_t up_to(const struct rows *rows, size_t size, uint64_t value, bool by_index) {
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct retention_place *place = (const void *)((const uint8_t *)rows->rows + middle * size);
        if ((by_index ? place->index : place->ctl_seq) <= value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void *find(const struct rows *rows, size_t size, uint64_t ctl_seq) {
    size_t behind = up_to(rows, size, ctl_seq, false);
    if (behind == 0)
        return NULL;
    uint8_t *row = (uint8_t *)rows->rows + (behind - 1) * size;
    return ((struct retention_place *)(void *)row)->ctl_seq == ctl_seq ? row : NULL;
}
/* For what was judged to be there. */
static void *known(const struct rows *rows, size_t size, uint64_t ctl_seq) {
    return memory_known(find(rows, size, ctl_seq));
}

const struct retention_hold *retention_ledger_hold(const struct retention_ledger *ledger, uint64_t ctl_seq) {
    return find(&ledger->holds, sizeof(struct retention_hold), ctl_seq);
}

const struct retention_grounds *retention_ledger_ground(const struct retention_ledger *ledger,
                                                        uint64_t ctl_seq) {
    return find(&ledger->grounds, sizeof(struct retention_grounds), ctl_seq);
}

const struct retention_erasure *retention_ledger_erasure(const struct retention_ledger *ledger,
                                                         uint64_t ctl_seq) {
    return find(&ledger->erasures, sizeof(struct retention_erasure), ctl_seq);
}

const struct retention_day *retention_ledger_day(const struct retention_ledger *ledger, uint64_t index) {
    const struct retention_day *days = ledger->days.rows;
    size_t behind = up_to(&ledger->days, sizeof *days, index, true);
    return behind ? &days[behind - 1] : NULL;
}

const struct retention_change *retention_ledger_policy(const struct retention_ledger *ledger,
                                                       uint64_t index) {
    const struct retention_change *changes = ledger->changes.rows;
    size_t behind = up_to(&ledger->changes, sizeof *changes, index, true);
    return behind ? &changes[behind - 1] : NULL;
}

const struct witness_policy *retention_ledger_witness_policy(const struct retention_ledger *ledger,
                                                             uint64_t index) {
    const struct witness_change *changes = ledger->witnesses.rows;
    size_t behind = up_to(&ledger->witnesses, sizeof *changes, index, true);
    return behind ? &changes[behind - 1].policy : NULL;
}

unsigned retention_ledger_witnesses(const struct retention_ledger *ledger, uint64_t index) {
    const struct witness_policy *policy = retention_ledger_witness_policy(ledger, index);
    return policy ? policy->needed : 0;
}

const struct retention_farewell *retention_ledger_farewell(const struct retention_ledger *ledger,
                                                           struct slice host, uint64_t index,
                                                           uint64_t below) {
    const struct retention_farewell *farewells = ledger->farewells.rows;
    for (size_t i = 0; i < ledger->farewells.count && farewells[i].place.index < below; i++)
        if (farewells[i].place.index > index && slice_equal(farewells[i].host, host))
            return &farewells[i];
    return NULL;
}

bool retention_ledger_matched(const struct retention_ledger *ledger, uint64_t hold, uint8_t class,
                              uint64_t first, uint64_t last, uint64_t below) {
    const struct retention_match *matches = ledger->matches.rows;
    for (size_t i = 0; i < ledger->matches.count && matches[i].place.index < below; i++) {
        const struct hold_matched *matched = &matches[i].matched;
        if (matched->hold == hold && matched->class == class && matched->first <= first &&
            matched->last >= last)
            return true;
    }
    return false;
}

/* ---- what a statement says. One that is read is judged against what is known, then taken. */

struct said {
    union {
        struct retention_policy retention;
        struct witness_policy witnesses;
        struct genesis genesis;
        struct new_origin origin;
        struct hold hold;
        struct hold_matched matched;
        struct hold_release release;
        struct erase_intent intent;
        struct early_erasure early;
        struct erase_begun begun;
        struct decommission decommission;
        struct decision decision;
        uint64_t reference;
    };
};

static bool said_read(const struct statement *statement, struct said *said, struct fault *fault) {
    struct slice payload = statement->payload;
    struct bytes_reader reader = bytes_read(payload);
    switch (statement->type) {
    case STATEMENT_GENESIS:
        return genesis_read(payload, &said->genesis, fault);
    case STATEMENT_NEW_ORIGIN:
        return new_origin_read(payload, &said->origin, fault);
    case STATEMENT_RETENTION_POLICY:
        return retention_policy_read(&reader, &said->retention, fault);
    case STATEMENT_WITNESS_POLICY:
        return witness_policy_read(&reader, &said->witnesses, fault);
    case STATEMENT_HOLD_PLACE:
        return hold_read(payload, &said->hold, fault);
    case STATEMENT_HOLD_MATCHED:
        return hold_matched_read(payload, &said->matched, fault);
    case STATEMENT_HOLD_RELEASE:
        return hold_release_read(payload, &said->release, fault);
    case STATEMENT_ERASE_INTENT:
        return erase_intent_read(payload, &said->intent, fault);
    case STATEMENT_EARLY_ERASURE:
        return early_erasure_read(payload, &said->early, fault);
    case STATEMENT_ERASE_BEGUN:
        return erase_begun_read(payload, &said->begun, fault);
    case STATEMENT_ERASE_VETO:
    case STATEMENT_ERASE_DONE:
        return erase_reference_read(payload, &said->reference, fault);
    case STATEMENT_DECOMMISSION:
        return decommission_read(payload, &said->decommission, fault);
    case STATEMENT_DECISION:
        return decision_read(payload, &said->decision, fault);
    default:
        return true;
    }
}

#define NONSENSE(fault, format, ctl_seq)                                                                     \
    fault_set(fault, FAULT_CONFLICT, format, (unsigned long long)(ctl_seq))

/* In one day that is there. */
static bool range_good(const struct retention_ledger *ledger, const struct erase_range *range,
                       struct fault *fault) {
    const struct retention_day *day = retention_ledger_day(ledger, range->first);
    if (!day || range->last >= day->closed.index)
        return fault_set(fault, FAULT_CONFLICT, "the range of an erasure does not lie in one day of the log");
    if (day->closed.index == RETENTION_INDEX_NEVER)
        return fault_set(fault, FAULT_CONFLICT, "the day in which an erasure lies is not over");
    return true;
}

static bool hold_good(const struct retention_ledger *ledger, uint64_t ctl_seq, struct fault *fault) {
    const struct retention_hold *hold = retention_ledger_hold(ledger, ctl_seq);
    if (!hold)
        return NONSENSE(fault, "control entry %llu places no hold", ctl_seq);
    return hold->released == RETENTION_INDEX_NEVER ||
           NONSENSE(fault, "hold %llu was released already", ctl_seq);
}

static bool intent_good(const struct retention_ledger *ledger, const struct erase_intent *intent,
                        struct fault *fault) {
    const struct retention_change *policy = retention_ledger_policy(ledger, UINT64_MAX);
    return (policy && policy->place.ctl_seq == intent->policy) ||
           NONSENSE(fault, "the intent rests on policy %llu, which is not the one in force", intent->policy);
}

static bool overlaps(const struct erase_range *a, const struct erase_range *b) {
    return a->class == b->class && a->first <= b->last && b->first <= a->last;
}

static bool veto_good(const struct retention_ledger *ledger, uint64_t ctl_seq, struct fault *fault) {
    const struct retention_grounds *grounds = retention_ledger_ground(ledger, ctl_seq);
    if (!grounds)
        return NONSENSE(fault, "control entry %llu is no intent of an erasure and no early one", ctl_seq);
    if (grounds->vetoed != RETENTION_INDEX_NEVER)
        return NONSENSE(fault, "erasure %llu was vetoed already", ctl_seq);
    const struct retention_erasure *erasures = ledger->erasures.rows;
    for (size_t i = 0; i < ledger->erasures.count; i++)
        if (erasures[i].grounds == ctl_seq && erasures[i].done != RETENTION_INDEX_NEVER)
            return NONSENSE(fault, "what erasure %llu is about is gone already", ctl_seq);
    return true;
}

static bool begun_good(const struct retention_ledger *ledger, const struct erase_begun *begun,
                       struct fault *fault) {
    const struct retention_grounds *grounds = retention_ledger_ground(ledger, begun->grounds);
    if (!grounds)
        return NONSENSE(fault, "an erasure rests on control entry %llu, which is no intent of one",
                        begun->grounds);
    const struct erase_range *range = &grounds->range;
    if (range->class != begun->range.class || range->first > begun->range.first ||
        range->last < begun->range.last || !hash_equal(&range->key_id, &begun->range.key_id))
        return NONSENSE(fault, "an erasure goes beyond its grounds, control entry %llu", begun->grounds);
    if (grounds->vetoed != RETENTION_INDEX_NEVER)
        return NONSENSE(fault, "an erasure was begun though it was vetoed: control entry %llu",
                        begun->grounds);
    const struct retention_erasure *erasures = ledger->erasures.rows;
    for (size_t i = 0; i < ledger->erasures.count; i++)
        if (erasures[i].done != RETENTION_INDEX_NEVER && overlaps(&erasures[i].range, &begun->range))
            return NONSENSE(fault, "what is to be erased went already: control entry %llu",
                            erasures[i].begun.ctl_seq);
    return true;
}

static bool done_good(const struct retention_ledger *ledger, uint64_t ctl_seq, struct fault *fault) {
    const struct retention_erasure *erasure = retention_ledger_erasure(ledger, ctl_seq);
    if (!erasure)
        return NONSENSE(fault, "control entry %llu begins no erasure", ctl_seq);
    return erasure->done == RETENTION_INDEX_NEVER ||
           NONSENSE(fault, "erasure %llu was done already", ctl_seq);
}

static bool said_good(const struct retention_ledger *ledger, uint32_t type, const struct said *said,
                      struct fault *fault) {
    switch (type) {
    case STATEMENT_HOLD_MATCHED:
        return hold_good(ledger, said->matched.hold, fault);
    case STATEMENT_HOLD_RELEASE:
        return hold_good(ledger, said->release.hold, fault);
    case STATEMENT_ERASE_INTENT:
        return range_good(ledger, &said->intent.range, fault) && intent_good(ledger, &said->intent, fault);
    case STATEMENT_EARLY_ERASURE:
        return range_good(ledger, &said->early.range, fault);
    case STATEMENT_ERASE_BEGUN:
        return range_good(ledger, &said->begun.range, fault) && begun_good(ledger, &said->begun, fault);
    case STATEMENT_ERASE_VETO:
        return veto_good(ledger, said->reference, fault);
    case STATEMENT_ERASE_DONE:
        return done_good(ledger, said->reference, fault);
    default:
        return true;
    }
}

bool retention_ledger_judge(const struct retention_ledger *ledger, const struct statement *statement,
                            struct fault *fault) {
    struct said said;
    return said_read(statement, &said, fault) && said_good(ledger, statement->type, &said, fault);
}

/* ---- taking */

static void take_mark(struct retention_ledger *ledger, const struct retention_place *place) {
    struct retention_day *days = ledger->days.rows;
    if (ledger->days.count > 0)
        days[ledger->days.count - 1].closed = *place;
    struct retention_day *day = ADD(ledger, days, retention_day);
    day->opened = *place;
    day->closed.index = RETENTION_INDEX_NEVER;
}

static void take_decision(struct retention_ledger *ledger, const struct retention_place *place,
                          const struct decision *decision) {
    uint64_t day;
    if (!decision_of_day(decision, &day))
        return;
    struct retention_day *row = find(&ledger->days, sizeof *row, day);
    if (row && row->settled == 0)
        row->settled = place->ctl_seq;
}

static void take_policy(struct retention_ledger *ledger, const struct retention_place *place,
                        const struct retention_policy *policy, bool single) {
    *ADD(ledger, changes, retention_change) = (struct retention_change){*place, *policy, single};
}

static void take_witnesses(struct retention_ledger *ledger, const struct retention_place *place,
                           const struct witness_policy *policy) {
    *ADD(ledger, witnesses, witness_change) = (struct witness_change){*place, *policy};
}

static void take_grounds(struct retention_ledger *ledger, const struct retention_grounds *grounds) {
    struct retention_grounds *row = ADD(ledger, grounds, retention_grounds);
    *row = *grounds;
    row->vetoed = RETENTION_INDEX_NEVER;
}

static void take_begun(struct retention_ledger *ledger, const struct retention_place *place,
                       const struct erase_begun *begun) {
    *ADD(ledger, erasures, retention_erasure) =
        (struct retention_erasure){*place, begun->range, begun->grounds, RETENTION_INDEX_NEVER};
}

static void take_hold(struct retention_ledger *ledger, const struct retention_place *place,
                      const struct hold *hold) {
    struct retention_hold *row = ADD(ledger, holds, retention_hold);
    *row = (struct retention_hold){*place, RETENTION_INDEX_NEVER, *hold};
    row->hold.host = copy_name(hold->host);
}

static void take(struct retention_ledger *ledger, const struct retention_place *place,
                 const struct statement *statement, const struct control_verdict *verdict,
                 const struct said *said) {
    switch (statement->type) {
    case STATEMENT_GENESIS:
        take_mark(ledger, place);
        take_policy(ledger, place, &said->genesis.retention, false);
        take_witnesses(ledger, place, &said->genesis.witnesses);
        break;
    case STATEMENT_NEW_ORIGIN:
        take_mark(ledger, place);
        take_policy(ledger, place, &said->origin.genesis.retention, false);
        take_witnesses(ledger, place, &said->origin.genesis.witnesses);
        break;
    case STATEMENT_DAY_MARK:
        take_mark(ledger, place);
        break;
    case STATEMENT_RETENTION_POLICY:
        take_policy(ledger, place, &said->retention, verdict->single_control);
        break;
    case STATEMENT_WITNESS_POLICY:
        take_witnesses(ledger, place, &said->witnesses);
        break;
    case STATEMENT_HOLD_PLACE:
        take_hold(ledger, place, &said->hold);
        break;
    case STATEMENT_HOLD_MATCHED:
        *ADD(ledger, matches, retention_match) = (struct retention_match){*place, said->matched};
        break;
    case STATEMENT_HOLD_RELEASE:
        ((struct retention_hold *)known(&ledger->holds, sizeof(struct retention_hold), said->release.hold))
            ->released = place->index;
        break;
    case STATEMENT_ERASE_INTENT:
        take_grounds(ledger, &(struct retention_grounds){.place = *place,
                                                         .kind = GROUNDS_INTENT,
                                                         .range = said->intent.range,
                                                         .policy = said->intent.policy,
                                                         .made_us = statement->made_us});
        break;
    case STATEMENT_EARLY_ERASURE:
        take_grounds(ledger, &(struct retention_grounds){.place = *place,
                                                         .kind = GROUNDS_EARLY,
                                                         .range = said->early.range,
                                                         .made_us = statement->made_us,
                                                         .people = verdict->people,
                                                         .single_control = verdict->single_control});
        break;
    case STATEMENT_ERASE_VETO:
        ((struct retention_grounds *)known(&ledger->grounds, sizeof(struct retention_grounds),
                                           said->reference))
            ->vetoed = place->index;
        break;
    case STATEMENT_ERASE_BEGUN:
        take_begun(ledger, place, &said->begun);
        break;
    case STATEMENT_ERASE_DONE:
        ((struct retention_erasure *)known(&ledger->erasures, sizeof(struct retention_erasure),
                                           said->reference))
            ->done = place->index;
        break;
    case STATEMENT_DECISION:
        take_decision(ledger, place, &said->decision);
        break;
    case STATEMENT_DECOMMISSION:
        *ADD(ledger, farewells, retention_farewell) =
            (struct retention_farewell){*place, statement->made_us, copy_name(said->decommission.host)};
        break;
    default:
        break;
    }
}

bool retention_ledger_add(struct retention_ledger *ledger, uint64_t index, const struct control_entry *entry,
                          const struct control_verdict *verdict, struct fault *fault) {
    const struct statement *statement = &entry->statement.statement;
    struct retention_place place = {entry->ctl_seq, index, entry->time_us};
    struct said said;
    if (ledger->days.count > 0 && index <= ledger->last)
        return fault_set(fault, FAULT_USAGE, "control entries come in the order of the log");
    if (ledger->days.count == 0 && statement->type != STATEMENT_GENESIS &&
        statement->type != STATEMENT_NEW_ORIGIN)
        return fault_set(fault, FAULT_USAGE, "a control chain begins with its genesis");
    if (!said_read(statement, &said, fault))
        return false;
    ledger->last = index;
    if (!said_good(ledger, statement->type, &said, fault)) {
        if (statement->type == STATEMENT_ERASE_BEGUN)
            take_begun(ledger, &place, &said.begun);
        return false;
    }
    take(ledger, &place, statement, verdict, &said);
    return true;
}
