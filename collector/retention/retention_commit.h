/* A change whose fate somebody waits for. Private to retention. */
#ifndef TOCSIN_RETENTION_COMMIT_H
#define TOCSIN_RETENTION_COMMIT_H

#include "committer.h"

#define RETENTION_COMMIT_WAIT_US 60000000ull

/* Submits the change (give), and waits for what becomes of it. False with the statement's fault where it was refused, with
 * FAULT_BUSY where it was not committed in time or `stopping` said so: then it may be later. */
bool retention_commit(struct committer *committer, struct change *change, bool (*stopping)(void *context),
                      void *context, struct fault *fault);

#endif
