/* The families of keys: what is kept where, under which key, and how RocksDB is to treat it. The table is
 * store_family.c.
 *
 * Numbers in keys are big-endian, so that their order is the keys' order. A family is never renamed and its
 * key layout never changes; a new one is added at the end (an older program then refuses the store, and says
 * so). */
#ifndef TOCSIN_STORE_FAMILY_H
#define TOCSIN_STORE_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

enum store_family {
    STORE_ENTRY, /* u64 log index → the 416-byte batch entry, or the control entry: what the log leaf covers
                  */
    STORE_CLASS_LIST, /* u64 log index → class list of that batch entry */
    STORE_CONTROL,    /* u64 ctl_seq → u64 log index of that control entry */
    STORE_TILE,       /* u8 level ‖ u64 number → a full tile, 256 hashes */
    STORE_CHECKPOINT, /* u64 tree size → the signed note, cosignatures included */
    STORE_HOT,        /* u64 arrival → bodies as received, compressed, with what the ingest adds in front */
    STORE_STREAM,     /* stream_id[32] → the stream's state and marks */
    STORE_INDEX,      /* stream_id[32] ‖ u64 first_event_seq → u64 arrival */
    STORE_PART,       /* stream_id[32] → the newest part of the open batch, 224 bytes */
    STORE_SEGMENT,    /* class, day, log range → what is known of a sealed segment (segment_files.h) */
    STORE_SEGMENT_FILTER, /* nothing: a segment's filter stands in its file */
    STORE_MARK,           /* a name → a value: the next arrival, the detection's cursor, the tree's size */
    STORE_REGISTRY,       /* a kind's letter ‖ name → an agent, a join token */
    STORE_ALERT,          /* u64 time_us ‖ u32 number → alert; and "i" ‖ its id → that key, "c" → its count, "r" → its end */
    STORE_OUTBOX,         /* u64 number → a message that is not delivered yet, with its tries */
    STORE_DETECTOR,       /* a rule's or detector's name → its snapshot */
    STORE_BATCH,          /* stream_id[32] ‖ u64 batch_seq → u64 log index of the closed batch's entry */
    STORE_HELD,           /* u64 hold ‖ u8 class ‖ u64 first ‖ u64 last log index ‖ u32 number → sealed events (held_events.h) */
    STORE_ENTRY_BLOCK,    /* u64 first log index → entries and class lists of closed days in columns (entry_block.h) */
};
#define STORE_FAMILIES 19

enum store_packing {
    STORE_PACK_NONE, /* already compressed, sealed, or hashes */
    STORE_PACK_FAST, /* LZ4: read often */
    STORE_PACK_WELL, /* zstd: written once, read rarely */
};

struct store_family_row {
    const char *name; /* in RocksDB */
    const char *key;
    const char *purpose;
    enum store_packing packing;
    bool filter;              /* a bloom filter: single keys are looked up, some of them in vain */
    unsigned write_buffer_mb; /* memory that gathers before it becomes a file */
};

/* Never NULL for a family of the enumeration. */
const struct store_family_row *store_family_row(enum store_family family);

#endif
