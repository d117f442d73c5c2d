/* The leaves of closed batches, for proofs that they are in the collector's log. The newest are kept in memory; after a
 * start, or after a long time without a checkpoint, they are read from the spool in runs. */
#include "lanes_inside.h"

#include "memory.h"
#include "merkle.h"

static void append(struct lane_leaves *leaves, struct slice entry) {
    if (leaves->count == leaves->room) {
        leaves->room = leaves->room ? 2 * leaves->room : 16;
        leaves->hashes = memory_resize(leaves->hashes, leaves->room, sizeof *leaves->hashes);
    }
    leaves->hashes[leaves->count++] = merkle_leaf(entry);
}

void lane_leaves_add(struct lanes *lanes, enum lane lane, uint64_t batch_seq, struct slice entry) {
    struct lane_leaves *leaves = &lanes->lanes[lane].leaves;
    bool first = leaves->count == 0 && batch_seq == lane_least(lanes, lane).proved;
    if (first)
        leaves->first_batch = batch_seq;
    bool next = batch_seq == leaves->first_batch + leaves->count;
    if (next && leaves->count < LANES_LEAVES_MOST && (leaves->count || first))
        append(leaves, entry);
}

void lane_leaves_drop(struct lanes *lanes, enum lane lane) {
    struct lane_leaves *leaves = &lanes->lanes[lane].leaves;
    uint64_t proved = lane_least(lanes, lane).proved;
    if (proved <= leaves->first_batch)
        return;
    uint64_t gone = proved - leaves->first_batch;
    if (gone >= leaves->count) {
        lane_leaves_free(&lanes->lanes[lane]);
        leaves->first_batch = proved;
        return;
    }
    leaves->count -= (size_t)gone;
    leaves->first_batch = proved;
    memmove(leaves->hashes, leaves->hashes + gone, leaves->count * sizeof *leaves->hashes);
}

void lane_leaves_free(struct lane_state *lane) {
    memory_cleanup(&lane->leaves.hashes);
    lane->leaves = (struct lane_leaves){.first_batch = lane->leaves.first_batch};
}

/* Reads the run that begins with that batch. A missing entry ends it. */
static bool read_run(struct lanes *lanes, enum lane which, uint64_t batch_seq, struct fault *fault) {
    struct lane_state *lane = &lanes->lanes[which];
    struct lane_leaves *leaves = &lane->leaves;
    struct lanes_cursor cursor;
    struct lanes_item item;
    enum lanes_found found = LANES_END;
    lane_leaves_free(lane);
    leaves->first_batch = batch_seq;
    lanes_cursor_begin(&cursor, lanes, which);
    /* No event is wanted: nothing is behind the last one. */
    if (batch_seq >= lane_oldest_batch(lanes, which) &&
        lanes_cursor_seek(&cursor, batch_seq, lane->durable.next_event_seq, fault))
        while (leaves->count < LANES_LEAVES_MOST &&
               (found = lanes_cursor_next(&cursor, &item, fault)) == LANES_ITEM) {
            if (item.kind != LANES_CLOSE)
                continue;
            if (item.batch_seq != batch_seq + leaves->count)
                break;
            append(leaves, item.bytes);
        }
    lanes_cursor_end(&cursor);
    return found != LANES_FAILED;
}

enum lanes_found lanes_leaf(struct lanes *lanes, enum lane which, uint64_t batch_seq, struct hash *ret_leaf,
                            struct fault *fault) {
    const struct lane_leaves *leaves = &lanes->lanes[which].leaves;
    bool here = batch_seq >= leaves->first_batch && batch_seq - leaves->first_batch < leaves->count;
    if (!here && batch_seq >= lanes->lanes[which].durable.batch_seq)
        return LANES_END;
    if (!here && !read_run(lanes, which, batch_seq, fault))
        return LANES_FAILED;
    if (batch_seq - leaves->first_batch >= leaves->count)
        return LANES_END;
    *ret_leaf = leaves->hashes[batch_seq - leaves->first_batch];
    return LANES_ITEM;
}
