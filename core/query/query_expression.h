/* The EXPR of `tocsin query`: which events a person wants to see.
 *
 *   word                the raw line (event.original) holds it, in any case (ASCII letters alone are folded). Letters are
 *                       found anywhere in a word: `fail` finds "Failed". Numbers, addresses and identifiers are found
 *                       whole: `10.0.0.1` does not find 10.0.0.17 (query_text.h has the rule). A word ends at a blank, a
 *                       parenthesis or a quote.
 *   "some words"        the raw line holds this text; inside, \" and \\ stand for a quote and a backslash
 *   field:value         a field of that name has this value, the whole of it, in any case; * stands for anything, also for
 *                       nothing; field:"a value" for one with blanks (a * in quotes is a star)
 *   field:*             there is such a field
 *   field:>=10          also >, <, <=: a field of that name is a number, and this large
 *   a b, a and b        both. `and`, `or`, `not` in either case; quoted they are words
 *   a or b, not a, (a)  not binds closest, then and, then or
 * Nothing at all matches everything. A field that stands several times matches if one of them does. What looks like
 * field:value is one: quote addresses and times that have a colon ("fe80::1"); a word whose first colon is followed by a
 * second one or by "//", or whose first character is no letter, "_" or "@", is not taken for a field.
 *
 * A parsed expression is not changed by matching, so any number of threads may use it. */
#ifndef TOCSIN_QUERY_EXPRESSION_H
#define TOCSIN_QUERY_EXPRESSION_H

#include "fault.h"
#include "record.h"

#define QUERY_TEXT_MOST 8192u /* bytes */
#define QUERY_NODES_MOST 512u
#define QUERY_DEPTH_MOST 64u /* parentheses and nots in each other */

struct query_expression;

/* NULL with a fault whose place is "column N" (from 1, bytes). Copies the text. */
struct query_expression *query_expression_parse(struct slice text, struct fault *fault);
struct query_expression *query_expression_destroy(struct query_expression *expression); /* returns NULL */

/* Whether matching needs decoded fields. If not, query_raw_may_match is the exact answer. */
bool query_needs_fields(const struct query_expression *expression);

/* False if no event with this raw line can match, whatever its fields: a fast look before anything is decoded. */
bool query_raw_may_match(const struct query_expression *expression, struct slice raw);

/* The raw line is the record's event.original. */
bool query_matches(const struct query_expression *expression, const struct record *record);

#endif
