/* The probes of agent.yaml as one source: when each runs, what is thought of what it finds, and the events of it.
 *
 * Runs are spread over the interval at the start and shift a little each time, so that many probes never ask at once. A
 * probe that is slow delays nobody but itself: at most PROBE_RUNS_MOST run at a time, the next due waits for one of them to
 * end. States are positions of the source, so they and the events that tell their change are in the spool together.
 *
 * Limits: PROBE_PENDING_MOST bytes of events wait for the agent; past it results of runs are dropped, and counted in the
 * next one that is not; changes of state are kept. */
#ifndef TOCSIN_PROBE_SOURCE_H
#define TOCSIN_PROBE_SOURCE_H

#include "helper.h"

#define PROBE_RUNS_MOST 1024u
#define PROBE_PENDING_MOST (8u * 1024 * 1024)

/* Settings of the helper: the site's folder, whose agent.yaml names the probes, and the data folder, below which it keeps
 * what the kinds remember. */
enum { PROBE_SETTING_SITE, PROBE_SETTING_DATA, PROBE_SETTINGS };

struct source *probe_source_create(struct helper *helper, struct fault *fault);
/* What a kind has to bring to its end before the program may end (prober_rest). */
const char *probe_source_rest(const struct source *source);

/* Reads the settings of the site and whatever files its probes name, asks nobody, and prints a line for each probe. */
bool probe_source_check(const char *site, struct fault *fault);

#endif
