/* Joins lines to records: a stack trace is one event. Pure, over line_cut.
 *
 * A line that matches `start` begins a record; the lines after it that don't match belong to it, up to `lines_most` lines
 * and `bytes_most` bytes with their newlines. Lines before the first match are joined the same way. An over-long line and
 * a hole end the record before them and are given as line_cut gives them. A record ends when the next one begins; until
 * then it waits, and is given by `flush` once the source's time for it has passed. The text keeps its inner newlines.
 *
 * Nothing is gathered: the caller gives the record's bytes from its first line on, again and again; multiline_state says
 * how far they have been looked at, so that no line is matched twice. */
#ifndef TOCSIN_MULTILINE_H
#define TOCSIN_MULTILINE_H

#include "line_cut.h"

#define MULTILINE_BYTES SOURCE_LINE_MOST /* also the most that may be set */
#define MULTILINE_LINES 500u
#define MULTILINE_TIMEOUT_US 1000000u
#define MULTILINE_WINDOW (2u * LINE_CUT_WINDOW) /* what the caller must be able to show at once */

struct multiline_settings {
    const char *start;   /* PCRE2, searched in the line unless anchored; NULL: no joining */
    uint64_t timeout_us; /* after the last byte came; 0: MULTILINE_TIMEOUT_US */
    uint32_t bytes_most; /* 0: MULTILINE_BYTES */
    uint32_t lines_most; /* 0: MULTILINE_LINES */
};

struct multiline;

/* NULL with FAULT_USAGE: the pattern is wrong (with the place in it), a limit too large. */
struct multiline *multiline_create(const struct multiline_settings *settings, struct fault *fault);
struct multiline *multiline_destroy(struct multiline *multiline); /* returns NULL */
uint64_t multiline_timeout_us(const struct multiline *multiline);

/* All zero before the first call and after every piece that was given. */
struct multiline_state {
    size_t size;    /* bytes that belong to the record */
    uint32_t lines; /* in them */
};

/* As line_cut_next; a record is a LINE_PIECE_WHOLE. `flush`: a record that waits is given, its complete lines alone;
 * `final`: that too, and then the rest without a newline. */
void multiline_next(const struct multiline *multiline, const struct line_state *state,
                    struct multiline_state *joined, struct slice rest, bool flush, bool final,
                    struct line_piece *ret_piece);

#endif
