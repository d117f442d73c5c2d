#include "store_family.h"

/* Buffers are small where little comes, so that a forced flush of all families makes small files of few; bodies, which are
 * most of what comes, gather longer. */
static const struct store_family_row rows[STORE_FAMILIES] = {
    [STORE_ENTRY] = {"entry", "u64 log index", "what a log leaf covers: batch entry or control entry",
                     STORE_PACK_FAST, false, 4},
    [STORE_CLASS_LIST] = {"class_list", "u64 log index", "class list of that batch entry, kept for ever",
                          STORE_PACK_FAST, false, 2},
    [STORE_CONTROL] = {"control", "u64 ctl_seq", "log index of that control entry", STORE_PACK_NONE, false,
                       1},
    [STORE_TILE] = {"tile", "u8 level, u64 number", "full tiles of the log's tree", STORE_PACK_NONE, false,
                    1},
    [STORE_CHECKPOINT] = {"checkpoint", "u64 tree size", "signed notes with their cosignatures",
                          STORE_PACK_FAST, false, 1},
    [STORE_HOT] = {"hot", "u64 arrival", "bodies as received, until they are sealed", STORE_PACK_NONE, false,
                   16},
    [STORE_STREAM] = {"stream", "stream_id", "each stream's state and marks", STORE_PACK_FAST, true, 4},
    [STORE_INDEX] = {"index", "stream_id, u64 first_event_seq",
                     "arrival of the bodies that begin with that event", STORE_PACK_FAST, false, 4},
    [STORE_PART] = {"part", "stream_id", "newest part of the open batch", STORE_PACK_NONE, true, 4},
    [STORE_SEGMENT] = {"segment", "class, day, log range", "sealed segments", STORE_PACK_NONE, false, 4},
    [STORE_SEGMENT_FILTER] = {"segment_filter", "the segment's key", "encrypted token filters of a segment",
                              STORE_PACK_NONE, false, 1},
    [STORE_MARK] = {"mark", "name", "single values: next arrival, detection's cursor, tree size",
                    STORE_PACK_NONE, true, 1},
    [STORE_REGISTRY] = {"registry", "kind, name", "agents and join tokens", STORE_PACK_FAST, true, 1},
    [STORE_ALERT] = {"alert", "u64 time, u32 number; i, c, r and id",
                     "alerts in the order of their times; by id where they stand, their counts, their ends", STORE_PACK_WELL, true, 2},
    [STORE_OUTBOX] = {"outbox", "u64 number", "messages that are not delivered yet", STORE_PACK_NONE, false,
                      1},
    [STORE_DETECTOR] = {"detector", "name", "snapshots of the detection's state", STORE_PACK_WELL, false, 2},
    [STORE_BATCH] = {"batch", "stream_id, u64 batch_seq", "log index of that closed batch", STORE_PACK_FAST, false, 1},
    [STORE_HELD] = {"held", "u64 hold, class, log range, number", "what holds took of units that went",
                    STORE_PACK_NONE, false, 1},
    [STORE_ENTRY_BLOCK] = {"entry_block", "u64 first log index", "entries and class lists of closed days, in columns",
                           STORE_PACK_NONE, false, 4},
};

const struct store_family_row *store_family_row(enum store_family family) {
    return &rows[family];
}
