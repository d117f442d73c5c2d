/* Joining a site, once, by hand or at the first start: shows the token to the collector that it pins, proves the signing
 * key, and writes down what it learns (membership.h). Blocks, with a loop of its own, for JOINING_TIMEOUT_US at most. */
#ifndef TOCSIN_JOINING_H
#define TOCSIN_JOINING_H

#include "buffer.h"
#include "ed25519.h"
#include "membership.h"
#include "tls_identity.h"
#include "token.h"

#define JOINING_TIMEOUT_US 30000000u

/* `name`: the host's own, for a token that is bound to none. `policy` gets the witness policy, empty for none. */
bool joining_run(const char *address, const struct token *token, const char *name,
                 const struct tls_identity *identity, const struct signing_key *key,
                 struct membership *ret_membership, struct buffer *policy, struct fault *fault);

#endif
