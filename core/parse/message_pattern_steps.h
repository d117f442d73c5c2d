/* A compiled pattern, for pattern.c (matches) and message_pattern_compile.c (builds) alone. */
#ifndef TOCSIN_MESSAGE_PATTERN_STEPS_H
#define TOCSIN_MESSAGE_PATTERN_STEPS_H

#include "message_pattern.h"

enum step_kind {
    STEP_LITERAL,
    STEP_OPTIONAL,
    STEP_WORD,
    STEP_INT,
    STEP_NUMBER,
    STEP_IP,
    STEP_HOST,
    STEP_ADDRESS,
    STEP_QUOTED,
    STEP_UNTIL,
    STEP_REST,
    STEP_TEXT,
};

struct step {
    enum step_kind kind;
    uint16_t inner;        /* of an optional part: how many of the next steps are inside */
    uint8_t ends[32];      /* of a word or host: a bit for each byte that ends it */
    uint32_t symbol;       /* 0: not kept */
    uint32_t other_symbol; /* of an address: the symbol where it is a name */
    struct slice literal;  /* of a literal; of an until: the text that ends it */
};

struct message_pattern {
    struct step
        *steps; /* first those on the left of the text capture, then those on its right, last one first */
    size_t left, right;
    bool open; /* has a text capture between left and right */
    uint32_t open_symbol;
    uint8_t *literals; /* what the literals point into */
};

#endif
