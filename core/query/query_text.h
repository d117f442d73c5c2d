/* Text found in text without regard to case (ASCII letters alone), quickly: the needle's rarest byte is looked for with
 * memchr, the rest compared there.
 *
 * Letters are found anywhere in a word ("fail" in "Failed"). A number or an identifier is found whole alone: where the needle
 * begins or ends with a token that has a digit in it, the text's token begins or ends there too ("4711" is not in "47110");
 * and letters are not looked for inside an identifier, a token in which letters and digits change three times or more
 * ("ab" is not in "7f3ab2", but "host" is in "host12"). Tokens: segment_tokens.h. That is what lets a search in sealed
 * segments ask for tokens instead of reading everything. */
#ifndef TOCSIN_QUERY_TEXT_H
#define TOCSIN_QUERY_TEXT_H

#include "slice.h"

struct query_needle {
    struct slice folded; /* lower-case; borrowed */
    size_t anchor;       /* its rarest byte */
    bool word_left, word_right;   /* it begins, ends with a letter or digit */
    bool whole_left, whole_right; /* …of a token with a digit in it */
};

/* `folded` is already lower-case and outlives the needle. */
struct query_needle query_needle_make(struct slice folded);
bool query_needle_in(const struct query_needle *needle, struct slice text);

/* Whether the whole text fits a lower-case pattern in which '*' stands for anything; where `stars` is false, it is a
 * star. */
bool query_text_fits(struct slice pattern, bool stars, struct slice text);

/* A decimal number: a sign, digits, a fraction. False for anything else. */
bool query_number(struct slice text, double *ret_value);

#endif
