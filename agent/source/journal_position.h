/* Which journal entry was the last one given, as bytes in the spool. Reading is pure and takes anything.
 *
 * The cursor is the text of sd_journal_get_cursor: "s=<numbering>;i=<number>;b=<boot>;m=<monotonic>;t=<realtime>;x=<xor>",
 * hexadecimal (systemd.journal-fields documents it as opaque; systemd has kept it since 2012, and a cursor that is not of
 * that form only costs the counting of lost entries). The numbering goes on across rotations, boots and vacuuming.
 *
 * Layout, big-endian: u8 version (1) ‖ u8 paused ‖ u64 seen_us ‖ u64 told ‖ u32 fragments ‖ u32 length ‖ cursor. */
#ifndef TOCSIN_JOURNAL_POSITION_H
#define TOCSIN_JOURNAL_POSITION_H

#include "buffer.h"
#include "fault.h"

#define JOURNAL_CURSOR_MOST 512u

struct journal_cursor {
    char numbering[33], boot[33];
    uint64_t number, monotonic_us, realtime_us, check;
};

/* False: not of that form. */
bool journal_cursor_read(struct slice text, struct journal_cursor *ret_cursor);
/* The same entry, be it in another file (the runtime journal is copied at boot and numbered anew). */
bool journal_cursor_same(const struct journal_cursor *a, const struct journal_cursor *b);

struct journal_position {
    bool paused;                          /* files are read in its stead */
    uint64_t seen_us;                     /* paused: when such a file was last seen */
    uint64_t told;                        /* the number up to which missing entries are told */
    uint32_t fragments;                   /* of the cursor's entry that were given; 0: all of it */
    char cursor[JOURNAL_CURSOR_MOST + 1]; /* empty: none yet */
};

bool journal_position_write(const struct journal_position *position, struct buffer *to);
bool journal_position_read(struct slice bytes, struct journal_position *ret_position, struct fault *fault);

#endif
