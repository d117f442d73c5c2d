/* How text is taken apart: into what changes from line to line and what does not, and into tokens that can be asked for.
 *
 * A token is a run of ASCII letters and digits with nothing of the kind before or behind it. A variable is a run of tokens
 * with one '.', ':', '_' or '-' between them, at least one digit in it, as long as it gets; what stands between variables is
 * the line's template. So a line's tokens are in its template (and have no digit) or in its variables.
 *
 * A token in which letters and digits change three times or more (4f3ab2) is an identifier: nobody asks for its letters.
 *
 * Case is folded (ASCII alone). A digest names a token with a digit in it, or four numbers with dots between them (an
 * address; every window of four where there are more). */
#ifndef TOCSIN_SEGMENT_TOKENS_H
#define TOCSIN_SEGMENT_TOKENS_H

#include "slice.h"

#define SEGMENT_IDENTIFIER_CHANGES 3u
enum { SEGMENT_LETTER = 1, SEGMENT_DIGIT = 2, SEGMENT_ALNUM = 3, SEGMENT_JOINER = 4 };
extern const uint8_t segment_kinds[256];

/* The next variable from *at on; *at is then behind it. False at the end. */
static inline bool segment_variable_next(struct slice text, size_t *at, size_t *ret_start) {
    const uint8_t *data = text.data;
    size_t i = *at, size = text.size;
    while (i < size) {
        uint8_t kind = segment_kinds[data[i]], seen = 0;
        if (!(kind & SEGMENT_ALNUM)) {
            i++;
            continue;
        }
        size_t start = i;
        for (;;) {
            while (i < size && ((kind = segment_kinds[data[i]]) & SEGMENT_ALNUM)) {
                seen |= kind;
                i++;
            }
            if (i + 1 >= size || kind != SEGMENT_JOINER || !(segment_kinds[data[i + 1]] & SEGMENT_ALNUM))
                break;
            i++;
        }
        if (seen & SEGMENT_DIGIT) {
            *ret_start = start;
            *at = i;
            return true;
        }
    }
    *at = size;
    return false;
}

/* Of text with letters, digits and dots alone; whatever the case. Never 0. */
uint64_t segment_digest(struct slice text);

/* Each token of a text; `before`: the token's place in it. */
struct segment_token {
    size_t start, size;
    uint8_t kinds;    /* SEGMENT_LETTER and SEGMENT_DIGIT, what is in it */
    uint32_t changes; /* between the two */
    size_t quad;      /* where the address begins whose last number this is; SIZE_MAX for none */
};
struct segment_tokens {
    struct slice text;
    size_t at;
    size_t numbers[4]; /* where the last numbers that follow each other by a dot began */
    size_t run;
};
static inline struct segment_tokens segment_tokens_of(struct slice text) {
    return (struct segment_tokens){.text = text};
}
bool segment_token_next(struct segment_tokens *tokens, struct segment_token *ret_token);

/* Of everything in a run of events, one after the other, from 0: what went in against what comes out. No digest of
 * cryptography. */
uint64_t segment_sum(uint64_t sum, uint64_t seq, uint64_t time_us, struct slice body);

#endif
