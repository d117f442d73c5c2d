/* Sigma's text patterns: bytes, and tokens that stand for something else.
 *
 * Escapes (specification, "Escaping"): a backslash before `*`, `?` or another backslash makes that one literal; any other
 * backslash is itself. So `\*` is a star, `\\*` a backslash and then anything, `\\\*` a backslash and a star. */
#ifndef TOCSIN_PATTERN_H
#define TOCSIN_PATTERN_H

#include "rule_memory.h"

#define PATTERN_MANY 256u /* `*`: any bytes, or none */
#define PATTERN_ONE 257u  /* `?`: one character (one byte, or one sequence of UTF-8) */
#define PATTERN_DASH 258u /* windash: - / en dash, em dash, horizontal bar */

#define PATTERN_MOST 16384u /* tokens */

struct pattern {
    const uint16_t *tokens;
    size_t size;
};

struct pattern pattern_parse(struct rule_memory *memory, struct slice text);
struct pattern pattern_literal(struct rule_memory *memory, struct slice bytes);

bool pattern_is_literal(struct pattern pattern);
/* The bytes of tokens [from, to), which must be literal. */
struct slice pattern_bytes(struct rule_memory *memory, struct pattern pattern, size_t from, size_t to);
/* Puts PATTERN_MANY in front, behind, or both. */
struct pattern pattern_open(struct rule_memory *memory, struct pattern pattern, bool front, bool behind);
/* Dashes that begin a word stand for every dash of Windows' command lines. */
struct pattern pattern_windash(struct rule_memory *memory, struct pattern pattern);

/* The longest run of literal tokens: [*ret_from, *ret_to), empty where there is none. */
void pattern_longest_run(struct pattern pattern, size_t *ret_from, size_t *ret_to);

/* Whether the whole value fits. Unless `cased`, the pattern's letters must be lower-case and the value's are folded. */
bool pattern_match(struct pattern pattern, struct slice value, bool cased);

static inline uint8_t pattern_fold(uint8_t byte) {
    return (uint8_t)(byte | (uint8_t)(((unsigned)byte - 'A' < 26u) << 5));
}

#endif
