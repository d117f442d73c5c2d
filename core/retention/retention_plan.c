#include "retention_unit_inside.h"

const char *retention_state_name(enum retention_state state) {
    static const char *const names[] = {
        [RETENTION_OPEN] = "open",   [RETENTION_KEPT] = "kept",         [RETENTION_FREE] = "free",
        [RETENTION_DUE] = "due",     [RETENTION_INTENDED] = "intended", [RETENTION_VETOED] = "vetoed",
        [RETENTION_HELD] = "held",   [RETENTION_REMINDED] = "reminded", [RETENTION_READY] = "ready",
        [RETENTION_BEGUN] = "begun", [RETENTION_ERASED] = "erased",
    };
    return names[state];
}

uint64_t unit_intent_end(const struct retention_unit *unit, const struct retention_clock *clock,
                         const struct retention_grounds *intent, const struct retention_span *span,
                         uint64_t below) {
    const struct retention_change *then = retention_ledger_policy(unit->ledger, intent->place.index);
    const struct retention_change *now = retention_ledger_policy(unit->ledger, below - 1);
    uint64_t days =
        then->policy.veto_days > now->policy.veto_days ? then->policy.veto_days : now->policy.veto_days;
    uint64_t earliest, latest;
    if (!clock->witnessed(clock->context, intent->place.index, &earliest, &latest) ||
        latest > RETENTION_NEVER - days * RETENTION_DAY_US)
        return RETENTION_NEVER;
    latest += days * RETENTION_DAY_US;
    return latest > span->latest_us ? latest : span->latest_us;
}

/* A beginning that counts: lawful, or waiting for its witnesses. Others are as if they were not there. */
static bool find_erasure(const struct retention_unit *unit, const struct retention_clock *clock,
                         uint64_t below, struct retention_plan *plan) {
    const struct retention_erasure *erasures;
    size_t count = retention_ledger_erasures(unit->ledger, &erasures);
    for (size_t i = 0; i < count && erasures[i].begun.index < below; i++) {
        struct erasure_judgement judgement;
        if (!unit_covered(unit, &erasures[i].range))
            continue;
        plan->erasure = erasures[i].begun.ctl_seq;
        if (erasures[i].done < below) {
            plan->state = RETENTION_ERASED;
            return true;
        }
        retention_unit_judge(unit, &erasures[i], clock, &judgement);
        plan->state = RETENTION_BEGUN;
        plan->confirmed = judgement.verdict == ERASURE_LAWFUL;
        if (plan->confirmed || judgement.verdict == ERASURE_UNCONFIRMED)
            return true;
    }
    return false;
}

/* The newest statement of people that covers the unit and was not vetoed; without witnesses it must have been signed when the
 * minimum was over. */
static const struct retention_grounds *find_early(const struct retention_unit *unit,
                                                  const struct retention_span *span, uint64_t below) {
    const struct retention_grounds *grounds, *found = NULL;
    size_t count = retention_ledger_grounds(unit->ledger, &grounds);
    for (size_t i = 0; i < count && grounds[i].place.index < below; i++)
        if (grounds[i].kind == GROUNDS_EARLY && grounds[i].vetoed >= below &&
            unit_covered(unit, &grounds[i].range) &&
            (span->witnessed || grounds[i].made_us >= span->earliest_us))
            found = &grounds[i];
    return found;
}

/* The newest intent that covers the unit, a live one before a vetoed one. */
static const struct retention_grounds *find_intent(const struct retention_unit *unit, uint64_t below) {
    const struct retention_grounds *grounds, *found = NULL;
    size_t count = retention_ledger_grounds(unit->ledger, &grounds);
    for (size_t i = 0; i < count && grounds[i].place.index < below; i++)
        if (grounds[i].kind == GROUNDS_INTENT && unit_covered(unit, &grounds[i].range) &&
            (!found || grounds[i].vetoed >= below || found->vetoed < below))
            found = &grounds[i];
    return found;
}

static void plan_ready(const struct retention_unit *unit, const struct retention_clock *clock, uint64_t below,
                       const struct retention_grounds *grounds, struct retention_plan *plan) {
    const struct retention_hold *hold = unit_blocked(unit, clock, below, &plan->confirmed);
    plan->grounds = grounds->place.ctl_seq;
    plan->state = hold ? RETENTION_HELD : RETENTION_READY;
    plan->hold = hold ? hold->place.ctl_seq : 0;
}

static void plan_intent(const struct retention_unit *unit, const struct retention_clock *clock,
                        uint64_t now_us, uint64_t below, struct retention_plan *plan) {
    const struct retention_change *policy = retention_ledger_policy(unit->ledger, below - 1);
    const struct retention_grounds *intent = find_intent(unit, below);
    const uint64_t window_us = policy->policy.veto_days * RETENTION_DAY_US, latest_us = plan->span.latest_us;
    if (!intent) {
        uint64_t due_us = latest_us == RETENTION_NEVER ? RETENTION_NEVER
                          : latest_us > window_us      ? latest_us - window_us
                                                       : 0;
        plan->state = now_us < due_us ? RETENTION_FREE : RETENTION_DUE;
        plan->until_us = now_us < due_us ? due_us : RETENTION_NEVER;
        return;
    }
    plan->grounds = intent->place.ctl_seq;
    plan->state = RETENTION_VETOED;
    if (intent->vetoed < below)
        return;
    plan->until_us = unit_intent_end(unit, clock, intent, &plan->span, below);
    plan->state = RETENTION_INTENDED;
    if (now_us >= plan->until_us)
        plan_ready(unit, clock, below, intent, plan);
}

void retention_unit_plan(const struct retention_unit *unit, const struct retention_clock *clock,
                         const struct retention_now *now, struct retention_plan *ret_plan) {
    const uint64_t below = now->log_size;
    struct retention_plan plan = {.until_us = RETENTION_NEVER};
    plan.span = retention_unit_span(unit, clock, below);
    uint64_t now_us = now->witnessed_us;
    if (!plan.span.witnessed) {
        uint64_t median_us = retention_agents_median(unit->ledger, unit->registry, clock, below);
        now_us = now->clock_us < median_us ? now->clock_us : median_us;
    }
    const struct retention_grounds *early = find_early(unit, &plan.span, below);
    plan.overdue = plan.span.closed && now_us >= plan.span.latest_us;
    if (find_erasure(unit, clock, below, &plan))
        ;
    else if (!plan.span.closed)
        plan.state = RETENTION_OPEN;
    else if (now_us < plan.span.earliest_us)
        plan.state = RETENTION_KEPT, plan.until_us = plan.span.earliest_us;
    else if (early)
        plan_ready(unit, clock, below, early, &plan);
    else if (plan.span.witnessed)
        plan_intent(unit, clock, now_us, below, &plan);
    else if (now_us < plan.span.latest_us)
        plan.state = RETENTION_FREE, plan.until_us = plan.span.latest_us;
    else
        plan.state = RETENTION_REMINDED;
    if (plan.state != RETENTION_BEGUN && plan.state != RETENTION_ERASED)
        plan.erasure = 0;
    *ret_plan = plan;
}

/* A hold keeps some of it as long as it is not released, whether it was matched or not: what was put aside is held, and what
 * was not is to go; that is the unit's own erasure. So a unit whose holds are all matched is not kept by them. */
bool retention_unit_over_retained(const struct retention_unit *unit, const struct retention_clock *clock,
                                  const struct retention_now *now) {
    bool asked;
    struct retention_plan plan;
    retention_unit_plan(unit, clock, now, &plan);
    return plan.span.witnessed && plan.overdue &&
           plan.span.latest_us < RETENTION_NEVER - RETENTION_GRACE_US &&
           now->witnessed_us >= plan.span.latest_us + RETENTION_GRACE_US &&
           !unit_blocked(unit, clock, now->log_size, &asked);
}
