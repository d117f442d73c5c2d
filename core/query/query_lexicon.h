/* The words of a sealed segment's templates and variables, made to be searched: letters asked for are looked for in each word
 * once, however many templates have it.
 *
 * Made from an index that outlives it (about a millisecond, and half the index's memory), not changed afterwards: any number
 * of threads may use it. */
#ifndef TOCSIN_QUERY_LEXICON_H
#define TOCSIN_QUERY_LEXICON_H

#include "segment_index.h"

struct query_lexicon;

struct query_lexicon *query_lexicon_create(const struct segment_index *index);
struct query_lexicon *query_lexicon_destroy(struct query_lexicon *lexicon); /* wipes; returns NULL */
size_t query_lexicon_memory(const struct query_lexicon *lexicon);           /* bytes */

/* Where letters (lower case, nothing else) stand inside a word: sets `templates` to 1 for each template that has it, and `blocks`
 * for each block where a variable has it; the others are left as they are. False: no template has it. */
bool query_lexicon_look(const struct query_lexicon *lexicon, struct slice letters, uint8_t *templates,
                        uint8_t *blocks);

#endif
