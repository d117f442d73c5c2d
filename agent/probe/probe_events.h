/* What a run of a probe says, as events: its result each time, and what changed when something did.
 *
 * Pure: a result, a state and news in, the bodies' fields out. The names of the fields stand in FORMATS.md, Events of
 * probes; rules and `tocsin status` read them. */
#ifndef TOCSIN_PROBE_EVENTS_H
#define TOCSIN_PROBE_EVENTS_H

#include "buffer.h"
#include "event.h"
#include "probe.h"
#include "probe_state.h"

#define PROBE_EVENT_MOST (64u * 1024) /* bytes of a body */

/* Which checks failed in a run, whatever the address. */
struct probe_failed {
    bool checks[LIVENESS_CHECKS];
};
void probe_failed_take(const struct probe_result *result, struct probe_failed *ret_failed);
/* Whether one of `now` is not among those told. */
bool probe_failed_more(const struct probe_failed *now, const struct probe_failed *told);

#define PROBE_PARTS_TOLD 64u /* in the event of a run, those that failed first; the rest are counted */

/* Append a whole body. `name` is the probe's; `dropped` how many results of runs were not told before this one. */
bool probe_event_result(struct buffer *to, const char *name, const struct probe_result *result,
                        uint64_t dropped);
/* `finding`: the state is what it was, other checks fail. */
bool probe_event_changed(struct buffer *to, const char *name, const struct probe_result *result,
                         const struct probe_state *state, const struct probe_news *news, bool finding);

/* It stood in the settings once, and does not any more: what was told of it goes on no longer. */
bool probe_event_removed(struct buffer *to, const char *name);

#endif
