/* What the log of an older store lacks, made once from its entries: tiles, the index of batches, the size (in place of the
 * tree's right edge, which was all that was kept). Private to log_state. */
#ifndef TOCSIN_LOG_UPGRADE_H
#define TOCSIN_LOG_UPGRADE_H

#include "store.h"

/* Does nothing to a store that has them. Can be interrupted at any point and begun again. */
bool log_upgrade(struct store *store, struct fault *fault);

#endif
