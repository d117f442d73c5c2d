#include "line_cut.h"

static size_t leading_zeros(struct slice s) {
    size_t n = 0;
    while (n < s.size && s.data[n] == 0)
        n++;
    return n;
}

static size_t trailing_zeros(struct slice s) {
    size_t n = 0;
    while (n < s.size && s.data[s.size - 1 - n] == 0)
        n++;
    return n;
}

/* Steps back over the bytes of a character that the cut would tear; none where the text is not UTF-8. */
static size_t whole_characters(struct slice s) {
    size_t back = 0;
    while (back < 3 && back < s.size && (s.data[s.size - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == s.size)
        return s.size;
    uint8_t lead = s.data[s.size - 1 - back];
    size_t wanted = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    return wanted > back ? s.size - 1 - back : s.size;
}

/* In a hole, or at one: how it goes on. */
static void cut_hole(const struct line_state *state, struct slice rest, size_t zeros, bool final,
                     struct line_piece *piece) {
    piece->consumed = zeros;
    piece->hole = state->hole + zeros;
    piece->kind = zeros < rest.size || final ? LINE_PIECE_HOLE : zeros ? LINE_PIECE_PASSED : LINE_PIECE_MORE;
}

static void cut_text(const struct line_state *state, struct slice text, size_t consumed, bool last,
                     struct line_piece *piece) {
    piece->text = text;
    piece->consumed = consumed;
    piece->last = last;
    piece->kind = last && state->fragment == 0 ? LINE_PIECE_WHOLE : LINE_PIECE_FRAGMENT;
    if (piece->kind == LINE_PIECE_FRAGMENT) {
        piece->index = state->fragment;
        piece->total = state->given + text.size;
    }
}

/* No newline in reach: a full fragment, ended by the hole that it runs into. */
static void cut_fragment(const struct line_state *state, struct slice rest, struct line_piece *piece) {
    struct slice text = slice_head(rest, SOURCE_LINE_MOST);
    size_t zeros = trailing_zeros(text);
    if (zeros >= LINE_HOLE_LEAST) {
        piece->unfinished = true;
        cut_text(state, slice_head(text, text.size - zeros), text.size - zeros, true, piece);
        return;
    }
    size_t size = whole_characters(text);
    cut_text(state, slice_head(text, size), size, false, piece);
}

void line_cut_next(const struct line_state *state, struct slice rest, bool final, struct line_piece *piece) {
    *piece = (struct line_piece){.kind = LINE_PIECE_MORE};
    if (state->hole) {
        cut_hole(state, rest, leading_zeros(rest), final, piece);
        return;
    }
    if (rest.size && rest.data[0] == 0) {
        size_t zeros = leading_zeros(rest);
        if (zeros >= LINE_HOLE_LEAST && state->fragment) {
            piece->unfinished = true; /* the line before the hole ends here, with a fragment of nothing */
            cut_text(state, slice_head(rest, 0), 0, true, piece);
            return;
        }
        if (zeros >= LINE_HOLE_LEAST) {
            cut_hole(state, rest, zeros, final, piece);
            return;
        }
    }
    struct slice reach = slice_head(rest, LINE_CUT_WINDOW);
    const uint8_t *newline = reach.size ? memchr(reach.data, '\n', reach.size) : NULL;
    if (newline) {
        size_t size = (size_t)(newline - rest.data);
        cut_text(state, slice_head(rest, size), size + 1, true, piece);
    } else if (rest.size >= LINE_CUT_WINDOW) {
        cut_fragment(state, rest, piece);
    } else if (final && (rest.size || state->fragment)) {
        piece->unfinished = true;
        cut_text(state, rest, rest.size, true, piece);
    }
}

void line_cut_take(struct line_state *state, const struct line_piece *piece) {
    switch (piece->kind) {
    case LINE_PIECE_MORE:
        break;
    case LINE_PIECE_PASSED:
        state->hole = piece->hole;
        break;
    case LINE_PIECE_WHOLE:
    case LINE_PIECE_HOLE:
        *state = (struct line_state){0};
        break;
    case LINE_PIECE_FRAGMENT:
        if (piece->last) {
            *state = (struct line_state){0};
        } else {
            state->fragment++;
            state->given += piece->text.size;
        }
        break;
    }
}
