/* One question about one field of an event: the leaves of a rule's program.
 *
 * Compiled once, immutable. A field that occurs several times fits when one of its values does. Text is compared without
 * regard to the case of ASCII letters unless `cased`; literals and patterns are folded when they are loaded. */
#ifndef TOCSIN_PREDICATE_H
#define TOCSIN_PREDICATE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "pattern.h"
#include "time_part.h"

enum predicate_kind {
    PREDICATE_EQUAL,
    PREDICATE_PREFIX,
    PREDICATE_SUFFIX,
    PREDICATE_CONTAINS,
    PREDICATE_GLOB,
    PREDICATE_REGEX,
    PREDICATE_NETWORK,
    PREDICATE_LESS,
    PREDICATE_LESS_EQUAL,
    PREDICATE_GREATER,
    PREDICATE_GREATER_EQUAL,
    PREDICATE_SAME_NUMBER,
    PREDICATE_PRESENT, /* the field is there, whatever it holds, JSON's null included */
    PREDICATE_VALUED,  /* it is there and not null; an empty text is a value */
    PREDICATE_OTHER,   /* compared with another field of the same event, as `relation` says */
};

#define REGEX_CASELESS 1u
#define REGEX_MULTILINE 2u
#define REGEX_DOTALL 4u

#define PREDICATE_REGEX_MATCH_LIMIT 200000u /* PCRE2's steps for one value; past it: no match, and counted */

struct predicate {
    enum predicate_kind kind;
    bool cased;
    uint32_t field;               /* number in the ruleset */
    uint32_t other;               /* PREDICATE_OTHER: the other field's number */
    enum predicate_kind relation; /* PREDICATE_OTHER: EQUAL, PREFIX, SUFFIX or CONTAINS */
    struct slice literal;         /* of EQUAL to CONTAINS; the text of a REGEX */
    struct pattern pattern;       /* of a GLOB */
    uint32_t flags;               /* of a REGEX */
    bool utf;                     /* a REGEX over characters instead of bytes */
    pcre2_code *code;             /* of a REGEX; owned by the predicate table */
    uint8_t network[16];          /* IPv4 as ::ffff:a.b.c.d */
    unsigned network_bits;
    double number;
    enum time_part part; /* LESS to SAME_NUMBER: what of a date is compared; TIME_NONE: the value itself */
};

/* Whether two texts stand in a relation (EQUAL to CONTAINS). `needle` is folded already unless `cased` or `fold_both`. */
bool predicate_relates(enum predicate_kind relation, struct slice value, struct slice needle, bool cased,
                       bool fold_both);

/* An address as 16 bytes, IPv4 mapped; a port or zone behind it is not taken. */
bool predicate_address(struct slice text, uint8_t ret_address[16]);
bool predicate_number(struct slice text, double *ret_number);

/* Any kind but PRESENT, VALUED and OTHER, for one value. `match` is the caller's PCRE2 memory; *exhausted counts up where a
 * regular expression gave up. */
bool predicate_test(const struct predicate *predicate, struct slice value, pcre2_match_data *match,
                    pcre2_match_context *limits, uint64_t *exhausted);

#endif
