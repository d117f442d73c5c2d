/* A statement in words, for whoever is about to sign it: everything that its bytes say, and nothing else.
 *
 * What cannot be explained is refused, and so not to be signed: types that are no person's to sign, payloads that do not read,
 * and salted hashes whose text is not in the file. */
#ifndef TOCSIN_STATEMENT_WORDS_H
#define TOCSIN_STATEMENT_WORDS_H

#include "statement_file.h"

#define STATEMENT_WORDS_MOST (64u * 1024)

/* Appends lines, each with its newline. `names` may give a person's name by id where the file has it not. */
struct statement_names {
    void *context;
    /* A NULL slice where it is not known. */
    struct slice (*person)(void *context, const struct hash *id);
};
bool statement_words(struct buffer *to, const struct statement_file *file,
                     const struct statement_names *names, struct fault *fault);

/* "two people of different roles", for a type; NULL for a number that is none. */
const char *statement_words_signers(uint32_t type);

#endif
