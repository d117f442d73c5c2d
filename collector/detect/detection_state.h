/* What detection goes on with after a restart, in the store: the row that it reads next, the detector's windows, what was
 * raised of late, and the board of probes. As much as the detector may hold, in parts; a head names them, and the commit that brings the head takes away
 * the parts of the one before: whenever it is read, it is one state, whole.
 *
 *     "detection"                     → u64 next row ‖ u8 generation ‖ u64 detector ‖ u64 dedup ‖ u64 probes (bytes) ‖ H(all)
 *     "detection/" ‖ u8 generation ‖ u32 number → a part of detector ‖ dedup ‖ probes, at most DETECTION_PART_MOST
 *
 * The sealer reads the first eight bytes of the head (seal.h): what detection has not read stays hot. */
#ifndef TOCSIN_DETECTION_STATE_H
#define TOCSIN_DETECTION_STATE_H

#include "buffer.h"
#include "change.h"
#include "store.h"

#define DETECTION_STATE_KEY "detection" /* in STORE_DETECTOR */
#define DETECTION_PART_MOST (1024u * 1024)

struct detection_state {
    uint64_t next_row;
    uint8_t generation; /* that of the state before, and one; after 255 comes 0 */
    struct slice detector, dedup, probes;
};

/* The change that so many bytes more may go into; the ones before it are submitted in their order. */
typedef struct change *detection_state_room(void *context, size_t size);
void detection_state_put(const struct detection_state *state, detection_state_room *room, void *context);

/* Into `to`, from which the slices borrow. FAULT_MISSING: there is none. FAULT_FORMAT: it cannot be read, but *ret_state has its
 * row and generation (0 where even these are not there). */
bool detection_state_get(const struct store *store, struct buffer *to, struct detection_state *ret_state,
                         struct fault *fault);

#endif
