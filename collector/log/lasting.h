/* What was told and is not over: a mark in the store, so that a collector that was started again tells its end, too, and does
 * not tell its beginning twice. In the same change as the event that says so.
 *
 *     STORE_MARK: "lasting/" ‖ kind ‖ "/" ‖ name → u64 value, not 0 */
#ifndef TOCSIN_LASTING_H
#define TOCSIN_LASTING_H

#include "change.h"
#include "store.h"

#define LASTING_REMIND_US (3600u * UINT64_C(1000000)) /* what lasts is told again so often */

/* `value` says since when, or how bad it is; 0: it is over. */
void lasting_put(struct change *change, const char *kind, const char *name, uint64_t value);
/* 0 where nothing lasts. */
uint64_t lasting_get(const struct store *store, const char *kind, const char *name);

#endif
