/* A host that joins again, after a fork or with a lost key: its streams are over, and what its spool still holds goes on
 * in the new ones.
 *
 * On the disk, in this order; a start goes on from whatever was reached:
 *     1. joined with new keys, in SITE_AGENT_NEW_FOLDER; before, nothing has happened
 *     2. SITE_AGENT_ANEW is there: the spool belongs to streams that are over
 *     3. the new keys take the place of the old ones, and the membership names them
 *     4. at the next start the spool becomes SPOOL.before-N, then SITE_AGENT_ANEW goes
 *     5. the new spool takes over what SPOOL.before-N holds (lanes_adopt), then that goes
 * Between 1 and 3 the collector knows other keys than the host: join once more. The TLS key is a new one, too: a clone
 * of this host has the old one. */
#ifndef TOCSIN_ANEW_H
#define TOCSIN_ANEW_H

#include "fault.h"
#include "lanes.h"

#define ANEW_SPOOLS_MOST 16u /* joined so often before the agent was started once */

/* Before 1: an empty folder for the keys. */
bool anew_prepare(const char *data, struct fault *fault);
/* Steps 2 and 3, but for the membership. `data` is the folder of site_path. */
bool anew_begin(const char *data, struct fault *fault);
/* Step 4; nothing where there is no mark. Before the spool is opened. */
bool anew_set_aside(const char *data, const char *spool, struct fault *fault);
/* Step 5, for each spool that was set aside. Before a source reads. */
bool anew_take_over(const char *spool, struct lanes *lanes, struct fault *fault);

#endif
