#include <stdio.h>

#include "calendar.h"
#include "retention_unit_inside.h"

const char *erasure_verdict_name(enum erasure_verdict verdict) {
    static const char *const names[] = {
        [ERASURE_LAWFUL] = "lawful",
        [ERASURE_WITHOUT_GROUNDS] = "without intent",
        [ERASURE_BEFORE_DAY_CLOSED] = "before its day was over",
        [ERASURE_BEFORE_MINIMUM] = "before its minimum",
        [ERASURE_POLICY_SHORTENED] = "by a shortened policy",
        [ERASURE_CLOCK_JUMPED] = "by a clock that jumped",
        [ERASURE_BEFORE_MAXIMUM] = "before its maximum",
        [ERASURE_VETOED] = "vetoed",
        [ERASURE_BEFORE_VETO_END] = "before the veto window's end",
        [ERASURE_UNDER_HOLD] = "under a hold",
        [ERASURE_UNCONFIRMED] = "not confirmed",
        [ERASURE_UNWITNESSED] = "by nobody, without witnesses",
    };
    return names[verdict];
}

/* The facts that the rules look at, gathered once. */
struct matter {
    const struct retention_unit *unit;
    const struct retention_erasure *erasure;
    const struct retention_clock *clock;
    const struct retention_grounds *grounds;
    bool begun_seen; /* by witnesses, where they must */
    struct erasure_judgement *judgement;
};

static void say_time(uint64_t time_us, char text[CALENDAR_TEXT_SIZE]) {
    if (time_us == RETENTION_NEVER)
        snprintf(text, CALENDAR_TEXT_SIZE, "never");
    else
        calendar_text(time_us, text);
}

/* Rules return true when they are broken, and have written the sentence then. */
static bool broken(struct matter *m, enum erasure_verdict verdict, const char *what) {
    m->judgement->verdict = verdict;
    snprintf(m->judgement->text, sizeof m->judgement->text, "%s", what);
    return true;
}

/* The same with both times. */
static bool too_early(struct matter *m, enum erasure_verdict verdict, const char *what, uint64_t due_us) {
    char due[CALENDAR_TEXT_SIZE], now[CALENDAR_TEXT_SIZE];
    say_time(due_us, due);
    say_time(m->judgement->now_us, now);
    m->judgement->verdict = verdict;
    snprintf(m->judgement->text, sizeof m->judgement->text, "%s: due %s, begun %s", what, due, now);
    return true;
}

static bool rule_grounds(struct matter *m) {
    const struct retention_grounds *grounds = m->grounds;
    const struct erase_range *range = &m->erasure->range;
    if (grounds && grounds->place.index < m->erasure->begun.index && unit_covered(m->unit, range) &&
        unit_covered(m->unit, &grounds->range) && hash_equal(&grounds->range.key_id, &range->key_id))
        return false;
    return broken(m, ERASURE_WITHOUT_GROUNDS, "no intent and no statement of people covers the erasure");
}

static bool rule_witnesses(struct matter *m) {
    if (!m->judgement->unwitnessed || m->grounds->kind == GROUNDS_EARLY)
        return false;
    return broken(m, ERASURE_UNWITNESSED,
                  "without witnesses nothing is erased by itself, and no people signed it");
}

static bool rule_seen(struct matter *m) {
    return !m->begun_seen && broken(m, ERASURE_UNCONFIRMED,
                                    "no checkpoint that meets the witness policy holds its beginning yet");
}

static bool rule_closed(struct matter *m) {
    return !m->judgement->span.closed &&
           broken(m, ERASURE_BEFORE_DAY_CLOSED, "its day was not over, or that was not witnessed");
}

/* Whether the collector's clock alone says that the time had come. */
static bool clock_says(const struct matter *m, uint64_t due_us) {
    return m->erasure->begun.time_us >= due_us;
}
#define CLOCK_TEXT "it was due by the collector's clock alone"

static bool rule_minimum(struct matter *m) {
    const struct retention_span *span = &m->judgement->span;
    if (m->judgement->now_us >= span->earliest_us)
        return false;
    if (m->judgement->now_us >= span->present_us)
        return too_early(m, ERASURE_POLICY_SHORTENED,
                         "the policy was shortened, and what was taken in before it is kept longer",
                         span->earliest_us);
    if (clock_says(m, span->earliest_us))
        return too_early(m, ERASURE_CLOCK_JUMPED, CLOCK_TEXT, span->earliest_us);
    return too_early(m, ERASURE_BEFORE_MINIMUM, "its minimum was not over", span->earliest_us);
}

static bool rule_veto(struct matter *m) {
    return m->grounds->vetoed < m->erasure->begun.index && broken(m, ERASURE_VETOED, "it was vetoed");
}

static bool rule_maximum(struct matter *m) {
    uint64_t latest_us = m->judgement->span.latest_us;
    if (m->grounds->kind != GROUNDS_INTENT || m->judgement->now_us >= latest_us)
        return false;
    if (clock_says(m, latest_us))
        return too_early(m, ERASURE_CLOCK_JUMPED, CLOCK_TEXT, latest_us);
    return too_early(m, ERASURE_BEFORE_MAXIMUM, "between minimum and maximum people must sign", latest_us);
}

static bool rule_veto_window(struct matter *m) {
    if (m->grounds->kind != GROUNDS_INTENT)
        return false;
    uint64_t end_us =
        unit_intent_end(m->unit, m->clock, m->grounds, &m->judgement->span, m->erasure->begun.index);
    return m->judgement->now_us < end_us &&
           too_early(m, ERASURE_BEFORE_VETO_END, "its veto window was not over", end_us);
}

static bool rule_hold(struct matter *m) {
    bool asked;
    const struct retention_hold *hold = unit_blocked(m->unit, m->clock, m->erasure->begun.index, &asked);
    if (!hold)
        return false;
    m->judgement->verdict = ERASURE_UNDER_HOLD;
    m->judgement->hold = hold->place.ctl_seq;
    snprintf(m->judgement->text, sizeof m->judgement->text,
             "hold %llu could match it, and what it takes was not put aside before",
             (unsigned long long)hold->place.ctl_seq);
    return true;
}

/* In the order in which their answers say most. */
static bool (*const rules[])(struct matter *) = {
    rule_grounds, rule_witnesses, rule_seen,        rule_closed, rule_minimum,
    rule_veto,    rule_maximum,   rule_veto_window, rule_hold,
};

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* When it began, by whoever can show it. */
static void find_now(struct matter *m) {
    const struct retention_place *begun = &m->erasure->begun;
    uint64_t earliest, latest;
    m->begun_seen = true;
    if (m->judgement->unwitnessed) {
        uint64_t median = retention_agents_median(m->unit->ledger, m->unit->registry, m->clock, begun->index);
        m->judgement->now_us = least(begun->time_us, median);
        if (m->grounds)
            m->judgement->now_us = least(m->judgement->now_us, m->grounds->made_us);
        return;
    }
    m->begun_seen = m->clock->witnessed(m->clock->context, begun->index, &earliest, &latest);
    if (m->begun_seen)
        m->judgement->now_us = earliest;
}

void retention_unit_judge(const struct retention_unit *unit, const struct retention_erasure *erasure,
                          const struct retention_clock *clock, struct erasure_judgement *ret_judgement) {
    const uint64_t below = erasure->begun.index;
    struct erasure_judgement judgement = {.verdict = ERASURE_LAWFUL, .text = "it was lawful"};
    struct matter m = {.unit = unit, .erasure = erasure, .clock = clock, .judgement = &judgement};
    const struct retention_change *policy = below ? retention_ledger_policy(unit->ledger, below - 1) : NULL;
    m.grounds = retention_ledger_ground(unit->ledger, erasure->grounds);
    judgement.unwitnessed = !unit_witnessed(unit, below);
    judgement.span = retention_unit_span(unit, clock, below);
    judgement.single_control = (policy && policy->single_control) || (m.grounds && m.grounds->single_control);
    find_now(&m);
    bool bad = false;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && !bad; i++)
        bad = rules[i](&m);
    *ret_judgement = judgement;
}
