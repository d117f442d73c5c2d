/* Cuts bytes into lines, fragments of over-long lines, and holes. Pure: the bytes are the caller's, nothing is kept but
 * three numbers.
 *
 * A line ends with '\n', which is not part of it; every other byte is (CR, NUL, a byte order mark, broken UTF-8). A line of
 * more than SOURCE_LINE_MOST bytes is given in fragments of at most that size, cut between characters where the text is
 * UTF-8. A run of at least LINE_HOLE_LEAST NULs at the start of a line or of a fragment, or at the end of a full fragment,
 * is a hole and no text (a crash or a truncation under a writer leaves such): it ends the line before it and is given as
 * one piece with its length, however long it is.
 *
 * The caller gives what follows the last piece, at least LINE_CUT_WINDOW bytes of it or all there is, and drops `consumed`
 * bytes after each piece. What the pieces consume adds up to the input. */
#ifndef TOCSIN_LINE_CUT_H
#define TOCSIN_LINE_CUT_H

#include "source.h"

#define LINE_HOLE_LEAST 4096u
#define LINE_CUT_WINDOW (SOURCE_LINE_MOST + 1)

/* All zero at the start of a file. */
struct line_state {
    uint64_t hole;     /* NULs of the hole passed so far; 0: not in one */
    uint64_t given;    /* bytes of an over-long line given as fragments */
    uint32_t fragment; /* how many those were; 0: at the start of a line */
};

enum line_piece_kind {
    LINE_PIECE_MORE,     /* nothing: more bytes are needed; consumed is 0 */
    LINE_PIECE_WHOLE,    /* a line */
    LINE_PIECE_FRAGMENT, /* a part of an over-long one; `last` closes it */
    LINE_PIECE_PASSED,   /* NULs of a hole that is not over; nothing to give */
    LINE_PIECE_HOLE, /* the whole hole of `hole` NULs; the last of them are in `consumed` (which may be 0) */
};

struct line_piece {
    enum line_piece_kind kind;
    struct slice text;
    size_t consumed;
    uint64_t hole;
    uint32_t index; /* FRAGMENT: its number, from 0 */
    uint64_t total; /* FRAGMENT with `last`: bytes of the whole line */
    bool last;
    bool unfinished; /* no newline came: the end of the input (with `final`) or a hole ended it */
};

/* `final`: nothing will follow `rest`, give what is left. The state is not changed: line_cut_take does that, once the
 * piece was handed on. */
void line_cut_next(const struct line_state *state, struct slice rest, bool final,
                   struct line_piece *ret_piece);
void line_cut_take(struct line_state *state, const struct line_piece *piece);

#endif
