/* Entries and class lists of closed days go from rows into columns (entry_block.h): one step, as a change.
 *
 * A block is read back, each entry compared with its row and held against its leaf in the log's tile, before it goes into the
 * change that puts the block and takes the rows: they are in the one or in the other, whatever dies. What is packed already
 * shows in the rows alone, so a restored store, which has rows again, is packed again. */
#ifndef TOCSIN_ENTRY_PACKING_H
#define TOCSIN_ENTRY_PACKING_H

#include "change.h"
#include "fault.h"
#include "store.h"

/* A block ends with so many entries, or with so many for each of its streams where these are more: what a stream's first entry
 * in a block costs over the others (100 bytes) is then little, and a block is no larger than it must be. */
#define ENTRY_PACKING_LEAST 4096u
#define ENTRY_PACKING_OF_STREAM 32u

struct entry_packed {
    uint64_t first, end; /* log indexes; the same: there was nothing */
    uint64_t bytes;      /* of the block */
};

/* Where the newest day begins: nothing from there on is packed. 0 where no day mark is in the log. */
bool entry_packing_end(const struct store *store, uint64_t *ret_end, struct fault *fault);
/* Adds the first rows before `end` that stand in full tiles, as many as a block takes. FAULT_FORMAT: a row is not what its tile
 * has; it stays, with all behind it. */
bool entry_packing_step(const struct store *store, uint64_t end, struct change *change,
                        struct entry_packed *ret_packed, struct fault *fault);

#endif
