/* Free text in statements: what stands in the log for ever is its salted hash, so that the text can go (log-format:
 * Statements).
 *
 *     H(salt[32] ‖ text)
 *
 * Salt and text are a class 0 event. Who has both can show that this text was meant; who has neither learns nothing. */
#ifndef TOCSIN_SALTED_TEXT_H
#define TOCSIN_SALTED_TEXT_H

#include "sha256.h"

#define TEXT_SALT_SIZE 32u
#define SALTED_TEXT_MOST 4096u /* bytes of a reason, note or query */

struct hash salted_text(const uint8_t salt[TEXT_SALT_SIZE], struct slice text);

/* Zeros: no text was given. */
bool salted_text_given(const struct hash *hash);

#endif
