/* A JOIN, checked: the token, the keys, the proof that the agent holds its signing key. Private to ingest. */
#ifndef TOCSIN_JOIN_H
#define TOCSIN_JOIN_H

#include "agent_record.h"
#include "class.h"

#define JOIN_EXPORTER_LABEL "EXPORTER-tocsin-join"

struct join_answer {
    int refusal;        /* enum Refusal of wire.proto */
    const char *reason; /* a word for the event */
};

/* Where a host's streams go on that began at another collector. */
struct join_begin {
    bool given;
    uint64_t batch_seq[LANES], event_seq[LANES];
};

/* Fills the record's name and keys and uses up the token. `binding` is the connection's exporter value. On failure
 * ret_answer and fault say why; the token is used up only when all else is good. */
bool join_check(const char *tokens, struct slice message, const uint8_t binding[32], uint64_t now_us,
                struct agent_record *record, struct join_begin *ret_begin, struct join_answer *ret_answer,
                struct fault *fault);

#endif
