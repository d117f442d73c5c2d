/* Text found in text without regard to case (ASCII letters alone), quickly: the needle's rarest byte is looked for with
 * memchr, the rest compared there. */
#ifndef TOCSIN_QUERY_TEXT_H
#define TOCSIN_QUERY_TEXT_H

#include "slice.h"

struct query_needle {
    struct slice folded; /* lower-case; borrowed */
    size_t anchor;       /* its rarest byte */
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
