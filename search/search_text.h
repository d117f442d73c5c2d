/* The text that a statement names by its salted hash alone (salted_text.h): an event of class 0 with the fields text.hash and
 * text.salt, erasable like any other. It is believed by the hash, whoever wrote it. */
#ifndef TOCSIN_SEARCH_TEXT_H
#define TOCSIN_SEARCH_TEXT_H

#include "salted_text.h"
#include "search.h"

#define SEARCH_TEXT_QUESTION_SIZE (16u + 2 * HASH_SIZE)

/* The expression that finds the event. */
void search_text_question(const struct hash *hash, char ret_expression[SEARCH_TEXT_QUESTION_SIZE]);
/* Whether a row that was found says what the hash is of. `to` takes the text; ret_salt may be NULL. */
bool search_text_take(const Tocsin__EventRow *row, const struct hash *hash, struct buffer *to,
                      uint8_t ret_salt[TEXT_SALT_SIZE]);

/* Looks it up where the statement was committed at `near_us`, then everywhere. FAULT_MISSING where it is nowhere (any more),
 * FAULT_BUSY when `stopping` ended it, otherwise why it could not be found out. */
bool search_text(const struct search_ground *ground, const struct hash *hash, uint64_t near_us,
                 bool (*stopping)(void *context), void *context, struct buffer *to, struct fault *fault);

#endif
