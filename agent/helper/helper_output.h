/* The output of a source that runs in a program of its own: source.h's contract, over the socket to the agent.
 *
 * What one turn gives is a group, and the agent takes it as a whole. There is one group at a time: while it waits for the
 * socket, `event` takes nothing (full), and the source gets no turn until it is gone. So this queue is bounded by
 * HELPER_GROUP_MOST, and a source that is held up waits where it is. Positions are those that the agent told at the start.
 * One thread. */
#ifndef TOCSIN_HELPER_OUTPUT_H
#define TOCSIN_HELPER_OUTPUT_H

#include "helper_link.h"
#include "source.h"

struct helper_output;

/* Borrows the link, through which groups go. */
struct helper_output *helper_output_create(struct helper_link *link);
struct helper_output *helper_output_destroy(struct helper_output *output); /* NULL */

/* A position as the agent tells it at the start. */
void helper_output_restore(struct helper_output *output, struct slice key, struct slice value);
const struct source_output *helper_output_source(struct helper_output *output);

/* Hands what was given since the last time to the link, as a group. False: more than a group holds. */
bool helper_output_flush(struct helper_output *output, struct fault *fault);
/* `event` took something not, since the last flush. */
bool helper_output_refused(const struct helper_output *output);
/* A group waits for the socket. */
bool helper_output_full(const struct helper_output *output);

#endif
