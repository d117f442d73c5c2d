#define PCRE2_CODE_UNIT_WIDTH 8
#include "multiline.h"

#include <pcre2.h>
#include <stdlib.h>

#include "memory.h"

#define MATCH_STEPS_MOST 100000u /* a pattern that needs more for one line is taken for no match */

struct multiline {
    pcre2_code *start;
    pcre2_match_data *match;
    pcre2_match_context *context;
    struct multiline_settings settings;
};

static bool pattern_compile(struct multiline *multiline, struct fault *fault) {
    const char *text = multiline->settings.start;
    int error = 0;
    PCRE2_SIZE place = 0;
    multiline->start = pcre2_compile((PCRE2_SPTR)text, strlen(text), 0, &error, &place, NULL);
    if (!multiline->start) {
        char reason[160] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, sizeof reason);
        return fault_set(fault, FAULT_USAGE, "the pattern \"%.120s\" is wrong at character %zu: %s", text,
                         (size_t)place + 1, reason);
    }
    (void)pcre2_jit_compile(multiline->start,
                            PCRE2_JIT_COMPLETE); /* slower without it, where memory may not be executed */
    multiline->match = pcre2_match_data_create(1, NULL);
    multiline->context = pcre2_match_context_create(NULL);
    if (!multiline->match || !multiline->context)
        return fault_set(fault, FAULT_INTERNAL, "no memory for the pattern");
    pcre2_set_match_limit(multiline->context, MATCH_STEPS_MOST);
    return true;
}

struct multiline *multiline_create(const struct multiline_settings *settings, struct fault *fault) {
    struct multiline *multiline = memory_new(sizeof *multiline);
    multiline->settings = *settings;
    struct multiline_settings *own = &multiline->settings;
    own->timeout_us = own->timeout_us ? own->timeout_us : MULTILINE_TIMEOUT_US;
    own->bytes_most = own->bytes_most ? own->bytes_most : MULTILINE_BYTES;
    own->lines_most = own->lines_most ? own->lines_most : MULTILINE_LINES;
    if (own->bytes_most > MULTILINE_BYTES)
        fault_set(fault, FAULT_USAGE, "a record of joined lines has at most %u bytes, not %u",
                  MULTILINE_BYTES, own->bytes_most);
    else if (!own->start || !own->start[0])
        fault_set(fault, FAULT_USAGE, "joining lines needs a pattern for a record's first line");
    else if (pattern_compile(multiline, fault))
        return multiline;
    return multiline_destroy(multiline);
}

struct multiline *multiline_destroy(struct multiline *multiline) {
    if (multiline) {
        pcre2_code_free(multiline->start);
        pcre2_match_data_free(multiline->match);
        pcre2_match_context_free(multiline->context);
        free(multiline);
    }
    return NULL;
}

uint64_t multiline_timeout_us(const struct multiline *multiline) {
    return multiline->settings.timeout_us;
}

static bool begins_record(const struct multiline *multiline, struct slice line) {
    static const uint8_t nothing[1] = {0};
    return pcre2_match(multiline->start, line.data ? line.data : nothing, line.size, 0, 0, multiline->match,
                       multiline->context) >= 0;
}

/* The record's text is without its last newline; its lines stay where they are in the caller's bytes. */
static void give_record(struct multiline_state *joined, struct slice rest, struct line_piece *piece) {
    *piece = (struct line_piece){.kind = LINE_PIECE_WHOLE, .last = true, .consumed = joined->size};
    piece->text = slice_head(rest, joined->size - 1);
    *joined = (struct multiline_state){0};
}

void multiline_next(const struct multiline *multiline, const struct line_state *state,
                    struct multiline_state *joined, struct slice rest, bool flush, bool final,
                    struct line_piece *piece) {
    bool in_line = state->hole || state->fragment;
    for (;;) {
        line_cut_next(state, slice_from(rest, joined->size), final, piece);
        bool whole = piece->kind == LINE_PIECE_WHOLE && !piece->unfinished;
        if (in_line || (!whole && joined->lines == 0)) {
            return; /* nothing to join with */
        }
        if (!whole) {
            if (piece->kind != LINE_PIECE_MORE || flush || final)
                give_record(joined, rest, piece);
            return;
        }
        if (joined->lines > 0 && (joined->lines >= multiline->settings.lines_most ||
                                  joined->size + piece->consumed > multiline->settings.bytes_most ||
                                  begins_record(multiline, piece->text))) {
            give_record(joined, rest, piece);
            return;
        }
        joined->size += piece->consumed;
        joined->lines++;
    }
}
