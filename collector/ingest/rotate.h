/* Rotation of an agent's signing key, at the collector (FORMATS.md, Rotation):
 *
 *     ROTATE → checked, committed → both streams' workers know the next key → ROTATED
 *     the last batch of the epoch in each lane → that stream goes on under the next key
 *     both there → the record has the next key as its present one
 *
 * Private to ingest; the loop's thread alone. */
#ifndef TOCSIN_ROTATE_H
#define TOCSIN_ROTATE_H

#include "session.h"

struct rotate_answer {
    bool known;         /* committed already: answer at once */
    const char *reason; /* of a refusal: a word for the event */
};

/* A ROTATE of a greeted agent. True: it is good; session_tell_rotated follows after its commit, unless it is known. */
bool rotate_take(struct ingest_common *common, struct agent *agent, struct slice message,
                 struct rotate_answer *ret_answer, struct fault *fault);

/* The key that the streams of the agent may go on with; epoch 0 for none. */
struct ingest_next_key rotate_next_key(const struct agent *agent);

/* To be called when streams have moved: ends the rotation once both are in the next epoch. */
void rotate_finish(struct ingest_common *common, struct agent *agent);

#endif
