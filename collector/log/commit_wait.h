/* A change whose fate somebody waits for, in a thread of their own: never the loop's, nor the committer's. */
#ifndef TOCSIN_COMMIT_WAIT_H
#define TOCSIN_COMMIT_WAIT_H

#include "committer.h"

#define COMMIT_WAIT_US 60000000ull

/* Submits the change (give), and waits for what becomes of it. False with the statement's fault where it was refused, with
 * FAULT_BUSY where it was not committed in COMMIT_WAIT_US or `stopping` said so: then it may be later. ret_outcome, which may
 * be NULL, is written where it was committed. */
bool commit_wait(struct committer *committer, struct change *change, bool (*stopping)(void *context), void *context,
                 struct change_outcome *ret_outcome, struct fault *fault);

#endif
