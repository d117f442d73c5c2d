/* A unit: the events of one class in a range of the log that lies in one day. When it may go, when it must, what keeps it,
 * what is to be done with it next, and whether it went lawfully (log-format: Retention).
 *
 * The minimum counts from the day's closing mark, the maximum from its opening mark. With witnesses (the policy in force needs
 * one) the time of a mark is the latest cosignature of the first checkpoint that holds it and meets its policy, "now" the
 * earliest of such a one; the collector's own clock counts for nothing. Without, "since" is the mark's own time, or the median
 * of what the unit's streams have closed last where that is later; "now" is the earliest of the collector's clock, the time
 * when people signed, and the median of the agents' newest t_close: and people alone begin an erasure.
 *
 * The minimum in force is the later end of those at ingest (of the policies in force at the day's marks and between) and of
 * the one now; a maximum is never before it. System life ends when the last host in the unit was decommissioned; a stream that
 * nobody enrolled lives for ever. A class that no policy names is kept for ever.
 *
 * Owner: whoever created it; ledger and registry are borrowed, and later holds are not looked at. Time: a scan of the streams
 * for each batch. */
#ifndef TOCSIN_RETENTION_UNIT_H
#define TOCSIN_RETENTION_UNIT_H

#include "agent_registry.h"
#include "hold_match.h"
#include "retention_ledger.h"
#include "retention_term.h"

struct retention_unit;

struct retention_unit *retention_unit_create(const struct retention_ledger *ledger,
                                             const struct agent_registry *registry, uint8_t class,
                                             uint64_t first, uint64_t last);
struct retention_unit *retention_unit_destroy(struct retention_unit *unit); /* returns NULL */

struct retention_batch {
    uint64_t index; /* in the log */
    struct hash stream;
    uint64_t open_us, close_us;
    uint32_t count; /* events of the unit's class */
};

/* One of its batches (or an orphan): all of the range that hold events of the class, in any order. Others are passed over. */
void retention_unit_add(struct retention_unit *unit, const struct retention_batch *batch);
uint64_t retention_unit_events(const struct retention_unit *unit);
uint64_t retention_unit_batches(const struct retention_unit *unit);

/* ---- time, as whoever asks can show it */

struct retention_clock {
    void *context;
    /* The first checkpoint that holds this log index and met the witness policy of its place: the earliest and the latest
     * cosignature that count. False: there is none. */
    bool (*witnessed)(void *context, uint64_t index, uint64_t *ret_earliest_us, uint64_t *ret_latest_us);
    /* The newest t_close of a stream's batches below this log index. False: it has none. */
    bool (*newest_close)(void *context, const struct hash *stream, uint64_t below, uint64_t *ret_close_us);
};

struct retention_span {
    bool closed;    /* the day is over, and so counted from */
    bool witnessed; /* the times are witnesses' */
    bool shortened; /* the policy at ingest kept it longer than the one now does */
    uint64_t closed_us,
        opened_us;       /* what the minimum and the maximum count from; NEVER where it is not known yet */
    uint64_t present_us; /* the end of the minimum by the present policy alone */
    uint64_t earliest_us, latest_us; /* RETENTION_NEVER */
};

/* As the log stands with `below` entries. */
struct retention_span retention_unit_span(const struct retention_unit *unit,
                                          const struct retention_clock *clock, uint64_t below);
/* The median over the agents that are enrolled and not decommissioned; 0 without any. */
uint64_t retention_agents_median(const struct retention_ledger *ledger, const struct agent_registry *registry,
                                 const struct retention_clock *clock, uint64_t below);

/* ---- what to do next */

struct retention_now {
    uint64_t clock_us;     /* the collector's */
    uint64_t witnessed_us; /* the earliest cosignature of the newest checkpoint that met its policy; 0 */
    uint64_t log_size;
};

enum retention_state {
    RETENTION_OPEN,     /* its day is not over, or not witnessed */
    RETENTION_KEPT,     /* before its minimum */
    RETENTION_FREE,     /* between minimum and maximum: people may erase it */
    RETENTION_DUE,      /* within a veto window of its maximum, or past it: an intent is to be written */
    RETENTION_INTENDED, /* the veto window runs */
    RETENTION_VETOED,   /* and no other grounds */
    RETENTION_HELD,     /* the time has come, and a hold keeps it until what it takes is put aside */
    RETENTION_REMINDED, /* past its maximum, without witnesses: two people are to erase it */
    RETENTION_READY,    /* the time has come */
    RETENTION_BEGUN,    /* the key may go once `confirmed` */
    RETENTION_ERASED,
};
const char *retention_state_name(enum retention_state state);

struct retention_plan {
    enum retention_state state;
    struct retention_span span;
    bool
        confirmed; /* BEGUN: lawful, and witnesses have seen it where they must. HELD: what the hold takes is in the log,
                       and waits for witnesses alone */
    bool overdue;      /* past its maximum; without witnesses status reminds */
    uint64_t until_us; /* when the state ends by itself; RETENTION_NEVER */
    uint64_t grounds;  /* READY: what a beginning rests on; INTENDED, VETOED: which */
    uint64_t erasure;  /* BEGUN, ERASED: ctl_seq of the beginning */
    uint64_t hold;     /* HELD: the first that is to be matched, by ctl_seq */
};

void retention_unit_plan(const struct retention_unit *unit, const struct retention_clock *clock,
                         const struct retention_now *now, struct retention_plan *ret_plan);
/* Whether the hold could match something in the unit. */
bool retention_unit_could_hold(const struct retention_unit *unit, const struct retention_hold *hold);
/* Holds that hold, could match something here, and were placed behind that log index: of an erasure's beginning, those that came
 * too late. Writes at most `room`; returns how many there are. */
size_t retention_unit_late(const struct retention_unit *unit, uint64_t begun_index, uint64_t *ret_holds,
                           size_t room);

/* ---- judgement */

enum erasure_verdict {
    ERASURE_LAWFUL,
    ERASURE_WITHOUT_GROUNDS,   /* no intent or statement that covers it */
    ERASURE_BEFORE_DAY_CLOSED, /* nothing counts yet */
    ERASURE_BEFORE_MINIMUM,
    ERASURE_POLICY_SHORTENED, /* past the minimum now, before the one at ingest */
    ERASURE_CLOCK_JUMPED,     /* past it by the collector's clock alone */
    ERASURE_BEFORE_MAXIMUM,   /* an intent's; between minimum and maximum people must sign */
    ERASURE_VETOED,
    ERASURE_BEFORE_VETO_END,
    ERASURE_UNDER_HOLD,
    ERASURE_UNCONFIRMED, /* no witness has seen the beginning yet */
    ERASURE_UNWITNESSED, /* begun by the collector alone, without witnesses */
};
const char *erasure_verdict_name(enum erasure_verdict verdict);

#define RETENTION_TEXT_SIZE 256u
struct erasure_judgement {
    enum erasure_verdict verdict;
    bool unwitnessed, single_control;
    uint64_t now_us; /* when it began, as far as can be shown */
    uint64_t hold;   /* UNDER_HOLD: which */
    struct retention_span span;
    char text[RETENTION_TEXT_SIZE]; /* one sentence */
};

/* Whether the erasure that began at that place was lawful for this unit, which lies in its range. */
void retention_unit_judge(const struct retention_unit *unit, const struct retention_erasure *erasure,
                          const struct retention_clock *clock, struct erasure_judgement *ret_judgement);

/* Whether a unit whose bodies are there is OVER-RETAINED: past its maximum by more than a nightly job may need, by witnesses'
 * time, and no hold keeps any of it. */
#define RETENTION_GRACE_US (2 * RETENTION_DAY_US)
bool retention_unit_over_retained(const struct retention_unit *unit, const struct retention_clock *clock,
                                  const struct retention_now *now);

#endif
