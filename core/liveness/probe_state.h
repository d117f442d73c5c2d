/* What is thought of one thing that is probed, run after run: ok, warn or critical, changed only after several runs agree.
 *
 * An outage is a critical state; it counts from its first bad run, not from when it was believed. What goes on, warn or
 * critical, is told again, so that an alert which somebody put away comes back. While a change is in the air the next run is due sooner: a thing that is really down
 * is told within one cycle all the same.
 *
 * A value without anything to free; between runs of the agent it is bytes (proto/FORMATS.md, Probe state). Times are
 * microseconds of the wall clock; one that steps back makes nothing older than it was. */
#ifndef TOCSIN_PROBE_STATE_H
#define TOCSIN_PROBE_STATE_H

#include "buffer.h"
#include "fault.h"
#include "liveness_checks.h"

struct probe_bounds {
    uint64_t every_us;    /* between two runs */
    uint64_t retry_us;    /* the same, while runs and state differ */
    unsigned down_after;  /* bad runs in a row until it is believed; at least 1 */
    unsigned up_after;    /* better ones until it is believed */
    uint64_t remind_us;   /* what goes on is told again so often */
    uint64_t recovery_us; /* in which the service must be back; 0: no such bound */
};
/* 7 s, retried after 2 s, 2 down, 2 up, told again every hour, back within 27 h (Security Manual). */
struct probe_bounds probe_bounds_default(void);

struct probe_state {
    enum liveness_state state;  /* SKIPPED: nothing is known yet */
    enum liveness_state coming; /* what the last runs said, where they differ from it */
    unsigned streak;            /* how many of them */
    uint64_t since_us;          /* the first run of this state */
    uint64_t coming_since_us;   /* the first run of the streak */
    uint64_t outage_us;         /* the first critical run; 0 while it is not critical */
    uint64_t told_us;           /* when the state was told last */
    uint64_t seen_us;           /* the last run */
};

enum probe_change {
    PROBE_SAME,
    PROBE_FIRST, /* the first state there is, and it is ok */
    PROBE_WORSE,
    PROBE_BETTER,    /* from critical to warn */
    PROBE_RECOVERED, /* to ok: the outage is over */
    PROBE_STILL,     /* nothing changed, and it is time to say so again */
};

/* What a run changed. The share of the bound is in per mille, and may be over 1000. */
struct probe_news {
    enum probe_change change;
    enum liveness_state from, to;
    uint64_t outage_us; /* when the one began that goes on, or is over with this; 0 for none */
    uint64_t
        lasted_us; /* its length until now; without an outage that of the state before, or of this one if it is told again */
    uint64_t used_permille;
};

/* One run's outcome (ok, warn or critical; SKIPPED changes nothing) at that time. */
void probe_state_take(struct probe_state *state, const struct probe_bounds *bounds,
                      enum liveness_state outcome, uint64_t now_us, struct probe_news *ret_news);
/* How long until the next run. */
uint64_t probe_state_pause(const struct probe_state *state, const struct probe_bounds *bounds);

#define PROBE_STATE_SIZE 56u
void probe_state_write(const struct probe_state *state, uint8_t to[PROBE_STATE_SIZE]);
bool probe_state_read(struct slice from, struct probe_state *ret_state, struct fault *fault);

#endif
