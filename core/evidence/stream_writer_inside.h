/* What stream_writer.c and stream_writer_state.c share; nobody else's. */
#ifndef TOCSIN_STREAM_WRITER_INSIDE_H
#define TOCSIN_STREAM_WRITER_INSIDE_H

#include "stream_writer.h"

struct stream_writer {
    struct stream_writer_settings settings;

    /* The chain: what the last closed entry leaves. */
    bool has_last;
    uint8_t last_bytes[BATCH_ENTRY_SIZE];
    struct batch_entry last;
    /* Where wall clock and boot clock stood together: at the last entry, or at the break that is open. */
    struct stream_clock base;

    bool started;  /* this process has begun a break: events may come */
    bool breaking; /* what is open will be closed as a break */

    /* What is open. */
    uint64_t open_us;
    uint64_t first_us;        /* the first event's time */
    uint64_t last_us;         /* the newest time that is signed or will be */
    struct open_batch *batch; /* NULL: no event */
    bool has_part;
    uint32_t next_part;
    uint32_t part_events; /* under the newest part */
    uint8_t part[PART_SIZE];
};

/* Sets what is open to nothing, after the last entry. */
void stream_writer_open(struct stream_writer *writer);
/* The chain moves on to an entry that is good. */
void stream_writer_follow(struct stream_writer *writer, const uint8_t bytes[BATCH_ENTRY_SIZE],
                          const struct batch_entry *entry);

#endif
