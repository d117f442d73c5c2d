/* Rows that are made from others, held against what they are made from: places of hot events (index) and of batches (batch),
 * alerts against the collector's own events that say them, agents against the log that enrolled them. Whoever changes one could
 * hide an event from a search or a proof, an alert from people, or have another key taken for a host's.
 *
 * What is wrong goes to a callback with its place; of a family of rows only the first few. Memory: 24 bytes a hot row and a
 * batch, 48 an alert. */
#ifndef TOCSIN_ROW_VERIFIER_H
#define TOCSIN_ROW_VERIFIER_H

#include "agent_registry.h"
#include "store_family.h"

struct row_verifier;

typedef void row_finding(void *context, const char *place, const char *text);

struct row_verifier *row_verifier_create(row_finding *finding, void *context);
struct row_verifier *row_verifier_destroy(struct row_verifier *verifier); /* returns NULL */

/* What they are made from, as it is verified: a hot run of events by ascending arrival, a batch's entry by ascending index, a
 * body of the collector's own stream. */
void row_verifier_run(struct row_verifier *verifier, uint64_t arrival, const uint8_t stream_id[32], uint64_t first_event_seq);
void row_verifier_entry(struct row_verifier *verifier, uint64_t log_index, struct slice bytes);
void row_verifier_own(struct row_verifier *verifier, struct slice bytes);

/* The log has the mark of its size: so it has places of batches, too, which a store from before there were tiles has not. */
void row_verifier_sized(struct row_verifier *verifier);

/* The rows: index, batch, alert, the registry's agents, segment_filter. Others are passed over. */
void row_verifier_take(struct row_verifier *verifier, enum store_family family, struct slice key, struct slice value);

/* After everything, segments included. `whole`: every event of the collector's own was seen, none is erased or unread; only then
 * an alert that no event says is a finding. `agents` of a log without a genesis has none, and is passed over. */
void row_verifier_finish(struct row_verifier *verifier, const struct agent_registry *agents, bool whole);

#endif
