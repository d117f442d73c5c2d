/* The registry of agents in memory: every enrolled host with its two streams, connected or not. Small for an idle one:
 * about 2 kB. Found by TLS key when it connects, by name when it joins. The loop's thread alone. */
#ifndef TOCSIN_AGENTS_H
#define TOCSIN_AGENTS_H

#include "agent_record.h"
#include "ingest_stream.h"

struct session;

struct agent {
    struct agent_record record;
    struct ingest_stream *streams[LANES];
    struct session *session; /* NULL while not connected */
    uint64_t heard_us;       /* a clock that never steps */
    uint64_t silent_since_us; /* wall clock; 0: not silent */
    uint64_t silence_told_us; /* heard_us's clock */
    bool orphaned; /* what it left open was looked at since it fell silent */
    uint64_t lag_bytes, spool_bytes; /* as its last ping told */
    bool announcing; /* the record's next_public_key is not committed yet */
    bool joining;    /* a join is being committed: it will replace the record */
};

struct agents;

struct agents *agents_create(void);
struct agents *agents_destroy(struct agents *agents);

/* Takes the record in, or a new one of a known name (which then gets new streams when its first key differs). */
struct agent *agents_put(struct agents *agents, const struct agent_record *record, uint64_t heard_us);
/* After a change of a record's TLS keys. */
void agents_index(struct agents *agents);
struct agent *agents_by_name(const struct agents *agents, struct slice name);
struct agent *agents_by_tls_key(const struct agents *agents, const uint8_t key[32]);
size_t agents_count(const struct agents *agents);
struct agent *agents_at(const struct agents *agents, size_t position);

#endif
