/* What a hold matches, and the root over what it took (log-format: Retention; FORMATS.md, Holds).
 *
 *     root = MTH over leaf(u64 log index ‖ u8 class ‖ u32 position ‖ event leaf), ascending
 */
#ifndef TOCSIN_HOLD_MATCH_H
#define TOCSIN_HOLD_MATCH_H

#include "hold.h"
#include "merkle_frontier.h"

/* Whether any event of that class in a batch of the host could be held. A host with a NULL name is not known, and matches. */
bool hold_could_match(const struct hold *hold, struct slice host, uint8_t class, uint64_t open_us,
                      uint64_t close_us);
/* Whether an event is held, as far as host, class and time say; a query is the matter of whoever can read the body. */
bool hold_matches_event(const struct hold *hold, struct slice host, uint8_t class, uint64_t time_us);

#define HOLD_LEVELS 40u
struct hold_root {
    struct merkle_frontier frontier;
    struct hash hashes[HOLD_LEVELS];
    uint64_t index; /* of the event that was added last */
    uint32_t position;
    uint8_t class;
};

/* Points into itself: it is not to be moved. */
void hold_root_begin(struct hold_root *root);
/* False for one that does not stand behind the last. */
bool hold_root_add(struct hold_root *root, uint64_t index, uint8_t class, uint32_t position,
                   const struct hash *event_leaf);
struct hash hold_root_end(const struct hold_root *root);

#endif
