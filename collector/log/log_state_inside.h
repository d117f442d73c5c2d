/* What the maker of checkpoints asks of the log's state. Private to this folder. */
#ifndef TOCSIN_LOG_STATE_INSIDE_H
#define TOCSIN_LOG_STATE_INSIDE_H

#include "log_state.h"

struct log_pace {
    uint64_t signed_size; /* of the last checkpoint */
    uint64_t signed_us;   /* when, by a clock that never steps; 0: in another process */
    uint64_t every_us;
};

/* Waits until a checkpoint is due and gives the tree that it is of; false for a stop. */
bool log_state_due(struct log_state *state, const struct log_pace *pace,
                   struct merkle_tile_builder *ret_tree);

#endif
