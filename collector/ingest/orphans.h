/* Batches that their agents never closed: the newest part and its class list go into the log (log-format: Parts; FORMATS.md,
 * What stands alone). The loop's thread. */
#ifndef TOCSIN_ORPHANS_H
#define TOCSIN_ORPHANS_H

#include "session.h"

/* A host that has been silent for so long closes nothing any more. */
#define ORPHAN_SILENCE_US (86400u * UINT64_C(1000000))
/* The same when somebody needs its batch now. */
#define ORPHAN_ANSWER_US 10000000u

/* Submits a statement of type 17 for what the stream has open under a part, once for each part. True also where there is
 * nothing to say. FAULT_BUSY while the stream's frames are being checked or committed. */
bool orphans_log(struct ingest_common *common, struct agent *agent, enum lane lane, struct fault *fault);
/* Of both lanes; what cannot be read is told in the process's log. */
void orphans_log_all(struct ingest_common *common, struct agent *agent);

#endif
