/* A person's signature under a statement. */
#ifndef TOCSIN_SIGNING_H
#define TOCSIN_SIGNING_H

#include "command.h"
#include "ed25519.h"
#include "statement.h"

/* The key in that file; NULL: the only one in DATA/people. */
struct signing_key *signing_key_of(const struct command_context *context, const char *path, struct fault *fault);
/* Adds it to the statement, which borrows `signature`. FAULT_CONFLICT where the key has signed already. */
bool signing_add(struct signed_statement *statement, const struct signing_key *key,
                 uint8_t signature[ED25519_SIGNATURE_SIZE], struct fault *fault);

#endif
